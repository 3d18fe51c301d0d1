//! Keys: of whole segments and of samples, and what plays as long as they are on their way.
//!
//! Key sessions, ClearKey in software and the decryptor are in [`licences`], stored licences that are to be destroyed in
//! [`releases`]; what comes of them are facts ([`facts`]), by which [`gate`] decides what waits, what is fetched and what
//! is left out. Key files of segments that are encrypted whole are requests like others ([`files`]).

mod facts;
mod files;
mod gate;
mod licences;
mod releases;
mod setup;

pub use facts::CdmNote;
pub(crate) use facts::{Findings, KeyFact, NeedId, Opened};
pub(crate) use files::{Bar, Cover, GivenKey, KeyFiles, Lock};
pub(crate) use gate::{fragment_of, Configured, Keys, Source};
pub(crate) use licences::Licences;
pub use setup::KeySetup;
