//! What no packager makes: the packager's encrypted samples, with what is said of them in other places.

use std::sync::Arc;

use crate::support::*;
use bytes::Bytes;
use telecine_container::{Fragment, InitSegment};
use telecine_model::protection::SampleEncryption;

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(8 + body.len() as u32).to_be_bytes()[..], kind, &body].concat()
}

fn full(kind: &[u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let word = (u32::from(version) << 24 | flags).to_be_bytes();
    boxed(kind, &[&[&word[..]], parts].concat())
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// One sample to be written.
struct Written {
    bytes: Bytes,
    duration: u32,
    cts_offset: i32,
    /// Vector and subsamples as `senc` has them; empty for a clear sample.
    info: Vec<u8>,
}

/// The samples of a fragment with what is said of each; the sizes of vectors are 8 bytes.
fn taken(init: &InitSegment, fragment: &Fragment) -> Vec<Written> {
    let encryption = fragment.encryption(init).expect("valid");
    let info = |how: SampleEncryption<'_>| {
        let count = (how.subsamples.len() as u16).to_be_bytes();
        let list = how
            .subsamples
            .iter()
            .flat_map(|one| [&(one.clear as u16).to_be_bytes()[..], &one.protected.to_be_bytes()].concat());
        how.iv[..8].iter().copied().chain(count).chain(list).collect()
    };
    let samples = fragment.tracks[0].samples.iter().zip(encryption.samples(0));
    samples
        .map(|(sample, how)| Written {
            bytes: fragment.sample(sample).expect("inside"),
            duration: sample.duration,
            cts_offset: sample.cts_offset,
            info: how.map(info).unwrap_or_default(),
        })
        .collect()
}

/// Writes a fragment of track 1. `boxes` gives what else is in the `traf`, told where the information lies that stands
/// before the samples in the `mdat`, seen from the `moof`; `runs` says how many runs there are.
fn written(samples: &[Written], runs: usize, boxes: &dyn Fn(u32) -> Vec<u8>, in_media: bool) -> Vec<u8> {
    let info: Vec<u8> = if in_media { samples.iter().flat_map(|sample| sample.info.clone()).collect() } else { vec![] };
    let per_run = samples.len().div_ceil(runs);
    let make = |media: u32| {
        let mut at = media + info.len() as u32;
        let mut truns = Vec::new();
        for run in samples.chunks(per_run) {
            let rows: Vec<u8> =
                run.iter().flat_map(|s| words(&[s.duration, s.bytes.len() as u32, s.cts_offset as u32])).collect();
            truns.extend(full(b"trun", 1, 0xb01, &[&words(&[run.len() as u32, at]), &rows]));
            at += run.iter().map(|sample| sample.bytes.len() as u32).sum::<u32>();
        }
        let tfhd = full(b"tfhd", 0, 0x2_0000, &[&words(&[1])]);
        let tfdt = full(b"tfdt", 0, 0, &[&words(&[0])]);
        let traf = boxed(b"traf", &[&tfhd, &tfdt, &boxes(media), &truns]);
        boxed(b"moof", &[&full(b"mfhd", 0, 0, &[&words(&[1])]), &traf])
    };
    let media = make(0).len() as u32 + 8;
    let payload: Vec<u8> = samples.iter().flat_map(|sample| sample.bytes.to_vec()).collect();
    [make(media), boxed(b"mdat", &[&info, &payload])].concat()
}

/// The first fragment of a track of the packager, and its clear samples.
fn source(track: &str) -> (Arc<InitSegment>, Fragment, Vec<Bytes>) {
    let (init, mut fragments) = read([golden(&format!("{track}.mp4"))]);
    let (_, clear) = read([golden("clear.v.mp4")]);
    (init, fragments.swap_remove(0), samples(&clear[..1]))
}

fn becomes(init: &[u8], fragment: Vec<u8>, wanted: &[Bytes], name: &str) {
    let whole = Bytes::from([init, &fragment].concat());
    check(name, vec![whole.clone()], wanted);
    check(name, whole.chunks(100).map(Bytes::copy_from_slice).collect(), wanted);
}

fn sizes(samples: &[Written]) -> Vec<u8> {
    samples.iter().map(|sample| sample.info.len() as u8).collect()
}

fn saiz(samples: &[Written]) -> Vec<u8> {
    full(b"saiz", 0, 0, &[&[0], &words(&[samples.len() as u32]), &sizes(samples)])
}

#[test]
fn information_in_the_media_data_is_found_by_saio() {
    // Trap 2: in 32 and in 64 bits, for all samples and for each run.
    let (init, fragment, wanted) = source("cenc.v");
    let samples = taken(&init, &fragment);
    let saiz = saiz(&samples);
    let wide = |media: u32| full(b"saio", 1, 0, &[&words(&[1, 0, media])]);
    let one = |media: u32| full(b"saio", 0, 0, &[&words(&[1, media])]);
    let each = |media: u32| {
        let mut at = media;
        let mut offsets = vec![3];
        for run in samples.chunks(samples.len().div_ceil(3)) {
            offsets.push(at);
            at += run.iter().map(|sample| sample.info.len() as u32).sum::<u32>();
        }
        full(b"saio", 0, 0, &[&words(&offsets)])
    };
    type Saio<'a> = &'a dyn Fn(u32) -> Vec<u8>;
    let ways: [(usize, Saio<'_>); 4] = [(1, &one), (1, &wide), (3, &each), (3, &one)];
    for (runs, saio) in ways {
        let boxes = |media: u32| [saiz.clone(), saio(media)].concat();
        becomes(&init.data, written(&samples, runs, &boxes, true), &wanted, "saio");
    }
}

#[test]
fn protection_that_goes_off_inside_a_fragment_leaves_clear_samples_as_they_are() {
    // Trap 5: every third sample is put in as it is in the clear.
    let (init, fragment, wanted) = source("cenc.v");
    let mut samples = taken(&init, &fragment);
    for (sample, clear) in samples.iter_mut().zip(&wanted).step_by(3) {
        sample.bytes = clear.clone();
        sample.info.clear();
    }
    let runs: Vec<u8> =
        samples.iter().flat_map(|sample| words(&[1, if sample.info.is_empty() { 0x1_0001 } else { 0 }])).collect();
    let groups = [
        full(b"sbgp", 0, 0, &[b"seig", &words(&[samples.len() as u32]), &runs]),
        full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 1]), &[0; 20]]),
    ]
    .concat();
    let entries: Vec<u8> = samples.iter().flat_map(|sample| sample.info.clone()).collect();
    let listed = samples.iter().filter(|sample| !sample.info.is_empty()).count() as u32;
    let senc = full(b"senc", 0, 2, &[&words(&[listed]), &entries]);
    becomes(&init.data, written(&samples, 1, &|_| [&groups[..], &senc].concat(), false), &wanted, "senc");
    let located = |media: u32| [&groups[..], &saiz(&samples), &full(b"saio", 0, 0, &[&words(&[1, media])])].concat();
    becomes(&init.data, written(&samples, 1, &located, true), &wanted, "saio");
}

