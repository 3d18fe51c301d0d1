#![no_main]
//! Transport streams in any split, clear and protected, segment by segment.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::{AudioSelection, SampleAes, StreamOptions, StreamReader, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    // The last two bytes say how it is read, so that real files are good seeds.
    let Some((rest, [how, step])) = data.split_last_chunk::<2>() else { return };
    let mut options = StreamOptions::default();
    if how & 1 != 0 {
        options.audio = AudioSelection::All;
    }
    let mut reader = StreamReader::new(&options, &Limits::default());
    if how & 2 != 0 {
        reader.set_protection(Some(SampleAes { key_id: KeyId([1; 16]), iv: [2; 16] }));
    }
    let segments = usize::from(how >> 2 & 3) + 1;
    for segment in rest.chunks((rest.len() / segments).max(1)) {
        for chunk in segment.chunks((usize::from(*step) * 8).max(1)) {
            reader.push(Bytes::copy_from_slice(chunk));
            drain(&mut reader);
        }
        if how & 16 == 0 && reader.finish().is_err() {
            return;
        }
        drain(&mut reader);
        reader.next_segment(how & 32 != 0);
    }
});

fn drain(reader: &mut StreamReader) {
    while let Ok(Some(unit)) = reader.poll() {
        if let StreamUnit::Fragment(fragment) = unit {
            for sample in fragment.tracks.iter().flat_map(|part| &part.samples).take(100) {
                assert!(fragment.sample(sample).is_some());
            }
        }
    }
}
