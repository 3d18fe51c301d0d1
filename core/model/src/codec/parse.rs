//! The grammars of the registered codec strings.

use super::details::{Ac4, Av1, Avc, CodecDetails, Colour, DolbyVision, Hevc, Mp4a, Stpp, Tier, Vp};
use super::CodecFamily;
use crate::presentation::TrackKind;

/// Family and facts of one entry. Sample entry codes are compared without regard to case: `Opus`
/// and `fLaC` are written in every way.
pub(super) fn classify(text: &str) -> (CodecFamily, Option<CodecDetails>) {
    let (entry, rest) = match text.split_once('.') {
        Some((entry, rest)) => (entry, Some(rest)),
        None => (text, None),
    };
    let fields = || rest.unwrap_or_default().split('.');
    let family = match entry.to_ascii_lowercase().as_str() {
        "avc1" | "avc3" => return (CodecFamily::Avc, rest.and_then(avc).map(CodecDetails::Avc)),
        "hvc1" | "hev1" => return (CodecFamily::Hevc, hevc(fields()).map(CodecDetails::Hevc)),
        "dvh1" | "dvhe" | "dva1" | "dvav" | "dav1" => {
            let details = dolby_vision(fields()).map(CodecDetails::DolbyVision);
            return (CodecFamily::DolbyVision, details);
        }
        "vp08" => return (CodecFamily::Vp8, vp(fields()).map(CodecDetails::Vp)),
        "vp09" => return (CodecFamily::Vp9, vp(fields()).map(CodecDetails::Vp)),
        "av01" => return (CodecFamily::Av1, av1(fields()).map(CodecDetails::Av1)),
        "mp4a" => return mp4a(rest),
        "ac-4" | "ac4" => return (CodecFamily::Ac4, ac4(fields()).map(CodecDetails::Ac4)),
        "stpp" => return (CodecFamily::Stpp, rest.and_then(stpp).map(CodecDetails::Stpp)),
        "vp8" => CodecFamily::Vp8,
        "vp9" => CodecFamily::Vp9,
        "mp3" | ".mp3" => CodecFamily::Mp3,
        "aac" => CodecFamily::Aac,
        "ac-3" | "ac3" => CodecFamily::Ac3,
        "ec-3" | "ec3" | "eac3" => CodecFamily::Eac3,
        "opus" => CodecFamily::Opus,
        "flac" => CodecFamily::Flac,
        "alac" => CodecFamily::Alac,
        "vorbis" => CodecFamily::Vorbis,
        "wvtt" => CodecFamily::Wvtt,
        "c608" | "cea608" => CodecFamily::Cea608,
        "c708" | "cea708" => CodecFamily::Cea708,
        _ => CodecFamily::Other,
    };
    (family, None)
}

/// Registered sample entries (mp4ra.org) of codecs that have no family of their own here.
pub(super) fn kind_of_entry(entry: &str) -> Option<TrackKind> {
    Some(match entry.to_ascii_lowercase().as_str() {
        "avc2" | "avc4" | "svc1" | "mvc1" | "hvc2" | "hev2" | "hvt1" | "lhv1" | "lhe1" | "vvc1" | "vvi1" | "evc1"
        | "lvc1" | "mp4v" | "s263" | "mjp2" | "apco" | "apcn" | "apch" | "theora" => TrackKind::Video,
        "mp4a" | "dtsc" | "dtsh" | "dtsl" | "dtse" | "dtsx" | "dtsy" | "mha1" | "mha2" | "mhm1" | "mhm2" | "samr"
        | "sawb" | "sevc" | "mlpa" | "iamf" | "ipcm" | "fpcm" | "twos" | "sowt" | "lpcm" => TrackKind::Audio,
        "tx3g" | "sbtt" | "stxt" | "webvtt" | "ttml" => TrackKind::Text,
        _ => return None,
    })
}

fn decimal(text: &str) -> Option<u8> {
    digits_only(text, u8::is_ascii_digit)?.parse().ok()
}

fn hex(text: &str) -> Option<u8> {
    u8::from_str_radix(digits_only(text, u8::is_ascii_hexdigit)?, 16).ok()
}

/// The standard parsers accept a plus sign; the grammars do not.
fn digits_only(text: &str, digit: impl Fn(&u8) -> bool) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| digit(&byte))).then_some(text)
}

fn avc(rest: &str) -> Option<Avc> {
    if let Some((profile, level)) = rest.split_once('.') {
        // Written before RFC 6381, `avc1.66.30`: profile and level as decimals.
        return Some(Avc { profile: decimal(profile)?, constraints: 0, level: decimal(level)? });
    }
    let byte = |at: usize| rest.get(at..at + 2).and_then(hex);
    (rest.len() == 6).then_some(())?;
    Some(Avc { profile: byte(0)?, constraints: byte(2)?, level: byte(4)? })
}

