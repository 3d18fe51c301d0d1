#![no_main]
//! TTML of any bytes, as a file and as a sample.

use libfuzzer_sys::fuzz_target;
use telecine_container::text::ttml;
use telecine_model::{CueStore, Limits, MediaTime};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Ok(text) = ttml::parse(data, &limits) {
        let mut store = CueStore::new(&limits);
        let mut changes = Vec::new();
        let due = MediaTime::from_secs(1)..MediaTime::from_secs(3);
        for cue in text.clone().into_sample_cues(due.clone(), due.start).into_iter().take(1000) {
            assert!(cue.start >= due.start + due.start && cue.end <= due.end + due.start && cue.start < cue.end);
            store.insert(cue, &mut changes);
        }
        for cue in text.into_cues(due.start).into_iter().take(1000) {
            assert!(cue.start < cue.end);
            let _ = cue.runs();
            store.insert(cue, &mut changes);
        }
    }
});
