//! A newer version of a playlist of which only what is new is read says what it says when all of it is read.

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use std::fmt::Write as _;

use hls_support::*;
use proptest::prelude::*;
use telecine_manifest::hls::{parse, parse_again, Context, MediaPlaylist, Mode, Playlist, Refresh};
use telecine_model::{Error, Limits};

fn again(text: &str, known: &MediaPlaylist, mode: Mode, limits: &Limits) -> Result<Playlist, Error> {
    let context = Context { uri: BASE, requested_uri: BASE, imports: None, mode, limits };
    parse_again(text.as_bytes(), &context, &known.index, &known.text)
}

fn whole(text: &str, mode: Mode, limits: &Limits) -> Result<Playlist, Error> {
    parse(text.as_bytes(), &Context { uri: BASE, requested_uri: BASE, imports: None, mode, limits })
}

/// The lines of one segment.
#[derive(Clone, Debug)]
struct Segment {
    before: Before,
    millis: u64,
    name: Name,
    range: Option<(u64, Option<u64>)>,
    /// Milliseconds that the announced time is off.
    date: Option<u64>,
}

/// What stands in front of a segment.
#[derive(Clone, Debug)]
enum Before {
    Nothing,
    Key(u8, u8),
    NoKey,
    Map(u8),
    Discontinuity,
    Gap,
    Bitrate(u16),
    DateRange(u8),
    Unknown,
    Fault(u8),
}

#[derive(Clone, Debug)]
enum Name {
    Counted,
    Tenth,
    Odd(u16),
    One,
}

impl Segment {
    fn write(&self, number: usize, start: u64, token: u8, text: &mut String) {
        let _ = match self.before {
            Before::Nothing => Ok(()),
            Before::Key(format, key) => writeln!(
                text,
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k{key}\",IV=0x0A,KEYFORMAT=\"f{}\",KEYFORMATVERSIONS=\"1\"",
                format % 2
            ),
            Before::NoKey => writeln!(text, "#EXT-X-KEY:METHOD=NONE"),
            Before::Map(map) => writeln!(text, "#EXT-X-MAP:URI=\"m{map}\""),
            Before::Discontinuity => writeln!(text, "#EXT-X-DISCONTINUITY"),
            Before::Gap => writeln!(text, "#EXT-X-GAP"),
            Before::Bitrate(bitrate) => writeln!(text, "#EXT-X-BITRATE:{bitrate}"),
            Before::DateRange(class) => writeln!(
                text,
                "#EXT-X-DATERANGE:ID=\"{}\",CLASS=\"c{class}\",START-DATE=\"2026-05-01T00:00:{class:02}Z\",END-ON-NEXT=YES",
                number / 3
            ),
            Before::Unknown => writeln!(text, "#EXT-X-CUE-OUT-CONT:{number}/30"),
            Before::Fault(which) => writeln!(
                text,
                "{}",
                [
                    "#EXT-X-PROGRAM-DATE-TIME:yesterday",
                    "#EXT-X-VERSION:7",
                    " #EXT-X-GAP ",
                    "#EXT-X-PART:DURATION=1,URI=\"p\"",
                    "#EXT-X-DEFINE:NAME=\"v\",VALUE=\"x\"\n#EXT-X-MAP:URI=\"{$v}\"",
                    "#EXT-X-I-FRAMES-ONLY",
                    "#EXT-X-MEDIA-SEQUENCE:5",
                    "#EXT-X-DATERANGE:ID=\"x\"",
                    "#EXTINF:3",
                    "v\r",
                ][usize::from(which) % 10]
            ),
        };
        if let Some(off) = self.date {
            let millis = start + off;
            let (s, ms) = (millis / 1000, millis % 1000);
            let _ = writeln!(
                text,
                "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T{:02}:{:02}:{:02}.{ms:03}Z",
                s / 3600,
                s / 60 % 60,
                s % 60
            );
        }
        let _ = match self.range {
            Some((length, Some(offset))) => writeln!(text, "#EXT-X-BYTERANGE:{length}@{offset}"),
            Some((length, None)) => writeln!(text, "#EXT-X-BYTERANGE:{length}"),
            None => Ok(()),
        };
        let _ = writeln!(text, "#EXTINF:{}.{:03},", self.millis / 1000, self.millis % 1000);
        let _ = match self.name {
            Name::Counted => writeln!(text, "s{number}.ts?t={token}"),
            Name::Tenth => writeln!(text, "t{}.ts", number / 10),
            Name::Odd(odd) => writeln!(text, "{odd:x}-{number}"),
            Name::One => writeln!(text, "all.mp4"),
        };
    }
}

