//! Whatever arrives, nothing panics, and what comes out is bounded by what came in.

use crate::mux::*;
use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::{sniff, Container, SampleAes, Sniff, StreamOptions, StreamReader, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::{ErrorCode, Limits};

/// Reads without a belief in anything; every sample is looked at.
fn survive(bytes: Vec<u8>, protected: bool) {
    let length = bytes.len();
    let mut reader = reader();
    if protected {
        reader.set_protection(Some(SampleAes { key_id: KeyId([1; 16]), iv: [2; 16] }));
    }
    let Ok(units) = segment(&mut reader, [Bytes::from(bytes)]) else { return };
    let mut media = 0;
    for fragment in fragments(&units) {
        for part in &fragment.tracks {
            let mut time = part.base_decode_time as i64;
            for sample in &part.samples {
                assert_eq!(sample.dts, time);
                time += i64::from(sample.duration);
                media += fragment.sample(sample).expect("a fragment has its samples' bytes").len();
            }
        }
    }
    // Start codes of three bytes become lengths of four.
    assert!(media <= length * 2, "{media} of {length}");
}

fn kinds() -> impl Strategy<Value = u8> {
    proptest::sample::select(vec![0x1b, 0x24, 0x0f, 0x11, 0x03, 0x81, 0x87, 0x15, 0xdb, 0xcf, 0xc1, 0xc2])
}

proptest! {
    #[test]
    fn streams_of_any_kind_with_any_content_do_no_harm(
        kind in kinds(),
        payloads in proptest::collection::vec((any::<u64>(), proptest::collection::vec(any::<u8>(), 0..400)), 1..10),
        protected: bool,
    ) {
        let mut mux = Mux::with(&[(kind, AUDIO, &ID3_DESCRIPTOR)]);
        for (time, payload) in payloads {
            mux.pes(AUDIO, Some(time & 0x1_ffff_ffff), None, &payload);
        }
        survive(mux.out, protected);
    }

    #[test]
    fn parameter_sets_and_slices_of_any_content_do_no_harm(
        hevc: bool,
        nals in proptest::collection::vec((0_u8..64, proptest::collection::vec(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()], 0..80)), 1..40),
    ) {
        let mut mux = Mux::with(&[(if hevc { H265 } else { H264 }, VIDEO, &[])]);
        for (at, (kind, content)) in nals.iter().enumerate() {
            let head: &[u8] = if hevc { &[kind << 1, 1] } else { &[0x60 | kind & 0x1f] };
            mux.pes(VIDEO, Some(at as u64 * 3600), None, &nal(&[head, content].concat()));
        }
        survive(mux.out, false);
    }

    #[test]
    fn damaged_streams_do_no_harm(
        name in proptest::sample::select(vec!["avc_aac.ts", "hevc_open.ts", "latm.ts", "eac3.ts", "packed_aac.aac", "packed_eac3.ec3", "sa_avc.ts", "sa_eac3_packed.ec3"]),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..80),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = data(name).to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let from = cut.index(bytes.len()) / 8;
        survive(bytes[from..].to_vec(), name.starts_with("sa_"));
    }

    #[test]
    fn any_bytes_are_sniffed_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..800), complete: bool) {
        match sniff(&bytes, complete) {
            Sniff::Short(needed) => prop_assert!(!complete && needed > bytes.len()),
            Sniff::Container(_) | Sniff::Unknown => {}
        }
    }
}

#[test]
fn committed_files_are_what_they_are() {
    for name in STREAMS {
        assert_eq!(sniff(&data(&format!("{name}.ts")), false), Sniff::Container(Container::MpegTs), "{name}");
    }
    let packed = [Container::Adts, Container::Ac3, Container::Eac3, Container::MpegAudio];
    for (name, container) in PACKED.iter().zip(packed) {
        assert_eq!(sniff(&data(name), false), Sniff::Container(container), "{name}");
    }
    assert_eq!(sniff(&data("sa_eac3_packed.ec3"), false), Sniff::Container(Container::Eac3));
}

#[test]
fn an_endless_stream_of_small_things_stays_small() {
    // A NAL unit of one byte costs four: a hundred thousand of them in one access unit are refused.
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    mux.pes(VIDEO, Some(0), None, &[key(0), [0, 0, 1, 0x0a].repeat(100_000)].concat());
    let error = segment(&mut reader(), [mux.out.into()]).expect_err("too many");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
    // Warnings beyond their limit are not kept.
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    for at in 0..200 {
        mux.upset(AUDIO, 3);
        mux.pes(AUDIO, Some(at * 1920), None, &aac(0));
    }
    let mut limits = Limits::default();
    limits.side_items = 50;
    let mut reader = StreamReader::new(&StreamOptions::default(), &limits);
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!(warnings(&units).len(), 50);
    assert_eq!(reader.counters().losses, 199);
}

#[test]
fn frames_without_time_are_left_out_not_kept() {
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    for _ in 0..1000 {
        mux.pes(AUDIO, None, None, &aac(0));
    }
    let mut reader = reader();
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert!(units.iter().all(|unit| matches!(unit, StreamUnit::Warning(_))));
    assert_eq!(reader.counters().dropped_audio, 1000);
}
