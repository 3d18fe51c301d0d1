#![no_main]
//! MPDs of any bytes: parsing, refreshing, patching, splicing.

use libfuzzer_sys::fuzz_target;
use telecine_manifest::dash;
use telecine_model::Limits;

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
        if let Ok(newer) = dash::parse(second, &context) {
            let _ = dash::refresh(&mut old, newer.presentation);
        }
    }
    let _ = dash::apply_patch(first, second, &limits);
});
