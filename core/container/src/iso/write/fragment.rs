//! `moof` and `mdat`.

use bytes::Bytes;
use telecine_model::protection::Subsample;

use super::BoxWriter;
use crate::iso::boxes::FourCc;
use crate::iso::fragment::dependencies;
use crate::iso::{DataBase, Fragment, Sample, TrackFragment};

/// The samples of one track in a fragment.
#[derive(Debug, Default)]
pub(crate) struct FragmentTrackData {
    pub(crate) track_id: u32,
    /// In decode order, one behind the other in time, all of the same sample description. Offsets are not read.
    pub(crate) samples: Vec<Sample>,
    /// Their bytes, one behind the other.
    pub(crate) data: Vec<Bytes>,
    /// Of each sample in order, where the track is encrypted.
    pub(crate) subsamples: Option<Vec<Vec<Subsample>>>,
    /// Which of the groups that `moov` describes the samples are in.
    pub(crate) groups: Vec<SampleGroups>,
}

impl FragmentTrackData {
    fn description(&self) -> u16 {
        self.samples.first().map_or(1, |sample| sample.description).max(1)
    }
}

/// One `sbgp` box (8.9.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleGroups {
    pub(crate) grouping: FourCc,
    /// Only version 1 has one.
    pub(crate) parameter: Option<u32>,
    /// Counts of samples, and the index of their group.
    pub(crate) runs: Vec<(u32, u32)>,
}

const DATA_OFFSET: u32 = 0x001;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const CTS_OFFSET: u32 = 0x800;

const DESCRIPTION: u32 = 0x02;
const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x02_0000;

/// Sample flags (8.8.3.1): two bits of which this is "yes", that "no"; and one.
const DEPENDS_ON: u32 = 0x0300_0000;
const DEPENDS: u32 = 0x0100_0000;
const INDEPENDENT: u32 = 0x0200_0000;
const NON_SYNC: u32 = 0x0001_0000;

/// Whatever is known of a sample, and always whether it depends on others: readers judge by that bit, too.
fn flags(sample: &Sample) -> u32 {
    let known = u32::from(sample.dependencies) << 20;
    let depends = match (known & DEPENDS_ON, sample.sync) {
        // Not known, or the opposite of the sync flag.
        (0 | DEPENDS, true) => INDEPENDENT,
        (0, false) => DEPENDS,
        (stated, _) => stated,
    };
    known & !DEPENDS_ON | depends | if sample.sync { 0 } else { NON_SYNC }
}

/// The value that all have in common.
fn common<T: PartialEq + Copy>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Writes a fragment: `moof` and the header of `mdat` are new bytes, the media is what was given.
/// `offset` is where the fragment begins in what has been written before. Decode times below zero
/// cannot be written; the caller has none.
pub(crate) fn write_fragment(sequence: u32, offset: u64, parts: Vec<FragmentTrackData>) -> Fragment {
    let mut w = BoxWriter::default();
    let mut tracks = Vec::with_capacity(parts.len());
    let mut data_offsets = Vec::with_capacity(parts.len());
    w.boxed(b"moof", |w| {
        w.full(b"mfhd", 0, 0, |w| w.u32(sequence));
        for part in &parts {
            let start = w.out.len() as u64;
            data_offsets.push(traf(w, part));
            let decode_time = part.samples.first().map_or(0, |sample| sample.dts);
            tracks.push(TrackFragment {
                track_id: part.track_id,
                base_decode_time: decode_time.max(0).unsigned_abs(),
                explicit_time: true,
                samples: Vec::new(),
                description: part.description().into(),
                data_base: DataBase::Moof,
                base: offset,
                traf: start..w.out.len() as u64,
            });
        }
    });
    let moof = w.out.len() as u64;
    let media_start = moof + 8;
    let mut end = media_start;
    let mut media = Vec::new();
    for ((part, track), at) in parts.into_iter().zip(&mut tracks).zip(data_offsets) {
        // Fits: a fragment is much smaller than 2 GiB.
        w.patch(at, end as usize);
        track.samples = part.samples;
        for sample in &mut track.samples {
            sample.offset = end;
            sample.dependencies = dependencies(flags(sample));
            sample.description = sample.description.max(1);
            end = end.saturating_add(sample.size.into());
        }
        media.extend(part.data);
    }
    w.u32(u32::try_from(end - moof).unwrap_or(u32::MAX));
    w.bytes(b"mdat");
    let mut data = Vec::with_capacity(1 + media.len());
    data.push(w.out.into());
    data.extend(media);
    Fragment {
        data,
        size: end,
        offset,
        sequence,
        tracks,
        brands: Vec::new(),
        pssh: Vec::new(),
        moof: 0..moof,
        media: std::iter::once(media_start..end).collect(),
    }
}

