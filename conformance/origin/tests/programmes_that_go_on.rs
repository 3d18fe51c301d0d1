//! Live programmes: read back by m3u8-rs and dash-mpd-core at many moments, and checked against what is there.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use dash_mpd_core::{AdaptationSet, SegmentTemplate, MPD};
use m3u8_rs::{MediaPlaylist, MediaPlaylistType};
use support::segment::{decode_time, samples};
use support::{at, bytes, ffmpeg, get, library, text};
use telecine_origin::{respond, Library, Request, Title};

/// 2026-11-27T11:54:56Z, which is inside of a segment.
const NOW: u64 = 1_795_780_496_700;

fn playlist(path: &str, now: u64) -> MediaPlaylist {
    m3u8_rs::parse_media_playlist_res(&bytes(&at(path, now))).expect("a media playlist")
}

fn mpd(path: &str, now: u64) -> MPD {
    dash_mpd_core::parse(&text(&at(path, now))).expect("an MPD")
}

/// Whether a segment is there.
fn is_there(path: &str, now: u64) -> bool {
    match get(&at(path, now)).status {
        200 => true,
        404 => false,
        other => panic!("{path}: {other}"),
    }
}

#[test]
fn a_playlist_names_what_has_ended_and_reaches_into_the_window() {
    let folder = "/hls/live_20/demo";
    for (rendition, now) in [("v180", NOW), ("a-en", NOW), ("v720", NOW + 1_999), ("a-fr", NOW + 123_456_789)] {
        let playlist = playlist(&format!("{folder}/{rendition}.m3u8"), now);
        assert!(!playlist.end_list && playlist.playlist_type.is_none(), "{rendition}");
        let count = playlist.segments.len() as u64;
        assert!((10..=11).contains(&count), "{rendition}: {count}");
        let (first, behind) = (playlist.media_sequence, playlist.media_sequence + count);
        for (nth, segment) in playlist.segments.iter().enumerate() {
            assert_eq!(segment.uri, format!("{rendition}/{}.m4s", first + nth as u64));
            assert!(is_there(&format!("{folder}/{}", segment.uri), now));
        }
        assert!(!is_there(&format!("{folder}/{rendition}/{behind}.m4s"), now), "it has not ended");
        assert!(is_there(&format!("{folder}/{rendition}/{behind}.m4s"), now + 2_100));
        assert!(!is_there(&format!("{folder}/{rendition}/{}.m4s", first - 11), now), "long gone");
        // The date of the first is that of its media, which are counted from 1970.
        let date = playlist.segments[0].program_date_time.expect("a date").timestamp_millis() as u64;
        let media = bytes(&at(&format!("{folder}/{}", playlist.segments[0].uri), now));
        let timescale = if rendition.starts_with('v') { 90_000 } else { 48_000 };
        assert_eq!(date, decode_time(&media) * 1000 / timescale, "{rendition}");
    }
}

#[test]
fn what_follows_a_playlist_continues_it() {
    let mut known: Option<MediaPlaylist> = None;
    // Sound as well, whose boundaries lie a little beside those of the picture.
    let steps = ["v180", "a-en"].into_iter().flat_map(|name| (0..200).map(move |step| (name, step)));
    for (rendition, step) in steps {
        let now = NOW + step * if rendition == "v180" { 700 } else { 97 };
        let next = playlist(&format!("/hls/live_12/disc_4/demo/{rendition}.m3u8"), now);
        if let Some(before) = known.filter(|_| step > 0) {
            let shift = (next.media_sequence - before.media_sequence) as usize;
            let kept: Vec<_> = before.segments.iter().skip(shift).map(|s| (s.uri.clone(), s.duration)).collect();
            let again: Vec<_> = next.segments.iter().take(kept.len()).map(|s| (s.uri.clone(), s.duration)).collect();
            assert_eq!(kept, again, "{step}");
            let lost = before.segments.iter().take(shift).filter(|s| s.discontinuity).count() as u64;
            // A tag on the segment that is first now is counted.
            let first = u64::from(shift > 0 && before.segments[shift].discontinuity);
            assert_eq!(next.discontinuity_sequence, before.discontinuity_sequence + lost + first, "{step}");
            assert!(!next.segments[0].discontinuity);
        }
        known = Some(next);
    }
}

