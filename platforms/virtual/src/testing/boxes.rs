//! The least of ISO-BMFF that makes valid CMAF (ISO/IEC 23000-19): an initialisation section and
//! fragments of samples that hold zeros.

use bytes::{BufMut, Bytes, BytesMut};

use super::protection::FragmentKey;

/// One kind of track as the boxes describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Video { width: u16, height: u16 },
    Audio { sample_rate: u32 },
}

/// Samples of one fragment.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) sequence: u32,
    pub(super) decode_time: u64,
    pub(super) count: u32,
    pub(super) duration: u32,
    /// All but the first depend on others.
    pub(super) dependent: bool,
    /// Bytes of all samples together; the last ones are a byte shorter where it does not divide.
    pub(super) bytes: u32,
    /// How they are encrypted; None leaves them clear.
    pub(super) key: Option<FragmentKey>,
    /// The track is protected and these samples are not: they have the second description.
    pub(super) clear_lead: bool,
}

const UNITY_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/// `sample_depends_on = 1` and `sample_is_non_sync_sample` (ISO/IEC 14496-12, 8.8.3.1).
const DEPENDENT_SAMPLE: u32 = 0x0101_0000;
const INDEPENDENT_SAMPLE: u32 = 0x0200_0000;

/// `ftyp` and `moov` of a track with id 1; with a key identifier its samples are protected (`cenc`), but for
/// those of a second description.
pub(super) fn init(kind: Kind, timescale: u32, kid: Option<[u8; 16]>) -> Bytes {
    let (handler, header, entry) = match kind {
        Kind::Video { width, height } => (b"vide", full_box(b"vmhd", 1, &[0; 8]), avc1(width, height)),
        Kind::Audio { sample_rate } => (b"soun", full_box(b"smhd", 0, &[0; 4]), mp4a(sample_rate)),
    };
    let (width, height) = match kind {
        Kind::Video { width, height } => (u32::from(width) << 16, u32::from(height) << 16),
        Kind::Audio { .. } => (0, 0),
    };
    let entries = match kid {
        Some(kid) => [words(&[2]), protected(&entry, kid), entry].concat(),
        None => [words(&[1]), entry].concat(),
    };
    let volume = if handler == b"soun" { 0x0100_0000u32 } else { 0 };
    let mut mvhd = words(&[0, 0, timescale, 0, 0x1_0000, 0x0100_0000, 0, 0]);
    mvhd.extend(words(&UNITY_MATRIX));
    mvhd.extend(words(&[0, 0, 0, 0, 0, 0, 2]));
    let mut tkhd = words(&[0, 0, 1, 0, 0, 0, 0, 0, volume]);
    tkhd.extend(words(&UNITY_MATRIX));
    tkhd.extend(words(&[width, height]));
    // 0x55c4: "und" in letters of five bits.
    let mdhd = full_box(b"mdhd", 0, &words(&[0, 0, timescale, 0, 0x55c4_0000]));
    let hdlr = full_box(b"hdlr", 0, &[&[0; 4], &handler[..], &[0; 13]].concat());
    let dref = full_box(b"dref", 0, &[words(&[1]), full_box(b"url ", 1, &[])].concat());
    let stbl = container(
        b"stbl",
        &[
            full_box(b"stsd", 0, &entries),
            full_box(b"stts", 0, &[0; 4]),
            full_box(b"stsc", 0, &[0; 4]),
            full_box(b"stsz", 0, &[0; 8]),
            full_box(b"stco", 0, &[0; 4]),
        ],
    );
    let minf = container(b"minf", &[header, container(b"dinf", &[dref]), stbl]);
    let trak = container(b"trak", &[full_box(b"tkhd", 3, &tkhd), container(b"mdia", &[mdhd, hdlr, minf])]);
    let mvex = container(b"mvex", &[full_box(b"trex", 0, &words(&[1, 1, 0, 0, 0]))]);
    let ftyp = plain_box(b"ftyp", b"cmfc\0\0\0\0iso6cmfc");
    [ftyp, container(b"moov", &[full_box(b"mvhd", 0, &mvhd), trak, mvex])].concat().into()
}

/// `moof` and `mdat`.
pub(super) fn fragment(samples: Samples) -> Bytes {
    let count = samples.count.max(1);
    let (size, longer) = (samples.bytes / count, samples.bytes % count);
    let head = fragment_head(&samples);
    let mut out = BytesMut::with_capacity(head.len() + samples.bytes as usize);
    out.put_slice(&head);
    let mut start = out.len();
    out.put_bytes(0, samples.bytes as usize);
    if let Some(key) = &samples.key {
        for index in 0..count {
            let end = start + (size + u32::from(index < longer)) as usize;
            key.encrypt(samples.sequence, index, &mut out[start..end]);
            start = end;
        }
    }
    out.freeze()
}

