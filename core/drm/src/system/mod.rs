//! Key systems: their initialisation data, what of it concerns a player, and the choice of one.
//!
//! Nothing here decrypts or talks to a server. [`KeyRequirement`] says which keys a rendition needs and
//! how each key system would get them; [`choose`] picks the systems for a device.

mod choose;
pub mod clearkey;
pub mod fairplay;
mod hdcp;
mod init_data;
pub mod playready;
mod protobuf;
mod pssh;
mod requirement;
mod text;
pub mod widevine;
mod xml;

pub use choose::{
    choose, CertificateUse, Choice, DrmCapabilities, DrmPreferences, Need, Plan, Refusal, Renewal, SystemCapability,
    SystemPreference, ROBUSTNESS_PLAYREADY, ROBUSTNESS_WIDEVINE,
};
pub use hdcp::HdcpVersion;
pub use init_data::{InitData, InitDataKind};
pub use pssh::Pssh;
pub use requirement::{Certificate, IdentityKey, KeyRequirement, SystemOffer};
pub use text::{base64_bytes, DataUri};
