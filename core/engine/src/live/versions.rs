//! Newer versions of a live MPD: read, merged, and what follows from what is different (D042–D056, D078).

use std::time::Duration;

use bytes::Bytes;
use telecine_manifest::dash::{self, BreakKind, Changes, MpdValidity, Refresh};
use telecine_manifest::sniff;
use telecine_model::clock::{utc_sources, ClockSource};
use telecine_model::{
    Error, ErrorCode, Handling, MediaTime, Period, Presentation, Protocol, SegmentIndex, SortedMap, SortedSet,
    TrackKind, WallTime,
};

use super::clock::Answered;
use crate::action::{SinkCommand, Validators};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::event::DecisionKind;
use crate::media::FragmentTrack;
use crate::requests::{Purpose, Request};
use crate::stream::{Cursor, InitKey, RenditionRef, Stream};

/// A clock is asked again if the dates of answers contradict it by more than this.
const DOUBT: Duration = Duration::from_secs(2);

/// A newer version of the MPD that came and is not merged yet: its remote elements may be on their way.
pub(super) struct Refreshing {
    answered: Answered,
    /// By what it can be told from newer ones: nothing, of one that was patched.
    validators: Option<(String, Validators)>,
    /// The MPD, or a patch of it.
    purpose: Purpose,
    url: String,
}

impl Engine {
    /// An event in media may be about the MPD (D056). What it brings along is not taken: whoever needs it has it in the MPD
    /// that is fetched.
    pub(crate) fn look_at_validity(&mut self, scheme: &str, value: &str, message: &[u8]) {
        let Some(validity) = MpdValidity::read(scheme, value, message, &self.config.limits) else { return };
        let timing = self.title.presentation.as_ref().and_then(|presentation| presentation.dash.as_ref());
        let known = timing.and_then(|timing| timing.publish_time);
        self.findings.expired |= self.dash_live().is_some() && validity.concerns(known);
    }

    /// Follows what media said with the input before: then, and not at once, because a recording has no media to say it.
    pub(crate) fn follow_expiry(&mut self) {
        let now = self.now;
        if let Some(dash) = self.title.live.dash.as_mut().filter(|_| std::mem::take(&mut self.title.live.expired)) {
            dash.refresh.expire(now);
        }
    }

    /// Media that is not at all where the known MPD computes it: an encoder may have started over, in a period that a newer
    /// version knows. True if that is waited for, once for each version; the segment is fetched by it then.
    pub(crate) fn doubt_mpd(&mut self, kind: TrackKind, found: &[FragmentTrack]) -> bool {
        let goes_on = self.mpd_goes_on();
        let Some(stream) = self.streams.get(&kind).filter(|_| goes_on) else { return false };
        let Some(fetch) = stream.fetch.as_ref().filter(|fetch| fetch.appended == 0 && fetch.muxed == 0) else {
            return false;
        };
        let reference = fetch.rendition;
        let index = self.rendition(reference).and_then(|rendition| rendition.segments.known());
        let Some(index) = index.filter(|index| index.table.is_open()) else { return false };
        let Some(start) = self.own_start(stream, fetch, found) else { return false };
        let offset = index.origin - MediaTime::from_ticks(index.presentation_offset, index.table.timescale());
        let much = (fetch.end - fetch.start).mul_ratio(3, 4).max(MediaTime::from_secs(1));
        let far = (start + offset).abs_diff(fetch.start) >= much;
        let (expected, now) = (fetch.start, self.now);
        let Some(dash) = self.title.live.dash.as_mut().filter(|dash| far && !dash.doubted.contains(&kind)) else {
            return false;
        };
        dash.doubted.insert(kind);
        dash.waiting.insert(kind);
        dash.refresh.expire(now);
        let message = "media is not where the MPD has it: a newer version of that may know why";
        let error = Error::new(ErrorCode::TimestampInvalid, message);
        let error = error.fact("expected", expected).fact("found", start + offset);
        let error = self.in_rendition(error, kind, reference);
        self.report(error.recovered(Handling::Retried));
        self.drop_fetch(kind);
        self.drop_torn(kind);
        true
    }

