//! What goes wrong with live titles, as one table: what each fault may cost, and what is told of it.
//!
//! The criteria are those of the project's list of faults (F18 to F35, by their numbers), where it has one. What a fault looks
//! like from near is tested beside the rule that it breaks:
//!
//! | fault | from near |
//! |---|---|
//! | stale playlist | `hls::a_stale_playlist_is_left_for_another_rendition`, `hls::what_does_not_change_…` |
//! | server that is gone | `hls::a_server_that_is_gone_…`, `hls::an_outage_of_…` |
//! | numbers that go back | `hls::an_older_version_of_a_playlist_is_ignored`, `dash::versions::d049_an_older_version_of_the_mpd_is_ignored` |
//! | numbers that are something else | `hls::a_number_that_is_another_segment_than_before_sends_to_another_rendition` |
//! | MPD that loses a period | `dash::periods::d045_what_plays_in_a_period_that_is_gone_plays_on`, `dash::periods::d005_…` |
//! | 404 at the edge | `dash::d110_a_segment_that_is_late_is_waited_for_…`, `dash::clocks::d025_segments_that_are_not_there_…` |
//! | gaps | `missing::h062_…`, `missing::d085_…` |
//! | jumps of an hour | `dash::segments_that_are_late_and_media_that_is_elsewhere_…` |
//! | missing part, wrong hint | `low_latency::a_part_that_is_missing_…`, `low_latency::a_hint_of_what_does_not_come_…`, `low_latency::h129_…` |
//! | malformed patch | `dash::versions::d052_d053_d054_a_patch_that_fails_is_followed_by_the_mpd_at_once` |
//! | time server down | `dash::clocks::d023_a_clock_that_does_not_answer_…`, `adverse::a_device_that_is_an_hour_wrong_…` |
//! | encoder restart | `hls::an_encoder_that_starts_over_is_followed`, `dash::versions::d078_…` |

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_engine::DecisionKind;
use telecine_model::ErrorCode::{
    self, ConnectFailed, HttpStatus, ManifestContradiction, ManifestRewound, ManifestStale, ManifestSyntax, Timeout,
};
use telecine_model::{MediaTime, TrackKind, WallTime};
use telecine_virtual::{Outcome, Response, Session};

use crate::common::{at, decisions, errors, track};
use crate::origin::{refused, with_text, Origin, BEGIN};
use crate::watch::{stalls, started};

/// How long each is played.
const SECONDS: u64 = 150;

const HLS: &str = "/hls/live_60/demo/main.m3u8";

/// A fault that is recovered from.
struct Fault {
    what: &'static str,
    /// Its number in the list of faults.
    rule: &'static str,
    path: &'static str,
    /// What the origin does beyond the options of the path.
    origin: fn() -> Origin,
    /// The errors that may be told of it, each of them recovered.
    told: &'static [ErrorCode],
    /// For how long playback may stand because of it, after its start.
    stands_ms: u64,
    /// How much of the media may be missing.
    lacks_ms: i64,
}

impl Fault {
    const NONE: Self =
        Self { what: "", rule: "", path: HLS, origin: Origin::new, told: &[], stands_ms: 0, lacks_ms: 0 };
}

fn is_playlist(path: &str) -> bool {
    path.ends_with(".m3u8")
}

fn status(status: u16) -> Response {
    Response::new(status, "https://origin.example/", "")
}

/// One rendition's playlists stay as they were at the twentieth second.
fn one_rendition_is_stale() -> Origin {
    let mut kept: Option<Response> = None;
    Origin::new().editing(move |now, path, response| {
        if !path.ends_with("v720.m3u8") {
            return response.into();
        }
        if now < at(20_000) || kept.is_none() {
            kept = Some(response.clone());
        }
        kept.clone().unwrap_or(response).into()
    })
}

/// Every part of some second of each ten is missing, though it is listed.
fn parts_are_missing() -> Origin {
    Origin::new().editing(|now, path, response| {
        let second = now.as_micros() / 1_000_000;
        match path.contains("/v") && path.contains(".3.m4s") && second > 10 && second % 20 < 2 {
            true => status(404).into(),
            false => response.into(),
        }
    })
}

fn hints_are_wrong() -> Origin {
    Origin::new().editing(|_, path, response| match is_playlist(path) {
        true => with_text(response, |text| text.replace("HINT:TYPE=PART,URI=\"", "HINT:TYPE=PART,URI=\"wrong/")),
        false => response.into(),
    })
}

