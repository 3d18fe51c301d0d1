//! Low-latency HLS: playlists at many moments, held requests and updates, read by a second reader, and ffmpeg as the judge
//! of the media.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::playlist::{attribute, Playlist};
use support::segment::{decode_time, samples, top_boxes};
use support::{at, bytes, exchange, ffmpeg, frames, get, library, ms, origin, ranged, text};
use telecine_origin::{respond, Request};

/// 2026-11-27T11:54:56.700Z, which is inside of a segment.
const NOW: u64 = 1_795_780_496_700;

fn playlist(path: &str, now: u64) -> Playlist {
    Playlist::read(&text(&at(path, now)))
}

/// The bytes of a part that is there.
fn part(folder: &str, part: &support::playlist::Part, now: u64) -> Vec<u8> {
    let path = format!("{folder}/{}", part.uri);
    let response = match part.range {
        Some((from, length)) => ranged(&path, &format!("bytes={from}-{}", from + length - 1), now),
        None => get(&at(&path, now)),
    };
    assert!(matches!(response.status, 200 | 206), "{path}: {}", response.status);
    assert_eq!(response.delivery.hold, Duration::ZERO, "{path} is there");
    assert_eq!(response.header("content-length"), Some(response.body.len().to_string().as_str()));
    response.body.into_bytes().to_vec()
}

#[test]
fn parts_are_cut_as_the_target_says_and_are_there_when_they_are_named() {
    for (folder, rendition, ticks) in [
        ("/hls/live_20/parts_334/demo", "v180", 90_000),
        ("/hls/live_20/parts_334/partfiles_1/demo", "a-en", 48_000),
        ("/hls/parts_500/partfiles_1/demo", "v360", 90_000),
        ("/hls/parts_200/disc_3/demo", "a-fr", 48_000),
    ] {
        for now in (0..40).map(|step| NOW + step * 137) {
            let playlist = playlist(&format!("{folder}/{rendition}.m3u8"), now);
            let target = playlist.part_target;
            assert_eq!(playlist.version, 9);
            assert_eq!(playlist.target, 2.0);
            let control = |name: &str| attribute(&playlist.control, name).expect("an attribute").to_owned();
            assert_eq!(control("CAN-BLOCK-RELOAD"), "YES");
            assert_eq!(control("CAN-SKIP-UNTIL"), "12.0");
            assert_eq!(control("HOLD-BACK"), "6.0");
            assert!((control("PART-HOLD-BACK").parse::<f64>().expect("seconds") - 3.0 * target).abs() < 1e-9);
            // What is named ends with the last part that has ended.
            let last = playlist.growing.last().or(playlist.segments.last().and_then(|s| s.parts.last()));
            let media = part(folder, last.expect("parts"), now);
            if !folder.contains("disc") {
                let from = decode_time(&media) as f64 / f64::from(ticks);
                let (end, next) = (from + last.expect("parts").duration, from + 2.0 * target);
                assert!(end <= now as f64 / 1000.0 + 1e-5, "{rendition} {now}: {end}");
                assert!(now as f64 / 1000.0 < next, "{rendition} {now}: the next part has ended too");
            }
            // The parts of the last three target durations, and of no segment before.
            let with_parts: Vec<bool> = playlist.segments.iter().map(|s| !s.parts.is_empty()).collect();
            let named = with_parts.iter().filter(|named| **named).count();
            assert!(with_parts.ends_with(&vec![true; named]) && (2..=4).contains(&named), "{with_parts:?}");
            for segment in playlist.segments.iter().filter(|s| !s.parts.is_empty()) {
                let sum: f64 = segment.parts.iter().map(|part| part.duration).sum();
                assert!((sum - segment.duration).abs() < 1e-4, "{sum} {}", segment.duration);
                let (_, whole) = segment.parts.split_last().expect("parts");
                assert!(whole.iter().all(|part| part.duration >= 0.85 * target), "{segment:?}");
                let joined: Vec<u8> = segment.parts.iter().flat_map(|p| part(folder, p, now)).collect();
                assert!(joined == bytes(&at(&format!("{folder}/{}", segment.uri), now)), "{}", segment.uri);
            }
            let parts = playlist.segments.iter().map(|s| &s.parts).chain([&playlist.growing]);
            for parts in parts {
                for (k, this) in parts.iter().enumerate() {
                    assert!(this.duration <= target + 1e-9);
                    assert_eq!(this.independent, k == 0 || rendition.starts_with('a'));
                    assert_eq!(this.range.is_none(), folder.contains("partfiles"));
                }
            }
            for this in &playlist.growing {
                let boxes: Vec<_> = top_boxes(&part(folder, this, now)).into_iter().map(|(kind, _)| kind).collect();
                assert_eq!(boxes, ["moof", "mdat"]);
            }
        }
    }
}

