//! Back to the title: where it goes on, and how.

use std::time::Duration;

use telecine_model::interstitial::{InterstitialCue, Resume};
use telecine_model::{MediaTime, TrackKind};

use super::assets::AT_END;
use super::line::Gate;
use super::shown::{InterstitialEnd, InterstitialPhase};
use super::steps::Step;
use super::{Part, Pause, Programme};
use crate::action::SinkCommand;
use crate::buffer::SEAM;
use crate::event::{Event, State};
use crate::input::{Command, Input, SinkReport};

/// How long before the end of what plays the title is prepared, where it is live and what is to come is not listed yet.
const LATEST_RETURN: MediaTime = MediaTime::from_millis(500);

impl Programme {
    /// Everything of the last one is there: makes ready what follows it.
    pub(super) fn prepare(&mut self, pause: &mut Pause) -> bool {
        let Some(roll) = pause.rolls.back() else { return false };
        let Some(end) = roll.end().filter(|_| roll.line.gate == Gate::Open) else { return false };
        if pause.rolls.len() > 1 || pause.returns.is_some() {
            return false;
        }
        self.silence_absent(pause);
        if !pause.coming.is_empty() {
            return self.start_roll(pause);
        }
        if !pause.is_resolved() {
            return false;
        }
        if self.chain(pause) {
            return true;
        }
        let Some(roll) = pause.rolls.back() else { return false };
        if pause.is_behind_title() || !self.main.playback.is_active() {
            return false;
        }
        let played = pause.parts.iter().map(|part| part.played).sum::<MediaTime>() + roll.length().unwrap_or_default();
        let target = self.resume_of(pause, played, roll.part, roll.length().unwrap_or_default());
        let boundary = self.main.boundary_near(target).filter(|boundary| boundary.abs_diff(target) <= SEAM);
        let left = end - roll.engine.position_at(self.now);
        if self.main.is_live() && boundary.is_none() && left > LATEST_RETURN && !self.main.lists_beyond(target) {
            return false;
        }
        let (place, after) = (roll.line.outer_time(end), roll.engine.real(left));
        self.return_main(pause, boundary.unwrap_or(target), boundary.map(|_| place), after);
        true
    }

    /// Tells the title's engine to go on: behind what plays, if it is given where that ends; else when it is let. `after`
    /// is how long something else is played before.
    pub(super) fn return_main(
        &mut self,
        pause: &mut Pause,
        target: MediaTime,
        seam: Option<MediaTime>,
        after: Duration,
    ) {
        let target = self.still_listed(target);
        pause.returns = Some(target);
        let kept = pause.first && self.main.title.start.is_some_and(|start| start.abs_diff(target) <= SEAM);
        match seam.filter(|_| !kept) {
            Some(place) => self.line.open(target, place),
            None if !kept => {
                self.line.shut();
                self.line.gate = Gate::Held;
            }
            // Its beginning is there already.
            None => {}
        }
        if kept {
            if let Some(place) = seam.filter(|_| self.line.gate == Gate::Held) {
                self.line.open(target, place);
                self.release_main();
            }
            return;
        }
        let end = self.end_from(target);
        let follow = pause.keeps_following();
        self.main.handle(Input::Command(Command::GoOn { from: target, end, after, follow }), self.now);
    }

    /// Where the title can go on if a place is meant: its window may have left that behind meanwhile. What was announced for before
    /// the window is not come to any more.
    fn still_listed(&self, target: MediaTime) -> MediaTime {
        let window = self.main.seekable().filter(|_| self.main.is_live());
        window.map_or(target, |(earliest, _)| target.max(earliest))
    }

    /// Adds the interstitial that is played next, if that is at the same place (IN09).
    pub(super) fn chain(&mut self, pause: &mut Pause) -> bool {
        if pause.target.is_some() {
            return false;
        }
        let next = match pause.last().map(|what| what.cue) {
            Some(InterstitialCue::BeforeTitle) => {
                self.plan.before_title().cloned().or_else(|| self.plan.at(pause.cut).cloned())
            }
            Some(InterstitialCue::BehindTitle) => self.plan.behind_title().cloned(),
            // At the same place, or where the title would go on.
            _ => self.plan.at(pause.cut).or_else(|| self.plan.at(self.resume_behind(pause))).cloned(),
        };
        let Some(what) = next else { return false };
        self.plan.done(&what.id);
        pause.parts.push(Part::new(what));
        true
    }

