//! Playback: starting, stalling, seeking, ending.

use std::time::Duration;

use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, TrackKind};

use crate::action::SinkCommand;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, StallCause, State};
use crate::input::SinkReport;
use crate::replace::LEAST_TOLD;
use crate::stream::Stream;
use crate::timer::Timer;

/// A stuck sink is nudged so often before playback is given up.
const NUDGES: u32 = 3;

/// Stalls in a row at one place before playback is given up.
const STALLS_AT_ONE_PLACE: u32 = 20;

/// Stalls in a row behind the first at each of which twice as much is waited for as before: 2, 4 and 8 s.
const MOST_DOUBLED: u32 = 2;

/// Of what was never decoded no more plays than this before its decoder fails.
const BEGINNING: Duration = Duration::from_secs(1);

/// How far a nudge moves the playhead.
const NUDGE: MediaTime = MediaTime::from_millis(100);

impl Engine {
    pub(crate) fn on_sink(&mut self, report: SinkReport) {
        // What was played to its end may be seeked in: what the sink still holds matters.
        let over = self.playback.state == State::Ended && matches!(report, SinkReport::Evicted { .. });
        if !self.playback.is_active() && !over {
            return;
        }
        match report {
            SinkReport::Position { position, advancing } => self.on_position(position, advancing),
            SinkReport::Starved { position } => self.on_starved(position),
            SinkReport::Seeked { position } => {
                self.playback.sink_seeks = self.playback.sink_seeks.saturating_sub(1);
                if let Some(seek) = &mut self.playback.seek {
                    // The report of a seek that another one overtook says nothing of the last. A sink that
                    // can only go near says so once it has answered each.
                    seek.arrived |= seek.target.abs_diff(position) <= SEAM || self.playback.sink_seeks == 0;
                } else {
                    self.playback.place(position, self.playback.is_advancing(), self.now);
                }
            }
            SinkReport::Ended => self.on_ended(),
            SinkReport::Evicted { kind, from, to } => self.on_evicted(self.carrier(kind), from, to),
            SinkReport::Full { kind, load } => self.on_full(self.carrier(kind), load),
            SinkReport::Frames { due, dropped } => self.on_frames(due, dropped),
            SinkReport::Failed { code, message } => self.fail(self.of_wrong_key(Error::new(code, message))),
        }
    }

    /// What was decrypted here, and no decoder can begin with, had another key: Common Encryption has no sum to tell that by.
    fn of_wrong_key(&self, error: Error) -> Error {
        let begins = self.qoe(self.now).played < BEGINNING;
        let mut needs = self.streams.values().flat_map(|stream| &stream.kept);
        if error.code() != ErrorCode::DecodeFailed || !begins || !needs.any(|(_, need)| !self.goes_through(Some(*need)))
        {
            return error;
        }
        let message = format!("decrypted with its key nothing can be decoded: {}", error.message());
        Error::new(ErrorCode::DecryptFailed, message).fact("cause", error.code().name())
    }

