//! Reloads and delta updates: rfc8216bis 6.2.1, 6.3.4, 6.3.7 (H038, H074, H119, H121, H124, HX09).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use std::fmt::Write as _;

use hls_support::*;
use proptest::prelude::*;
use telecine_manifest::hls::{MediaPlaylist, Refresh};
use telecine_model::{ErrorCode, MediaTime, Segment};

/// What a server knows of a live stream, from which it can write any version of its playlist.
#[derive(Clone, Debug)]
struct Stream {
    segments: Vec<Facts>,
}

#[derive(Clone, Debug)]
struct Facts {
    millis: u64,
    discontinuity: bool,
    gap: bool,
    /// Another key, map or bitrate from here on.
    key: Option<u8>,
    map: Option<u8>,
    bitrate: Option<u16>,
    odd_name: bool,
    dated: bool,
}

impl Stream {
    fn regular(count: usize) -> Self {
        let facts = Facts {
            millis: 4000,
            discontinuity: false,
            gap: false,
            key: None,
            map: None,
            bitrate: None,
            odd_name: false,
            dated: true,
        };
        Self { segments: vec![facts; count] }
    }

    /// The playlist of the segments from `first` to before `end`, the first `skipped` left out.
    fn write(&self, first: usize, end: usize, skipped: Option<usize>) -> String {
        let before = self.segments[..first].iter().filter(|facts| facts.discontinuity).count();
        let mut text = live(&format!("#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{before}"));
        if let Some(skipped) = skipped {
            let _ = writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        } else {
            // What is in force at the front is repeated there.
            self.write_state(first, &mut text);
        }
        let listed = first + skipped.unwrap_or(0);
        for (number, facts) in self.segments.iter().enumerate().take(end).skip(listed) {
            if facts.discontinuity {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            Self::write_changes(facts, &mut text);
            if facts.dated {
                let start: u64 = self.segments[..number].iter().map(|facts| facts.millis).sum();
                let _ = writeln!(
                    text,
                    "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T{:02}:{:02}:{:02}.{:03}Z",
                    start / 3_600_000,
                    start / 60_000 % 60,
                    start / 1000 % 60,
                    start % 1000
                );
            }
            if facts.gap {
                text.push_str("#EXT-X-GAP\n");
            }
            let name = if facts.odd_name { "odd" } else { "s" };
            let _ = writeln!(text, "#EXTINF:{}.{:03},\n{name}{number}.ts", facts.millis / 1000, facts.millis % 1000);
        }
        text
    }

    fn write_changes(facts: &Facts, text: &mut String) {
        match facts.key {
            Some(0) => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            Some(key) => {
                let _ = writeln!(text, "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k{key}\"");
            }
            None => {}
        }
        if let Some(map) = facts.map {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"m{map}\"");
        }
        if let Some(bitrate) = facts.bitrate {
            let _ = writeln!(text, "#EXT-X-BITRATE:{bitrate}");
        }
    }

    /// Keys and maps are written in their order, because a map carries the keys before it.
    fn write_state(&self, first: usize, text: &mut String) {
        let known = &self.segments[..first];
        let key_at_map = known
            .iter()
            .rposition(|facts| facts.map.is_some())
            .and_then(|at| known[..=at].iter().rev().find_map(|facts| facts.key));
        let nothing = Facts {
            key: key_at_map,
            map: known.iter().rev().find_map(|facts| facts.map),
            bitrate: known.iter().rev().find_map(|facts| facts.bitrate),
            ..Self::regular(1).segments[0].clone()
        };
        Self::write_changes(&nothing, text);
        let now = Facts { key: known.iter().rev().find_map(|facts| facts.key), map: None, bitrate: None, ..nothing };
        Self::write_changes(&now, text);
    }

    fn media(&self, first: usize, end: usize, skipped: Option<usize>) -> MediaPlaylist {
        media(self.write(first, end, skipped))
    }
}

/// Everything that a full playlist says of its segments; times are relative to the first.
fn said(playlist: &MediaPlaylist) -> Vec<Segment> {
    let table = &playlist.index.table;
    let origin = playlist.index.start().unwrap_or(MediaTime::ZERO);
    (table.first_number()..table.end_number())
        .map(|number| {
            let mut segment = playlist.index.get(number).expect("every number is listed");
            segment.start -= origin;
            segment.ticks = 0;
            segment
        })
        .collect()
}

#[test]
fn an_unchanged_playlist_is_unchanged() {
    let stream = Stream::regular(10);
    let mut playlist = stream.media(0, 10, None);
    let before = playlist.clone();
    assert_eq!(playlist.refresh(stream.media(0, 10, None)), Ok(Refresh::Unchanged));
    assert_eq!(playlist, before);
}

