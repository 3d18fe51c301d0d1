//! What engines tell the sink: which of it gets there, and in what time.

use telecine_model::{MediaTime, SortedMap, TrackKind};

use super::line::{Gate, Line};
use super::pause::Pause;
use super::roll::Roll;
use super::Programme;
use crate::action::{Action, SinkCommand};
use crate::event::Event;
use crate::input::{Input, SinkReport};

/// The sink, as it was told last.
#[derive(Debug)]
pub(super) struct SinkState {
    pub(super) playing: bool,
    pub(super) rate_milli: u32,
    /// Kinds that it has a place for, and whose configuration it has of each.
    pub(super) kinds: SortedMap<TrackKind, u64>,
    /// The last configuration of each engine's kinds.
    pub(super) configurations: SortedMap<(u64, TrackKind), SinkCommand>,
    /// Seeks that no engine asked for and that are not answered.
    pub(super) own_seeks: u32,
    /// It came to the end of what there is where one engine follows another.
    pub(super) starved: bool,
    /// It was told that nothing follows.
    pub(super) ended: bool,
    /// It was given something by others than the title's engine, which knows nothing of that.
    pub(super) mixed: bool,
}

impl Default for SinkState {
    fn default() -> Self {
        Self {
            playing: false,
            rate_milli: 1000,
            kinds: SortedMap::new(),
            configurations: SortedMap::new(),
            own_seeks: 0,
            starved: false,
            ended: false,
            mixed: false,
        }
    }
}

impl Programme {
    /// Tells the sink that nothing follows, once that is so.
    pub(super) fn tell_ends(&mut self) {
        if !self.beginning && !self.untold_ends.is_empty() && self.line.gate == Gate::Open && !self.is_followed() {
            self.sink.ended = true;
            for kind in std::mem::take(&mut self.untold_ends) {
                self.order(SinkCommand::EndOfStream { kind });
            }
        }
    }

    /// What the title's engine tells the sink. Gives the place of a seek that is answered at once.
    pub(super) fn title_orders(&mut self, command: SinkCommand) -> Option<MediaTime> {
        if self.beginning {
            if matches!(command, SinkCommand::Stop) {
                self.line.held.clear();
                self.order(command);
            } else {
                self.line.held.push_back(command);
            }
            return None;
        }
        self.keep_order(&command);
        match &command {
            SinkCommand::EndOfStream { kind } => {
                self.untold_ends.insert(*kind);
                return None;
            }
            SinkCommand::Append(append) => {
                self.untold_ends.remove(&append.kind);
            }
            SinkCommand::Seek(_) | SinkCommand::Stop => self.untold_ends.clear(),
            _ => {}
        }
        if self.line.gate == Gate::Open && self.main_plays() {
            self.pass_main(command);
            return None;
        }
        match (&command, self.line.gate) {
            (SinkCommand::Seek(place) | SinkCommand::Jump(place), _) => return Some(*place),
            (SinkCommand::Play | SinkCommand::Pause | SinkCommand::SetRate(_), _) => {}
            // Nothing else can be stopped while this is.
            (SinkCommand::Stop, _) => self.order(command),
            (_, Gate::Held) => self.line.held.push_back(command),
            (_, Gate::Open) => self.pass_main(command),
            (SinkCommand::Disable { .. }, Gate::Shut) => self.order(command),
            (_, Gate::Shut) => {}
        }
        None
    }

    /// Takes what the engines of assets ask for. True if one was answered.
    pub(super) fn drain_rolls(&mut self) -> bool {
        let Some(mut pause) = self.pause.take() else { return false };
        let mut answered = false;
        for (at, roll) in pause.rolls.iter_mut().enumerate() {
            let plays = pause.on && at == 0;
            let id = pause.parts.get(roll.part).map(|part| part.what.id.clone()).unwrap_or_default();
            while let Some(action) = roll.engine.poll() {
                match action {
                    Action::Fetch(mut fetch) => {
                        fetch.id = roll.line.outer_request(fetch.id);
                        self.outbox.push_back(Action::Fetch(fetch));
                    }
                    Action::Cancel(id) => self.outbox.push_back(Action::Cancel(roll.line.outer_request(id))),
                    Action::Sink(command) => answered |= self.roll_orders(roll, command, plays),
                    // No key system was promised to it.
                    Action::Cdm(_) => {}
                    Action::Emit(event) => {
                        if let Event::Error { error, .. } = &*event {
                            if error.is_fatal() {
                                roll.fault = Some(error.clone());
                                continue;
                            }
                        }
                        if !matches!(*event, Event::State { .. }) {
                            let event = Event::Asset { id: id.clone(), index: roll.index, event };
                            self.outbox.push_back(Action::Emit(Box::new(event)));
                        }
                    }
                }
            }
        }
        self.pause = Some(pause);
        answered
    }

