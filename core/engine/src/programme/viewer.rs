//! What the application asks for while there are interstitials.

use std::sync::Arc;
use std::time::Duration;

use telecine_model::{Error, ErrorCode, Handling, Interstitial, MediaTime};

use super::line::{Gate, Line};
use super::shown::InterstitialEnd;
use super::standing::Standing;
use super::{uuid, Part, Pause, Plan, Programme};
use crate::action::SinkCommand;
use crate::engine::no_interstitial;
use crate::event::Event;
use crate::input::{Command, Input};

/// Whether the viewer may skip an interstitial of which so much was played.
pub(super) fn may_skip(part: &Part, played: MediaTime) -> bool {
    let what = &part.what;
    match part.skip_control.as_ref().or(what.skip_control.as_ref()) {
        // Who offers it from some time on allows it then, whatever is restricted (D.2).
        Some(control) => {
            played >= control.offset && control.duration.is_none_or(|duration| played < control.offset + duration)
        }
        None => !what.no_skip,
    }
}

impl Programme {
    pub(super) fn on_command(&mut self, command: Command) {
        match command {
            Command::Load { .. } => {
                self.forget();
                self.standing = Standing::default();
                self.session = uuid(&mut self.rng);
                self.wanted = false;
                self.beginning = self.main.config.interstitials.enabled;
                self.line = Line::new(0, Gate::Open, String::new());
                self.tell_title(command);
            }
            Command::Stop => {
                self.forget();
                self.line.open_wide();
                self.tell_title(command);
            }
            Command::Play if self.is_over() => {
                self.wanted = true;
                self.seek(MediaTime::MIN);
                if self.pause.is_none() {
                    self.tell_title(command);
                }
            }
            Command::Play => {
                self.wanted = true;
                self.tell_player(command);
            }
            Command::Pause => {
                self.wanted = false;
                self.tell_player(command);
            }
            Command::SetRate(rate_milli) => self.set_rate(rate_milli),
            Command::Seek(target) => self.seek(target),
            Command::SeekToTime(time) => match self.main.position_at_wall(time) {
                Some(target) => self.seek(target),
                None => self.tell_title(command),
            },
            Command::SkipInterstitial => self.skip(),
            Command::SetPreferences(_)
            | Command::SetConstraints(_)
            | Command::SetDataSaver(_)
            | Command::DisableKind(_) => {
                for roll in self.pause.iter_mut().flat_map(|pause| &mut pause.rolls) {
                    roll.engine.handle(Input::Command(command.clone()), self.now);
                }
                self.tell_title(command);
            }
            // The title ends where the application wants, or at what is played before that.
            Command::SetEnd(end) => {
                self.wanted_end = end;
                let end = self.end_from(self.main_needs());
                self.set_end(end);
            }
            Command::GoOn { from, end, after, follow } => {
                self.wanted_end = end;
                let end = self.end_from(from);
                self.tell_title(Command::GoOn { from, end, after, follow });
            }
            Command::SelectTrack { .. } | Command::ReleaseLicence(_) => self.tell_title(command),
        }
    }

    fn tell_title(&mut self, command: Command) {
        self.main.handle(Input::Command(command), self.now);
    }

    /// For whoever plays.
    fn tell_player(&mut self, command: Command) {
        match &mut self.pause {
            Some(pause) if pause.on => {
                if let Some(roll) = pause.rolls.front_mut().filter(|roll| roll.line.gate == Gate::Open) {
                    roll.engine.handle(Input::Command(command), self.now);
                }
                // Nobody waits who does not want to see anything.
                pause.waits = pause.waits.map(|_| self.now);
            }
            _ => self.tell_title(command),
        }
    }

    /// The next title has nothing of this one.
    fn forget(&mut self) {
        self.abandon();
        self.plan = Plan::default();
        self.wanted_end = None;
        self.untold_ends.clear();
        self.alarm = None;
        self.beginning = false;
    }

    /// Nothing of an interstitial goes on.
    pub(super) fn abandon(&mut self) {
        if let Some(mut pause) = self.pause.take() {
            let cut = pause.cut;
            self.tell_end(&mut pause, usize::MAX, cut, InterstitialEnd::Left);
            for roll in std::mem::take(&mut pause.rolls) {
                self.stop_roll(roll);
            }
        }
        for id in self.lists.clear() {
            self.cancel_list(id);
        }
    }

    fn set_rate(&mut self, rate_milli: u32) {
        if (100..=4000).contains(&rate_milli) {
            self.rate_milli = rate_milli;
        }
        for pause in self.pause.iter_mut() {
            for roll in &mut pause.rolls {
                // Neither may it be played fast (IN07).
                let slow = pause.parts.get(roll.part).is_some_and(|part| part.what.no_skip);
                let rate = if slow { rate_milli.min(1000) } else { rate_milli };
                roll.engine.handle(Input::Command(Command::SetRate(rate)), self.now);
            }
        }
        self.tell_title(Command::SetRate(rate_milli));
    }

