//! One kind's media: which track, where fetching is, what is buffered.

use std::collections::VecDeque;
use std::sync::Arc;

use telecine_container::{InitSegment, StreamReader};
use telecine_model::presentation::PreloadHint;
use telecine_model::{Error, MediaTime, SortedMap, SortedSet, Timestamp, TrackKind};

use crate::action::{Format, LoadId};
use crate::again::Again;
use crate::buffer::{BufferMap, Item};
use crate::entry::Entry;
use crate::input::{Body, RequestId};
use crate::keys::{Configured, Cover, Lock, NeedId, Source};
use crate::media::{InitTrack, MediaReader, Piece};
use crate::put_off::PutOff;
use crate::select::Step;
use crate::texts::ReadText;
use crate::timed::Asides;
use crate::timeline::Leap;

/// Names a rendition of the presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RenditionRef {
    pub(crate) period: usize,
    pub(crate) track: usize,
    pub(crate) rendition: usize,
}

/// A segment of a rendition, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) rendition: RenditionRef,
    pub(crate) number: u64,
    /// None is the whole segment.
    pub(crate) part: Option<u32>,
}

impl Cursor {
    /// Whether a segment or part of a rendition is the next one.
    fn precedes(&self, rendition: RenditionRef, number: u64, part: Option<u32>) -> bool {
        let next_part =
            self.number == number && part.is_some() && part == self.part.and_then(|part| part.checked_add(1));
        let next_segment = self.number.checked_add(1) == Some(number) && part.is_none_or(|part| part == 0);
        self.rendition == rendition && (next_part || next_segment)
    }
}

/// Names an initialisation section: where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InitKey {
    pub(crate) uri: String,
    pub(crate) range: Option<(u64, u64)>,
}

/// An initialisation section that was read.
#[derive(Clone, Debug)]
pub(crate) struct Init {
    pub(crate) tracks: Vec<InitTrack>,
    /// Absent in a replay.
    pub(crate) segment: Option<Arc<InitSegment>>,
}

