//! Language tags: the examples of RFC 5646, the codes that containers write, and which of several
//! tracks a viewer gets.

use proptest::prelude::*;
use telecine_model::language::{best_match, Language, MatchQuality};
use MatchQuality::{Compatible, Exact, Primary, Related, Script};

fn quality(there_is: &str, wanted: &str) -> MatchQuality {
    Language::parse(there_is).matches(&Language::parse(wanted))
}

fn best(candidates: &[&str], wanted: &[&str]) -> Option<usize> {
    let candidates: Vec<_> = candidates.iter().map(|text| Language::parse(text)).collect();
    let wanted: Vec<_> = wanted.iter().map(|text| Language::parse(text)).collect();
    best_match(candidates.iter().map(Some), &wanted)
}

/// RFC 5646, appendix A.
#[test]
fn the_examples_of_rfc_5646_are_taken_apart() {
    type Parts = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);
    let examples: [(&str, Parts, &[&str]); 17] = [
        ("de", ("de", None, None, None), &[]),
        ("zh-Hant", ("zh", None, Some("Hant"), None), &[]),
        ("zh-cmn-Hans-CN", ("zh", Some("cmn"), Some("Hans"), Some("CN")), &[]),
        ("cmn-Hans-CN", ("zh", None, Some("Hans"), Some("CN")), &[]),
        ("zh-yue-HK", ("zh", Some("yue"), None, Some("HK")), &[]),
        ("yue-HK", ("yue", None, None, Some("HK")), &[]),
        ("sr-Latn-RS", ("sr", None, Some("Latn"), Some("RS")), &[]),
        ("sl-rozaj", ("sl", None, None, None), &["rozaj"]),
        ("sl-rozaj-biske", ("sl", None, None, None), &["rozaj", "biske"]),
        ("de-CH-1901", ("de", None, None, Some("CH")), &["1901"]),
        ("hy-Latn-IT-arevela", ("hy", None, Some("Latn"), Some("IT")), &["arevela"]),
        ("es-419", ("es", None, None, Some("419")), &[]),
        ("de-CH-x-phonebk", ("de", None, None, Some("CH")), &[]),
        ("de-DE-u-co-phonebk", ("de", None, None, Some("DE")), &[]),
        ("x-whatever", ("x-whatever", None, None, None), &[]),
        ("qaa-Qaaa-QM-x-southern", ("qaa", None, Some("Qaaa"), Some("QM")), &[]),
        ("mN-cYrL-Mn", ("mn", None, Some("Cyrl"), Some("MN")), &[]),
    ];
    for (text, (primary, extlang, script, region), variants) in examples {
        let tag = Language::parse(text);
        assert_eq!(tag.primary(), primary, "{text}");
        assert_eq!(tag.extlang(), extlang, "{text}");
        assert_eq!(tag.script(), script, "{text}");
        assert_eq!(tag.region(), region, "{text}");
        assert_eq!(tag.variants().collect::<Vec<_>>(), variants, "{text}");
        assert_eq!(tag.to_string(), text, "the text is kept");
    }
}

/// The twenty languages of ISO 639-2 with two three-letter codes, as its registration authority
/// lists them.
#[test]
fn bibliographic_and_terminologic_codes_mean_the_two_letter_one() {
    for row in [
        "alb sqi sq",
        "arm hye hy",
        "baq eus eu",
        "bur mya my",
        "chi zho zh",
        "cze ces cs",
        "dut nld nl",
        "fre fra fr",
        "geo kat ka",
        "ger deu de",
        "gre ell el",
        "ice isl is",
        "mac mkd mk",
        "mao mri mi",
        "may msa ms",
        "per fas fa",
        "rum ron ro",
        "slo slk sk",
        "tib bod bo",
        "wel cym cy",
    ] {
        let codes: Vec<_> = row.split(' ').collect();
        for three in &codes[..2] {
            assert_eq!(Language::parse(three).primary(), codes[2], "{three}");
            assert_eq!(quality(three, codes[2]), Exact, "{three}");
        }
    }
    for (three, two) in [("eng", "en"), ("spa", "es"), ("jpn", "ja"), ("por", "pt"), ("zul", "zu"), ("aar", "aa")] {
        assert_eq!(Language::parse(three).primary(), two);
    }
    assert_eq!(Language::parse("hawaii").primary(), "hawaii", "only whole codes count");
    assert_eq!(Language::parse("haw").primary(), "haw", "a language without a two-letter code keeps its own");
}

#[test]
fn codes_that_name_no_language_match_only_themselves() {
    for code in ["und", "mul", "zxx", "mis", "qaa", "qtz", "x-robot", ""] {
        assert!(!Language::parse(code).is_language(), "{code}");
        assert_eq!(quality(code, "en"), MatchQuality::None, "{code}");
        assert_eq!(quality("en", code), MatchQuality::None, "{code}");
    }
    assert_eq!(quality("und", "und"), Exact);
    assert_eq!(quality("qaa", "QAA"), Exact);
    assert_eq!(quality("", ""), MatchQuality::None);
    assert!(Language::parse("qua").is_language() && Language::parse("en").is_language());
}

