//! Protected titles: which keys there are, and who gets them.
//!
//! Everything is written here with the bare block cipher: the player's decryption shares no code with it, so that the
//! one can be the oracle of the other.

mod cenc;
mod cipher;
mod licence;

use std::num::NonZeroU64;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use bytes::{BufMut, Bytes, BytesMut};

use crate::options::{number, switch};
use crate::title::{Title, Track};

pub(crate) use cenc::protected;
pub(crate) use cipher::{Cbc, BLOCK};
pub(crate) use licence::{keys_file, licence, read_keys_file, title_keys, Decision, KnownKey};

/// The system id of the common `pssh` box (W3C "cenc" Initialization Data Format).
const COMMON_SYSTEM: [u8; 16] =
    [0x10, 0x77, 0xef, 0xec, 0xc0, 0xb2, 0x4d, 0x02, 0xac, 0xe3, 0x3c, 0x1e, 0x52, 0xe2, 0xfb, 0x4b];
/// The same, as HLS and DASH write it.
pub(crate) const COMMON_SYSTEM_URN: &str = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
/// ClearKey in DASH (DASH-IF).
pub(crate) const CLEARKEY_URN: &str = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e";

/// How media is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    /// Whole segments (HLS `METHOD=AES-128`).
    Aes128,
    /// Access units of transport streams and packed audio (HLS `METHOD=SAMPLE-AES`).
    SampleAes,
    /// AES-CTR over the samples.
    Cenc,
    /// AES-CTR with a pattern.
    Cens,
    /// AES-CBC over the samples.
    Cbc1,
    /// AES-CBC with a pattern.
    Cbcs,
}

impl Scheme {
    const ALL: [Self; 6] = [Self::Aes128, Self::SampleAes, Self::Cenc, Self::Cens, Self::Cbc1, Self::Cbcs];

    /// The value of `prot_`; of Common Encryption also the code of the scheme.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "aes128",
            Self::SampleAes => "sampleaes",
            Self::Cenc => "cenc",
            Self::Cens => "cens",
            Self::Cbc1 => "cbc1",
            Self::Cbcs => "cbcs",
        }
    }

    /// Whether it is one of Common Encryption (ISO/IEC 23001-7).
    pub(crate) fn is_common(self) -> bool {
        !matches!(self, Self::Aes128 | Self::SampleAes)
    }

    /// The method of an `EXT-X-KEY`; HLS has none for the other two.
    pub(crate) fn method(self) -> Option<&'static str> {
        match self {
            Self::Aes128 => Some("AES-128"),
            Self::SampleAes | Self::Cbcs => Some("SAMPLE-AES"),
            Self::Cenc => Some("SAMPLE-AES-CTR"),
            Self::Cens | Self::Cbc1 => None,
        }
    }
}

/// Which renditions share a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// All of them.
    #[default]
    One,
    /// Those of pictures one, those of sound another.
    Kinds,
    /// None.
    Each,
}

/// What an `EXT-X-KEY` of Common Encryption says about where the key comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyFormat {
    /// `identity`: the URL of the key.
    #[default]
    Identity,
    /// The common `pssh` box; the key comes from a licence.
    Pssh,
    /// `identity` with the KID in the URI, as one packager writes it.
    Kid,
    /// The first two.
    All,
}

/// How a title is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Protection {
    /// `prot_<scheme>`.
    pub(crate) scheme: Option<Scheme>,
    /// `keys_<scope>`.
    pub(crate) scope: Scope,
    /// `krot_<n>`: another key every n segments.
    pub(crate) rotation: Option<NonZeroU64>,
    /// `lead_<n>`: so many segments at the start are clear.
    pub(crate) lead: u64,
    /// `iv_implicit`: AES-128 takes the media sequence number.
    pub(crate) implicit_iv: bool,
    /// `iv_wrap`: vectors of 16 bytes whose lower half wraps within the first sample.
    pub(crate) wrapping_iv: bool,
    /// `pattern_<crypt>-<skip>`: of cens and cbcs.
    pub(crate) pattern: Option<(u8, u8)>,
    /// `kf_<format>`.
    pub(crate) key_format: KeyFormat,
    /// Who gets a key.
    pub(crate) access: Access,
}