/// `moof`, and of the `mdat` what is in front of its samples.
pub(super) fn fragment_head(samples: &Samples) -> Bytes {
    let count = samples.count.max(1);
    let (size, longer) = (samples.bytes / count, samples.bytes % count);
    let mut trun = words(&[count, 0]);
    for index in 0..count {
        trun.extend(words(&[size + u32::from(index < longer)]));
    }
    let rest = if samples.dependent { DEPENDENT_SAMPLE } else { INDEPENDENT_SAMPLE };
    let build = |data_offset: u32| {
        let mut trun = trun.clone();
        trun[4..8].copy_from_slice(&data_offset.to_be_bytes());
        trun.splice(8..8, INDEPENDENT_SAMPLE.to_be_bytes());
        // default-base-is-moof, default duration and flags.
        let tfhd = match samples.clear_lead {
            true => full_box(b"tfhd", 0x02_002a, &words(&[1, 2, samples.duration, rest])),
            false => full_box(b"tfhd", 0x02_0028, &words(&[1, samples.duration, rest])),
        };
        let tfdt = [&[1, 0, 0, 0][..], &samples.decode_time.to_be_bytes()].concat();
        // data-offset, first-sample-flags, sample-size.
        let mut parts = vec![tfhd, plain_box(b"tfdt", &tfdt), full_box(b"trun", 0x205, &trun)];
        if let Some(key) = &samples.key {
            let vectors: Vec<u8> = (0..count).flat_map(|index| key.vector(samples.sequence, index)).collect();
            parts.push(full_box(b"senc", 0, &[words(&[count]), vectors].concat()));
            if key.announced {
                let entry = [&[0, 0, 1, 8][..], &key.kid].concat();
                let sgpd = [b"seig".to_vec(), words(&[20, 1]), entry].concat();
                parts.push(plain_box(b"sgpd", &[vec![1, 0, 0, 0], sgpd].concat()));
                parts.push(full_box(b"sbgp", 0, &[b"seig".to_vec(), words(&[1, count, 0x1_0001])].concat()));
            }
        }
        let mut children = vec![full_box(b"mfhd", 0, &words(&[samples.sequence])), container(b"traf", &parts)];
        children.extend(samples.key.iter().flat_map(|key| key.boxes.iter().map(|pssh| pssh.to_vec())));
        container(b"moof", &children)
    };
    let moof_length = build(0).len() as u32;
    let moof = build(moof_length + 8);
    [&moof[..], &(samples.bytes + 8).to_be_bytes(), b"mdat"].concat().into()
}

/// A sample entry as a protected one (ISO/IEC 14496-12, 8.12; ISO/IEC 23001-7, 8.2).
fn protected(entry: &[u8], kid: [u8; 16]) -> Vec<u8> {
    let format = [entry[4], entry[5], entry[6], entry[7]];
    let tenc = full_box(b"tenc", 0, &[&[0, 0, 1, 8][..], &kid].concat());
    let sinf = container(
        b"sinf",
        &[
            plain_box(b"frma", &format),
            full_box(b"schm", 0, &[b"cenc".to_vec(), words(&[0x1_0000])].concat()),
            container(b"schi", &[tenc]),
        ],
    );
    let kind = if &format == b"mp4a" { b"enca" } else { b"encv" };
    plain_box(kind, &[&entry[8..], &sinf].concat())
}

/// AVC Main profile, level 4.0; the parameter sets are placeholders, nothing decodes them.
fn avc1(width: u16, height: u16) -> Vec<u8> {
    let mut entry = vec![0; 6];
    entry.extend([0, 1]);
    entry.extend([0; 16]);
    entry.extend(width.to_be_bytes());
    entry.extend(height.to_be_bytes());
    entry.extend(words(&[0x48_0000, 0x48_0000, 0]));
    entry.extend([0, 1]);
    entry.extend([0; 32]);
    entry.extend([0, 24, 0xff, 0xff]);
    let parameter_sets = [0xe1, 0, 4, 0x67, 77, 64, 40, 1, 0, 4, 0x68, 0xee, 0x3c, 0x80];
    entry.extend(plain_box(b"avcC", &[&[1, 77, 64, 40, 0xff], &parameter_sets[..]].concat()));
    plain_box(b"avc1", &entry)
}

/// AAC-LC, two channels.
fn mp4a(sample_rate: u32) -> Vec<u8> {
    let mut entry = vec![0; 6];
    entry.extend([0, 1]);
    entry.extend([0; 8]);
    entry.extend([0, 2, 0, 16, 0, 0, 0, 0]);
    entry.extend(words(&[sample_rate << 16]));
    // ES descriptor with AudioSpecificConfig: object type 2, index of the rate, two channels
    // (ISO/IEC 14496-1, 7.2.6.5; 14496-3, 1.6.2.1).
    let rate_index: u16 = if sample_rate == 48_000 { 3 } else { 4 };
    let config = (2 << 11 | rate_index << 7 | 2 << 3u16).to_be_bytes();
    let mut esds = vec![0, 0, 0, 0, 3, 25, 0, 1, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    esds.extend([5, 2, config[0], config[1], 6, 1, 2]);
    entry.extend(plain_box(b"esds", &esds));
    plain_box(b"mp4a", &entry)
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn plain_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn full_box(kind: &[u8; 4], flags: u32, body: &[u8]) -> Vec<u8> {
    plain_box(kind, &[&flags.to_be_bytes()[..], body].concat())
}

fn container(kind: &[u8; 4], children: &[Vec<u8>]) -> Vec<u8> {
    plain_box(kind, &children.concat())
}
