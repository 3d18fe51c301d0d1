#![no_main]
//! WebVTT of any bytes: as a file, as a segment of HLS, and as header and samples of MP4; then through a
//! store.

use libfuzzer_sys::fuzz_target;
use telecine_container::text::webvtt::{self, CueClock};
use telecine_container::text::wvtt::WebVttTrack;
use telecine_model::{CueStore, Limits, MediaTime};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let mut store = CueStore::new(&limits);
    let mut changes = Vec::new();
    let second = MediaTime::from_secs(1);
    for clock in [CueClock::At(second), CueClock::Media { offset: MediaTime::ZERO - second, near: second }] {
        if let Ok(text) = webvtt::parse(data, &limits) {
            for cue in text.into_cues(clock).into_iter().take(1000) {
                let _ = cue.runs();
                store.insert(cue, &mut changes);
            }
        }
    }
    // A header and two samples, apart by bytes that no UTF-8 has.
    let mut parts = data.split(|byte| *byte == 0xff);
    if let Ok(track) = WebVttTrack::new(parts.next().unwrap_or_default(), &limits) {
        for (at, sample) in parts.take(2).enumerate() {
            let from = MediaTime::from_secs(at as i64);
            for cue in track.sample(sample, from..from + second).unwrap_or_default().into_iter().take(1000) {
                store.insert(cue, &mut changes);
            }
        }
    }
    let mut at = MediaTime::MIN;
    for _ in 0..100 {
        let _ = store.active(at);
        let Some(next) = store.next_change(at) else { break };
        assert!(next > at);
        at = next;
    }
    store.remove(MediaTime::ZERO..second, &mut changes);
});