/// What keys and licences are given for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// `kauth_<token>`: `Authorization: Bearer <token>` is required.
    pub(crate) bearer: Option<String>,
    /// `ktoken_<token>`: `token=<token>` is required in the query.
    pub(crate) token: Option<String>,
    /// `kdelay_<ms>`: keys and licences come this much later.
    pub(crate) delay_ms: u64,
    /// `kwrong_1`: the keys are not those of the media.
    pub(crate) wrong: bool,
    /// `kmissing_<n>`: key n is not given.
    pub(crate) missing: Option<u64>,
    /// `kexpire_<s>`: none is given so many seconds after the origin started.
    pub(crate) expiry_s: Option<u64>,
    /// `klong_1`: key files have one byte too many.
    pub(crate) long: bool,
}

/// One key of a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyName {
    /// Which of those of the scope.
    pub(crate) scope: u64,
    /// Which of the rotation.
    pub(crate) period: u64,
}

impl KeyName {
    /// The name of its file, without the extension.
    pub(crate) fn file(self) -> String {
        format!("{}-{}", self.scope, self.period)
    }

    /// Reads what [`KeyName::file`] writes.
    pub(crate) fn read(stem: &str) -> Option<Self> {
        let (scope, period) = stem.split_once('-')?;
        let name = Self { scope: scope.parse().ok()?, period: period.parse().ok()? };
        (name.file() == stem && name.scope <= 0xffff && name.period <= 0xffff).then_some(name)
    }

    /// `telecine`, four zeros, and the numbers of the key.
    pub(crate) fn kid(self) -> [u8; 16] {
        let mut kid = *b"telecine\0\0\0\0\0\0\0\0";
        kid[12..14].copy_from_slice(&(self.scope as u16).to_be_bytes());
        kid[14..].copy_from_slice(&(self.period as u16).to_be_bytes());
        kid
    }

    /// The key of a KID is the KID with every bit turned over: anybody can tell it, as it is no secret.
    pub(crate) fn key(self) -> [u8; 16] {
        self.kid().map(|byte| !byte)
    }

    /// The vector of whole segments, and of Common Encryption's schemes with a constant one.
    pub(crate) fn iv(self) -> [u8; 16] {
        let mut iv = *b"initialvector000";
        iv[12..14].copy_from_slice(&(self.scope as u16).to_be_bytes());
        iv[14..].copy_from_slice(&(self.period as u16).to_be_bytes());
        iv
    }
}

impl Protection {
    /// Takes an option, like [`crate::fault::Faults::set`].
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let word = || {
            let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
            (!value.is_empty() && value.chars().all(clean)).then(|| value.to_owned())
        };
        let access = &mut self.access;
        let done = match name {
            "prot" => {
                let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.name() == value);
                scheme.map(|scheme| self.scheme = Some(scheme))
            }
            "keys" => match value {
                "one" => Some(Scope::One),
                "kinds" => Some(Scope::Kinds),
                "each" => Some(Scope::Each),
                _ => None,
            }
            .map(|scope| self.scope = scope),
            "krot" => number(value, 1..=86_400).map(|n| self.rotation = NonZeroU64::new(n)),
            "lead" => number(value, 0..=86_400).map(|n| self.lead = n),
            "iv" => {
                (self.implicit_iv, self.wrapping_iv) = (value == "implicit", value == "wrap");
                matches!(value, "explicit" | "implicit" | "wrap").then_some(())
            }
            "pattern" => pattern(value).map(|pattern| self.pattern = Some(pattern)),
            "kf" => match value {
                "identity" => Some(KeyFormat::Identity),
                "pssh" => Some(KeyFormat::Pssh),
                "kid" => Some(KeyFormat::Kid),
                "all" => Some(KeyFormat::All),
                _ => None,
            }
            .map(|format| self.key_format = format),
            "kauth" => word().map(|token| access.bearer = Some(token)),
            "ktoken" => word().map(|token| access.token = Some(token)),
            "kdelay" => number(value, 0..=3_600_000).map(|ms| access.delay_ms = ms),
            "kwrong" => switch(value).map(|on| access.wrong = on),
            "kmissing" => number(value, 0..=u64::MAX).map(|n| access.missing = Some(n)),
            "kexpire" => number(value, 0..=u64::MAX / 1000).map(|s| access.expiry_s = Some(s)),
            "klong" => switch(value).map(|on| access.long = on),
            _ => return None,
        };
        Some(done)
    }

    /// The scheme, if it is one of Common Encryption.
    pub(crate) fn common(&self) -> Option<Scheme> {
        self.scheme.filter(|scheme| scheme.is_common())
    }

    /// Crypt and skip blocks of a scheme with a pattern; sound has none (ISO/IEC 23001-7, 10.2 to 10.4).
    pub(crate) fn pattern(&self, track: &Track) -> Option<(u8, u8)> {
        match self.scheme {
            Some(Scheme::Cens | Scheme::Cbcs) if track.is_video() => Some(self.pattern.unwrap_or((1, 9))),
            Some(Scheme::Cens | Scheme::Cbcs) => Some((0, 0)),
            _ => None,
        }
    }

    /// Which of the keys in use at once a rendition has.
    fn scope_of(&self, title: &Title, track: &Track) -> u64 {
        match self.scope {
            Scope::One => 0,
            Scope::Kinds => u64::from(!track.is_video()),
            Scope::Each => title.tracks.iter().position(|known| known.id == track.id).unwrap_or(0) as u64,
        }
    }

    /// How many keys are in use at once, and after another.
    fn counts(&self, title: &Title) -> (u64, u64) {
        let scopes = match self.scope {
            Scope::One => 1,
            Scope::Kinds => 2,
            Scope::Each => title.tracks.len() as u64,
        };
        let segments = title.tracks.iter().map(|track| track.fragments.len() as u64).max().unwrap_or(1);
        (scopes, self.rotation.map_or(1, |n| segments.div_ceil(n.get())))
    }

    /// All keys of a title, in order.
    pub(crate) fn keys(&self, title: &Title) -> Vec<KeyName> {
        let (scopes, periods) = self.counts(title);
        (0..periods).flat_map(|period| (0..scopes).map(move |scope| KeyName { scope, period })).collect()
    }

    /// The key of segment `n` of a rendition, whose keys begin again when the title does; None in the clear lead.
    pub(crate) fn key_of(&self, title: &Title, track: &Track, n: u64) -> Option<KeyName> {
        let index = n % track.fragments.len() as u64;
        (self.scheme.is_some() && n >= self.lead).then(|| KeyName {
            scope: self.scope_of(title, track),
            period: self.rotation.map_or(0, |size| index / size.get()),
        })
    }
}

