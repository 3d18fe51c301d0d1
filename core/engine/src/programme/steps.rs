//! From one engine to the next: each step changes one thing, until there is nothing to change.

use std::time::Duration;

use telecine_model::interstitial::{InterstitialCue, Resume};
use telecine_model::{MediaTime, Timestamp};

use super::assets::AT_END;
use super::line::Gate;
use super::shown::{InterstitialEnd, InterstitialPhase};
use super::{Part, Pause, Programme};
use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::State;
use crate::input::{Command, Input, SinkReport};

impl Programme {
    /// One step; true if there may be another at once.
    pub(super) fn step(&mut self) -> bool {
        if self.beginning {
            return self.begin_title();
        }
        let Some(mut pause) = self.pause.take() else { return self.look_ahead() };
        let state = self.main.playback.state;
        if matches!(state, State::Failed | State::Stopped | State::Idle) {
            return false;
        }
        let changed = match pause.on {
            false => self.approach(&mut pause),
            true => self.follow(&mut pause),
        };
        match changed {
            Step::Done(changed) => {
                self.pause = Some(pause);
                changed
            }
            Step::Over => true,
        }
    }

    /// The first media of the title came: something may be played before it.
    fn begin_title(&mut self) -> bool {
        let before_media = |command: &SinkCommand| {
            matches!(command, SinkCommand::Seek(_) | SinkCommand::Pause | SinkCommand::SetRate(_))
        };
        if self.line.held.iter().all(before_media) {
            return false;
        }
        self.beginning = false;
        let start = self.main_needs();
        let first = self.plan.before_title().cloned();
        let first = first.or_else(|| self.plan.at(start).cloned());
        let around = || self.plan.around(start).filter(|what| what.join_midway).cloned();
        let Some(what) = first.or_else(around) else {
            self.line.open_wide();
            self.release_main();
            return true;
        };
        // What the title said of where and how fast it plays is said when it does.
        let seeks = self.line.held.iter().filter(|command| matches!(command, SinkCommand::Seek(_))).count();
        self.line.held.retain(|command| {
            !matches!(command, SinkCommand::Seek(_) | SinkCommand::Play | SinkCommand::Pause | SinkCommand::SetRate(_))
        });
        self.line.gate = Gate::Held;
        for _ in 0..seeks {
            self.main.handle(Input::Sink(SinkReport::Seeked { position: start }), self.now);
        }
        let midway = match what.cue {
            InterstitialCue::Start if what.start + SEAM < start => start - what.start,
            _ => MediaTime::ZERO,
        };
        let mut pause = self.pause_for(vec![what], start, midway);
        pause.first = true;
        self.enter(&mut pause, start);
        self.pause = Some(pause);
        true
    }

    /// Nothing is prepared: what is next, and is it time?
    fn look_ahead(&mut self) -> bool {
        let state = self.main.playback.state;
        let known = self.main.title.start.is_some();
        if !self.main.config.interstitials.enabled || !known || matches!(state, State::Failed | State::Stopped) {
            return false;
        }
        self.ask_ahead();
        let position = self.main_needs();
        // What lies at the very end of a title that was played to it is not come to any more.
        let over = state == State::Ended && self.main.title.end == self.wanted_end;
        let next = self.next_from(position).filter(|_| !over).map(|(what, cut)| (what.clone(), cut));
        let end = next.as_ref().map(|(_, cut)| *cut).or(self.wanted_end);
        if self.main.title.end != end && state != State::Ended {
            self.set_end(end);
            return true;
        }
        let what = match next {
            Some((what, _)) => what,
            // Behind the title: when all of it is there.
            None if self.wanted_end.is_none() && self.main.is_fed() && self.main.duration().is_some() => {
                match self.plan.behind_title() {
                    Some(what) => what.clone(),
                    None => return false,
                }
            }
            None => return false,
        };
        let cut = end.or(self.main.duration()).unwrap_or(position);
        let lead = MediaTime::from_duration(self.main.config.interstitials.lead);
        if !self.main.is_fed() && self.main.real(cut - position) > lead.to_duration() {
            return false;
        }
        let mut pause = self.pause_for(vec![what], cut, MediaTime::ZERO);
        // Not all clients at once (D.5).
        let spread = u64::try_from(self.main.config.interstitials.lead.as_micros() / 2).unwrap_or(u64::MAX);
        let left = self.main.real(cut - position).as_micros();
        let spread = spread.min(u64::try_from(left / 2).unwrap_or(u64::MAX));
        let at = self.now.as_micros().saturating_add(self.rng.below(spread.max(1)));
        pause.ask_at = Some(Timestamp::from_micros(at));
        self.pause = Some(pause);
        true
    }

