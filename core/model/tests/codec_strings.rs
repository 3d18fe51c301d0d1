//! Codec strings: the examples of the specifications that register them, old and odd spellings,
//! and what no spelling may do.

use proptest::prelude::*;
use telecine_model::codec::{Av1, Avc, Codec, CodecDetails, CodecFamily, Colour, DolbyVision, Hevc, Mp4a, Tier, Vp};
use telecine_model::TrackKind;

fn details(text: &str) -> Option<CodecDetails> {
    Codec::parse(text).details().copied()
}

#[test]
fn every_registered_sample_entry_has_its_family_and_kind() {
    use CodecFamily as F;
    use TrackKind::{Audio, Text, Video};
    for (text, family, kind) in [
        ("avc1.64001f", F::Avc, Video),
        ("avc3.42E01E", F::Avc, Video),
        ("hvc1.1.6.L93.B0", F::Hevc, Video),
        ("hev1.2.4.L153.B0", F::Hevc, Video),
        ("dvh1.05.06", F::DolbyVision, Video),
        ("dvhe.08.09", F::DolbyVision, Video),
        ("dva1.09.05", F::DolbyVision, Video),
        ("dvav.09.05", F::DolbyVision, Video),
        ("dav1.10.09", F::DolbyVision, Video),
        ("vp08.00.41.08", F::Vp8, Video),
        ("vp8", F::Vp8, Video),
        ("vp09.00.10.08", F::Vp9, Video),
        ("vp9", F::Vp9, Video),
        ("av01.0.04M.08", F::Av1, Video),
        ("mp4a.40.2", F::Aac, Audio),
        ("mp4a.40.5", F::Aac, Audio),
        ("mp4a.40.29", F::Aac, Audio),
        ("mp4a.40.42", F::Aac, Audio),
        ("mp4a.67", F::Aac, Audio),
        ("mp4a", F::Aac, Audio),
        ("mp4a.40.34", F::Mp3, Audio),
        ("mp4a.69", F::Mp3, Audio),
        ("mp4a.6B", F::Mp3, Audio),
        ("mp4a.6b", F::Mp3, Audio),
        ("mp4a.a5", F::Ac3, Audio),
        ("mp4a.a6", F::Eac3, Audio),
        ("ac-3", F::Ac3, Audio),
        ("ec-3", F::Eac3, Audio),
        ("ac-4.02.01.03", F::Ac4, Audio),
        ("Opus", F::Opus, Audio),
        ("opus", F::Opus, Audio),
        ("fLaC", F::Flac, Audio),
        ("flac", F::Flac, Audio),
        ("alac", F::Alac, Audio),
        ("vorbis", F::Vorbis, Audio),
        ("stpp", F::Stpp, Text),
        ("stpp.ttml.im1t", F::Stpp, Text),
        ("wvtt", F::Wvtt, Text),
        ("c608", F::Cea608, Text),
        ("c708", F::Cea708, Text),
    ] {
        let codec = Codec::parse(text);
        assert_eq!((codec.family(), codec.kind()), (family, Some(kind)), "{text}");
        assert_eq!(codec.to_string(), text, "the text is kept");
    }
}

/// RFC 6381, 3.4 and 3.6.
#[test]
fn the_examples_of_rfc_6381_are_read() {
    let list = Codec::parse_list("mp4v.20.9, mp4a.E1");
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].kind(), Some(TrackKind::Video));
    assert_eq!(list[1].kind(), Some(TrackKind::Audio), "QCELP is sound, if not a known one");
    assert_eq!(list[1].family(), CodecFamily::Other);
    let expected = Avc { profile: 0x42, constraints: 0xE0, level: 30 };
    assert_eq!(details("avc1.42E01E"), Some(CodecDetails::Avc(expected)));
}

#[test]
fn avc_of_the_decimal_form_before_rfc_6381_is_read() {
    let expected = Avc { profile: 66, constraints: 0, level: 30 };
    assert_eq!(details("avc1.66.30"), Some(CodecDetails::Avc(expected)));
    assert!(matches!(details("avc1.100.41"), Some(CodecDetails::Avc(Avc { profile: 100, level: 41, .. }))));
}