    /// What an asset's engine tells the sink. True if it was answered at once.
    pub(super) fn roll_orders(&mut self, roll: &mut Roll, command: SinkCommand, plays: bool) -> bool {
        let open = roll.line.gate == Gate::Open;
        match command {
            // Something follows it.
            SinkCommand::EndOfStream { .. } | SinkCommand::Stop | SinkCommand::Disable { .. } => {}
            SinkCommand::Seek(_) | SinkCommand::Jump(_) if open && plays => self.pass(&mut roll.line, command),
            SinkCommand::Seek(position) | SinkCommand::Jump(position) => {
                roll.engine.handle(Input::Sink(SinkReport::Seeked { position }), self.now);
                return true;
            }
            SinkCommand::Play | SinkCommand::Pause | SinkCommand::SetRate(_) => {
                if plays {
                    self.order(command);
                }
            }
            command if open => self.pass(&mut roll.line, command),
            command => roll.line.held.push_back(command),
        }
        false
    }

    /// What moves the sink, or empties it as far as where an interstitial was handed on, takes that along: it is made ready
    /// anew.
    pub(super) fn keep_order(&mut self, command: &SinkCommand) {
        let reaches = |place: MediaTime| match command {
            SinkCommand::Seek(_) | SinkCommand::Jump(_) => true,
            SinkCommand::Remove { to, .. } => self.line.outer_time(*to) > place,
            _ => false,
        };
        let given = |pause: &Pause| !pause.on && pause.rolls.iter().any(|roll| roll.line.gate == Gate::Open);
        if self.pause.as_ref().is_some_and(|pause| given(pause) && reaches(pause.place)) {
            if let Some(mut pause) = self.pause.take() {
                self.drop_pause(&mut pause);
            }
        }
    }

    pub(super) fn pass_main(&mut self, command: SinkCommand) {
        let mut line = std::mem::replace(&mut self.line, Line::new(0, Gate::Shut, String::new()));
        self.pass(&mut line, command);
        self.line = line;
    }

    /// Hands on a command of an engine, in the sink's time. Who hands on media behind another's says again what it is.
    pub(super) fn pass(&mut self, line: &mut Line, command: SinkCommand) {
        let command = line.outward(command);
        self.sink.mixed |= line.serial != 0;
        match &command {
            SinkCommand::Configure(config) => {
                self.sink.kinds.insert(config.kind, line.serial);
                self.sink.configurations.insert((line.serial, config.kind), command.clone());
            }
            SinkCommand::Append(append) if self.sink.kinds.get(&append.kind) != Some(&line.serial) => {
                if let Some(own) = self.sink.configurations.get(&(line.serial, append.kind)).cloned() {
                    self.sink.kinds.insert(append.kind, line.serial);
                    self.order(own);
                }
            }
            _ => {}
        }
        self.order(command);
    }

    pub(super) fn order(&mut self, command: SinkCommand) {
        match &command {
            SinkCommand::Play => self.sink.playing = true,
            SinkCommand::Pause => self.sink.playing = false,
            SinkCommand::SetRate(rate_milli) => self.sink.rate_milli = *rate_milli,
            SinkCommand::Disable { kind } => {
                self.sink.kinds.remove(kind);
            }
            SinkCommand::Append(_) => self.sink.starved = false,
            SinkCommand::Seek(_) => self.sink.ended = false,
            SinkCommand::Stop => self.sink = SinkState { rate_milli: self.sink.rate_milli, ..SinkState::default() },
            _ => {}
        }
        self.outbox.push_back(Action::Sink(command));
    }
}
