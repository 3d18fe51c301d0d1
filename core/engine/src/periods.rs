//! Periods: which tracks a stream plays in each, and how it goes from one to another.

use telecine_model::{MediaTime, TrackKind};

use crate::action::SinkCommand;
use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::event::{DecisionKind, Event};
use crate::select::{is_elsewhere, ladder, select};
use crate::stream::{Lost, RenditionRef, Stream};

impl Engine {
    /// Chooses tracks for the period at `position` and makes a stream for each.
    pub(crate) fn choose_tracks(&mut self, position: MediaTime) {
        let Some(period) = self.period_at(position) else { return };
        for kind in [TrackKind::Video, TrackKind::Audio, TrackKind::Text] {
            let Some((track, why)) = self.pick_track(period, kind, None) else {
                self.tell_undecodable(period, kind);
                if self.comes_later(period, kind) {
                    self.streams.insert(kind, Stream::new(kind, period, 0, position));
                    self.be_absent(kind, position);
                }
                continue;
            };
            let id = self.track(period, track).map(|track| track.id.clone());
            self.streams.insert(kind, Stream::new(kind, period, track, position));
            self.emit(Event::Selected { at: self.now, kind, track: id.clone() });
            self.decide(DecisionKind::Track, Some(kind), None, id, why);
        }
        self.choose_captions(position);
        self.rebuild_ladders();
    }

    /// Whether a kind that has no track in a period has one in a later one.
    pub(crate) fn comes_later(&self, period: usize, kind: TrackKind) -> bool {
        let periods = self.title.presentation.as_ref().map_or(0, |p| p.periods.len());
        (period + 1..periods).any(|later| self.pick_track(later, kind, None).is_some())
    }

    pub(crate) fn pick_track(
        &self,
        period: usize,
        kind: TrackKind,
        like: Option<(usize, usize)>,
    ) -> Option<(usize, Vec<String>)> {
        let (track, why) = self.pick_any_track(period, kind, like)?;
        (!self.is_muxed(period, track)).then_some((track, why))
    }

    /// The id of the track of a kind that is muxed into another kind's segments, if the manifest names it.
    pub(crate) fn muxed_track(&self, period: usize, kind: TrackKind) -> Option<String> {
        let (track, _) = self.pick_any_track(period, kind, None)?;
        self.is_muxed(period, track).then(|| self.track(period, track).map(|track| track.id.clone())).flatten()
    }

    /// An HLS rendition without a URI is in the variants' own segments: no stream of its own.
    fn is_muxed(&self, period: usize, track: usize) -> bool {
        self.is_hls() && self.track(period, track).is_some_and(|track| track.renditions.iter().all(is_elsewhere))
    }

    fn pick_any_track(
        &self,
        period: usize,
        kind: TrackKind,
        like: Option<(usize, usize)>,
    ) -> Option<(usize, Vec<String>)> {
        if self.title.disabled.contains(&kind) {
            return None;
        }
        let presentation = self.title.presentation.as_ref()?;
        let wanted = self.title.chosen.get(&kind).map(String::as_str);
        let like = like.and_then(|(period, track)| self.track(period, track));
        let preferences = &self.config.preferences;
        // Where every rendition was found to be of no use, so is the track.
        let is_dead = |track: usize| {
            let renditions = self.track(period, track).map_or(0, |track| track.renditions.len());
            renditions > 0 && (0..renditions).all(|rendition| self.is_dead(RenditionRef { period, track, rendition }))
        };
        let chosen =
            select(presentation.periods.get(period)?, kind, preferences, &self.capabilities, wanted, like, is_dead)?;
        Some((chosen.track, chosen.why))
    }

    pub(crate) fn period_at(&self, position: MediaTime) -> Option<usize> {
        let periods = &self.title.presentation.as_ref()?.periods;
        let after = periods.partition_point(|period| period.start <= position);
        (!periods.is_empty()).then(|| after.saturating_sub(1))
    }