    /// The kind whose stream brings a kind's media: its own, or one that it is muxed into.
    fn carrier(&self, kind: TrackKind) -> TrackKind {
        let carries = |stream: &&Stream| stream.outputs.contains(&kind);
        match self.streams.contains_key(&kind) {
            true => kind,
            false => self.streams.values().find(carries).map_or(kind, |stream| stream.kind),
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

    pub(crate) fn on_starved(&mut self, position: MediaTime) {
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
        let (place, times) = self.playback.stalls_here;
        self.playback.stalls_here = (position, if place == position { times + 1 } else { 1 });
        if self.playback.stalls_here.1 > STALLS_AT_ONE_PLACE {
            // What is fetched pushes out what is to be played before it, again and again.
            let error = Error::new(ErrorCode::SinkFull, "the sink has no room for what playback needs to go on");
            return self.fail(error.fact("position", position));
        }
        self.playback.note_stall(self.now);
        // Of the line that says nothing.
        if cause != StallCause::LateSource {
            self.rule().on_stall();
        }
        self.back_off();
        self.sink(SinkCommand::Pause);
        self.emit(Event::StallStarted { at: self.now, position, cause });
        self.enter(State::Rebuffering);
        self.timers.clear(Timer::Watchdog);
    }

    pub(crate) fn stall_cause(&self) -> StallCause {
        let position = self.position();
        let lacking = |stream: &&Stream| stream.is_essential() && !stream.ended && stream.ahead(position) < SEAM;
        let mut causes = self.streams.values().filter(lacking).map(|stream| {
            if self.awaits_keys(stream) {
                StallCause::AwaitedKeys
            } else if self.is_source_late(stream) {
                StallCause::LateSource
            } else if self.is_failing(stream) {
                StallCause::FailingRequests
            } else if stream.buffer.next_media(position).is_some() {
                StallCause::MissingMedia
            } else {
                StallCause::SlowNetwork
            }
        });
        causes.next().unwrap_or(StallCause::StuckSink)
    }

    /// Whether what a stream is to have next could not be had so far, also while it is asked for once more.
    fn is_failing(&self, stream: &Stream) -> bool {
        self.requests.is_retrying(stream.kind) || stream.trouble_since.is_some() || stream.lost.segments > 0
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
        if target - position >= LEAST_TOLD {
            let why = vec![format!("no media between {position} and {target}")];
            self.decide(DecisionKind::Gap, None, Some(position.to_string()), Some(target.to_string()), why);
        }
        let kept = self.jump_sink(target);
        self.playback.place(target, self.playback.state == State::Playing, self.now);
        self.playback.moved = (self.now, target);
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
        if !kept {
            self.refill(target);
            if self.playback.state == State::Playing {
                self.stall(StallCause::MissingMedia);
            }
        }
        true
    }

    fn on_ended(&mut self) {
        // A report from before a seek says nothing about the new position.
        let unfinished = |stream: &Stream| stream.is_essential() && !stream.ended;
        if self.playback.seek.is_some() || self.streams.values().any(unfinished) {
            return;
        }
        if let Some(error) = self.streams.values().find_map(|stream| stream.cut_short.clone()) {
            return self.fail(error);
        }
        // A manifest that lists nothing is no title that was played.
        let duration = self.title.presentation.as_ref().and_then(|presentation| presentation.duration);
        let empty = duration.or(self.title.end).is_none_or(|duration| duration <= MediaTime::ZERO);
        if empty && self.streams.values().all(|stream| !stream.delivered) {
            return self.fail(self.nothing_playable("the title has no segments"));
        }
        let end = self.duration().unwrap_or_else(|| self.position());
        self.playback.place(end, false, self.now);
        self.playback.wanted = false;
        self.timers.clear_all();
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            self.drop_torn(kind);
        }
        self.cancel_all();
        self.enter(State::Ended);
        self.emit(Event::Ended { at: self.now });
    }

    /// Lets playback go on as far as what is buffered and what is wanted allow.
    pub(crate) fn advance(&mut self) {
        self.tell_ends();
        self.fail_where_cut_short();
        let streams_known = self.title.start.is_some() && !self.streams.is_empty();
        match self.playback.state {
            State::Preparing if streams_known => {
                self.jump_gap();
                if self.is_filled(self.config.start_buffer) && !self.waits_a_moment() {
                    self.enter(State::Ready);
                }
            }
            State::Seeking => {
                // Media behind a hole fills nothing in front of it.
                self.jump_gap();
                let arrived = self.playback.seek.is_none_or(|seek| seek.arrived);
                if arrived && self.is_filled(self.config.start_buffer) && !self.waits_a_moment() {
                    self.finish_seek();
                    self.note_that_it_goes_on();
                    self.go_on(if self.playback.started { State::Paused } else { State::Ready });
                }
            }
            State::Rebuffering => {
                self.jump_gap();
                if self.is_filled(self.enough_to_go_on()) && !self.goes_on_elsewhere() {
                    self.note_that_it_goes_on();
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

    /// How much media playback that stood goes on with. Within seconds of the edge of a title, on a line that does not keep up,
    /// it will stand again: each time in a row with twice as much, so that it stands less often for as long in all.
    pub(crate) fn enough_to_go_on(&self) -> MediaTime {
        let goal = self.config.rebuffer_goal;
        let again = self.playback.stalls_in_a_row.saturating_sub(1).min(MOST_DOUBLED);
        if again == 0 || !self.is_live() || !self.plays_low_latency() || self.keeps_up() {
            return goal;
        }
        let doubled = goal.mul_ratio(1 << again, 1);
        // No more than is fetched at all.
        let essential = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        let fetched = essential.map(|stream| self.goal(stream).ahead).min();
        doubled.min(fetched.unwrap_or(goal)).max(goal)
    }

    /// Nothing has to be waited for any more: plays, or rests in `resting` if that is not wanted. Who rests at the end is there.
    fn go_on(&mut self, resting: State) {
        if self.playback.wanted || self.is_over(self.position()) {
            self.run();
        } else {
            self.enter(resting);
        }
    }

    /// Whether every kind that playback waits for has so much media from the position on, or all there
    /// is, or all that fits. Media behind a hole counts: nothing will fill the hole.
    fn is_filled(&self, wanted: MediaTime) -> bool {
        let position = self.goes_on_from();
        // At the live edge there is no more than there is.
        let at_edge = wanted.min(self.hold_back().mul_ratio(1, 2)).max(SEAM);
        let filled = |stream: &Stream| {
            let media = stream.buffer.media_from(position);
            let idle = stream.fetch.is_none();
            let enough = stream.ended || (media > SEAM && self.is_full(stream));
            media >= wanted || (idle && enough) || (stream.waits_at_edge() && media >= at_edge)
        };
        self.streams.values().filter(|stream| stream.is_essential()).all(filled)
    }

    /// Where playback begins or goes on.
    pub(crate) fn goes_on_from(&self) -> MediaTime {
        let start = match self.playback.state {
            State::Preparing | State::Seeking => {
                self.title.start.filter(|_| !self.playback.started && self.playback.seek.is_none())
            }
            _ => None,
        };
        start.or(self.playback.seek.map(|seek| seek.target)).unwrap_or_else(|| self.position())
    }

    /// Sets the playhead going.
    fn run(&mut self) {
        let position = self.position();
        if self.is_over(position) {
            return self.on_ended();
        }
        self.sink(SinkCommand::Play);
        self.playback.begins = None;
        self.playback.place(position, true, self.now);
        self.playback.moved = (self.now, position);
        self.playback.held_until = None;
        self.enter(State::Playing);
        if !self.playback.started {
            self.playback.started = true;
            self.emit(Event::Started { at: self.now, position });
        }
        self.set_watchdog();
        self.look_before_the_edge();
    }

    pub(crate) fn set_watchdog(&mut self) {
        if !self.config.stuck_after.is_zero() {
            self.timers.set(Timer::Watchdog, self.now + self.config.stuck_after);
        }
    }

    pub(crate) fn pause(&mut self) {
        self.playback.wanted = false;
        if self.playback.started {
            // What is watched later is not what is live then.
            self.title.live.following.live = false;
        }
        // Who pauses and plays where there is nothing yet stalls there again: that is no sink that loses media.
        self.playback.stalls_here.1 = 0;
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
            // Nobody waits any more for what playback was moved to.
            State::Seeking if self.playback.stalled_at.is_some() => {
                self.end_stall();
                self.account();
            }
            _ => {}
        }
        self.timers.clear(Timer::Watchdog);
    }

    /// A stall is over as there is enough to go on.
    fn note_that_it_goes_on(&mut self) {
        if self.playback.stalled_at.is_some() {
            self.playback.went_on = Some(self.now);
            self.end_stall();
        }
    }

    pub(crate) fn end_stall(&mut self) {
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
        self.forget_followed_speed();
        self.change_rate(rate_milli, vec!["asked for by the application".to_owned()]);
    }

    pub(crate) fn change_rate(&mut self, rate_milli: u32, why: Vec<String>) {
        self.count_latency();
        let position = self.position();
        self.playback.place(position, self.playback.is_advancing(), self.now);
        let (from, to) = (speed_name(self.playback.rate_milli), speed_name(rate_milli));
        self.decide(DecisionKind::Rate, None, Some(from), Some(to), why);
        self.playback.rate_milli = rate_milli;
        self.sink(SinkCommand::SetRate(rate_milli));
        self.look_before_the_edge();
    }

    /// Whether nothing is left to play from a position on.
    fn is_over(&self, position: MediaTime) -> bool {
        self.streams.values().filter(|s| s.is_essential()).all(|s| s.is_over(position, SEAM))
    }

    /// The stall watchdog: playback ought to move, does it?
    pub(crate) fn watch(&mut self) {
        if self.playback.state == State::Seeking {
            return self.watch_seek();
        }
        if self.playback.state != State::Playing {
            return;
        }
        self.set_watchdog();
        let (since, position): (Timestamp, MediaTime) = self.playback.moved;
        if self.now.since(since) < self.config.stuck_after {
            return;
        }
        let ended = self.is_over(position);
        // The sink waits for media, as it should.
        let lacks = |s: &Stream| s.is_essential() && !s.ended && s.ahead(position) <= SEAM;
        if self.streams.values().any(lacks) {
            return self.on_starved(position);
        }
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
        // It stood all the while, though nobody knew.
        let stood = self.now.since(since);
        self.qoe.stood(stood, self.now);
        self.emit(Event::StallStarted { at: self.now, position, cause: StallCause::StuckSink });
        self.emit(Event::StallEnded { at: self.now, stood_us: micros(stood) });
        let why = vec![format!("the sink has not moved for {} ms", self.config.stuck_after.as_millis())];
        self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(target.to_string()), why);
        let kept = self.jump_sink(target);
        self.playback.place(target, true, self.now);
        self.playback.moved = (self.now, target);
        if !kept {
            self.refill(target);
            self.stall(StallCause::MissingMedia);
        }
    }

    /// A sink that has the media of a place it was told to go to ought to get there.
    fn watch_seek(&mut self) {
        let Some(seek) = self.playback.seek.filter(|seek| !seek.arrived) else { return };
        self.set_watchdog();
        if !self.is_filled(self.config.start_buffer) {
            // It may wait for media, as this does.
            self.playback.moved = (self.now, seek.target);
        } else if self.now.since(self.playback.moved.0) >= self.config.stuck_after {
            if self.playback.nudges >= NUDGES {
                let error = Error::new(ErrorCode::PlaybackStuck, "the sink has media but does not answer a seek");
                return self.fail(error.fact("position", seek.target).fact("nudges", self.playback.nudges));
            }
            self.playback.nudges += 1;
            self.playback.moved = (self.now, seek.target);
            let why = vec![format!("the sink has not answered for {} ms", self.config.stuck_after.as_millis())];
            let target = Some(seek.target.to_string());
            self.decide(DecisionKind::Seek, None, target.clone(), target, why);
            self.seek_sink(self.shown_at(seek.target));
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
            let shown = item.reference();
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

/// A speed in thousandths, for people: `normal speed`, `1.03 times as fast`.
fn speed_name(rate_milli: u32) -> String {
    match rate_milli {
        1000 => "normal speed".to_owned(),
        _ => format!("{} times as fast", f64::from(rate_milli) / 1000.0),
    }
}

pub(crate) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
