#![no_main]
//! MPDs of any bytes: parsing, refreshing, patching, splicing.

use libfuzzer_sys::fuzz_target;
use telecine_manifest::dash;
use telecine_model::availability::{presentation_delay, Availability};
use telecine_model::clock::utc_sources;
use telecine_model::{Limits, Presentation, Timestamp, WallTime};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let context = dash::Context { uri: "https://a.example/p/q.mpd?x=1", limits: &limits };
    let split = data.iter().position(|b| *b == 0).unwrap_or(data.len());
    let (first, second) = (&data[..split], data.get(split + 1..).unwrap_or(&[]));
    if let Ok(mpd) = dash::parse(first, &context) {
        let answers: Vec<_> = mpd.remote.iter().cloned().map(|element| (element, Some(second.to_vec()))).collect();
        let _ = dash::splice(first, &answers);
        let mut old = mpd.presentation;
        for rendition in old.periods.iter().flat_map(|p| &p.tracks).flat_map(|t| &t.renditions) {
            if let Some(index) = rendition.segments.known() {
                for span in index.table.iter().take(100) {
                    let _ = index.get(span.number);
                }
            }
        }
        availability(&old);
        if let Ok(newer) = dash::parse(second, &context) {
            let _ = dash::refresh(&mut old, newer.presentation);
            availability(&old);
        }
    }
    let _ = dash::apply_patch(first, second, &limits);
    let _ = dash::MpdValidity::read(dash::VALIDITY_SCHEME, "3", data, &limits);
});

/// What follows from an MPD for its segments at some moments.
fn availability(presentation: &Presentation) {
    let Some(timing) = &presentation.dash else { return };
    let _ = utc_sources(&timing.utc_timings, &presentation.uri);
    for now in [0, 1_700_000_000_000_000, i64::MAX].map(WallTime::from_micros) {
        let Some(availability) = Availability::new(timing, now) else { return };
        let delay = presentation_delay(presentation, None).delay;
        let _ = availability.window(presentation, now, delay);
        let _ = availability.timeline_sample(presentation, [Timestamp::ZERO; 2]);
        let renditions = presentation.periods.iter().flat_map(|p| &p.tracks).flat_map(|t| &t.renditions);
        for index in renditions.filter_map(|rendition| rendition.segments.known()) {
            for number in [availability.first(index, now), availability.last(index, now)].into_iter().flatten() {
                assert!(availability.of(index, number).is_some());
            }
        }
    }
}