#[test]
fn the_part_that_is_hinted_at_is_held_until_it_is_complete_and_none_behind_it_is_there() {
    for folder in ["/hls/parts_334/demo", "/hls/parts_334/partfiles_1/demo"] {
        for now in (0..50).map(|step| NOW + step * 83) {
            let main = format!("{folder}/v180.m3u8");
            let (uri, from) = playlist(&main, now).hint.expect("a hint");
            let path = format!("{folder}/{uri}");
            let response = match from {
                Some(from) => ranged(&path, &format!("bytes={from}-"), now),
                None => get(&at(&path, now)),
            };
            let hold = ms(response.delivery.hold);
            assert!((1..=320).contains(&hold), "{hold}");
            let then = playlist(&main, now + hold);
            assert_ne!(playlist(&main, now + hold - 1).hint, then.hint, "complete, not before");
            let named = then.growing.last().or(then.segments.last().and_then(|s| s.parts.last())).expect("a part");
            assert_eq!(named.uri, uri);
            // It is the part that is named then, byte by byte.
            let whole = part(folder, named, now + hold);
            let first = response.delivery.pieces.first().map_or(response.body.len(), |(at, _)| *at);
            let sent = response.body.into_bytes();
            assert!(sent[..first as usize] == whole[..]);
            match from {
                Some(from) => {
                    assert_eq!(from, named.range.expect("a range").0);
                    // The rest of the segment comes part by part.
                    let segment = bytes(&at(&path, now + 2_100));
                    assert!(sent == segment[from as usize..]);
                    let steps: Vec<u64> = response.delivery.pieces.iter().map(|(_, due)| ms(*due)).collect();
                    let mut before = hold;
                    for step in steps {
                        assert!((1..=320).contains(&(step - before)), "{step} {before}");
                        before = step;
                    }
                    let range = response.headers.iter().find(|(name, _)| *name == "content-range").expect("a range");
                    let total =
                        if response.delivery.pieces.is_empty() { segment.len().to_string() } else { "*".into() };
                    assert_eq!(range.1, format!("bytes {from}-{}/{total}", segment.len() - 1));
                    // A part behind it, nobody has heard of.
                    let behind = from + whole.len() as u64;
                    if behind < segment.len() as u64 {
                        assert_eq!(ranged(&path, &format!("bytes={behind}-"), now).status, 416);
                    }
                    // As RFC 8673 asks for it.
                    let open = ranged(&path, &format!("bytes={from}-9007199254740991"), now);
                    let range = open.header("content-range").expect("a range").to_owned();
                    if !open.delivery.pieces.is_empty() {
                        assert_eq!(range, format!("bytes {from}-9007199254740991/*"));
                        assert_eq!(open.header("content-length"), None);
                    }
                }
                None => {
                    let (stem, _) = path.strip_suffix(".m4s").and_then(|stem| stem.rsplit_once('.')).expect("a part");
                    let behind = format!("{stem}.{}.m4s", then.growing.len().max(1));
                    let last = get(&at(&behind, now)).status == 404 || then.growing.is_empty();
                    assert!(last, "{behind}");
                    assert_eq!(get(&at(&format!("{stem}.m4s"), now)).status, 404, "the segment is not whole");
                }
            }
        }
    }
}