#[test]
fn a_programme_begins_and_ends() {
    let path = "/hls/live_20/start_1795780400/stop_1795780430/demo/v180.m3u8";
    assert_eq!(get(&at(path, 1_795_780_399_000)).status, 404);
    assert_eq!(playlist(path, 1_795_780_405_000).segments.len(), 2);
    for now in [1_795_780_430_000, 1_795_790_000_000] {
        let over = playlist(path, now);
        assert!(over.end_list);
        assert_eq!((over.media_sequence, over.segments.len()), (5, 10), "the last twenty seconds");
    }
    let event = playlist("/hls/event_1/start_1795780400/demo/v180.m3u8", 1_795_780_500_000);
    assert_eq!((event.media_sequence, event.segments.len(), event.end_list), (0, 50, false));
    assert_eq!(event.playlist_type, Some(MediaPlaylistType::Event));
    let over = mpd("/dash/live_20/start_1795780400/stop_1795780430/demo/number.mpd", 1_795_780_999_000);
    assert_eq!(over.mediaPresentationDuration, Some(Duration::from_secs(30)));
    assert_eq!(over.minimumUpdatePeriod, None);
}

#[test]
fn what_needs_a_beginning_says_what_to_add() {
    for (option, path) in [
        ("event_1", "hls/event_1/demo/main.m3u8"),
        ("event_1", "hls/live_60/event_1/demo/v180.m3u8"),
        ("drift_100", "dash/drift_100/demo/time.mpd"),
    ] {
        let refused = get(&at(&format!("/{path}"), NOW));
        assert_eq!(refused.status, 400, "{path}");
        let said = String::from_utf8(refused.body.into_bytes().to_vec()).expect("UTF-8");
        let example = said.split_once("such as ").and_then(|(_, rest)| rest.split(' ').next()).expect("an example");
        assert!(example.starts_with(&format!("{option}/start_")), "{said}");
        // What it says works.
        assert_eq!(get(&at(&format!("/{}", path.replace(option, example)), NOW)).status, 200, "{said}");
    }
}

#[test]
fn timelines_name_what_there_is_and_numbers_count_from_the_start() {
    for (name, pattern) in [("time", "t$Time$"), ("timeline-number", "$Number$")] {
        let document = mpd(&format!("/dash/live_20/demo/{name}.mpd"), NOW);
        assert_eq!(document.mpdtype.as_deref(), Some("dynamic"));
        assert_eq!(document.timeShiftBufferDepth, Some(Duration::from_secs(20)));
        assert_eq!(document.availabilityStartTime.expect("a date").timestamp(), 0);
        assert_eq!(document.publishTime.expect("a date").timestamp_millis() as u64, NOW);
        let media = |set: &&AdaptationSet| set.contentType.as_deref() != Some("image");
        for set in document.periods[0].adaptations.iter().filter(media) {
            let template: &SegmentTemplate = set.SegmentTemplate.as_ref().expect("shared times");
            let timescale = template.timescale.expect("ticks");
            let timeline = template.SegmentTimeline.as_ref().expect("a timeline");
            let (mut time, mut number) = (0, template.startNumber.unwrap_or(0));
            let mut count = 0;
            for s in &timeline.segments {
                time = s.t.unwrap_or(time);
                for _ in 0..=s.r.unwrap_or(0) {
                    let file = pattern.replace("$Time$", &time.to_string()).replace("$Number$", &number.to_string());
                    let id = set.representations[0].id.as_deref().expect("an id");
                    let media = bytes(&at(&format!("/dash/live_20/demo/{id}/{file}.m4s"), NOW));
                    assert_eq!(decode_time(&media), time, "{name} {file}");
                    assert!((time + s.d) * 1000 <= NOW * timescale, "{name}: it has ended");
                    (time, number, count) = (time + s.d, number + 1, count + 1);
                }
            }
            assert!((time + 2 * timescale) * 1000 > NOW * timescale, "{name}: the last that has ended is named");
            assert!((10..=11).contains(&count), "{name}: {count}");
        }
    }
    let document = mpd("/dash/spd_6/utc_direct-head-xsdate-iso/demo/number.mpd", NOW);
    assert_eq!(document.suggestedPresentationDelay, Some(Duration::from_secs(6)));
    assert_eq!(document.minimumUpdatePeriod, None, "there is nothing to be said anew");
    let schemes: Vec<_> = document.UTCTiming.iter().map(|utc| utc.schemeIdUri.clone()).collect();
    assert_eq!(schemes.len(), 4, "{schemes:?}");
    let template = document.periods[0].adaptations[0].SegmentTemplate.as_ref().expect("shared times");
    assert_eq!((template.startNumber, template.duration), (Some(0), Some(180_000.0)));
    let last = NOW / 2_000 - 1;
    assert!(is_there(&format!("/dash/demo/live_60/v180/{last}.m4s").replace("demo/live_60", "live_60/demo"), NOW));
    assert!(!is_there(&format!("/dash/live_60/demo/v180/{}.m4s", last + 1), NOW));
}