    /// Lets the title end somewhere. A sink that was told that nothing follows plays nothing more until it is moved.
    pub(super) fn set_end(&mut self, end: Option<MediaTime>) {
        self.main.handle(Input::Command(Command::SetEnd(end)), self.now);
        if self.sink.ended && self.main.playback.is_active() {
            let from = self.main_needs();
            let follow = self.main.title.live.following.live;
            self.main.handle(Input::Command(Command::GoOn { from, end, after: Duration::ZERO, follow }), self.now);
        }
    }

    pub(super) fn pause_for(
        &self,
        whats: Vec<std::sync::Arc<telecine_model::Interstitial>>,
        cut: MediaTime,
        midway: MediaTime,
    ) -> Pause {
        Pause {
            parts: whats.into_iter().map(Part::new).collect(),
            cut,
            midway,
            on: false,
            coming: std::collections::VecDeque::new(),
            rolls: std::collections::VecDeque::new(),
            target: None,
            waits: None,
            place: cut,
            followed: false,
            returns: None,
            first: false,
            ask_at: None,
        }
    }

    /// The title plays up to an interstitial: what that plays is made ready.
    fn approach(&mut self, pause: &mut Pause) -> Step {
        let known = pause.last().and_then(|what| self.plan.get(&what.id));
        // Or the application wants the title to end before it.
        let ends = self.wanted_end.is_some_and(|end| pause.is_behind_title() || end <= pause.cut);
        let changed = pause.last() != known || ends;
        let elsewhere = !pause.is_behind_title() && self.main_needs() > pause.cut + SEAM;
        if changed || elsewhere {
            // It is another one now, or the playhead came past it in another way.
            self.drop_pause(pause);
            return Step::Over;
        }
        if pause.ask_at.is_some_and(|at| at > self.now) && !self.is_at_cut() {
            return Step::Done(false);
        }
        if self.resolve(pause) || self.lose(pause) {
            return Step::Done(true);
        }
        if pause.is_resolved() && pause.coming.is_empty() && pause.rolls.is_empty() {
            if let Some(part) = pause.parts.last().filter(|part| part.failed || part.assets == 0) {
                // Nothing is played, so that nothing has to be held, unless the title is to go on elsewhere (IN10).
                let moves = matches!(part.what.resume, Resume::Offset(offset) if offset != MediaTime::ZERO);
                if part.failed || !moves {
                    let id = part.what.id.clone();
                    self.plan.done(&id);
                    let reason = if part.failed { InterstitialEnd::Failed } else { InterstitialEnd::Played };
                    self.tell(&id, InterstitialPhase::Ended { resume: pause.cut, reason });
                    return Step::Over;
                }
            }
        }
        if pause.rolls.is_empty() && self.start_roll(pause) {
            return Step::Done(true);
        }
        if self.main.is_fed() {
            let end = self.main.fed_until().filter(|end| end.abs_diff(pause.cut) <= SEAM).unwrap_or(pause.cut);
            pause.place = self.line.outer_time(end);
            if self.hand_on_next(pause) {
                return Step::Done(true);
            }
        }
        if self.is_at_cut() {
            let place = pause.place;
            self.enter(pause, place);
            return Step::Done(true);
        }
        Step::Done(false)
    }

    /// The title is held: one asset after the other plays.
    fn follow(&mut self, pause: &mut Pause) -> Step {
        if self.resolve(pause) || self.lose(pause) || self.lose_patience(pause) {
            return Step::Done(true);
        }
        if pause.rolls.is_empty() {
            if self.start_roll(pause) {
                return Step::Done(true);
            }
            if pause.is_resolved() && !self.chain(pause) {
                return self.go_back(pause);
            }
            return Step::Done(false);
        }
        if self.hand_on_next(pause) || self.play_front(pause) || self.prepare(pause) {
            return Step::Done(true);
        }
        if !self.is_front_over(pause) {
            return Step::Done(false);
        }
        self.retire_front(pause);
        if pause.rolls.is_empty() && pause.coming.is_empty() && pause.is_resolved() {
            return self.go_back(pause);
        }
        Step::Done(true)
    }