/// One kind's media on its way from the network to the sink.
pub(crate) struct Stream {
    pub(crate) kind: TrackKind,
    /// Index of the period that is being fetched.
    pub(crate) period: usize,
    /// Index of the track in that period.
    pub(crate) track: usize,
    /// What may be switched between in that period, ascending.
    pub(crate) ladder: Vec<Step>,
    /// Rendition fetched last (or to be fetched first), in that period.
    pub(crate) rendition: Option<usize>,
    /// What was fetched last, if the next one continues it.
    pub(crate) cursor: Option<Cursor>,
    /// Where media is needed from.
    pub(crate) target: MediaTime,
    pub(crate) buffer: BufferMap,
    pub(crate) fetch: Option<SegmentFetch>,
    /// What was fetched before, is not answered, and may be yet.
    pub(crate) unanswered: Option<Box<SegmentFetch>>,
    /// Waits for a playlist or an index of this rendition.
    pub(crate) awaits: Option<RenditionRef>,
    /// What the sink was configured for last.
    pub(crate) configured: Option<Configured>,
    /// The initialisation that came in segments of a rendition, where the manifest names none.
    pub(crate) own_init: Option<(RenditionRef, Init)>,
    /// Reader of the segment fetched last, if it was of a stream: it knows what the next one continues.
    pub(crate) demuxer: Option<Box<StreamReader>>,
    /// Keys of what was handed on, each with the end of it.
    pub(crate) kept: VecDeque<(MediaTime, NeedId)>,
    /// There is no track of this kind in the period.
    pub(crate) absent: bool,
    /// Everything to the end was fetched.
    pub(crate) ended: bool,
    /// The sink was told so.
    pub(crate) end_told: bool,
    /// The next append does not continue the one before.
    pub(crate) broken_off: bool,
    /// Show nothing before this (precise start or seek).
    pub(crate) show_from: Option<MediaTime>,
    /// Discontinuity sequence number of the last append.
    pub(crate) discontinuity: Option<u64>,
    /// The discontinuity domain in which something was appended since the last start from elsewhere.
    pub(crate) anchored: Option<u64>,
    /// Kinds that the sink was configured for from these segments: its own, and those muxed in.
    pub(crate) outputs: Vec<TrackKind>,
    /// Until when kinds that are muxed in have media or are known to have none, since fetching last began elsewhere.
    pub(crate) muxed_until: SortedMap<TrackKind, MediaTime>,
    /// Rendition at the playhead, as last told to the application.
    pub(crate) shown: Option<RenditionRef>,
    /// The segment before had nothing of its own kind, but of what is muxed in.
    pub(crate) bare: bool,
    /// The place for which a choice was made last.
    pub(crate) explained: Option<MediaTime>,
    /// The rule's pause before the next request has been taken.
    pub(crate) paused: bool,
    /// What could not be had since something came last.
    pub(crate) lost: Lost,
    /// What the next segment is fetched in, whatever the rule says: a larger one was given up for it.
    pub(crate) settled: Option<usize>,
    /// Something of this kind was handed to the sink.
    pub(crate) delivered: bool,
    /// Something of the track that it fetches was, since it entered its period.
    pub(crate) came: bool,
    /// Why nothing more of it can be had though the title goes on.
    pub(crate) cut_short: Option<Error>,
    /// When requests for the next segment began to fail.
    pub(crate) trouble_since: Option<Timestamp>,
    /// From where media is to where the manifest has it, as of the last segment; None after a start
    /// from elsewhere.
    pub(crate) shift: Option<MediaTime>,
    /// All that is announced so far was fetched, and more will be.
    pub(crate) at_edge: bool,
    /// When a segment was asked for last.
    pub(crate) fetched: Option<Timestamp>,
    /// So many segments are still to be fetched to fill a buffer that ran low because the source had nothing.
    pub(crate) refill: u8,
    /// What was fetched last was another segment than its playlist's times had promised; they are right now.
    pub(crate) followed_media: bool,
    /// What was found ahead of its place since media was where it belongs.
    pub(crate) leap: Option<Leap>,
    /// Renditions that the next segment cannot be had in.
    pub(crate) avoid: SortedSet<usize>,
    /// The next segment was refused everywhere, and is asked for later.
    pub(crate) put_off: Option<PutOff>,
    /// Bytes that the sink has room for, if it said that it has no more.
    pub(crate) byte_limit: Option<u64>,
    /// Size of the segment that it had no room for last, until one fits.
    pub(crate) refused_bytes: u64,
    /// What waits in the buffer and is fetched again.
    pub(crate) again: Again,
}

/// Segments in a row that could not be had.
#[derive(Default)]
pub(crate) struct Lost {
    pub(crate) segments: u32,
    /// How long they are together.
    pub(crate) time: MediaTime,
    /// Why the first of them could not.
    pub(crate) cause: Option<Error>,
    /// When the first of them was left out.
    pub(crate) since: Option<Timestamp>,
    /// The first of them, if it may come yet.
    pub(crate) first: Option<Absent>,
}

/// A segment of a title that goes on that was not there soon after it was announced. Its source may be late, or it may never
/// come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absent {
    /// Where the manifest has it.
    pub(crate) start: MediaTime,
    /// How late it was when it was asked for last.
    pub(crate) by: MediaTime,
    /// It is asked for once more; if it is not there what was left out is left out again, up to here.
    pub(crate) again_to: Option<MediaTime>,
}

impl Lost {
    pub(crate) fn add(&mut self, time: MediaTime, cause: &Error, now: Timestamp) {
        self.segments = self.segments.saturating_add(1);
        self.time += time;
        self.cause.get_or_insert_with(|| cause.clone());
        self.since.get_or_insert(now);
    }

    /// Up to where is left out again what was left out, if the first of it that is asked for once more is not there.
    pub(crate) fn again_to(&self) -> Option<MediaTime> {
        self.first.and_then(|first| first.again_to)
    }
}