#[test]
fn a_validator_of_a_manifest_holds_for_its_moment_and_that_of_a_segment_for_ever() {
    let etag = |path: &str, now| get(&at(path, now)).header("etag").expect("a validator").to_owned();
    let manifest = "/hls/live_60/demo/v180.m3u8";
    assert_ne!(etag(manifest, NOW), etag(manifest, NOW + 2_000));
    assert_eq!(get(&at(manifest, NOW)).header("cache-control"), Some("no-cache"));
    let segment = format!("/hls/live_60/demo/v180/{}.m4s", NOW / 2_000 - 3);
    assert_eq!(etag(&segment, NOW), etag(&segment, NOW + 2_000));
}

#[test]
fn a_segment_is_the_same_at_any_moment_in_any_packaging() {
    let number = NOW / 2_000 - 3;
    for path in [
        format!("/hls/live_60/ts_muxed/demo/v180/{number}.ts"),
        format!("/hls/live_60/ts_packed/demo/a-en/{number}.aac"),
        format!("/hls/live_60/prot_cbcs/krot_3/demo/v180/{number}.m4s"),
        format!("/hls/live_60/disc_4/demo/a-en/{number}.m4s"),
    ] {
        let once = bytes(&at(&path, NOW));
        assert!((10_000..400_000).contains(&once.len()), "{path}: {}", once.len());
        for later in [1, 3_000, 20_000] {
            assert!(once == bytes(&at(&path, NOW + later)), "{path}: {later}");
        }
    }
}

#[test]
fn what_no_moment_can_be_is_answered_all_the_same() {
    for path in ["/hls/live_60/demo/v180.m3u8", "/dash/live_60/demo/time.mpd", "/time"] {
        assert_eq!(get(&at(path, u64::MAX)).status, 200, "{path}");
    }
    for options in ["event_1", "start_100/stop_100"] {
        assert_eq!(get(&at(&format!("/hls/{options}/demo/v180.m3u8"), NOW)).status, 400, "{options}");
    }
}

/// A title whose segments of sound end up to 16 ms later than two seconds each: 94, 94, 94 and 93 frames.
fn late_sound() -> Option<Library> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (movie, sound) = (file("v.mp4"), file("a.mp4"));
    let picture =
        ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=8", "-c:v", "libx264", "-g", "50", "-sc_threshold", "0"];
    let fragments = ["-bf", "0", "-movflags", "frag_keyframe+empty_moov+default_base_moof", &movie];
    ffmpeg("ffmpeg", &[&picture[..], &fragments].concat(), "")?;
    let tone = ["-f", "lavfi", "-i", "sine=r=48000:d=7.97", "-c:a", "aac", "-frag_duration", "2000000"];
    ffmpeg("ffmpeg", &[&tone[..], &["-movflags", "empty_moov+default_base_moof", &sound]].concat(), "")?;
    Some(Library::new(Title::from_folder(folder.path()).expect("a title"), 0))
}

