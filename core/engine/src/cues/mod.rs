//! Captions and subtitles as cues on the presentation's timeline, whatever they were written in.
//!
//! The engine reads them as they arrive: WebVTT and TTML files and segments, `wvtt` and `stpp` tracks, CEA-608
//! and CEA-708 in the picture. Each cue is told once, though it spans segments or is fetched again: see
//! [`Event::Cues`] and [`Event::CuesShown`].

mod captions;
mod read;

use std::sync::Arc;

use telecine_container::text::cea::CaptionChannel;
use telecine_container::{Fragment, InitSegment};
use telecine_model::cue::{CueChange, CueKey};
use telecine_model::{Cue, CueStore, Error, Handling, MediaTime, TrackKind};

use self::captions::{Captions, Load};
pub(crate) use self::read::Text;
use self::read::TextTracks;
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, State};
use crate::media::MediaReader;
use crate::select::select_captions;
use crate::stream::SegmentFetch;
use crate::timed::Placed;
use crate::timer::Timer;

/// The cues of a title.
#[derive(Default)]
pub(crate) struct Cues {
    /// Those of the text track that has segments of its own.
    own: Option<CueStore>,
    tracks: TextTracks,
    captions: Option<Captions>,
    /// The channel that is shown instead, where the chosen track is inside of the picture.
    channel: Option<CaptionChannel>,
    /// What is on the screen, as last told.
    shown: Vec<(CueKey, Arc<Cue>)>,
}

impl Cues {
    /// The cues of the chosen track.
    fn store(&self) -> Option<&CueStore> {
        match self.channel {
            Some(channel) => self.captions.as_ref()?.store(channel),
            None => self.own.as_ref(),
        }
    }
}

impl Engine {
    /// The cues of the chosen text track that are known, by their start.
    pub fn cues(&self) -> impl Iterator<Item = (CueKey, &Cue)> {
        self.title.cues.store().into_iter().flat_map(CueStore::iter).map(|(key, cue)| (key, &**cue))
    }

    /// Reads what a fragment has to say: text tracks, and captions in its pictures.
    pub(crate) fn read_fragment(
        &mut self,
        kind: TrackKind,
        fetch: &SegmentFetch,
        init: &Arc<InitSegment>,
        fragment: &Fragment,
        placed: Placed,
    ) {
        let is_text = init.tracks.iter().any(|track| track.kind == TrackKind::Text);
        if is_text {
            let limits = &self.config.limits;
            let found = self.title.cues.tracks.read(init, fragment, placed.offset, limits);
            self.add_cues(fetch.rendition.period, found.cues);
            for warning in found.warnings {
                self.tolerate(kind, fetch.rendition, fetch.number, warning);
            }
            if let Some(error) = found.fault {
                self.tell_text_fault(error.fact("time", placed.start));
            }
        }
        let has_picture = init.tracks.iter().any(|track| track.kind == TrackKind::Video);
        // Of streams the reader has found them already.
        let found = fetch.reader.as_ref().is_some_and(MediaReader::is_stream);
        if has_picture && !found && self.wants_captions(fetch.rendition.period) {
            let captions = self.title.cues.captions.get_or_insert_with(|| Captions::new(&self.config.limits));
            captions.begin(load_of(fetch));
            read::captions(init, fragment, |time, triplets| captions.push(time + placed.offset, triplets, false));
        }
    }

    /// Takes captions that were found in a stream, in the order in which they are shown.
    pub(crate) fn take_captions(&mut self, kind: TrackKind, time: MediaTime, triplets: &[u8]) {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else { return };
        let load = load_of(fetch);
        if self.wants_captions(fetch.rendition.period) {
            let captions = self.title.cues.captions.get_or_insert_with(|| Captions::new(&self.config.limits));
            captions.begin(load);
            captions.push(time, triplets, true);
        }
    }

    /// A segment was handed on whole.
    pub(crate) fn conclude_captions(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else { return };
        let cues = &mut self.title.cues;
        let mut changes = Vec::new();
        if let Some(captions) = &mut cues.captions {
            captions.conclude(load_of(fetch), cues.channel, &mut changes);
        }
        self.tell_cues(changes);
    }

    /// Captions cost a look at every picture: they are read if the manifest announces them, or if they are what is
    /// shown.
    fn wants_captions(&self, period: usize) -> bool {
        let tracks = self.title.presentation.as_ref().and_then(|p| p.periods.get(period)).map(|period| &period.tracks);
        let announced = tracks.into_iter().flatten().any(|track| track.in_stream_id.is_some());
        let takes_text = self.capabilities.kinds.contains(&TrackKind::Text);
        takes_text && (announced || self.title.cues.channel.is_some())
    }

