//! What goes wrong with live programmes, each fault at many moments against the programme without it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::playlist::Playlist;
use support::segment::{decode_time, samples};
use support::{at, bytes, get, ms, text};

/// 2026-11-27T11:54:56.700Z.
const NOW: u64 = 1_795_780_496_700;

fn playlist(path: &str, now: u64) -> Playlist {
    Playlist::read(&text(&at(path, now)))
}

/// How far a playlist is: segments and parts.
fn position(path: &str, now: u64) -> (u64, usize) {
    let list = playlist(path, now);
    (list.behind(), list.growing.len())
}

#[test]
fn jitter_makes_late_and_never_early_and_what_is_named_is_there() {
    for (options, most, grain) in [("live_60", 700, 2_000), ("live_60/parts_334", 250, 320)] {
        let (plain, late) = (format!("/hls/{options}/demo"), format!("/hls/{options}/jitter_{most}/demo"));
        let (mut delays, mut before) = (0, (0, 0));
        for now in (0..300).map(|step| NOW + step * 53) {
            let (is, would) =
                (position(&format!("{late}/v180.m3u8"), now), position(&format!("{plain}/v180.m3u8"), now));
            assert!(is <= would, "never early: {is:?} {would:?}");
            assert!(is >= position(&format!("{plain}/v180.m3u8"), now - most), "so late at most");
            assert!(is >= before, "what was there stays");
            before = is;
            delays += u64::from(is < would);
            let list = playlist(&format!("{late}/v180.m3u8"), now);
            let last = list.segments.last().expect("segments");
            assert_eq!(get(&at(&format!("{late}/{}", last.uri), now)).status, 200);
            let next = format!("{late}/v180/{}.m4s", list.behind());
            if list.part_target == 0.0 {
                assert_eq!(get(&at(&next, now)).status, 404, "neither named nor there");
            }
        }
        // Half of the jitter, on the average, of every grain.
        let expected = 300 * most / 2 / grain;
        assert!(delays > expected / 2 && delays < expected * 2, "{options}: {delays} {expected}");
    }
    // A held playlist comes when it is there.
    let path = "/hls/parts_334/jitter_250/demo/a-en.m3u8";
    for now in (0..20).map(|step| NOW + step * 171) {
        let (msn, part) = position(path, now);
        let held = get(&at(&format!("{path}?_HLS_msn={msn}&_HLS_part={part}"), now));
        let then = now + ms(held.delivery.hold);
        assert!(position(path, then) > (msn, part) && position(path, then - 1) == (msn, part));
    }
}

#[test]
fn media_that_drift_move_away_from_the_clock() {
    let start = NOW / 1000 - 1_000;
    // A thousand seconds at a thousand millionths are one second.
    for (ppm, ahead) in [(1_000_i64, 1_000_i64), (-1_000, -1_000), (5_000, 5_000)] {
        let folder = format!("/hls/live_60/start_{start}/drift_{ppm}/demo");
        for now in [NOW, NOW + 1_100] {
            let text = text(&at(&format!("{folder}/v180.m3u8"), now));
            let list = Playlist::read(&text);
            let last = bytes(&at(&format!("{folder}/{}", list.segments.last().expect("segments").uri), now));
            let end = decode_time(&last) / 90 + u64::from(samples(&last)) * 40;
            let elapsed = now - start * 1000;
            let media = (elapsed as i64 + ahead * elapsed as i64 / 1_000_000) as u64;
            assert!(end <= media && media < end + 2_000, "{ppm}: {end} {media}");
            // Dates are those of the clock.
            let date = text.split("PROGRAM-DATE-TIME:").nth(1).and_then(|rest| rest.lines().next()).expect("a date");
            let date = date.parse::<chrono_like::Date>().expect("a date").0;
            let first = decode_time(&bytes(&at(&format!("{folder}/{}", list.segments[0].uri), now))) / 90;
            let expected = start * 1000 + first * 1_000_000 / (1_000_000 + ppm) as u64;
            assert!(date.abs_diff(expected) <= 1, "{ppm}: {date} {expected}");
        }
    }
    assert_eq!(get(&at("/hls/live_60/drift_100/demo/v180.m3u8", NOW)).status, 400, "from when?");
    // Media that run slow are not there when the MPD says so.
    let n = 1_000_000 / 2_000 - 1;
    let segment = |options: &str| {
        get(&at(&format!("/dash/start_{start}/{options}demo/v180/{n}.m4s"), start * 1000 + 1_000_000)).status
    };
    assert_eq!((segment(""), segment("drift_-1000/")), (200, 404));
}

/// Dates of playlists, to the millisecond.
mod chrono_like {
    /// Milliseconds since 1970.
    pub(super) struct Date(pub(super) u64);

    impl std::str::FromStr for Date {
        type Err = ();