#[test]
fn a_segment_of_sound_is_there_when_its_duration_in_the_mpd_says_so() {
    let Some(library) = late_sound() else { return };
    let get = |path: &str, now| respond(&library, &Request::get(&at(path, now)));
    let (mut later, from) = (0, NOW / 8_000 * 4 - 20);
    for n in from..from + 12 {
        let path = format!("/dash/live_60/demo/a/{n}.m4s");
        let end = (n + 1) * 2_000;
        let segment = get(&path, end);
        assert_eq!(segment.status, 200, "{n}: the MPD says that it has ended");
        let media = segment.body.into_bytes();
        let real = ((decode_time(&media) + 1024 * u64::from(samples(&media))) * 1000).div_ceil(48_000);
        later += u64::from(real > end);
        // The last frame of all is a short one.
        let early = end.min(real) - if n % 4 == 3 { 100 } else { 1 };
        assert_eq!(get(&path, early).status, 404, "{n}: not yet");
        let hls = get(&path.replace("dash", "hls"), end).status;
        assert_eq!(hls, if real > end { 404 } else { 200 }, "{n}: HLS says how long it is");
    }
    assert_eq!(later, 9, "three of four end later than they are announced");
}

#[test]
fn every_answer_has_the_date_of_its_moment() {
    for (path, now, date) in [
        ("/time", 951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
        ("/hls/live_60/demo/v180.m3u8", NOW, "Fri, 27 Nov 2026 11:54:56 GMT"),
        ("/nowhere", 784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        assert_eq!(get(&at(path, now)).header("date"), Some(date));
        let on_the_clock = Request { unix_ms: now, ..Request::get(path) };
        assert_eq!(respond(&library(), &on_the_clock).header("date"), Some(date));
    }
    assert_eq!(get("/hls/demo/v180.m3u8").header("date"), None, "nobody knows what time it is");
}

#[test]
fn the_time_server_tells_the_time() {
    assert_eq!(text(&at("/time", NOW)), "2026-11-27T11:54:56.700Z");
}

#[test]
fn what_needs_an_end_is_refused_or_not_there() {
    for option in ["dur_60", "bytes_1", "xlink_1", "sidx_2"] {
        assert_eq!(get(&at(&format!("/dash/live_60/{option}/demo/time.mpd"), NOW)).status, 400, "{option}");
    }
    for path in [
        "dash/live_60/demo/list.mpd",
        "dash/live_60/demo/ondemand.mpd",
        "hls/live_60/demo/v180.mp4",
        "hls/live_60/demo/v180.iframes.m3u8",
        "hls/live_60/demo/t-en.vtt",
        "dash/live_60/demo/t-en.vtt",
    ] {
        assert_eq!(get(&at(&format!("/{path}"), NOW)).status, 404, "{path}");
    }
    let main = text(&at("/hls/live_60/demo/main.m3u8", NOW));
    assert!(!main.contains("I-FRAME") && main.contains("SUBTITLES"), "{main}");
}

/// Where a segment of text says that it begins: media time of 90 kHz, and time of its cues in milliseconds.
fn anchor(vtt: &str) -> (u64, u64) {
    let (_, rest) = vtt.split_once("X-TIMESTAMP-MAP=MPEGTS:").expect("a map");
    let (mpegts, rest) = rest.split_once(",LOCAL:").expect("a local time");
    (mpegts.parse().expect("a number"), clock(rest.lines().next().expect("a time")))
}

/// `00:00:02.100` in milliseconds.
fn clock(text: &str) -> u64 {
    text.split([':', '.'])
        .map(|part| part.parse::<u64>().expect("a number"))
        .zip([3_600_000, 60_000, 1_000, 1])
        .map(|(n, ms)| n * ms)
        .sum()
}

#[test]
fn subtitles_go_on_with_the_pictures() {
    // Each cue as the file of the title has it: start, end, text.
    let cues = |vtt: &str| -> Vec<(u64, u64, String)> {
        let blocks = vtt.split("\n\n").filter(|block| block.contains("-->"));
        let cue = |block: &str| {
            let (times, text) = block[block.find("-->").expect("times") - 13..].split_once('\n')?;
            let (start, end) = times.split_once(" --> ")?;
            Some((clock(start.trim()), clock(end.split(' ').next()?), text.trim_end().to_owned()))
        };
        blocks.map(|block| cue(block).expect("a cue")).collect()
    };
    let all = cues(&text("/hls/demo/t-en/0.vtt").replace("X-TIMESTAMP-MAP", ""));
    assert!(all.len() >= 2);
    for options in ["live_60", "live_60/encrestart_10", "live_60/adbreak_20", "live_60/ts_demuxed"] {
        let folder = format!("/hls/{options}/demo");
        let (texts, pictures) =
            (playlist(&format!("{folder}/t-en.m3u8"), NOW), playlist(&format!("{folder}/v180.m3u8"), NOW));
        assert_eq!((texts.media_sequence, texts.segments.len()), (pictures.media_sequence, pictures.segments.len()));
        assert_eq!(texts.target_duration, pictures.target_duration);
        assert_eq!(texts.discontinuity_sequence, pictures.discontinuity_sequence);
        for (nth, (segment, picture)) in texts.segments.iter().zip(&pictures.segments).enumerate() {
            assert_eq!(segment.discontinuity, picture.discontinuity);
            assert_eq!(segment.program_date_time, picture.program_date_time);
            let vtt = text(&at(&format!("{folder}/{}", segment.uri), NOW));
            let (mpegts, local) = anchor(&vtt);
            let number = texts.media_sequence + nth as u64;
            assert_eq!(local, number % 12 * 2_000, "{options}: counted in the repetition");
            if !options.contains("ts_") {
                let time = decode_time(&bytes(&at(&format!("{folder}/{}", picture.uri), NOW)));
                assert_eq!(mpegts, time & ((1 << 33) - 1), "{options}");
            }
            // The cues that are shown while it lasts, whole.
            for cue in cues(&vtt) {
                assert!(cue.0 < local + 2_000 && cue.1 > local, "{cue:?}");
                assert!(cue.0 > 6_000 || all.contains(&cue), "{cue:?}");
            }
            assert_eq!(vtt, text(&at(&format!("{folder}/{}", segment.uri), NOW + 900)), "the same at any moment");
        }
        let behind = format!("{folder}/t-en/{}.vtt", texts.media_sequence + texts.segments.len() as u64);
        assert!(!is_there(&behind, NOW));
    }
    let held = get(&at(&format!("/hls/parts_334/demo/t-en.m3u8?_HLS_msn={}", NOW / 2_000), NOW));
    assert_eq!((held.status, held.delivery.hold), (200, Duration::from_millis(1_300)));
}

#[test]
fn thumbnails_go_on_in_images_of_a_repetition() {
    let template = |window: u64, name: &str| {
        let document = mpd(&format!("/dash/live_{window}/demo/{name}.mpd"), NOW);
        let sets = document.periods[0].adaptations.iter();
        let set = sets.clone().find(|set| set.contentType.as_deref() == Some("image"));
        set.and_then(|set| set.SegmentTemplate.clone()).expect("thumbnails")
    };
    let numbers = template(60, "number");
    assert_eq!(
        (numbers.startNumber, numbers.duration, numbers.timescale),
        (Some(0), Some(24.0 * 90_000.0), Some(90_000))
    );
    for (window, count) in [(60, 2), (4, 1)] {
        let times = template(window, "time");
        let s = &times.SegmentTimeline.expect("a timeline").segments[0];
        let first = times.startNumber.expect("a number");
        assert_eq!((s.t, s.d), (Some(first * 24 * 90_000), 24 * 90_000));
        assert_eq!(first + s.r.unwrap_or(0) as u64, NOW / 24_000 - 1, "the last that has ended");
        assert!(s.r.unwrap_or(0) + 1 >= count);
    }
    let image = |n: u64| is_there(&format!("/dash/live_60/demo/thumbs/{n}.jpg"), NOW);
    let last = NOW / 24_000 - 1;
    assert!(image(last) && image(last - 2) && !image(last + 1) && !image(last - 9));
    assert!(!text(&at("/dash/live_60/periods_120/demo/number.mpd", NOW)).contains("image/jpeg"));
}
