//! DASH titles that go on: what time it is, which segments are there, and MPDs that are fetched again and again.

use std::time::Duration;

use bytes::Bytes;
use telecine_delivery::RequestClass;
use telecine_manifest::dash::Readable;
use telecine_model::availability::{presentation_delay, Availability, LiveWindow, SegmentTimes, CAUTION};
use telecine_model::clock::{utc_sources, ClockSample, ClockSource, Learnt, WallClock, WallReading};
use telecine_model::error::Place;
use telecine_model::{
    Error, ErrorCode, Handling, MediaTime, Presentation, Segment, SegmentIndex, SortedSet, Timestamp, TrackKind,
    WallTime, Warning,
};

use super::clock::{Answered, ClockSync, Question};
use super::failing::patience;
use super::lateness::{Lateness, PLAUSIBLE};
use super::mpd::{MpdPlace, MpdRefresh};
use super::wanted;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event};
use crate::requests::{Purpose, Request};
use crate::stream::{RenditionRef, Stream};
use crate::timer::Timer;

/// A title begins without the clock that its MPD names if that does not answer within so long and another one is known.
const CLOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Who waits for a newer MPD looks for it so often, if nothing wakes it before.
const DOUBTED_FOR: Duration = Duration::from_millis(250);

/// How much later than announced segments that are whole are asked for.
const PRUDENCE: MediaTime = MediaTime::from_millis(400);

/// A title that begins with what is not there yet waits for it no longer than so many times.
const PATIENT: u32 = 3;

/// Where playback begins is looked for anew if it turns out to be so much too near to the edge.
const TOO_NEAR: MediaTime = MediaTime::from_secs(1);

/// What a clock's answer may be long.
const CLOCK_BYTES: u64 = 4096;

/// What is known of a DASH title that goes on.
pub(crate) struct DashLive {
    _readable: Readable,
    pub(super) clock: WallClock,
    pub(super) sync: ClockSync,
    pub(super) refresh: MpdRefresh,
    /// The known version as text, where it can be patched.
    pub(super) text: Option<Bytes>,
    /// How late media come, by what is announced.
    pub(super) late: Lateness,
    /// Media have come.
    pub(super) flows: bool,
    /// How far behind the edge playback begins.
    pub(super) delay: MediaTime,
    /// Where the known version ends, if it says so.
    pub(super) end: Option<MediaTime>,
    /// The answer that brought the known version.
    pub(super) answered: Answered,
    /// Kinds whose media contradicted the known version, which they wait for a newer one of.
    pub(super) waiting: SortedSet<TrackKind>,
    /// Kinds that have waited for that.
    pub(super) doubted: SortedSet<TrackKind>,
    /// Waits for the clock, but no longer than this.
    pending: Option<(Box<Presentation>, Timestamp)>,
}

/// Whether a segment can be had.
pub(crate) enum Edge {
    /// It will be, then.
    NotYet(Timestamp),
    /// It could be; what is still there begins there.
    Gone(MediaTime),
    /// It never will be.
    Never,
}

impl Answered {
    /// What an answer says of itself.
    pub(crate) fn of(request: &Request, now: Timestamp) -> Self {
        let head = request.head.as_ref();
        Self {
            sent: request.started,
            head: request.first_byte().unwrap_or(now),
            end: now,
            date: head.and_then(|head| head.date),
            age_s: head.and_then(|head| head.age_s),
            cached: head.is_some_and(|head| head.from_cache),
        }
    }
}

impl Engine {
    /// The device's own clock was read.
    pub(crate) fn on_device_clock(&mut self, sample: ClockSample) {
        // By what it would show now, had nobody set it and had the device not slept.
        let mut before = WallClock::new();
        let moved = self.device_clock.replace(sample).is_some_and(|known| {
            before.learn(&known);
            matches!(before.learn(&sample), Learnt::Moved(_))
        });
        let now = self.now;
        if let Some(dash) = &mut self.title.live.dash {
            dash.clock.learn(&sample);
            if moved {
                // Either may have been: what the host counts stands still while some devices sleep.
                dash.sync.hurry(now);
            }
        }
    }

