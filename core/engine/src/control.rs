//! Playback: starting, stalling, seeking, ending.

use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, TrackKind};

use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, StallCause, State};
use crate::input::SinkReport;
use crate::playback::Seek;
use crate::stream::{RenditionRef, Stream};
use crate::timer::Timer;

/// A stuck sink is nudged so often before playback is given up.
const NUDGES: u32 = 3;

/// How far a nudge moves the playhead.
const NUDGE: MediaTime = MediaTime::from_millis(100);

impl Engine {
    pub(crate) fn on_sink(&mut self, report: SinkReport) {
        if !self.playback.is_active() {
            return;
        }
        match report {
            SinkReport::Position { position, advancing } => self.on_position(position, advancing),
            SinkReport::Starved { position } => self.on_starved(position),
            SinkReport::Seeked { position } => {
                if let Some(seek) = &mut self.playback.seek {
                    seek.arrived = true;
                } else {
                    self.playback.place(position, self.playback.is_advancing(), self.now);
                }
            }
            SinkReport::Ended => self.on_ended(),
            SinkReport::Evicted { kind, from, to } => {
                if let Some(stream) = self.streams.get_mut(&kind) {
                    let wasted = stream.buffer.remove(from, to);
                    stream.ended = false;
                    stream.end_told = false;
                    stream.cursor = None;
                    self.qoe.wasted(wasted);
                }
            }
            SinkReport::Full { kind } => self.on_full(kind),
            SinkReport::Failed { code, message } => self.fail(Error::new(code, message)),
        }
    }

    fn on_position(&mut self, position: MediaTime, advancing: bool) {
        // Reports from before a seek say nothing about the new position.
        if self.playback.seek.is_some() || self.playback.state != State::Playing {
            return;
        }
        if advancing && position > self.playback.moved.1 {
            self.playback.moved = (self.now, position);
            self.playback.nudges = 0;
        }
        self.playback.place(position, advancing, self.now);
        self.trim_back_buffers(position);
    }