fn hevc<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Hevc> {
    let profile = fields.next()?;
    let (profile_space, profile_idc) = match profile.as_bytes().first()? {
        letter @ (b'A'..=b'C' | b'a'..=b'c') => (letter.to_ascii_uppercase() - b'@', &profile[1..]),
        _ => (0, profile),
    };
    let compat = u32::from_str_radix(digits_only(fields.next()?, u8::is_ascii_hexdigit)?, 16).ok()?;
    let tier_and_level = fields.next()?;
    let tier = match tier_and_level.as_bytes().first()? {
        b'L' | b'l' => Tier::Main,
        b'H' | b'h' => Tier::High,
        _ => return None,
    };
    let mut constraints = [0; 6];
    let mut slots = constraints.iter_mut();
    for field in fields {
        *slots.next()? = hex(field)?;
    }
    Some(Hevc {
        profile_space,
        profile_idc: decimal(profile_idc).filter(|idc| *idc < 32)?,
        compat,
        tier,
        level: decimal(&tier_and_level[1..])?,
        constraints,
    })
}

fn dolby_vision<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<DolbyVision> {
    Some(DolbyVision { profile: decimal(fields.next()?)?, level: decimal(fields.next()?)? })
}

fn vp<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Vp> {
    Some(Vp {
        profile: decimal(fields.next()?)?,
        level: decimal(fields.next()?)?,
        bit_depth: decimal(fields.next()?)?,
        chroma: fields.next().map_or(Some(1), decimal)?,
        colour: colour(fields)?,
    })
}

fn av1<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Av1> {
    let profile = decimal(fields.next()?)?;
    let level_and_tier = fields.next()?;
    let (tier, level) = match (level_and_tier.strip_suffix('M'), level_and_tier.strip_suffix('H')) {
        (Some(level), _) => (Tier::Main, level),
        (_, Some(level)) => (Tier::High, level),
        _ => return None,
    };
    Some(Av1 {
        profile,
        level: decimal(level)?,
        tier,
        bit_depth: decimal(fields.next()?)?,
        monochrome: fields.next().map_or(Some(0), decimal)? == 1,
        chroma: match fields.next() {
            Some(digits) => digits_only(digits, u8::is_ascii_digit)?.parse().ok()?,
            None => 110,
        },
        colour: colour(fields)?,
    })
}

/// The last four fields of VP9 and AV1 strings; each may be left out from the end.
fn colour<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Colour> {
    let omitted = Colour::default();
    let mut next = |default: u8| fields.next().map_or(Some(default), decimal);
    Some(Colour {
        primaries: next(omitted.primaries)?,
        transfer: next(omitted.transfer)?,
        matrix: next(omitted.matrix)?,
        full_range: next(0)? == 1,
    })
}

fn mp4a(rest: Option<&str>) -> (CodecFamily, Option<CodecDetails>) {
    // Bare `mp4a` states nothing, but nobody means anything but AAC by it.
    let Some(rest) = rest else {
        return (CodecFamily::Aac, None);
    };
    let mut fields = rest.split('.');
    let Some(object_type) = fields.next().and_then(hex) else {
        return (CodecFamily::Other, None);
    };
    let audio_object_type = fields.next().and_then(decimal);
    let family = match (object_type, audio_object_type) {
        (0x40, Some(32..=34)) | (0x69 | 0x6B, _) => CodecFamily::Mp3,
        (0x40 | 0x66..=0x68, _) => CodecFamily::Aac,
        (0xA5, _) => CodecFamily::Ac3,
        (0xA6, _) => CodecFamily::Eac3,
        (0xAD, _) => CodecFamily::Opus,
        (0xAE, _) => CodecFamily::Ac4,
        (0xDD, _) => CodecFamily::Vorbis,
        _ => CodecFamily::Other,
    };
    let details = Mp4a { object_type, audio_object_type };
    (family, Some(CodecDetails::Mp4a(details)))
}

fn ac4<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Ac4> {
    Some(Ac4 {
        bitstream_version: hex(fields.next()?)?,
        presentation_version: hex(fields.next()?)?,
        compatibility: hex(fields.next()?)?,
    })
}

fn stpp(rest: &str) -> Option<Stpp> {
    let (namespace, profiles) = rest.split_once('.')?;
    namespace.eq_ignore_ascii_case("ttml").then_some(())?;
    // `+` joins profiles that a processor needs together, `|` those of which it needs one.
    let mut stpp = Stpp { text: false, image: false };
    for profile in profiles.split(['+', '|']) {
        match profile.to_ascii_lowercase().as_str() {
            "im1i" | "im2i" => stpp.image = true,
            _ => stpp.text = true,
        }
    }
    Some(stpp)
}
