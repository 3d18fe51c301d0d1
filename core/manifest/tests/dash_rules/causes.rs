//! Errors name their cause: the document, the place, and what was left out until nothing was left.

use crate::support::*;

use telecine_manifest::dash::{parse, splice, Context};
use telecine_manifest::{hls, sniff};
use telecine_model::{Error, ErrorCode, Limits, Protocol};

fn refused(bytes: &[u8]) -> Error {
    let limits = Limits::default();
    parse(bytes, &Context { uri: URL, limits: &limits }).expect_err("refused")
}

#[test]
fn every_error_of_an_mpd_names_its_url_without_secrets() {
    for text in [
        "",
        "<html/>",
        "<MPD>",
        "<MPD/>",
        "<MPD>&x;</MPD>",
        "<MPD><Period/></MPD>",
        "<MPD><EssentialProperty schemeIdUri='urn:x'/><Period/></MPD>",
    ] {
        let error = refused(text.as_bytes());
        let url = error.facts().get("url").expect("a URL");
        assert!(url.starts_with("https://cdn.example/title/manifest.mpd?token=~"), "{text}: {url}");
        assert!(error.to_string().contains(&format!(" in {url};")), "{error}");
    }
    let utf8 = refused(b"<MPD>\xff</MPD>");
    assert!(utf8.facts().contains_key("url"), "{utf8}");
}

#[test]
fn an_mpd_of_which_nothing_is_left_quotes_its_first_warning() {
    let ever = "PT9223372036854775808S";
    let unplayable = "<AdaptationSet mimeType=\"video/mp4\"><EssentialProperty schemeIdUri=\"urn:x\"/>\
                      <Representation id=\"v\" bandwidth=\"1\"/></AdaptationSet>";
    for (text, warning) in [
        (
            mpd(&format!("mediaPresentationDuration=\"{ever}\""), &format!("<Period>{SET}</Period>")),
            format!("D001 at MPD: @mediaPresentationDuration=\"{ever}\" is not valid and was ignored"),
        ),
        (
            mpd("", &format!("<Period duration=\"{ever}\">{SET}</Period>")),
            format!("D003 at MPD/Period[1]: @duration=\"{ever}\" is not valid and was ignored"),
        ),
        (
            static_mpd(unplayable),
            "D091 at MPD/Period[1]/AdaptationSet[1]: the essential property urn:x is unknown: the set was left out"
                .to_owned(),
        ),
    ] {
        let error = refused(text.as_bytes());
        assert_eq!(error.code(), ErrorCode::NothingPlayable);
        assert_eq!(error.message(), format!("no period has a track that can be played; first warning: {warning}"));
    }
}

#[test]
fn times_that_no_clock_can_tell_name_their_element() {
    for entry in [
        "<S t=\"0\" d=\"9223372036854775808\"/>",
        "<S t=\"9223372036854775808\" d=\"4\"/>",
        "<S t=\"0\" d=\"4611686018427387904\" r=\"4\"/>",
    ] {
        let segments =
            format!("<SegmentTemplate media=\"$Time$\"><SegmentTimeline>{entry}</SegmentTimeline></SegmentTemplate>");
        let error = refused(with_segments(&segments).as_bytes());
        assert_eq!(error.code(), ErrorCode::ManifestLimit);
        assert!(error.message().contains("2^63"), "{error}");
        assert!(error.to_string().contains("SegmentTimeline[1]/S[1]"), "{error}");
    }
}

#[test]
fn a_link_that_leads_to_itself_is_named_when_nothing_is_left() {
    let element = "<Period xlink:href='p.xml?token=1'/>";
    let xlink = "mediaPresentationDuration='PT20S' xmlns:xlink='http://www.w3.org/1999/xlink'";
    let mut text = mpd(xlink, element).into_bytes();
    let limits = Limits::default();
    let context = Context { uri: URL, limits: &limits };
    let error = loop {
        match parse(&text, &context) {
            Ok(found) => {
                assert!(!found.remote.is_empty());
                let body = Some(element.as_bytes().to_vec());
                let resolved: Vec<_> = found.remote.into_iter().map(|remote| (remote, body.clone())).collect();
                text = splice(&text, &resolved).expect("of this text");
            }
            Err(error) => break error,
        }
    };
    let cause = "D070 at MPD: links were resolved 5 times over and still lead on, to https://cdn.example/title/p.xml";
    assert!(error.message().contains(cause), "{error}");
}

#[test]
fn a_link_to_something_else_is_named_when_nothing_is_left() {
    let xlink = "mediaPresentationDuration='PT20S' xmlns:xlink='http://www.w3.org/1999/xlink'";
    let text = mpd(xlink, "<Period xlink:href='manifest.mpd'/>");
    let remote = try_parse(&text).expect("a link is left").remote.remove(0);
    let text = splice(text.as_bytes(), &[(remote, Some(text.clone().into_bytes()))]).expect("of this text");
    let cause = "D070 at MPD/Period[1]: the link to https://cdn.example/title/manifest.mpd was dropped: \
                 it holds <MPD> instead of <Period>";
    assert!(refused(&text).message().contains(cause), "{}", refused(&text));
}

#[test]
fn an_entity_bomb_is_refused_as_one() {
    let bomb =
        format!("<!DOCTYPE a [\n<!ENTITY a \"b\">\n<!ENTITY c \"&a;&a;\">\n]>\n{}", mpd("", "<Period/>")[21..].trim());
    for text in [bomb.replace("<Period/>", "<BaseURL>&c;</BaseURL>"), bomb.replace("<Period/>", "<Period id='&c;'/>")] {
        assert_eq!(sniff(text.as_bytes()), Some(Protocol::Dash), "{text}");
        let error = refused(text.as_bytes());
        assert_eq!(error.code(), ErrorCode::ManifestSyntax);
        assert!(error.message().contains("those of a document type declaration are never expanded"), "{error}");
    }
}

#[test]
fn utf_16_is_refused_as_such_in_both_languages() {
    let limits = Limits::default();
    let playlist = |bytes: &[u8]| {
        let context =
            hls::Context { uri: URL, requested_uri: URL, imports: None, mode: hls::Mode::Compat, limits: &limits };
        hls::parse(bytes, &context).expect_err("refused")
    };
    for mark in ["", "\u{FEFF}"] {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let utf16 = |text: &str| format!("{mark}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
            let text = utf16(&static_mpd(SET));
            assert_eq!(sniff(&text), Some(Protocol::Dash));
            let errors = [refused(&text), playlist(&utf16("#EXTM3U\n#EXTINF:4,\na.ts\n"))];
            for error in errors {
                assert_eq!(error.code(), ErrorCode::ManifestEncoding);
                assert!(error.message().ends_with("is UTF-16, and only UTF-8 is allowed"), "{error}");
            }
        }
    }
}
