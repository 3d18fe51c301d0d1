//! From protected samples to clear ones, and from what content says of its keys to the keys.
//!
//! - [`ContentKey`], [`SecretBytes`], [`KeyUrl`]: what is wiped when it is dropped, or shown without its
//!   secrets.
//! - [`CipherBackend`] and [`KeyedCipher`]: the door to AES. [`SoftwareAes`] is the default: the `aes`
//!   crate, which finds AES instructions at run time and is constant-time without them. The feature `aws-lc`
//!   adds `AwsLcAes`, which needs a C compiler.
//! - [`SampleDecryptor`] and [`decrypt_sample`]: Common Encryption (ISO/IEC 23001-7) in place, all four schemes.
//! - [`SegmentDecryptor`]: whole segments of HLS (AES-128, AES-256, AES-256-GCM) as their bytes arrive.
//! - [`system`]: PSSH boxes, Widevine, PlayReady, FairPlay, ClearKey; [`system::KeyRequirement`] says which
//!   keys a rendition needs, [`system::choose`] which key system of the device gets them.
//! - [`session`]: key sessions along the life cycle of W3C EME, without a clock or a network of their own;
//!   [`session::CdmCommand`] and [`session::CdmEvent`] are the port to the key system of a device.
//! - [`clearkey`]: a whole key system in software, for keys in the clear.
//! - [`testing`]: doubles of a commercial key system and its licence server, for tests.
//!
//! # What has been exercised, and what has not
//!
//! For real: the readers of PSSH boxes, Widevine data and PlayReady objects on the bytes of
//! shaka-packager 3.8.0 (boxes of moov and moof, `cenc` and `cbcs`, headers 4.0 and 4.3, checksums against
//! the keys that they were made from), on published examples, and under a fuzzer; ClearKey from initialisation
//! data to a key that decrypts a published vector, its request byte for byte as Chromium writes it. Only
//! against the double in [`testing`]: everything that a commercial CDM and its servers do in a session, that is
//! certificates, provisioning, renewals, output restrictions, session limits, stored licences and their release,
//! resets and failures. Against nothing: a real Widevine, PlayReady or FairPlay CDM or licence server, MediaDrm,
//! a browser's EME through this port; PlayReady headers 4.1 and 4.2, the JSON of `com.widevine`, the wrapping
//! of PlayReady messages and the older form of FairPlay's initialisation data were written from
//! documentation or from what other players do, and have only met texts of our own.
//!
//! The ciphers themselves are in `telecine-cipher`, which a build for speed makes in one codegen unit.
//!
//! # A sample
//!
//! ```
//! use telecine_drm::{decrypt_sample, CipherBackend, ContentKey, SoftwareAes};
//! use telecine_model::protection::{KeyId, SampleEncryption, Scheme, Subsample};
//!
//! // NIST SP 800-38A, F.2.2, first block, behind four clear bytes.
//! let key: ContentKey = "2b7e151628aed2a6abf7158809cf4f3c".parse()?;
//! let mut sample = *b"head\x76\x49\xab\xac\x81\x19\xb2\x46\xce\xe9\x8e\x9b\x12\xe9\x19\x7d";
//! let encryption = SampleEncryption {
//!     scheme: Scheme::Cbcs,
//!     kid: KeyId([0; 16]),
//!     iv: core::array::from_fn(|i| i as u8),
//!     crypt_blocks: 1,
//!     skip_blocks: 9,
//!     subsamples: &[Subsample { clear: 4, protected: 16 }],
//! };
//! decrypt_sample(&*SoftwareAes.open(&key)?, &encryption, &mut sample)?;
//! assert_eq!(&sample[4..8], b"\x6b\xc1\xbe\xe2");
//! # Ok::<(), telecine_model::Error>(())
//! ```

#![forbid(unsafe_code)]

mod cenc;
pub mod clearkey;
mod secret;
mod segment;
pub mod session;
pub mod system;
pub mod testing;
mod url;

pub use cenc::{decrypt_sample, SampleDecryptor};
pub use secret::SecretBytes;
pub use segment::{implicit_iv, SegmentDecryptor};
#[cfg(feature = "aws-lc")]
pub use telecine_cipher::AwsLcAes;
pub use telecine_cipher::{AesKey, CipherBackend, ContentKey, KeyedCipher, SegmentKey, SoftwareAes, BLOCK};
pub use url::KeyUrl;