    fn seek(&mut self, target: MediaTime) {
        self.standing.returning = false;
        if self.beginning || self.main.title.start.is_none() || !(self.main.playback.is_active() || self.is_over()) {
            return self.tell_title(Command::Seek(target));
        }
        let target = self.main.within(target);
        let from = match &self.pause {
            Some(pause) if pause.on => pause.cut,
            _ => self.main_needs(),
        };
        if let Some(pause) = self.pause.as_ref().filter(|pause| pause.on) {
            let what = pause.parts.get(pause.part()).map(|part| &part.what);
            // Backwards it may be left (D.2).
            if what.is_some_and(|what| what.no_skip) && target > from {
                let error = Error::new(ErrorCode::InvalidState, "the interstitial that is played may not be skipped");
                return self.emit(Event::Error { at: self.now, error: error.recovered(Handling::Skipped) });
            }
        }
        let held = self.pause.as_ref().is_some_and(|pause| pause.on);
        if let Some(mut pause) = self.pause.take() {
            if pause.on {
                self.tell_end(&mut pause, usize::MAX, target, InterstitialEnd::Left);
                for roll in std::mem::take(&mut pause.rolls) {
                    self.stop_roll(roll);
                }
                self.line.shut();
            } else {
                self.drop_pause(&mut pause);
            }
        }
        if target <= from {
            self.plan.go_back_to(target);
        }
        let passed = self.plan.not_to_be_passed(from, target);
        if let Some(first) = passed.first() {
            // They are played first, and then the title goes on where the viewer wants to be.
            let cut = self.cut_of(first).max(from);
            return self.interrupt(passed, cut, Some(target));
        }
        if let Some(what) = self.plan.around(target).cloned() {
            // In the middle of what it takes the place of (IN13).
            let cut = self.cut_of(&what);
            return self.interrupt(vec![what], cut, None);
        }
        let end = self.end_from(target);
        if self.sink.mixed || self.line.gate != Gate::Open {
            // The sink is the title's again, in the title's own time, and has nothing.
            if held && self.sink.playing {
                self.order(SinkCommand::Pause);
            }
            self.drop_from_sink();
            self.line.open_wide();
            self.tell_title(Command::GoOn { from: target, end, after: Duration::ZERO, follow: false });
        } else if self.main.title.end != end {
            self.tell_title(Command::SetEnd(end));
        }
        self.tell_title(Command::Seek(target));
        if held {
            self.drain();
            self.play_main();
        }
    }

    fn is_over(&self) -> bool {
        self.main.playback.state == crate::State::Ended
    }

    /// Plays interstitials at once, in place of what the viewer sees.
    fn interrupt(&mut self, whats: Vec<Arc<Interstitial>>, cut: MediaTime, target: Option<MediaTime>) {
        let mut pause: Pause = self.pause_for(whats, cut, MediaTime::ZERO);
        pause.target = target;
        self.line.shut();
        self.empty_sink(cut);
        self.enter(&mut pause, cut);
        self.pause = Some(pause);
    }

    fn skip(&mut self) {
        let Some(pause) = self.pause.as_ref().filter(|pause| pause.on) else {
            return self.emit(Event::Error { at: self.now, error: no_interstitial() });
        };
        let at = pause.part();
        let Some(part) = pause.parts.get(at) else { return };
        let played = part.played + pause.rolls.front().map_or(MediaTime::ZERO, |roll| roll.seen(self.now));
        if !may_skip(part, played) {
            let error = Error::new(ErrorCode::InvalidState, "the interstitial may not be skipped (yet)");
            return self.emit(Event::Error { at: self.now, error: error.recovered(Handling::Skipped) });
        }
        let Some(mut pause) = self.pause.take() else { return };
        // As if it had been played: where it takes the place of something, behind that.
        let target = self.skip_target(&pause, at);
        for roll in std::mem::take(&mut pause.rolls) {
            self.stop_roll(roll);
        }
        self.tell_end(&mut pause, usize::MAX, target, InterstitialEnd::Skipped);
        if pause.is_behind_title() {
            return self.end_title();
        }
        // What was made ready behind it is there already.
        if pause.returns == Some(target) && self.move_to_main(target) {
            return;
        }
        self.go_to_title(target, pause.keeps_following());
    }

    /// Where the title goes on behind a pause if the part that plays counts as played.
    fn skip_target(&self, pause: &Pause, at: usize) -> MediaTime {
        let own = |coming: &&super::Coming| coming.part == at;
        let coming = pause.coming.iter().filter(own).map(|coming| coming.asset.duration);
        let rolls = pause.rolls.iter().filter(|roll| roll.part == at);
        let left = coming.chain(rolls.map(|roll| roll.length().or(roll.asset.duration))).sum::<Option<MediaTime>>();
        let (played, announced) = match pause.parts.get(at) {
            Some(part) => (part.played, part.what.duration),
            None => (MediaTime::ZERO, None),
        };
        let late = if at == 0 { pause.midway } else { MediaTime::ZERO };
        let seen = pause.rolls.front().map_or(MediaTime::ZERO, |roll| roll.seen(self.now));
        let announced = announced.map(|announced| announced - played - late);
        let more = announced.or(left).unwrap_or(seen).max(MediaTime::ZERO);
        let sum = pause.parts.iter().map(|part| part.played).sum::<MediaTime>() + more;
        self.resume_of(pause, sum.max(MediaTime::from_millis(1)), at, more)
    }
}