    /// The title is held from now on; what comes next is `place` in the sink's time.
    pub(super) fn enter(&mut self, pause: &mut Pause, place: MediaTime) {
        pause.on = true;
        pause.place = place;
        pause.waits = Some(self.now);
        pause.ask_at = None;
        pause.followed = self.main.title.live.following.live;
        if self.line.gate == Gate::Open {
            self.line.shut();
        }
        self.pause = None;
        for part in &pause.parts {
            self.plan.done(&part.what.id);
        }
        if let Some(part) = pause.parts.first_mut().filter(|part| !part.told) {
            part.told = true;
            let id = part.what.id.clone();
            self.tell(&id, InterstitialPhase::Started { position: pause.cut });
        }
        // Whose captions are these?
        if !pause.first {
            self.emit(crate::Event::CuesShown { at: self.now, position: pause.cut, cues: Vec::new() });
        }
        self.hold_main();
        if pause.rolls.is_empty() && self.sink.playing {
            self.order(SinkCommand::Pause);
        }
    }

    /// The title's playhead stands; what it tells the sink of that is not for the sink.
    fn hold_main(&mut self) {
        self.main.handle(Input::Command(Command::Pause), self.now);
        while let Some(action) = self.main.poll() {
            match action {
                Action::Sink(_) => {}
                Action::Emit(event) if matches!(*event, crate::Event::State { .. }) => {}
                other => self.outbox.push_back(other),
            }
        }
    }

    /// From where on the title needs media: where its playhead is, or will be.
    pub(super) fn main_needs(&self) -> MediaTime {
        let seek = self.main.playback.seek.map(|seek| seek.target);
        let start = self.main.title.start.filter(|_| !self.main.playback.started);
        seek.or(start).unwrap_or_else(|| self.main.position_at(self.now))
    }

    /// The title was played to where it is to be held.
    fn is_at_cut(&self) -> bool {
        if !self.main.is_fed() {
            return false;
        }
        let end = self.main.fed_until().unwrap_or(MediaTime::MAX);
        let there = self.main.position_at(self.now) + AT_END >= end;
        match self.main.playback.state {
            State::Ended => true,
            State::Playing => there || self.sink.starved,
            _ => false,
        }
    }

    /// Something follows the end that the title has now.
    pub(super) fn is_followed(&self) -> bool {
        self.pause.is_some()
            || self.main.title.end != self.wanted_end
            || (self.main.config.interstitials.enabled
                && self.wanted_end.is_none()
                && self.plan.behind_title().is_some())
    }

    /// A place in the sink's time at which one engine follows another.
    pub(super) fn is_seam(&self, position: MediaTime) -> bool {
        let near = |place: MediaTime| position + SEAM >= place;
        match &self.pause {
            Some(pause) if pause.on => {
                let front = pause.rolls.front();
                front.and_then(|roll| Some(roll.line.outer_time(roll.end()?))).is_some_and(near)
            }
            _ if !self.is_followed() || !self.main.is_fed() => false,
            _ => self.main.fed_until().map(|end| self.line.outer_time(end)).is_some_and(near),
        }
    }

    pub(super) fn wake(&mut self, at: Timestamp) {
        self.alarm = Some(self.alarm.map_or(at, |alarm| alarm.min(at)));
    }

    /// When the next step may be due though nothing happens.
    pub(super) fn set_alarm(&mut self) {
        let mut times = Vec::new();
        let lead = self.main.config.interstitials.lead;
        let arrival = |engine: &Engine, end: MediaTime, now: Timestamp| {
            engine.playback.is_advancing().then(|| now + engine.real(end - engine.position_at(now)))
        };
        match &self.pause {
            Some(pause) if pause.on => {
                let front = pause.rolls.front();
                times.extend(front.and_then(|roll| arrival(&roll.engine, roll.end()?, self.now)));
                times.extend(pause.waits.map(|since| since + self.main.config.interstitials.patience));
            }
            Some(pause) => {
                times.extend(pause.ask_at.filter(|at| *at > self.now));
                times.extend(
                    self.main
                        .fed_until()
                        .filter(|_| self.main.is_fed())
                        .and_then(|end| arrival(&self.main, end, self.now)),
                );
            }
            None => {
                let next = self.main.title.end.and_then(|end| arrival(&self.main, end, self.now));
                times.extend(next.map(|at| {
                    Timestamp::from_micros(
                        at.as_micros().saturating_sub(u64::try_from(lead.as_micros()).unwrap_or(u64::MAX)),
                    )
                }));
            }
        }
        // What is due was done; what was not possible yet waits for something else to happen.
        for at in times {
            if at > self.now {
                self.wake(at);
            }
        }
    }
}

/// What became of a step.
pub(super) enum Step {
    /// The pause goes on; true if something changed.
    Done(bool),
    /// It is over.
    Over,
}