/// Writes a `traf`; returns where its data offset is to be written.
fn traf(w: &mut BoxWriter, part: &FragmentTrackData) -> usize {
    let samples = &part.samples;
    let duration = common(samples.iter().map(|sample| sample.duration));
    let sample_flags = common(samples.iter().map(flags));
    let mut data_offset = 0;
    w.boxed(b"traf", |w| {
        let optional = |present: bool, flag: u32| if present { flag } else { 0 };
        // What `trex` says where nothing else is said.
        let description = Some(u32::from(part.description())).filter(|index| *index != 1);
        let tfhd = BASE_IS_MOOF
            | optional(description.is_some(), DESCRIPTION)
            | optional(duration.is_some(), DEFAULT_DURATION)
            | optional(sample_flags.is_some(), DEFAULT_FLAGS);
        w.full(b"tfhd", 0, tfhd, |w| {
            w.u32(part.track_id);
            [description, duration, sample_flags].into_iter().flatten().for_each(|value| w.u32(value));
        });
        w.full(b"tfdt", 1, 0, |w| w.u64(samples.first().map_or(0, |sample| sample.dts.max(0).unsigned_abs())));
        let shifted = samples.iter().any(|sample| sample.cts_offset != 0);
        let trun = DATA_OFFSET
            | SIZE
            | optional(duration.is_none(), DURATION)
            | optional(sample_flags.is_none(), FLAGS)
            | optional(shifted, CTS_OFFSET);
        w.full(b"trun", 1, trun, |w| {
            w.u32(u32::try_from(samples.len()).unwrap_or(u32::MAX));
            data_offset = w.out.len();
            w.u32(0);
            for sample in samples {
                if duration.is_none() {
                    w.u32(sample.duration);
                }
                w.u32(sample.size);
                if sample_flags.is_none() {
                    w.u32(flags(sample));
                }
                if shifted {
                    w.bytes(&sample.cts_offset.to_be_bytes());
                }
            }
        });
        part.groups.iter().for_each(|groups| sample_groups(w, groups));
        if let Some(subsamples) = &part.subsamples {
            sample_encryption(w, subsamples);
        }
    });
    data_offset
}

fn sample_groups(w: &mut BoxWriter, groups: &SampleGroups) {
    w.full(b"sbgp", u8::from(groups.parameter.is_some()), 0, |w| {
        w.bytes(&groups.grouping);
        groups.parameter.into_iter().for_each(|parameter| w.u32(parameter));
        w.u32(u32::try_from(groups.runs.len()).unwrap_or(u32::MAX));
        for (count, index) in &groups.runs {
            w.u32(*count);
            w.u32(*index);
        }
    });
}

/// Bytes of one sample in `senc`.
fn auxiliary_size(subsamples: &[Subsample]) -> usize {
    2 + 6 * subsamples.len()
}

/// `senc`, and `saiz` and `saio` that point into it (ISO/IEC 23001-7, 7.2; ISO/IEC 14496-12, 8.7.8 and
/// 8.7.9). A sample with more than 42 subsamples is beyond `saiz`: then `senc` stands alone.
fn sample_encryption(w: &mut BoxWriter, samples: &[Vec<Subsample>]) {
    let sizes: Option<Vec<u8>> =
        samples.iter().map(|subsamples| u8::try_from(auxiliary_size(subsamples)).ok()).collect();
    let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut offset_at = None;
    if let Some(sizes) = sizes {
        let size = common(sizes.iter().copied());
        w.full(b"saiz", 0, 0, |w| {
            w.u8(size.unwrap_or(0));
            w.u32(count);
            if size.is_none() {
                w.bytes(&sizes);
            }
        });
        w.full(b"saio", 0, 0, |w| {
            w.u32(1);
            offset_at = Some(w.out.len());
            w.u32(0);
        });
    }
    w.full(b"senc", 0, 2, |w| {
        w.u32(count);
        if let Some(at) = offset_at {
            // Offsets count from the moof, which is the first byte written.
            w.patch(at, w.out.len());
        }
        for subsamples in samples {
            w.u16(u16::try_from(subsamples.len()).unwrap_or(u16::MAX));
            for subsample in subsamples {
                w.u16(u16::try_from(subsample.clear).unwrap_or(u16::MAX));
                w.u32(subsample.protected);
            }
        }
    });
}
