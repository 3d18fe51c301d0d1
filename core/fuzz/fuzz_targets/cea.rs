#![no_main]
//! Captions of any bytes: pictures with triplets at any times, and samples with SEI messages.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::text::cea::{sei, CaptionDecoder};
use telecine_container::DecoderConfig;
use telecine_model::{CueStore, Limits, MediaTime};

fuzz_target!(|data: &[u8]| {
    let mut decoder = CaptionDecoder::new(&Limits::default());
    let mut store = CueStore::new(&Limits::default());
    let mut changes = Vec::new();
    // Pictures: how far they are from the one before, how many bytes they carry, and those.
    let (mut rest, mut pts) = (data, 0_i64);
    while let [distance, count, behind @ ..] = rest {
        let (triplets, behind) = behind.split_at(behind.len().min(usize::from(count & 0x7f)));
        rest = behind;
        pts += i64::from(*distance as i8) * 10;
        decoder.push(MediaTime::from_millis(pts), triplets);
        if count & 0x80 != 0 {
            decoder.flush();
            let open: Vec<_> = decoder.open().into_iter().map(|(_, cue)| cue).collect();
            while let Some((_, cue)) = decoder.poll() {
                assert!(cue.start < cue.end);
                store.insert(cue, &mut changes);
            }
            store.set_open(open, &mut changes);
        }
    }
    decoder.finish(MediaTime::from_millis(pts));
    while let Some((_, cue)) = decoder.poll() {
        assert!(cue.start < cue.end && !cue.is_open());
        let _ = cue.runs();
    }
    assert!(decoder.open().is_empty());
    for nal_length_size in [1, 4] {
        let configs = [
            DecoderConfig::Avc { record: Bytes::new(), nal_length_size },
            DecoderConfig::Hevc { record: Bytes::new(), nal_length_size },
        ];
        for config in configs {
            sei::cc_data(&config, data, |triplets| decoder.push(MediaTime::ZERO, triplets));
        }
    }
});
