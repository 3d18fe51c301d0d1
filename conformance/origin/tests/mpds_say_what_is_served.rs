//! MPDs, read back by dash-mpd-core, expanded by the rules of ISO/IEC 23009-1, and checked against what is behind them.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use dash_mpd_core::{AdaptationSet, Period, Representation, SegmentTemplate, SegmentTimeline, MPD};
use support::segment::{decode_time, indexed, top_boxes};
use support::{bytes, get, text};

fn mpd(path: &str) -> MPD {
    dash_mpd_core::parse(&text(path)).expect("an MPD")
}

fn beside(manifest: &str, uri: &str) -> String {
    format!("{}/{uri}", manifest.rsplit_once('/').expect("a path").0)
}

/// Start and duration of each segment that a timeline declares.
fn expand(timeline: &SegmentTimeline) -> Vec<(u64, u64)> {
    let mut at = 0;
    let mut segments = Vec::new();
    for s in &timeline.segments {
        at = s.t.unwrap_or(at);
        for _ in 0..=s.r.unwrap_or(0) {
            segments.push((at, s.d));
            at += s.d;
        }
    }
    segments
}

/// Seconds and microseconds as the MPD states them, in ticks.
fn ticks(duration: Duration, timescale: u64) -> u64 {
    (duration.as_micros() * u128::from(timescale) / 1_000_000) as u64
}

/// Representations of pictures and sound, each with its set.
fn media(period: &Period) -> Vec<(&AdaptationSet, &Representation)> {
    let sets = period.adaptations.iter().filter(|set| matches!(set.contentType.as_deref(), Some("video" | "audio")));
    sets.flat_map(|set| set.representations.iter().map(move |r| (set, r))).collect()
}

/// URL and declared start (media time) of the segments of a templated representation.
fn templated(period: &Period, template: &SegmentTemplate, id: &str) -> Vec<(String, u64)> {
    let pattern = template.media.as_deref().expect("@media").replace("$RepresentationID$", id);
    let first = template.startNumber.unwrap_or(1);
    let offset = template.presentationTimeOffset.unwrap_or(0);
    let times: Vec<_> = match (&template.SegmentTimeline, template.duration) {
        (Some(timeline), None) => expand(timeline).into_iter().map(|(time, _)| time).collect(),
        (None, Some(duration)) => {
            let length = ticks(period.duration.expect("@duration"), template.timescale.unwrap_or(1));
            (0..length.div_ceil(duration as u64)).map(|n| offset + n * duration as u64).collect()
        }
        both => panic!("{both:?}"),
    };
    let url = |(n, time): (usize, u64)| {
        let number = (first + n as u64).to_string();
        (pattern.replace("$Number$", &number).replace("$Time$", &time.to_string()), time)
    };
    times.into_iter().enumerate().map(url).collect()
}

/// Every segment of every representation is there, at the media time that the MPD declares, and 30 of them are a minute.
fn a_minute_is_served(path: &str, exact: bool) {
    let mpd = mpd(path);
    assert_eq!(mpd.mediaPresentationDuration, Some(Duration::from_secs(60)));
    let mut times = std::collections::BTreeMap::<String, Vec<u64>>::new();
    for period in &mpd.periods {
        for (set, representation) in media(period) {
            let id = representation.id.clone().expect("@id");
            let template = set.SegmentTemplate.as_ref().expect("a template");
            let init = template.initialization.as_deref().expect("@initialization").replace("$RepresentationID$", &id);
            assert_eq!(top_boxes(&bytes(&beside(path, &init)))[1].0, "moov");
            let timescale = template.timescale.expect("@timescale");
            for (url, declared) in templated(period, template, &id) {
                let actual = decode_time(&bytes(&beside(path, &url)));
                let tolerance = if exact { 0 } else { timescale / 2 };
                assert!(actual.abs_diff(declared) <= tolerance, "{url}: {actual} declared {declared}");
                times.entry(id.clone()).or_default().push(actual);
            }
        }
    }
    assert_eq!(times.len(), 6);
    for (id, times) in times {
        assert_eq!(times.len(), 30, "{id}");
        assert!(times.windows(2).all(|w| w[0] < w[1]), "{id}: no segment twice");
    }
}

#[test]
fn numbers_with_a_duration_are_near_their_nominal_times() {
    a_minute_is_served("/dash/dur_60/demo/number.mpd", false);
    a_minute_is_served("/dash/dur_60/snr_9/periods_4/demo/number.mpd", false);
}