#[test]
fn a_refresh_appends_slides_and_keeps_times() {
    let stream = Stream::regular(30);
    let mut playlist = stream.media(0, 10, None);
    assert_eq!(playlist.refresh(stream.media(3, 13, None)), Ok(Refresh::Appended(3)));
    assert_eq!((playlist.index.table.first_number(), playlist.index.table.end_number()), (3, 13));
    assert_eq!(playlist.index.get(12).expect("new").start, MediaTime::from_secs(48));
    assert_eq!(said(&playlist), said(&stream.media(3, 13, None)));
}

#[test]
fn h121_a_window_that_moved_past_leaves_a_gap_as_long_as_what_was_lost() {
    let stream = Stream::regular(40);
    let mut playlist = stream.media(0, 10, None);
    assert_eq!(playlist.refresh(stream.media(15, 25, None)), Ok(Refresh::Gap(5)));
    let first = playlist.index.get(15).expect("listed");
    assert_eq!((first.start, first.uri.as_str()), (MediaTime::from_secs(60), "https://a.example/live/s15.ts"));
    assert_eq!(playlist.refresh(stream.media(16, 26, None)), Ok(Refresh::Appended(1)));
    assert_eq!(playlist.index.get(25).expect("listed").start, MediaTime::from_secs(100));
}

#[test]
fn hx09_an_older_copy_changes_nothing() {
    let stream = Stream::regular(30);
    let mut playlist = stream.media(5, 15, None);
    let before = playlist.clone();
    assert_eq!(playlist.refresh(stream.media(4, 14, None)), Ok(Refresh::Older));
    assert_eq!(playlist.refresh(stream.media(20, 20, None)), Ok(Refresh::Older), "one without segments");
    assert_eq!(playlist, before);
}

#[test]
fn hx09_a_sequence_that_starts_over_replaces_the_playlist() {
    let stream = Stream::regular(200);
    let mut playlist = stream.media(100, 110, None);
    assert_eq!(playlist.refresh(stream.media(0, 5, None)), Ok(Refresh::Reset));
    assert_eq!(playlist, stream.media(0, 5, None));
}

#[test]
fn hx09_lower_numbers_of_other_segments_are_a_server_that_started_over_and_no_older_copy() {
    let stream = Stream::regular(30);
    let numbered = stream.write(0, 5, None);
    let mut playlist = stream.media(0, 10, None);
    // By their names, whatever their dates; and by their dates, where all are named alike.
    let named = numbered.replace(".ts", ".b.ts");
    let dated = numbered.replace("2026-05-01T00", "2026-05-01T01");
    assert!(numbered != named && numbered != dated);
    for other in [named, dated] {
        let mut playlist = playlist.clone();
        assert_eq!(playlist.refresh(media(&other)), Ok(Refresh::Reset));
        assert_eq!(playlist, media(&other));
    }
    // A clock that was set by a second is none.
    let set = numbered.replace("T00:00:00", "T00:00:01");
    assert!(numbered != set);
    assert_eq!(playlist.refresh(media(&set)), Ok(Refresh::Older));
}

#[test]
fn hx09_h038_what_a_server_must_not_change_is_told() {
    let text = |body: &str| live(&format!("{body}\n#EXTINF:4,\ns0.ts"));
    for (before, after, rule) in [
        (text(""), text("").replace("DURATION:4", "DURATION:5"), "HX09"),
        (text("#EXT-X-PLAYLIST-TYPE:EVENT"), text(""), "H038"),
        (text("#EXT-X-ENDLIST"), text(""), "H037"),
        (text(""), text("#EXT-X-DISCONTINUITY-SEQUENCE:1"), "HX09"),
        (
            text("#EXT-X-PLAYLIST-TYPE:EVENT"),
            live("#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:4,\ns1.ts"),
            "H038",
        ),
    ] {
        let mut playlist = media(before);
        playlist.refresh(media(after)).expect("merged");
        assert!(warned(&playlist.info.warnings, rule), "{rule}: {:?}", playlist.info.warnings);
    }
}

#[test]
fn h119_a_number_keeps_its_resource() {
    let stream = Stream::regular(20);
    let mut playlist = stream.media(0, 10, None);
    let before = playlist.clone();
    let error =
        playlist.refresh(media(stream.write(2, 12, None).replace("s7.ts", "other.ts"))).expect_err("another resource");
    assert_eq!(error.code(), ErrorCode::ManifestRewound);
    assert_eq!((error.facts()["rule"].as_str(), error.facts()["segment"].as_str()), ("H119", "7"));
    assert_eq!(playlist, before, "nothing was changed");
}