fn write(segments: &[Segment], from: usize, to: usize, head: &str, token: u8) -> String {
    let mut text = live(&format!("#EXT-X-MEDIA-SEQUENCE:{from}\n{head}"));
    let mut start: u64 = segments[..from].iter().map(|segment| segment.millis).sum();
    for (number, segment) in segments.iter().enumerate().take(to).skip(from) {
        segment.write(number, start, token, &mut text);
        start += segment.millis;
    }
    text
}

/// What is in force at the front, as servers repeat it there.
fn head(segments: &[Segment], from: usize) -> String {
    let mut out = String::new();
    let breaks = segments[..from].iter().filter(|segment| matches!(segment.before, Before::Discontinuity)).count();
    let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{breaks}");
    let mut keys = Vec::new();
    let (mut map, mut bitrate) = (None, None);
    for (number, segment) in segments[..from].iter().enumerate() {
        match &segment.before {
            Before::Key(..) => keys.push((number, segment)),
            Before::NoKey => keys.clear(),
            Before::Map(_) => map = Some((number, segment)),
            Before::Bitrate(_) => bitrate = Some((number, segment)),
            _ => {}
        }
    }
    for (number, segment) in keys.into_iter().chain(map).chain(bitrate) {
        let mut lines = String::new();
        segment.write(number, 0, 0, &mut lines);
        let _ = writeln!(out, "{}", lines.lines().next().unwrap_or(""));
    }
    out.trim_end().to_owned()
}

fn before() -> impl Strategy<Value = Before> {
    prop_oneof![
        900 => Just(Before::Nothing),
        2 => (0..4_u8, 0..3_u8).prop_map(|(format, key)| Before::Key(format, key)),
        1 => Just(Before::NoKey),
        2 => (0..3_u8).prop_map(Before::Map),
        3 => Just(Before::Discontinuity),
        3 => Just(Before::Gap),
        2 => (1..4_u16).prop_map(Before::Bitrate),
        3 => (0..60_u8).prop_map(Before::DateRange),
        3 => Just(Before::Unknown),
        1 => any::<u8>().prop_map(Before::Fault),
    ]
}

fn segment() -> impl Strategy<Value = Segment> {
    let millis = prop_oneof![9 => Just(4000_u64), 1 => 1..4500_u64];
    let name = prop_oneof![
        6 => Just(Name::Counted),
        3 => Just(Name::Tenth),
        1 => any::<u16>().prop_map(Name::Odd),
        1 => Just(Name::One),
    ];
    let offset = prop_oneof![2 => Just(None), 1 => (0..5_u64).prop_map(|offset| Some(offset * 1000))];
    let range = prop::option::weighted(0.5, (1..300_u64, offset));
    let date = prop::option::weighted(0.5, prop_oneof![9 => 0..2_u64, 1 => 0..9000_u64]);
    (before(), millis, name, range, date).prop_map(|(before, millis, name, range, date)| Segment {
        before,
        millis,
        name,
        range,
        date,
    })
}

/// What of each segment a whole playlist leaves out.
#[derive(Clone, Copy, Debug)]
struct Kind {
    ranges: bool,
    dates: bool,
    regular: bool,
    names: bool,
}

fn stream() -> impl Strategy<Value = Vec<Segment>> {
    let kind = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(ranges, dates, regular, names)| Kind { ranges, dates, regular, names });
    (prop::collection::vec(segment(), 1400), kind).prop_map(|(mut segments, kind)| {
        for segment in &mut segments {
            segment.range = segment.range.filter(|_| kind.ranges);
            segment.date = segment.date.filter(|_| kind.dates);
            if kind.regular {
                segment.millis = 4000;
            }
            if !kind.names {
                segment.name = Name::Counted;
            }
        }
        segments
    })
}

#[derive(Clone, Debug)]
struct Step {
    forward: usize,
    grown: usize,
    /// A segment that is another now, counted from the end.
    edit: Option<(usize, Segment)>,
    /// Whether the head says what is in force.
    told: bool,
    token: u8,
    end: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let forward = prop_oneof![6 => 0..3_usize, 1 => 0..300_usize];
    let grown = prop_oneof![6 => 0..3_usize, 1 => 0..300_usize];
    let edit = prop::option::weighted(0.3, (0..900_usize, segment()));
    let token = prop_oneof![9 => Just(0_u8), 1 => any::<u8>()];
    (forward, grown, edit, prop::bool::weighted(0.8), token, prop::bool::weighted(0.05))
        .prop_map(|(forward, grown, edit, told, token, end)| Step { forward, grown, edit, told, token, end })
}