    /// Chooses captions in the picture where no text track with segments of its own is played.
    pub(crate) fn choose_captions(&mut self, position: MediaTime) {
        let own = self.streams.contains_key(&TrackKind::Text);
        let allowed =
            !self.title.disabled.contains(&TrackKind::Text) && self.capabilities.kinds.contains(&TrackKind::Text);
        let period = self.period_at(position);
        let period = period.and_then(|period| self.title.presentation.as_ref()?.periods.get(period));
        let wanted = self.title.chosen.get(&TrackKind::Text).map(String::as_str);
        let mut told = None;
        let channel = period.filter(|_| allowed && !own).and_then(|period| {
            let preferences = &self.config.preferences;
            if let Some(selected) = select_captions(period, preferences, wanted) {
                let track = period.tracks.get(selected.track)?;
                told = Some((track.id.clone(), selected.why));
                return track.in_stream_id.as_deref()?.parse().ok();
            }
            // A playlist that stands alone announces nothing: who wants subtitles gets what is there.
            let silent = period.tracks.iter().all(|track| {
                track.kind != TrackKind::Text
                    && track.renditions.iter().all(|rendition| rendition.groups.closed_captions.is_none())
            });
            (silent && !preferences.text_languages.is_empty()).then_some(CaptionChannel::Cc1)
        });
        if channel == self.title.cues.channel {
            return;
        }
        self.forget_cues();
        self.title.cues.channel = channel;
        if let Some((id, why)) = told {
            self.emit(Event::Selected { at: self.now, kind: TrackKind::Text, track: Some(id.clone()) });
            self.decide(DecisionKind::Track, Some(TrackKind::Text), None, Some(id), why);
        }
        let known = self.title.cues.store().into_iter().flat_map(CueStore::iter);
        let changes = known.map(|(key, cue)| CueChange::Added(key, Arc::clone(cue))).collect();
        self.tell_cues(changes);
    }

    /// Another text track, or none, is shown from now on.
    pub(crate) fn forget_cues(&mut self) {
        let cues = &mut self.title.cues;
        let mut changes: Vec<CueChange> =
            cues.store().into_iter().flat_map(CueStore::iter).map(|(key, _)| CueChange::Removed(key)).collect();
        if cues.channel.take().is_none() {
            changes.clear();
            if let Some(own) = &mut cues.own {
                own.clear(&mut changes);
            }
        }
        self.tell_cues(changes);
    }

    pub(crate) fn add_cues(&mut self, period: usize, found: Vec<Cue>) {
        let (from, to) = self.window(period);
        let own = self.title.cues.own.get_or_insert_with(|| CueStore::new(&self.config.limits));
        let mut changes = Vec::new();
        for mut cue in found {
            // What lies outside of its period does not belong to the presentation.
            if cue.end > from && cue.start < to {
                cue.start = cue.start.max(from);
                cue.end = if to == MediaTime::MAX { cue.end } else { cue.end.min(to) };
                own.insert(cue, &mut changes);
            }
        }
        if self.title.cues.channel.is_none() {
            self.tell_cues(changes);
        }
    }

    fn tell_cues(&mut self, changes: Vec<CueChange>) {
        if !changes.is_empty() {
            self.emit_aside(Event::Cues { at: self.now, changes });
        }
    }

    /// Texts are not in recordings, so a fault of theirs is no action that a replay could repeat.
    pub(crate) fn tell_text_fault(&mut self, error: Error) {
        self.emit_aside(Event::Error { at: self.now, error: error.recovered(Handling::Skipped) });
    }

    /// Follows the playhead, and wakes when what is shown changes next.
    pub(crate) fn follow_cues(&mut self) {
        let follows = matches!(
            self.playback.state,
            State::Playing | State::Paused | State::Rebuffering | State::Ready | State::Ended
        );
        let seeks = self.playback.seek.is_some_and(|seek| seek.asked);
        let position = self.position();
        let store = self.title.cues.store().filter(|_| follows && !seeks);
        let shown: Vec<(CueKey, Arc<Cue>)> = store
            .map(|store| store.active(position).into_iter().map(|(key, cue)| (key, Arc::clone(cue))).collect())
            .unwrap_or_default();
        let next = store.and_then(|store| store.next_change(position)).filter(|_| self.playback.is_advancing());
        // A cue that only lasts longer than was known is the same on the screen.
        let same = shown.len() == self.title.cues.shown.len()
            && shown.iter().zip(&self.title.cues.shown).all(|((key, cue), (was, known))| {
                key == was && (Arc::ptr_eq(cue, known) || (cue.start == known.start && cue.says_the_same(known)))
            });
        if !same {
            let cues = shown.iter().map(|(_, cue)| Arc::clone(cue)).collect();
            self.title.cues.shown = shown;
            self.emit_aside(Event::CuesShown { at: self.now, position, cues });
        }
        match next {
            Some(next) => {
                let due = self.now + self.real(next - position) + std::time::Duration::from_millis(1);
                self.timers.set(Timer::Cues, due);
            }
            None => self.timers.clear(Timer::Cues),
        }
    }
}

fn load_of(fetch: &SegmentFetch) -> Load {
    Load { id: fetch.load, discontinuity: fetch.discontinuity, start: fetch.start, end: fetch.end }
}