#[test]
fn timelines_are_exact() {
    for options in ["", "/pto_900001", "/periods_4", "/periods_7/pto_12345678", "/snr_5/bases_2"] {
        a_minute_is_served(&format!("/dash/dur_60{options}/demo/time.mpd"), true);
        a_minute_is_served(&format!("/dash/dur_60{options}/demo/timeline-number.mpd"), true);
    }
}

#[test]
fn a_timeline_is_written_in_runs() {
    let mpd = mpd("/dash/dur_3600/demo/time.mpd");
    let (video, _) = media(&mpd.periods[0])[0];
    let timeline = video.SegmentTemplate.as_ref().and_then(|t| t.SegmentTimeline.as_ref()).expect("a timeline");
    let runs: Vec<_> = timeline.segments.iter().map(|s| (s.t, s.d, s.r)).collect();
    assert_eq!(runs, [(Some(0), 180_000, Some(1799))]);
}

#[test]
fn a_list_names_every_segment() {
    for path in ["/dash/dur_60/demo/list.mpd", "/dash/dur_60/periods_3/demo/list.mpd"] {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for period in &mpd(path).periods {
            for (set, representation) in media(period) {
                let list = representation.SegmentList.as_ref().expect("a list");
                let timeline = list.SegmentTimeline.as_ref().map(expand);
                assert_eq!(timeline.is_none(), set.contentType.as_deref() == Some("video"), "sound needs a timeline");
                let id = representation.id.clone().expect("@id");
                for (n, url) in list.segment_urls.iter().enumerate() {
                    let time = decode_time(&bytes(&beside(path, url.media.as_deref().expect("@media"))));
                    match &timeline {
                        Some(times) => assert_eq!(time, times[n].0),
                        None => assert_eq!(time, ticks(period.start.expect("@start"), 90_000) + n as u64 * 180_000),
                    }
                    *counts.entry(id.clone()).or_default() += 1;
                }
            }
        }
        assert!(counts.len() == 6 && counts.values().all(|count| *count == 30), "{path}: {counts:?}");
    }
}

#[test]
fn an_index_leads_to_every_fragment() {
    for options in ["", "/sidx_2", "/periods_3", "/sidx_2/periods_3/pto_90000"] {
        let path = format!("/dash/dur_60{options}/demo/ondemand.mpd");
        let mut found = std::collections::BTreeMap::<String, Vec<(u64, u64)>>::new();
        for period in &mpd(&path).periods {
            for (_, representation) in media(period) {
                let base = representation.SegmentBase.as_ref().expect("a segment base");
                let file = bytes(&beside(&path, &representation.BaseURL[0].base));
                let range = |text: &str| {
                    let (from, to) = text.split_once('-').expect("a range");
                    from.parse().expect("a number")..to.parse::<usize>().expect("a number") + 1
                };
                let init = base.Initialization.as_ref().and_then(|i| i.range.as_deref()).map(range).expect("@range");
                assert_eq!(
                    top_boxes(&file[init]).iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>(),
                    ["ftyp", "moov"]
                );
                let index = range(base.indexRange.as_deref().expect("@indexRange"));
                assert_eq!(top_boxes(&file[index.clone()]).len(), 1, "the range is the index, exactly");
                let subsegments = indexed(&file, index.start);
                assert_eq!(subsegments.last().map(|s| s.end), Some(file.len() as u64));
                for s in subsegments {
                    let fragment = &file[s.start as usize..s.end as usize];
                    assert_eq!(
                        top_boxes(fragment).iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>(),
                        ["moof", "mdat"]
                    );
                    assert_eq!(decode_time(fragment), s.time);
                    found.entry(representation.id.clone().expect("@id")).or_default().push((s.time, s.duration));
                }
            }
        }
        assert_eq!(found.len(), 6);
        for (id, segments) in found {
            assert_eq!(segments.len(), 30, "{options} {id}");
            assert!(segments.windows(2).all(|w| w[0].0 + w[0].1 == w[1].0), "{options} {id}: no gap");
        }
    }
}