fn pattern(value: &str) -> Option<(u8, u8)> {
    let (crypt, skip) = value.split_once('-')?;
    let blocks = |text: &str| text.parse::<u8>().ok().filter(|n| *n < 16);
    blocks(crypt).zip(blocks(skip)).filter(|(crypt, _)| *crypt > 0)
}

/// The common `pssh` box of some keys: version 1, no data.
pub(crate) fn pssh(keys: &[KeyName]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u32(36 + 16 * keys.len() as u32);
    out.put_slice(b"pssh\x01\0\0\0");
    out.put_slice(&COMMON_SYSTEM);
    out.put_u32(keys.len() as u32);
    keys.iter().for_each(|key| out.put_slice(&key.kid()));
    out.put_u32(0);
    out.freeze()
}

/// Bytes in base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A KID in the form of a UUID.
pub(crate) fn uuid(kid: &[u8; 16]) -> String {
    let hex = hex(kid);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_names() {
        let name = KeyName { scope: 1, period: 2 };
        assert_eq!(KeyName::read("1-2"), Some(name));
        assert_eq!(uuid(&name.kid()), "74656c65-6369-6e65-0000-000000010002");
        assert_eq!(hex(&name.key()), "8b9a939a9c96919afffffffffffefffd");
        for wrong in ["", "1", "1-", "01-2", "1-2-3", "65536-0", "-1-0"] {
            assert_eq!(KeyName::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_rotate_within_the_title_and_begin_again_with_it() {
        let title = Title::demo();
        let mut protection = Protection::default();
        for (name, value) in [("prot", "cenc"), ("keys", "kinds"), ("krot", "5"), ("lead", "2")] {
            assert_eq!(protection.set(name, value), Some(Some(())), "{name}");
        }
        let sound = title.tracks.iter().find(|track| !track.is_video()).expect("sound");
        let period = |n| protection.key_of(&title, sound, n).map(|key| (key.scope, key.period));
        let periods: Vec<_> = [0, 1, 2, 4, 5, 9, 10, 11, 12].map(period).into_iter().collect();
        let expected = [None, None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), Some(0)];
        assert_eq!(periods, expected.map(|period| period.map(|period| (1, period))));
        assert_eq!(protection.keys(&title).len(), 6);
    }
}
