//! Another track, or none, while a title plays.

use telecine_model::{Error, ErrorCode, Handling, MediaTime, TrackKind};

use crate::action::SinkCommand;
use crate::engine::Engine;
use crate::event::{Event, State};
use crate::stream::Stream;

impl Engine {
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
        if kind == TrackKind::Text {
            self.forget_cues();
        }
        self.title.chosen.insert(kind, id);
        if self.title.start.is_some() {
            self.change_tracks(kind, position);
        } else {
            // Nothing is fetched yet but playlists: chosen anew.
            self.streams.clear();
            self.choose_tracks(self.title.wanted_start.unwrap_or(MediaTime::ZERO));
        }
    }

    pub(crate) fn disable(&mut self, kind: TrackKind) {
        self.title.disabled.insert(kind);
        self.title.chosen.remove(&kind);
        if kind == TrackKind::Text {
            self.forget_cues();
        }
        self.drop_fetch(kind);
        self.cancel_kind(kind);
        let own = self.streams.remove(&kind);
        if let Some(mut stream) = own {
            self.qoe.wasted(stream.buffer.clear());
        } else {
            // It may be muxed into another kind's segments.
            let carries = |stream: &&mut Stream| stream.outputs.contains(&kind);
            let Some(carrier) = self.streams.values_mut().find(carries) else { return };
            carrier.outputs.retain(|output| *output != kind);
        }
        self.sink(SinkCommand::Disable { kind });
        self.emit(Event::Selected { at: self.now, kind, track: None });
        if self.title.presentation.is_some() && self.streams.values().all(|stream| !stream.is_essential()) {
            self.fail(self.nothing_playable("neither sound nor picture is left to play"));
        }
    }

    pub(crate) fn change_tracks(&mut self, kind: TrackKind, position: MediaTime) {
        let essential = matches!(kind, TrackKind::Video | TrackKind::Audio);
        if essential || !self.capabilities.random_access {
            // Sound or picture cannot go on before the new track is there: it is a seek on the spot.
            let running = self.playback.started || self.playback.seek.is_some();
            if running {
                self.begin_seek(position, false);
            } else if self.playback.state == State::Ready {
                self.enter(State::Preparing);
            }
        }
        self.drop_fetch(kind);
        self.cancel_kind(kind);
        if let Some(stream) = self.streams.get_mut(&kind) {
            let wasted = stream.buffer.clear();
            let outputs = stream.outputs.clone();
            self.qoe.wasted(wasted);
            for kind in outputs {
                self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
            }
            self.streams.remove(&kind);
        }
        // What is muxed into another kind's segments gives way to a stream of its own.
        let mut muxed = false;
        for stream in self.streams.values_mut().filter(|stream| stream.kind != kind) {
            muxed |= stream.outputs.contains(&kind);
            stream.outputs.retain(|output| *output != kind);
        }
        if muxed {
            self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
        }
        if !self.capabilities.random_access {
            self.refill(position);
        }
        let kept: Vec<(TrackKind, Stream)> =
            std::mem::take(&mut self.streams).into_iter().filter(|(other, _)| *other != kind).collect();
        self.choose_tracks(position);
        for (other, mut stream) in kept {
            if self.playback.seek.is_some() {
                stream.target = position;
            }
            self.streams.insert(other, stream);
        }
        self.rebuild_ladders();
        let own = self.streams.contains_key(&kind);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.show_from = Some(position);
        }
        if essential && !own && self.capabilities.random_access {
            // It is muxed into what the sink has already without it: that comes once more.
            let outputs: Vec<TrackKind> = self.streams.values().flat_map(|stream| stream.outputs.clone()).collect();
            self.refill(position);
            for kind in outputs {
                self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
            }
        }
        if self.playback.seek.is_some() {
            self.seek_sink(position);
        }
    }
}