/// ISO/IEC 14496-15, E.3: a main profile stream, and one with every field.
#[test]
fn the_hevc_examples_of_its_annex_are_read() {
    let main = Hevc {
        profile_space: 0,
        profile_idc: 1,
        compat: 6,
        tier: Tier::Main,
        level: 93,
        constraints: [0xB0, 0, 0, 0, 0, 0],
    };
    assert_eq!(details("hev1.1.6.L93.B0"), Some(CodecDetails::Hevc(main)));
    let high = Hevc {
        profile_space: 1,
        profile_idc: 4,
        compat: 0x41,
        tier: Tier::High,
        level: 120,
        constraints: [0xB0, 0x23, 0, 0, 0, 0],
    };
    assert_eq!(details("hev1.A4.41.H120.B0.23"), Some(CodecDetails::Hevc(high)));
}

#[test]
fn dolby_vision_states_profile_and_level() {
    assert_eq!(details("dvh1.05.06"), Some(CodecDetails::DolbyVision(DolbyVision { profile: 5, level: 6 })));
}

/// VP Codec ISO Media File Format Binding, "Codecs Parameter String".
#[test]
fn the_vp9_examples_of_its_binding_are_read() {
    let hdr = Vp {
        profile: 2,
        level: 10,
        bit_depth: 10,
        chroma: 1,
        colour: Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true },
    };
    assert_eq!(details("vp09.02.10.10.01.09.16.09.01"), Some(CodecDetails::Vp(hdr)));
    let short = Vp { profile: 0, level: 41, bit_depth: 8, chroma: 1, colour: Colour::default() };
    assert_eq!(details("vp09.00.41.08"), Some(CodecDetails::Vp(short)));
}

/// AV1 Codec ISO Media File Format Binding, 5.
#[test]
fn the_av1_examples_of_its_binding_are_read() {
    let full = Av1 {
        profile: 0,
        level: 4,
        tier: Tier::Main,
        bit_depth: 10,
        monochrome: false,
        chroma: 112,
        colour: Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false },
    };
    assert_eq!(details("av01.0.04M.10.0.112.09.16.09.0"), Some(CodecDetails::Av1(full)));
    let short = Av1 { level: 15, chroma: 110, colour: Colour::default(), ..full };
    assert_eq!(details("av01.0.15M.10"), Some(CodecDetails::Av1(short)));
}

#[test]
fn aac_states_its_object_types() {
    let he = Mp4a { object_type: 0x40, audio_object_type: Some(5) };
    assert_eq!(details("mp4a.40.5"), Some(CodecDetails::Mp4a(he)));
    assert_eq!(details("mp4a.40.05"), Some(CodecDetails::Mp4a(he)), "a leading zero is tolerated");
    let mpeg2 = Mp4a { object_type: 0x67, audio_object_type: None };
    assert_eq!(details("mp4a.67"), Some(CodecDetails::Mp4a(mpeg2)));
}

/// W3C TTML profile registry: image subtitles need another renderer than text.
#[test]
fn ttml_profiles_tell_text_from_images() {
    for (text, is_text, is_image) in [
        ("stpp.ttml.im1t", true, false),
        ("stpp.TTML.im1i", false, true),
        ("stpp.ttml.im1t|etd1", true, false),
        ("stpp.ttml.im1t+im1i", true, true),
    ] {
        let Some(CodecDetails::Stpp(stpp)) = details(text) else { panic!("{text}") };
        assert_eq!((stpp.text, stpp.image), (is_text, is_image), "{text}");
    }
}

