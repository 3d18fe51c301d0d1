#![no_main]
//! Container bytes in any split; from their middle; and as a whole file.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::{read_file, ChunkFinder, IsoReader, Unit};
use telecine_model::{Limits, MediaTime};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    // The last byte says how large the pieces are, so that real files are good seeds.
    let Some((step, data)) = data.split_last() else { return };
    let mut reader = IsoReader::new(&limits);
    let mut init = None;
    for chunk in data.chunks(usize::from(*step).max(1)) {
        reader.push(Bytes::copy_from_slice(chunk));
        while let Ok(Some(unit)) = reader.poll() {
            match unit {
                Unit::Fragment(fragment) => {
                    for sample in fragment.tracks.iter().flat_map(|t| &t.samples).take(100) {
                        let _ = fragment.sample(sample);
                    }
                }
                Unit::Init(read) => init = Some(read),
                _ => {}
            }
        }
    }
    let _ = reader.finish();
    if let Some(init) = init {
        let mut finder = ChunkFinder::new(&limits, init, 0, u64::MAX, MediaTime::MIN..MediaTime::MAX);
        let found = data.chunks(usize::from(*step).max(1)).any(|chunk| !matches!(finder.push(chunk), Ok(None)));
        let _ = found || finder.finish().is_ok();
    }
    let _ = read_file(Bytes::copy_from_slice(data), None, &limits);
});