#[test]
fn a_playlist_is_held_until_it_has_what_is_asked_for() {
    let path = "/hls/parts_334/snr_7/demo/v180.m3u8";
    for now in (0..40).map(|step| NOW + step * 211) {
        let known = playlist(path, now);
        let (msn, part) = (known.behind(), known.growing.len());
        let asked = |query: &str| get(&at(&format!("{path}?{query}"), now));
        let held = asked(&format!("_HLS_msn={msn}&_HLS_part={part}"));
        let hold = ms(held.delivery.hold);
        assert!(held.status == 200 && (1..=320).contains(&hold), "{hold}");
        // It is the playlist of that moment, and of no earlier one.
        let body = held.body.into_bytes();
        assert!(body == bytes(&at(path, now + hold)));
        let then = Playlist::read(std::str::from_utf8(&body).expect("UTF-8"));
        assert!((then.behind(), then.growing.len()) > (msn, part), "{then:?}");
        let before = playlist(path, now + hold - 1);
        assert!((before.behind(), before.growing.len()) == (msn, part));
        // The whole segment, and a part behind its last, which is the first of the next.
        let whole = ms(asked(&format!("_HLS_msn={msn}")).delivery.hold);
        assert_eq!(playlist(path, now + whole).behind(), msn + 1);
        assert_eq!(playlist(path, now + whole - 1).behind(), msn);
        let next = ms(asked(&format!("_HLS_msn={msn}&_HLS_part=7")).delivery.hold);
        assert_eq!(next, whole + 320);
        // What is there is answered at once.
        for there in [format!("_HLS_msn={}&_HLS_part=3", msn - 1), format!("_HLS_msn={}", msn - 1), "_HLS_msn=3".into()]
        {
            assert_eq!(asked(&there).delivery.hold, Duration::ZERO, "{there}");
        }
        for (query, status) in [
            (format!("_HLS_msn={}", msn + 1), 200),
            (format!("_HLS_msn={}", msn + 2), 400),
            // Three seconds of parts are eight.
            (format!("_HLS_msn={msn}&_HLS_part={}", part + 7), 200),
            (format!("_HLS_msn={msn}&_HLS_part={}", part + 8), 400),
            ("_HLS_part=1".into(), 400),
            ("_HLS_msn=x".into(), 400),
            ("_HLS_skip=v3".into(), 400),
        ] {
            assert_eq!(asked(&query).status, status, "{query}");
        }
    }
    let date = |now| get(&at(path, now)).header("date").expect("a date").to_owned();
    assert_eq!(date(NOW), "Fri, 27 Nov 2026 11:54:56 GMT");
    let msn = playlist(path, NOW).behind();
    let held = get(&at(&format!("{path}?_HLS_msn={msn}"), NOW));
    assert_eq!(held.header("date"), Some(date(NOW + ms(held.delivery.hold)).as_str()));
}

#[test]
fn an_update_leaves_out_what_is_further_than_six_target_durations_from_the_end() {
    for (options, query) in [("live_60", "YES"), ("live_60/prot_cbcs/krot_5", "YES"), ("live_30/skip_2", "v2")] {
        let path = format!("/hls/parts_334/disc_4/{options}/demo/v180.m3u8");
        for now in (0..30).map(|step| NOW + step * 731) {
            let full = playlist(&path, now);
            let update = playlist(&format!("{path}?_HLS_skip={query}"), now);
            assert!(update.skipped > 0, "{update:?}");
            let end = |list: &Playlist| -> f64 {
                let growing: f64 = list.growing.iter().map(|part| part.duration).sum();
                list.segments.iter().map(|segment| segment.duration).sum::<f64>() + growing
            };
            let left = full.segments.len() - update.segments.len();
            assert_eq!(left as u64, update.skipped);
            assert!(end(&update) >= 12.0 - 1e-6 && end(&update) < 14.0, "{}", end(&update));
            // What is not left out is the same; what is known goes in front of it.
            assert_eq!(update.segments, full.segments[left..]);
            assert_eq!(Playlist { segments: full.segments.clone(), skipped: 0, ..update }, full);
        }
    }
    let plain = "/hls/parts_334/skip_0/demo/v180.m3u8";
    assert_eq!(playlist(&format!("{plain}?_HLS_skip=YES"), NOW).skipped, 0);
    assert!(!playlist(plain, NOW).control.contains("SKIP"));
    let control = playlist("/hls/parts_334/skip_2/demo/v180.m3u8", NOW);
    assert!(control.version == 10 && control.control.contains("CAN-SKIP-DATERANGES=YES"));
}