    pub(super) fn dash_live(&self) -> Option<&DashLive> {
        let live = self.title.presentation.as_ref().is_some_and(|presentation| presentation.live);
        self.title.live.dash.as_ref().filter(|_| live)
    }

    /// A live MPD came, as the first of its title: nothing can be said of it until it is known what time it is.
    pub(crate) fn await_clock(&mut self, readable: Readable, mut presentation: Presentation) {
        let answered = self.title.live.answered;
        let text = self.title.live.text.take();
        let mut clock = WallClock::new();
        for sample in self.device_clock.into_iter().chain(answered.dated(ClockSource::HttpDate)) {
            clock.learn(&sample);
        }
        let timing = presentation.dash.clone().unwrap_or_default();
        let (sources, warnings) = utc_sources(&timing.utc_timings, &presentation.uri);
        presentation.warnings.extend(warnings);
        if sources.is_empty() {
            let message = "no clock that can be read: the date of the MPD's answer is taken, or the device's clock";
            presentation.warnings.push(Warning::new("D022", Place::Path("MPD".to_owned()), message));
        }
        let mut dash = DashLive {
            _readable: readable,
            clock,
            sync: ClockSync::default(),
            refresh: MpdRefresh::default(),
            text: text.filter(|_| !presentation.patch_locations.is_empty()),
            late: Lateness::since(self.now),
            flows: false,
            delay: MediaTime::ZERO,
            end: None,
            answered,
            waiting: SortedSet::new(),
            doubted: SortedSet::new(),
            pending: None,
        };
        dash.sync.set(sources, &presentation.uri, answered, self.now);
        let draw = self.rng.next_u64();
        dash.refresh.on_version(&presentation, &self.title.url, answered.sent, true, draw);
        dash.pending = Some((Box::new(presentation), self.now + CLOCK_PATIENCE));
        self.title.live.dash = Some(dash);
        self.follow_clock();
    }

    /// Asks the clock if it is to be asked, and begins what waited for it.
    fn follow_clock(&mut self) {
        let now = self.now;
        let Some(dash) = &mut self.title.live.dash else { return };
        if let Some(Question { url, head }) = dash.sync.poll(&mut dash.clock, now) {
            let asked = self.check_reference(&url).map(|()| {
                let mut request = self.request(RequestClass::Clock, None, url, None);
                request.head = head;
                request.max_bytes = CLOCK_BYTES;
                self.send(request, Purpose::Clock)
            });
            if let Err(error) = asked {
                // The next one; there are only so many.
                return self.on_clock_failed(error);
            }
        }
        let Some(dash) = &mut self.title.live.dash else { return };
        let patience = dash.pending.as_ref().map(|(_, until)| *until);
        let known =
            dash.sync.is_settled() || (patience.is_some_and(|until| until <= now) && dash.clock.is_synchronised());
        let next = dash.sync.due().into_iter().chain(patience.filter(|until| *until > now)).min();
        match next {
            Some(next) => self.timers.set(Timer::Clock, next),
            None => self.timers.clear(Timer::Clock),
        }
        let Some((presentation, _)) = dash.pending.take_if(|_| known) else { return };
        self.begin_live(*presentation);
    }