/// Held requests are given up by the server: 503 after as long as it may hold them.
fn held_requests_are_given_up() -> Origin {
    let mut nth = 0;
    Origin::new().editing(move |_, path, response| {
        nth += u32::from(is_playlist(path) && response.held.until > Duration::ZERO);
        match is_playlist(path) && nth % 20 == 19 {
            true => status(if nth % 40 == 19 { 503 } else { 400 }).into(),
            false => response.into(),
        }
    })
}

/// Patches are, in turn, of another version, not to be applied, and no patches.
fn patches_are_malformed() -> Origin {
    let mut nth = 0;
    Origin::new().editing(move |_, path, response| {
        if !path.ends_with(".mpp") {
            return response.into();
        }
        nth += 1;
        with_text(response, |text| match nth % 3 {
            0 => text.replace("originalPublishTime=\"2", "originalPublishTime=\"1"),
            1 => text.replace("/Period[", "/Nothing["),
            _ => text.replace("</", "<"),
        })
    })
}

/// The time server answers for ten seconds of each minute, if at all.
fn the_time_server_is_down() -> Origin {
    Origin::new().editing(|_, path, response| if path == "/time" { refused() } else { response.into() })
}

/// The period that is played is missing in every third MPD, and there is another one in its place.
fn a_period_is_lost() -> Origin {
    let mut nth = 0;
    Origin::new().editing(move |now, path, response| {
        nth += u32::from(path.ends_with(".mpd"));
        match path.ends_with(".mpd") && nth % 3 == 2 && now > at(10_000) {
            true => with_text(response, |text| text.replace("<Period id=\"P", "<Period id=\"lost-P")),
            false => response.into(),
        }
    })
}

