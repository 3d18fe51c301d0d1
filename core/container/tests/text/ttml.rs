//! TTML beyond what imsc.js shows of it: samples, tolerated dialects, hostile documents, limits.

use proptest::prelude::*;
use telecine_container::text::ttml::{self, Ttml};
use telecine_model::cue::{
    Anchor, EdgeKind, FontFamily, FontSize, Line, Node, Percent, Point, RegionHeight, RegionWidth, Rgba, SpanKind,
    TextAlign,
};
use telecine_model::{Cue, ErrorCode, Limits, MediaTime, Place};

const NAMES: &str = "xmlns=\"http://www.w3.org/ns/ttml\" xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" \
    xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" xmlns:itts=\"http://www.w3.org/ns/ttml/profile/imsc1#styling\" \
    xmlns:smpte=\"http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt\"";

fn parse(text: &str) -> Ttml {
    ttml::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A document with a head and the content of a `div`.
fn document(attributes: &str, head: &str, content: &str) -> String {
    format!("<tt {NAMES} {attributes}><head>{head}</head><body><div>{content}</div></body></tt>")
}

fn content(content: &str) -> Ttml {
    parse(&document("", "", content))
}

fn millis(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

/// Text, start and end in milliseconds.
fn told(cues: &[Cue]) -> Vec<(String, i64, i64)> {
    cues.iter().map(|cue| (cue.plain_text(), cue.start.as_millis(), cue.end.as_millis())).collect()
}

fn rules(text: &Ttml) -> Vec<&str> {
    text.warnings.iter().map(|warning| warning.rule.as_str()).collect()
}

#[test]
fn a_document_without_regions_leaves_the_place_to_the_renderer() {
    let text = content("<p begin=\"0s\" end=\"1s\">a</p><p begin=\"0s\" end=\"1s\" tts:textAlign=\"right\">b</p>");
    let layouts: Vec<_> =
        text.cues.iter().map(|cue| (cue.region.is_none(), cue.layout.line, cue.layout.align)).collect();
    assert_eq!(layouts, [(true, Line::Auto, TextAlign::Center), (true, Line::Auto, TextAlign::Right)]);
}

#[test]
fn sizes_are_shares_of_the_picture() {
    let head = "<layout><region xml:id=\"r\" tts:origin=\"5c 3c\" tts:extent=\"40c 6c\" tts:fontSize=\"2c\"/></layout>";
    let text = parse(&document(
        "ttp:cellResolution=\"50 30\" tts:extent=\"640px 360px\"",
        head,
        "<p region=\"r\" begin=\"0s\" end=\"1s\" tts:textOutline=\"black 0.2c\">a<span tts:fontSize=\"1c 50%\">b</span></p>",
    ));
    let region = text.cues[0].region.as_ref().expect("there is one");
    assert_eq!(region.position, Point::new(Percent::whole(10), Percent::whole(10)));
    assert_eq!(region.width, RegionWidth::Percent(Percent::whole(80)));
    assert_eq!(region.height, RegionHeight::Percent(Percent::whole(20)));
    let runs = text.cues[0].runs();
    let sizes: Vec<_> = runs.iter().map(|run| run.style.font_size).collect();
    let two_thirtieths = Percent::ratio(2, 30).expect("not zero");
    assert_eq!(sizes[0], Some(FontSize::OfVideo(two_thirtieths)));
    // Of two sizes the second one is the height.
    assert_eq!(sizes[1], Some(FontSize::OfVideo(two_thirtieths.of(Percent::HALF))));
    let edge = runs[0].style.edge.expect("an outline");
    assert_eq!((edge.kind, edge.color), (EdgeKind::Uniform, Some(Rgba::BLACK)));
    assert_eq!(edge.thickness.map(Percent::as_f64).map(f64::round), Some(10.0));
}

#[test]
fn a_paragraph_that_places_itself_has_a_region_of_its_own() {
    let text = content(
        "<p begin=\"0s\" end=\"1s\" tts:origin=\"10% 70%\" tts:extent=\"80% 20%\" tts:displayAlign=\"after\">a</p>",
    );
    let region = text.cues[0].region.as_ref().expect("its own");
    assert_eq!((region.position, region.align), (Point::new(Percent::whole(10), Percent::whole(70)), Anchor::After));
    // Regions inside of content, with a name as Shaka Packager writes them, and without.
    let text = content(
        "<region xml:id=\"in\" tts:origin=\"0px 85%\" tts:extent=\"100% 15%\"/>\
         <p region=\"in\" begin=\"0s\" end=\"1s\">a</p>\
         <p begin=\"0s\" end=\"1s\"><region tts:origin=\"0% 5%\" tts:extent=\"100% 10%\"/>b</p><p begin=\"0s\" end=\"1s\">c</p>",
    );
    let tops: Vec<_> = text.cues.iter().map(|cue| cue.region.as_ref().map(|region| region.position.y)).collect();
    assert_eq!(tops, [Some(Percent::whole(85)), Some(Percent::whole(5)), None]);
    assert_eq!(text.warnings, []);
}

#[test]
fn a_sample_shows_its_document_only_while_it_is_due() {
    let text = || content("<p begin=\"1s\" end=\"3s\">a</p><p begin=\"2s\" end=\"10s\">b</p><p begin=\"7s\">c</p>");
    let piece = |from, to| told(&text().into_sample_cues(millis(from)..millis(to), millis(100)));
    assert_eq!(piece(0, 2000), [("a".into(), 1100, 2100)]);
    assert_eq!(piece(2000, 4000), [("a".into(), 2100, 3100), ("b".into(), 2100, 4100)]);
    // What nothing ends is cut too.
    assert_eq!(piece(9000, 12_000), [("b".into(), 9100, 10_100), ("c".into(), 9100, 12_100)]);
    assert!(text().cues[2].is_open());
}

#[test]
fn entities_are_never_expanded() {
    let bomb = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE tt [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">\
         <!ENTITY x SYSTEM \"file:///secret\">]>\n<tt {NAMES}><body><div><p begin=\"0s\" end=\"1s\">x&b;y&x;z &amp; &#233; &#0; & alone</p></div></body></tt>"
    );
    let text = parse(&bomb);
    assert_eq!(text.cues[0].plain_text(), "xyz & é & alone");
    assert_eq!(rules(&text), ["T202", "T202", "T202", "T202"]);
    assert_eq!(text.warnings[1].place, Place::Line(3));
}

#[test]
fn cdata_and_comments_are_text_and_nothing() {
    let text = content("<p begin=\"0s\" end=\"1s\">a<![CDATA[<b> & ]]>c<!-- no -->d</p>");
    assert_eq!(text.cues[0].plain_text(), "a<b> & cd");
}

#[test]
fn images_are_told_and_do_not_stop_texts() {
    let text = content(
        "<div begin=\"0s\" end=\"1s\" smpte:backgroundImage=\"#img\"/><div begin=\"0s\" end=\"1s\"><image src=\"x.png\"/></div>\
         <p begin=\"0s\" end=\"1s\">text</p>",
    );
    assert_eq!((told(&text.cues), rules(&text)), (vec![("text".into(), 0, 1000)], vec!["T205", "T205"]));
    let profile = "ttp:profile=\"http://www.w3.org/ns/ttml/profile/imsc1/image\"";
    let text = parse(&document(profile, "", ""));
    assert_eq!((text.cues.len(), rules(&text)), (0, vec!["T205"]));
}

#[test]
fn forced_display_ruby_and_languages_are_kept() {
    let text = content(
        "<p begin=\"0s\" end=\"1s\" itts:forcedDisplay=\"true\" xml:id=\"p1\" xml:lang=\"ja\">\
         <span tts:ruby=\"container\"><span tts:ruby=\"base\">漢</span><span tts:ruby=\"text\">かん</span></span>\
         <span xml:lang=\"en\">kanji</span></p><p begin=\"0s\" end=\"1s\">b</p>",
    );
    let cue = &text.cues[0];
    assert_eq!((cue.forced, cue.id.as_str(), cue.plain_text().as_str()), (true, "p1", "漢kanji"));
    let Node::Span(japanese) = &cue.text[0] else { panic!("{:?}", cue.text) };
    assert_eq!(japanese.kind, SpanKind::Language("ja".into()));
    let Node::Span(ruby) = &japanese.children[0] else { panic!("{japanese:?}") };
    assert_eq!(ruby.kind, SpanKind::Ruby);
    assert_eq!(cue.runs()[2].language, Some("en"));
    assert!(!text.cues[1].forced);
}

#[test]
fn what_is_not_valid_is_left_out_and_told_once() {
    let head = "<styling><style xml:id=\"loop\" style=\"loop2\" tts:color=\"red\"/><style xml:id=\"loop2\" style=\"loop\"/></styling>";
    let text = parse(&document(
        "ttp:frameRate=\"0\" ttp:cellResolution=\"x\" ttp:timeBase=\"clock\" xml:lang=\"de-AT\"",
        head,
        "<p begin=\"x\" end=\"2s\" style=\"loop none\" region=\"none\" tts:color=\"nocolour\" tts:fontSize=\"5\">a<set begin=\"1s\" tts:color=\"blue\"/></p>",
    ));
    assert_eq!(told(&text.cues), [("a".into(), 0, 1000), ("a".into(), 1000, 2000)]);
    assert_eq!(text.cues[0].style.color, Some(Rgba::RED));
    assert_eq!(text.cues[1].style.color, Some(Rgba::BLUE));
    assert_eq!(rules(&text), ["T201", "T206", "T201", "T206", "T203", "T204", "T204", "T203"]);
    assert_eq!(text.language.map(|language| language.to_string()), Some("de-AT".into()));
}

#[test]
fn drafts_undeclared_prefixes_and_utf_16_are_read() {
    let old = "<tt xmlns=\"http://www.w3.org/2006/10/ttaf1\" xmlns:s=\"http://www.w3.org/2006/10/ttaf1#styling\">\
               <body><div><p begin=\"0s\" end=\"1s\" s:color=\"lime\">a</p></div></body></tt>";
    assert_eq!(parse(old).cues[0].style.color, Some(Rgba::LIME));
    let bare = "<tt><body><div><p begin=\"0s\" end=\"1s\" tts:color=\"lime\" tts:fontFamily=\"Arial, sansSerif\">é</p></div></body></tt>";
    let style = &parse(bare).cues[0].style;
    assert_eq!(
        (style.color, style.font_family.clone()),
        (Some(Rgba::LIME), Some(FontFamily::Named("Arial, sansSerif".into())))
    );
    for bytes in [
        "\u{feff}".encode_utf16().chain(bare.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        "\u{feff}".encode_utf16().chain(bare.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        ["\u{feff}", bare].concat().into_bytes(),
    ] {
        let text = ttml::parse(&bytes, &Limits::default()).expect("readable");
        assert_eq!(text.cues[0].plain_text(), "é");
    }
}

#[test]
fn what_is_not_ttml_is_refused_with_its_place() {
    for (text, line) in [
        ("", 1),
        ("WEBVTT", 1),
        ("<html/>", 1),
        ("<tt xmlns=\"urn:other\"/>", 1),
        ("<tt>\n<body>\n<div>", 3),
        ("<tt>\n<body>\n</div></body></tt>", 3),
        ("<tt>\n<body x=5/></tt>", 2),
        ("<tt>\n\n<p &", 3),
    ] {
        let error = ttml::parse(text.as_bytes(), &Limits::default()).expect_err("no TTML");
        assert_eq!((error.code(), error.place()), (ErrorCode::TextSyntax, Some(&Place::Line(line))), "{text}: {error}");
    }
}

#[test]
fn limits_are_errors_with_their_place() {
    let mut limits = Limits::default();
    limits.cues = 1;
    let two = document("", "", "<p end=\"1s\">a</p>\n<p end=\"1s\">b</p>");
    let error = ttml::parse(two.as_bytes(), &limits).expect_err("too many");
    assert_eq!((error.code(), error.place()), (ErrorCode::ContainerLimit, Some(&Place::Line(2))));
    limits = Limits::default();
    let deep = document("", "", &format!("{}x{}", "<div>".repeat(40), "</div>".repeat(40)));
    assert_eq!(ttml::parse(deep.as_bytes(), &limits).expect_err("too deep").code(), ErrorCode::ContainerLimit);
    limits.text_bytes = 10;
    assert_eq!(ttml::parse(two.as_bytes(), &limits).expect_err("too large").code(), ErrorCode::ContainerLimit);
    limits = Limits::default();
    limits.cue_nodes = 1000;
    // Every span changes the paragraph, and each change repeats all of it: 100 x 100.
    let spans: String = (0..100).map(|at| format!("<span begin=\"{at}s\" end=\"{}s\">x</span>", at + 50)).collect();
    let error = ttml::parse(document("", "", &format!("<p>{spans}</p>")).as_bytes(), &limits).expect_err("too much");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(<(tt|body|div|p|span|br|set|region)( (begin|end|dur|style|xml:id|tts:origin)=\"[0-9a-z:% .]{0,8}\")*/?>|</(tt|body|div|p|span|region)>|[a-z &;<]{0,5}){0,40}") {
        let _ = ttml::parse(text.as_bytes(), &Limits::default());
        let _ = ttml::parse(document("", &text, "").as_bytes(), &Limits::default());
        let _ = ttml::parse(document("", "", &text).as_bytes(), &Limits::default());
    }

    /// Timed paragraphs are shown when they say, however they nest.
    #[test]
    fn nested_times_add_up(begins in proptest::collection::vec(0..5000_i64, 1..8), length in 1..5000_i64) {
        let open: String = begins.iter().map(|begin| format!("<div begin=\"{begin}ms\">")).collect();
        let text = document("", "", &format!("{open}<p dur=\"{length}ms\">x</p>{}", "</div>".repeat(begins.len())));
        let start: i64 = begins.iter().sum();
        prop_assert_eq!(told(&parse(&text).cues), [("x".to_owned(), start, start + length)]);
    }
}
