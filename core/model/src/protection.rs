//! What a manifest says about keys. The keys themselves never appear here.

use std::fmt;

/// How segments are encrypted (`EXT-X-KEY` METHOD, rfc8216bis 4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMethod {
    /// Whole segments, AES-128 in CBC mode with PKCS#7 padding.
    Aes128,
    /// Whole segments, AES-256 in CBC mode with PKCS#7 padding: in no draft of the specification, but in use.
    Aes256,
    /// Whole segments, AES-256 in GCM mode.
    Aes256Gcm,
    /// Samples: `cbcs` in fMP4, Apple's scheme in transport streams.
    SampleAes,
    /// Samples: `cenc`.
    SampleAesCtr,
    /// A method that this player does not know; segments under it must not be decrypted.
    Other(String),
}

impl KeyMethod {
    /// The name as playlists write it.
    pub fn name(&self) -> &str {
        match self {
            Self::Aes128 => "AES-128",
            Self::Aes256 => "AES-256",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::SampleAes => "SAMPLE-AES",
            Self::SampleAesCtr => "SAMPLE-AES-CTR",
            Self::Other(name) => name,
        }
    }

    /// From the name in a playlist; `NONE` is not a method but the end of one.
    pub fn from_name(name: &str) -> Self {
        match name {
            "AES-128" => Self::Aes128,
            "AES-256" => Self::Aes256,
            "AES-256-GCM" => Self::Aes256Gcm,
            "SAMPLE-AES" => Self::SampleAes,
            "SAMPLE-AES-CTR" => Self::SampleAesCtr,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One way to the key of a range of segments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Encryption method.
    pub method: KeyMethod,
    /// Where the key or its description is, as written; relative to the playlist.
    pub uri: Option<String>,
    /// Explicit initialisation vector.
    pub iv: Option<[u8; 16]>,
    /// `KEYFORMAT`; `identity` unless given.
    pub key_format: String,
    /// `KEYFORMATVERSIONS` as written; `1` unless given.
    pub key_format_versions: String,
}

/// A 16-byte key identifier, shown as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// How samples are encrypted (ISO/IEC 23001-7, 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// AES in counter mode.
    Cenc,
    /// AES in counter mode, by a pattern.
    Cens,
    /// AES in chained blocks.
    Cbc1,
    /// AES in chained blocks, by a pattern; each subsample starts anew.
    Cbcs,
}

impl Scheme {
    /// From the four letters of `schm`.
    pub fn from_fourcc(name: [u8; 4]) -> Option<Self> {
        match &name {
            b"cenc" => Some(Self::Cenc),
            b"cens" => Some(Self::Cens),
            b"cbc1" => Some(Self::Cbc1),
            b"cbcs" => Some(Self::Cbcs),
            _ => None,
        }
    }

    /// The four letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cenc => "cenc",
            Self::Cens => "cens",
            Self::Cbc1 => "cbc1",
            Self::Cbcs => "cbcs",
        }
    }
}

/// A clear stretch of a sample and the protected one behind it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Subsample {
    /// Bytes that are clear.
    pub clear: u32,
    /// Bytes behind them that are protected.
    pub protected: u32,
}

/// Everything but the key that is needed to decrypt one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleEncryption<'a> {
    /// How it is encrypted.
    pub scheme: Scheme,
    /// With which key.
    pub kid: KeyId,
    /// Initialisation vector; one of 8 bytes stands in the first half, and zeros behind it.
    pub iv: [u8; 16],
    /// Encrypted blocks of 16 bytes in the pattern; 0 with `skip_blocks` 0 means no pattern.
    pub crypt_blocks: u8,
    /// Clear blocks of 16 bytes in the pattern.
    pub skip_blocks: u8,
    /// Which bytes are protected, from the sample's first on; empty means all of them.
    pub subsamples: &'a [Subsample],
}

/// Protection of a rendition by one key system: a `ContentProtection` descriptor or a session key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Protection {
    /// `cenc`, `cbcs`, …, or the HLS method. Empty if the manifest does not say.
    pub scheme: String,
    /// System UUID in lower case (`edef8ba9-…`), for DASH.
    pub system: Option<String>,
    /// `KEYFORMAT`, for HLS.
    pub key_format: Option<String>,
    /// Default key identifier.
    pub default_kid: Option<KeyId>,
    /// Licence or key URL, absolute.
    pub uri: Option<String>,
    /// Where a licence request is authorised first (`dashif:Authzurl`), absolute.
    pub authorization_uri: Option<String>,
    /// Where the licence server's certificate is (`dashif:Certurl`), absolute.
    pub certificate_uri: Option<String>,
    /// PSSH box (base64 as written in the manifest).
    pub pssh: Option<String>,
    /// PlayReady object (base64 as written in the manifest).
    pub pro: Option<String>,
    /// `@robustness`.
    pub robustness: Option<String>,
}

mod keys;
mod system;

pub use keys::{KeyRef, KeyStatus};
pub use system::{KeySystem, SystemId};
