//! DASH titles that go on: newer versions of the MPD, whole and as patches.

use std::time::Duration;

use telecine_engine::{Command, Config, State};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Fetched, Outcome, Response};

use super::{asked, between, is_mpd, is_segment, loads, produced, NUMBER, TIME, TIMELINE_NUMBER};
use crate::common::{at, errors, secs, states};
use crate::origin::{with_text, Origin};
use crate::watch::{every_sample_once, run, stalls};

#[test]
fn d042_hours_of_refreshes_do_not_grow_what_is_known_of_the_title() {
    let mut session = Origin::new().play("/dash/live_600/utc_direct/demo/time.mpd");
    let mut sizes = Vec::new();
    for half_hour in 1..=6 {
        session.run(Some(at(half_hour * 1_800_000)));
        let presentation = session.engine().presentation().expect("loaded");
        let renditions =
            presentation.periods.iter().flat_map(|period| &period.tracks).flat_map(|track| &track.renditions);
        let sum: usize = renditions.filter_map(|r| r.segments.known()).map(|index| index.heap_bytes()).sum();
        sizes.push((presentation.periods.len(), presentation.warnings.len(), sum));
    }
    assert!(sizes.iter().all(|size| size.2 <= sizes[0].2 + 1000), "{sizes:?}");
    assert!(sizes.iter().all(|size| (size.0, size.1) == (1, 0)), "{sizes:?}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
}

#[test]
fn d038_d041_the_mpd_is_fetched_when_its_update_period_is_over_and_not_more_often_than_segments_come() {
    let loads = |path: &str| {
        let origin = Origin::new();
        let log = origin.log.clone();
        let _session = run(origin.play(path), 120);
        let loaded = loads(&log.borrow());
        loaded
    };
    // Nothing is to be updated: once.
    assert_eq!(loads(NUMBER).len(), 1, "D040");
    let regular = loads("/dash/live_60/utc_direct/mup_5/demo/number.mpd");
    let gaps: Vec<u128> = regular.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_millis()).collect();
    assert!(gaps.iter().all(|gap| (5000..=5600).contains(gap)), "{gaps:?}");
    // Two seconds each: as often as segments come.
    let listed = loads(TIME);
    assert!((55..=75).contains(&listed.len()), "{}", listed.len());
    // D039: on demand, which is as often as segments come too.
    let demanded = loads("/dash/live_60/utc_direct/mup_0/demo/time.mpd");
    assert!((50..=75).contains(&demanded.len()), "{}", demanded.len());
}

