#![no_main]
//! Packed audio with its tags in any split; what containers are found; ID3 tags.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::{sniff, Id3Tag, SampleAes, StreamOptions, StreamReader, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    let Some((rest, [how, step])) = data.split_last_chunk::<2>() else { return };
    let _ = sniff(rest, how & 1 != 0);
    let _ = Id3Tag::parse(&Bytes::copy_from_slice(rest));
    let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
    if how & 2 != 0 {
        reader.set_protection(Some(SampleAes { key_id: KeyId([1; 16]), iv: [2; 16] }));
    }
    let segments = usize::from(how >> 2 & 3) + 1;
    for segment in rest.chunks((rest.len() / segments).max(1)) {
        for chunk in segment.chunks(usize::from(*step).max(1)) {
            reader.push(Bytes::copy_from_slice(chunk));
            while let Ok(Some(unit)) = reader.poll() {
                if let StreamUnit::Fragment(fragment) = unit {
                    for sample in fragment.tracks.iter().flat_map(|part| &part.samples) {
                        assert!(fragment.sample(sample).is_some());
                    }
                }
            }
        }
        if reader.finish().is_err() {
            return;
        }
        reader.next_segment(how & 16 != 0);
    }
});