    /// The title goes on: everything that was to be played was.
    pub(super) fn go_back(&mut self, pause: &mut Pause) -> Step {
        let reason = match pause.parts.iter().all(|part| part.failed && part.played == MediaTime::ZERO) {
            true => InterstitialEnd::Failed,
            false => InterstitialEnd::Played,
        };
        if pause.is_behind_title() {
            self.tell_end(pause, usize::MAX, pause.cut, reason);
            if self.sink.playing {
                self.order(SinkCommand::Pause);
            }
            self.end_title();
            return Step::Over;
        }
        let played = pause.parts.iter().map(|part| part.played).sum();
        let target = match pause.returns {
            Some(target) => target,
            None => self.still_listed(self.resume_of(pause, played, 0, MediaTime::ZERO)),
        };
        self.tell_end(pause, usize::MAX, target, reason);
        if pause.returns.is_some() && self.line.gate == Gate::Open {
            self.disable_absent();
            self.come_back();
            return Step::Over;
        }
        let kept = pause.first && self.main.title.start.is_some_and(|start| start.abs_diff(target) <= SEAM);
        if pause.returns.is_none() && !kept {
            self.go_to_title(target, pause.keeps_following());
            return Step::Over;
        }
        self.show_held(target);
        Step::Over
    }

    /// What follows the title was played: it has ended.
    pub(super) fn end_title(&mut self) {
        self.line.gate = Gate::Open;
        self.main.handle(Input::Sink(SinkReport::Ended), self.now);
        self.drain();
        if self.main.playback.state == State::Ended && self.state != State::Ended {
            // It had ended before what followed it.
            (self.state, self.wanted) = (State::Ended, false);
            self.emit(Event::State { at: self.now, state: State::Ended });
            self.emit(Event::Ended { at: self.now });
        }
    }

    /// What was held of the title is handed on to an empty sink, in its own time.
    pub(super) fn show_held(&mut self, target: MediaTime) {
        self.empty_sink(target);
        self.line.open_wide();
        self.release_main();
        self.disable_absent();
        self.come_back();
    }

    /// Shows what the title was told to go on with before it was its turn. False if the sink cannot be moved to that.
    pub(super) fn move_to_main(&mut self, target: MediaTime) -> bool {
        if self.line.gate == Gate::Held {
            self.show_held(target);
            return true;
        }
        let (random_access, jumps) = (self.main.capabilities.random_access, self.main.capabilities.jumps);
        if self.line.gate != Gate::Open || !(random_access || jumps) {
            return false;
        }
        let place = self.line.outer_time(target);
        self.sink.own_seeks += 1;
        self.order(if random_access { SinkCommand::Seek(place) } else { SinkCommand::Jump(place) });
        self.forget_past(place);
        self.disable_absent();
        self.come_back();
        true
    }

    /// Leaves an interstitial and lets the title go on from a place, in an empty sink and in its own time.
    pub(super) fn go_to_title(&mut self, target: MediaTime, follow: bool) {
        let target = self.still_listed(target);
        self.line.shut();
        self.drop_from_sink();
        self.line.open_wide();
        let end = self.end_from(target);
        let go_on = Command::GoOn { from: target, end, after: Duration::ZERO, follow };
        self.main.handle(Input::Command(go_on), self.now);
        self.come_back();
    }

    /// The title is the viewer's again, behind what was played before: until it is there the viewer waits.
    fn come_back(&mut self) {
        self.standing.returning = true;
        self.play_main();
    }

    pub(super) fn play_main(&mut self) {
        if self.sink.rate_milli != self.main.playback.rate_milli {
            let rate_milli = self.main.playback.rate_milli;
            self.order(SinkCommand::SetRate(rate_milli));
        }
        if self.wanted {
            self.main.handle(Input::Command(Command::Play), self.now);
        }
        if self.main.playback.state != State::Playing && self.sink.playing {
            self.order(SinkCommand::Pause);
        }
    }

    /// Hands on what was held of the title.
    pub(super) fn release_main(&mut self) {
        for command in std::mem::take(&mut self.line.held) {
            self.pass_main(command);
        }
    }

    /// Kinds that an asset had and the title has not: nobody is to wait for them.
    pub(super) fn disable_absent(&mut self) {
        let outputs = self.main.streams.values().flat_map(|stream| stream.outputs.iter().copied());
        let played: telecine_model::SortedSet<TrackKind> = outputs.collect();
        for kind in self.sink_kinds() {
            if !played.contains(&kind) {
                self.order(SinkCommand::Disable { kind });
            }
        }
    }

    /// Gives up what is prepared; the title plays on.
    pub(super) fn drop_pause(&mut self, pause: &mut Pause) {
        let opened = pause.rolls.iter().any(|roll| roll.line.gate == Gate::Open);
        for roll in std::mem::take(&mut pause.rolls) {
            self.stop_roll(roll);
        }
        if opened {
            for kind in self.sink_kinds() {
                self.order(SinkCommand::Remove { kind, from: pause.place, to: MediaTime::MAX });
            }
        }
    }

