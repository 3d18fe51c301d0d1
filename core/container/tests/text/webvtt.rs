//! WebVTT beyond what a browser shows of it: clocks of HLS, styles, places of faults, limits.

use proptest::prelude::*;
use telecine_container::text::webvtt::{self, CueClock, TimestampMap, WebVtt};
use telecine_model::cue::{EdgeKind, FontFamily, FontSize, Node, Percent, RegionHeight, Rgba, Scroll, Span, SpanKind};
use telecine_model::{Cue, ErrorCode, Limits, MediaTime, Place};

fn millis(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn parse(text: &str) -> WebVtt {
    webvtt::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The start of the only cue of a segment, in milliseconds of the title.
fn placed(header: &str, local: &str, clock: CueClock) -> i64 {
    let cues = parse(&format!("WEBVTT\n{header}\n\n{local} --> 99:00:00.000\nx")).into_cues(clock);
    cues[0].start.as_millis()
}

#[test]
fn a_timestamp_map_ties_the_text_to_the_clock_of_the_media() {
    // Media that starts at 10 s of its clock is at zero of the title.
    let clock = CueClock::Media { offset: millis(-10_000), near: MediaTime::ZERO };
    for header in [
        "X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000",
        "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000",
        "X-TIMESTAMP-MAP= LOCAL: 00:00.000 , MPEGTS: 900000",
        "Kind: subtitles\nX-TIMESTAMP-MAP=LOCAL:01:00:00.000,MPEGTS:324900000",
    ] {
        assert_eq!(placed(header, "00:02.500", clock), 2500, "{header}");
    }
    // Without one, time zero of the text is time zero of the media.
    assert_eq!(placed("", "00:12.500", clock), 2500);
    assert_eq!(parse("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:7,LOCAL:00:00.001").timestamp_map, {
        Some(TimestampMap { mpegts: 7, local: millis(1) })
    });
}

#[test]
fn the_33_bit_clock_wraps_and_the_segment_says_how_often() {
    const THREE_WRAPS: i64 = 3 * (1 << 33) / 90;
    // The media started 5 s before the wrap. A segment 8 s into the title is behind it.
    let start = (1_i64 << 33) - 5 * 90_000;
    let offset =
        MediaTime::ZERO - MediaTime::from_ticks(start, telecine_model::Timescale::new(90_000).expect("not zero"));
    let after_wrap = format!("X-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000", 3 * 90_000);
    let near = |seconds| CueClock::Media { offset, near: MediaTime::from_secs(seconds) };
    assert_eq!(placed(&after_wrap, "00:00.500", near(8)), 8500);
    // A packager that never resets the map lets the text's own clock run on instead.
    let constant = format!("X-TIMESTAMP-MAP=MPEGTS:{start},LOCAL:00:00:00.000");
    assert_eq!(placed(&constant, "00:08.500", near(8)), 8500);
    // Three wraps later.
    let days = THREE_WRAPS / 1000;
    assert_eq!(placed(&after_wrap, "00:00.500", near(8 + days)), 8500 + THREE_WRAPS);
    assert_eq!(
        placed(
            "X-TIMESTAMP-MAP=MPEGTS:8589934591,LOCAL:00:00.000",
            "00:01.000",
            CueClock::Media { offset: MediaTime::ZERO, near: MediaTime::ZERO }
        ),
        999
    );
    // Fragments that count since 1970 have no 33 bits; the text still finds them.
    let epoch = MediaTime::from_secs(1_764_000_000);
    let ticks = 1_764_000_000_i64 * 90_000 % (1 << 33);
    let map = format!("X-TIMESTAMP-MAP=MPEGTS:{ticks},LOCAL:00:00:00.000");
    let clock = CueClock::Media { offset: MediaTime::ZERO - epoch + millis(60_000), near: millis(58_000) };
    assert_eq!(placed(&map, "00:01.000", clock), 61_000);
}

#[test]
fn a_file_beside_the_title_starts_with_its_period() {
    let clock = CueClock::At(MediaTime::from_secs(100));
    assert_eq!(placed("X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000", "00:01.000", clock), 101_000);
}

#[test]
fn times_inside_a_cue_move_with_it() {
    let cues = parse("WEBVTT\n\n00:01.000 --> 00:04.000\na<00:02.000>b").into_cues(CueClock::At(millis(500)));
    assert_eq!(cues[0].text, [Node::text("a"), Node::Time(millis(2500)), Node::text("b")]);
}

#[test]
fn a_timestamp_map_that_is_misplaced_is_used_and_a_broken_one_is_not() {
    let text = parse("WEBVTT\n\nX-TIMESTAMP-MAP=LOCAL:00:00.000,MPEGTS:90000\n\n00:00.000 --> 00:01.000\nx");
    assert_eq!(text.timestamp_map.map(|map| map.mpegts), Some(90_000));
    assert_eq!((text.warnings[0].rule.as_str(), &text.warnings[0].place), ("T103", &Place::Line(3)));
    for map in ["LOCAL:00:00.000", "MPEGTS:5", "MPEGTS:x,LOCAL:00:00.000", "MPEGTS:5,LOCAL:0", "nonsense"] {
        let text = parse(&format!("WEBVTT\nX-TIMESTAMP-MAP={map}\n\n00:00.000 --> 00:01.000\nx"));
        assert_eq!((text.timestamp_map, text.warnings.len(), text.cues.len()), (None, 1, 1), "{map}");
    }
    // Behind a cue it is nothing.
    let text = parse("WEBVTT\n\n00:00.000 --> 00:01.000\nx\n\nX-TIMESTAMP-MAP=LOCAL:00:00.000,MPEGTS:90000\n");
    assert_eq!(text.timestamp_map, None);
}

#[test]
fn faults_are_told_with_their_line() {
    let text = parse(
        "WEBVTT\n\n1\n00:00.000 -> 00:01.000\nno arrow\n\n00:00.000 --> 00:61.000\nbad\n\n00:01.000 --> 00:02.000 line:x foo\ngood\n\n00:03.000 --> 00:02.000\nbackwards\n",
    );
    let told: Vec<_> = text.warnings.iter().map(|warning| (warning.rule.as_str(), warning.place.clone())).collect();
    let line = Place::Line;
    assert_eq!(told, [("T101", line(7)), ("T102", line(10)), ("T102", line(10)), ("T104", line(13))]);
    assert_eq!(text.cues.len(), 2);
}

#[test]
fn a_text_that_is_not_webvtt_is_refused_with_its_code() {
    for text in ["", "<html>", "WEBVT", "1\n00:00:00,000 --> 00:00:01,000\nSubRip\n"] {
        let error = webvtt::parse(text.as_bytes(), &Limits::default()).expect_err("no WebVTT");
        assert_eq!((error.code(), error.place()), (ErrorCode::TextSyntax, Some(&Place::Line(1))), "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced_and_told() {
    let text = webvtt::parse(b"WEBVTT\n\n00:00.000 --> 00:01.000\ncaf\xe9 \xff", &Limits::default()).expect("readable");
    assert_eq!(text.cues[0].plain_text(), "caf\u{fffd} \u{fffd}");
    assert_eq!((text.warnings[0].rule.as_str(), &text.warnings[0].place), ("T105", &Place::Byte(35)));
}

#[test]
fn regions_are_shared_by_their_cues() {
    let text = parse(
        "WEBVTT\n\nREGION\nid:r1\nwidth:40%\nlines:3\nregionanchor:0%,100%\nviewportanchor:10%,90%\nscroll:up\n\n00:00.000 --> 00:01.000 region:r1\na\n\n00:00.000 --> 00:01.000 region:r1\nb\n",
    );
    let regions: Vec<_> = text.cues.iter().filter_map(|cue| cue.region.as_ref()).collect();
    assert!(std::sync::Arc::ptr_eq(regions[0], regions[1]));
    assert_eq!((regions[0].height, regions[0].scroll), (RegionHeight::Lines(3), Scroll::Up));
    assert_eq!(text.warnings, []);
}

/// The styles of the runs of one cue under a style sheet.
fn styled(css: &str, cue: &str) -> Vec<telecine_model::cue::TextStyle> {
    let text = parse(&format!("WEBVTT\n\nSTYLE\n{css}\n\nintro\n00:00.000 --> 00:01.000\n{cue}"));
    text.cues[0].runs().into_iter().map(|run| run.style).collect()
}

#[test]
fn rules_of_style_reach_what_their_selectors_name() {
    let css = "::cue { color: #FFF; background-color: rgba(0,0,0,0.8); font-size: 120% }\n\
               ::cue(.shout), ::cue(b) { color: rgb(255, 0, 0) !important; font-weight: 700; }\n\
               ::cue(c.shout.loud) { text-decoration: underline overline; font-style: oblique }\n\
               ::cue(v[voice=\"Ann Lee\"]) { color: lime } /* a { comment } */\n\
               ::cue(:lang(fr)) { font-family: serif }\n\
               ::cue(#intro) { opacity: 50% }\n\
               ::cue(#outro) { visibility: hidden }\n\
               ::cue(.sh\\6f ut) { text-shadow: 2px 2px 2px #000 }\n\
               ::cue(b i) { color: blue }\n\
               video::cue { color: blue }\n\
               @media print { ::cue { color: blue } }\n\
               ::cue(i) { color: nonsense; font-size: 1.5em; text-decoration: line-through }";
    let runs = styled(
        css,
        "plain<c.shout>x</c><c.loud.shout>y</c><v Ann Lee>z</v><lang fr-CA><i>i</i></lang><b>b</b><c.yellow.bg_blue>k</c>",
    );
    let [plain, shout, loud, voice, french, bold, classes] = &runs[..] else { panic!("{runs:?}") };
    let dark = Rgba { r: 0, g: 0, b: 0, a: 204 };
    assert_eq!((plain.color, plain.background, plain.opacity), (Some(Rgba::WHITE), Some(dark), Some(128)));
    assert_eq!(plain.font_size, Some(FontSize::Relative(Percent::whole(120))));
    assert_eq!((shout.color, shout.bold, shout.underline), (Some(Rgba::RED), Some(true), None));
    assert_eq!(shout.edge.map(|edge| (edge.kind, edge.color)), Some((EdgeKind::ShadowRight, Some(Rgba::BLACK))));
    assert_eq!((loud.underline, loud.overline, loud.italic), (Some(true), Some(true), Some(true)));
    assert_eq!((voice.color, french.color), (Some(Rgba::LIME), Some(Rgba::WHITE)));
    assert_eq!(french.font_family, Some(FontFamily::ProportionalSerif));
    // Relative to the size around it.
    assert_eq!(french.font_size, Some(FontSize::Relative(Percent::whole(180))));
    assert_eq!((french.italic, french.line_through), (Some(true), Some(true)));
    assert_eq!(bold.color, Some(Rgba::RED));
    assert_eq!((classes.color, classes.background), (Some(Rgba::YELLOW), Some(Rgba::BLUE)));
    assert!(runs.iter().all(|style| style.visible.is_none()));
}

#[test]
fn the_more_specific_rule_wins_and_of_equal_ones_the_later() {
    let css =
        "::cue(c.a.b) { color: red }\n::cue(.a) { color: lime }\n::cue(.b) { color: blue }\n::cue(c) { color: cyan }";
    let runs = styled(css, "<c.a.b>1</c><c.a>2</c><c.b>3</c><c>4</c><u.a>5</u>");
    let colours: Vec<_> = runs.iter().map(|style| style.color).collect();
    let expected = [Rgba::RED, Rgba::LIME, Rgba::BLUE, Rgba::CYAN, Rgba::LIME].map(Some);
    assert_eq!(colours, expected);
}

#[test]
fn broken_style_says_nothing() {
    for css in [
        "::cue(",
        "::cue {",
        "::cue } {",
        "}{",
        "::cue() { color: red }",
        "::cue(c.) { color: red }",
        "::cue(.a:hover) { color: red }",
        "\"",
        "/*",
        "@import url(x",
        "::cue { color }",
        "::cue { color: }",
        "::cue{font-family:}",
    ] {
        let runs = styled(css, "<c.a>x</c>");
        assert!(runs.iter().all(|style| style.is_empty()), "{css}: {runs:?}");
    }
    // A rule that is cut by the end of the block counts, as in CSS.
    assert_eq!(styled("::cue { color: red", "x")[0].color, Some(Rgba::RED));
}

#[test]
fn limits_are_errors_with_their_place() {
    let cue = "00:00.000 --> 00:01.000\nx\n\n";
    let text = format!("WEBVTT\n\n{}", cue.repeat(3));
    let mut limits = Limits::default();
    limits.cues = 2;
    let error = webvtt::parse(text.as_bytes(), &limits).expect_err("too many");
    assert_eq!((error.code(), error.place()), (ErrorCode::ContainerLimit, Some(&Place::Line(9))));
    limits = Limits::default();
    limits.cue_nodes = 2;
    let error = webvtt::parse(text.as_bytes(), &limits).expect_err("too many");
    assert_eq!((error.code(), error.place()), (ErrorCode::ContainerLimit, Some(&Place::Line(9))));
    limits = Limits::default();
    limits.text_bytes = text.len() - 1;
    assert_eq!(webvtt::parse(text.as_bytes(), &limits).expect_err("too large").code(), ErrorCode::ContainerLimit);
}

#[test]
fn elements_deeper_than_the_limit_lose_their_tags_and_no_text() {
    let mut limits = Limits::default();
    limits.nesting = 3;
    let deep =
        format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{}x{}y</i>z", "<b><i>".repeat(1000), "</i></b>".repeat(1000));
    let text = webvtt::parse(deep.as_bytes(), &limits).expect("readable");
    assert_eq!(text.cues[0].plain_text(), "xyz");
    let depth = |mut nodes: &[Node]| {
        let mut depth = 0;
        while let Some(Node::Span(span)) = nodes.first() {
            (nodes, depth) = (&span.children, depth + 1);
        }
        depth
    };
    assert_eq!(depth(&text.cues[0].text), 3);
    // Everything that was opened is closed again.
    assert_eq!(text.cues[0].text.last(), Some(&Node::text("yz")));
}

#[test]
fn a_cue_survives_the_way_through_json() {
    let text = parse(
        "WEBVTT\n\nREGION\nid:r\nwidth:33.3%\n\n00:00.000 --> 00:01.000 region:r position:12.5%\n<v.a Ann>x<00:00.500><ruby>b<rt>t</rt></ruby><lang en>y</lang></v>",
    );
    let json = serde_json::to_string(&text.cues).expect("serialises");
    let back: Vec<Cue> = serde_json::from_str(&json).expect("reads its own JSON");
    assert_eq!(back, text.cues);
    assert_eq!(back[0].digest(), text.cues[0].digest());
}

/// A cue as an author would write it.
fn written() -> impl Strategy<Value = (u32, u32, String, Vec<(usize, String)>)> {
    let piece = (0..6_usize, "[a-zé日 .,!?]{1,8}");
    (0..9_000_000_u32, 1..100_000_u32, "[a-z0-9 ]{0,6}", proptest::collection::vec(piece, 1..5))
}

fn stamp(millis: u32) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000)
}

proptest! {
    #[test]
    fn what_is_written_is_read(cues in proptest::collection::vec(written(), 0..12), end in 0..3_usize) {
        let line_end = ["\n", "\r\n", "\r"][end];
        let mut lines = vec!["WEBVTT".to_owned(), String::new()];
        let mut expected = Vec::new();
        for (start, length, id, pieces) in &cues {
            if !id.is_empty() {
                lines.push(id.clone());
            }
            lines.push(format!("{} --> {}", stamp(*start), stamp(start + length)));
            let mut text = String::new();
            let mut nodes: Vec<Node> = Vec::new();
            for (kind, piece) in pieces {
                let (open, close, kind) = [
                    ("", "", None),
                    ("<b>", "</b>", Some(SpanKind::Bold)),
                    ("<i>", "</i>", Some(SpanKind::Italic)),
                    ("<u>", "</u>", Some(SpanKind::Underline)),
                    ("<c>", "</c>", Some(SpanKind::Plain)),
                    ("<v Ann>", "</v>", Some(SpanKind::Voice("Ann".into()))),
                ][*kind].clone();
                text += &format!("{open}{piece}{close}");
                match (kind, nodes.last_mut()) {
                    (Some(kind), _) => nodes.push(Node::span(Span::new(kind, vec![Node::text(piece)]))),
                    (None, Some(Node::Text(before))) => before.push_str(piece),
                    (None, _) => nodes.push(Node::text(piece)),
                }
            }
            lines.push(text);
            lines.push(String::new());
            let mut cue = Cue::new(millis((*start).into()), millis((start + length).into()));
            (cue.id, cue.text) = (id.clone(), nodes);
            expected.push(cue);
        }
        let found = parse(&lines.join(line_end));
        prop_assert_eq!(found.cues, expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = webvtt::parse(&bytes, &Limits::default());
        let _ = webvtt::parse(&[b"WEBVTT\n\n00:00.000 --> 00:01.000\n", &bytes[..]].concat(), &Limits::default());
        let _ = webvtt::parse(&[b"WEBVTT\n\nSTYLE\n", &bytes[..]].concat(), &Limits::default());
    }
}
