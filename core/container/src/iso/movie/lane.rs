//! One track on its way into fragments.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;

use telecine_model::{Limits, Place, Warning};

use super::super::fragment::Sample;
use super::super::init::{track_name, TrackInfo};
use super::super::write::SampleGroups;

/// Samples of a lane.
pub(super) type Piece = Range<usize>;

/// A fragment is at least this long, in seconds, if the track goes on.
const SPAN: i64 = 2;

/// A track beside a picture that has no key frame for long is divided after so many seconds.
const BESIDE: i64 = 10;

/// More bytes than a sample takes in a `moof`.
const SAMPLE: usize = 64;

/// What one track may have in a fragment, so that readers with the same limits take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    bytes: u64,
    samples: usize,
}

impl Cut {
    /// Offsets within a fragment have 31 bits (ISO/IEC 14496-12, 8.8.8).
    const REACH: u64 = 1 << 30;

    pub(super) fn new(limits: &Limits, lanes: usize) -> Self {
        let lanes = lanes.max(1);
        // Half of it is more than all that a fragment has beside media.
        let bytes = limits.segment_bytes.min(Self::REACH) / 2 / lanes as u64;
        Self { bytes, samples: (limits.fragment_samples.min(limits.box_bytes / SAMPLE) / lanes).max(1) }
    }
}

/// Up to where the track that is followed goes: its next sample, and when that is presented.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    pub(super) index: usize,
    ticks: i64,
    timescale: u32,
}

/// A track of which samples up to some point have been taken.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) track: &'a TrackInfo,
    samples: &'a [Sample],
    next: usize,
    groups: Vec<GroupCursor>,
    divided: bool,
}

/// Runs of one `sbgp` that lie ahead.
#[derive(Clone, Debug)]
struct GroupCursor {
    grouping: [u8; 4],
    parameter: Option<u32>,
    runs: VecDeque<(u32, u32)>,
}

impl<'a> Lane<'a> {
    pub(super) fn new(track: &'a TrackInfo, samples: &'a [Sample], groups: Vec<SampleGroups>) -> Self {
        let groups = groups
            .into_iter()
            .map(|groups| GroupCursor {
                grouping: groups.grouping,
                parameter: groups.parameter,
                runs: groups.runs.into(),
            })
            .collect();
        Self { track, samples, next: 0, groups, divided: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.samples.len()
    }

    pub(super) fn samples(&self, piece: &Piece) -> &'a [Sample] {
        self.samples.get(piece.clone()).unwrap_or_default()
    }

    fn ahead(&self) -> &'a [Sample] {
        self.samples.get(self.next..).unwrap_or_default()
    }

    /// Where the track is to be cut if it is the one that is followed: at the first key frame behind the span.
    pub(super) fn lead_until(&self) -> Until {
        let ahead = self.ahead();
        let start = ahead.first().map_or(0, |sample| sample.dts);
        let span = SPAN.saturating_mul(self.track.timescale.get().into());
        let found = ahead.iter().skip(1).position(|s| s.sync && s.dts.saturating_sub(start) >= span);
        let (index, dts) = match found.and_then(|at| Some((self.next + 1 + at, ahead.get(at + 1)?))) {
            Some((index, sample)) => (index, sample.dts),
            None => (self.samples.len(), ahead.last().map_or(start, |s| s.dts.saturating_add(s.duration.into()))),
        };
        Until { index, ticks: self.presented(dts), timescale: self.track.timescale.get() }
    }

    /// Decode times are compared as they would be presented: edit lists put tracks beside each other.
    fn presented(&self, dts: i64) -> i64 {
        dts.saturating_add(self.track.edit.shift())
    }

    /// The first sample from which decoding can start that is not before a time.
    pub(super) fn index_at(&self, until: &Until) -> usize {
        let scale = i128::from(self.track.timescale.get());
        let limit = i128::from(until.ticks) * scale;
        let due = |sample: &Sample| {
            let time = i128::from(self.presented(sample.dts)) * i128::from(until.timescale);
            sample.sync && time.cmp(&limit) != Ordering::Less
        };
        self.ahead().iter().position(due).map_or(self.samples.len(), |at| self.next + at)
    }

    /// Takes the samples up to `end`, divided where one `traf` cannot hold them: at a jump of decode times and at
    /// another sample description; beyond the limits; and, beside the track that is followed, where it takes long.
    pub(super) fn take(&mut self, end: usize, lead: bool, cut: &Cut, warnings: &mut Vec<Warning>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut start = self.next;
        let mut bytes = 0_u64;
        let long = BESIDE.saturating_mul(self.track.timescale.get().into());
        let samples = self.samples.get(..end).unwrap_or(self.samples);
        let mut previous: Option<&Sample> = None;
        for (index, sample) in samples.iter().enumerate().skip(self.next) {
            if let Some(before) = previous {
                let first = samples.get(start).map_or(0, |first| first.dts);
                let breaks = before.dts.checked_add(before.duration.into()) != Some(sample.dts)
                    || before.description != sample.description;
                let full = bytes.saturating_add(sample.size.into()) > cut.bytes || index - start >= cut.samples;
                let late = !lead && sample.sync && sample.dts.saturating_sub(first) >= long;
                if full && !breaks && !sample.sync && !self.divided {
                    self.divided = true;
                    let message =
                        format!("a group of pictures of {} is more than one fragment", track_name(self.track));
                    warnings.push(Warning::new("M004", Place::Byte(sample.offset), message));
                }
                if breaks || full || late {
                    pieces.push(start..index);
                    start = index;
                    bytes = 0;
                }
            }
            bytes = bytes.saturating_add(sample.size.into());
            previous = Some(sample);
        }
        if start < samples.len() {
            pieces.push(start..samples.len());
        }
        self.next = samples.len().max(self.next);
        pieces
    }

    /// The groups of the next samples; pieces are written in their order.
    pub(super) fn take_groups(&mut self, samples: usize) -> Vec<SampleGroups> {
        self.groups.iter_mut().filter_map(|cursor| cursor.take(samples)).collect()
    }
}

impl GroupCursor {
    /// `None` behind the last run: whatever holds for samples that no run mentions holds then.
    fn take(&mut self, samples: usize) -> Option<SampleGroups> {
        let mut left = u32::try_from(samples).unwrap_or(u32::MAX);
        let mut runs = Vec::new();
        while left > 0 {
            let Some((count, index)) = self.runs.front_mut() else { break };
            let taken = left.min(*count);
            if taken > 0 {
                runs.push((taken, *index));
            }
            left -= taken;
            *count -= taken;
            if *count == 0 {
                self.runs.pop_front();
            }
        }
        (!runs.is_empty()).then_some(SampleGroups { grouping: self.grouping, parameter: self.parameter, runs })
    }
}
