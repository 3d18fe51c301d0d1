//! Key systems and the names that containers, manifests and platforms have for them.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::KeyId;
use crate::error::{Error, ErrorCode};

/// The UUID of a protection system, as PSSH boxes and DASH descriptors carry it. Shown as a UUID in
/// lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemId(pub [u8; 16]);

impl SystemId {
    /// The system of the W3C whose box holds key identifiers and nothing else; any key system may use it.
    pub const COMMON: Self = Self(0x1077_efec_c0b2_4d02_ace3_3c1e_52e2_fb4b_u128.to_be_bytes());
    /// Widevine.
    pub const WIDEVINE: Self = Self(0xedef_8ba9_79d6_4ace_a3c8_27dc_d51d_21ed_u128.to_be_bytes());
    /// PlayReady.
    pub const PLAYREADY: Self = Self(0x9a04_f079_9840_4286_ab92_e65b_e088_5f95_u128.to_be_bytes());
    /// FairPlay.
    pub const FAIRPLAY: Self = Self(0x94ce_86fb_07ff_4f43_adb8_93d2_fa96_8ca2_u128.to_be_bytes());
    /// ClearKey in MPDs (DASH-IF).
    pub const CLEARKEY: Self = Self(0xe271_9d58_a985_b3c9_781a_b030_af78_d30e_u128.to_be_bytes());
    /// WisePlay.
    pub const WISEPLAY: Self = Self(0x3d5e_6d35_9b9a_41e8_b843_dd3c_6e72_c42c_u128.to_be_bytes());

    /// From a UUID in any of its spellings: case, dashes and braces do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        uuid(text).map(Self)
    }

    /// A short name: of the key system, or `Common`; None for a system that this player does not know.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::COMMON => Some("Common"),
            _ => match KeySystem::from_system_id(self) {
                Some(KeySystem::Other(_)) | None => None,
                Some(known) => Some(known.name()),
            },
        }
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "SystemId({name})"),
            None => write!(f, "SystemId({self})"),
        }
    }
}

impl KeyId {
    /// From a UUID or hexadecimal digits in any spelling, also `0x…` as playlists write `KEYID`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        uuid(digits).map(Self)
    }

    /// The identifier with the byte order of a GUID: its fields of 4, 2 and 2 bytes turned round, as
    /// PlayReady writes it. The same again undoes it.
    #[must_use]
    pub const fn guid_order(self) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }
}

/// Sixteen bytes from 32 hexadecimal digits, with dashes and braces anywhere.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut id = [0_u8; 16];
    let mut digits = 0;
    for digit in text.bytes().filter(|b| !matches!(b, b'-' | b'{' | b'}')) {
        let value = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        let byte = id.get_mut(digits / 2)?;
        *byte = *byte << 4 | value;
        digits += 1;
    }
    (digits == 32).then_some(id)
}

/// Who turns a licence into keys. The order is that of the names; which one is preferred is another
/// matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeySystem {
    /// Keys in the clear (W3C EME, 9.1): in software everywhere. HLS `identity` keys are of it too.
    ClearKey,
    /// FairPlay Streaming.
    FairPlay,
    /// PlayReady.
    PlayReady,
    /// Widevine.
    Widevine,
    /// WisePlay.
    WisePlay,
    /// One that this player knows only by its UUID; the application brings the rest.
    Other(SystemId),
}

/// EME names of each system, the most capable first; then its `KEYFORMAT`s, the usual one first.
const NAMES: [(KeySystem, &str, &[&str], &[&str]); 5] = [
    (KeySystem::ClearKey, "ClearKey", &["org.w3.clearkey"], &["identity", "org.w3.clearkey"]),
    (
        KeySystem::FairPlay,
        "FairPlay",
        &["com.apple.fps", "com.apple.fps.3_0", "com.apple.fps.2_0", "com.apple.fps.1_0"],
        &["com.apple.streamingkeydelivery"],
    ),
    (
        KeySystem::PlayReady,
        "PlayReady",
        &[
            "com.microsoft.playready.recommendation.3000",
            "com.microsoft.playready.recommendation",
            "com.microsoft.playready.hardware",
            "com.microsoft.playready",
            "com.chromecast.playready",
        ],
        &["com.microsoft.playready"],
    ),
    (
        KeySystem::Widevine,
        "Widevine",
        &["com.widevine.alpha.experiment", "com.widevine.alpha"],
        &["urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", "com.widevine"],
    ),
    (KeySystem::WisePlay, "WisePlay", &["com.huawei.wiseplay"], &["urn:uuid:3d5e6d35-9b9a-41e8-b843-dd3c6e72c42c"]),
];

impl KeySystem {
    /// Every system that has a name.
    pub const KNOWN: [Self; 5] = [Self::ClearKey, Self::FairPlay, Self::PlayReady, Self::Widevine, Self::WisePlay];

