//! One stream of timed metadata: `emsg` boxes, ID3 tags, DASH event streams, HLS date ranges.
//!
//! Each event is told once as it becomes [known](crate::TimedPhase::Known), however often it is repeated, and
//! then as the playhead [enters](crate::TimedPhase::Entered) and [leaves](crate::TimedPhase::Left) it. See
//! [`Event::TimedMetadata`].

mod dates;
mod store;

use std::collections::BTreeMap;

use telecine_container::{EventMessage, EventTime, TimedMetadata};
use telecine_model::events::{self, DateRange};
use telecine_model::hash::Fnv1a;
use telecine_model::{timed, EventCarrier, EventPayload, MediaTime, TimedEvent, TrackKind};

use self::dates::DateMap;
pub use self::store::TimedKey;
use self::store::{EventStore, Happening, Identity};
use crate::engine::Engine;
use crate::event::{Event, State};
use crate::media::Aside;
use crate::stream::RenditionRef;
use crate::timer::Timer;

/// The timed metadata of a title.
#[derive(Default)]
pub(crate) struct Timed {
    store: EventStore,
    /// Up to where the playhead has been followed; None where it comes from elsewhere.
    reached: Option<MediaTime>,
}

/// What a segment said beside its samples, until it is known where on the timeline it belongs.
#[derive(Default)]
pub(crate) struct Asides {
    pub(crate) waiting: Vec<Aside>,
    pub(crate) placed: Option<Placed>,
}

/// Where a segment is on the timeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// What is added to container times.
    pub(crate) offset: MediaTime,
    /// Presentation time of its first sample.
    pub(crate) start: MediaTime,
}

impl Timed {
    /// The playhead goes elsewhere: what lies between is not passed.
    pub(crate) fn leave(&mut self) {
        self.reached = None;
    }
}

impl Asides {
    /// Notes where the media of the segment went.
    pub(crate) fn place(&mut self, offset: MediaTime, start: MediaTime) {
        let first = self.placed.map_or(start, |placed| placed.start.min(start));
        self.placed = Some(Placed { offset, start: first });
    }
}

/// Ticks of 90 kHz after which the time of a stream repeats.
const WRAP: i64 = 1 << 33;

impl Engine {
    /// Every timed event that is known, by its start.
    pub fn timed_events(&self) -> impl Iterator<Item = (TimedKey, &TimedEvent)> {
        self.title.timed.store.iter().map(|(key, event)| (key, &**event))
    }

    /// Reads the event streams of an MPD.
    pub(crate) fn learn_event_streams(&mut self) {
        let periods = self.title.presentation.as_ref().map(|presentation| &presentation.periods);
        let mut found = Vec::new();
        for period in periods.into_iter().flatten() {
            for stream in &period.event_streams {
                found.extend(stream.events.iter().map(|event| of_manifest(period.start, stream, event)));
            }
        }
        for (identity, event) in found {
            self.learn(identity, event);
        }
    }