#[test]
fn periods_follow_each_other_and_say_that_they_continue() {
    let mpd = mpd("/dash/dur_60/periods_7/demo/time.mpd");
    assert_eq!(mpd.periods.len(), 7);
    let mut end = Duration::ZERO;
    for (n, period) in mpd.periods.iter().enumerate() {
        assert_eq!((period.id.as_deref(), period.start), (Some(format!("P{n}").as_str()), Some(end)));
        end += period.duration.expect("@duration");
        for (set, _) in media(period) {
            let template = set.SegmentTemplate.as_ref().expect("a template");
            let offset = template.presentationTimeOffset.unwrap_or(0);
            assert_eq!(offset, ticks(period.start.expect("@start"), template.timescale.expect("@timescale")));
            let continuity = set.supplemental_property.iter().find(|p| p.schemeIdUri.contains("period-continuity"));
            let previous = n.checked_sub(1).map(|n| format!("P{n}"));
            assert_eq!(continuity.and_then(|p| p.value.clone()), previous);
        }
    }
    assert_eq!(end, Duration::from_secs(60));
}

#[test]
fn remote_periods_are_the_periods() {
    let inline = mpd("/dash/dur_60/periods_3/demo/time.mpd");
    let path = "/dash/dur_60/periods_3/xlink_1/demo/time.mpd";
    let linked = mpd(path);
    assert_eq!(linked.periods[0].adaptations.len(), inline.periods[0].adaptations.len(), "the first is here");
    for n in 1..3 {
        let period = &linked.periods[n];
        assert_eq!((period.actuate.as_deref(), period.adaptations.len()), (Some("onLoad"), 0));
        let remote = text(&beside(path, period.href.as_deref().expect("xlink:href")));
        // A period is no document for an MPD reader; within an MPD it is.
        let element = remote.split_once("?>").expect("a declaration").1;
        let wrapped = format!("<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\">{element}</MPD>");
        let read = dash_mpd_core::parse(&wrapped).expect("a period");
        assert_eq!(read.periods[0], inline.periods[n]);
    }
    assert_eq!(mpd("/dash/xlink_1/demo/time.mpd").periods[0].href.as_deref(), Some("time.period0.xml"));
}

#[test]
fn two_base_urls_are_two_service_locations() {
    let path = "/dash/bases_2/demo/number.mpd";
    let bases = mpd(path).base_url;
    let locations: Vec<_> = bases.iter().map(|b| (b.serviceLocation.as_deref(), b.base.as_str())).collect();
    assert_eq!(locations, [(Some("a"), "bu0/"), (Some("b"), "bu1/")]);
    for base in &bases {
        assert_eq!(get(&beside(path, &format!("{}v180/0.m4s", base.base))).status, 200);
    }
    assert_eq!(get("/dash/demo/bu0/v180/0.m4s").status, 404, "only where they were asked for");
}

#[test]
fn text_is_one_file_and_thumbnails_are_a_grid() {
    let path = "/dash/dur_60/demo/time.mpd";
    let mpd = mpd(path);
    let of = |kind: &str| -> Vec<_> {
        mpd.periods[0].adaptations.iter().filter(|s| s.contentType.as_deref() == Some(kind)).cloned().collect()
    };
    let texts = of("text");
    assert_eq!(texts.iter().map(|s| s.lang.as_deref()).collect::<Vec<_>>(), [Some("en"), Some("fr")]);
    let file = text(&beside(path, &texts[0].representations[0].BaseURL[0].base));
    assert!(file.starts_with("WEBVTT\n") && file.matches(" --> ").count() == 30);
    let images = of("image");
    let grid = &images[0].representations[0];
    assert_eq!((grid.width, grid.height), (Some(640), Some(270)));
    assert_eq!(grid.essential_property[0].value.as_deref(), Some("4x3"));
    let template = images[0].SegmentTemplate.as_ref().expect("a template");
    let urls = templated(&mpd.periods[0], template, "thumbs");
    // Each grid shows 24 s: the third begins at 48 s.
    assert_eq!(urls.iter().map(|(_, time)| *time).collect::<Vec<_>>(), [0, 24 * 90_000, 48 * 90_000]);
    for (url, _) in urls {
        let image = bytes(&beside(path, &url));
        assert_eq!(image[..3], [0xff, 0xd8, 0xff], "a JPEG");
    }
    assert_eq!(get(&beside(path, "thumbs/3.jpg")).status, 404);
}

#[test]
fn text_of_a_period_counts_from_its_start() {
    // The second of four periods starts at 14 s (segment 7 of 30): the cue of 15 s to 17 s is at 1 s.
    let vtt = text("/dash/dur_60/periods_4/demo/t-en.p1.vtt");
    assert!(vtt.contains("00:00:01.000 --> 00:00:03.000 line:80%\nColour bars"), "{vtt}");
}
