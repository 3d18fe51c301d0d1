//! Hostile input is normal input: a typed error or a warning, never a panic, never a stall.

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use std::fmt::Write as _;

use hls_support::*;
use proptest::prelude::*;
use telecine_manifest::hls::{self, Context, Mode, Playlist};
use telecine_model::{Error, ErrorCode, Limits};

fn code(text: impl AsRef<[u8]>) -> Option<ErrorCode> {
    read(text, Mode::Compat).err().map(|error| error.code())
}

fn within(limits: &Limits, text: &str) -> Result<Playlist, Error> {
    let context = Context { uri: BASE, requested_uri: BASE, imports: None, mode: Mode::Compat, limits };
    hls::parse(text.as_bytes(), &context)
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_looked_at() {
    let mut body = vec![0xFF; 100 << 20];
    body[..8].copy_from_slice(b"#EXTM3U\n");
    assert_eq!(code(&body), Some(ErrorCode::ManifestLimit));
}

#[test]
fn an_overlong_line_is_a_limit_with_its_place() {
    let text = around(&format!("#EXTINF:4,\n{}", "a".repeat((1 << 20) + 1)));
    let error = read(text, Mode::Compat).expect_err("too long");
    assert_eq!((error.code(), error.place()), (ErrorCode::ManifestLimit, Some(&telecine_model::Place::Line(5))));
}

#[test]
fn absurd_durations_are_faults_or_limits() {
    for duration in ["9223372036854775808", "99999999999999999999999999"] {
        let text = around(&format!("#EXTINF:{duration},\na.ts"));
        assert_eq!(as_media(read(text, Mode::Compat).expect("read on")).duration().as_millis(), 4000);
    }
    for duration in ["9223372036", "86401"] {
        assert_eq!(code(around(&format!("#EXTINF:{duration},\na.ts"))), Some(ErrorCode::ManifestLimit));
    }
}

#[test]
fn numbers_at_the_end_of_the_integers_are_limits() {
    let numbered = |n: u64, segments: usize| {
        live(&format!("#EXT-X-MEDIA-SEQUENCE:{n}\n{}", "#EXTINF:4,\na.ts\n".repeat(segments)))
    };
    assert_eq!(code(numbered(u64::MAX, 1)), Some(ErrorCode::ManifestLimit));
    assert_eq!(code(numbered(u64::MAX - 1, 2)), Some(ErrorCode::ManifestLimit));
    let last = media(numbered(u64::MAX - 1, 1));
    assert_eq!(last.index.get(u64::MAX - 1).map(|segment| segment.number), Some(u64::MAX - 1));
    let discontinuous =
        live(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\na.ts", u64::MAX));
    assert_eq!(media(discontinuous).index.get(0).map(|segment| segment.discontinuity), Some(u64::MAX));
}

#[test]
fn billions_of_skipped_segments_cost_nothing() {
    let delta = |skipped: u64| live(&format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n#EXTINF:4,\na.ts"));
    assert_eq!(media(delta(9_000_000_000)).index.table.first_number(), 9_000_000_000);
    assert_eq!(code(delta(u64::MAX)), Some(ErrorCode::ManifestLimit));
    let mut known = media(live("#EXTINF:4,\na.ts"));
    assert_eq!(known.refresh(media(delta(9_000_000_000))), Ok(hls::Refresh::NeedsFull));
}

#[test]
fn thousands_of_attributes_are_a_limit() {
    let mut tag = String::from("#EXT-X-DATERANGE:ID=\"a\"");
    for i in 0..5000 {
        let _ = write!(tag, ",X-A{i}=1");
    }
    assert_eq!(code(around(&tag)), Some(ErrorCode::ManifestLimit));
}

#[test]
fn every_count_has_its_limit() {
    let mut limits = Limits::default();
    limits.segments = 2;
    limits.segment_runs = 2;
    limits.renditions = 2;
    limits.variables = 2;
    limits.side_items = 2;
    limits.parts = 2;
    limits.attributes = 4;
    for (text, refused) in [
        (around(&"#EXTINF:4,\na.ts\n".repeat(3)), true),
        (around("#EXTINF:4,\na\n#EXTINF:3,\nb\n"), false),
        (live(&"#EXT-X-PART:DURATION=1,URI=\"p\"\n".repeat(3)), true),
        (variants(&"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\"\n".repeat(3)), true),
        (variants(&"#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n".repeat(3)), true),
        (variants("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"\"\n#EXT-X-DEFINE:NAME=\"c\",VALUE=\"\""), true),
        (variants(&(0..9).map(|i| format!("#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"{i}\"\n")).collect::<String>()), true),
    ] {
        let result = within(&limits, &text);
        let code = result.as_ref().err().map(Error::code);
        assert_eq!(code, refused.then_some(ErrorCode::ManifestLimit), "{text}");
    }
    // What is beside the media is bounded by leaving the rest out.
    let mut beside = String::new();
    for i in 0..9 {
        let _ = writeln!(
            beside,
            "#EXT-X-NEW:{i}\n#EXT-X-DATERANGE:ID=\"{i}\",START-DATE=\"2026-05-01T00:00:00Z\"\n#EXT-X-RENDITION-REPORT:URI=\"{i}\""
        );
    }
    let playlist = as_media(within(&limits, &around(&beside)).expect("readable"));
    let info = &playlist.info;
    assert_eq!((info.unknown_tags.len(), info.date_ranges.len(), info.rendition_reports.len()), (2, 2, 2));
    assert!(info.warnings.len() <= 2 + 8, "{:?}", info.warnings);
}

#[test]
fn what_grows_with_the_square_elsewhere_grows_with_the_length_here() {
    // Each of these takes minutes where a loop looks at the rest of the text, or at all before, again.
    let megabyte = |piece: &str| piece.repeat((1 << 20) / piece.len() - 1);
    let each = |count: u32, line: &dyn Fn(u32) -> String| (0..count).map(line).collect::<String>();
    let begun = std::time::Instant::now();
    for text in [
        around(&format!("#EXTINF:4,\n{}", megabyte("{$"))),
        around(&format!("#EXT-X-DATERANGE:{}", megabyte("a,"))),
        around(&each(4_000, &|i| {
            let attributes: String = (0..200).map(|n| format!(",X-{i}-{n}=1")).collect();
            format!("#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-05-01T00:00:00Z\"{attributes}\n")
        })),
        around(&each(50_000, &|i| format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"{i}\"\n"))),
        around(&each(50_000, &|i| {
            format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{i}\",KEYFORMAT=\"{}\"\n#EXTINF:1,\n{i}\n", i % 200)
        })),
        variants(&each(100_000, &|i| format!("#EXT-X-SESSION-DATA:DATA-ID=\"{i}\",VALUE=\"v\"\n"))),
        variants(&format!("#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{}\"\nv", each(100_000, &|i| format!("mp4a.{i},")))),
        variants(&each(9_000, &|i| {
            format!("#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\",CODECS=\"mp4a.{i},ac-3.{i}\"\nv\n")
        })),
        variants(&each(9_000, &|i| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",CHANNELS=\"{i}\"\n"))),
    ] {
        // Either way is fine, as long as it is soon.
        let _ = read(text, Mode::Compat);
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn segments_of_no_duration_can_be_refreshed() {
    let text = |count: usize| live(&"#EXTINF:0,\na.ts\n".repeat(count));
    let mut playlist = media(text(3));
    assert_eq!(playlist.refresh(media(text(5))), Ok(hls::Refresh::Appended(2)));
    assert_eq!(playlist.index.table.len(), 5);
}

/// Lines that look like a playlist, with damage.
fn line() -> impl Strategy<Value = String> {
    let tag = prop::sample::select(vec![
        "#EXTM3U",
        "#EXT-X-VERSION",
        "#EXT-X-TARGETDURATION",
        "#EXTINF",
        "#EXT-X-BYTERANGE",
        "#EXT-X-KEY",
        "#EXT-X-MAP",
        "#EXT-X-PROGRAM-DATE-TIME",
        "#EXT-X-DATERANGE",
        "#EXT-X-SKIP",
        "#EXT-X-PART",
        "#EXT-X-PART-INF",
        "#EXT-X-GAP",
        "#EXT-X-PRELOAD-HINT",
        "#EXT-X-RENDITION-REPORT",
        "#EXT-X-SERVER-CONTROL",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-DISCONTINUITY-SEQUENCE",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-ENDLIST",
        "#EXT-X-BITRATE",
        "#EXT-X-DEFINE",
        "#EXT-X-START",
        "#EXT-X-MEDIA",
        "#EXT-X-STREAM-INF",
        "#EXT-X-I-FRAME-STREAM-INF",
        "#EXT-X-SESSION-DATA",
        "#EXT-X-SESSION-KEY",
        "#EXT-X-CONTENT-STEERING",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-NEW",
        "",
    ]);
    let value = prop_oneof![
        "[0-9]{1,20}",
        "[0-9]{1,3}\\.[0-9]{1,12},",
        "[0-9]{1,6}@[0-9]{1,20}",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:.]{2,12}Z?",
        attribute_list(),
        "\\PC{0,30}",
    ];
    (tag, value).prop_map(|(tag, value)| if tag.is_empty() { value } else { format!("{tag}:{value}") })
}

fn attribute_list() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "URI",
        "METHOD",
        "IV",
        "KEYFORMAT",
        "BYTERANGE",
        "DURATION",
        "ID",
        "START-DATE",
        "END-DATE",
        "CLASS",
        "CUE",
        "END-ON-NEXT",
        "SKIPPED-SEGMENTS",
        "RECENTLY-REMOVED-DATERANGES",
        "PART-TARGET",
        "TYPE",
        "GROUP-ID",
        "NAME",
        "VALUE",
        "QUERYPARAM",
        "IMPORT",
        "LANGUAGE",
        "BANDWIDTH",
        "RESOLUTION",
        "FRAME-RATE",
        "CODECS",
        "AUDIO",
        "SCORE",
        "INSTREAM-ID",
        "CHANNELS",
        "DATA-ID",
        "SERVER-URI",
        "TIME-OFFSET",
        "LAST-MSN",
        "REQ-X",
        "X-A",
        "PLANNED-DURATION",
        "HOLD-BACK",
        "CAN-SKIP-UNTIL",
        "REQ-VIDEO-LAYOUT",
        "BYTERANGE-START",
        "GAP",
        "INDEPENDENT",
    ]);
    let value = prop_oneof![
        Just("YES".to_owned()),
        Just("AES-128".to_owned()),
        Just("PART".to_owned()),
        Just("AUDIO".to_owned()),
        Just("\"{$a}\"".to_owned()),
        "-?[0-9]{1,20}(\\.[0-9]{1,12})?",
        "0x[0-9A-Fa-f]{0,40}",
        "\"[a-z0-9@/ ,{}$-]{0,12}\"",
        "\"20[0-9]{2}-0[1-9]-1[0-9]T00:00:[0-5][0-9]Z\"",
        "\\PC{0,8}",
    ];
    prop::collection::vec((name, value), 0..6)
        .prop_map(|list| list.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","))
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut text = b"#EXTM3U\n".to_vec();
        for mode in [Mode::Strict, Mode::Compat] {
            let _ = read(&bytes, mode);
            text.truncate(8);
            text.extend_from_slice(&bytes);
            let _ = read(&text, mode);
        }
    }

    #[test]
    fn no_lines_make_the_reader_or_a_refresh_panic(
        lines in prop::collection::vec(line(), 0..40),
        more in prop::collection::vec(line(), 0..10),
    ) {
        let first = format!("#EXTM3U\n{}", lines.join("\n"));
        let second = format!("{first}\n{}", more.join("\n"));
        let read_media = |text: &str| match read(text, Mode::Compat) {
            Ok(Playlist::Media(playlist)) => Some(*playlist),
            _ => None,
        };
        let _ = read(&first, Mode::Strict);
        if let (Some(mut a), Some(b)) = (read_media(&first), read_media(&second)) {
            for index in [&a.index, &b.index] {
                // Every number of the table can be asked for.
                for number in index.table.first_number()..index.table.end_number() {
                    prop_assert!(index.get(number).is_some());
                }
            }
            let _ = a.refresh(b);
            for number in a.index.table.first_number()..a.index.table.end_number() {
                prop_assert!(a.index.get(number).is_some());
            }
            let _ = a.into_presentation();
        }
    }

    #[test]
    fn strict_never_accepts_what_compat_refuses(lines in prop::collection::vec(line(), 0..20)) {
        let text = format!("#EXTM3U\n{}", lines.join("\n"));
        if let Err(error) = read(&text, Mode::Compat) {
            prop_assert!(read(&text, Mode::Strict).is_err(), "{error}");
        }
    }
}