#[test]
fn several_keys_inside_one_fragment_are_told_apart() {
    // The first fragments of two periods of rotation, as one.
    let (init, fragments) = read([golden("rotation.v.mp4")]);
    let (_, clear) = read([golden("clear.v.mp4")]);
    let wanted = samples(&clear);
    let halves = [taken(&init, &fragments[0]), taken(&init, &fragments[1])];
    let kids = [0, 1].map(|at: usize| fragments[at].encryption(&init).expect("valid").key_ids()[0]);
    assert_ne!(kids[0], kids[1]);
    let entry = |at: usize| [&[0, 0, 1, 8][..], &kids[at].0].concat();
    let groups = [
        full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 2]), &entry(0), &entry(1)]),
        full(
            b"sbgp",
            0,
            0,
            &[b"seig", &words(&[2, halves[0].len() as u32, 0x1_0001, halves[1].len() as u32, 0x1_0002])],
        ),
    ]
    .concat();
    let samples: Vec<Written> = halves.into_iter().flatten().collect();
    let entries: Vec<u8> = samples.iter().flat_map(|sample| sample.info.clone()).collect();
    let senc = full(b"senc", 0, 2, &[&words(&[samples.len() as u32]), &entries]);
    becomes(&init.data, written(&samples, 2, &|_| [&groups[..], &senc].concat(), false), &wanted, "two keys");
}