#[test]
fn h119_a_number_keeps_its_byte_range() {
    let text = |offset| live(&format!("#EXTINF:4,\n#EXT-X-BYTERANGE:10@{offset}\na.ts"));
    let mut playlist = media(text(0));
    let error = playlist.refresh(media(text(10))).expect_err("another range");
    assert_eq!(error.code(), ErrorCode::ManifestRewound);
}

#[test]
fn tokens_may_change_and_the_newer_ones_count() {
    let stream = Stream::regular(20);
    let signed = |first, end, token| media(stream.write(first, end, None).replace(".ts", &format!(".ts?t={token}")));
    let mut playlist = signed(0, 10, "old");
    assert_eq!(playlist.refresh(signed(1, 11, "new")), Ok(Refresh::Appended(1)));
    assert!(uris(&playlist).iter().all(|uri| uri.ends_with("?t=new")));
}

#[test]
fn parts_hints_and_the_end_are_updates_without_a_segment() {
    let text = |parts: &str| {
        live(&format!(
            "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3\n#EXTINF:4,\na.mp4\n{parts}"
        ))
    };
    let (one, two) = ("#EXT-X-PART:DURATION=1,URI=\"1.0\"", "#EXT-X-PART:DURATION=1,URI=\"1.1\"");
    let mut playlist = media(text(one));
    assert_eq!(playlist.refresh(media(text(&format!("{one}\n{two}")))), Ok(Refresh::Updated));
    assert_eq!(playlist.index.parts[0].parts.len(), 2);
    let hinted = format!("{one}\n{two}\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.2\"");
    assert_eq!(playlist.refresh(media(text(&hinted))), Ok(Refresh::Updated));
    let completed = format!("{one}\n{two}\n#EXTINF:2,\nb.mp4");
    assert_eq!(playlist.refresh(media(text(&completed))), Ok(Refresh::Appended(1)));
    assert_eq!(playlist.index.parts[0].number, 1);
    assert_eq!(playlist.refresh(media(text(&format!("{completed}\n#EXT-X-ENDLIST")))), Ok(Refresh::Updated));
    assert!(playlist.info.ended);
}

#[test]
fn h124_a_delta_is_merged_to_the_full_playlist() {
    let stream = Stream::regular(40);
    let mut playlist = stream.media(5, 25, None);
    assert_eq!(playlist.refresh(stream.media(8, 28, Some(10))), Ok(Refresh::Appended(3)));
    assert_eq!(said(&playlist), said(&stream.media(8, 28, None)));
    assert_eq!(playlist.info.skip, None);
    assert_eq!(playlist.index.get(8).expect("known").start, MediaTime::from_secs(12));
}

#[test]
fn h124_a_delta_that_leaves_out_what_is_unknown_needs_the_full_playlist() {
    let stream = Stream::regular(60);
    for (known, delta) in [((5, 15), (20, 40, 10)), ((10, 30), (8, 32, 10))] {
        let mut playlist = stream.media(known.0, known.1, None);
        let before = playlist.clone();
        let (first, end, skipped) = delta;
        assert_eq!(playlist.refresh(stream.media(first, end, Some(skipped))), Ok(Refresh::NeedsFull));
        assert_eq!(playlist, before);
    }
}

#[test]
fn h074_date_ranges_that_a_delta_leaves_out_stay_until_they_are_removed() {
    let range = |id: &str| format!("#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"2026-05-01T00:00:00Z\"\n");
    let stream = Stream::regular(20);
    let mut playlist = media(stream.write(0, 10, None) + &range("a") + &range("b"));
    let delta = stream.write(0, 11, Some(4)).replace("SEGMENTS=4", "SEGMENTS=4,RECENTLY-REMOVED-DATERANGES=\"a\"");
    assert_eq!(playlist.refresh(media(delta + &range("c"))), Ok(Refresh::Appended(1)));
    let ids = |playlist: &MediaPlaylist| {
        let ids: Vec<_> = playlist.info.date_ranges.iter().map(|range| range.id.clone()).collect();
        ids.join("+")
    };
    assert_eq!(ids(&playlist), "b+c");
    playlist.refresh(media(stream.write(0, 12, Some(4)) + &range("c"))).expect("merged");
    assert_eq!(ids(&playlist), "c", "a delta without that attribute lists all of them");
}