/// A segment on its way.
pub(crate) struct SegmentFetch {
    pub(crate) load: LoadId,
    pub(crate) rendition: RenditionRef,
    pub(crate) number: u64,
    /// Which part of it; None is the whole segment.
    pub(crate) part: Option<u32>,
    /// The hint by which it is asked for, until its playlist lists it.
    pub(crate) hinted: Option<PreloadHint>,
    /// Where decoding is to begin in it, if it is not fetched from its beginning.
    pub(crate) entry: Option<Entry>,
    /// Where in its resource it begins, if it reaches as far as that will: more than one part may come, one after the
    /// other as they are made (H075, H130).
    pub(crate) open: Option<u64>,
    /// What it begins with was listed when it was asked for: its first bytes were there.
    pub(crate) listed: bool,
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    pub(crate) discontinuity: u64,
    pub(crate) format: Format,
    pub(crate) init: Option<InitKey>,
    /// How its bytes are encrypted, by the playlist.
    pub(crate) cover: Cover,
    /// How those of the initialisation section are.
    pub(crate) init_cover: Cover,
    /// What says which keys its samples need, if the playlist does.
    pub(crate) keys: Option<Source>,
    /// The initialisation section, whole and encrypted, while its key is on its way.
    pub(crate) sealed_init: Option<Body>,
    /// The media request, while one is under way.
    pub(crate) request: Option<RequestId>,
    /// The request of the initialisation section, while one is under way.
    pub(crate) init_request: Option<RequestId>,
    pub(crate) reader: Option<MediaReader>,
    /// Bytes that arrived before the initialisation section.
    pub(crate) early: Vec<Body>,
    /// Fragments that wait for the leading stream to say where their timeline begins.
    pub(crate) held: VecDeque<Piece>,
    /// What it said beside its samples.
    pub(crate) asides: Asides,
    /// The media request is complete.
    pub(crate) complete: bool,
    /// All of it was read.
    pub(crate) read: bool,
    /// Fragments of it with samples of the stream's kind, handed to the sink.
    pub(crate) appended: u32,
    /// Those of kinds that are muxed in.
    pub(crate) muxed: u32,
    /// There was nothing of its own kind in it.
    pub(crate) bare: bool,
    /// Fragments of it that were read, whatever was in them.
    pub(crate) seen: u32,
    /// Reader of the segment before, if this one continues it and both bring their initialisation along.
    pub(crate) demuxer: Option<Box<StreamReader>>,
    pub(crate) started: Timestamp,
    /// Bytes so far.
    pub(crate) bytes: u64,
    /// Body of a text file, collected whole.
    pub(crate) text: Vec<u8>,
    /// What was found in it, once it is complete and could be read.
    pub(crate) read_text: ReadText,
    /// Fragments to leave out when the request is made again: they were appended already.
    pub(crate) skip: u32,
    /// The media cannot be read; nothing further of this request is wanted.
    pub(crate) broken: bool,
}

impl SegmentFetch {
    /// What the buffer map says of it while it arrives, with its media from one time to another.
    pub(crate) fn item(&self, media_start: MediaTime, media_end: MediaTime) -> Item {
        Item {
            start: self.start,
            end: self.end,
            media_start,
            media_end,
            load: Some(self.load),
            rendition: self.rendition.rendition,
            track: self.rendition.track,
            period: self.rendition.period,
            bytes: self.bytes,
            complete: false,
            played: false,
            hole: false,
        }
    }

    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { rendition: self.rendition, number: self.number, part: self.part }
    }

    /// How it and its initialisation section are encrypted whole.
    pub(crate) fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.cover.lock().into_iter().chain(self.init_cover.lock())
    }
}

impl Stream {
    pub(crate) fn new(kind: TrackKind, period: usize, track: usize, target: MediaTime) -> Self {
        Self {
            kind,
            period,
            track,
            ladder: Vec::new(),
            rendition: None,
            cursor: None,
            target,
            buffer: BufferMap::default(),
            fetch: None,
            unanswered: None,
            awaits: None,
            configured: None,
            own_init: None,
            demuxer: None,
            kept: VecDeque::new(),
            absent: false,
            ended: false,
            end_told: false,
            broken_off: true,
            show_from: None,
            discontinuity: None,
            anchored: None,
            outputs: vec![kind],
            muxed_until: SortedMap::new(),
            shown: None,
            bare: false,
            explained: None,
            paused: false,
            lost: Lost::default(),
            settled: None,
            delivered: false,
            came: false,
            cut_short: None,
            trouble_since: None,
            shift: None,
            at_edge: false,
            fetched: None,
            refill: 0,
            followed_media: false,
            leap: None,
            avoid: SortedSet::new(),
            put_off: None,
            byte_limit: None,
            refused_bytes: 0,
            again: Again::default(),
        }
    }