#[test]
fn matches_are_graded() {
    for (there_is, wanted, expected) in [
        ("en", "EN", Exact),
        ("eng", "en", Exact),
        ("en_US", "en-us", Exact),
        ("en_US.UTF-8", "en-US", Exact),
        ("en-UK", "en-GB", Exact),
        ("iw", "he", Exact),
        ("tgl", "fil", Exact),
        ("sh", "sr-Latn", Exact),
        ("en-Latn", "en", Exact),
        ("pt-BR", "pt", Compatible),
        ("pt", "pt-BR", Compatible),
        ("pt-PT", "pt-BR", Script),
        ("es-419", "es-MX", Compatible),
        ("es-ES", "es-MX", Script),
        ("en-001", "en-GB", Compatible),
        ("de-1996", "de", Compatible),
        ("de-1901", "de-1996", Script),
        ("sr-Latn", "sr", Primary),
        ("sr-Latn", "sr-ME", Compatible),
        ("pt", "es", MatchQuality::None),
        ("fi", "fil", MatchQuality::None),
        ("nn", "nb", Related),
        ("no", "nb", Exact),
        ("nob", "nor", Exact),
        ("de", "*", Compatible),
    ] {
        assert_eq!(quality(there_is, wanted), expected, "{there_is} for {wanted}");
    }
}

#[test]
fn chinese_is_told_apart_by_script_and_by_language() {
    for (there_is, wanted, expected) in [
        ("zh-TW", "zh-Hant", Compatible),
        ("zh-Hant", "zh-HK", Compatible),
        ("zh-Hant-TW", "zh-TW", Exact),
        ("zh-TW", "zh-HK", Script),
        ("zh-CN", "zh-Hant", Primary),
        ("zh-Hans", "zh-TW", Primary),
        ("zh-Hans", "zh", Exact),
        ("cmn-Hans", "zh-CN", Compatible),
        ("cmn-Hant", "zh-Hant", Exact),
        ("zh-cmn-Hans", "zh-Hans", Exact),
        ("yue", "zh", Related),
        ("zh-yue", "yue-Hant", Exact),
        ("yue-HK", "zh-HK", Related),
        ("zh-min-nan", "nan", Exact),
    ] {
        assert_eq!(quality(there_is, wanted), expected, "{there_is} for {wanted}");
    }
}

/// RFC 4647, 3.4: the ranges are taken in order of preference.
#[test]
fn the_first_wanted_language_that_there_is_decides() {
    assert_eq!(best(&["en", "de", "fr"], &["it", "fr", "en"]), Some(2));
    assert_eq!(best(&["en", "pt-PT"], &["pt-BR", "en"]), Some(1), "a cousin of the first before the second");
    assert_eq!(best(&["pt-PT", "pt", "pt-BR"], &["pt-BR"]), Some(2));
    assert_eq!(best(&["zh-Hans", "zh-TW"], &["zh-Hant"]), Some(1));
    assert_eq!(best(&["es-ES", "es-419"], &["es-MX"]), Some(1));
    assert_eq!(best(&["en-US", "en-GB"], &["en"]), Some(0), "the title's order settles a tie");
    assert_eq!(best(&["en"], &["de"]), None);
    assert_eq!(best(&[], &["de"]), None);
    assert_eq!(best(&["de"], &[]), None);
}

#[test]
fn a_track_without_a_language_keeps_its_index_and_never_matches() {
    let german = Language::parse("de");
    let wanted = [Language::parse("de"), Language::parse("*")];
    assert_eq!(best_match([None, Some(&german)], &wanted), Some(1));
    assert_eq!(best_match([None], &wanted), None);
}

fn tag() -> impl Strategy<Value = String> {
    let subtag = prop::sample::select(vec![
        "en", "eng", "zh", "cmn", "yue", "no", "nb", "sr", "Latn", "Cyrl", "Hant", "US", "TW", "419", "1996", "rozaj",
        "x",
    ]);
    prop::collection::vec(subtag, 1..5).prop_map(|subtags| subtags.join("-"))
}

proptest! {
    #[test]
    fn no_text_panics_and_each_comes_back(text in ".{0,40}") {
        let language = Language::parse(&text);
        prop_assert_eq!(language.as_str(), text.trim());
        let _ = language.matches(&language);
    }

    #[test]
    fn matching_is_symmetric(a in tag(), b in tag()) {
        prop_assert_eq!(quality(&a, &b), quality(&b, &a));
    }

    #[test]
    fn a_tag_matches_itself_exactly_in_any_case(a in tag()) {
        prop_assert_eq!(quality(&a, &a), Exact);
        prop_assert_eq!(quality(&a.to_uppercase(), &a), Exact);
        prop_assert_eq!(quality(&a.replace('-', "_"), &a), Exact);
    }

    #[test]
    fn no_candidate_fits_better_than_the_best(
        candidates in prop::collection::vec(tag(), 0..6), wanted in tag(),
    ) {
        let texts: Vec<&str> = candidates.iter().map(String::as_str).collect();
        let top = texts.iter().map(|text| quality(text, &wanted)).max().unwrap_or(MatchQuality::None);
        match best(&texts, &[&wanted]) {
            Some(index) => prop_assert_eq!(quality(texts[index], &wanted), top),
            None => prop_assert_eq!(top, MatchQuality::None),
        }
    }
}