fn recovered() -> Vec<Fault> {
    vec![
        Fault {
            what: "one rendition's playlist is stale",
            rule: "F18",
            origin: one_rendition_is_stale,
            told: &[ManifestStale],
            ..Fault::NONE
        },
        Fault {
            what: "all playlists are stale for a quarter of each minute",
            rule: "F18",
            path: "/hls/live_60/stale_10-25/demo/main.m3u8",
            told: &[ManifestStale],
            // Nine seconds of it is what nobody has; and what is needed to go on.
            stands_ms: 2 * 14_000,
            ..Fault::NONE
        },
        Fault {
            what: "the sequence number goes back by five",
            rule: "F19",
            path: "/hls/live_60/back_25-10/demo/main.m3u8",
            // Whatever is older brings nothing new, for seconds on end.
            told: &[ManifestStale],
            ..Fault::NONE
        },
        Fault {
            what: "older MPDs",
            rule: "F19",
            path: "/dash/live_60/utc_direct/back_20-30/demo/time.mpd",
            ..Fault::NONE
        },
        Fault {
            what: "an MPD without the period that is played",
            rule: "F20",
            path: "/dash/live_60/utc_direct/mup_2/demo/number.mpd",
            origin: a_period_is_lost,
            ..Fault::NONE
        },
        Fault {
            what: "segments of numbers are there 900 ms late",
            rule: "F14",
            path: "/dash/live_60/utc_direct/early404_900/demo/number.mpd",
            told: &[HttpStatus],
            ..Fault::NONE
        },
        Fault {
            what: "segments of a timeline are there 900 ms late",
            path: "/dash/live_60/utc_direct/early404_900/demo/time.mpd",
            told: &[HttpStatus],
            ..Fault::NONE
        },
        Fault {
            what: "segments of a playlist are there 900 ms late",
            path: "/hls/live_60/early404_900/demo/main.m3u8",
            told: &[HttpStatus],
            ..Fault::NONE
        },
        Fault {
            what: "a segment that nobody has, announced",
            rule: "F08",
            path: "/hls/live_60/gap_897890255/demo/main.m3u8",
            lacks_ms: 2000,
            stands_ms: 250,
            ..Fault::NONE
        },
        Fault {
            what: "a segment that nobody has, not announced",
            rule: "F08",
            path: "/dash/live_60/utc_direct/gap_897890255/demo/number.mpd",
            told: &[HttpStatus],
            lacks_ms: 2000,
            stands_ms: 250,
            ..Fault::NONE
        },
        Fault {
            what: "a segment of parts that nobody has, announced",
            rule: "F08",
            path: "/hls/live_60/parts_500/gap_897890255/demo/main.m3u8",
            lacks_ms: 2000,
            // Playback is less behind the edge than the gap is long: what follows has to be made first.
            stands_ms: 1500,
            ..Fault::NONE
        },
        Fault {
            what: "media times jump by an hour and back, HLS",
            rule: "F21",
            path: "/hls/live_60/start_1795780000/adbreak_20/demo/main.m3u8",
            ..Fault::NONE
        },
        Fault {
            what: "media times jump by an hour and back, transport streams",
            rule: "F21",
            path: "/hls/live_60/ts_muxed/start_1795780000/adbreak_20/demo/main.m3u8",
            ..Fault::NONE
        },
        Fault {
            what: "media times jump by an hour and back, parts",
            rule: "F21",
            path: "/hls/live_60/parts_500/start_1795780000/adbreak_20/demo/main.m3u8",
            ..Fault::NONE
        },
        Fault {
            what: "media times jump by an hour and back, DASH of a timeline",
            rule: "F21",
            path: "/dash/live_60/utc_direct/adbreak_20/demo/time.mpd",
            ..Fault::NONE
        },
        Fault {
            what: "media times jump by an hour and back, DASH of numbers",
            rule: "F21",
            path: "/dash/live_60/utc_direct/adbreak_20/demo/number.mpd",
            ..Fault::NONE
        },
        Fault {
            what: "parts are missing",
            path: "/hls/live_60/parts_334/partfiles_1/demo/main.m3u8",
            origin: parts_are_missing,
            told: &[HttpStatus],
            lacks_ms: 20_000,
            stands_ms: 15_000,
            ..Fault::NONE
        },
        Fault {
            what: "hints are wrong",
            rule: "F27",
            path: "/hls/live_60/parts_334/demo/main.m3u8",
            origin: hints_are_wrong,
            ..Fault::NONE
        },
        Fault {
            what: "held requests are refused or given up",
            rule: "F27",
            path: "/hls/live_60/parts_334/demo/main.m3u8",
            origin: held_requests_are_given_up,
            told: &[HttpStatus],
            stands_ms: 2000,
            ..Fault::NONE
        },
        Fault {
            what: "patches are malformed",
            path: "/dash/live_60/utc_direct/patch_60/demo/time.mpd",
            origin: patches_are_malformed,
            told: &[ManifestSyntax, ManifestContradiction],
            ..Fault::NONE
        },
        Fault {
            what: "the time server is down",
            rule: "F14",
            path: "/dash/live_60/utc_iso/demo/number.mpd",
            origin: the_time_server_is_down,
            told: &[ConnectFailed],
            ..Fault::NONE
        },
        Fault {
            what: "the encoder starts over, playlists go on",
            rule: "F19",
            path: "/hls/live_60/encrestart_40/demo/main.m3u8",
            ..Fault::NONE
        },
        Fault {
            what: "the encoder starts over with its numbers",
            rule: "F19",
            path: "/hls/live_60/encrestartmsn_40/demo/main.m3u8",
            told: &[ManifestRewound],
            stands_ms: 1000 * 4,
            ..Fault::NONE
        },
        Fault {
            what: "the encoder starts over, DASH",
            rule: "F19",
            path: "/dash/live_60/utc_direct/encrestart_40/demo/time.mpd",
            ..Fault::NONE
        },
        Fault {
            what: "periods end earlier than was announced",
            path: "/dash/live_60/utc_direct/periods_360/etp_1/demo/number.mpd",
            ..Fault::NONE
        },
    ]
}

fn lacking(session: &Session<Origin>, kind: TrackKind) -> MediaTime {
    let track = track(session, kind);
    let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
    last - first - track.duration
}

