//! Segments that are encrypted whole, the initialisation section included (trap 20).

use crate::support::*;
use bytes::Bytes;
use telecine_drm::{SegmentDecryptor, SegmentKey, SoftwareAes};
use telecine_model::protection::KeyMethod;

const IV: [u8; 16] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

#[test]
fn aes_128_segments_and_their_init_become_the_clear_ones_in_any_split() {
    let key = SegmentKey::from_file(&KeyMethod::Aes128, b"0123456789abcdef").expect("a key");
    for step in [1, 15, 16, 1000, usize::MAX] {
        let mut clear: Vec<Bytes> = Vec::new();
        for part in ["0.mp4", "1.m4s", "2.m4s"] {
            let mut decryptor =
                SegmentDecryptor::new(&SoftwareAes, &KeyMethod::Aes128, &key, Some(IV), 1).expect("a decryptor");
            for piece in golden(&format!("aes-128.v.{part}")).chunks(step) {
                clear.push(decryptor.push(Bytes::copy_from_slice(piece)).expect("decrypts"));
            }
            clear.extend(decryptor.finish().expect("padded"));
        }
        assert!(clear.concat() == golden("clear.v.mp4"), "pieces of {step} bytes");
        assert_eq!(read(clear).1.len(), 2);
    }
}