    /// Works out anew what each stream may switch between.
    pub(crate) fn rebuild_ladders(&mut self) {
        let audio = self.streams.get(&TrackKind::Audio).map(|stream| (stream.period, stream.track));
        let steering = self.title.presentation.as_ref().and_then(|p| p.steering.as_ref());
        let pathway = steering.and_then(|steering| steering.initial.first()).cloned();
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            let Some(stream) = self.streams.get(&kind).filter(|stream| !stream.absent) else {
                continue;
            };
            let Some(track) = self.track(stream.period, stream.track) else {
                continue;
            };
            let audio_track = (kind == TrackKind::Video)
                .then_some(audio)
                .flatten()
                .filter(|(period, _)| *period == stream.period)
                .and_then(|(period, track)| self.track(period, track));
            let hls = self.is_hls();
            let steps = ladder(
                track,
                &self.capabilities,
                &self.config.constraints,
                &self.config.preferences,
                pathway.as_deref().filter(|_| hls),
                audio_track,
            );
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.ladder = steps;
            }
        }
    }

    /// Whether no period follows that is known.
    pub(crate) fn is_last_period(&self, period: usize) -> bool {
        self.title.presentation.as_ref().is_some_and(|p| period + 1 == p.periods.len())
    }

    /// End of a period that another one follows.
    pub(crate) fn period_end(&self, period: usize) -> Option<MediaTime> {
        let periods = &self.title.presentation.as_ref()?.periods;
        let next = periods.get(period + 1)?;
        let own = periods.get(period)?;
        Some(own.duration.map_or(next.start, |duration| (own.start + duration).min(next.start)))
    }

    /// Whether a time is behind the end of the title, where nothing is presented (ISO/IEC 23009-1, 5.3.2.1). HLS
    /// announces no end but that of its segments.
    pub(crate) fn is_behind_the_title(&self, period: usize, time: MediaTime) -> bool {
        let Some(presentation) = self.title.presentation.as_ref().filter(|_| self.is_dash()) else {
            return false;
        };
        let last = presentation.periods.get(period).filter(|_| period + 1 == presentation.periods.len());
        let end = last.and_then(|last| last.duration.map(|duration| last.start + duration).or(presentation.duration));
        end.is_some_and(|end| time >= end)
    }

    /// Goes to the next period; false if the title ends here.
    pub(crate) fn next_period(&mut self, kind: TrackKind, next_time: MediaTime) -> bool {
        let Some(stream) = self.streams.get(&kind) else {
            return false;
        };
        let (period, track) = (stream.period, stream.track);
        if self.title.end.is_some_and(|end| next_time + SEAM >= end) {
            self.end_stream(kind);
            return false;
        }
        let start = self.title.presentation.as_ref().and_then(|p| p.periods.get(period + 1)).map(|p| p.start);
        let Some(start) = start else {
            match self.mpd_goes_on() {
                // Another period may come.
                true => {
                    if let Some(stream) = self.streams.get_mut(&kind) {
                        stream.at_edge = true;
                    }
                }
                false => self.end_stream(kind),
            }
            return false;
        };
        if !self.enter_period(kind, period + 1, (period, track)) {
            self.be_absent(kind, next_time);
        } else if start > next_time + SEAM {
            self.skip(kind, next_time, start, Vec::new());
        }
        true
    }

    /// Lets a kind's stream go on in another period, in a track like the one that it comes from. False
    /// if there is none.
    fn enter_period(&mut self, kind: TrackKind, period: usize, like: (usize, usize)) -> bool {
        let picked = self.pick_track(period, kind, Some(like)).map(|(track, _)| track);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.period = period;
            stream.track = picked.unwrap_or(0);
            stream.cursor = None;
            stream.rendition = None;
            stream.avoid.clear();
            stream.put_off = None;
            stream.ladder.clear();
            stream.absent = false;
            stream.came = false;
            // Another period is another server's, often: it is not judged by the last.
            stream.lost.segments = 0;
        }
        if picked.is_some() {
            self.rebuild_ladders();
        }
        picked.is_some()
    }

    /// Of the track that a kind's stream fetches of a period that is to come there is nothing more: from where what could not be
    /// had begins it goes on in another one of that period. What plays, and what came, stays.
    pub(crate) fn change_track_to_come(&mut self, kind: TrackKind) {
        self.drop_fetch(kind);
        self.drop_torn(kind);
        self.cancel_kind(kind);
        let Some(stream) = self.streams.get(&kind) else { return };
        let (period, track) = (stream.period, stream.track);
        let begin = self.title.presentation.as_ref().and_then(|p| p.periods.get(period)).map(|period| period.start);
        let missing = stream.next_time(self.needed_from(stream)) - stream.lost.time;
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let from = begin.map_or(missing, |begin| missing.max(begin));
        stream.buffer.forget_holes(from - stream.shift.unwrap_or_default());
        stream.lost = Lost::default();
        stream.awaits = None;
        stream.break_off();
        self.enter_period(kind, period, (period, track));
        let id = |track: usize| self.track(period, track).map(|track| track.id.clone());
        let (from, to) = (id(track), self.streams.get(&kind).and_then(|stream| id(stream.track)));
        self.decide(DecisionKind::Track, Some(kind), from, to, vec!["there is nothing of the other one".to_owned()]);
    }

    /// The sink forgot media of a period that the stream has left: fetching goes back there.
    pub(crate) fn go_back(&mut self, kind: TrackKind, next_time: MediaTime) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let (period, track) = (stream.period, stream.track);
        let begin = self.title.presentation.as_ref().and_then(|p| p.periods.get(period)).map(|period| period.start);
        let earlier = self.period_at(next_time).filter(|earlier| *earlier < period);
        let before = begin.is_some_and(|begin| next_time + SEAM < begin);
        if let Some(earlier) = earlier.filter(|_| before) {
            if !self.enter_period(kind, earlier, (period, track)) {
                self.be_absent(kind, next_time);
            }
        }
    }

    /// A kind has no track in its stream's period: there is nothing to wait for, and the next period
    /// may have one.
    pub(crate) fn be_absent(&mut self, kind: TrackKind, from: MediaTime) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        stream.absent = true;
        // Nothing of it is missing here.
        stream.lost = Lost::default();
        let period = stream.period;
        let end = self.period_end(period).or(self.duration()).unwrap_or(from).max(from);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.buffer.put(Item::silence(from, end, period));
        }
        self.sink(SinkCommand::Silence { kind, from, to: end });
    }
}