#[test]
fn what_is_unknown_or_malformed_is_kept_and_states_nothing() {
    for text in [
        "",
        "xyz9.1",
        "avc1.zz",
        "avc1.42E01",
        "avc1.+2E01E",
        "avc1.é1E0",
        "hvc1.1.6",
        "hvc1.1.6.X93",
        "hvc1.1.6.L93.1.2.3.4.5.6.7",
        "hvc1.é",
        "hvc1.99.6.L93",
        "av01.0.04X.08",
        "vp09.00",
        "mp4a.zz",
        "dvh1.5",
        "stpp.x",
    ] {
        let codec = Codec::parse(text);
        assert_eq!(codec.details(), None, "{text}");
        assert_eq!(codec.as_str(), text);
    }
    assert_eq!(Codec::parse("xyz9.1").family(), CodecFamily::Other);
    assert_eq!(Codec::parse("xyz9.1").kind(), None);
}

#[test]
fn a_list_is_split_at_commas_and_white_space_dropped() {
    let texts: Vec<String> =
        Codec::parse_list(" avc1.4d401e ,mp4a.40.2,, wvtt ").iter().map(Codec::to_string).collect();
    assert_eq!(texts, ["avc1.4d401e", "mp4a.40.2", "wvtt"]);
    assert!(Codec::parse_list(" , ").is_empty());
}

#[test]
fn a_decoder_goes_on_within_family_and_sample_entry() {
    let same = |a: &str, b: &str| Codec::parse(a).same_decoder(&Codec::parse(b));
    assert!(same("avc1.42E01E", "avc1.640028"));
    assert!(!same("avc1.640028", "avc3.640028"), "parameter sets move into the samples");
    assert!(!same("hvc1.1.6.L93.B0", "hev1.1.6.L93.B0"));
    assert!(!same("hvc1.2.4.L150.B0", "dvh1.05.06"));
    assert!(same("mp4a.40.2", "mp4a.40.5"));
    assert!(!same("mp4a.40.2", "mp4a.40.42"));
    assert!(!same("mp4a.40.2", "mp4a.6B"));
    assert!(same("vp9", "vp09.02.10.10"));
    assert!(same("opus", "Opus"));
    assert!(same("dtsc", "DTSC") && !same("dtsc", "dtsh"));
}

#[test]
fn equality_is_of_the_text_and_serialisation_is_the_text() {
    assert_ne!(Codec::parse("opus"), Codec::parse("Opus"));
    assert_eq!(Codec::parse(" opus "), Codec::parse("opus"));
    assert_eq!(String::from(Codec::from("ec-3".to_owned())), "ec-3");
}

proptest! {
    #[test]
    fn no_text_panics_and_each_comes_back(text in ".{0,40}") {
        let codec = Codec::parse(&text);
        prop_assert_eq!(codec.as_str(), text.trim());
        prop_assert!(codec.same_decoder(&codec));
    }

    #[test]
    fn near_misses_of_real_strings_do_not_panic(
        entry in prop::sample::select(vec!["avc1", "hvc1", "dvh1", "vp09", "av01", "mp4a", "ac-4", "stpp"]),
        fields in prop::collection::vec("[0-9A-FLHMa-cé+|]{0,7}", 0..12),
    ) {
        let text = format!("{entry}.{}", fields.join("."));
        prop_assert_eq!(Codec::parse(&text).to_string(), text);
    }

    #[test]
    fn hevc_fields_survive_the_way_there_and_back(
        space in 0_u8..4, idc in 0_u8..32, compat: u32, high: bool, level: u8, bytes: [u8; 6],
    ) {
        let space_letter = ["", "A", "B", "C"][usize::from(space)];
        let constraints: Vec<String> = bytes.iter().map(|byte| format!("{byte:X}")).collect();
        let tier = if high { 'H' } else { 'L' };
        let text = format!("hvc1.{space_letter}{idc}.{compat:X}.{tier}{level}.{}", constraints.join("."));
        let expected = Hevc {
            profile_space: space,
            profile_idc: idc,
            compat,
            tier: if high { Tier::High } else { Tier::Main },
            level,
            constraints: bytes,
        };
        prop_assert_eq!(details(&text), Some(CodecDetails::Hevc(expected)));
    }
}
