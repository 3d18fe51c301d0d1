//! What is asked for: what each request is for, and those that are under way.

use std::sync::Arc;
use std::time::Duration;

use telecine_container::SegmentIndexBox;
use telecine_delivery::RequestClass;
use telecine_model::protection::KeyMethod;
use telecine_model::{uri, SortedMap, Timestamp, TrackKind};
use zeroize::Zeroizing;

use crate::action::{FetchRequest, Validators};
use crate::input::{RequestId, ResponseHead};
use crate::media::{MediaReader, Piece};
use crate::stream::{InitKey, RenditionRef};

/// Whoever was asked last may not have answered for less.
const DOWN: Duration = Duration::from_secs(3);

/// Longer entity tags and dates are not sent back.
const LONGEST_VALIDATOR: usize = 512;

/// What a request's answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The title's manifest.
    Manifest,
    /// A remote element of the manifest, by its place in the list.
    Remote(usize),
    /// A rendition's media playlist.
    Playlist(RenditionRef),
    /// A rendition's segment index.
    Index(RenditionRef),
    /// A newer version of a live MPD.
    Refresh,
    /// A patch of it.
    Patch,
    /// What time it is.
    Clock,
    /// An initialisation section for a kind's stream.
    Init(TrackKind, InitKey),
    /// The segment that a kind's stream is fetching.
    Segment(TrackKind),
    /// The same, not answered and asked for once more: whichever is answered first is taken.
    Unanswered(TrackKind),
    /// A key file of whole segments, under the method that they are encrypted by.
    KeyFile(Arc<str>, KeyMethod),
    /// A request of key sessions, by their number of it.
    Licence(u64),
}

impl Purpose {
    /// Nobody may see the answer.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::KeyFile(..) | Self::Licence(_))
    }
}

/// A line that brings nothing for so long is down.
const SILENCE: Duration = Duration::from_millis(500);

/// Since when a line brings what comes as it is made more slowly than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldUp {
    pub(crate) since: Timestamp,
    /// Bytes that had come then.
    pub(crate) from: u64,
    /// When anything came last.
    pub(crate) heard: Timestamp,
    /// It is sure that it is the line, and the estimator was told.
    pub(crate) sure: bool,
}

impl HeldUp {
    /// A line that brings nothing for so long is down: how fast it is shows from what it brings then.
    pub(crate) fn is_silent(&self, now: Timestamp) -> bool {
        now.since(self.heard) >= SILENCE
    }
}

/// A request under way.
pub(crate) struct Request {
    pub(crate) purpose: Purpose,
    pub(crate) fetch: FetchRequest,
    pub(crate) started: Timestamp,
    /// Since when, and from how many bytes on, it is watched for bringing enough.
    pub(crate) watched: (Timestamp, u64),
    /// When anything came of it last, or it was made.
    pub(crate) heard: Timestamp,
    /// How often in a row what it is for hung, if it was given up for that.
    pub(crate) hung: Option<u32>,
    pub(crate) head: Option<ResponseHead>,
    pub(crate) first_byte: Option<Timestamp>,
    /// It comes as it is made.
    pub(crate) paced: bool,
    /// It was asked for before it was there: its wait is none of the network's.
    pub(crate) held: bool,
    /// It comes as it is made, and is behind its source: the line holds it up.
    pub(crate) held_up: Option<HeldUp>,
    /// Since when its source has had no more, if it comes as it is made.
    pub(crate) idle: Option<Timestamp>,
    /// When more came after that.
    pub(crate) waited: Option<Timestamp>,
    pub(crate) received: u64,
    /// Bytes that other requests got from the same server since its first byte.
    pub(crate) beside: u64,
    /// Body of a text or of an error answer.
    pub(crate) body: Vec<u8>,
    /// Body of a secret answer: wiped, never recorded.
    pub(crate) secret: Zeroizing<Vec<u8>>,
    /// Reads indexes and initialisation sections.
    pub(crate) reader: Option<MediaReader>,
    pub(crate) pieces: Vec<Piece>,
    /// Parts of a hierarchical segment index that earlier requests brought.
    pub(crate) carried: Vec<SegmentIndexBox>,
}

impl Request {
    pub(crate) fn is_error(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.is_success())
    }

    /// What is known already is as it was.
    pub(crate) fn is_unmodified(&self) -> bool {
        !self.fetch.known.is_empty() && self.head.as_ref().is_some_and(|head| head.status == 304)
    }

    /// By what the next answer to the same can be told from this one. Long ones are nobody's.
    pub(crate) fn validators(&self) -> Validators {
        let bounded = |value: &Option<String>| value.clone().filter(|value| value.len() <= LONGEST_VALIDATOR);
        let head = self.head.as_ref();
        Validators {
            etag: head.and_then(|head| bounded(&head.etag)),
            last_modified: head.and_then(|head| bounded(&head.last_modified)),
        }
    }

    /// Playback cannot go on without its answer, or an equivalent one: subtitles and remote elements
    /// are left out instead.
    pub(crate) fn is_vital(&self) -> bool {
        self.fetch.kind != Some(TrackKind::Text)
            && !matches!(
                self.purpose,
                Purpose::Remote(_)
                    | Purpose::KeyFile(..)
                    | Purpose::Licence(_)
                    | Purpose::Refresh
                    | Purpose::Patch
                    | Purpose::Clock
            )
    }

    /// Whether it comes as it is made.
    pub(crate) fn is_paced(&self) -> bool {
        self.paced
    }

    /// Media that comes as fast as the line gives: neither as it is made, nor from the device itself.
    pub(crate) fn tells_rate(&self) -> bool {
        self.fetch.class == RequestClass::Segment && !self.paced && !self.is_from_cache() && !self.is_error()
    }

    /// It comes from the device itself.
    fn is_from_cache(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.from_cache)
    }

    /// When the first bytes of what is coming now came, if the source had nothing before: then they came as they were made.
    pub(crate) fn waited(&self) -> Option<Timestamp> {
        self.waited
    }

    pub(crate) fn first_byte(&self) -> Option<Timestamp> {
        self.first_byte
    }

    /// URL that answered, or that was asked.
    pub(crate) fn url(&self) -> &str {
        self.head.as_ref().map_or(&self.fetch.url, |head| &head.url)
    }
}

