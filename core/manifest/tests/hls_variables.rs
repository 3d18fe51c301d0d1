//! Variables: rfc8216bis 4.3 and 4.4.2.3 (H017, H018, H026–H030).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use std::collections::BTreeMap;

use hls_support::*;
use telecine_manifest::hls::{self, Context, MediaPlaylist, Mode};
use telecine_model::{Error, ErrorCode, Limits};

fn read_with(
    text: &str,
    uri: &str,
    requested_uri: &str,
    imports: Option<&BTreeMap<String, String>>,
) -> Result<MediaPlaylist, Error> {
    let limits = Limits::default();
    let context = Context { uri, requested_uri, imports, mode: Mode::Strict, limits: &limits };
    hls::parse(text.as_bytes(), &context).map(as_media)
}

#[test]
fn h017_references_are_replaced_in_uris_quoted_strings_and_hexadecimal_sequences() {
    let playlist = clean_media(&around(
        "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://b.example\"\n#EXT-X-DEFINE:NAME=\"v-1_\",VALUE=\"0x0A\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"{$host}/k\",IV={$v-1_}\n#EXTINF:4,{$undefined} in a title\n{$host}/a{$v-1_}.ts",
    ));
    let segment = playlist.index.get(0).expect("listed");
    assert_eq!(segment.uri, "https://b.example/a0x0A.ts");
    assert_eq!(segment.keys[0].uri.as_deref(), Some("https://b.example/k"));
    assert_eq!(segment.keys[0].iv.map(|iv| iv[15]), Some(0x0A));
    assert_eq!(playlist.info.define["host"], "https://b.example");
}

#[test]
fn h017_what_a_value_holds_is_not_replaced_again() {
    let text =
        around("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$b}\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"x\"\n#EXTINF:4,\n{$a}.ts");
    let playlist = as_media(tolerated(&text, "H018", ErrorCode::VariableUndefined));
    assert_eq!(uris(&playlist), ["https://a.example/live/{$b}.ts"]);
}

#[test]
fn h017_what_has_not_the_form_of_a_reference_is_text() {
    let playlist = clean_media(&around("#EXTINF:4,\n{$}{$no name}{$x.ts"));
    assert_eq!(uris(&playlist), ["https://a.example/live/{$}{$no name}{$x.ts"]);
}

#[test]
fn h018_a_reference_in_front_of_its_definition_fails() {
    let text = around("#EXTINF:4,\n{$a}.ts\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"");
    let error = refused(text, "H018", ErrorCode::VariableUndefined);
    assert_eq!(error.place(), Some(&telecine_model::Place::Line(5)));
}

#[test]
fn h026_a_definition_has_exactly_one_way() {
    for wrong in ["VALUE=\"x\"", "NAME=\"a\",VALUE=\"x\",QUERYPARAM=\"b\"", "NAME=\"a\",IMPORT=\"b\""] {
        tolerated(&variants(&format!("#EXT-X-DEFINE:{wrong}")), "H026", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h027_names_are_of_a_few_characters_and_need_a_value_that_may_be_empty() {
    let presentation = clean_multivariant(&variants("#EXT-X-DEFINE:NAME=\"Aa-_9\",VALUE=\"\""));
    assert_eq!(presentation.define["Aa-_9"], "");
    tolerated(&variants("#EXT-X-DEFINE:NAME=\"a b\",VALUE=\"x\""), "H027", ErrorCode::ManifestSyntax);
    tolerated(&variants("#EXT-X-DEFINE:NAME=\"a\""), "H027", ErrorCode::ManifestMissing);
}

#[test]
fn h028_a_media_playlist_imports_from_its_multivariant_playlist() {
    let text = around("#EXT-X-DEFINE:IMPORT=\"a\"\n#EXTINF:4,\n{$a}.ts");
    let imports = BTreeMap::from([("a".to_owned(), "x".to_owned())]);
    let playlist = read_with(&text, BASE, BASE, Some(&imports)).expect("imported");
    assert_eq!(uris(&playlist), ["https://a.example/live/x.ts"]);
    for imports in [None, Some(&BTreeMap::new())] {
        let error = read_with(&text, BASE, BASE, imports).expect_err("nothing to import");
        assert_eq!((error.code(), error.facts()["rule"].as_str()), (ErrorCode::VariableUndefined, "H028"));
    }
    tolerated(&variants("#EXT-X-DEFINE:IMPORT=\"a\""), "H028", ErrorCode::ManifestSyntax);
    tolerated(&around("#EXT-X-DEFINE:IMPORT=\"a\"\n#EXTINF:4,\na.ts"), "H028", ErrorCode::VariableUndefined);
}

#[test]
fn h029_a_query_parameter_is_percent_decoded() {
    let text = around("#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:4,\na.ts?t={$t}");
    let uri = "https://a.example/m.m3u8?x=1&t=a%2Fb%20c%zz&t=2";
    let playlist = read_with(&text, uri, uri, None).expect("defined");
    assert_eq!(playlist.info.define["t"], "a/b c%zz");
}

#[test]
fn h029_after_a_redirect_the_new_url_counts() {
    let text = around("#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:4,\n{$t}.ts");
    let (new, old) = ("https://b.example/m.m3u8?t=new", "https://a.example/m.m3u8?t=old");
    let value = |uri, requested| read_with(&text, uri, requested, None).expect("defined").info.define["t"].clone();
    assert_eq!(value(new, old), "new");
    assert_eq!(value("https://b.example/m.m3u8", old), "old");
}

#[test]
fn h029_a_parameter_that_is_missing_or_empty_fails() {
    let text = around("#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:4,\na.ts");
    for uri in ["https://a.example/m", "https://a.example/m?t=", "https://a.example/m?t", "https://a.example/m?t=%0Ax"]
    {
        let error = read_with(&text, uri, uri, None).expect_err("no value");
        assert_eq!((error.code(), error.facts()["rule"].as_str()), (ErrorCode::VariableUndefined, "H029"), "{uri}");
    }
}

#[test]
fn h030_a_name_defined_twice_fails_and_case_matters() {
    let twice = "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"y\"";
    let presentation = as_multivariant(tolerated(&variants(twice), "H030", ErrorCode::ManifestContradiction));
    assert_eq!(presentation.define["a"], "x");
    let cases = "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"\n#EXT-X-DEFINE:NAME=\"A\",VALUE=\"y\"";
    assert_eq!(clean_multivariant(&variants(cases)).define.len(), 2);
}

#[test]
fn a_variable_that_expands_enormously_is_a_limit() {
    let value = "x".repeat(100_000);
    let line = "{$a}".repeat(50);
    let long = around(&format!("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{value}\"\n#EXTINF:4,\n{line}"));
    assert_eq!(read(long, Mode::Compat).expect_err("a long line").code(), ErrorCode::ManifestLimit);
    let mut many = format!("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{value}\"");
    for _ in 0..500 {
        many.push_str("\n#EXTINF:4,\n{$a}");
    }
    assert_eq!(read(around(&many), Mode::Compat).expect_err("many lines").code(), ErrorCode::ManifestLimit);
}