    /// Nobody waits for a newer version any more: it came, or cannot be had.
    fn stop_waiting(&mut self) {
        if let Some(dash) = &mut self.title.live.dash {
            dash.waiting.clear();
        }
    }

    /// A newer version of the MPD came, or a patch of the known one.
    pub(crate) fn on_mpd(&mut self, request: &Request, body: Vec<u8>) {
        let is_patch = request.purpose == Purpose::Patch && sniff(&body) != Some(Protocol::Dash);
        let known = self.title.live.dash.as_ref().and_then(|dash| dash.text.clone()).unwrap_or_default();
        let text = match is_patch {
            true => dash::apply_patch(&known, &body, &self.config.limits),
            false => Ok(body),
        };
        // References of a patched MPD are relative to the MPD.
        let uri = match (&self.title.presentation, is_patch) {
            (Some(presentation), true) => presentation.uri.clone(),
            _ => request.url().to_owned(),
        };
        self.title.live.refreshing = Some(Refreshing {
            answered: Answered::of(request, self.now),
            validators: (!is_patch).then(|| (request.fetch.url.clone(), request.validators())),
            purpose: request.purpose.clone(),
            url: request.url().to_owned(),
        });
        match text {
            Ok(text) => self.parse_mpd(uri, Bytes::from(text), 0),
            Err(error) => self.on_mpd_unusable(error),
        }
    }

    /// An MPD cannot be used: the end of its title if it is the first one.
    pub(crate) fn on_mpd_unusable(&mut self, error: Error) {
        match self.title.live.refreshing.take() {
            Some(Refreshing { purpose, url, .. }) => {
                let error = error.fact("url", self.outbox.secrets.shown(&url));
                self.on_mpd_failed(&purpose, None, error);
            }
            None => self.fail(error),
        }
    }

    /// An MPD is read, with all its remote elements: the first one of its title, or a newer version. `text` is its text,
    /// if that is all of it.
    pub(crate) fn on_mpd_read(&mut self, presentation: Presentation, text: Option<Bytes>) {
        match self.title.live.refreshing.take() {
            Some(Refreshing { answered, validators, .. }) => {
                // Of an MPD with remote elements only its own text would be asked after.
                let whole = text.is_some();
                if self.on_version(answered, presentation, text) {
                    self.title.live.validators.clear();
                    let told = validators.filter(|(_, validators)| whole && !validators.is_empty());
                    self.title.live.validators.extend(told);
                }
            }
            None => {
                if text.is_none() {
                    self.title.live.validators.clear();
                }
                self.title.live.text = text;
                self.begin(presentation);
            }
        }
    }

    /// A newer version of the MPD, or a patch, could not be had or not be used.
    pub(crate) fn on_mpd_failed(&mut self, purpose: &Purpose, status: Option<u16>, error: Error) {
        let (now, draw) = (self.now, self.rng.next_u64());
        let Some(dash) = &mut self.title.live.dash else { return };
        if *purpose == Purpose::Patch {
            dash.refresh.on_patch_failed(now);
            return self.report(error.recovered(Handling::Replaced));
        }
        dash.waiting.clear();
        dash.refresh.on_failed(status, now, draw);
        dash.refresh.note_failure(&error);
        let gone = dash.refresh.is_gone(now);
        self.report(error.recovered(Handling::Retried));
        if gone {
            // D048: that is how some services end a title.
            self.end_live_here();
        }
    }

    /// The server of the MPD asks to be left alone for so long.
    pub(crate) fn wait_for_mpd(&mut self, asked: Option<Duration>) {
        let now = self.now;
        if let Some((dash, asked)) = self.title.live.dash.as_mut().zip(asked) {
            dash.refresh.not_before(now + asked);
        }
    }

    /// The MPD is as it was, its server says (D041).
    pub(super) fn on_same_mpd(&mut self, answered: Answered) {
        self.stop_waiting();
        let (draw, url) = (self.rng.next_u64(), self.title.url.clone());
        if let (Some(dash), Some(presentation)) = (&mut self.title.live.dash, &self.title.presentation) {
            dash.refresh.on_version(presentation, &url, answered.sent, false, draw);
            if let Some(sample) = answered.dated(ClockSource::HttpDate) {
                dash.clock.learn(&sample);
            }
        }
    }

