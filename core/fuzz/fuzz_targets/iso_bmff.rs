#![no_main]
//! Container bytes in any split; and as a whole file.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::{read_file, IsoReader, Unit};
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    // The last byte says how large the pieces are, so that real files are good seeds.
    let Some((step, data)) = data.split_last() else { return };
    let mut reader = IsoReader::new(&limits);
    for chunk in data.chunks(usize::from(*step).max(1)) {
        reader.push(Bytes::copy_from_slice(chunk));
        while let Ok(Some(unit)) = reader.poll() {
            if let Unit::Fragment(fragment) = unit {
                for sample in fragment.tracks.iter().flat_map(|t| &t.samples).take(100) {
                    let _ = fragment.sample(sample);
                }
            }
        }
    }
    let _ = reader.finish();
    let _ = read_file(Bytes::copy_from_slice(data), None, &limits);
});