#[test]
fn reports_tell_how_far_the_other_renditions_are() {
    for now in (0..40).map(|step| NOW + step * 177) {
        let reports = playlist("/hls/parts_334/demo/v180.m3u8", now).reports;
        let names: Vec<&str> = reports.iter().map(|(uri, _, _)| uri.as_str()).collect();
        let sound_and_pictures = ["v360.m3u8", "v480.m3u8", "v720.m3u8", "a-en.m3u8", "a-fr.m3u8"];
        assert_eq!(names, [&sound_and_pictures[..], &["t-en.m3u8", "t-fr.m3u8"]].concat());
        for (uri, msn, part) in &reports {
            let other = playlist(&format!("/hls/parts_334/demo/{uri}"), now);
            let last = match other.growing.len() {
                _ if uri.starts_with('t') => (other.behind() - 1, None),
                0 => (other.behind() - 1, Some(other.segments.last().expect("a segment").parts.len() as u64 - 1)),
                parts => (other.behind(), Some(parts as u64 - 1)),
            };
            assert_eq!((*msn, *part), last, "{uri}");
        }
    }
}

#[test]
fn a_programme_that_ends_has_no_part_of_a_segment_that_does_not_and_no_hint() {
    let path = "/hls/parts_334/start_1795780400/stop_1795780431/demo/v180.m3u8";
    let last = playlist(path, 1_795_780_430_900);
    assert_eq!((last.over, last.behind(), last.growing.len(), last.hint), (false, 15, 0, None));
    // What will never come is answered with the end.
    let held = get(&at(&format!("{path}?_HLS_msn=15&_HLS_part=0"), 1_795_780_430_900));
    assert_eq!((held.status, ms(held.delivery.hold)), (200, 100));
    let over = Playlist::read(std::str::from_utf8(&held.body.into_bytes()).expect("UTF-8"));
    assert!(over.over && over.behind() == 15 && over.hint.is_none());
    let after = get(&at(&format!("{path}?_HLS_msn=99&_HLS_part=0"), 1_795_780_440_000));
    assert_eq!((after.status, after.delivery.hold), (200, Duration::ZERO), "directives are ignored");
    // It begins with nothing.
    let first = playlist(path, 1_795_780_400_000);
    assert!(first.segments.is_empty() && first.growing.is_empty() && first.hint.is_some());
    assert_eq!(ms(get(&at(&format!("{path}?_HLS_msn=0&_HLS_part=0"), 1_795_780_400_000)).delivery.hold), 320);
}

#[test]
fn what_cannot_be_in_parts_is_refused() {
    for options in [
        "parts_100",
        "parts_334/ts_muxed",
        "parts_334/prot_aes128",
        "parts_334/chunk_500",
        "parts_334/bytes_1",
        "parts_5",
        "ltgt_3000",
    ] {
        assert_eq!(get(&at(&format!("/hls/{options}/demo/v180.m3u8"), NOW)).status, 400, "{options}");
    }
    assert_eq!(get(&at("/dash/parts_334/demo/time.mpd", NOW)).status, 400);
    // A query is the player's own where nothing is held.
    assert_eq!(get(&at("/hls/live_60/demo/v180.m3u8?_HLS_part=9", NOW)).status, 200);
    let blocking = get(&at("/hls/live_60/block_1/demo/v180.m3u8?_HLS_msn=897890248", NOW));
    assert_eq!((blocking.status, ms(blocking.delivery.hold)), (200, 1_300));
}

#[test]
fn parts_in_a_row_decode_to_the_frames_of_the_segment() {
    for (rendition, number) in [("v180", NOW / 2000 - 5), ("a-en", NOW / 2000 - 5), ("v720", NOW / 2000 - 4)] {
        let media = |options: &str| bytes(&at(&format!("/hls/live_60/{options}demo/{rendition}/{number}.m4s"), NOW));
        let init = bytes(&at(&format!("/hls/live_60/demo/{rendition}/init.mp4"), NOW));
        let (whole, parts) = (media(""), media("parts_334/"));
        assert_eq!(top_boxes(&parts).len(), 14);
        let Some(expected) = frames(&init, &whole, &[]) else { return };
        assert!(expected.lines().filter(|line| !line.starts_with('#')).count() >= 50);
        assert_eq!(Some(expected), frames(&init, &parts, &[]), "{rendition}");
    }
}