    /// Reads the date ranges of a playlist. Without a date in it nobody knows when they are.
    pub(crate) fn learn_date_ranges(&mut self, reference: RenditionRef) {
        let Some(ranges) = self.title.playlists.get(&reference).map(|info| &info.date_ranges) else { return };
        if ranges.is_empty() {
            return;
        }
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known());
        let Some(map) = index.and_then(DateMap::of) else { return };
        let found: Vec<_> = ranges.iter().map(|range| of_date_range(range, &map)).collect();
        for (identity, event) in found {
            self.learn(identity, event);
        }
    }

    /// Keeps what the reader of a kind's segment found beside the samples.
    pub(crate) fn keep_asides(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        let Some(reader) = &mut fetch.reader else { return };
        let mut faults = Vec::new();
        for aside in reader.take_asides() {
            match aside {
                // Faults are of no time, and are told too if nothing of the segment can be used.
                Aside::Warning(warning) => faults.push(warning),
                other => fetch.asides.waiting.push(other),
            }
        }
        let (reference, number) = (fetch.rendition, fetch.number);
        for warning in faults {
            self.tolerate(kind, reference, number, warning);
        }
    }

    /// Hands on what a kind's segment said beside its samples, as far as it is known where that belongs.
    pub(crate) fn hand_on_asides(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        let Some(placed) = fetch.asides.placed else { return };
        let (reference, discontinuity) = (fetch.rendition, fetch.discontinuity);
        for aside in std::mem::take(&mut fetch.asides.waiting) {
            let scope = self.scope(reference, discontinuity);
            match aside {
                Aside::Event(message) if self.is_announced(reference, &message) => {
                    self.look_at_validity(&message.scheme, &message.value, &message.message);
                    let (identity, event) = of_message(message, scope, placed);
                    self.learn(identity, event);
                }
                Aside::Event(_) | Aside::Warning(_) => {}
                Aside::Tag(tag) => {
                    let (identity, event) = of_tag(tag, scope, placed);
                    self.learn(identity, event);
                }
                Aside::Captions(captions) => {
                    self.take_captions(kind, captions.time + placed.offset, &captions.triplets);
                }
            }
        }
    }

    /// What ids of events are unique in: the period, or the discontinuity domain.
    fn scope(&self, reference: RenditionRef, discontinuity: u64) -> i64 {
        let presentation = self.title.presentation.as_ref().filter(|_| self.is_dash());
        match presentation.and_then(|presentation| presentation.periods.get(reference.period)) {
            Some(period) => period.start.units(),
            None => i64::try_from(discontinuity).unwrap_or(i64::MAX),
        }
    }

    /// In DASH, boxes of schemes that the manifest does not announce are to be ignored (ISO/IEC 23009-1,
    /// 5.10.3.3.1).
    fn is_announced(&self, reference: RenditionRef, message: &EventMessage) -> bool {
        if !self.is_dash() {
            return true;
        }
        let announced = self.track(reference.period, reference.track).map(|track| &track.inband_events);
        announced.into_iter().flatten().any(|descriptor| {
            descriptor.scheme == message.scheme
                && descriptor.value.as_ref().is_none_or(|value| value.is_empty() || *value == message.value)
        })
    }

    fn learn(&mut self, identity: Identity, event: TimedEvent) {
        if let Some(happening) = self.title.timed.store.insert(identity, event, &self.config.limits) {
            self.tell(happening);
        }
    }

    fn tell(&mut self, Happening { phase, key, event }: Happening) {
        self.emit_aside(Event::TimedMetadata { at: self.now, phase, key, event });
    }

    /// Follows the playhead, and wakes when it comes to the next event.
    pub(crate) fn follow_timed_events(&mut self) {
        let follows = matches!(self.playback.state, State::Playing | State::Paused | State::Rebuffering | State::Ended);
        if !follows || self.playback.seek.is_some() || !self.playback.started {
            // A seek that was asked for goes elsewhere; one for another track stays where it is.
            if self.playback.seek.is_some_and(|seek| seek.asked) || !self.playback.started {
                self.title.timed.reached = None;
            }
            self.timers.clear(Timer::TimedEvent);
            return;
        }
        let position = self.position();
        let timed = &mut self.title.timed;
        if timed.reached != Some(position) || !timed.store.is_settled() {
            // Reports of sinks may be a little behind what was carried forward.
            let to = timed.reached.map_or(position, |reached| reached.max(position));
            let mut happenings = Vec::new();
            timed.store.march(timed.reached, to, &mut happenings);
            timed.reached = Some(to);
            for happening in happenings {
                self.tell(happening);
            }
        }
        let reached = self.title.timed.reached.unwrap_or(position);
        match self.title.timed.store.next_boundary(reached).filter(|_| self.playback.is_advancing()) {
            Some(next) => {
                let due = self.now + self.real(next - position) + std::time::Duration::from_millis(1);
                self.timers.set(Timer::TimedEvent, due);
            }
            None => self.timers.clear(Timer::TimedEvent),
        }
    }
}

fn of_manifest(scope: MediaTime, stream: &events::EventStream, event: &events::Event) -> (Identity, TimedEvent) {
    let decoded = event.base64.then(|| timed::text::base64(&event.message)).flatten();
    let payload = match decoded {
        Some(bytes) => EventPayload::Bytes(bytes),
        None => EventPayload::Text(event.message.clone()),
    };
    let event = TimedEvent {
        carrier: EventCarrier::EventStream,
        scheme: stream.scheme.clone(),
        value: stream.value.clone().unwrap_or_default(),
        id: event.id.map(|id| id.to_string()),
        start: event.start,
        duration: event.duration,
        payload,
        timescale: stream.timescale,
    };
    (identity(&event, scope.units(), event.start.units()), event)
}

fn of_message(message: EventMessage, scope: i64, placed: Placed) -> (Identity, TimedEvent) {
    let time = |ticks: u64| MediaTime::from_ticks(i64::try_from(ticks).unwrap_or(i64::MAX), message.timescale);
    let start = match message.presentation {
        EventTime::Delta(ticks) => placed.start + time(ticks),
        EventTime::Absolute(ticks) => placed.offset + time(ticks),
    };
    let tag = message.scheme == TimedEvent::ID3;
    let event = TimedEvent {
        carrier: EventCarrier::Emsg,
        start,
        duration: message.duration.map(time),
        id: Some(message.id.to_string()),
        scheme: message.scheme,
        value: message.value,
        payload: EventPayload::Bytes(message.message),
        timescale: Some(message.timescale),
    };
    // Packagers number ID3 tags carelessly, all of them zero: they are told apart by what they say.
    let identity = match tag {
        true => unnamed(&event, scope, (start - placed.offset).as_millis()),
        false => identity(&event, scope, 0),
    };
    (identity, event)
}

fn of_tag(TimedMetadata { time, tag }: TimedMetadata, scope: i64, placed: Placed) -> (Identity, TimedEvent) {
    let event = TimedEvent {
        carrier: EventCarrier::Id3,
        scheme: TimedEvent::ID3.to_owned(),
        value: String::new(),
        id: None,
        start: time.map_or(placed.start, |time| time + placed.offset),
        duration: None,
        payload: EventPayload::Bytes(tag.data),
        timescale: None,
    };
    // All renditions of a title have the tag at the same time of the stream, but for wraps of 33 bits.
    let ticks = time.unwrap_or(placed.start).as_micros().saturating_mul(9).saturating_add(50) / 100;
    (unnamed(&event, scope, ticks.rem_euclid(WRAP)), event)
}