/// Everything that is under way or waits to be tried again.
#[derive(Default)]
pub(crate) struct Requests {
    pub(crate) next: u64,
    pub(crate) active: SortedMap<RequestId, Request>,
    /// When anybody but a clock answered anything last: a whole answer, or one that flows.
    pub(crate) last_answer: Option<Timestamp>,
    /// When that which was made last of all that were answered soon was made.
    pub(crate) asked_last_of_answered: Option<Timestamp>,
    /// When somebody answered last after nobody had.
    pub(crate) back: Option<Timestamp>,
    /// Since when what was asked for was not answered, as far as requests have failed for it.
    pub(crate) silent_since: Option<Timestamp>,
    /// Failed ones that are due again.
    pub(crate) deferred: Vec<Deferred>,
}

/// A failed request that is due again.
pub(crate) struct Deferred {
    pub(crate) due: Timestamp,
    pub(crate) fetch: FetchRequest,
    pub(crate) purpose: Purpose,
    pub(crate) carried: Vec<SegmentIndexBox>,
}

impl Requests {
    /// True if one with this purpose is under way or deferred.
    pub(crate) fn has(&self, purpose: &Purpose) -> bool {
        self.active.values().any(|r| r.purpose == *purpose) || self.deferred.iter().any(|d| d.purpose == *purpose)
    }

    /// True if a failed request of this kind's stream waits to be tried again.
    pub(crate) fn is_retrying(&self, kind: TrackKind) -> bool {
        self.deferred.iter().any(|d| d.fetch.kind == Some(kind))
    }

    /// Whether media of another kind than this is on its way.
    pub(crate) fn brings_media_of_another(&self, kind: Option<TrackKind>) -> bool {
        let of_essence = [TrackKind::Video, TrackKind::Audio];
        let is_other = |r: &&Request| matches!(r.purpose, Purpose::Segment(other) if Some(other) != kind && of_essence.contains(&other));
        self.active.values().filter(is_other).any(|r| r.head.as_ref().is_some_and(ResponseHead::is_success))
    }

    /// One with this purpose that is under way.
    pub(crate) fn find(&self, purpose: &Purpose) -> Option<RequestId> {
        self.active.iter().find(|(_, request)| request.purpose == *purpose).map(|(id, _)| *id)
    }

    /// Hands on what earlier requests for the same index brought.
    pub(crate) fn carry(&mut self, id: RequestId, boxes: Vec<SegmentIndexBox>) {
        if let Some(request) = self.active.get_mut(&id) {
            request.carried = boxes;
        }
    }

    /// Renditions are at other places now.
    pub(crate) fn move_periods(&mut self, moved: impl Fn(RenditionRef) -> Option<RenditionRef>) {
        let active = self.active.values_mut().map(|request| &mut request.purpose);
        for purpose in active.chain(self.deferred.iter_mut().map(|deferred| &mut deferred.purpose)) {
            if let Purpose::Playlist(reference) | Purpose::Index(reference) = purpose {
                let nowhere = RenditionRef { period: usize::MAX, ..*reference };
                *reference = moved(*reference).unwrap_or(nowhere);
            }
        }
    }

    /// Bytes came of a request: those that share its way had less of the line for it.
    pub(crate) fn note_shared(&mut self, id: RequestId, bytes: u64) {
        // Taken out, so that it may be compared with the others while those change.
        let Some(of) = self.active.remove(&id) else { return };
        if !of.is_from_cache() {
            let begun = self.active.values_mut().filter(|other| other.first_byte.is_some());
            for other in begun.filter(|other| uri::same_origin(other.url(), of.url())) {
                other.beside = other.beside.saturating_add(bytes);
            }
        }
        self.active.insert(id, of);
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<&Request> {
        self.active.get(&id)
    }

    /// Whether nobody has answered anything for most of some time until now.
    pub(crate) fn is_dead_for_most_of(&self, time: Duration, now: Timestamp) -> bool {
        now.since(self.last_answer.unwrap_or(Timestamp::ZERO)) >= time / 2
    }

    /// Somebody answered.
    pub(crate) fn note_answer(&mut self, now: Timestamp) {
        if self.is_down(now) {
            self.back = Some(now);
        }
        self.last_answer = Some(now);
    }

    /// Whether nobody has answered for so long that the line is down, and not one server.
    pub(crate) fn is_down(&self, now: Timestamp) -> bool {
        self.silent_since().is_some_and(|since| now.since(since) >= DOWN)
    }

    /// Since when nobody answers, if that is so.
    pub(crate) fn silent_since(&self) -> Option<Timestamp> {
        self.silent_since.filter(|since| self.last_answer.is_none_or(|answer| answer <= *since))
    }

    /// Bodies of error answers are looked at no further than this.
    pub(crate) const ERROR_BODY: usize = 4096;
}