#[test]
fn each_fault_costs_no_more_than_it_may_and_is_told_of() {
    let mut failed = Vec::new();
    for Fault { what, rule, path, origin, told, stands_ms, lacks_ms } in recovered() {
        let mut session = origin().play(path).wall_clock(WallTime::from_millis(BEGIN as i64 + 3_600_000));
        let outcome = session.run(Some(at(SECONDS * 1000)));
        let errors = errors(&session);
        let qoe = session.engine().qoe(session.now());
        let lacks = [TrackKind::Video, TrackKind::Audio].map(|kind| lacking(&session, kind));
        let strange = errors.iter().any(|error| !told.contains(&error.code()) || error.is_fatal());
        let costs = qoe.stalled > Duration::from_millis(stands_ms)
            || lacks.iter().any(|lacks| *lacks > MediaTime::from_millis(lacks_ms + 200));
        if outcome != Outcome::Until || strange || costs || (errors.is_empty() && !told.is_empty()) {
            let stalls = stalls(&session);
            failed.push(format!(
                "{what} ({rule}): {outcome:?}, {stalls} stalls of {:?}, lacks {lacks:?}, {errors:?}",
                qoe.stalled
            ));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// A fault that nobody can recover from.
struct End {
    what: &'static str,
    path: &'static str,
    origin: fn() -> Origin,
    /// What playback ends with.
    error: ErrorCode,
    /// When it does.
    within_s: std::ops::Range<u64>,
}

/// Nothing but what `is` of is refused from the twentieth second on.
fn refusing(is: fn(&str) -> bool) -> Origin {
    Origin::new().editing(move |now, path, response| match is(path) && now > at(20_000) {
        true => refused(),
        false => response.into(),
    })
}

/// What `is` of is answered with another status from the twentieth second on.
fn answering(code: u16, is: fn(&str) -> bool) -> Origin {
    Origin::new().editing(move |now, path, response| match is(path) && now > at(20_000) {
        true => status(code).into(),
        false => response.into(),
    })
}

/// What `is` of is not answered from the twentieth second on.
fn hanging(is: fn(&str) -> bool) -> Origin {
    Origin::new().editing(move |now, path, mut response| {
        if is(path) && now > at(20_000) {
            response.delay = Duration::from_secs(3600);
        }
        response.into()
    })
}

fn is_mpd(path: &str) -> bool {
    path.ends_with(".mpd")
}

/// What `is` of stays as it was at the twentieth second.
fn standing_still(is: fn(&str) -> bool) -> Origin {
    let mut kept: BTreeMap<String, Response> = BTreeMap::new();
    Origin::new().editing(move |now, path, response| {
        if !is(path) {
            return response.into();
        }
        if now < at(20_000) {
            kept.insert(path.to_owned(), response.clone());
        }
        kept.get(path).cloned().unwrap_or(response).into()
    })
}

/// No other rendition has the rest of a segment that was shown in part: however little of the session's retries is left, asking
/// again costs a moment, and leaving it out a segment.
#[test]
fn segments_of_which_each_breaks_off_once_are_asked_for_again_and_none_is_left_out() {
    for path in [
        "/hls/live_60/ts_muxed/cut_*@40000x1/demo/main.m3u8",
        "/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_3000/cut_*@40000x1/demo/number.mpd",
    ] {
        let mut session = Origin::new().play(path).network("rate=5Mbps,rtt=40ms".parse().expect("a network"));
        assert_eq!(session.run(Some(at(120_000))), Outcome::Until, "{path}");
        let stood = session.engine().qoe(session.now()).stalled;
        let left_out = decisions(&session, DecisionKind::Skip);
        assert!(stood <= Duration::from_secs(2), "{path}: {stood:?}");
        assert!(left_out.is_empty(), "{path}: {left_out:?}");
        assert!(errors(&session).len() > 40, "{path}: hardly any broke off");
    }
}

#[test]
fn media_that_come_later_than_announced_by_more_than_a_segment_are_waited_for_and_played() {
    for path in [
        "/hls/live_60/early404_3000/demo/main.m3u8",
        "/hls/live_60/early404_4000/demo/main.m3u8",
        "/dash/live_60/utc_direct/early404_4000/demo/number.mpd",
        "/dash/live_60/utc_direct/early404_4000/demo/time.mpd",
    ] {
        let mut session = Origin::new().play(path);
        assert_eq!(session.run(Some(at(120_000))), Outcome::Until, "{path}");
        assert!(stalls(&session) <= 4, "{path}: {}", stalls(&session));
        let (_, from) = started(&session);
        let played = session.engine().snapshot(session.now()).position - from;
        assert!(played > MediaTime::from_secs(112), "{path}: {played}");
        let late = errors(&session).len();
        assert!(late < 60, "{path}: {late} requests in vain");
    }
}

#[test]
fn old_copies_of_playlists_do_not_take_the_latency_back() {
    let mut session = Origin::new().play("/hls/live_60/back_50-20/demo/main.m3u8");
    for second in 5..120 {
        session.run(Some(at(second * 1000)));
        let live = session.engine().snapshot(session.now()).edge.expect("it is live");
        let latency = live.latency.unwrap_or(MediaTime::from_secs(8));
        assert!(latency > MediaTime::from_secs(5), "{second} s: {latency}");
    }
}

/// Lists that cannot be had any more end with what their loads failed with; those that come and do not change are stale.
fn ends() -> Vec<End> {
    const PARTS: &str = "/hls/live_60/parts_500/demo/main.m3u8";
    const MPD: &str = "/dash/live_60/utc_direct/demo/time.mpd";
    let list = |what, path, origin, error| End { what, path, origin, error, within_s: 78..95 };
    // A line that is down is waited for, as with media.
    let line = |what, path, origin, error| End { what, path, origin, error, within_s: 108..130 };
    vec![
        line("playlists are refused", HLS, || refusing(is_playlist), ConnectFailed),
        line("playlists of parts are refused", PARTS, || refusing(is_playlist), ConnectFailed),
        line("the MPD is refused", MPD, || refusing(is_mpd), ConnectFailed),
        line("the origin is gone, HLS", HLS, || refusing(|_| true), ConnectFailed),
        line("the origin is gone, parts", PARTS, || refusing(|_| true), ConnectFailed),
        line("the origin is gone, DASH", MPD, || refusing(|_| true), ConnectFailed),
        list("playlists are answered with 503", HLS, || answering(503, is_playlist), HttpStatus),
        list("playlists of parts are answered with 502", PARTS, || answering(502, is_playlist), HttpStatus),
        list("playlists are answered with 404", HLS, || answering(404, is_playlist), HttpStatus),
        list("the MPD is answered with 503", MPD, || answering(503, is_mpd), HttpStatus),
        line("playlists are not answered", HLS, || hanging(is_playlist), Timeout),
        line("the MPD is not answered", MPD, || hanging(is_mpd), Timeout),
        list("playlists stand still", HLS, || standing_still(is_playlist), ManifestStale),
        list("playlists of parts stand still", PARTS, || standing_still(is_playlist), ManifestStale),
        list("the MPD stands still", MPD, || standing_still(is_mpd), ManifestStale),
        End {
            what: "media cannot be had any more",
            path: "/dash/live_60/utc_direct/demo/number.mpd",
            origin: || refusing(|path| path.ends_with(".m4s")),
            error: ConnectFailed,
            within_s: 60..200,
        },
    ]
}

#[test]
fn what_cannot_be_recovered_from_ends_with_the_error_that_names_it() {
    let mut failed = Vec::new();
    for End { what, path, origin, error, within_s } in ends() {
        let mut session = origin().play(path);
        let outcome = session.run(Some(at(600_000)));
        let after = session.now().as_micros() / 1_000_000;
        let right = matches!(&outcome, Outcome::Failed(Some(told)) if told.code() == error && told.is_fatal());
        if !right || !within_s.contains(&after) {
            failed.push(format!("{what}: {outcome:?} after {after} s"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// What a refused manifest is told with.
fn told_of_refusal(content_type: &str, body: &'static str) -> Option<String> {
    let content_type = content_type.to_owned();
    let origin = Origin::new().editing(move |_, _, _| {
        let mut refusal = Response::new(400, "https://origin.example/", body);
        refusal.content_type = Some(content_type.clone());
        refusal.into()
    });
    let mut session = origin.play(HLS);
    let Outcome::Failed(Some(error)) = session.run(Some(at(60_000))) else { panic!("it plays") };
    assert_eq!(error.code(), HttpStatus);
    error.facts().get("server_said").cloned()
}

#[test]
fn what_a_server_says_of_a_manifest_that_it_refuses_is_told_if_it_is_a_line_of_plain_text() {
    let said = told_of_refusal("text/plain; charset=utf-8", "\r\n there is no\x1b[31m option x_1\r\nand more\n");
    assert_eq!(said.as_deref(), Some("there is no[31m option x_1"));
    for page in ["text/html", "application/json", "text/plain-not"] {
        assert_eq!(told_of_refusal(page, "<h1>no</h1>"), None, "{page}");
    }
    assert_eq!(told_of_refusal("text/plain", "\n \n"), None);
    // Tokens are not repeated, nor is a book.
    let said =
        told_of_refusal("text/plain", "no right to https://a.example/v.m3u8?token=7f3a9c0d1e2b4a5f").expect("a line");
    assert!(said.starts_with("no right to https://a.example/v.m3u8") && !said.contains("7f3a9c0d"), "{said}");
    let long: &'static str = Box::leak("very long ".repeat(100).into_boxed_str());
    assert_eq!(told_of_refusal("text/plain", long).map(|said| said.chars().count()), Some(161));
}
