//! Where media belongs on the title's timeline.
//!
//! DASH says it (`presentationTimeOffset`, period starts). An HLS playlist has only durations: the
//! media of each discontinuity domain counts from somewhere, and all renditions of a domain from the
//! same (rfc8216bis 6.3.3). So the first media of a domain says for all of it where that is, and the
//! leading stream (the picture, where there is one) has the word.
//!
//! That holds for what is muxed too: a title whose sound begins well before its first picture begins with the
//! picture, and the sound before it is left out, which is told. Packagers count the durations of a playlist in
//! pictures and cut segments at them, so only then do the playlist's times, and seeks by them, lead to the pictures
//! that the playlist means; and a variant that has the same sound in a playlist of its own is put by the same
//! picture, so that switching between the two moves nothing. Beginning with the sound would show no picture for so
//! long and put every boundary of the playlist that much too early.

use telecine_model::{Error, ErrorCode, MediaTime, TrackKind};

use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::media::{container_time, FragmentTrack};
use crate::stream::{SegmentFetch, Stream};

/// Media timestamps this close to what is expected are right as they are: playlists round, and
/// an offset of a rounding error would only smear exact times.
pub(crate) const OFFSET_TOLERANCE: MediaTime = MediaTime::from_millis(250);

/// What is nearer to its place is a gap or a rounding error, however short its segment is.
const LEAST_LEAP: MediaTime = MediaTime::from_secs(1);

/// Media that was found ahead of its place, and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leap {
    segment: u64,
    by: MediaTime,
}

impl Leap {
    /// Whether another segment is as far from its place. The same one, of another rendition too, comes from the same encoder
    /// and packager, and is no second witness.
    fn confirms(&self, other: &Self, tolerance: MediaTime) -> bool {
        self.segment != other.segment && self.by.abs_diff(other.by) <= tolerance
    }
}

impl Engine {
    /// What is added to container times.
    pub(crate) fn offset(
        &mut self,
        stream: &mut Stream,
        fetch: &SegmentFetch,
        container_start: MediaTime,
    ) -> MediaTime {
        if let Some(offset) = self.stated_offset(fetch) {
            return offset;
        }
        let offset = match self.agreed_offset(stream, fetch, container_start) {
            Some(offset) => offset,
            None => self.own_offset(stream, fetch, container_start),
        };
        let before = self.title.offsets.insert(fetch.discontinuity, offset);
        if before.is_some_and(|before| before != offset) {
            self.drop_displaced(stream);
        }
        offset
    }

