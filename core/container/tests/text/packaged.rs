//! WebVTT and TTML in MP4 as Shaka Packager writes them, and samples written by hand.

use bytes::Bytes;
use telecine_container::text::{ttml, webvtt, wvtt::WebVttTrack};
use telecine_container::{DecoderConfig, IsoReader, TrackInfo, Unit};
use telecine_model::cue::{CueChange, Line, Node, Percent, RegionWidth, Rgba, TextAlign};
use telecine_model::{Cue, CueStore, Error, ErrorCode, Limits, MediaTime, Place};

fn file(name: &str) -> Bytes {
    let path = format!("{}/tests/data/text/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

/// All samples of the only track of a file, with the times at which they are due.
fn samples(name: &str) -> (TrackInfo, Vec<(Bytes, MediaTime, MediaTime)>) {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(file(name));
    let (mut track, mut samples) = (None, Vec::new());
    while let Some(unit) = reader.poll().expect("readable") {
        match unit {
            Unit::Init(init) => track = Some(init.tracks[0].clone()),
            Unit::Fragment(fragment) => {
                let track = track.as_ref().expect("moov came first");
                for sample in fragment.tracks.iter().flat_map(|part| &part.samples) {
                    let pts = track.presentation_time(sample.pts());
                    let time = |ticks| MediaTime::from_ticks(ticks, track.timescale);
                    let data = fragment.sample(sample).expect("a fragment has its samples");
                    samples.push((data, time(pts), time(pts + i64::from(sample.duration))));
                }
            }
            _ => {}
        }
    }
    (track.expect("a file has a moov"), samples)
}

/// What a host has that follows the changes of a store.
fn shown(pieces: impl IntoIterator<Item = Cue>) -> Vec<Cue> {
    let (mut store, mut changes) = (CueStore::new(&Limits::default()), Vec::new());
    for cue in pieces {
        store.insert(cue, &mut changes);
    }
    assert!(!changes.iter().any(|change| matches!(change, CueChange::Removed(_))));
    store.iter().map(|(_, cue)| (**cue).clone()).collect()
}

fn told(cues: &[Cue]) -> Vec<(String, String, i64, i64)> {
    cues.iter().map(|cue| (cue.id.clone(), cue.plain_text(), cue.start.as_millis(), cue.end.as_millis())).collect()
}

#[test]
fn wvtt_samples_show_each_cue_of_the_source_once() {
    let limits = Limits::default();
    let (track, samples) = samples("wvtt.mp4");
    let DecoderConfig::WebVtt { header } = &track.config else { panic!("{:?}", track.config) };
    let texts = WebVttTrack::new(header, &limits).expect("a header");
    let pieces: Vec<_> =
        samples.iter().flat_map(|(data, from, to)| texts.sample(data, *from..*to).expect("a sample")).collect();
    let source = webvtt::parse(&file("packaged.vtt"), &limits).expect("WebVTT");
    assert!(pieces.len() > source.cues.len(), "nothing spans samples");
    let mut found = shown(pieces);
    found.sort_by_key(|cue| (cue.start, cue.id.clone()));
    assert_eq!(told(&found), told(&source.cues));
    assert_eq!((found[0].layout.line, found[0].layout.align), (Line::Percent(Percent::whole(85)), TextAlign::Left));
    assert_eq!(found[0].text, source.cues[0].text);
}

#[test]
fn stpp_samples_show_each_cue_of_the_source_once() {
    let limits = Limits::default();
    let (track, samples) = samples("stpp.mp4");
    assert!(matches!(track.config, DecoderConfig::Ttml { .. }));
    let mut pieces = Vec::new();
    for (data, from, to) in &samples {
        let text = ttml::parse(data, &limits).expect("a document");
        pieces.extend(text.into_sample_cues(*from..*to, MediaTime::ZERO));
    }
    let source = webvtt::parse(&file("packaged.vtt"), &limits).expect("WebVTT");
    assert!(pieces.len() > source.cues.len(), "nothing spans samples");
    let mut found = shown(pieces);
    found.sort_by_key(|cue| (cue.start, cue.id.clone()));
    let times = |cues: &[Cue]| told(cues).into_iter().map(|(id, _, from, to)| (id, from, to)).collect::<Vec<_>>();
    assert_eq!(times(&found), times(&source.cues));
    // The packager writes WebVTT's tags as text.
    assert_eq!(found[0].plain_text(), "<v Ann>Spans <b>three</b> segments</v>");
}

fn boxed(kind: &str, body: &[u8]) -> Vec<u8> {
    [&(8 + body.len() as u32).to_be_bytes()[..], kind.as_bytes(), body].concat()
}

fn cue_box(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|(kind, text)| boxed(kind, text.as_bytes())).collect();
    boxed("vttc", &parts)
}

fn read(header: &str, sample: &[u8], from: i64, to: i64) -> Result<Vec<Cue>, Error> {
    let texts = WebVttTrack::new(header.as_bytes(), &Limits::default())?;
    texts.sample(sample, MediaTime::from_millis(from)..MediaTime::from_millis(to))
}

#[test]
fn regions_and_styles_come_from_the_header_of_the_track() {
    let header = "WEBVTT\n\nSTYLE\n::cue(.y){color:yellow}\n\nREGION\nid:r\nwidth:40%\n";
    let sample = cue_box(&[("sttg", "region:r align:left"), ("payl", "<c.y>x</c>\r\ny\0")]);
    let cues = read(header, &sample, 0, 1000).expect("readable");
    assert_eq!(cues[0].plain_text(), "x\ny");
    assert_eq!(cues[0].runs()[0].style.color, Some(Rgba::YELLOW));
    let width = cues[0].region.as_ref().map(|region| region.width);
    assert_eq!(width, Some(RegionWidth::Percent(Percent::whole(40))));
    assert!(read("", &sample, 0, 1000).expect("no header").first().is_some_and(|cue| cue.region.is_none()));
}

#[test]
fn what_is_left_out_of_header_and_samples_is_said() {
    let header = "WEBVTT\n\nREGION\nid:r\nwidth:wide\n";
    let texts = WebVttTrack::new(header.as_bytes(), &Limits::default()).expect("a header");
    let rules =
        |warnings: &[telecine_model::Warning]| warnings.iter().map(|warning| warning.rule.clone()).collect::<Vec<_>>();
    assert_eq!(rules(texts.warnings()), ["T102"]);
    let sample = [cue_box(&[("payl", "x")]), cue_box(&[("sttg", "align:left colour:red"), ("payl", "y")])].concat();
    let mut warnings = Vec::new();
    let due = MediaTime::ZERO..MediaTime::from_secs(1);
    let cues = texts.sample_with(&sample, due, |warning| warnings.push(warning)).expect("readable");
    assert_eq!((cues.len(), rules(&warnings)), (2, vec!["T102".to_owned()]));
    let expected = "T102 at vttc/sttg at byte 17: a setting of a cue was ignored: colour:red";
    assert_eq!(warnings[0].to_string(), expected);
}

#[test]
fn samples_with_more_to_warn_of_than_the_limit() {
    let mut limits = Limits::default();
    limits.side_items = 3;
    let texts = WebVttTrack::new(b"", &limits).expect("no header");
    // In one cue and over the cues of a sample.
    let cue = cue_box(&[("sttg", &"x ".repeat(500_000)), ("payl", "y")]);
    let two = cue_box(&[("sttg", "x x"), ("payl", "y")]);
    for (sample, cues) in [(cue, 1), ([&two[..], &two, &two].concat(), 3)] {
        let mut warnings = Vec::new();
        let due = MediaTime::ZERO..MediaTime::from_secs(1);
        let read = texts.sample_with(&sample, due, |warning| warnings.push(warning)).expect("readable");
        assert_eq!((read.len(), warnings.len()), (cues, 3));
    }
}

#[test]
fn times_inside_a_cue_follow_the_clock_that_its_sample_states() {
    // A cue from 10.5 s of its own clock, cut at 2000.3 ms of the track.
    let first = cue_box(&[("ctim", "00:00:10.500"), ("payl", "a<00:00:11.000>b<00:00:12.500>c")]);
    let second = cue_box(&[("ctim", "00:00:11.500"), ("payl", "a<00:00:11.000>b<00:00:12.500>c")]);
    let mut pieces = read("WEBVTT", &first, 1000, 2000).expect("readable");
    pieces.extend(read("WEBVTT", &second, 2000, 4000).expect("readable"));
    let cues = shown(pieces);
    assert_eq!(cues.len(), 1);
    let at = |millis| Node::Time(MediaTime::from_millis(millis));
    assert_eq!(cues[0].text, [Node::text("a"), at(1500), Node::text("b"), at(3000), Node::text("c")]);
}

#[test]
fn empty_samples_and_notes_show_nothing() {
    assert_eq!(read("WEBVTT", &[], 0, 1), Ok(Vec::new()));
    assert_eq!(read("WEBVTT", &boxed("vtte", b""), 0, 1), Ok(Vec::new()));
    let noted = [boxed("vtta", b"NOTE x"), cue_box(&[("vsid", "\0\0\0\x01"), ("payl", "x")])].concat();
    assert_eq!(read("WEBVTT", &noted, 0, 1).expect("readable").len(), 1);
}

#[test]
fn broken_boxes_are_errors_with_their_place() {
    let inside = boxed("vttc", b"\0\0\0\x40payl");
    let at = |path: &str, offset| Place::Box { path: path.into(), offset };
    for (sample, place) in [
        (&b"\0\0\0"[..], at("", 0)),
        (b"\0\0\0\x07vttc", at("vttc", 0)),
        (b"\0\0\0\x10vttc", at("vttc", 0)),
        (&inside, at("vttc/payl", 0)),
        (&[boxed("vtte", b""), b"\0\0\0\0vtta".to_vec()].concat(), at("vtta", 8)),
    ] {
        let error = read("WEBVTT", sample, 0, 1).expect_err("broken");
        assert_eq!((error.code(), error.place()), (ErrorCode::ContainerSyntax, Some(&place)), "{sample:?}");
    }
    assert_eq!(read("no header", &[], 0, 1).expect_err("broken").code(), ErrorCode::TextSyntax);
}
