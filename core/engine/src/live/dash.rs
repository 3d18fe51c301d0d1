//! DASH titles that go on: what time it is, which segments are there, and MPDs that are fetched again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use telecine_delivery::RequestClass;
use telecine_manifest::dash::{self, BreakKind, Changes, Refresh};
use telecine_manifest::sniff;
use telecine_model::availability::{presentation_delay, Availability, LiveWindow, SegmentTimes, CAUTION};
use telecine_model::clock::{utc_sources, ClockSample, ClockSource, WallClock, WallReading};
use telecine_model::error::Place;
use telecine_model::{
    Error, ErrorCode, Handling, MediaTime, Period, Presentation, Protocol, Segment, SegmentIndex, Timestamp, TrackKind,
    WallTime, Warning,
};

use super::clock::{Answered, ClockSync, Question};
use super::mpd::{MpdPlace, MpdRefresh};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event};
use crate::fetch::{Purpose, Request};
use crate::stream::{Cursor, RenditionRef, Stream};
use crate::timer::Timer;

/// A title begins without the clock that its MPD names if that does not answer within so long and another one is known.
const CLOCK_PATIENCE: Duration = Duration::from_secs(2);

/// What a clock's answer may be long.
const CLOCK_BYTES: u64 = 4096;

/// What is known of a DASH title that goes on.
pub(crate) struct DashLive {
    pub(super) clock: WallClock,
    sync: ClockSync,
    refresh: MpdRefresh,
    /// The known version as text, where it can be patched.
    text: Option<Bytes>,
    /// How far behind the edge playback begins.
    delay: MediaTime,
    /// Where the known version ends, if it says so.
    end: Option<MediaTime>,
    /// The answer that brought the known version.
    answered: Answered,
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
        }
    }
}

impl Engine {
    /// The device's own clock was read.
    pub(crate) fn on_device_clock(&mut self, sample: ClockSample) {
        self.device_clock = Some(sample);
        if let Some(dash) = &mut self.title.live.dash {
            dash.clock.learn(&sample);
        }
    }

    fn dash_live(&self) -> Option<&DashLive> {
        let live = self.title.presentation.as_ref().is_some_and(|presentation| presentation.live);
        self.title.live.dash.as_deref().filter(|_| live)
    }