    /// Media goes elsewhere than before a seek: what is still there from then would be in its way.
    fn drop_displaced(&mut self, stream: &mut Stream) {
        for stream in self.streams.values_mut().filter(|other| other.is_essential()).chain([stream]) {
            self.qoe.wasted(stream.buffer.clear());
            for kind in stream.outputs.iter().copied() {
                self.outbox.push(Action::Sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX }));
            }
        }
    }

    /// Whether the offset of a fragment is known, or this stream may say it. If not, the leading stream
    /// will.
    pub(crate) fn knows_timeline(&self, kind: TrackKind, found: &[FragmentTrack]) -> bool {
        if kind == TrackKind::Video || !self.is_hls() {
            return true;
        }
        let Some(stream) = self.streams.get(&kind) else { return true };
        let Some(fetch) = &stream.fetch else { return true };
        let Some(start) = self.own_start(stream, fetch, found) else { return true };
        self.agreed_offset(stream, fetch, start).is_some() || !self.awaits_leader(fetch)
    }

    /// Whether a fragment is of another time than its segment has in the manifest and behind what came before: it is of
    /// another object than the manifest means, its bytes are damaged, or timestamps jump where nothing says so. Some error
    /// if so. Back in time that is always refused: the samples are there already. What lies ahead of its place is believed
    /// when the next segment that comes is as far ahead: then the timestamps did jump.
    pub(crate) fn is_elsewhere(&mut self, kind: TrackKind, found: &[FragmentTrack]) -> Option<Error> {
        let stream = self.streams.get(&kind)?;
        let fetch = stream.fetch.as_ref()?;
        let begun = stream.buffer.loaded(fetch.load).filter(|_| fetch.appended > 0);
        let shift = match begun {
            Some(item) => item.start - item.media_start,
            None => {
                stream.shift.filter(|_| fetch.appended == 0 && stream.discontinuity == Some(fetch.discontinuity))?
            }
        };
        let container_start = self.own_start(stream, fetch, found)?;
        let offset = match self.stated_offset(fetch) {
            Some(offset) => offset,
            None => self.agreed_offset(stream, fetch, container_start)?,
        };
        let start = container_start + offset;
        let expected = begun.map_or(fetch.start - shift, |item| item.media_end);
        let half = (fetch.end - fetch.start).mul_ratio(1, 2).max(SEAM + SEAM);
        // Where durations do not add up, media is where it follows from what was before; the manifest may be right all the
        // same, behind media that was not where it belongs.
        let back = start + half < fetch.start - shift && start + half < fetch.start;
        // What is longer than announced goes on behind the end of its segment, and of what grows the end is not known.
        let grows = begun.is_some() || fetch.part.is_some() || fetch.open.is_some();
        let beyond = if grows { self.segment_duration(stream).max(half) } else { MediaTime::ZERO };
        let end = fetch.end.max(fetch.start + LEAST_LEAP) + beyond;
        let ahead = start >= end - shift && start >= end;
        let message = match (back, ahead) {
            (true, _) => "the segment's media is of a time before: it is another one's, or its timestamps begin anew",
            (_, true) => {
                "the segment's media is of a time far ahead: it is another one's, or its timestamps are damaged"
            }
            _ => return None,
        };
        let error = Error::new(ErrorCode::TimestampInvalid, message);
        let error = error.fact("expected", expected).fact("found", start);
        let leap = Leap { segment: fetch.number, by: start - expected };
        let stream = self.streams.get_mut(&kind)?;
        let confirmed = ahead && stream.leap.replace(leap).is_some_and(|before| before.confirms(&leap, half));
        (!confirmed).then_some(error)
    }

    /// Where the media of a stream's own kind begins in a fragment, as its container counts; None if it has none.
    pub(crate) fn own_start(
        &self,
        stream: &Stream,
        fetch: &SegmentFetch,
        found: &[FragmentTrack],
    ) -> Option<MediaTime> {
        let own = self.init_of(stream, fetch)?.tracks.iter().filter(|track| track.kind == stream.kind);
        let mut starts = own.filter_map(|track| {
            let part = found.iter().find(|part| part.id == track.id)?;
            Some(container_time(track, part.start))
        });
        starts.next()
    }

    /// What is added to container times, where the manifest says it.
    pub(crate) fn stated_offset(&self, fetch: &SegmentFetch) -> Option<MediaTime> {
        if !self.is_dash() {
            return None;
        }
        let index = self.rendition(fetch.rendition).and_then(|r| r.segments.known());
        Some(index.map_or(MediaTime::ZERO, |index| {
            index.origin - MediaTime::from_ticks(index.presentation_offset, index.table.timescale())
        }))
    }

    /// The offset that is in force for media, if there is one that fits it.
    pub(crate) fn agreed_offset(
        &self,
        stream: &Stream,
        fetch: &SegmentFetch,
        container_start: MediaTime,
    ) -> Option<MediaTime> {
        let exact = fetch.start - container_start;
        let Some(offset) = self.title.offsets.get(&fetch.discontinuity).copied() else {
            let before = self.title.offsets.range(..fetch.discontinuity).next_back().map(|(_, offset)| *offset);
            // Timestamps that go on through a discontinuity follow what is there; others have an offset of their own.
            let end = stream.buffer.media_ending_at(fetch.start);
            let follows = |offset: &MediaTime| end.is_none_or(|end| end.abs_diff(container_start + *offset) <= SEAM);
            let fits = |offset: &MediaTime| exact.abs_diff(*offset) <= OFFSET_TOLERANCE && follows(offset);
            return before.or(Some(MediaTime::ZERO)).filter(fits);
        };
        // Durations that are wrong add up: media that follows media is right, whatever the playlist says.
        // So is what others of its domain were put by since playback was here.
        let follows = stream.buffer.has_end_at(container_start + offset);
        let begun = fetch.appended > 0 || stream.anchored == Some(fetch.discontinuity);
        let shared = self.streams.values().any(|other| {
            other.kind != stream.kind && other.is_essential() && other.anchored == Some(fetch.discontinuity)
        });
        (begun || follows || shared || exact.abs_diff(offset) <= OFFSET_TOLERANCE).then_some(offset)
    }

    /// The first media of a domain is put where the playlist has it; where it follows media that is
    /// there, behind the last sample of that, so that the playlist's rounding does not add up.
    fn own_offset(&self, stream: &Stream, fetch: &SegmentFetch, container_start: MediaTime) -> MediaTime {
        let exact = fetch.start - container_start;
        let behind = stream.buffer.media_ending_at(fetch.start).map(|end| end - container_start);
        behind.filter(|behind| behind.abs_diff(exact) <= SEAM).unwrap_or(exact)
    }

    /// Whether the picture will come to where a segment of another kind is.
    fn awaits_leader(&self, fetch: &SegmentFetch) -> bool {
        let leads = |video: &&Stream| !video.absent && !video.ended && video.period == fetch.rendition.period;
        let Some(video) = self.streams.get(&TrackKind::Video).filter(leads) else { return false };
        let from = self.needed_from(video);
        // While nothing plays, a picture that is not on its way has no room to come.
        let comes = self.playback.is_advancing()
            || video.fetch.is_some()
            || video.awaits.is_some()
            || self.requests.is_retrying(TrackKind::Video);
        comes && video.next_time(from) < fetch.end
    }
}