#[test]
fn h050_keys_of_left_out_segments_hold_beside_a_deltas_own() {
    let widevine = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"w\",KEYFORMAT=\"w\"\n";
    let identity = |n: u32| format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"i{n}\"\n");
    let segment = |n: u32| format!("#EXTINF:4,\ns{n}.ts\n");
    let known: String = (0..4).map(segment).collect();
    let mut playlist = media(live(&format!("{widevine}{}{known}", identity(1))));
    let delta = format!(
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n{}{}#EXT-X-MAP:URI=\"m\"\n{}#EXT-X-KEY:METHOD=NONE\n{}{}",
        segment(3),
        identity(2),
        segment(4),
        identity(2),
        segment(5)
    );
    assert_eq!(playlist.refresh(media(live(&delta))), Ok(Refresh::Appended(2)));
    let keys = |n: u64| {
        let uris = playlist.index.get(n).expect("listed").keys;
        uris.iter().filter_map(|key| key.uri.clone()).collect::<Vec<_>>().join("+")
    };
    assert_eq!([3, 4, 5].map(keys), ["w+i1", "w+i2", "i2"]);
    let map = playlist.index.get(5).expect("listed").init.expect("mapped");
    assert_eq!(map.keys.len(), 2, "it stands in front of the end of the keys");
}

#[test]
fn a_day_of_deltas_costs_no_more_than_its_window() {
    let stream = Stream::regular(10_000);
    let mut playlist = stream.media(0, 100, None);
    let size = playlist.index.heap_bytes();
    for end in 101..10_000 {
        let outcome = playlist.refresh(stream_tail(end)).expect("merged");
        assert_eq!(outcome, Refresh::Appended(1));
    }
    assert!(playlist.index.heap_bytes() <= size * 2, "{} bytes", playlist.index.heap_bytes());
    assert_eq!(playlist.index.table.len(), 100);
    assert_eq!(uris(&playlist)[99], "https://a.example/live/s9998.ts");
}

/// A delta of a hundred segments before `end`, all but the last ten left out.
fn stream_tail(end: usize) -> MediaPlaylist {
    let mut text = live(&format!("#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-SKIP:SKIPPED-SEGMENTS=90", end - 100));
    for number in end - 10..end {
        let _ = writeln!(text, "#EXTINF:4.000,\ns{number}.ts");
    }
    media(text)
}

fn facts() -> impl Strategy<Value = Facts> {
    (
        prop_oneof![3 => Just(4000_u64), 1 => 1..4500_u64],
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, 0..3_u8),
        prop::option::weighted(0.1, 0..3_u8),
        prop::option::weighted(0.1, 1..4_u16),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.5),
    )
        .prop_map(|(millis, discontinuity, gap, key, map, bitrate, odd_name, dated)| Facts {
            millis,
            discontinuity,
            gap,
            key,
            map,
            bitrate,
            odd_name,
            dated,
        })
}

/// Steps of a live session: how far the front and the end move, and how much a delta leaves out.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, Option<usize>)>> {
    prop::collection::vec((0..3_usize, 0..4_usize, prop::option::of(1..8_usize)), 1..12)
}

proptest! {
    /// The oracle is the full playlist of the same moment.
    #[test]
    fn h124_every_sequence_of_full_and_delta_updates_ends_as_the_full_playlist(
        segments in prop::collection::vec(facts(), 60),
        steps in steps(),
    ) {
        let mut stream = Stream { segments };
        // Where times are carried backward is where a playlist begins: announce the first.
        stream.segments.iter_mut().for_each(|facts| facts.dated |= facts.discontinuity);
        let (mut first, mut end) = (0, 12);
        stream.segments[0].dated = true;
        let mut playlist = stream.media(first, end, None);
        for (forward, grown, skipped) in steps {
            first = (first + forward).min(end - 9);
            let known_end = end;
            end = (end + grown).min(60);
            let skipped = skipped.map(|skipped| skipped.min(known_end - first));
            let outcome = playlist.refresh(stream.media(first, end, skipped));
            prop_assert!(matches!(outcome, Ok(Refresh::Appended(_) | Refresh::Updated | Refresh::Unchanged)), "{outcome:?}");
            let full = stream.media(first, end, None);
            let (merged, full) = (said(&playlist), said(&full));
            prop_assert_eq!(merged.len(), full.len());
            for (mut a, mut b) in merged.into_iter().zip(full) {
                // Known segments keep wall-clock times that a slid playlist may no longer tell.
                if b.program_date_time.is_none() {
                    a.program_date_time = None;
                }
                if let (Some(x), Some(y)) = (a.program_date_time, b.program_date_time) {
                    prop_assert!(x.as_micros().abs_diff(y.as_micros()) < 2_000, "{a:?} {b:?}");
                }
                a.program_date_time = None;
                b.program_date_time = None;
                prop_assert_eq!(a, b);
            }
        }
    }
}