#[test]
fn d049_an_older_version_of_the_mpd_is_ignored() {
    let mut older: Vec<Response> = Vec::new();
    let origin = Origin::new().editing(move |_, path, response| {
        if !is_mpd(path) {
            return response.into();
        }
        older.push(response.clone());
        match older.len().is_multiple_of(5) {
            true => older[older.len() - 4].clone().into(),
            false => response.into(),
        }
    });
    let session = run(origin.play(TIME), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d041_an_outage_of_the_mpd_shorter_than_what_is_buffered_is_not_seen() {
    let origin =
        Origin::new().editing(|now, path, response| match is_mpd(path) && (at(20_000)..at(23_000)).contains(&now) {
            true => Response::new(503, "https://origin.example/", "").into(),
            false => response.into(),
        });
    let session = run(origin.play(TIME), 60);
    assert_eq!(stalls(&session), 0, "{:?}", errors(&session));
    assert!(errors(&session).len() < 6, "{:?}", errors(&session));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d050_the_mpd_is_fetched_from_where_it_says_and_elsewhere_if_that_fails() {
    let locate = "<Location>https://one.example/dash/live_60/utc_direct/demo/time.mpd</Location>\
                  <Location>https://two.example/dash/live_60/utc_direct/demo/time.mpd</Location>";
    let origin = Origin::new().editing(move |now, path, response| {
        if !is_mpd(path) {
            return response.into();
        }
        if response.url.contains("one.example") && now > at(20_000) {
            return Response::new(503, "https://one.example/", "").into();
        }
        with_text(response, |text| text.replacen("<Period", &format!("{locate}<Period"), 1))
    });
    let log = origin.urls.clone();
    let session = run(origin.play(TIME), 60);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    let hosts: Vec<(Timestamp, String)> =
        log.borrow().iter().filter(|(_, url)| url.ends_with(".mpd")).map(|(at, url)| (*at, url.clone())).collect();
    assert!(hosts[0].1.contains("origin.example") && hosts[1].1.contains("one.example"), "{hosts:?}");
    let late: Vec<&String> = hosts.iter().filter(|(when, _)| *when > at(22_000)).map(|(_, url)| url).collect();
    assert!(late.len() > 10 && late.iter().all(|url| url.contains("two.example")), "{late:?}");
}

#[test]
fn whatever_newer_versions_say_nothing_panics_and_what_can_be_played_is() {
    for seed in 1..=40 {
        let mut rng = telecine_model::Rng::new(seed);
        let mut loads = 0;
        let origin = Origin::new().editing(move |_, path, response| {
            if !is_mpd(path) {
                return response.into();
            }
            loads += 1;
            let mut body = response.body.to_vec();
            if loads == 1 || rng.below(3) > 0 {
                return response.into();
            }
            match rng.below(4) {
                0 => body.truncate(rng.below(body.len() as u64) as usize),
                1 => {
                    for _ in 0..1 + rng.below(20) {
                        let place = rng.below(body.len() as u64) as usize;
                        body[place] = b"0123456789\"<>/ PTSZ"[rng.below(19) as usize];
                    }
                }
                2 => {
                    // Numbers become others.
                    for byte in body.iter_mut().filter(|byte| byte.is_ascii_digit()) {
                        if rng.below(40) == 0 {
                            *byte = b'0' + rng.below(10) as u8;
                        }
                    }
                }
                _ => {
                    let (from, to) = (rng.below(body.len() as u64) as usize, rng.below(body.len() as u64) as usize);
                    body.drain(from.min(to)..from.max(to));
                }
            }
            Response::new(200, response.url, body).into()
        });
        let path = [TIME, TIMELINE_NUMBER, "/dash/live_60/utc_direct/mup_1/demo/number.mpd"][(seed % 3) as usize];
        let mut session = origin.play(path);
        let outcome = session.run(Some(at(120_000)));
        assert!(!matches!(outcome, Outcome::StepLimit), "seed {seed}");
    }
}

/// One version of a live MPD as a patch of another: publish time, and all of the timelines.
fn patch(before: &str, after: &str) -> String {
    let publish = |text: &str| between(text, "publishTime=\"", "\"");
    let mut operations = format!("<replace sel=\"/MPD/@publishTime\">{}</replace>", publish(after));
    for (nth, timeline) in after.split("<SegmentTimeline>").skip(1).enumerate() {
        let inner = timeline.split("</SegmentTimeline>").next().expect("its end");
        let place = format!("/MPD/Period[1]/AdaptationSet[{}]/SegmentTemplate[1]/SegmentTimeline[1]", nth + 1);
        operations += &format!("<replace sel=\"{place}\"><SegmentTimeline>{inner}</SegmentTimeline></replace>");
    }
    format!(
        "<Patch xmlns=\"urn:mpeg:dash:schema:mpd-patch:2020\" mpdId=\"m\" originalPublishTime=\"{}\" publishTime=\"{}\">{operations}</Patch>",
        publish(before),
        publish(after)
    )
}

/// An origin whose MPD can be patched, `spoil`ing patches by their number.
fn patching(spoil: impl Fn(usize, String) -> Fetched + 'static) -> Origin {
    let mut known = String::new();
    let mut patches = 0;
    Origin::new().redirecting(|_, path| path.ends_with("/patch.mpp").then(|| TIME.to_owned())).editing(
        move |_, path, response| {
            if !is_mpd(path) && !path.ends_with("patch.mpp") {
                return response.into();
            }
            let url = response.url.clone();
            let text = String::from_utf8(response.body.to_vec()).expect("text");
            let text = text.replacen("<MPD ", "<MPD id=\"m\" ", 1);
            let text = text.replacen("<Period", "<PatchLocation ttl=\"30\">patch.mpp</PatchLocation><Period", 1);
            let before = std::mem::replace(&mut known, text.clone());
            if is_mpd(path) {
                return Response::new(200, url, text).into();
            }
            patches += 1;
            spoil(patches, patch(&before, &text))
        },
    )
}

fn xml(text: String) -> Fetched {
    Response::new(200, "https://origin.example/patch.mpp", text).into()
}

#[test]
fn d051_patches_take_the_place_of_the_mpd() {
    let origin = patching(|_, text| xml(text));
    let log = origin.log.clone();
    let session = run(origin.play(TIME), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
    let patches = asked(&log.borrow(), |path| path.ends_with(".mpp")).len();
    assert_eq!(loads(&log.borrow()).len(), 1, "the first one only");
    assert!((50..=75).contains(&patches), "{patches}");
}

#[test]
fn d052_d053_d054_a_patch_that_fails_is_followed_by_the_mpd_at_once() {
    let origin = patching(|nth, text| match nth % 5 {
        // Of another MPD; of another version; not there; not to be applied; no patch.
        0 => xml(text.replace("mpdId=\"m\"", "mpdId=\"n\"")),
        1 => xml(text.replace("originalPublishTime=\"2", "originalPublishTime=\"1")),
        2 => Response::new(425, "https://origin.example/patch.mpp", "").into(),
        3 => xml(text.replace("/Period[1]/", "/Period[7]/")),
        _ => xml("<html/>".to_owned()),
    });
    let log = origin.log.clone();
    let session = run(origin.play(TIME), 120);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    let loads = asked(&log.borrow(), |path| is_mpd(path) || path.ends_with(".mpp"));
    let patches: Vec<usize> = (0..loads.len()).filter(|nth| loads[*nth].path.ends_with(".mpp")).collect();
    assert!(patches.len() > 40, "{}", patches.len());
    for nth in &patches[..patches.len() - 1] {
        let (patch, next) = (&loads[*nth], &loads[nth + 1]);
        assert!(is_mpd(&next.path) && next.at.since(patch.at) < Duration::from_millis(200), "{patch:?} {next:?}");
    }
    assert_eq!(errors(&session).len(), patches.len(), "each was told");
}

#[test]
fn d051_an_mpd_in_place_of_a_patch_is_taken_as_one() {
    let origin = Origin::new().redirecting(|_, path| path.ends_with("/patch.mpp").then(|| TIME.to_owned())).editing(
        move |_, path, response| {
            if !is_mpd(path) && !path.ends_with("patch.mpp") {
                return response.into();
            }
            with_text(response, |text| {
                let text = text.replacen("<MPD ", "<MPD id=\"m\" ", 1);
                text.replacen("<Period", "<PatchLocation>patch.mpp</PatchLocation><Period", 1)
            })
        },
    );
    let session = run(origin.play(TIME), 60);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d056_media_that_says_that_the_mpd_has_expired_lets_it_be_fetched() {
    let expired = at(30_000);
    let origin = Origin::new().editing(move |now, path, response| {
        if is_mpd(path) {
            return with_text(response, |text| {
                let announced =
                    "<InbandEventStream schemeIdUri=\"urn:mpeg:dash:event:2012\" value=\"1\"/><SegmentTemplate";
                text.replace("<SegmentTemplate", announced)
            });
        }
        if !is_segment(path) || now < expired || !path.contains("/v") {
            return response.into();
        }
        let mut response = response;
        let mut body = emsg("urn:mpeg:dash:event:2012", "1", b"2026-11-27T11:55:20Z");
        body.extend_from_slice(&response.body);
        response.content_length = Some(body.len() as u64);
        response.body = body.into();
        response.into()
    });
    let log = origin.log.clone();
    let mut config = Config::default();
    config.record = true;
    // Without an update period nothing else would be a reason.
    let mut session = origin.play_with(config, NUMBER);
    session.run(Some(at(60_000)));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    let loads = loads(&log.borrow());
    assert_eq!(loads.len(), 2, "once, since the newer one is not concerned: {loads:?}");
    assert!(loads[1].at >= expired && loads[1].at < expired + Duration::from_secs(4), "{loads:?}");
    let replay = telecine_engine::replay(&session.take_recording()).expect("a recording");
    assert!(replay.equal, "differs by input {:?} of {}", replay.differs_by_input, replay.inputs);
}

/// An event message box of version 0.
fn emsg(scheme: &str, value: &str, message: &[u8]) -> Vec<u8> {
    let mut inner = vec![0; 4];
    for text in [scheme, value] {
        inner.extend_from_slice(text.as_bytes());
        inner.push(0);
    }
    for number in [1000_u32, 0, 0, 7] {
        inner.extend_from_slice(&number.to_be_bytes());
    }
    inner.extend_from_slice(message);
    let mut out = (inner.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(b"emsg");
    out.extend_from_slice(&inner);
    out
}

/// From the twentieth second on the MPD counts from the beginning of the year, as an origin does that was set up anew.
fn counted_anew(mark: &'static str) -> Origin {
    const NEW_YEAR: u64 = 1_767_225_600;
    Origin::new().editing(move |now, path, response| {
        if !is_mpd(path) || now < at(20_000) {
            return response.into();
        }
        with_text(response, |text| {
            let start = "availabilityStartTime=\"1970-01-01T00:00:00.000Z\"";
            assert!(text.contains(start), "{text}");
            let mut out = text.replace(start, "availabilityStartTime=\"2026-01-01T00:00:00Z\"");
            // Media times are counted as before.
            let sets: Vec<String> = out.split("<SegmentTemplate ").map(str::to_owned).collect();
            out = sets[0].clone();
            for set in &sets[1..] {
                let timescale: u64 = between(set, "timescale=\"", "\"").parse().expect("a number");
                assert!(!set.contains("presentationTimeOffset="), "{set}");
                out += &format!("<SegmentTemplate presentationTimeOffset=\"{}\" {set}", NEW_YEAR * timescale);
            }
            out.replacen("<Period", &format!("{mark}<Period"), 1)
        })
    })
}

#[test]
fn d078_a_presentation_that_begins_anew_goes_on_at_the_same_time_of_the_world() {
    let reset = "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:reset:2016\" value=\"\"/>";
    // With the mark of a reset, and (D042) without.
    for (mark, codes) in [(reset, vec![]), ("", vec![ErrorCode::ManifestRewound])] {
        // Thirty seconds behind the edge, which nothing but the world's time tells.
        let target = produced(at(10_000)) - secs(30);
        let mut session = counted_anew(mark).play(TIME).at(at(10_000), Command::Seek(target));
        session.run(Some(at(19_000)));
        let before = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(before > secs(29) && before < secs(32), "{before}");
        session.run(Some(at(60_000)));
        let found: Vec<ErrorCode> = errors(&session).iter().map(Error::code).collect();
        assert_eq!(found, codes);
        assert_eq!(states(&session).last(), Some(&State::Playing), "{:?}", states(&session));
        let position = session.engine().snapshot(session.now()).position;
        let behind = produced(session.now()) - MediaTime::from_secs(1_767_225_600) - position;
        assert!(behind.abs_diff(before) < MediaTime::from_millis(300), "{behind}, and {before} before");
    }
}

#[test]
fn a_recording_of_a_live_title_replays_to_the_same_actions() {
    let config = || {
        let mut config = Config::default();
        config.record = true;
        config
    };
    let sessions = [
        (Origin::new(), TIME),
        (Origin::new(), "/dash/live_60/utc_iso/demo/number.mpd"),
        (Origin::new(), "/dash/live_60/periods_60/patch_60/demo/time.mpd"),
        (patching(|nth, text| if nth % 3 == 0 { xml("<html/>".to_owned()) } else { xml(text) }), TIME),
    ];
    for (origin, path) in sessions {
        let mut session = run(origin.play_with(config(), path), 60);
        let recording = session.take_recording();
        let replay = telecine_engine::replay(&recording).expect("a recording");
        assert!(replay.equal, "{path}: differs by input {:?} of {}", replay.differs_by_input, replay.inputs);
    }
}