    /// Media ahead of a position, as far as it arrived.
    pub(crate) fn ahead(&self, position: MediaTime) -> MediaTime {
        self.buffer.media_until(position) - position
    }

    /// The rendition that was asked for last, in the period that is fetched; before that the one that is to be.
    pub(crate) fn requested(&self) -> Option<usize> {
        let asked = self.fetch.as_ref().map(|fetch| fetch.rendition).or(self.cursor.map(|cursor| cursor.rendition));
        let own = asked.filter(|asked| (asked.period, asked.track) == (self.period, self.track));
        own.map(|asked| asked.rendition).or(self.rendition)
    }

    /// The rendition that is fetched, with its place.
    pub(crate) fn reference(&self, rendition: usize) -> RenditionRef {
        RenditionRef { period: self.period, track: self.track, rendition }
    }

    /// What is fetched next does not follow what was fetched last, and what that could not be had in says nothing of it.
    pub(crate) fn break_off(&mut self) {
        self.cursor = None;
        self.avoid.clear();
        self.put_off = None;
        self.trouble_since = None;
        self.broken_off = true;
    }

    /// What came of a segment that breaks off is all that there is of it; gives where that ends.
    pub(crate) fn keep_what_came(&mut self, fetch: &SegmentFetch) -> MediaTime {
        let Some(item) = self.buffer.get_mut(fetch.start) else { return fetch.start };
        let shift = item.start - item.media_start;
        item.complete = true;
        item.end = (item.media_end + shift).max(item.start).min(item.end);
        self.shift = Some(shift);
        item.end
    }

    /// The rest of a segment is fetched in another rendition than what came of it.
    pub(crate) fn look_for_the_rest(&mut self) {
        self.cursor = None;
        self.broken_off = true;
    }

    /// Whether playback waits for this kind: subtitles never hold up the picture.
    pub(crate) fn is_essential(&self) -> bool {
        matches!(self.kind, TrackKind::Video | TrackKind::Audio)
    }

    /// Where fetching goes on, as the manifest has it, if media is needed from a position on.
    pub(crate) fn next_time(&self, from: MediaTime) -> MediaTime {
        self.buffer.fetched_until(from).unwrap_or(from + self.shift.unwrap_or_default())
    }

    /// Whether a segment or part is the one behind that which was fetched last.
    pub(crate) fn follows(&self, rendition: RenditionRef, number: u64, part: Option<u32>) -> bool {
        self.cursor.is_some_and(|cursor| cursor.precedes(rendition, number, part))
    }

    /// Whether it has all that there is so far.
    pub(crate) fn waits_at_edge(&self) -> bool {
        self.at_edge && self.fetch.as_ref().is_none_or(|fetch| fetch.hinted.is_some() || fetch.open.is_some())
    }

    /// What is fetched next does not follow from what was fetched last.
    pub(crate) fn fetch_elsewhere(&mut self) {
        self.cursor = None;
        self.muxed_until.clear();
        self.ended = false;
        self.end_told = false;
        self.cut_short = None;
        self.broken_off = true;
    }

    /// Nothing of it is left to play from a position on.
    pub(crate) fn is_over(&self, position: MediaTime, tolerance: MediaTime) -> bool {
        self.ended && self.ahead(position) <= tolerance && self.buffer.next_media(position).is_none()
    }

    /// Fetches anew what is needed from a position on at which playback goes on: where media is and where the
    /// manifest has it stays as far apart as it was.
    pub(crate) fn resume(&mut self, position: MediaTime) {
        let (anchored, shift) = (self.anchored, self.shift);
        self.restart(position);
        (self.anchored, self.shift) = (anchored, shift);
    }

    /// Starts over from a position: nothing in flight, nothing known to follow.
    pub(crate) fn restart(&mut self, position: MediaTime) {
        self.target = position;
        self.cursor = None;
        self.muxed_until.clear();
        self.awaits = None;
        self.ended = false;
        self.end_told = false;
        self.cut_short = None;
        self.broken_off = true;
        self.explained = None;
        self.paused = false;
        self.lost = Lost::default();
        self.trouble_since = None;
        self.avoid.clear();
        self.put_off = None;
        self.settled = None;
        self.anchored = None;
        self.shift = None;
        self.at_edge = false;
        self.refill = 0;
        self.followed_media = false;
        self.leap = None;
        self.again = Again::default();
    }
}
