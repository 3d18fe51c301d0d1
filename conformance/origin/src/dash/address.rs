//! Segment addresses: templates with numbers or times, lists, and byte ranges of one file.

use std::ops::Range;
use std::sync::Arc;

use crate::programme::{fragment, start};
use crate::single;
use crate::title::{Ticks, Track};

use super::xml::Xml;
use super::{Addressing, Scope};

impl Scope<'_> {
    /// The segments of a rendition in this period.
    fn segments(&self, track: &Track) -> Range<u64> {
        if self.programme.edge.is_none() {
            return self.programme.within(track, &self.range);
        }
        let named = self.programme.first_segment(track)..self.programme.segments(track);
        if !self.programme.has_periods() {
            return named;
        }
        let own = self.programme.within(track, &self.range);
        let from = named.start.max(own.start);
        from..named.end.min(own.end).max(from)
    }

    /// Media time of the start of the period.
    pub(super) fn offset(&self, track: &Track) -> u64 {
        let base = track.fragments[0].decode_time;
        let (before, behind) = self.programme.shift(self.index);
        let shift = |time: Ticks| time.floor_in(track.timescale);
        // Where media times begin anew, no segment lies before the period by more than it may.
        let time = base + self.programme.media_start(track.timescale) + shift(self.start);
        (time + shift(behind)).saturating_sub(shift(before))
    }

    fn offset_attr(&self, xml: &mut Xml, track: &Track) {
        let offset = self.offset(track);
        xml.maybe("presentationTimeOffset", (offset > 0).then_some(offset));
    }

    /// The template of a rendition, or of all that share its times; nothing where addresses are listed or indexed.
    pub(super) fn template(&self, xml: &mut Xml, track: &Track, id: &str) {
        let media = match self.addressing {
            // A time that comes again needs to be told from itself.
            Addressing::Time if self.programme.repeats_times() => format!("{id}/p{}-t$Time$.m4s", self.index),
            Addressing::Time => format!("{id}/t$Time$.m4s"),
            Addressing::Number | Addressing::TimelineNumber => format!("{id}/$Number$.m4s"),
            Addressing::List | Addressing::OnDemand => return,
        };
        let segments = self.segments(track);
        xml.start("SegmentTemplate").attr("timescale", track.timescale);
        self.offset_attr(xml, track);
        if let Some(early) = self.programme.edge.map(|edge| edge.early_ms).filter(|early| *early > 0) {
            let (seconds, ms) = (early / 1000, early % 1000);
            xml.attr("availabilityTimeOffset", format!("{seconds}.{ms:03}")).attr("availabilityTimeComplete", false);
        }
        if self.addressing == Addressing::Number {
            xml.attr("duration", self.programme.nominal(track));
        }
        if self.addressing != Addressing::Time {
            // Of a programme that goes on, numbers with durations are counted from its start.
            let counted = self.programme.edge.is_some() && self.addressing == Addressing::Number;
            let own = || self.programme.first_from(track, self.range.start);
            let first = if counted { own() } else { segments.start };
            xml.attr("startNumber", self.programme.number(track, first));
        }
        xml.attr("initialization", format!("{id}/init.mp4")).attr("media", media);
        if self.addressing != Addressing::Number {
            self.timeline(xml, track, segments);
        }
        xml.end();
    }

    fn timeline(&self, xml: &mut Xml, track: &Track, segments: Range<u64>) {
        xml.start("SegmentTimeline");
        // (time, duration, how many more), the time only where it does not follow from the segment before.
        let mut run: Option<(Option<u64>, u64, u64)> = None;
        let mut expected = None;
        let mut write = |run: Option<(Option<u64>, u64, u64)>| {
            if let Some((time, duration, repeats)) = run {
                xml.start("S").maybe("t", time).attr("d", duration);
                xml.maybe("r", (repeats > 0).then_some(repeats)).end();
            }
        };
        for n in segments {
            let (time, duration) = (self.programme.media_time(track, n), fragment(track, n).duration);
            let jump = (expected != Some(time)).then_some(time);
            expected = Some(time + duration);
            run = match run {
                Some((t, d, r)) if jump.is_none() && d == duration => Some((t, d, r + 1)),
                before => {
                    write(before);
                    Some((jump, duration, 0))
                }
            };
        }
        write(run);
        xml.end();
    }

    /// The addresses that belong to one rendition: its list, or its file with an index.
    pub(super) fn own_addresses(&self, xml: &mut Xml, track: &Arc<Track>) {
        let segments = self.segments(track);
        match self.addressing {
            Addressing::Number | Addressing::Time | Addressing::TimelineNumber => {}
            Addressing::List => {
                xml.start("SegmentList").attr("timescale", track.timescale);
                self.offset_attr(xml, track);
                let even = segments.clone().all(|n| start(track, n) == n * self.programme.nominal(track));
                if even {
                    xml.attr("duration", self.programme.nominal(track));
                }
                xml.start("Initialization").attr("sourceURL", format!("{}/init.mp4", track.id)).end();
                if !even {
                    self.timeline(xml, track, segments.clone());
                }
                for n in segments {
                    let media = format!("{}/{}.m4s", track.id, self.programme.number(track, n));
                    xml.start("SegmentURL").attr("media", media).end();
                }
                xml.end();
            }
            Addressing::OnDemand => {
                let layout = single::layout(self.programme, track, segments);
                xml.leaf("BaseURL", &self.file(&track.id, "mp4"));
                xml.start("SegmentBase").attr("timescale", track.timescale);
                self.offset_attr(xml, track);
                xml.attr("indexRangeExact", "true").attr("indexRange", range(&layout.index));
                xml.start("Initialization").attr("range", range(&layout.init)).end().end();
            }
        }
    }
}

/// First and last byte.
fn range(bytes: &Range<u64>) -> String {
    format!("{}-{}", bytes.start, bytes.end - 1)
}