    /// A newer version came. False if it is an older one than is known.
    fn on_version(&mut self, answered: Answered, mut newer: Presentation, text: Option<Bytes>) -> bool {
        newer.periods.iter_mut().for_each(Period::join_switchable);
        self.stop_waiting();
        let Some(mut known) = self.title.presentation.take() else { return false };
        let before: Vec<String> = known.periods.iter().map(|period| period.id.clone()).collect();
        let kept = self.still_needed(&known, &newer);
        let position = self.position();
        // Where the start of everything has moved, nothing can be merged.
        let start = |presentation: &Presentation| presentation.dash.as_ref().and_then(|dash| dash.availability_start);
        let started = start(&known);
        let spare = (started != start(&newer)).then(|| newer.clone());
        let merged = dash::refresh(&mut known, newer);
        let outcome = match merged {
            Ok(Refresh::Merged(changes)) => {
                known.periods.extend(kept);
                known.periods.sort_by_key(|period| period.start);
                Some(changes)
            }
            Ok(Refresh::Older) => {
                // D049: a stale cache; the known version goes on to be what there is.
                self.title.presentation = Some(known);
                let (draw, url) = (self.rng.next_u64(), self.title.url.clone());
                if let (Some(dash), Some(presentation)) = (&mut self.title.live.dash, &self.title.presentation) {
                    dash.refresh.on_version(presentation, &url, answered.sent, false, draw);
                }
                return false;
            }
            Ok(_) => None,
            Err(error) => {
                self.report(error.recovered(Handling::Replaced));
                known = spare.unwrap_or(known);
                None
            }
        };
        let end = known.duration;
        if known.live {
            known.duration = None;
        }
        let is_new = outcome.as_ref().is_none_or(|changes| changes.new_segments > 0 || !changes.new_periods.is_empty());
        let (draw, now, url) = (self.rng.next_u64(), self.now, self.title.url.clone());
        self.title.live.jitter = draw;
        if let Some(dash) = &mut self.title.live.dash {
            dash.answered = answered;
            dash.doubted.clear();
            dash.end = end;
            dash.text = text.filter(|_| !known.patch_locations.is_empty());
            dash.refresh.on_version(&known, &url, answered.sent, is_new, draw);
            let (sources, _) =
                utc_sources(known.dash.as_ref().map_or(&[][..], |timing| &timing.utc_timings), &known.uri);
            dash.sync.set(sources, &known.uri, answered, now);
            if let Some(sample) = answered.dated(ClockSource::HttpDate) {
                dash.clock.learn(&sample);
                // A server that is seconds away from the clock: one of the two is wrong.
                if dash.clock.read(sample.at).is_some_and(|reading| reading.apart(&sample) > DOUBT) {
                    dash.sync.hurry(now);
                }
            }
        }
        self.check_clock(&mut known);
        match outcome {
            Some(changes) => {
                self.take_over(known, &before, changes);
                if is_new {
                    self.see_listed(answered.head);
                }
            }
            None => self.begin_anew_at(known, position, started),
        }
        self.see_stated();
        true
    }

    /// Periods of the known version that the newer one no longer has, but that something is still there of, or on its way.
    fn still_needed(&self, known: &Presentation, newer: &Presentation) -> Vec<Period> {
        let there: SortedSet<&str> = newer.periods.iter().map(|period| period.id.as_str()).collect();
        let needed = |at: usize| {
            self.streams.values().any(|stream| {
                stream.period == at
                    || stream.fetch.as_ref().is_some_and(|fetch| fetch.rendition.period == at)
                    || stream.buffer.has_period(at)
            })
        };
        let gone = known.periods.iter().enumerate().filter(|(_, period)| !there.contains(period.id.as_str()));
        gone.filter(|(at, _)| needed(*at)).map(|(_, period)| period.clone()).collect()
    }