    /// Drops what lies further behind the playhead than it is kept.
    fn trim_back_buffers(&mut self, position: MediaTime) {
        let mut removed: Vec<(TrackKind, MediaTime)> = Vec::new();
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            let Some(stream) = self.streams.get(&kind) else {
                continue;
            };
            let keep_from = position - self.goal(stream).behind;
            // Not for every frame: when there is a segment or two to drop.
            let slack = self.segment_duration(stream);
            if stream.buffer.start().is_none_or(|start| start + slack > keep_from) {
                continue;
            }
            if let Some(stream) = self.streams.get_mut(&kind) {
                let wasted = stream.buffer.remove(MediaTime::MIN, keep_from);
                let to = stream.buffer.start().unwrap_or(keep_from).min(keep_from);
                removed.extend(stream.outputs.iter().map(|output| (*output, to)));
                self.qoe.wasted(wasted);
            }
        }
        for (kind, to) in removed {
            self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to });
        }
    }

    fn on_starved(&mut self, position: MediaTime) {
        if self.playback.state != State::Playing {
            return;
        }
        self.playback.place(position, false, self.now);
        if !self.jump_gap() {
            let cause = self.stall_cause();
            self.stall(cause);
        }
    }

    fn stall(&mut self, cause: StallCause) {
        let position = self.position();
        self.playback.place(position, false, self.now);
        self.playback.stalled_at = Some(self.now);
        self.policies.rule.on_stall();
        self.sink(SinkCommand::Pause);
        self.emit(Event::StallStarted { at: self.now, position, cause });
        self.enter(State::Rebuffering);
        self.timers.clear(Timer::Watchdog);
    }

    fn stall_cause(&self) -> StallCause {
        let position = self.position();
        let lacking = |stream: &&Stream| stream.is_essential() && !stream.ended && stream.ahead(position) < SEAM;
        let mut causes = self.streams.values().filter(lacking).map(|stream| {
            if self.requests.is_retrying(stream.kind) || stream.failures > 0 {
                StallCause::FailingRequests
            } else if stream.buffer.next_media(position).is_some() {
                StallCause::MissingMedia
            } else {
                StallCause::SlowNetwork
            }
        });
        causes.next().unwrap_or(StallCause::StuckSink)
    }

    /// Jumps over missing media, if that is all that keeps the playhead.
    fn jump_gap(&mut self) -> bool {
        let position = self.position();
        let mut target = position;
        for stream in self.streams.values().filter(|stream| stream.is_essential()) {
            if stream.ahead(position) > SEAM {
                continue;
            }
            let Some(next) = stream.buffer.next_media(position) else {
                if stream.ended {
                    continue;
                }
                return false;
            };
            let small = next - position <= self.config.small_gap;
            if !small && !stream.buffer.is_hole(position, next) {
                return false;
            }
            target = target.max(next);
        }
        if target <= position {
            return false;
        }
        let why = vec![format!("no media between {position} and {target}")];
        self.decide(DecisionKind::Gap, None, Some(position.to_string()), Some(target.to_string()), why);
        self.seek_sink(target);
        self.playback.place(target, self.playback.state == State::Playing, self.now);
        for stream in self.streams.values_mut() {
            stream.target = stream.target.max(target);
        }
        // Whoever waits for media at the old place waits at the new one.
        match (&mut self.playback.seek, self.playback.state) {
            (Some(seek), _) => {
                seek.target = target;
                seek.arrived = false;
            }
            (None, State::Preparing) => self.title.start = Some(target),
            _ => {}
        }
        if !self.capabilities.random_access {
            self.refill(target);
        }
        true
    }

    /// The sink dropped everything with its last seek: fetch again from there.
    fn refill(&mut self, position: MediaTime) {
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            if let Some(stream) = self.streams.get_mut(&kind) {
                let wasted = stream.buffer.clear();
                stream.restart(position);
                stream.configured = None;
                self.qoe.wasted(wasted);
            }
        }
    }

    fn on_ended(&mut self) {
        // A report from before a seek says nothing about the new position.
        let unfinished = |stream: &Stream| stream.is_essential() && !stream.ended;
        if self.playback.seek.is_some() || self.streams.values().any(unfinished) {
            return;
        }
        let end = self.duration().unwrap_or_else(|| self.position());
        self.playback.place(end, false, self.now);
        self.timers.clear_all();
        self.cancel_all();
        self.enter(State::Ended);
        self.emit(Event::Ended { at: self.now });
    }

    /// The sink has no room: what it refused is fetched again once there is some.
    fn on_full(&mut self, kind: TrackKind) {
        let position = self.position();
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let held = stream.buffer.bytes();
        let refused = stream.fetch.as_ref().map(|fetch| fetch.start).or_else(|| stream.buffer.last_start());
        let Some(refused) = refused else { return };
        if stream.buffer.media_until(position) <= position + SEAM && refused <= position {
            let error = Error::new(ErrorCode::SinkFull, "the sink has no room for the segment at the playhead");
            return self.fail(error.fact("bytes", held));
        }
        // A tenth less than what did not fit.
        stream.byte_limit = Some(held - held / 10);
        let keep_from = position - self.config.small_gap;
        let mut wasted = stream.buffer.remove(MediaTime::MIN, keep_from);
        wasted += stream.buffer.remove(refused, MediaTime::MAX);
        stream.cursor = None;
        stream.ended = false;
        stream.end_told = false;
        let outputs = stream.outputs.clone();
        self.qoe.wasted(wasted);
        self.drop_fetch(kind);
        for kind in outputs {
            self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: keep_from });
            self.sink(SinkCommand::Remove { kind, from: refused, to: MediaTime::MAX });
        }
    }

    /// Stops what a kind's stream is fetching.
    fn drop_fetch(&mut self, kind: TrackKind) {
        self.forget_retries(kind);
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.take());
        for id in fetch.iter().flat_map(|fetch| [fetch.request, fetch.init_request]).flatten() {
            self.cancel(id);
        }
    }

    /// Lets playback go on as far as what is buffered and what is wanted allow.
    pub(crate) fn advance(&mut self) {
        self.tell_ends();
        let streams_known = self.title.start.is_some() && !self.streams.is_empty();
        match self.playback.state {
            State::Preparing if streams_known => {
                if !self.is_filled(MediaTime::from_units(1)) {
                    self.jump_gap();
                }
                if self.is_filled(self.config.start_buffer) {
                    self.enter(State::Ready);
                }
            }
            State::Seeking => {
                let arrived = self.playback.seek.is_none_or(|seek| seek.arrived);
                if arrived && self.is_filled(self.config.start_buffer) {
                    self.finish_seek();
                    self.go_on(if self.playback.started { State::Paused } else { State::Ready });
                } else if !self.is_filled(MediaTime::from_units(1)) {
                    self.jump_gap();
                }
            }
            State::Rebuffering => {
                if !self.is_filled(self.config.rebuffer_goal) {
                    self.jump_gap();
                }
                if self.is_filled(self.config.rebuffer_goal) {
                    self.end_stall();
                    self.go_on(State::Paused);
                }
            }
            _ => {}
        }
        if self.playback.wanted && matches!(self.playback.state, State::Ready | State::Paused) {
            self.run();
        }
        self.show_quality();
    }

    /// Nothing has to be waited for any more: plays, or rests in `resting` if that is not wanted.
    fn go_on(&mut self, resting: State) {
        if self.playback.wanted {
            self.run();
        } else {
            self.enter(resting);
        }
    }

    /// Whether every kind that playback waits for has so much media from the position on, or all there
    /// is. Media behind a hole counts: nothing will fill the hole.
    fn is_filled(&self, wanted: MediaTime) -> bool {
        let position = match self.playback.state {
            State::Preparing | State::Seeking => {
                self.title.start.filter(|_| !self.playback.started && self.playback.seek.is_none())
            }
            _ => None,
        };
        let position = position.or(self.playback.seek.map(|seek| seek.target)).unwrap_or_else(|| self.position());
        let filled =
            |stream: &Stream| stream.buffer.media_from(position) >= wanted || (stream.ended && stream.fetch.is_none());
        self.streams.values().filter(|stream| stream.is_essential()).all(filled)
    }

    /// Sets the playhead going.
    fn run(&mut self) {
        let position = self.position();
        self.sink(SinkCommand::Play);
        self.playback.place(position, true, self.now);
        self.playback.moved = (self.now, position);
        self.enter(State::Playing);
        if !self.playback.started {
            self.playback.started = true;
            self.emit(Event::Started { at: self.now, position });
        }
        self.timers.set(Timer::Watchdog, self.now + self.config.stuck_after);
    }

    pub(crate) fn pause(&mut self) {
        self.playback.wanted = false;
        match self.playback.state {
            State::Playing => {
                let position = self.position();
                self.playback.place(position, false, self.now);
                self.sink(SinkCommand::Pause);
                self.enter(State::Paused);
            }
            State::Rebuffering => {
                self.end_stall();
                self.enter(State::Paused);
            }
            _ => {}
        }
        self.timers.clear(Timer::Watchdog);
    }

    fn end_stall(&mut self) {
        if let Some(since) = self.playback.stalled_at.take() {
            let stood = self.now.since(since);
            self.emit(Event::StallEnded { at: self.now, stood_us: micros(stood) });
        }
    }

    pub(crate) fn set_rate(&mut self, rate_milli: u32) {
        if !(100..=4000).contains(&rate_milli) {
            let error = Error::new(ErrorCode::InvalidArgument, "the playback speed must be between 0.1 and 4");
            return self.report(error.fact("rate_milli", rate_milli).recovered(Handling::Skipped));
        }
        let position = self.position();
        self.playback.place(position, self.playback.is_advancing(), self.now);
        let name = |milli: u32| Some(format!("{milli} thousandths"));
        let why = vec!["asked for by the application".to_owned()];
        self.decide(DecisionKind::Rate, None, name(self.playback.rate_milli), name(rate_milli), why);
        self.playback.rate_milli = rate_milli;
        self.sink(SinkCommand::SetRate(rate_milli));
    }

    pub(crate) fn seek(&mut self, target: MediaTime) {
        let Some(start) = self.title.start else {
            // Not loaded far enough to know the timeline: that is where it will start.
            self.title.wanted_start = Some(target);
            return;
        };
        let periods = self.title.presentation.as_ref().map(|p| &p.periods);
        let earliest = periods.and_then(|p| p.first()).map_or(start, |period| period.start);
        let target = self.duration().map_or(target, |end| target.min(end)).max(earliest);
        self.begin_seek(target, "asked for by the application");
        let here = self.period_at(target);
        let in_buffer = self.capabilities.random_access
            && self.streams.values().filter(|s| s.is_essential()).all(|stream| {
                let ahead = stream.buffer.media_until(target) - target;
                ahead >= self.config.start_buffer && Some(stream.period) == here
            });
        self.drop_useless_fetches(target);
        if in_buffer {
            for stream in self.streams.values_mut() {
                stream.target = target;
            }
        } else {
            self.reposition(target);
        }
        self.seek_sink(target);
    }

    /// Moves the sink. What was said of the end holds no longer: streams find their end anew, and
    /// the sink is told again (the contract of `SinkCommand::EndOfStream`).
    fn seek_sink(&mut self, target: MediaTime) {
        for stream in self.streams.values_mut() {
            stream.ended = false;
            stream.end_told = false;
            stream.cursor = None;
        }
        self.sink(SinkCommand::Seek(target));
    }

    fn begin_seek(&mut self, target: MediaTime, why: &str) {
        let position = self.position();
        self.end_stall();
        // A seek within a seek counts as one, from the first to the last.
        let started = self.playback.seek.map_or(self.now, |seek| seek.started);
        self.playback.seek = Some(Seek { started, target, arrived: false });
        self.emit(Event::SeekStarted { at: self.now, target });
        self.decide(
            DecisionKind::Seek,
            None,
            Some(position.to_string()),
            Some(target.to_string()),
            vec![why.to_owned()],
        );
        self.policies.rule.on_seek();
        if self.playback.state == State::Playing {
            self.sink(SinkCommand::Pause);
        }
        self.playback.place(target, false, self.now);
        self.timers.clear(Timer::Watchdog);
        self.enter(State::Seeking);
    }

    /// Stops what is fetched unless it is needed at a new position too: the segment there, or the
    /// one behind what is buffered there.
    fn drop_useless_fetches(&mut self, target: MediaTime) {
        let period = self.period_at(target);
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            let Some(stream) = self.streams.get(&kind) else { continue };
            let Some(fetch) = &stream.fetch else { continue };
            let covers = fetch.start <= target && target < fetch.end;
            let follows = fetch.start.abs_diff(stream.buffer.fetched_until(target)) <= SEAM;
            if self.capabilities.random_access && Some(stream.period) == period && (covers || follows) {
                continue;
            }
            self.drop_fetch(kind);
            self.drop_torn(kind);
        }
    }

    /// Drops what arrived of segments whose fetching stopped: they are fetched whole when needed.
    pub(crate) fn drop_torn(&mut self, kind: TrackKind) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let outputs = stream.outputs.clone();
        for (from, to) in stream.buffer.torn() {
            // Their bytes counted as wasted when the request was cancelled or failed.
            stream.buffer.remove(from, to);
            for kind in &outputs {
                self.outbox.push(Action::Sink(SinkCommand::Remove { kind: *kind, from, to }));
            }
        }
    }

    /// Prepares every stream to fetch from a new position.
    fn reposition(&mut self, target: MediaTime) {
        let period = self.period_at(target);
        let moved = self.streams.values().any(|stream| Some(stream.period) != period);
        for stream in self.streams.values_mut() {
            if !self.capabilities.random_access {
                let wasted = stream.buffer.clear();
                stream.configured = None;
                self.qoe.wasted(wasted);
            }
            stream.restart(target);
            stream.show_from = Some(target);
        }
        if moved {
            self.rechoose(target);
        }
    }

    /// Chooses tracks anew for the period at a position, and keeps what is buffered.
    fn rechoose(&mut self, target: MediaTime) {
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            self.drop_torn(kind);
        }
        let buffers: Vec<(TrackKind, Stream)> = std::mem::take(&mut self.streams).into_iter().collect();
        self.choose_tracks(target);
        for (kind, old) in buffers {
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.buffer = old.buffer;
                stream.configured = old.configured;
                stream.outputs = old.outputs;
                stream.show_from = old.show_from;
                stream.shown = old.shown;
            }
        }
    }

    fn finish_seek(&mut self) {
        if let Some(seek) = self.playback.seek.take() {
            self.playback.place(seek.target, false, self.now);
            let took = self.now.since(seek.started);
            self.qoe.seeked(took);
            self.emit(Event::SeekEnded { at: self.now, position: seek.target, took_us: micros(took) });
        }
    }

    /// The viewer chose another track: what is buffered of the old one is dropped.
    pub(crate) fn choose_track(&mut self, kind: TrackKind, id: String) {
        let position = self.position();
        let period = self.period_at(position);
        let tracks = period.and_then(|p| Some(&self.title.presentation.as_ref()?.periods.get(p)?.tracks));
        if tracks.is_none_or(|tracks| tracks.iter().all(|track| track.kind != kind || track.id != id)) {
            let error = Error::new(ErrorCode::InvalidArgument, format!("there is no {} track {id}", kind.name()));
            return self.report(error.recovered(Handling::Skipped));
        }
        self.title.disabled.remove(&kind);
        self.title.chosen.insert(kind, id);
        if self.title.start.is_some() {
            self.change_tracks(kind, position);
        }
    }

    pub(crate) fn disable(&mut self, kind: TrackKind) {
        self.title.disabled.insert(kind);
        self.title.chosen.remove(&kind);
        self.drop_fetch(kind);
        if let Some(mut stream) = self.streams.remove(&kind) {
            self.qoe.wasted(stream.buffer.clear());
            self.sink(SinkCommand::Disable { kind });
            self.emit(Event::Selected { at: self.now, kind, track: None });
        }
        if self.title.start.is_some() && self.streams.values().all(|stream| !stream.is_essential()) {
            self.fail(Error::new(ErrorCode::NothingPlayable, "neither sound nor picture is left to play"));
        }
    }

    fn change_tracks(&mut self, kind: TrackKind, position: MediaTime) {
        let essential = matches!(kind, TrackKind::Video | TrackKind::Audio);
        if essential || !self.capabilities.random_access {
            // Sound or picture cannot go on before the new track is there: it is a seek on the spot.
            let running = self.playback.started || self.playback.seek.is_some();
            if running {
                self.begin_seek(position, "another track was chosen");
            }
        }
        self.drop_fetch(kind);
        if let Some(stream) = self.streams.get_mut(&kind) {
            let wasted = stream.buffer.clear();
            let outputs = stream.outputs.clone();
            self.qoe.wasted(wasted);
            for kind in outputs {
                self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
            }
            self.streams.remove(&kind);
        }
        if !self.capabilities.random_access {
            self.refill(position);
        }
        let kept: Vec<(TrackKind, Stream)> =
            std::mem::take(&mut self.streams).into_iter().filter(|(other, _)| *other != kind).collect();
        self.choose_tracks(position);
        for (other, stream) in kept {
            self.streams.insert(other, stream);
        }
        self.rebuild_ladders();
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.show_from = Some(position);
        }
        if self.playback.seek.is_some() {
            self.seek_sink(position);
        }
    }

    /// The stall watchdog: playback ought to move, does it?
    pub(crate) fn watch(&mut self) {
        if self.playback.state != State::Playing {
            return;
        }
        self.timers.set(Timer::Watchdog, self.now + self.config.stuck_after);
        let (since, position): (Timestamp, MediaTime) = self.playback.moved;
        if self.now.since(since) < self.config.stuck_after {
            return;
        }
        let over = |s: &Stream| s.ended && s.ahead(position) <= SEAM && s.buffer.next_media(position).is_none();
        let ended = self.streams.values().filter(|s| s.is_essential()).all(over);
        if self.playback.nudges >= NUDGES && !ended {
            let error = Error::new(ErrorCode::PlaybackStuck, "the sink has media but does not move");
            return self.fail(error.fact("position", position).fact("nudges", self.playback.nudges));
        }
        if ended {
            // Everything was played, and the sink did not say so.
            return self.on_ended();
        }
        self.playback.nudges += 1;
        self.playback.place(position, true, self.now);
        if self.jump_gap() {
            return;
        }
        let target = position + NUDGE;
        self.emit(Event::StallStarted { at: self.now, position, cause: StallCause::StuckSink });
        self.playback.stalled_at = Some(self.now);
        self.end_stall();
        let why = vec![format!("the sink has not moved for {} ms", self.config.stuck_after.as_millis())];
        self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(target.to_string()), why);
        self.seek_sink(target);
        self.playback.place(target, true, self.now);
        self.playback.moved = (self.now, target);
        if !self.capabilities.random_access {
            self.refill(target);
        }
    }

    /// Notes what is on screen and tells the application when it changes.
    fn show_quality(&mut self) {
        if !self.playback.started {
            return;
        }
        let position = self.position();
        let mut next: Option<MediaTime> = None;
        let mut changes = Vec::new();
        for stream in self.streams.values_mut() {
            let Some(item) = stream.buffer.play(position) else {
                continue;
            };
            let shown = RenditionRef { period: item.period, track: item.track, rendition: item.rendition };
            let hole = item.hole || item.bytes == 0;
            let change = stream.buffer.next_change(position);
            next = [next, change].into_iter().flatten().min();
            if stream.shown != Some(shown) && !hole && stream.is_essential() {
                stream.shown = Some(shown);
                changes.push((stream.kind, shown));
            }
        }
        for (kind, shown) in changes {
            let Some(rendition) = self.rendition(shown) else {
                continue;
            };
            let (id, bitrate, height) = (rendition.id.clone(), rendition.bandwidth, rendition.height);
            if kind == TrackKind::Video || !self.streams.contains_key(&TrackKind::Video) {
                self.qoe.quality(bitrate, height, self.now);
            }
            self.emit(Event::Quality { at: self.now, kind, rendition: id, bitrate, height });
        }
        match next.filter(|_| self.playback.is_advancing()) {
            Some(at) => {
                let due = self.now + self.real(at - position) + std::time::Duration::from_millis(1);
                self.timers.set(Timer::QualityBoundary, due);
            }
            None => self.timers.clear(Timer::QualityBoundary),
        }
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