proptest! {
    /// The oracle is the reader that reads all of the text, and the playlist into which such versions were merged.
    #[test]
    fn what_is_read_again_in_part_is_what_is_read_as_a_whole(
        mut segments in stream(),
        steps in prop::collection::vec(step(), 1..8),
        strict in prop::bool::weighted(0.1),
        first in 0..400_usize,
        window in 1..900_usize,
    ) {
        let limits = Limits::default();
        let mode = if strict { Mode::Strict } else { Mode::Compat };
        let (mut from, mut to) = (first, first + window);
        let Ok(Playlist::Media(known)) = whole(&write(&segments, from, to, &head(&segments, from), 0), mode, &limits)
        else { return Ok(()) };
        let (mut known, mut oracle) = (*known.clone(), *known);
        for Step { forward, grown, edit, told, token, end } in steps {
            to = (to + grown).min(segments.len());
            from = (from + forward).min(to);
            if let Some((back, edited)) = edit {
                segments[to.saturating_sub(back + 1)] = edited;
            }
            let head = if told { head(&segments, from) } else { String::new() };
            let mut text = write(&segments, from, to, &head, token);
            if end {
                text.push_str("#EXT-X-ENDLIST\n");
            }
            let (again, whole) = (again(&text, &known, mode, &limits), whole(&text, mode, &limits));
            let (again, whole) = match (again, whole) {
                (Ok(Playlist::Media(again)), Ok(Playlist::Media(whole))) => (*again, *whole),
                (again, whole) => {
                    prop_assert_eq!(format!("{again:?}"), format!("{whole:?}"));
                    continue;
                }
            };
            prop_assert_eq!(&again.info, &whole.info);
            prop_assert_eq!(&again.text, &whole.text);
            prop_assert_eq!(&again.index, &whole.index);
            let outcomes = (known.refresh(again), oracle.refresh(whole));
            prop_assert_eq!(format!("{:?}", outcomes.0), format!("{:?}", outcomes.1));
            prop_assert_eq!(&known.info, &oracle.info);
            prop_assert_eq!(&known.index, &oracle.index);
            prop_assert_eq!(&known.text, &oracle.text);
        }
    }
}

#[test]
fn what_slides_by_a_segment_is_not_read_again() {
    let text = |from: u64, extra: &str| {
        let mut text = live(&format!("#EXT-X-MEDIA-SEQUENCE:{from}"));
        for number in from..from + 2000 {
            let _ = writeln!(text, "#EXTINF:4.000,\ns{number}.ts");
        }
        text + extra
    };
    let limits = Limits::default();
    let mut known = media(text(10, ""));
    // Whatever is known of the middle is what a newer version is taken to say.
    known.index.gap.set_from(700, true);
    known.index.gap.set_from(701, false);
    let newer = as_media(again(&text(11, ""), &known, Mode::Compat, &limits).expect("read"));
    assert!(newer.index.get(700).expect("listed").gap);
    // Within other limits it is all read.
    let mut others = limits.clone();
    others.line_bytes = 1000;
    let newer = as_media(again(&text(11, ""), &known, Mode::Compat, &others).expect("read"));
    assert!(!newer.index.get(700).expect("listed").gap);
    assert_eq!(known.refresh(newer), Ok(Refresh::Appended(1)));
}

#[test]
fn a_known_segment_that_is_said_to_last_otherwise_keeps_its_time_and_its_block_is_read_each_time() {
    let text = |from: u64, odd: &str| {
        let mut text = live(&format!("#EXT-X-MEDIA-SEQUENCE:{from}"));
        for number in from..from + 1000 {
            let duration = if number == 300 { odd } else { "4.000" };
            let _ = writeln!(text, "#EXTINF:{duration},\ns{number}.ts");
        }
        text
    };
    let limits = Limits::default();
    let mut known = media(text(10, "4.000"));
    for from in 11..14 {
        let newer = text(from, "3.000");
        let read = as_media(again(&newer, &known, Mode::Compat, &limits).expect("read"));
        assert_eq!(read.index, media(&newer).index);
        assert_eq!(known.refresh(read), Ok(Refresh::Appended(1)));
    }
}

#[test]
fn what_is_kept_of_a_text_is_less_than_a_byte_a_segment() {
    let mut text = live("#EXT-X-MEDIA-SEQUENCE:7");
    for number in 0..10_000 {
        let _ = writeln!(text, "#EXTINF:4.000,\ns{number}.ts");
    }
    assert!(media(&text).text.heap_bytes() < 10_000);
    let ended = media(text + "#EXT-X-ENDLIST\n");
    assert_eq!(ended.text.heap_bytes(), 0, "what has ended does not come again");
}