    fn begin_live(&mut self, mut presentation: Presentation) {
        self.check_clock(&mut presentation);
        let service = self.service_of(&presentation);
        let wanted = service.and_then(|service| service.latency_target);
        let allowed = wanted::of_mpd(&presentation, service);
        let max = self.config.live.latency_max.or(allowed.max);
        let Some(dash) = &mut self.title.live.dash else { return };
        if dash.clock.read(self.now).is_none() {
            let message = "a live title whose segments are computed from the time, and nothing tells what time it is";
            return self.fail(Error::new(ErrorCode::ManifestMissing, message));
        }
        let app = self.config.live.latency_target.filter(|target| *target > MediaTime::ZERO);
        let delay = presentation_delay(&presentation, app.or(wanted)).delay;
        dash.delay = allowed.clamp(max.map_or(delay, |max| delay.min(max)));
        dash.end = presentation.duration.take();
        let depth = presentation.dash.as_ref().and_then(|timing| timing.time_shift_buffer_depth);
        // What the application wants in vain it is told otherwise (`DecisionKind::Latency`).
        if app.is_none() && depth.is_some_and(|depth| depth < delay) {
            let message = format!("the delay of {delay} is longer than the window: it was cut to {}", dash.delay);
            presentation.warnings.push(Warning::new("D035", Place::Path("MPD".to_owned()), message));
        }
        self.begin(presentation);
    }

    /// Whether the clock can be right, by what is listed; if not, that says the time (D106).
    pub(super) fn check_clock(&mut self, presentation: &mut Presentation) {
        let (now, Some(dash)) = (self.now, &mut self.title.live.dash) else { return };
        let reading = dash.clock.read(now);
        let time = reading.map_or(WallTime::EPOCH, |reading| reading.time());
        let Some(availability) = presentation.dash.as_ref().and_then(|timing| Availability::new(timing, time)) else {
            return;
        };
        let wrong = match (reading, dash.clock.source()) {
            (None, _) | (_, Some(ClockSource::Timeline)) => true,
            (Some(reading), source) => {
                availability.is_contradicted(presentation, reading)
                    || (source == Some(ClockSource::Device) && availability.lists_ahead(presentation, reading))
            }
        };
        let told = dash.clock.source() == Some(ClockSource::Timeline);
        let moments = [dash.answered.sent, dash.answered.head];
        let Some(sample) = availability.timeline_sample(presentation, moments).filter(|_| wrong) else { return };
        dash.clock.learn(&sample);
        if !told {
            let message = "by the clock nothing that is listed can be there: the list is taken to say the time";
            presentation.warnings.push(Warning::new("D106", Place::Path("MPD".to_owned()), message));
        }
    }

    /// A clock answered.
    pub(crate) fn on_clock(&mut self, request: &Request) {
        let answered = Answered::of(request, self.now);
        let Some(dash) = &mut self.title.live.dash else { return };
        if dash.sync.on_answer(&mut dash.clock, &answered, &request.body, self.now).is_none() {
            let error = Error::new(ErrorCode::ManifestSyntax, "the clock's answer is no time");
            let error = error.fact("url", self.outbox.secrets.shown(request.url())).fact("rule", "D023");
            self.report(error.recovered(Handling::Replaced));
        }
        self.follow_clock();
    }

    /// A clock did not answer.
    pub(crate) fn on_clock_failed(&mut self, error: Error) {
        self.report(error.recovered(Handling::Replaced));
        let now = self.now;
        if let Some(dash) = &mut self.title.live.dash {
            dash.sync.on_failure(now);
        }
        self.follow_clock();
    }

    /// What of a live DASH title can be played now.
    pub(crate) fn live_window(&self) -> Option<LiveWindow> {
        window(self.dash_live()?, self.title.presentation.as_ref()?, self.now)
    }

    /// The time of a live DASH title that is made now, and how far that may be off. By the MPD, less what is known of how far
    /// its encoder lags behind that.
    pub(super) fn produced_now(&self) -> Option<(MediaTime, Duration)> {
        let dash = self.dash_live()?;
        let reading = dash.clock.read(self.now)?;
        let produced = self.availability(reading)?.produced(reading.time());
        Some((produced - dash.late.lag(self.now), reading.uncertainty()))
    }