    /// Tells of the first parts of a pause that they have ended, unless that was told.
    pub(super) fn tell_end(&mut self, pause: &mut Pause, parts: usize, resume: MediaTime, reason: InterstitialEnd) {
        for part in pause.parts.iter_mut().take(parts).filter(|part| part.told && !part.ended) {
            part.ended = true;
            let nothing = part.failed && part.played == MediaTime::ZERO && reason == InterstitialEnd::Played;
            let reason = if nothing { InterstitialEnd::Failed } else { reason };
            let id = part.what.id.clone();
            self.tell(&id, InterstitialPhase::Ended { resume, reason });
        }
    }

    /// Where the title goes on behind a pause of which so much was played, `more` of it in the part that plays.
    pub(super) fn resume_of(&self, pause: &Pause, played: MediaTime, at: usize, more: MediaTime) -> MediaTime {
        if let Some(target) = pause.target {
            return target;
        }
        let nothing = played == MediaTime::ZERO && pause.parts.iter().all(|part| part.failed);
        if nothing {
            // As if it had not been announced (IN10).
            return pause.cut;
        }
        // Those at one place add up (IN09); before the title, it begins where it would.
        let begin = if pause.midway > MediaTime::ZERO { pause.cut - pause.midway } else { pause.cut };
        let mut target = pause.cut;
        for (number, part) in pause.parts.iter().enumerate() {
            let seen = part.played + if number == at { more } else { MediaTime::ZERO };
            target += match part.what.resume {
                // As if it had not been announced (IN10).
                _ if part.failed && seen == MediaTime::ZERO => MediaTime::ZERO,
                _ if part.what.cue == InterstitialCue::BeforeTitle => MediaTime::ZERO,
                Resume::Played => seen,
                Resume::Offset(offset) if number == 0 && begin < pause.cut => offset - pause.midway,
                Resume::Offset(offset) => offset,
            };
        }
        let snaps = pause.parts.iter().any(|part| part.what.snap_in);
        let snapped = snaps.then(|| self.main.boundary_near(target)).flatten();
        snapped.unwrap_or(target)
    }

    /// Where the title goes on behind what a pause has so far, its last roll included.
    fn resume_behind(&self, pause: &Pause) -> MediaTime {
        let (at, more) =
            pause.rolls.back().map_or((0, MediaTime::ZERO), |roll| (roll.part, roll.length().unwrap_or_default()));
        let played = pause.parts.iter().map(|part| part.played).sum::<MediaTime>() + more;
        self.resume_of(pause, played, at, more)
    }

    /// The next interstitial from a place on, before where the application wants the title to end.
    pub(super) fn next_from(
        &self,
        place: MediaTime,
    ) -> Option<(&std::sync::Arc<telecine_model::Interstitial>, MediaTime)> {
        let what = self.plan.next(place).filter(|_| self.main.config.interstitials.enabled)?;
        let cut = self.cut_of(what);
        self.wanted_end.is_none_or(|end| cut < end).then_some((what, cut))
    }

    /// Where the title is to end if it is played from a place on.
    pub(super) fn end_from(&self, place: MediaTime) -> Option<MediaTime> {
        self.next_from(place).map(|(_, cut)| cut).or(self.wanted_end)
    }

    /// Where an interstitial begins.
    pub(super) fn cut_of(&self, what: &telecine_model::Interstitial) -> MediaTime {
        let snapped = what.snap_out.then(|| self.main.boundary_near(what.start)).flatten();
        // A boundary that is as good as meant is better than one frame of what lies behind it.
        let near = self.main.boundary_near(what.start).filter(|near| near.abs_diff(what.start) <= AT_END);
        snapped.or(near).unwrap_or(what.start)
    }
}

/// The sink.
impl Programme {
    /// A sink with random access would show again what lies before, to whoever goes back in the title.
    pub(super) fn forget_past(&mut self, place: MediaTime) {
        for kind in self.sink_kinds() {
            self.order(SinkCommand::Remove { kind, from: MediaTime::MIN, to: place });
        }
    }

    pub(super) fn sink_kinds(&self) -> Vec<TrackKind> {
        self.sink.kinds.keys().copied().collect()
    }

    pub(super) fn drop_from_sink(&mut self) {
        self.sink.mixed = false;
        for kind in self.sink_kinds() {
            self.order(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
        }
    }

    /// Drops everything from the sink and moves it.
    pub(super) fn empty_sink(&mut self, place: MediaTime) {
        if self.sink.playing {
            self.order(SinkCommand::Pause);
        }
        self.drop_from_sink();
        self.sink.own_seeks += 1;
        self.order(SinkCommand::Seek(place));
    }
}