        fn from_str(text: &str) -> Result<Self, ()> {
            // A playlist of one segment with this date, read by m3u8-rs.
            let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:{text}\n#EXTINF:2,\na\n");
            let list = m3u8_rs::parse_media_playlist_res(list.as_bytes()).map_err(|_| ())?;
            let date = list.segments.first().and_then(|segment| segment.program_date_time).ok_or(())?;
            u64::try_from(date.timestamp_millis()).map(Self).map_err(|_| ())
        }
    }
}

#[test]
fn media_are_there_later_than_manifests_say() {
    for folder in ["/hls/live_60/early404_800/demo", "/hls/parts_334/partfiles_1/early404_200/demo"] {
        let (mut missing, mut there) = (0, 0);
        for now in (0..60).map(|step| NOW + step * 97) {
            let list = playlist(&format!("{folder}/v180.m3u8"), now);
            assert_eq!(
                (list.behind(), list.growing.len()),
                position(&format!("{folder}/v180.m3u8").replace("early404_", "kdelay_"), now)
            );
            let last = list.growing.last().map(|part| &part.uri).or(list.segments.last().map(|s| &s.uri)).expect("one");
            let media = get(&at(&format!("{folder}/{last}"), now));
            if media.status == 404 || ms(media.delivery.hold) > 0 {
                missing += 1;
            } else {
                there += 1;
            }
        }
        assert!(missing > 10 && there > 10, "{folder}: {missing} {there}");
    }
}

#[test]
fn dates_are_skewed_as_far_as_the_url_says() {
    let date = |options: &str| {
        let text = text(&at(&format!("/hls/live_60/{options}demo/v180.m3u8"), NOW));
        text.split("PROGRAM-DATE-TIME:").nth(1).and_then(|rest| rest.lines().next()).expect("a date").to_owned()
    };
    let of = |options: &str| date(options).parse::<chrono_like::Date>().expect("a date").0;
    assert_eq!(of("skewpdt_5000/"), of("") + 5_000);
    assert_eq!(of("skewpdt_-3600000/"), of("") - 3_600_000);
}

#[test]
fn manifests_are_stale_for_a_part_of_each_minute_and_held_requests_with_them() {
    let minute = NOW / 60_000 * 60_000;
    let (plain, stale) = ("/hls/parts_334/demo/v180.m3u8", "/hls/parts_334/stale_10-20/demo/v180.m3u8");
    for second in [0, 5, 10, 15, 19, 20, 40, 59] {
        let now = minute + second * 1000 + 60;
        let seen = if (10..20).contains(&second) { minute + 10_000 } else { now };
        assert!(bytes(&at(stale, now)) == bytes(&at(plain, seen)), "{second}");
    }
    let mpd = |now| text(&at("/dash/live_60/stale_10-20/demo/time.mpd", now));
    assert!(mpd(minute + 12_000) == mpd(minute + 19_000) && mpd(minute + 12_000) != mpd(minute + 21_000));
    // Media are made all the same.
    let number = (minute + 14_000) / 2_000;
    assert_eq!(get(&at(&format!("/hls/parts_334/stale_10-20/demo/v180/{number}.m4s"), minute + 16_100)).status, 200);
    // What is held comes when the playlist does, or after three target durations not at all (503).
    let (msn, part) = position(stale, minute + 16_000);
    let held = get(&at(&format!("{stale}?_HLS_msn={msn}&_HLS_part={part}"), minute + 16_000));
    assert_eq!((held.status, ms(held.delivery.hold)), (200, 4_000));
    assert!(held.body.into_bytes() == bytes(&at(plain, minute + 20_000)));
    let late = get(&at(&format!("{stale}?_HLS_msn={msn}&_HLS_part={part}"), minute + 11_000));
    assert_eq!((late.status, ms(late.delivery.hold)), (503, 6_000));
}

#[test]
fn now_and_then_a_manifest_is_an_older_one() {
    let path = "/hls/live_60/back_25-20/demo/v180.m3u8";
    let mut older = 0;
    for now in (0..200).map(|step| NOW + step * 1_000) {
        let (is, would) = (position(path, now), position(&path.replace("back_25-20/", ""), now));
        assert!(is == would || is.0 == would.0 - 10, "{is:?} {would:?}");
        older += u64::from(is != would);
    }
    assert!((30..75).contains(&older), "{older}");
    let published = |now| {
        dash_mpd_core::parse(&text(&at("/dash/live_60/back_100-5/demo/time.mpd", now))).expect("an MPD").publishTime
    };
    assert_eq!(published(NOW).map(|date| date.timestamp_millis() as u64), Some(NOW - 5_000));
    // It is not older than the programme.
    let start = NOW / 1000 - 3;
    assert_eq!(get(&at(&format!("/hls/start_{start}/back_100-60/demo/v180.m3u8"), NOW)).status, 200);
}

#[test]
fn an_impossible_fault_is_refused() {
    for option in
        ["jitter_x", "drift_1.5", "stale_20-10", "stale_0-61", "back_0-5", "back_5", "early404_-1", "skewpdt_x"]
    {
        assert_eq!(get(&at(&format!("/hls/start_1795780000/{option}/demo/v180.m3u8"), NOW)).status, 400, "{option}");
    }
}