fn of_date_range(range: &DateRange, map: &DateMap) -> (Identity, TimedEvent) {
    let mut attributes: BTreeMap<String, String> = range.client.clone();
    attributes.extend(range.scte35.iter().map(|(name, value)| (name.clone(), value.clone())));
    if !range.cue.is_empty() {
        attributes.insert("CUE".to_owned(), range.cue.join(","));
    }
    if let Some(planned) = range.planned_duration {
        attributes.insert("PLANNED-DURATION".to_owned(), decimal(planned));
    }
    if range.end_on_next {
        attributes.insert("END-ON-NEXT".to_owned(), "YES".to_owned());
    }
    let event = TimedEvent {
        carrier: EventCarrier::DateRange,
        scheme: TimedEvent::DATE_RANGE.to_owned(),
        value: range.class.clone().unwrap_or_default(),
        id: Some(range.id.clone()),
        start: map.media_time(range.start),
        duration: range.duration.or(range.end.map(|end| end.since(range.start))),
        payload: EventPayload::Attributes(attributes),
        timescale: None,
    };
    (Identity::DateRange(range.id.clone()), event)
}

/// Seconds as an attribute has them.
fn decimal(span: MediaTime) -> String {
    let micros = span.as_micros().max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn identity(event: &TimedEvent, scope: i64, at: i64) -> Identity {
    match &event.id {
        Some(id) => Identity::Named { scope, scheme: event.scheme.clone(), value: event.value.clone(), id: id.clone() },
        None => unnamed(event, scope, at),
    }
}

fn unnamed(event: &TimedEvent, scope: i64, at: i64) -> Identity {
    let mut digest = Fnv1a::default();
    for part in [event.scheme.as_bytes(), &[0], event.value.as_bytes(), &[0]] {
        digest.update(part);
    }
    match &event.payload {
        EventPayload::Bytes(bytes) => digest.update(bytes),
        EventPayload::Text(text) => digest.update(text.as_bytes()),
        _ => {}
    }
    Identity::Unnamed { scope, at, digest: digest.finish() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use telecine_container::Id3Tag;
    use telecine_model::Timescale;

    use super::*;

    fn placed() -> Placed {
        Placed { offset: MediaTime::from_secs(-10), start: MediaTime::from_secs(4) }
    }

    fn message(presentation: EventTime, id: u32, scheme: &str) -> EventMessage {
        EventMessage {
            scheme: scheme.to_owned(),
            value: "1".to_owned(),
            timescale: Timescale::new(1000).expect("not zero"),
            presentation,
            duration: Some(500),
            id,
            message: Bytes::from_static(b"payload"),
        }
    }

    #[test]
    fn both_versions_of_a_box_are_put_on_the_timeline() {
        let (_, delta) = of_message(message(EventTime::Delta(1500), 7, "urn:x"), 0, placed());
        assert_eq!((delta.start.as_millis(), delta.duration), (5500, Some(MediaTime::from_millis(500))));
        let (_, absolute) = of_message(message(EventTime::Absolute(16_000), 7, "urn:x"), 0, placed());
        assert_eq!((absolute.start.as_millis(), absolute.id.as_deref()), (6000, Some("7")));
        let (_, far) = of_message(message(EventTime::Absolute(u64::MAX), 7, "urn:x"), 0, placed());
        assert!(far.start > MediaTime::from_secs(1_000_000), "{}", far.start);
    }

    #[test]
    fn tags_with_careless_numbers_are_told_apart_and_others_go_by_their_number() {
        let tag = |at| of_message(message(EventTime::Absolute(at), 0, TimedEvent::ID3), 0, placed()).0;
        assert_ne!(tag(16_000), tag(17_000));
        assert_eq!(tag(16_000), tag(16_000));
        let other = |at| of_message(message(EventTime::Absolute(at), 0, "urn:x"), 0, placed()).0;
        assert_eq!(other(16_000), other(17_000));
    }

    #[test]
    fn a_tag_is_the_same_on_both_sides_of_a_wrap() {
        let wrap = MediaTime::from_ticks(WRAP, Timescale::new(90_000).expect("not zero"));
        let tag = || Id3Tag { data: Bytes::from_static(b"ID3"), version: 4, frames: Vec::new() };
        let at = |time: MediaTime| of_tag(TimedMetadata { time: Some(time), tag: tag() }, 0, placed()).0;
        let time = MediaTime::from_millis(12_345);
        assert_eq!(at(time), at(time + wrap));
        assert_ne!(at(time), at(time + MediaTime::from_millis(40)));
        let (_, event) = of_tag(TimedMetadata { time: None, tag: tag() }, 0, placed());
        assert_eq!(event.start, MediaTime::from_secs(4), "at the start of its segment");
    }
}
