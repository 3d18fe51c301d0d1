//! Fragments: one `moof` with the media it describes.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::boxes::FourCc;

/// One `moof` and its `mdat`, with the boxes before them that belong to it.
///
/// `data` is one uninterrupted piece of the resource: from the first `styp`, `prft` or `emsg` behind
/// the previous fragment (else from `moof`) to the end of the last `mdat` that holds samples of it.
/// A CMAF chunk is one fragment, so a chunked segment comes as several.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fragment {
    /// The bytes as they arrived: shared, not copied.
    pub data: Vec<Bytes>,
    /// Bytes in `data`.
    pub size: u64,
    /// Offset in the resource of the first byte of `data`.
    pub offset: u64,
    /// `mfhd` sequence number.
    pub sequence: u32,
    /// One for each `traf`, in order; two may be of the same track.
    pub tracks: Vec<TrackFragment>,
    /// Brands of the `styp` box in `data`, the major one first. Empty without one.
    pub brands: Vec<FourCc>,
    /// `pssh` boxes of the `moof`, each whole: a new one announces a new key.
    pub pssh: Vec<Bytes>,
    /// The `moof` box in `data`.
    pub moof: Range<u64>,
    /// The payloads of `mdat` boxes in `data`.
    pub media: Vec<Range<u64>>,
}

impl Fragment {
    /// The bytes of one sample of this fragment: shared if they arrived in one piece, else copied.
    /// `None` if the sample is not of this fragment.
    pub fn sample(&self, sample: &Sample) -> Option<Bytes> {
        self.slice(sample.offset..sample.offset.checked_add(u64::from(sample.size))?)
    }

    /// A range of `data`, such as [`moof`](Self::moof) or a [`traf`](TrackFragment::traf): shared if it
    /// arrived in one piece, else copied. `None` if it reaches beyond the data.
    pub fn slice(&self, range: Range<u64>) -> Option<Bytes> {
        let mut skip = range.start;
        let mut left = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        let mut joined = BytesMut::new();
        for chunk in &self.data {
            let length = chunk.len() as u64;
            if skip >= length {
                skip -= length;
                continue;
            }
            // Smaller than a slice, so it fits.
            let from = skip as usize;
            skip = 0;
            let count = left.min(chunk.len() - from);
            if count == left && joined.is_empty() {
                return Some(chunk.slice(from..from + count));
            }
            joined.extend_from_slice(chunk.get(from..from + count)?);
            left -= count;
            if left == 0 {
                return Some(joined.freeze());
            }
        }
        (left == 0 && skip == 0).then(Bytes::new)
    }
}

/// Where the offsets of a `traf` are counted from (ISO/IEC 14496-12, 8.8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DataBase {
    /// From the `moof` (`default-base-is-moof`): what CMAF demands.
    Moof,
    /// From an offset in the resource (`base-data-offset`).
    Absolute(u64),
    /// From the `moof` for the first `traf`, else from the end of the previous one's data.
    #[default]
    Previous,
}

/// The samples of one `traf`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TrackFragment {
    /// Track in the initialisation segment.
    pub track_id: u32,
    /// Decode time of the first sample in ticks; see `explicit_time`.
    pub base_decode_time: u64,
    /// True if `tfdt` says it. Else it is the end of the track's previous fragment, or zero.
    pub explicit_time: bool,
    /// In decode order.
    pub samples: Vec<Sample>,
    /// Index of the sample description, from 1.
    pub description: u32,
    /// How the samples' places were written.
    pub data_base: DataBase,
    /// Offset in the resource from which places in the `traf` are counted.
    pub base: u64,
    /// The `traf` box in the fragment's data.
    pub traf: Range<u64>,
}

impl TrackFragment {
    /// Least composition time in ticks; `None` without samples. Edit lists are not applied.
    pub fn earliest_pts(&self) -> Option<i64> {
        self.samples.iter().map(Sample::pts).min()
    }

    /// Greatest end of a sample's composition in ticks; `None` without samples. Edit lists are not
    /// applied.
    pub fn end_pts(&self) -> Option<i64> {
        self.samples.iter().map(|sample| sample.pts().saturating_add(i64::from(sample.duration))).max()
    }

