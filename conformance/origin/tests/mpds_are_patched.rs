//! MPD patches, applied by another XML library (Python's), lead to the MPDs that are served; and when there is none.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use support::{at, get, text};

/// 2026-11-27T11:54:56.700Z.
const NOW: u64 = 1_795_780_496_700;

/// The address of the patch of an MPD.
fn location(mpd: &str) -> String {
    let (_, rest) = mpd.split_once("<PatchLocation ttl=\"60\">").expect("a patch location");
    rest.split_once('<').expect("an end").0.to_owned()
}

/// Applies patches; false, loudly, without Python.
fn applies(cases: &[[String; 3]]) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apply_patch.py");
    let child = Command::new("python3").arg(script).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED: python3 cannot be run ({error}); this test proves nothing here");
            return false;
        }
    };
    let input = serde_json::to_vec(cases).expect("JSON");
    child.stdin.take().expect("a pipe").write_all(&input).expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn a_patch_leads_from_the_mpd_that_is_known_to_the_one_there_is() {
    let mut cases = Vec::new();
    for options in
        ["live_30", "live_30/periods_360", "live_20/periods_240/etp_1/utc_direct-iso", "encrestart_14/live_30"]
    {
        for name in ["time", "timeline-number", "number"] {
            let folder = format!("/dash/{options}/patch_60/demo");
            for (n, later) in [700, 2_000, 4_500, 9_000, 23_000, 31_000, 59_000].into_iter().enumerate() {
                let from = NOW + n as u64 * 3_700;
                let before = text(&at(&format!("{folder}/{name}.mpd"), from));
                let patch = get(&at(&format!("{folder}/{}", location(&before)), from + later));
                assert_eq!(patch.header("content-type"), Some("application/dash-patch+xml"));
                let patch = String::from_utf8(patch.body.into_bytes().to_vec()).expect("UTF-8");
                cases.push([before, patch, text(&at(&format!("{folder}/{name}.mpd"), from + later))]);
            }
        }
    }
    assert_eq!(cases.len(), 84);
    applies(&cases);
}

#[test]
fn a_patch_is_small() {
    let folder = "/dash/live_60/patch_60/demo";
    let before = text(&at(&format!("{folder}/time.mpd"), NOW));
    let patch = text(&at(&format!("{folder}/{}", location(&before)), NOW + 2_000));
    assert!(patch.len() < before.len() / 2, "{patch}");
    let kinds: Vec<&str> = patch.lines().filter_map(|line| line.trim().split([' ', '>']).next()).collect();
    assert!(!kinds.contains(&"<AdaptationSet"), "{patch}");
}

#[test]
fn what_is_too_old_or_too_new_has_no_patch() {
    let status = |query: &str, now| get(&at(&format!("/dash/live_60/patch_60/demo/time.mpp{query}"), now)).status;
    let known = "?publishTime=2026-11-27T11:54:56.700Z";
    assert_eq!(status(known, NOW + 60_000), 200);
    assert_eq!(status(known, NOW + 60_001), 404, "as old as the ttl says");
    assert_eq!(status(known, NOW), 425, "nothing newer");
    assert_eq!(status("?publishTime=2026-11-27T11%3A54%3A56.7Z", NOW + 1), 200);
    assert_eq!(status("?publishTime=yesterday", NOW), 400);
    assert_eq!(status("", NOW), 400);
    assert_eq!(get(&at("/dash/live_60/demo/time.mpp?publishTime=2026-11-27T11:54:56.700Z", NOW + 1)).status, 404);
    assert!(!text(&at("/dash/live_60/demo/time.mpd", NOW)).contains("PatchLocation"));
}

#[test]
fn a_period_is_announced_longer_than_it_will_be() {
    let mpd =
        |now| dash_mpd_core::parse(&text(&at("/dash/live_60/periods_120/etp_1/demo/time.mpd", now))).expect("an MPD");
    // Half a minute each.
    let begin = NOW / 30_000 * 30_000;
    let told = mpd(begin + 20_000);
    let last = told.periods.last().expect("a period");
    assert_eq!((last.start.map(|s| s.as_secs()), last.duration.map(|d| d.as_secs())), (Some(begin / 1000), Some(45)));
    assert!(told.periods.iter().rev().skip(1).all(|period| period.duration.is_none()));
    // Now it is known to have been shorter.
    let later = mpd(begin + 33_000);
    let [.., before, last] = &later.periods[..] else { panic!("two periods") };
    assert_eq!((before.start.map(|s| s.as_secs()), before.duration), (Some(begin / 1000), None));
    assert_eq!(last.start.map(|s| s.as_secs()), Some(begin / 1000 + 30));
}

#[test]
fn clocks_that_nobody_can_ask_are_named_and_not_served() {
    let document =
        dash_mpd_core::parse(&text(&at("/dash/utc_ntp-sntp-httpntp-iso/demo/time.mpd", NOW))).expect("an MPD");
    let schemes: Vec<&str> = document.UTCTiming.iter().map(|utc| utc.schemeIdUri.as_str()).collect();
    let expected = ["ntp", "sntp", "http-ntp", "http-iso"].map(|name| format!("urn:mpeg:dash:utc:{name}:2014"));
    assert_eq!(schemes, expected);
    assert_eq!(get("/time.ntp").status, 404);
}
