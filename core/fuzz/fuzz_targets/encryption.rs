#![no_main]
//! Protected media in any split: how its samples are encrypted, and clear output.

use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_container::{InitSegment, IsoReader, Unit};
use telecine_drm::{decrypt_sample, CipherBackend, ContentKey, SoftwareAes};
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    // The last byte says how large the pieces are, so that real files are good seeds.
    let Some((step, data)) = data.split_last() else { return };
    // One key for every id: whatever is announced is decrypted.
    let cipher = SoftwareAes.open(&ContentKey::new([0x5a; 16])).expect("a key");
    let mut reader = IsoReader::new(&Limits::default());
    let mut init: Option<Arc<InitSegment>> = None;
    let pieces = data.chunks(if *step == 0 { data.len().max(1) } else { usize::from(*step) * 16 });
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(unit)) = reader.poll() {
            match (unit, &init) {
                (Unit::Init(found), _) => {
                    assert_eq!(found.cleared().data.len(), found.data.len());
                    init = Some(found);
                }
                (Unit::Fragment(mut fragment), Some(init)) => {
                    let Ok(encryption) = fragment.encryption(init) else { continue };
                    let before: Vec<Bytes> = fragment.data.clone();
                    let mut protected = 0;
                    let copied = fragment
                        .decrypt_with(&encryption, |how, sample| {
                            protected += sample.len();
                            decrypt_sample(&*cipher, how, sample)
                        })
                        .expect("everything was checked before");
                    let sizes = |data: &[Bytes]| data.iter().map(Bytes::len).sum::<usize>();
                    assert_eq!(sizes(&fragment.data), sizes(&before));
                    assert!(protected <= sizes(&before));
                    // Somebody else holds the bytes: they stay as they are, and clear ones are not copied.
                    assert_eq!(copied == 0, encryption.is_clear() || before.is_empty());
                    assert!(fragment.encryption(&init.cleared()).is_ok_and(|encryption| encryption.is_clear()));
                    for sample in fragment.tracks.iter().flat_map(|track| &track.samples).take(100) {
                        assert!(fragment.sample(sample).is_some());
                    }
                }
                _ => {}
            }
        }
    }
});