    /// A live MPD came, as the first of its title: nothing can be said of it until it is known what time it is.
    pub(crate) fn await_clock(&mut self, mut presentation: Presentation) {
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
            clock,
            sync: ClockSync::default(),
            refresh: MpdRefresh::default(),
            text: text.filter(|_| !presentation.patch_locations.is_empty()),
            delay: MediaTime::ZERO,
            end: None,
            answered,
            pending: None,
        };
        dash.sync.set(sources, answered, self.now);
        let draw = self.rng.next_u64();
        dash.refresh.on_version(&presentation, &self.title.url, answered.sent, true, draw);
        dash.pending = Some((Box::new(presentation), self.now + CLOCK_PATIENCE));
        self.title.live.dash = Some(Box::new(dash));
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
        let Some(dash) = &mut self.title.live.dash else { return };
        if dash.clock.read(self.now).is_none() {
            let message = "a live title whose segments are computed from the time, and nothing tells what time it is";
            return self.fail(Error::new(ErrorCode::ManifestMissing, message));
        }
        let wanted = presentation.service_descriptions.iter().find_map(|service| service.latency_target);
        dash.delay = presentation_delay(&presentation, wanted).delay;
        dash.end = presentation.duration.take();
        let window = window(dash, &presentation, self.now);
        if window.is_some_and(|window| window.delay_cut) {
            let message = "the delay is longer than the window: it was cut to it";
            presentation.warnings.push(Warning::new("D035", Place::Path("MPD".to_owned()), message));
        }
        self.begin(presentation);
    }

    /// Whether the clock can be right, by what is listed; if not, that says the time (D106).
    fn check_clock(&mut self, presentation: &mut Presentation) {
        let (now, Some(dash)) = (self.now, &mut self.title.live.dash) else { return };
        let reading = dash.clock.read(now);
        let time = reading.map_or(telecine_model::WallTime::EPOCH, |reading| reading.time());
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

    /// The time of a live DASH title that is made now, and how far that may be off.
    pub(super) fn produced_now(&self) -> Option<(MediaTime, Duration)> {
        let reading = self.dash_live()?.clock.read(self.now)?;
        Some((self.availability(reading)?.produced(reading.time()), reading.uncertainty()))
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

    fn availability(&self, reading: WallReading) -> Option<Availability> {
        Availability::new(self.title.presentation.as_ref()?.dash.as_ref()?, reading.time())
    }

    /// Whether a segment of a live DASH title cannot be had now; None if it can.
    pub(crate) fn edge_of(&self, reference: RenditionRef, segment: &Segment) -> Option<Edge> {
        let dash = self.dash_live()?;
        let reading = dash.clock.read(self.now)?;
        let availability = self.availability(reading)?;
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known())?;
        let Some(SegmentTimes { from, until, .. }) = availability.of(index, segment.number) else {
            return Some(Edge::Never);
        };
        // What is listed is there, as far as the clock allows that; of what is computed the clock has to be certain.
        let listed = !index.table.is_open();
        let bound = if listed { reading.latest } else { reading.earliest };
        if from > bound {
            let caution = if listed { Duration::ZERO } else { CAUTION };
            let at = dash.clock.reaches(from, caution).unwrap_or(self.now);
            return (at > self.now).then_some(Edge::NotYet(at));
        }
        if until.is_some_and(|until| until <= reading.earliest) {
            let window = self.live_window()?;
            let first = index.number_at(window.start).and_then(|number| index.get(number))?;
            return (first.start > segment.start).then_some(Edge::Gone(first.start));
        }
        None
    }

    /// Whether a segment that could not be had may be there in a moment: by the clock it has just come, and the clock or
    /// the server may be late (D110). How long to wait if so; the clock is asked (D025).
    pub(crate) fn too_early(&mut self, request: &Request, status: Option<u16>) -> Option<Duration> {
        let Purpose::Segment(kind) = request.purpose else { return None };
        if !matches!(status, Some(404 | 425)) {
            return None;
        }
        let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
        let (reference, number, length) = (fetch.rendition, fetch.number, fetch.end - fetch.start);
        let reading = self.dash_live()?.clock.read(self.now)?;
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known())?;
        let times = self.availability(reading)?.of(index, number)?;
        let length = length.to_duration();
        let grace = MediaTime::from_duration(length.max(reading.uncertainty() * 2));
        if times.from.offset(grace) < reading.earliest {
            return None;
        }
        let now = self.now;
        if let Some(dash) = &mut self.title.live.dash {
            dash.sync.hurry(now);
        }
        Some((length / 4).clamp(Duration::from_millis(100), Duration::from_millis(500)))
    }

    /// Follows clock and MPD of a live DASH title, and sets timers for when that is next due.
    pub(crate) fn follow_mpd(&mut self) {
        if self.title.live.dash.is_none() {
            return;
        }
        self.follow_clock();
        if self.dash_live().is_none() {
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
            if let Err(error) = self.fetch(RequestClass::Playlist, purpose.clone(), None, url, None) {
                self.on_mpd_failed(&purpose, None, error);
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
            let from = dash.clock.reaches(availability.wall_time_of(end), Duration::ZERO).unwrap_or(self.now);
            needs.push((from, segment.to_duration()));
        }
        let (now, stale_after) = (self.now, self.config.live.stale_after);
        // Not all viewers at once: an eighth of a segment later at most.
        let draw = u32::try_from(self.title.live.jitter % 100).unwrap_or(0);
        let Some(dash) = &mut self.title.live.dash else { return };
        for (from, segment) in &needs {
            dash.refresh.need(*from + *segment / 800 * draw, *segment);
        }
        let still = dash.refresh.unchanged_for(now);
        if needs.is_empty() || stale_after.is_zero() || still < stale_after {
            return;
        }
        dash.refresh.end();
        let message = format!("nothing new has been in the MPD for {} s", still.as_secs());
        let error =
            Error::new(ErrorCode::ManifestStale, message).fact("url", self.outbox.secrets.shown(&self.title.url));
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

    /// A newer version of the MPD came, or a patch of the known one.
    pub(crate) fn on_mpd(&mut self, request: &Request, body: Vec<u8>) {
        let is_patch = request.purpose == Purpose::Patch && sniff(&body) != Some(Protocol::Dash);
        let known = self.title.live.dash.as_ref().and_then(|dash| dash.text.clone()).unwrap_or_default();
        let limits = self.config.limits.clone();
        let text = match is_patch {
            true => dash::apply_patch(&known, &body, &limits),
            false => Ok(body),
        };
        // References of a patched MPD are relative to the MPD.
        let uri = match (&self.title.presentation, is_patch) {
            (Some(presentation), true) => presentation.uri.clone(),
            _ => request.url().to_owned(),
        };
        let parsed =
            text.and_then(|text| Ok((dash::parse(&text, &dash::Context { uri: &uri, limits: &limits })?, text)));
        match parsed {
            Ok((mpd, text)) => self.on_version(request, mpd.presentation, text),
            Err(error) => {
                let error = error.fact("url", self.outbox.secrets.shown(request.url()));
                self.on_mpd_failed(&request.purpose, None, error);
            }
        }
    }

    /// A newer version of the MPD, or a patch, could not be had or not be used.
    pub(crate) fn on_mpd_failed(&mut self, purpose: &Purpose, status: Option<u16>, error: Error) {
        let (now, draw) = (self.now, self.rng.next_u64());
        let Some(dash) = &mut self.title.live.dash else { return };
        if *purpose == Purpose::Patch {
            dash.refresh.on_patch_failed(now);
            return self.report(error.recovered(Handling::Replaced));
        }
        dash.refresh.on_failed(status, now, draw);
        let gone = dash.refresh.is_gone(now);
        self.report(error.recovered(Handling::Retried));
        if gone {
            // D048: that is how some services end a title.
            self.end_live_here();
        }
    }

    fn on_version(&mut self, request: &Request, mut newer: Presentation, text: Vec<u8>) {
        newer.periods.iter_mut().for_each(Period::join_switchable);
        let answered = Answered::of(request, self.now);
        let Some(mut known) = self.title.presentation.take() else { return };
        let before: Vec<String> = known.periods.iter().map(|period| period.id.clone()).collect();
        let kept = self.still_needed(&known, &newer);
        let position = self.position();
        let merged = dash::refresh(&mut known, newer.clone());
        let started = known.dash.as_ref().and_then(|timing| timing.availability_start);
        let outcome = match merged {
            Ok(Refresh::Merged(changes)) => {
                known.periods.extend(kept);
                known.periods.sort_by_key(|period| period.start);
                Some(changes)
            }
            Ok(Refresh::Older) => {
                // D049: a stale cache; the known version goes on to be what there is.
                self.title.presentation = Some(known);
                let (draw, url) = (self.rng.next_u64(), self.title.url.clone());
                if let (Some(dash), Some(presentation)) = (&mut self.title.live.dash, &self.title.presentation) {
                    dash.refresh.on_version(presentation, &url, answered.sent, false, draw);
                }
                return;
            }
            Ok(_) => None,
            Err(error) => {
                self.report(error.recovered(Handling::Replaced));
                known = newer;
                None
            }
        };
        let end = known.duration;
        if known.live {
            known.duration = None;
        }
        let is_new = outcome.as_ref().is_none_or(|changes| changes.new_segments > 0 || !changes.new_periods.is_empty());
        let (draw, now, url) = (self.rng.next_u64(), self.now, self.title.url.clone());
        self.title.live.jitter = draw;
        if let Some(dash) = &mut self.title.live.dash {
            dash.answered = answered;
            dash.end = end;
            dash.text = Some(Bytes::from(text)).filter(|_| !known.patch_locations.is_empty());
            dash.refresh.on_version(&known, &url, answered.sent, is_new, draw);
            let (sources, _) =
                utc_sources(known.dash.as_ref().map_or(&[][..], |timing| &timing.utc_timings), &known.uri);
            dash.sync.set(sources, answered, now);
            if let Some(sample) = answered.dated(ClockSource::HttpDate) {
                dash.clock.learn(&sample);
            }
        }
        self.check_clock(&mut known);
        match outcome {
            Some(changes) => self.take_over(known, &before, changes),
            None => self.begin_anew_at(known, position, started),
        }
    }

    /// Periods of the known version that the newer one no longer has, but that something is still there of, or on its way.
    fn still_needed(&self, known: &Presentation, newer: &Presentation) -> Vec<Period> {
        let there: BTreeSet<&str> = newer.periods.iter().map(|period| period.id.as_str()).collect();
        let needed = |at: usize| {
            self.streams.values().any(|stream| {
                stream.period == at
                    || stream.fetch.as_ref().is_some_and(|fetch| fetch.rendition.period == at)
                    || stream.buffer.has_period(at)
            })
        };
        let gone = known.periods.iter().enumerate().filter(|(_, period)| !there.contains(period.id.as_str()));
        gone.filter(|(at, _)| needed(*at)).map(|(_, period)| period.clone()).collect()
    }

    /// The merged version is the presentation now.
    fn take_over(&mut self, presentation: Presentation, before: &[String], changes: Changes) {
        let now: BTreeMap<&str, usize> =
            presentation.periods.iter().enumerate().map(|(at, period)| (period.id.as_str(), at)).collect();
        let places: Vec<Option<usize>> = before.iter().map(|id| now.get(id.as_str()).copied()).collect();
        let (still, duration) = (!presentation.live, presentation.duration);
        let broken: BTreeSet<(String, String, String)> = changes
            .breaks
            .into_iter()
            .filter(|known| matches!(known.kind, BreakKind::Rewritten | BreakKind::Shortened))
            .map(|known| (known.period, known.track, known.rendition))
            .collect();
        self.title.presentation = Some(presentation);
        if places.iter().enumerate().any(|(at, place)| *place != Some(at)) {
            self.move_periods(&places);
        }
        self.forget_numbers(&broken);
        self.rebuild_ladders();
        self.learn_event_streams();
        if still {
            let end = duration.or_else(|| self.listed_until()).unwrap_or_default();
            self.tell_live_end(end);
        }
    }

    /// Segments of these renditions have other numbers than before: the next one is found by its time.
    fn forget_numbers(&mut self, broken: &BTreeSet<(String, String, String)>) {
        if broken.is_empty() {
            return;
        }
        let mut forget = Vec::new();
        for stream in self.streams.values() {
            let Some(Cursor { rendition: reference, .. }) = stream.cursor else { continue };
            let Some(period) = self.title.presentation.as_ref().and_then(|p| p.periods.get(reference.period)) else {
                continue;
            };
            let Some(track) = period.tracks.get(reference.track) else { continue };
            let Some(rendition) = track.renditions.get(reference.rendition) else { continue };
            if broken.contains(&(period.id.clone(), track.id.clone(), rendition.id.clone())) {
                forget.push(stream.kind);
            }
        }
        for kind in forget {
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.cursor = None;
            }
        }
    }

    /// Periods are at other places of the list now: whatever names one names it by the new place.
    fn move_periods(&mut self, places: &[Option<usize>]) {
        let place = |at: usize| places.get(at).copied().flatten();
        let moved = |reference: RenditionRef| Some(RenditionRef { period: place(reference.period)?, ..reference });
        for stream in self.streams.values_mut() {
            // One that something names is kept; a place that is none leads nowhere.
            stream.period = place(stream.period).unwrap_or(usize::MAX);
            stream.cursor =
                stream.cursor.and_then(|cursor| Some(Cursor { rendition: moved(cursor.rendition)?, ..cursor }));
            stream.awaits = stream.awaits.and_then(moved);
            stream.shown = stream.shown.and_then(moved);
            stream.own_init = stream.own_init.take().and_then(|(reference, init)| Some((moved(reference)?, init)));
            if let Some(configured) = &mut stream.configured {
                configured.rendition.period = place(configured.rendition.period).unwrap_or(usize::MAX);
            }
            if let Some(fetch) = &mut stream.fetch {
                fetch.rendition.period = place(fetch.rendition.period).unwrap_or(usize::MAX);
            }
            stream.buffer.move_periods(|at| place(at).unwrap_or(usize::MAX));
        }
        fn each<T>(map: &mut BTreeMap<RenditionRef, T>, moved: impl Fn(RenditionRef) -> Option<RenditionRef>) {
            *map = std::mem::take(map).into_iter().filter_map(|(key, value)| Some((moved(key)?, value))).collect();
        }
        each(&mut self.title.dead, moved);
        each(&mut self.title.barred, moved);
        each(&mut self.title.rendition_needs, moved);
        self.requests.move_periods(moved);
        self.keys.move_periods(moved);
    }

    /// Nothing of the known version holds but the world's time: playback goes on at the same of it (D078).
    fn begin_anew_at(
        &mut self,
        presentation: Presentation,
        position: MediaTime,
        before: Option<telecine_model::WallTime>,
    ) {
        let after = presentation.dash.as_ref().and_then(|timing| timing.availability_start);
        let moved = before.zip(after).map_or(MediaTime::ZERO, |(before, after)| before.since(after));
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            self.cancel_kind(kind);
            self.sink(crate::action::SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
        }
        self.streams.clear();
        self.title.dead.clear();
        self.title.barred.clear();
        self.title.rendition_needs.clear();
        self.title.presentation = Some(presentation);
        let target = self.live_window().map_or(position, |window| window.clamp(position + moved));
        self.choose_tracks(target);
        let why = vec!["the presentation has begun anew".to_owned()];
        self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(target.to_string()), why);
        self.begin_seek(target, false);
        for stream in self.streams.values_mut() {
            stream.restart(target);
        }
        self.seek_sink(target);
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
    fn end_live_here(&mut self) {
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
    fn listed_until(&self) -> Option<MediaTime> {
        let last = self.title.presentation.as_ref()?.periods.last()?;
        let renditions = last.tracks.iter().flat_map(|track| &track.renditions);
        let indexes = renditions.filter_map(|rendition| rendition.segments.known());
        indexes.filter(|index| !index.table.is_open()).filter_map(SegmentIndex::end).max()
    }

    fn tell_live_end(&mut self, duration: MediaTime) {
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
    Some(availability.window(presentation, time, dash.delay))
}