    /// The merged version is the presentation now.
    fn take_over(&mut self, presentation: Presentation, before: &[String], changes: Changes) {
        let now: SortedMap<&str, usize> =
            presentation.periods.iter().enumerate().map(|(at, period)| (period.id.as_str(), at)).collect();
        let places: Vec<Option<usize>> = before.iter().map(|id| now.get(id.as_str()).copied()).collect();
        let (still, duration) = (!presentation.live, presentation.duration);
        let broken: SortedSet<(String, String, String)> = changes
            .breaks
            .into_iter()
            .filter(|known| matches!(known.kind, BreakKind::Rewritten | BreakKind::Shortened))
            .map(|known| (known.period, known.track, known.rendition))
            .collect();
        self.title.presentation = Some(presentation);
        if places.iter().enumerate().any(|(at, place)| *place != Some(at)) {
            self.move_periods(&places);
            self.title.sizes.forget();
        }
        self.drop_behind_periods();
        self.forget_numbers(&broken);
        self.rebuild_ladders();
        self.learn_event_streams();
        if still {
            let end = duration.or_else(|| self.listed_until()).unwrap_or_default();
            self.tell_live_end(end);
        }
    }

    /// What is on its way of a period that ends before it, as was not known yet, belongs to the next period: it is fetched
    /// there (D005).
    fn drop_behind_periods(&mut self) {
        let behind = |stream: &&Stream| {
            let fetch = stream.fetch.as_ref();
            fetch.is_some_and(|fetch| {
                self.period_end(fetch.rendition.period).is_some_and(|end| fetch.start + SEAM >= end)
            })
        };
        let kinds: Vec<TrackKind> = self.streams.values().filter(behind).map(|stream| stream.kind).collect();
        for kind in kinds {
            if !self.adopt_fetch(kind) {
                self.drop_fetch(kind);
                self.drop_torn(kind);
            }
        }
        self.rebuild_ladders();
    }

    /// Lets a kind's stream go on in the period that what it fetches belongs to now, if that is the same segment there: of
    /// the same track and rendition, at the same times, and at the same address (D064, D065).
    fn adopt_fetch(&mut self, kind: TrackKind) -> bool {
        let adopted = || {
            let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
            // As a whole, wherever it was entered.
            let begin = fetch.entry.as_ref().map_or(fetch.start, Entry::begin);
            let (old, period) = (fetch.rendition, self.period_at(begin + SEAM)?);
            let periods = &self.title.presentation.as_ref()?.periods;
            let old_track = periods.get(old.period)?.tracks.get(old.track)?;
            let old_index = self.rendition(old)?.segments.known()?;
            let track = periods.get(period)?.tracks.iter().position(|track| track.id == old_track.id)?;
            let id = &self.rendition(old)?.id;
            let rendition = periods.get(period)?.tracks.get(track)?.renditions.iter().position(|r| r.id == *id)?;
            let reference = RenditionRef { period, track, rendition };
            let index = self.rendition(reference)?.segments.known()?;
            let segment = index.get(index.number_at(begin + SEAM)?)?;
            let init = segment.init.as_ref().map(|init| {
                let range = init.byte_range.map(|range| (range.offset, range.length));
                InitKey { uri: index.resolve(&init.uri), range }
            });
            let asked = &self.requests.get(fetch.request?)?.fetch;
            let range = fetch.entry.as_ref().map_or(asked.byte_range, Entry::whole);
            let offset = |index: &SegmentIndex| {
                index.origin - MediaTime::from_ticks(index.presentation_offset, index.table.timescale())
            };
            let same = asked.url == self.on_good_base(reference, &segment.reference)
                && (range, &fetch.init) == (segment.byte_range, &init)
                && begin.abs_diff(segment.start) <= SEAM
                && offset(index).abs_diff(offset(old_index)) <= MediaTime::from_millis(1);
            (same && reference.period != old.period).then_some((reference, segment.number, old))
        };
        let Some((reference, number, old)) = adopted() else { return false };
        let Some(stream) = self.streams.get_mut(&kind) else { return false };
        (stream.period, stream.track, stream.rendition) =
            (reference.period, reference.track, Some(reference.rendition));
        stream.cursor = None;
        stream.avoid.clear();
        stream.put_off = None;
        stream.absent = false;
        if let Some(fetch) = &mut stream.fetch {
            (fetch.rendition, fetch.number) = (reference, number);
        }
        // The decoder goes on as it is.
        if let Some(configured) = stream.configured.as_mut().filter(|configured| configured.rendition == old) {
            configured.rendition = reference;
        }
        if let Some((own, _)) = stream.own_init.as_mut().filter(|(own, _)| *own == old) {
            *own = reference;
        }
        true
    }

