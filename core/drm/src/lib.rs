//! From protected samples and segments to clear ones.
//!
//! - [`ContentKey`] and [`SegmentKey`]: keys that are wiped when they are dropped and never shown.
//! - [`SampleDecryptor`]: Common Encryption (ISO/IEC 23001-7) in place, all four schemes, under any number of keys;
//!   [`decrypt_sample`] does it under one.
//! - [`SegmentDecryptor`]: whole segments of HLS (AES-128, AES-256, AES-256-GCM) as their bytes arrive.
//! - [`CipherBackend`] and [`KeyedCipher`]: the door to AES. [`SoftwareAes`] is the default: the `aes`
//!   crate, which finds AES instructions at run time and is constant-time without them. The feature `aws-lc` adds
//!   `AwsLcAes`, which needs a C compiler.
//!
//! Build this crate in one codegen unit (`[profile.release.package.telecine-drm] codegen-units = 1`, as this workspace
//! does): in several, counters and chains take twice the time (`examples/throughput.rs` measures).
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
mod cipher;
mod key;
mod segment;

pub use cenc::{decrypt_sample, SampleDecryptor};
#[cfg(feature = "aws-lc")]
pub use cipher::AwsLcAes;
pub use cipher::{CipherBackend, KeyedCipher, SoftwareAes, BLOCK};
pub use key::{AesKey, ContentKey, SegmentKey};
pub use segment::{implicit_iv, SegmentDecryptor};
