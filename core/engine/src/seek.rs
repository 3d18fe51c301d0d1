//! Moving the playhead.

use telecine_model::{Error, ErrorCode, Handling, MediaTime, TrackKind, WallTime};

use crate::action::{Action, SinkCommand};
use crate::buffer::SEAM;
use crate::control::micros;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, State};
use crate::playback::Seek;
use crate::stream::Stream;

/// What is shown of a title whose end is sought begins so long before that.
const LAST_MOMENT: MediaTime = MediaTime::from_millis(100);

impl Engine {
    pub(crate) fn seek(&mut self, target: MediaTime) {
        let Some(start) = self.title.start else {
            // Not loaded far enough to know the timeline: that is where it will start.
            self.title.wanted_start = Some(target);
            return;
        };
        let periods = self.title.presentation.as_ref().map(|p| &p.periods);
        let earliest = periods.and_then(|p| p.first()).map_or(start, |period| period.start);
        let (earliest, latest) = self.seekable().map_or((earliest, self.duration()), |(from, to)| (from, Some(to)));
        // As far as it goes is where the edge is followed.
        let target = match latest.filter(|latest| target >= *latest) {
            Some(latest) => self.live_point().unwrap_or(latest),
            None => target,
        };
        let target = target.max(earliest);
        self.follow_from(target);
        self.go_to(target, true);
    }

    /// Goes to what was made at a time of the world's clock.
    pub(crate) fn seek_to_time(&mut self, time: WallTime) {
        match self.position_at_wall(time) {
            Some(target) => self.seek(target),
            None => {
                let error = Error::new(ErrorCode::InvalidState, "the title does not tell when what was made");
                self.report(error.recovered(Handling::Skipped));
            }
        }
    }

    /// Goes to a place that can be played.
    pub(crate) fn go_to(&mut self, target: MediaTime, asked: bool) {
        // Keys that could not be had before may be had now.
        self.title.key_files.forget_missing();
        self.begin_seek(target, asked);
        let target = self.shown_at(target);
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

    /// Where the sink is sent for a position. At the very end of a title there is no media: its last moment is shown.
    pub(crate) fn shown_at(&self, target: MediaTime) -> MediaTime {
        match self.duration().filter(|end| target >= *end && !self.is_live()) {
            Some(end) => (end - LAST_MOMENT).max(MediaTime::ZERO),
            None => target,
        }
    }

    /// Moves the sink. What was said of the end holds no longer: streams find their end anew, and
    /// the sink is told again (the contract of `SinkCommand::EndOfStream`).
    pub(crate) fn seek_sink(&mut self, target: MediaTime) {
        for stream in self.streams.values_mut() {
            stream.ended = false;
            stream.end_told = false;
            stream.cut_short = None;
            stream.cursor = None;
        }
        self.playback.sink_seeks += 1;
        self.sink(SinkCommand::Seek(target));
    }

    /// Moves the sink forward within what it holds, or may hold: over a gap. True if it still has what lies behind.
    pub(crate) fn jump_sink(&mut self, target: MediaTime) -> bool {
        if self.capabilities.random_access || !self.capabilities.jumps {
            self.seek_sink(target);
            return self.capabilities.random_access;
        }
        self.playback.sink_seeks += 1;
        self.sink(SinkCommand::Jump(target));
        true
    }

    /// Holds playback until the media of a position is there: one that the application asked for, or
    /// the present one in another track.
    pub(crate) fn begin_seek(&mut self, target: MediaTime, asked: bool) {
        let position = self.position();
        if asked {
            self.end_stall();
        }
        // A seek within a seek counts as one, from the first to the last.
        let before = self.playback.seek.filter(|seek| seek.asked);
        let started = before.map_or(self.now, |seek| seek.started);
        let asked = asked || before.is_some();
        self.playback.seek = Some(Seek { started, target, asked, arrived: false });
        self.playback.begins = None;
        self.playback.held_until = None;
        if asked {
            self.playback.note_seek(self.now);
            self.emit(Event::SeekStarted { at: self.now, target });
            let why = vec!["asked for by the application".to_owned()];
            self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(target.to_string()), why);
            self.rule().on_seek();
        }
        // A sink that came to the end would play on from the target.
        if matches!(self.playback.state, State::Playing | State::Ended) {
            self.sink(SinkCommand::Pause);
        }
        self.playback.place(target, false, self.now);
        self.playback.moved = (self.now, target);
        self.set_watchdog();
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
            let follows = stream.buffer.fetched_until(target).is_some_and(|end| fetch.start.abs_diff(end) <= SEAM);
            // Of a segment that is entered further behind its beginning would be missing.
            let entered_behind = fetch.entry.as_ref().is_some_and(|entry| entry.is_behind(target));
            // What is fetched again is nothing that the target waits for.
            let needed = (covers || follows) && !entered_behind && !stream.again.is(fetch);
            if self.capabilities.random_access && Some(stream.period) == period && needed {
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
        // Their bytes counted as wasted when the request was cancelled or failed.
        for (from, to) in stream.buffer.take_torn() {
            for kind in &outputs {
                self.outbox.push(Action::Sink(SinkCommand::Remove { kind: *kind, from, to }));
            }
        }
    }

    /// Prepares every stream to fetch from a new position.
    pub(crate) fn reposition(&mut self, target: MediaTime) {
        let period = self.period_at(target);
        let moved = self.streams.values().any(|stream| Some(stream.period) != period);
        for stream in self.streams.values_mut() {
            if !self.capabilities.random_access {
                let wasted = stream.buffer.clear();
                stream.configured = None;
                self.qoe.wasted(wasted);
            }
            // What could not be had before may be had now.
            stream.buffer.forget_holes(target);
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
        for (kind, mut old) in buffers {
            if !self.streams.contains_key(&kind) {
                // Nothing of it plays here: the sink is not to wait for it.
                self.qoe.wasted(old.buffer.clear());
                self.sink(SinkCommand::Disable { kind });
            } else if let Some(stream) = self.streams.get_mut(&kind) {
                stream.buffer = old.buffer;
                stream.configured = old.configured;
                stream.outputs = old.outputs;
                stream.delivered = old.delivered;
                stream.show_from = old.show_from;
                stream.shown = old.shown;
            }
        }
    }

    pub(crate) fn finish_seek(&mut self) {
        if let Some(seek) = self.playback.seek.take() {
            self.playback.place(seek.target, false, self.now);
            if !self.playback.started {
                self.title.start = Some(seek.target);
            }
            if seek.asked {
                let took = self.now.since(seek.started);
                self.qoe.seeked(took);
                self.emit(Event::SeekEnded { at: self.now, position: seek.target, took_us: micros(took) });
            }
        }
    }

    /// The sink dropped everything with its last seek: fetch again from there.
    pub(crate) fn refill(&mut self, position: MediaTime) {
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            if let Some(stream) = self.streams.get_mut(&kind) {
                let wasted = stream.buffer.clear();
                stream.resume(position);
                stream.configured = None;
                self.qoe.wasted(wasted);
            }
        }
    }

    /// Stops what a kind's stream is fetching.
    pub(crate) fn drop_fetch(&mut self, kind: TrackKind) {
        self.forget_retries(kind);
        self.drop_unanswered(kind);
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.take());
        for id in fetch.iter().flat_map(|fetch| [fetch.request, fetch.init_request]).flatten() {
            self.cancel(id);
        }
    }
}