    /// Segments of these renditions have other numbers than before: the next one is found by its time.
    fn forget_numbers(&mut self, broken: &SortedSet<(String, String, String)>) {
        if broken.is_empty() {
            return;
        }
        let mut forget = Vec::new();
        for stream in self.streams.values() {
            let Some(Cursor { rendition: reference, .. }) = stream.cursor else { continue };
            let Some(period) = self.title.presentation.as_ref().and_then(|p| p.periods.get(reference.period)) else {
                continue;
            };
            let Some(track) = period.tracks.get(reference.track) else { continue };
            let Some(rendition) = track.renditions.get(reference.rendition) else { continue };
            if broken.contains(&(period.id.clone(), track.id.clone(), rendition.id.clone())) {
                forget.push(stream.kind);
            }
        }
        for kind in forget {
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.cursor = None;
            }
        }
    }

    /// Periods are at other places of the list now: whatever names one names it by the new place.
    fn move_periods(&mut self, places: &[Option<usize>]) {
        let place = |at: usize| places.get(at).copied().flatten();
        let moved = |reference: RenditionRef| Some(RenditionRef { period: place(reference.period)?, ..reference });
        for stream in self.streams.values_mut() {
            // One that something names is kept; a place that is none leads nowhere.
            stream.period = place(stream.period).unwrap_or(usize::MAX);
            stream.cursor =
                stream.cursor.and_then(|cursor| Some(Cursor { rendition: moved(cursor.rendition)?, ..cursor }));
            stream.awaits = stream.awaits.and_then(moved);
            stream.shown = stream.shown.and_then(moved);
            stream.own_init = stream.own_init.take().and_then(|(reference, init)| Some((moved(reference)?, init)));
            if let Some(configured) = &mut stream.configured {
                configured.rendition.period = place(configured.rendition.period).unwrap_or(usize::MAX);
            }
            for fetch in stream.fetch.iter_mut().chain(stream.unanswered.as_deref_mut()) {
                fetch.rendition.period = place(fetch.rendition.period).unwrap_or(usize::MAX);
            }
            stream.buffer.move_periods(|at| place(at).unwrap_or(usize::MAX));
        }
        fn each<T>(map: &mut SortedMap<RenditionRef, T>, moved: impl Fn(RenditionRef) -> Option<RenditionRef>) {
            *map = std::mem::take(map).into_iter().filter_map(|(key, value)| Some((moved(key)?, value))).collect();
        }
        each(&mut self.title.dead, moved);
        each(&mut self.title.barred, moved);
        let refused = std::mem::take(&mut self.title.refused_sound);
        self.title.refused_sound = refused.into_iter().filter_map(|(at, track)| Some((place(at)?, track))).collect();
        each(&mut self.title.rendition_needs, moved);
        self.requests.move_periods(moved);
        self.keys.move_periods(moved);
    }

    /// Nothing of the known version holds but the world's time: playback goes on at the same of it (D078).
    fn begin_anew_at(&mut self, presentation: Presentation, position: MediaTime, before: Option<WallTime>) {
        let after = presentation.dash.as_ref().and_then(|timing| timing.availability_start);
        let moved = before.zip(after).map_or(MediaTime::ZERO, |(before, after)| before.since(after));
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            self.cancel_kind(kind);
            self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to: MediaTime::MAX });
        }
        self.streams.clear();
        self.title.dead.clear();
        self.title.barred.clear();
        self.title.rendition_needs.clear();
        // Their times are those of another timeline.
        (self.title.timed, self.title.cues) = Default::default();
        self.title.presentation = Some(presentation);
        self.learn_event_streams();
        let target = self.live_window().map_or(position, |window| window.clamp(position + moved));
        self.choose_tracks(target);
        let why = vec!["the presentation has begun anew".to_owned()];
        self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(target.to_string()), why);
        self.begin_seek(target, false);
        for stream in self.streams.values_mut() {
            stream.restart(target);
        }
        self.seek_sink(target);
    }
}