/// The access units of one fragment as ffmpeg reads and decrypts them: sizes and digests.
fn units(init: &[u8], media: &[u8], key: &[&str]) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("joined.mp4");
    std::fs::write(&file, [init, media].concat()).expect("a file");
    let input = ["-i", file.to_str().expect("UTF-8"), "-c", "copy", "-copyinkf", "-f", "framemd5", "-"];
    // Pictures that lack those in front of them would be complained about.
    let lines = ffmpeg("ffmpeg", &[&["-v", "fatal"], key, &input].concat(), "")?;
    let lines = lines.lines().filter(|line| !line.starts_with('#'));
    Some(lines.map(|line| line.split(',').skip(4).take(2).collect::<Vec<_>>().join(",")).collect())
}

#[test]
fn protected_parts_decrypt_to_the_access_units_of_the_clear_segment() {
    let number = NOW / 2000 - 5;
    let key = ["-decryption_key", "8b9a939a9c96919affffffffffffffff"];
    for (options, rendition) in
        [("prot_cenc", "v180"), ("prot_cenc", "a-en"), ("prot_cbcs", "v180"), ("prot_cenc/iv_wrap", "v180")]
    {
        let folder = |options: &str| format!("/hls/live_60/{options}/demo/{rendition}");
        let get = |options: &str, file: &str| bytes(&at(&format!("{}/{file}", folder(options)), NOW));
        let clear = units(&get("snr_0", "init.mp4"), &get("snr_0", &format!("{number}.m4s")), &[]);
        let Some(clear) = clear else { return };
        assert!(clear.len() >= 50);
        let protected = format!("{options}/parts_334/partfiles_1");
        let init = get(&protected, "init.mp4");
        // Each by itself: several fragments of a file ffmpeg does not decrypt.
        let part = |k: usize| units(&init, &get(&protected, &format!("{number}.{k}.m4s")), &key);
        let parts: Vec<String> = (0..7).filter_map(part).flatten().collect();
        assert_eq!(clear, parts, "{options} {rendition}");
    }
    // With keys that rotate, each part has the group of its own samples, and all of the segment's pssh.
    for k in 0..7 {
        let path = format!("/hls/live_60/prot_cenc/krot_3/parts_334/partfiles_1/demo/v360/{number}.{k}.m4s");
        let part = bytes(&at(&path, NOW));
        let group = part.windows(4).position(|kind| kind == b"sbgp").expect("a group") + 4;
        let count = u32::from_be_bytes(part[group + 12..group + 16].try_into().expect("four bytes"));
        assert_eq!(count, samples(&part));
        assert!(part.windows(4).any(|kind| kind == b"pssh"));
    }
}

#[tokio::test]
async fn the_server_holds_a_playlist_and_sends_a_hinted_segment_part_by_part() {
    let origin = origin().await;
    // The virtual clock: the wait is that of the moment asked for.
    let folder = "/hls/parts_200/demo";
    let known = playlist(&format!("{folder}/v180.m3u8"), NOW);
    let query = format!("_HLS_msn={}&_HLS_part={}", known.behind(), known.growing.len());
    let path = at(&format!("{folder}/v180.m3u8?{query}"), NOW);
    let hold = get(&path).delivery.hold;
    let (pieces, all) = exchange(origin.address(), &path, "").await;
    assert!(pieces[0].0 >= hold && pieces[0].0 < hold + Duration::from_millis(150), "{hold:?} {:?}", pieces[0].0);
    let answer = String::from_utf8(all).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("date: Fri, 27 Nov 2026 11:54:56 GMT"), "{answer}");
    assert!(answer.ends_with(&String::from_utf8(get(&path).body.into_bytes().to_vec()).expect("UTF-8")));

    let (uri, from) = known.hint.expect("a hint");
    let (path, range) = (at(&format!("{folder}/{uri}"), NOW), format!("bytes={}-", from.expect("a range")));
    let expected = respond(&library(), &Request::get(&path).range(&range));
    let (pieces, all) = exchange(origin.address(), &path, &format!("range: {range}\r\n")).await;
    let text = String::from_utf8_lossy(&all);
    assert!(text.starts_with("HTTP/1.1 206") && text.contains("transfer-encoding: chunked"), "{text}");
    assert!(expected.delivery.pieces.len() >= 4);
    for (_, due) in &expected.delivery.pieces {
        // Something came with each part, and nothing long after it.
        let near = pieces.iter().any(|(came, _)| came >= due && *came < *due + Duration::from_millis(150));
        assert!(near, "{due:?} {pieces:?}");
    }
    origin.stop().await;
}
