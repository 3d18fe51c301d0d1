//! From one engine to the next: each step changes one thing, until there is nothing to change.

use telecine_model::interstitial::{Asset, AssetSource, InterstitialCue, Resume};
use telecine_model::{uri, Error, ErrorCode, MediaTime, Timestamp, TrackKind};

use super::line::{Gate, Line};
use super::roll::Roll;
use super::shown::{InterstitialEnd, InterstitialPhase};
use super::{unplayable, uuid, Coming, Part, Pause, Programme, LISTS};
use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::State;
use crate::input::{Command, Environment, Input, RequestId, SinkReport};

/// A playhead is said to be at the end this much before it: positions are carried forward in whole microseconds.
const AT_END: MediaTime = MediaTime::from_millis(1);

/// How long before the end of what plays the title is prepared, where it is live and what is to come is not listed yet.
const LATEST_RETURN: MediaTime = MediaTime::from_millis(500);

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
        let start = self.main.title.start.unwrap_or_default();
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
        let next = self.plan.next(position).cloned();
        let end = next.as_ref().map(|what| self.cut_of(what));
        if self.main.title.end != end && state != State::Ended {
            self.main.handle(Input::Command(Command::SetEnd(end)), self.now);
            return true;
        }
        let what = match next {
            Some(what) => what,
            // Behind the title: when all of it is there.
            None if self.main.is_fed() && self.main.duration().is_some() => match self.plan.behind_title() {
                Some(what) => what.clone(),
                None => return false,
            },
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

    pub(super) fn pause_for(
        &self,
        whats: Vec<std::sync::Arc<telecine_model::Interstitial>>,
        cut: MediaTime,
        midway: MediaTime,
    ) -> Pause {
        let part =
            |what| Part { what, resolved: false, told: false, played: MediaTime::ZERO, failed: false, assets: 0 };
        Pause {
            parts: whats.into_iter().map(part).collect(),
            cut,
            midway,
            on: false,
            coming: std::collections::VecDeque::new(),
            rolls: std::collections::VecDeque::new(),
            target: None,
            waits: None,
            place: cut,
            returns: None,
            first: false,
            ask_at: None,
        }
    }

    /// The title plays up to an interstitial: what that plays is made ready.
    fn approach(&mut self, pause: &mut Pause) -> Step {
        let known = pause.last().and_then(|what| self.plan.get(&what.id));
        let changed = pause.last() != known;
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
            self.to_sink(SinkCommand::Pause);
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

    /// Finds out what is played. True if something came of it.
    fn resolve(&mut self, pause: &mut Pause) -> bool {
        let Some(at) = pause.parts.iter().position(|part| !part.resolved) else { return false };
        let what = std::sync::Arc::clone(&pause.parts[at].what);
        let midway = if at == 0 { pause.midway } else { MediaTime::ZERO };
        let list = match &what.assets {
            AssetSource::Asset(url) => Ok(vec![Asset { uri: self.named(url), duration: what.duration }]),
            AssetSource::List(name) => match self.lists.take(name) {
                Some(found) => found.map(|list| list.assets),
                None => {
                    if !self.lists.knows(name) {
                        self.ask_for_list(name, midway);
                        return true;
                    }
                    return false;
                }
            },
        };
        let part = &mut pause.parts[at];
        part.resolved = true;
        let assets = match list {
            Ok(assets) => assets,
            Err(error) => {
                part.failed = true;
                self.tell(&what.id, InterstitialPhase::Failed { index: None, error });
                return true;
            }
        };
        part.assets = u32::try_from(assets.len()).unwrap_or(u32::MAX);
        let durations = assets.iter().map(|asset| asset.duration);
        let duration = durations.sum::<Option<MediaTime>>();
        self.tell(&what.id, InterstitialPhase::Resolved { assets: part.assets, duration });
        // Who comes late sees the rest: whole assets are left out, and the beginning of one (IN12).
        let mut late = midway;
        for (index, asset) in assets.into_iter().enumerate() {
            let whole = asset.duration.filter(|duration| *duration <= late);
            if let Some(duration) = whole {
                late = late - duration;
                continue;
            }
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            pause.coming.push_back(Coming { asset, part: at, index, from: late });
            late = MediaTime::ZERO;
        }
        true
    }

    /// The URL of what is played, with what names the session (IN12).
    fn named(&self, url: &str) -> String {
        match self.main.is_hls() {
            true => with_query(url, &[("_HLS_primary_id", &self.session)]),
            false => url.to_owned(),
        }
    }

    fn ask_for_list(&mut self, name: &str, midway: MediaTime) {
        let offset = format!("{:.3}", midway.as_secs_f64());
        let play = uuid(&mut self.rng);
        let mut query = vec![("_HLS_primary_id", self.session.as_str()), ("_HLS_interstitial_id", play.as_str())];
        if midway > MediaTime::ZERO {
            query.push(("_HLS_start_offset", offset.as_str()));
        }
        let url = with_query(name, &query);
        let mut fetch = self.lists.ask(name, url, &self.main.config.limits);
        if let Err(error) = self.main.check_reference(name) {
            let NetworkFailure { id, code, message } = NetworkFailure::of(&fetch, &error);
            let event = crate::NetworkEvent::Failed { id, code, message };
            return self.lists.on_network(event, &self.main.config.limits);
        }
        fetch.id = Line::new(LISTS, Gate::Open, String::new()).outer_request(fetch.id);
        self.outbox.push_back(Action::Fetch(Box::new(fetch)));
    }

    /// Asks for lists that a notice speaks of, at a moment drawn from its span (IN15).
    fn ask_ahead(&mut self) {
        if self.plan.notices.is_empty() || !self.main.is_live() {
            // What is complete needs no preloading: everybody comes at another time.
            return;
        }
        let position = self.main_needs();
        let due = self.plan.notices.values().find(|notice| notice.start <= position && position < notice.end).cloned();
        let Some(notice) = due else { return };
        let what = self.plan.get(&notice.target);
        let fits = match what.map(|what| &what.assets) {
            Some(AssetSource::List(name)) => *name == notice.uri,
            Some(AssetSource::Asset(_)) => false,
            None => true,
        };
        // Never later than it would be asked for without the notice (HX15).
        let lead = MediaTime::from_duration(self.main.config.interstitials.lead);
        let latest = what.map_or(notice.end, |what| notice.end.min(what.start - lead)).max(position);
        let share = self.share_of(&notice.id);
        let at = position.max(notice.start + (latest - notice.start).mul_ratio(share, 1000));
        if fits && at <= position && !self.lists.knows(&notice.uri) {
            self.ask_for_list(&notice.uri, MediaTime::ZERO);
        }
        if !fits || at <= position {
            self.plan.notices.remove(&notice.id);
        } else {
            let due = self.now + self.main.real(at - position);
            self.wake(due);
        }
    }

    /// A share in thousandths that this session draws for a name: the same each time it is asked.
    fn share_of(&self, name: &str) -> i64 {
        let mut digest = telecine_model::hash::Fnv1a::default();
        digest.update(self.session.as_bytes());
        digest.update(name.as_bytes());
        i64::try_from(digest.finish() % 1000).unwrap_or_default()
    }

    /// Makes an engine for the next asset.
    fn start_roll(&mut self, pause: &mut Pause) -> bool {
        let Some(coming) = pause.coming.pop_front() else { return false };
        let Some(part) = pause.parts.get(coming.part) else { return true };
        if let Err(error) = self.main.check_reference(&coming.asset.uri) {
            let id = part.what.id.clone();
            self.tell(&id, InterstitialPhase::Failed { index: Some(coming.index), error });
            pause.fail(coming.part);
            return true;
        }
        self.serials = (self.serials % (LISTS - 1)) + 1;
        let mut config = self.main.config.clone();
        config.seed = config.seed.wrapping_add(self.serials);
        config.record = false;
        config.initial_throughput = self.main.estimate().bits_per_second.max(1);
        let limit = part.what.limit;
        let mut engine = Engine::new(config);
        if let Some(capabilities) = &self.capabilities {
            let input = Environment::Capabilities(capabilities.clone());
            engine.handle(Input::Environment(input), self.now);
        }
        if let Some((time, uncertainty_ms, at)) = self.clock {
            let time = time.offset(MediaTime::from_duration(self.now.since(at)));
            engine.handle(Input::Environment(Environment::WallClock { time, uncertainty_ms }), self.now);
        }
        let start = (coming.from > MediaTime::ZERO).then_some(coming.from);
        engine.handle(Input::Command(Command::Load { url: coming.asset.uri.clone(), start }), self.now);
        for kind in self.main.title.disabled.iter().copied() {
            engine.handle(Input::Command(Command::DisableKind(kind)), self.now);
        }
        let rate = if part.what.no_skip { self.rate_milli.min(1000) } else { self.rate_milli };
        if rate != 1000 {
            engine.handle(Input::Command(Command::SetRate(rate)), self.now);
        }
        if let Some(limit) = limit {
            // Whoever came late has missed a part of what may be played (IN05).
            let late = if coming.part == 0 { pause.midway } else { MediaTime::ZERO };
            let before = pause.rolls.iter().filter(|roll| roll.part == coming.part).filter_map(Roll::length);
            let seen: MediaTime = before.sum::<MediaTime>() + part.played + late;
            let end = coming.from + (limit - seen).max(MediaTime::from_millis(1));
            engine.handle(Input::Command(Command::SetEnd(Some(end))), self.now);
        }
        let prefix = format!("{}-{}", part.what.id, coming.index);
        pause.rolls.push_back(Roll {
            engine,
            line: Line::new(self.serials, Gate::Held, prefix),
            asset: coming.asset,
            part: coming.part,
            index: coming.index,
            told: false,
            fault: None,
        });
        true
    }

    /// Hands on what was held of the next asset, once it is known what it comes behind.
    fn hand_on_next(&mut self, pause: &mut Pause) -> bool {
        let Some(at) = pause.rolls.iter().position(|roll| roll.line.gate == Gate::Held) else { return false };
        let place = match at.checked_sub(1).map(|before| &pause.rolls[before]) {
            None => Some(pause.place),
            Some(before) if before.line.gate == Gate::Open => before.end().map(|end| before.line.outer_time(end)),
            Some(_) => None,
        };
        let Some(place) = place else { return false };
        let roll = &mut pause.rolls[at];
        let Some(start) = roll.start().filter(|_| roll.line.holds_media()) else { return false };
        roll.line.open(start, place);
        for command in std::mem::take(&mut roll.line.held) {
            self.pass(&mut roll.line, command);
        }
        true
    }

    /// Hands on what was held of the title.
    fn release_main(&mut self) {
        for command in std::mem::take(&mut self.line.held) {
            self.pass_main(command);
        }
    }

    /// Lets the first asset play, once it can; and tells of it.
    fn play_front(&mut self, pause: &mut Pause) -> bool {
        let Some(roll) = pause.rolls.front_mut().filter(|roll| roll.line.gate == Gate::Open) else { return false };
        if self.wanted && !roll.engine.playback.wanted && roll.engine.playback.is_active() {
            roll.engine.handle(Input::Command(Command::Play), self.now);
            let rate_milli = roll.engine.playback.rate_milli;
            if self.sink.rate_milli != rate_milli {
                self.to_sink(SinkCommand::SetRate(rate_milli));
            }
            return true;
        }
        let plays = roll.engine.playback.state == State::Playing;
        if plays && !roll.told {
            roll.told = true;
            pause.waits = None;
            let (index, duration) = (roll.index, roll.length().or(roll.asset.duration));
            let part = roll.part;
            if !self.sink.playing {
                self.to_sink(SinkCommand::Play);
            }
            // One that follows another has begun.
            for at in 0..=part {
                let Some(part) = pause.parts.get_mut(at).filter(|part| !part.told) else { continue };
                part.told = true;
                let id = part.what.id.clone();
                self.tell(&id, InterstitialPhase::Started { position: pause.cut });
            }
            let id = pause.parts.get(part).map(|part| part.what.id.clone()).unwrap_or_default();
            self.tell(&id, InterstitialPhase::AssetStarted { index, duration });
            return true;
        }
        if !plays && self.sink.playing && !roll.engine.playback.started {
            // The one before is over, and this one is not ready.
            self.to_sink(SinkCommand::Pause);
            pause.waits.get_or_insert(self.now);
        }
        false
    }

    /// Everything of the last one is there: makes ready what follows it.
    fn prepare(&mut self, pause: &mut Pause) -> bool {
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
        let place = roll.line.outer_time(end);
        self.return_main(pause, boundary.unwrap_or(target), boundary.map(|_| place));
        true
    }

    /// Tells the title's engine to go on: behind what plays, if it is given where that ends; else when it is let.
    fn return_main(&mut self, pause: &mut Pause, target: MediaTime, seam: Option<MediaTime>) {
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
        let end = self.plan.next(target).map(|what| self.cut_of(what));
        self.main.handle(Input::Command(Command::GoOn { from: target, end }), self.now);
    }

    /// Where kinds that the sink waits for have nothing in an asset, it is told so.
    fn silence_absent(&mut self, pause: &mut Pause) {
        let Some(roll) = pause.rolls.back_mut() else { return };
        let (Some(start), Some(end)) = (roll.start(), roll.end()) else { return };
        for kind in [TrackKind::Video, TrackKind::Audio] {
            if self.sink.kinds.contains_key(&kind) && roll.line.kinds.insert(kind) {
                let (from, to) = (roll.line.outer_time(start), roll.line.outer_time(end));
                self.outbox.push_back(Action::Sink(SinkCommand::Silence { kind, from, to }));
            }
        }
    }

    /// Adds the interstitial that is played next, if that is at the same place (IN09).
    fn chain(&mut self, pause: &mut Pause) -> bool {
        if pause.target.is_some() {
            return false;
        }
        let next = match pause.last().map(|what| what.cue) {
            Some(InterstitialCue::BeforeTitle) => {
                self.plan.before_title().cloned().or_else(|| self.plan.at(pause.cut).cloned())
            }
            Some(InterstitialCue::BehindTitle) => self.plan.behind_title().cloned(),
            _ => self.plan.at(pause.cut).cloned(),
        };
        let Some(what) = next else { return false };
        self.plan.done(&what.id);
        let part = Part { what, resolved: false, told: false, played: MediaTime::ZERO, failed: false, assets: 0 };
        pause.parts.push(part);
        true
    }

    /// What cannot be played is left out. True if there was some.
    fn lose(&mut self, pause: &mut Pause) -> bool {
        let Some(at) = pause.rolls.iter().position(Roll::is_lost) else { return false };
        self.give_up(pause, at, None);
        true
    }

    /// What lets the viewer wait for too long is left out.
    fn lose_patience(&mut self, pause: &mut Pause) -> bool {
        let patience = self.main.config.interstitials.patience;
        let waited = pause.waits.filter(|_| self.wanted).is_some_and(|since| self.now.since(since) >= patience);
        if !waited {
            return false;
        }
        pause.waits = Some(self.now);
        let late = || Error::new(ErrorCode::Timeout, format!("nothing of it came in {} ms", patience.as_millis()));
        if !pause.rolls.is_empty() {
            self.give_up(pause, 0, Some(late()));
            return true;
        }
        let Some(part) = pause.parts.iter_mut().find(|part| !part.resolved) else { return false };
        (part.resolved, part.failed) = (true, true);
        let id = part.what.id.clone();
        if let AssetSource::List(name) = &part.what.assets {
            if let Some(request) = self.lists.give_up(name) {
                self.cancel_list(request);
            }
        }
        self.tell(&id, InterstitialPhase::Failed { index: None, error: late() });
        true
    }

    pub(super) fn cancel_list(&mut self, id: RequestId) {
        let line = Line::new(LISTS, Gate::Open, String::new());
        self.outbox.push_back(Action::Cancel(line.outer_request(id)));
    }

    /// Leaves an asset out, or the rest of it.
    fn give_up(&mut self, pause: &mut Pause, at: usize, why: Option<Error>) {
        let Some(roll) = pause.rolls.get(at) else { return };
        let error = why.or_else(|| roll.fault.clone()).unwrap_or_else(unplayable);
        let (part, index, opened) = (roll.part, roll.index, roll.line.gate == Gate::Open);
        let place = roll.line.outer_time(roll.start().unwrap_or_default());
        let seen = roll.seen(self.now);
        let front = at == 0 && pause.on;
        // What follows it was handed on behind it.
        while pause.rolls.len() > at {
            if let Some(roll) = pause.rolls.pop_back() {
                if pause.rolls.len() > at {
                    pause.coming.push_front(Coming {
                        asset: roll.asset.clone(),
                        part: roll.part,
                        index: roll.index,
                        from: MediaTime::ZERO,
                    });
                }
                self.stop_roll(roll);
            }
        }
        if pause.returns.take().is_some() {
            self.line.shut();
        }
        pause.fail(part);
        if let Some(part) = pause.parts.get_mut(part) {
            part.played += seen;
            let id = part.what.id.clone();
            self.tell(&id, InterstitialPhase::Failed { index: Some(index), error });
        }
        if front {
            pause.waits = Some(self.now);
            if self.sink.playing {
                self.to_sink(SinkCommand::Pause);
            }
            if opened {
                self.empty_sink(pause.place);
            }
        } else if opened {
            for kind in self.sink_kinds() {
                self.to_sink(SinkCommand::Remove { kind, from: place, to: MediaTime::MAX });
            }
        }
    }

    /// The first one was played to its end.
    fn is_front_over(&self, pause: &Pause) -> bool {
        let Some(roll) = pause.rolls.front().filter(|roll| roll.line.gate == Gate::Open) else { return false };
        let Some(end) = roll.end() else { return false };
        let state = roll.engine.playback.state;
        let there = roll.engine.position_at(self.now) + AT_END >= end;
        state == State::Ended || (state == State::Playing && (there || self.sink.starved))
    }

    fn retire_front(&mut self, pause: &mut Pause) {
        let Some(roll) = pause.rolls.pop_front() else { return };
        if let (Some(end), Some(length)) = (roll.end(), roll.length()) {
            pause.place = roll.line.outer_time(end);
            if let Some(part) = pause.parts.get_mut(roll.part) {
                part.played += length;
            }
        }
        let behind = pause.rolls.front().map_or(usize::MAX, |next| next.part);
        let last = behind != roll.part && !pause.coming.iter().any(|coming| coming.part == roll.part);
        if last && behind != usize::MAX {
            self.tell_end(pause, roll.part, pause.cut, InterstitialEnd::Played);
        }
        self.stop_roll(roll);
        self.forget_past(pause.place);
        if pause.rolls.is_empty() && pause.returns.is_none() {
            pause.waits = Some(self.now);
            if self.sink.playing {
                self.to_sink(SinkCommand::Pause);
            }
        }
    }

    /// A sink with random access would show again what lies before, to whoever goes back in the title.
    fn forget_past(&mut self, place: MediaTime) {
        for kind in self.sink_kinds() {
            self.to_sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: place });
        }
    }

    pub(super) fn stop_roll(&mut self, mut roll: Roll) {
        roll.engine.handle(Input::Command(Command::Stop), self.now);
        while let Some(action) = roll.engine.poll() {
            if let Action::Cancel(id) = action {
                self.outbox.push_back(Action::Cancel(roll.line.outer_request(id)));
            }
        }
        self.sink.configurations.retain(|(serial, _), _| *serial != roll.line.serial);
        self.asides_hash = self.asides_hash.rotate_left(7) ^ roll.engine.action_hash();
    }

    /// The title goes on: everything that was to be played was.
    fn go_back(&mut self, pause: &mut Pause) -> Step {
        let reason = match pause.parts.iter().all(|part| part.failed && part.played == MediaTime::ZERO) {
            true => InterstitialEnd::Failed,
            false => InterstitialEnd::Played,
        };
        if pause.is_behind_title() {
            self.tell_end(pause, pause.parts.len() - 1, pause.cut, reason);
            if self.sink.playing {
                self.to_sink(SinkCommand::Pause);
            }
            self.line.gate = Gate::Open;
            self.main.handle(Input::Sink(SinkReport::Ended), self.now);
            return Step::Over;
        }
        let played = pause.parts.iter().map(|part| part.played).sum();
        let target = match pause.returns {
            Some(target) => target,
            None => self.resume_of(pause, played, 0, MediaTime::ZERO),
        };
        self.tell_end(pause, pause.parts.len() - 1, target, reason);
        if pause.returns.is_some() && self.line.gate == Gate::Open {
            self.disable_absent();
            self.play_main();
            return Step::Over;
        }
        let kept = pause.first && self.main.title.start.is_some_and(|start| start.abs_diff(target) <= SEAM);
        if pause.returns.is_none() && !kept {
            self.to_main(target);
            return Step::Over;
        }
        self.show_held(target);
        Step::Over
    }

    /// What was held of the title is handed on to an empty sink, in its own time.
    fn show_held(&mut self, target: MediaTime) {
        self.empty_sink(target);
        self.line.open_wide();
        self.release_main();
        self.disable_absent();
        self.play_main();
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
        self.to_sink(if random_access { SinkCommand::Seek(place) } else { SinkCommand::Jump(place) });
        self.forget_past(place);
        self.disable_absent();
        self.play_main();
        true
    }

    /// Leaves an interstitial and lets the title go on from a place, in an empty sink and in its own time.
    pub(super) fn to_main(&mut self, target: MediaTime) {
        self.line.shut();
        self.drop_from_sink();
        self.line.open_wide();
        let end = self.plan.next(target).map(|what| self.cut_of(what));
        self.main.handle(Input::Command(Command::GoOn { from: target, end }), self.now);
        self.play_main();
    }

    fn play_main(&mut self) {
        if self.sink.rate_milli != self.main.playback.rate_milli {
            let rate_milli = self.main.playback.rate_milli;
            self.to_sink(SinkCommand::SetRate(rate_milli));
        }
        if self.wanted {
            self.main.handle(Input::Command(Command::Play), self.now);
        }
        if self.main.playback.state != State::Playing && self.sink.playing {
            self.to_sink(SinkCommand::Pause);
        }
    }

    /// Kinds that an asset had and the title has not: nobody is to wait for them.
    fn disable_absent(&mut self) {
        let outputs = self.main.streams.values().flat_map(|stream| stream.outputs.iter().copied());
        let played: std::collections::BTreeSet<TrackKind> = outputs.collect();
        for kind in self.sink_kinds() {
            if !played.contains(&kind) {
                self.to_sink(SinkCommand::Disable { kind });
            }
        }
    }

    fn sink_kinds(&self) -> Vec<TrackKind> {
        self.sink.kinds.keys().copied().collect()
    }

    pub(super) fn drop_from_sink(&mut self) {
        for kind in self.sink_kinds() {
            self.to_sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
        }
    }

    /// Drops everything from the sink and moves it.
    pub(super) fn empty_sink(&mut self, place: MediaTime) {
        if self.sink.playing {
            self.to_sink(SinkCommand::Pause);
        }
        self.drop_from_sink();
        self.sink.own_seeks += 1;
        self.to_sink(SinkCommand::Seek(place));
    }

    /// Gives up what is prepared; the title plays on.
    pub(super) fn drop_pause(&mut self, pause: &mut Pause) {
        let opened = pause.rolls.iter().any(|roll| roll.line.gate == Gate::Open);
        for roll in std::mem::take(&mut pause.rolls) {
            self.stop_roll(roll);
        }
        if opened {
            for kind in self.sink_kinds() {
                self.to_sink(SinkCommand::Remove { kind, from: pause.place, to: MediaTime::MAX });
            }
        }
    }

    pub(super) fn tell_end(&mut self, pause: &Pause, last: usize, resume: MediaTime, reason: InterstitialEnd) {
        // Whose end was told with the beginning of the next has ended.
        let ids: Vec<String> = pause.parts.iter().skip(last).take(1).map(|part| part.what.id.clone()).collect();
        for id in ids {
            self.tell(&id, InterstitialPhase::Ended { resume, reason });
        }
    }

    /// Where the title goes on behind a pause of which so much was played, `more` of it in the part that plays.
    fn resume_of(&self, pause: &Pause, played: MediaTime, at: usize, more: MediaTime) -> MediaTime {
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

    /// Where an interstitial begins.
    pub(super) fn cut_of(&self, what: &telecine_model::Interstitial) -> MediaTime {
        let snapped = what.snap_out.then(|| self.main.boundary_near(what.start)).flatten();
        // A boundary that is as good as meant is better than one frame of what lies behind it.
        let near = self.main.boundary_near(what.start).filter(|near| near.abs_diff(what.start) <= AT_END);
        snapped.or(near).unwrap_or(what.start)
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
            || self.main.title.end.is_some()
            || (self.main.config.interstitials.enabled && self.plan.behind_title().is_some())
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
enum Step {
    /// The pause goes on; true if something changed.
    Done(bool),
    /// It is over.
    Over,
}

/// A request that may not be made has failed.
struct NetworkFailure {
    id: RequestId,
    code: ErrorCode,
    message: String,
}

impl NetworkFailure {
    fn of(fetch: &crate::FetchRequest, error: &Error) -> Self {
        Self { id: fetch.id, code: error.code(), message: error.message().to_owned() }
    }
}

/// A URL with parameters behind those that it has.
fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let fragment = uri::split(url).fragment;
    let bare = fragment.map_or(url, |fragment| &url[..url.len() - fragment.len() - 1]);
    let mut out = bare.to_owned();
    for (name, value) in parameters {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}