    /// The time of a live DASH title that is made at a time of the world's clock.
    pub(super) fn produced_at(&self, time: WallTime) -> Option<MediaTime> {
        let reading = self.dash_live()?.clock.read(self.now)?;
        Some(self.availability(reading)?.produced(time))
    }

    /// Whether newer MPDs may come, with more segments and periods.
    pub(crate) fn mpd_goes_on(&self) -> bool {
        self.dash_live().is_some_and(|dash| dash.refresh.goes_on())
    }

    pub(super) fn availability(&self, reading: WallReading) -> Option<Availability> {
        Availability::new(self.title.presentation.as_ref()?.dash.as_ref()?, reading.time())
    }

    /// Whether a segment of a live DASH title cannot be had now; None if it can.
    pub(crate) fn edge_of(&self, kind: TrackKind, reference: RenditionRef, segment: &Segment) -> Option<Edge> {
        let dash = self.dash_live()?;
        if dash.waiting.contains(&kind) {
            return Some(Edge::NotYet(self.now + DOUBTED_FOR));
        }
        let reading = dash.clock.read(self.now)?;
        let availability = self.availability(reading)?;
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known())?;
        let Some(SegmentTimes { from: announced, until, .. }) = availability.of(index, segment.number) else {
            return Some(Edge::Never);
        };
        // What is listed is there, as far as the clock allows that; of what is computed the clock has to be certain.
        let listed = !index.table.is_open() && !index.computed;
        let late = if listed { dash.late.known_missing(self.now) } else { dash.late.ask_after(self.now) };
        // A publisher is late now and then. Where there is a buffer, that is waited for rather than asked for in vain.
        let prudence = PRUDENCE.min(segment.duration.mul_ratio(1, 4));
        let from = announced.offset(if index.availability_complete { late.max(prudence) } else { late });
        let bound = if listed { reading.latest } else { reading.earliest };
        // Chunks that came as they were made tell when the next can be asked for, however little is known of the clock: whoever
        // waits until that is certain loses up to a second of the little that there is.
        let chunks = !listed && !index.availability_complete;
        if let Some(at) = dash.late.can_be_asked_for(announced).filter(|_| chunks) {
            // No later than the clock is certain of: the host's may have stood while the device slept.
            let at = dash.clock.reaches(from, CAUTION).map_or(at, |certain| at.min(certain));
            if at > self.now && from > bound {
                return Some(Edge::NotYet(at));
            }
        } else if from > bound {
            let caution = if listed { Duration::ZERO } else { CAUTION };
            let at = dash.clock.reaches(from, caution).unwrap_or(self.now);
            return (at > self.now).then_some(Edge::NotYet(at));
        }
        if until.is_some_and(|until| until <= reading.earliest) {
            let within = self.live_window().and_then(|window| index.number_at(window.start));
            let first = availability.first(index, reading.latest).max(within).and_then(|number| index.get(number))?;
            return (first.start > segment.start).then_some(Edge::Gone(first.start));
        }
        None
    }

    /// Whether a segment that could not be had may be there in a moment: by the clock it has just come, and the clock or
    /// the server may be late (D110). How long to wait if so; the clock is asked (D025).
    pub(super) fn too_early_by_clock(&mut self, kind: TrackKind, attempt: u32) -> Option<Duration> {
        let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
        let (reference, number, length) = (fetch.rendition, fetch.number, fetch.end - fetch.start);
        let dash = self.dash_live()?;
        let (reading, flows, delay) = (dash.clock.read(self.now)?, dash.flows, dash.delay);
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known())?;
        let times = self.availability(reading)?.of(index, number)?;
        let length = length.to_duration();
        let late = dash.late.certain(self.now);
        let grace = late + MediaTime::from_duration(length.max(reading.uncertainty() * 2));
        let just = times.from.offset(grace) >= reading.earliest;
        let (now, by) = (self.now, reading.earliest.since(times.from));
        // Before anything has come nobody knows how late all is, but later than this nothing is.
        let unknown = !flows && attempt < PATIENT && by <= PLAUSIBLE;
        if !just && !unknown {
            // Of what never comes nothing is learnt.
            self.title.live.dash.as_mut()?.late.given_up(kind);
            return None;
        }
        let dash = self.title.live.dash.as_mut()?;
        dash.sync.hurry(now);
        dash.late.missed(kind, by, delay, now);
        Some(length)
    }

    /// Where playback was to begin there turned out to be nothing of a kind yet: it begins further back, unless there is of
    /// another kind.
    pub(crate) fn begin_further_back(&mut self, missing: Option<TrackKind>) {
        if self.requests.brings_media_of_another(missing) {
            return;
        }
        let begins = !self.playback.started && self.title.live.following.live;
        let Some((start, window)) = self.title.start.filter(|_| begins).zip(self.live_window()) else { return };
        if self.dash_live().is_none_or(|dash| dash.flows) || start <= window.live + TOO_NEAR {
            return;
        }
        let why = vec!["media come later than announced".to_owned()];
        self.decide(DecisionKind::Seek, None, Some(start.to_string()), Some(window.live.to_string()), why);
        self.go_to(window.live, false);
    }

    /// Follows clock and MPD of a live DASH title, and sets timers for when that is next due.
    pub(crate) fn follow_mpd(&mut self) {
        let Some(dash) = &self.title.live.dash else { return };
        let begins = dash.pending.is_some();
        if begins || self.dash_live().is_some() {
            self.follow_clock();
        }
        if self.dash_live().is_none() {
            if !begins {
                // It goes on no more: nobody needs to know what time it is.
                self.timers.clear(Timer::Clock);
            }
            return self.timers.clear(Timer::Reload);
        }
        self.settle_live_end();
        self.look_for_segments();
        let now = self.now;
        let Some(dash) = &mut self.title.live.dash else { return };
        if let Some(place) = dash.refresh.next(now) {
            let (url, purpose) = match place {
                MpdPlace::Full(url) => (url, Purpose::Refresh),
                MpdPlace::Patch(url) => (url, Purpose::Patch),
            };
            match self.check_reference(&url) {
                Ok(()) => {
                    let mut request = self.request(RequestClass::Playlist, None, url, None);
                    if purpose == Purpose::Refresh {
                        request.known = self.known_of(&request.url);
                    }
                    self.send(request, purpose);
                }
                Err(error) => self.on_mpd_failed(&purpose, None, error),
            }
        }
        match self.dash_live().and_then(|dash| dash.refresh.due()) {
            Some(due) => self.timers.set(Timer::Reload, due),
            None => self.timers.clear(Timer::Reload),
        }
    }

    /// Streams that have all that is listed need a newer list (D039, D041); and if there is none for too long, there will be
    /// none.
    fn look_for_segments(&mut self) {
        let Some(dash) = self.dash_live() else { return };
        let Some(availability) = dash.clock.read(self.now).and_then(|reading| self.availability(reading)) else {
            return;
        };
        let mut needs: Vec<(Timestamp, Duration)> = Vec::new();
        for stream in self.streams.values().filter(|stream| stream.at_edge && stream.fetch.is_none()) {
            let rendition = stream.rendition.and_then(|rendition| self.rendition(stream.reference(rendition)));
            let Some(index) = rendition.and_then(|rendition| rendition.segments.known()) else {
                needs.push((self.now, Duration::from_secs(1)));
                continue;
            };
            if index.table.is_open() || !self.has_all_listed(stream, index) {
                continue;
            }
            let segment = index.table.last_span().and_then(|last| Some(index.get(last.number)?.duration));
            let segment = segment.unwrap_or(MediaTime::from_secs(1));
            let end = index.end().unwrap_or(index.origin) + segment - index.availability_offset.unwrap_or_default();
            let listed = availability.wall_time_of(end).offset(dash.late.lag(self.now));
            let from = dash.clock.reaches(listed, Duration::ZERO).unwrap_or(self.now);
            needs.push((from, segment.to_duration()));
        }
        let (now, stale_after) = (self.now, self.config.live.stale_after);
        // Not all viewers at once: an eighth of a segment later at most.
        let draw = u32::try_from(self.title.live.jitter % 100).unwrap_or(0);
        let down = self.requests.is_down(now);
        let Some(dash) = &mut self.title.live.dash else { return };
        dash.refresh.see_line(down, now, draw);
        for (from, segment) in &needs {
            dash.refresh.need(*from + *segment / 800 * draw, *segment);
        }
        let still = dash.refresh.unchanged_for(now);
        let dead = self.requests.is_dead_for_most_of(still, now);
        let asked = dash.refresh.is_asked_anew();
        if needs.is_empty() || asked || stale_after.is_zero() || still < patience(stale_after, dead) {
            return;
        }
        let error = dash.refresh.verdict(dead, now);
        dash.refresh.end();
        let error = error.fact("url", self.outbox.secrets.shown(&self.title.url));
        let kinds: Vec<TrackKind> =
            self.streams.values().filter(|s| s.at_edge && s.is_essential()).map(|s| s.kind).collect();
        for kind in kinds {
            self.cut_short(kind, error.clone());
        }
    }

    /// Whether a stream has fetched all that is listed of its rendition.
    fn has_all_listed(&self, stream: &Stream, index: &SegmentIndex) -> bool {
        let next = stream.next_time(self.needed_from(stream));
        index.end().is_none_or(|end| end <= next + SEAM)
    }

    /// A version that will not be followed by another has an end: when that has been produced, the title goes on no more
    /// (D046).
    fn settle_live_end(&mut self) {
        let Some(dash) = self.dash_live().filter(|dash| !dash.refresh.goes_on()) else { return };
        let Some(end) = dash.end else { return };
        let Some(reading) = dash.clock.read(self.now) else { return };
        let over =
            self.availability(reading).is_some_and(|availability| availability.wall_time_of(end) <= reading.earliest);
        if !over {
            return;
        }
        self.tell_live_end(end);
    }

    /// The title ends with what there is of it now.
    pub(super) fn end_live_here(&mut self) {
        let produced = self.dash_live().and_then(|dash| {
            let reading = dash.clock.read(self.now)?;
            Some(self.availability(reading)?.produced(reading.earliest))
        });
        let end = self.listed_until().or(produced).unwrap_or_default();
        if let Some(dash) = &mut self.title.live.dash {
            dash.refresh.end();
        }
        self.tell_live_end(end);
    }

    /// Where the last segment of what is listed one by one ends.
    pub(super) fn listed_until(&self) -> Option<MediaTime> {
        let last = self.title.presentation.as_ref()?.periods.last()?;
        let renditions = last.tracks.iter().flat_map(|track| &track.renditions);
        let indexes = renditions.filter_map(|rendition| rendition.segments.known());
        indexes.filter(|index| !index.table.is_open()).filter_map(SegmentIndex::end).max()
    }

    pub(super) fn tell_live_end(&mut self, duration: MediaTime) {
        if let Some(presentation) = &mut self.title.presentation {
            presentation.live = false;
            presentation.duration = Some(duration);
        }
        if let Some(dash) = &mut self.title.live.dash {
            dash.refresh.end();
        }
        self.emit(Event::LiveEnded { at: self.now, duration });
    }
}

fn window(dash: &DashLive, presentation: &Presentation, now: Timestamp) -> Option<LiveWindow> {
    let time = dash.clock.read(now)?.time();
    let availability = Availability::new(presentation.dash.as_ref()?, time)?;
    let window = availability.window(presentation, time, dash.delay);
    let lag = dash.late.lag(now);
    Some(LiveWindow { live: (window.live - lag).max(window.start), edge: window.edge - lag, ..window })
}