    fn entry(self) -> Option<&'static (KeySystem, &'static str, &'static [&'static str], &'static [&'static str])> {
        NAMES.iter().find(|(system, ..)| *system == self)
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        self.entry().map_or("other", |(_, name, ..)| name)
    }

    /// Its UUID.
    pub const fn system_id(self) -> SystemId {
        match self {
            Self::ClearKey => SystemId::CLEARKEY,
            Self::FairPlay => SystemId::FAIRPLAY,
            Self::PlayReady => SystemId::PLAYREADY,
            Self::Widevine => SystemId::WIDEVINE,
            Self::WisePlay => SystemId::WISEPLAY,
            Self::Other(id) => id,
        }
    }

    /// From a UUID. None for [`SystemId::COMMON`], which is nobody's own.
    pub const fn from_system_id(id: SystemId) -> Option<Self> {
        match id {
            SystemId::COMMON => None,
            SystemId::CLEARKEY => Some(Self::ClearKey),
            SystemId::FAIRPLAY => Some(Self::FairPlay),
            SystemId::PLAYREADY => Some(Self::PlayReady),
            SystemId::WIDEVINE => Some(Self::Widevine),
            SystemId::WISEPLAY => Some(Self::WisePlay),
            other => Some(Self::Other(other)),
        }
    }

    /// Names that browsers know it by, the most capable first; empty if none is known.
    pub fn eme_names(self) -> &'static [&'static str] {
        self.entry().map_or(&[], |(_, _, names, _)| names)
    }

    /// From a browser's name for it.
    pub fn from_eme_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, _, names, _)| names.contains(&name)).map(|(system, ..)| *system)
    }

    /// Values of `KEYFORMAT` that mean it, the usual one first; `urn:uuid:` with its UUID means it too.
    pub fn key_formats(self) -> &'static [&'static str] {
        self.entry().map_or(&[], |(.., formats)| formats)
    }

    /// From a `KEYFORMAT`; case does not matter.
    pub fn from_key_format(format: &str) -> Option<Self> {
        let named = NAMES.iter().find(|(.., formats)| formats.iter().any(|known| known.eq_ignore_ascii_case(format)));
        if let Some((system, ..)) = named {
            return Some(*system);
        }
        let scheme = format.get(..9)?;
        let id = format.get(9..).filter(|_| scheme.eq_ignore_ascii_case("urn:uuid:")).and_then(SystemId::parse)?;
        if id == SystemId::COMMON {
            return Some(Self::ClearKey);
        }
        Self::from_system_id(id)
    }
}

impl fmt::Display for KeySystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(id) => id.fmt(f),
            known => f.write_str(known.name()),
        }
    }
}

/// As its name or UUID.
impl Serialize for KeySystem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeySystem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl FromStr for KeySystem {
    type Err = Error;

    /// From its name, a browser's name, a `KEYFORMAT` or a UUID, for command lines and configurations.
    fn from_str(text: &str) -> Result<Self, Error> {
        let named = NAMES.iter().find(|(_, name, ..)| name.eq_ignore_ascii_case(text)).map(|(system, ..)| *system);
        named
            .or_else(|| Self::from_eme_name(text))
            .or_else(|| Self::from_key_format(text))
            .or_else(|| SystemId::parse(text).and_then(Self::from_system_id))
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "no key system has this name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_found_by_each_of_its_names() {
        for system in KeySystem::KNOWN {
            assert_eq!(KeySystem::from_system_id(system.system_id()), Some(system));
            assert_eq!(system.name().parse::<KeySystem>().expect("a name"), system);
            assert_eq!(system.system_id().to_string().parse::<KeySystem>().expect("a UUID"), system);
            assert_eq!(KeySystem::from_key_format(&format!("URN:UUID:{}", system.system_id())), Some(system));
            assert!(!system.eme_names().is_empty() && !system.key_formats().is_empty(), "{system}");
            for name in system.eme_names() {
                assert_eq!(KeySystem::from_eme_name(name), Some(system));
            }
            for format in system.key_formats() {
                assert_eq!(KeySystem::from_key_format(&format.to_ascii_uppercase()), Some(system));
            }
        }
    }

    /// The values of the W3C's and the DASH Industry Forum's registries, written out.
    #[test]
    fn uuids_are_written_as_the_registries_write_them() {
        for (id, text) in [
            (SystemId::COMMON, "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"),
            (SystemId::WIDEVINE, "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"),
            (SystemId::PLAYREADY, "9a04f079-9840-4286-ab92-e65be0885f95"),
            (SystemId::FAIRPLAY, "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"),
            (SystemId::CLEARKEY, "e2719d58-a985-b3c9-781a-b030af78d30e"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(SystemId::parse(&text.to_ascii_uppercase()), Some(id));
        }
        assert_eq!(SystemId::parse("{1077EFECC0B24D02ACE33C1E52E2FB4B}"), Some(SystemId::COMMON));
    }

    #[test]
    fn an_unknown_uuid_is_a_system_that_only_the_application_knows() {
        let format = "urn:uuid:5e629af5-38da-4063-8977-97ffbd9902d4";
        let system = KeySystem::from_key_format(format).expect("a UUID");
        assert_eq!(system.to_string(), &format[9..]);
        assert_eq!((system.name(), system.eme_names().len()), ("other", 0));
        assert_eq!(KeySystem::from_key_format("com.example.unknown"), None);
        assert_eq!(KeySystem::from_key_format("urn:uuid:é"), None);
        assert!("com.example.unknown".parse::<KeySystem>().is_err());
    }

    #[test]
    fn a_key_identifier_in_guid_order_has_its_first_three_fields_turned_round() {
        let kid = KeyId::parse("0x00112233445566778899AABBCCDDEEFF").expect("a KEYID");
        assert_eq!(kid.guid_order().to_string(), "33221100554477668899aabbccddeeff");
        assert_eq!(kid.guid_order().guid_order(), kid);
        assert_eq!(KeyId::parse("00112233-4455-6677-8899-aabbccddeeff"), Some(kid));
        for text in ["", "0x", "00112233445566778899aabbccddee", "00112233445566778899aabbccddeeff00", "é"] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
