//! What interstitials play: found out, asked for, handed on, and left out where it cannot be had.

use telecine_delivery::RequestClass;
use telecine_model::interstitial::{Asset, AssetList, AssetSource, PreloadNotice};
use telecine_model::{uri, Error, ErrorCode, MediaTime, TrackKind};

use super::line::{Gate, Line};
use super::lists::SILENCE;
use super::roll::Roll;
use super::shown::{InterstitialEnd, InterstitialPhase};
use super::{unplayable, uuid, Coming, Pause, Programme, LISTS};
use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::State;
use crate::input::{Command, Environment, Input, RequestId};

/// A playhead is said to be at the end this much before it: positions are carried forward in whole microseconds.
pub(super) const AT_END: MediaTime = MediaTime::from_millis(1);

impl Programme {
    /// Finds out what is played. True if something came of it.
    pub(super) fn resolve(&mut self, pause: &mut Pause) -> bool {
        let Some(at) = pause.parts.iter().position(|part| !part.resolved) else { return false };
        let what = std::sync::Arc::clone(&pause.parts[at].what);
        let midway = if at == 0 { pause.midway } else { MediaTime::ZERO };
        let list = match &what.assets {
            AssetSource::Asset(url) => {
                let assets = vec![Asset { uri: self.named(url), duration: what.duration }];
                Ok(AssetList { assets, skip_control: None })
            }
            AssetSource::List(name) => match self.lists.take(name) {
                Some(found) => found,
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
        let AssetList { assets, skip_control } = match list {
            Ok(list) => list,
            Err(error) => {
                part.failed = true;
                self.tell(&what.id, InterstitialPhase::Failed { index: None, error });
                return true;
            }
        };
        part.skip_control = skip_control;
        part.assets = u32::try_from(assets.len()).unwrap_or(u32::MAX);
        let durations = assets.iter().map(|asset| asset.duration);
        let duration = durations.sum::<Option<MediaTime>>();
        self.tell(&what.id, InterstitialPhase::Resolved { assets: part.assets, duration });
        // Who comes late sees the rest: whole assets are left out, and the beginning of one (IN12).
        let mut late = midway;
        for (index, asset) in assets.into_iter().enumerate() {
            let whole = asset.duration.filter(|duration| *duration <= late);
            if let Some(duration) = whole {
                late -= duration;
                continue;
            }
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            pause.coming.push_back(Coming { asset, part: at, index, from: late });
            late = MediaTime::ZERO;
        }
        true
    }

    /// The URL of what is played, with what names the session (IN12).
    pub(super) fn named(&self, url: &str) -> String {
        match self.main.is_hls() {
            true => with_query(url, &[("_HLS_primary_id", &self.session)]),
            false => url.to_owned(),
        }
    }

    pub(super) fn ask_for_list(&mut self, name: &str, midway: MediaTime) {
        let offset = format!("{:.3}", midway.as_secs_f64());
        let play = uuid(&mut self.rng);
        let mut query = vec![("_HLS_primary_id", self.session.as_str()), ("_HLS_interstitial_id", play.as_str())];
        if midway > MediaTime::ZERO {
            query.push(("_HLS_start_offset", offset.as_str()));
        }
        let url = with_query(name, &query);
        let id = self.lists.ask(name, &url);
        if let Err(error) = self.main.check_reference(name) {
            let event = crate::NetworkEvent::Failed { id, code: error.code(), message: error.message().to_owned() };
            return self.lists.on_network(event, &self.main.config.limits);
        }
        let mut fetch = self.main.request(RequestClass::AssetList, None, url, None);
        (fetch.head_timeout, fetch.idle_timeout, fetch.urgency) = (SILENCE, SILENCE, 2);
        fetch.id = Line::new(LISTS, Gate::Open, String::new()).outer_request(id);
        self.outbox.push_back(Action::Fetch(Box::new(fetch)));
    }

    /// Asks for lists that a notice speaks of, at a moment drawn from its span (IN15).
    pub(super) fn ask_ahead(&mut self) {
        if self.plan.notices.is_empty() || !self.main.is_live() {
            // What is complete needs no preloading: everybody comes at another time.
            return;
        }
        let position = self.main_needs();
        self.plan.notices.retain(|_, notice| position < notice.end);
        let begun = self.plan.notices.values().filter(|notice| notice.start <= position);
        let next = begun.map(|notice| (self.moment_of(notice, position), notice)).min_by_key(|(at, _)| *at);
        let Some((at, notice)) = next.map(|(at, notice)| (at, notice.clone())) else { return };
        if at > position {
            // Less than a moment away is a moment away.
            let due = self.now + self.main.real(at - position).max(std::time::Duration::from_millis(1));
            return self.wake(due);
        }
        self.plan.notices.remove(&notice.id);
        let fits = match self.plan.get(&notice.target).map(|what| &what.assets) {
            Some(AssetSource::List(name)) => *name == notice.uri,
            Some(AssetSource::Asset(_)) => false,
            None => true,
        };
        if fits && !self.lists.knows(&notice.uri) {
            self.ask_for_list(&notice.uri, MediaTime::ZERO);
        }
    }

    /// When what a notice speaks of is asked for: never later than without it (HX15).
    fn moment_of(&self, notice: &PreloadNotice, position: MediaTime) -> MediaTime {
        let lead = MediaTime::from_duration(self.main.config.interstitials.lead);
        let what = self.plan.get(&notice.target);
        let latest = what.map_or(notice.end, |what| notice.end.min(what.start - lead)).max(position);
        position.max(notice.start + (latest - notice.start).mul_ratio(self.share_of(&notice.id), 1000))
    }

    /// A share in thousandths that this session draws for a name: the same each time it is asked.
    pub(super) fn share_of(&self, name: &str) -> i64 {
        let mut digest = telecine_model::hash::Fnv1a::default();
        digest.update(self.session.as_bytes());
        digest.update(name.as_bytes());
        i64::try_from(digest.finish() % 1000).unwrap_or_default()
    }

    /// Makes an engine for the next asset.
    pub(super) fn start_roll(&mut self, pause: &mut Pause) -> bool {
        let Some(coming) = pause.coming.pop_front() else { return false };
        let Some(part) = pause.parts.get(coming.part) else { return true };
        // Whoever came late has missed a part of what may be played (IN05).
        let late = if coming.part == 0 { pause.midway } else { MediaTime::ZERO };
        let before = pause.rolls.iter().filter(|roll| roll.part == coming.part).filter_map(Roll::length);
        let seen: MediaTime = before.sum::<MediaTime>() + part.played + late;
        if part.what.limit.is_some_and(|limit| seen + SEAM >= limit) {
            pause.coming.retain(|other| other.part != coming.part);
            return true;
        }
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
        // What the title's engine makes of it is in that.
        config.memory = None;
        let limit = part.what.limit;
        let mut engine = Engine::new(config);
        if let Some(capabilities) = &self.capabilities {
            let input = Environment::Capabilities(capabilities.clone());
            engine.handle(Input::Environment(input), self.now);
        }
        engine.handle(Input::Environment(Environment::Pressure(self.main.caps.pressure)), self.now);
        engine.handle(Input::Environment(Environment::Network(self.main.network.kind)), self.now);
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
            let end = coming.from + (limit - seen);
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
    pub(super) fn hand_on_next(&mut self, pause: &mut Pause) -> bool {
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
        let held = std::mem::take(&mut roll.line.held);
        if at == 0 && pause.first && place > MediaTime::ZERO {
            // What the title said of where the sink begins was kept from it.
            self.sink.own_seeks += 1;
            self.order(SinkCommand::Seek(place));
        }
        let roll = &mut pause.rolls[at];
        for command in held {
            self.pass(&mut roll.line, command);
        }
        true
    }

    /// Lets the first asset play, once it can; and tells of it.
    pub(super) fn play_front(&mut self, pause: &mut Pause) -> bool {
        let Some(roll) = pause.rolls.front_mut().filter(|roll| roll.line.gate == Gate::Open) else { return false };
        if self.wanted && !roll.engine.playback.wanted && roll.engine.playback.is_active() {
            roll.engine.handle(Input::Command(Command::Play), self.now);
            let rate_milli = roll.engine.playback.rate_milli;
            if self.sink.rate_milli != rate_milli {
                self.order(SinkCommand::SetRate(rate_milli));
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
                self.order(SinkCommand::Play);
            }
            // One that follows another has begun.
            self.tell_end(pause, part, pause.cut, InterstitialEnd::Played);
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
            self.order(SinkCommand::Pause);
            pause.waits.get_or_insert(self.now);
        }
        false
    }

    /// What cannot be played is left out. True if there was some.
    pub(super) fn lose(&mut self, pause: &mut Pause) -> bool {
        let Some(at) = pause.rolls.iter().position(Roll::is_lost) else { return false };
        self.give_up(pause, at, None);
        true
    }

    /// What lets the viewer wait for too long is left out.
    pub(super) fn lose_patience(&mut self, pause: &mut Pause) -> bool {
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
    pub(super) fn give_up(&mut self, pause: &mut Pause, at: usize, why: Option<Error>) {
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
                self.order(SinkCommand::Pause);
            }
            if opened {
                self.empty_sink(pause.place);
            }
        } else if opened {
            for kind in self.sink_kinds() {
                self.order(SinkCommand::Remove { kind, from: place, to: MediaTime::MAX });
            }
        }
    }

    /// The first one was played to its end.
    pub(super) fn is_front_over(&self, pause: &Pause) -> bool {
        let Some(roll) = pause.rolls.front().filter(|roll| roll.line.gate == Gate::Open) else { return false };
        let Some(end) = roll.end() else { return false };
        let state = roll.engine.playback.state;
        let there = roll.engine.position_at(self.now) + AT_END >= end;
        state == State::Ended || (state == State::Playing && (there || self.sink.starved))
    }

    pub(super) fn retire_front(&mut self, pause: &mut Pause) {
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
            self.tell_end(pause, roll.part + 1, pause.cut, InterstitialEnd::Played);
        }
        self.stop_roll(roll);
        self.forget_past(pause.place);
        if pause.rolls.is_empty() && pause.returns.is_none() {
            pause.waits = Some(self.now);
            if self.sink.playing {
                self.order(SinkCommand::Pause);
            }
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

    /// Where kinds that the sink waits for have nothing in an asset, it is told so.
    pub(super) fn silence_absent(&mut self, pause: &mut Pause) {
        let Some(roll) = pause.rolls.back_mut() else { return };
        let (Some(start), Some(end)) = (roll.start(), roll.end()) else { return };
        for kind in [TrackKind::Video, TrackKind::Audio] {
            if self.sink.kinds.contains_key(&kind) && roll.line.kinds.insert(kind) {
                let (from, to) = (roll.line.outer_time(start), roll.line.outer_time(end));
                self.outbox.push_back(Action::Sink(SinkCommand::Silence { kind, from, to }));
            }
        }
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