#[test]
fn piff_is_read_as_what_it_became() {
    // Trap 17: its counter mode is `cenc`, its chained blocks are `cbc1`.
    for (track, algorithm) in [("cenc.v", 1), ("cbc1.v", 2)] {
        let (init, fragment, wanted) = source(track);
        let encryption = fragment.encryption(&init).expect("valid");
        let iv_size = usize::from(init.tracks[0].encryption.as_ref().expect("protected").per_sample_iv_size);
        let mut samples = taken(&init, &fragment);
        for (sample, how) in samples.iter_mut().zip(encryption.samples(0)) {
            let iv = how.expect("protected").iv;
            sample.info.splice(..8, iv[..iv_size].iter().copied());
        }
        let entries: Vec<u8> = samples.iter().flat_map(|sample| sample.info.clone()).collect();
        let count = words(&[samples.len() as u32]);
        let senc = |flags: u32, parts: &[&[u8]]| {
            let kind = *b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4";
            boxed(b"uuid", &[&[&kind[..], &flags.to_be_bytes()], parts].concat())
        };
        let plain = senc(2, &[&count, &entries]);
        let piff = piff_init(&init, Some(algorithm));
        becomes(&piff, written(&samples, 1, &|_| plain.clone(), false), &wanted, track);
        // The track says nothing of the kind, and the fragment says all of it.
        let replaced = senc(3, &[&[0, 0, algorithm, iv_size as u8], &kid(0).0, &count, &entries]);
        becomes(&piff_init(&init, None), written(&samples, 1, &|_| replaced.clone(), false), &wanted, track);
    }
}

/// The initialisation segment with PIFF's names: scheme, and `tenc` of an algorithm (none: not encrypted, no key). Sizes
/// change, so every box around is measured anew.
fn piff_init(init: &InitSegment, algorithm: Option<u8>) -> Vec<u8> {
    fn rewrite(data: &[u8], algorithm: Option<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = data;
        while rest.len() >= 8 {
            let size = u32::from_be_bytes(rest[..4].try_into().expect("4 bytes")) as usize;
            let (one, behind) = rest.split_at(size);
            let kind: [u8; 4] = one[4..8].try_into().expect("4 bytes");
            let prefix = match &kind {
                b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"sinf" | b"schi" => Some(0),
                b"stsd" => Some(8),
                b"encv" => Some(78),
                _ => None,
            };
            out.extend(match (&kind, prefix) {
                (_, Some(prefix)) => boxed(&kind, &[&one[8..8 + prefix], &rewrite(&one[8 + prefix..], algorithm)]),
                (b"schm", _) => boxed(&kind, &[&one[8..12], b"piff", &one[16..]]),
                (b"tenc", _) => {
                    let mut fields = one[12..32].to_vec();
                    fields[..3].copy_from_slice(&[0, 0, algorithm.unwrap_or(0)]);
                    if algorithm.is_none() {
                        fields[4..].fill(0);
                    }
                    let name = *b"\x89\x74\xdb\xce\x7b\xe7\x4c\x51\x84\xf9\x71\x48\xf9\x88\x25\x54";
                    boxed(b"uuid", &[&name, &[0; 4], &fields])
                }
                _ => one.to_vec(),
            });
            rest = behind;
        }
        out
    }
    rewrite(&init.data, algorithm)
}