    /// Ticks that the samples last together.
    pub fn duration(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }

    /// Decode time in ticks behind the last sample: where the next fragment should start.
    pub fn end_decode_time(&self) -> u64 {
        self.base_decode_time.saturating_add(self.duration())
    }

    /// Bytes of all samples together.
    pub fn sample_bytes(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.size)).sum()
    }
}

/// One access unit, or for text and metadata one document or cue box list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sample {
    /// Decode time in ticks.
    pub dts: i64,
    /// Bytes from the first byte of the fragment's data (of the file, for [`Media`](super::Media)).
    pub offset: u64,
    /// Ticks.
    pub duration: u32,
    /// Composition time minus decode time, in ticks.
    pub cts_offset: i32,
    /// Bytes.
    pub size: u32,
    /// Decoding can start here.
    pub sync: bool,
    /// What it depends on and what depends on it: four pairs of bits as in `sdtp` (ISO/IEC 14496-12, 8.6.4), in the
    /// order `is_leading`, `sample_depends_on`, `sample_is_depended_on`, `sample_has_redundancy`. Zero: not known.
    pub dependencies: u8,
    /// Index of its sample description, from 1; that of a description beyond the 65,534th is 65,535. Zero before the
    /// sample has been written or read.
    pub description: u16,
}

impl Sample {
    /// Composition time in ticks. Edit lists are not applied: see
    /// [`TrackInfo::presentation_time`](super::TrackInfo::presentation_time).
    pub fn pts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.cts_offset))
    }
}

/// The part of sample flags that `sdtp` has too.
pub(crate) const fn dependencies(flags: u32) -> u8 {
    (flags >> 20) as u8
}

/// An index of a sample description as samples keep it.
pub(crate) fn description_index(index: u32) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// Whether sample flags (ISO/IEC 14496-12, 8.8.3.1) describe a sync sample. Some writers leave
/// `sample_is_non_sync_sample` at zero and say only that the sample depends on others.
pub(crate) fn is_sync(flags: u32) -> bool {
    const IS_NON_SYNC: u32 = 0x0001_0000;
    const DEPENDS_ON_MASK: u32 = 0x0300_0000;
    const DEPENDS_ON_OTHERS: u32 = 0x0100_0000;
    flags & IS_NON_SYNC == 0 && flags & DEPENDS_ON_MASK != DEPENDS_ON_OTHERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(chunks: &[&'static [u8]]) -> Fragment {
        Fragment { data: chunks.iter().map(|chunk| Bytes::from_static(chunk)).collect(), ..Fragment::default() }
    }

    fn sample(offset: u64, size: u32) -> Sample {
        Sample { offset, size, ..Sample::default() }
    }

    #[test]
    fn a_sample_in_one_piece_is_shared_and_one_in_several_is_joined() {
        static SECOND: &[u8] = b"cdef";
        let fragment = fragment(&[b"ab", SECOND, b"gh"]);
        let shared = fragment.sample(&sample(3, 3)).expect("inside");
        assert_eq!(shared.as_ptr(), SECOND[1..].as_ptr());
        assert_eq!(fragment.sample(&sample(1, 6)).expect("inside"), &b"bcdefg"[..]);
        assert_eq!(fragment.sample(&sample(8, 0)).expect("empty"), &b""[..]);
        assert_eq!(fragment.slice(0..8).expect("all"), &b"abcdefgh"[..]);
    }

    #[test]
    fn a_sample_outside_the_data_is_none() {
        let fragment = fragment(&[b"ab", b"cd"]);
        assert_eq!(fragment.sample(&sample(3, 2)), None);
        assert_eq!(fragment.sample(&sample(9, 1)), None);
        assert_eq!(fragment.sample(&sample(9, 0)), None);
        assert_eq!(fragment.sample(&sample(u64::MAX, u32::MAX)), None);
    }

    #[test]
    fn flags_that_deny_sync_or_admit_dependence_make_no_sync_sample() {
        assert!(is_sync(0));
        assert!(is_sync(0x0200_0000));
        assert!(!is_sync(0x0101_0000));
        assert!(!is_sync(0x0001_0000));
        assert!(!is_sync(0x0100_0000));
    }
}
