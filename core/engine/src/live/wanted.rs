//! What latency is aimed at: what the application or the title wants, within what the title allows.

use telecine_abr::live::{TargetChoice, TargetContext};
use telecine_model::availability::presentation_delay;
use telecine_model::live::ServiceDescription;
use telecine_model::{MediaTime, Presentation, SegmentIndex, TrackKind};

use super::follow::{LEAST_CHUNK, SURE_ENOUGH};
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::stream::RenditionRef;

/// Segments between what is made and what is shown at least, where nothing else is said: one that is made, and one that comes
/// while the one before it is played.
const LEAST_SEGMENTS: i64 = 2;

/// Whatever a title says, what becomes available at once takes half of its own duration to come, and no less than this: nearer
/// to the edge playback stands for each.
const LEAST_WAY: MediaTime = MediaTime::from_millis(500);

/// What a title allows of the latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Nearer to the edge there is nothing to play, or not in time.
    least: Option<MediaTime>,
    /// Later than this it leaves the window.
    most: Option<MediaTime>,
    /// The title wants it no later.
    pub(super) max: Option<MediaTime>,
}

impl Allowed {
    /// The nearest latency that is allowed; what delivery needs is stronger than how long the window is.
    pub(super) fn clamp(self, wanted: MediaTime) -> MediaTime {
        self.least.map_or(self.cut(wanted), |least| self.cut(wanted).max(least))
    }

    /// No later than is allowed.
    pub(super) fn cut(self, wanted: MediaTime) -> MediaTime {
        self.most.map_or(wanted, |most| wanted.min(most))
    }
}

/// What an MPD allows.
///
/// - At least two of what becomes available at once, segments or chunks: a segment can be asked for once it is made (ISO/IEC
///   23009-1, 5.3.9.5.3), and takes up to its own duration to come. If the title itself is played nearer to its edge
///   (`Latency@min`, else `Latency@target` or `@suggestedPresentationDelay`), no less than one and the way that it takes. What is
///   to be so near that this cannot be may be as many times later (`Latency@max`) as it wants to.
/// - At most `@timeShiftBufferDepth` less a segment: what is older is not promised to be there (5.3.1.2), and the window moves on
///   while the segment at the playhead is fetched.
pub(super) fn of_mpd(presentation: &Presentation, service: Option<&ServiceDescription>) -> Allowed {
    let kinds = [TrackKind::Video, TrackKind::Audio];
    let tracks = presentation.periods.last().map_or(&[][..], |period| period.tracks.as_slice());
    let renditions = tracks.iter().filter(|track| kinds.contains(&track.kind)).flat_map(|track| &track.renditions);
    let indexes: Vec<&SegmentIndex> = renditions.filter_map(|rendition| rendition.segments.known()).collect();
    let at_once = |index: &SegmentIndex| match index.availability_offset.filter(|_| !index.availability_complete) {
        Some(early) => (longest(index) - early).max(LEAST_CHUNK),
        None => longest(index),
    };
    let wants = title_wants(presentation, service);
    let own = wants.unwrap_or_else(|| presentation_delay(presentation, None).delay);
    // What is whole when it is offered early is no less early for that.
    let made = |index: &SegmentIndex| longest(index) - index.availability_offset.unwrap_or_default();
    let barest = indexes.iter().map(|index| made(index).max(LEAST_CHUNK)).max();
    let barest = barest.filter(|_| wants.is_some()).map(|made| made + made.mul_ratio(1, 2).max(LEAST_WAY));
    // Who says what is the least knows.
    let said = service.and_then(|service| service.latency_min);
    let least = said.or(indexes.iter().map(|index| at_once(index).mul_ratio(LEAST_SEGMENTS, 1).min(own)).max());
    let least = least.into_iter().chain(barest).max();
    let max = service.and_then(|service| service.latency_max);
    let max = match wants.zip(least).filter(|(wants, least)| wants < least) {
        Some((wants, least)) => max.map(|max| max.mul_ratio(least.as_millis(), wants.as_millis().max(1))),
        None => max,
    };
    let depth = presentation.dash.as_ref().and_then(|timing| timing.time_shift_buffer_depth);
    let segment = indexes.iter().map(|index| longest(index)).max().unwrap_or_default();
    let most = depth.map(|depth| depth - segment).filter(|most| *most > MediaTime::ZERO);
    Allowed { least, most, max }
}

/// The latency that a title itself wants: its service description's, else its delay.
fn title_wants(presentation: &Presentation, service: Option<&ServiceDescription>) -> Option<MediaTime> {
    let suggested = || presentation.dash.as_ref()?.suggested_presentation_delay;
    service.and_then(|service| service.latency_target).or_else(suggested).filter(|wanted| *wanted > MediaTime::ZERO)
}

impl Engine {
    /// What the title allows.
    pub(super) fn allowed_latency(&self) -> Allowed {
        let Some(presentation) = &self.title.presentation else { return Allowed::default() };
        if self.title.live.is_dash() {
            return of_mpd(presentation, self.service_of(presentation));
        }
        // rfc8216bis 4.4.3.8: `HOLD-BACK` and `PART-HOLD-BACK` are how near to the end clients are to begin and to seek at least,
        // three target durations where nothing is said (6.3.3).
        let least = Some(self.hold_back()).filter(|least| *least > MediaTime::ZERO);
        let index = self.start_leader().and_then(|(_, index)| Some((index, index.start()?, index.edge()?)));
        // What is listed first is gone with the next version of the list.
        let most = index.map(|(index, start, end)| end - start - longest(index)).filter(|most| *most > MediaTime::ZERO);
        Allowed { least, most, max: None }
    }

    /// The latency that is aimed at.
    pub(crate) fn target_latency(&self) -> TargetChoice {
        self.policies.latency.target(&self.target_context())
    }

    pub(super) fn target_context(&self) -> TargetContext {
        let service = self.title.presentation.as_ref().and_then(|presentation| self.service_of(presentation));
        let parts = self.start_leader().is_some_and(|(leader, _)| self.plays_parts(leader));
        let granularity = self.granularity();
        // A playlist of segments ends up to a segment before the present; one of parts is as good as there.
        let lag = if parts || self.title.live.is_dash() { MediaTime::ZERO } else { granularity };
        let delay = self.live_window().map(|window| window.delay);
        let config = &self.config.live;
        let allowed = self.allowed_latency();
        let max = config.latency_max.or(allowed.max);
        TargetContext {
            now: self.now,
            app: config.latency_target,
            manifest: service.and_then(|service| service.latency_target),
            hold_back: Some(delay.unwrap_or_else(|| self.hold_back()) + lag),
            min: allowed.least,
            max: max.into_iter().chain(allowed.most).min(),
            segment: granularity,
        }
    }

    /// Tells the application if it does not get the latency that it wants, and again when that changes by a second.
    pub(crate) fn tell_latency(&mut self, choice: &TargetChoice) {
        let got = choice.target - choice.extra;
        let Some(wanted) = self.config.live.latency_target.filter(|wanted| *wanted > MediaTime::ZERO) else {
            return self.tell_title_latency(got);
        };
        let told = self.title.live.following.told.unwrap_or(wanted);
        if (got == wanted && told == wanted) || (got != wanted && told.abs_diff(got) < MediaTime::from_secs(1)) {
            return;
        }
        let allowed = self.allowed_latency();
        let most = self.config.live.latency_max;
        let why = if got == wanted {
            "the title allows it".to_owned()
        } else if got > wanted {
            match self.title.live.is_dash() {
                true => format!("nearer to the edge there is nothing of it to play in time: {got} at least"),
                false => {
                    format!("the playlist holds players back by {got} at least (HOLD-BACK, three target durations)")
                }
            }
        } else if most.is_some_and(|most| got <= most && allowed.most.is_none_or(|window| most <= window)) {
            format!("no more than {got} are allowed (LiveConfig::latency_max)")
        } else if allowed.most.is_some_and(|window| got == window) {
            format!("the window is too short: what is later than {got} is about to leave it")
        } else {
            format!("the title allows no more than {got} (Latency@max)")
        };
        self.title.live.following.told = Some(got);
        self.decide(DecisionKind::Latency, None, Some(wanted.to_string()), Some(got.to_string()), vec![why]);
    }

    /// Tells that a title itself is to be played nearer to its edge than it can be.
    fn tell_title_latency(&mut self, got: MediaTime) {
        let presentation = self.title.presentation.as_ref().filter(|_| self.title.live.is_dash());
        let wanted = presentation.and_then(|presentation| title_wants(presentation, self.service_of(presentation)));
        let told = self.title.live.following.told;
        let news = told.is_none_or(|told| told.abs_diff(got) >= MediaTime::from_secs(1));
        let Some(wanted) = wanted.filter(|wanted| got > *wanted && news) else { return };
        self.title.live.following.told = Some(got);
        let why = format!("the title wants less than its segments or chunks allow: {got} at least");
        self.decide(DecisionKind::Latency, None, Some(wanted.to_string()), Some(got.to_string()), vec![why]);
    }

    /// Where playback follows the edge: as late as is aimed at, within what can be played. None unless the title goes on.
    pub(crate) fn live_point(&self) -> Option<MediaTime> {
        let (from, latest) = self.seekable()?;
        if self.title.live.is_dash() {
            return Some(latest);
        }
        let point = self.present().map(|now| now - self.target_latency().target);
        Some(point.unwrap_or(latest).min(latest).max(from))
    }

    /// The time of an HLS title that is being made now, as well as it is known before anything was followed for a while. A
    /// playlist of segments ends up to a segment before that: dates say how much, where the clock is known well enough.
    fn present(&self) -> Option<MediaTime> {
        let (reference, index) = self.start_leader()?;
        let known = self.leader() == Some(reference);
        let edge = self.title.live.edge.at(self.now).filter(|_| known).or_else(|| index.edge())?;
        if self.plays_parts(reference) {
            return Some(edge);
        }
        let segment = longest(index);
        let reading = self.title.live.clock.read(self.now).filter(|reading| reading.uncertainty() <= SURE_ENOUGH);
        let dated = reading.and_then(|reading| index.time_at_wall(reading.time()));
        // Dates that contradict what is there are wrong, or the clock is.
        let dated = dated.filter(|now| edge <= *now + segment && *now <= edge + segment + segment);
        Some(dated.map_or(edge, |now| now.max(edge)))
    }

    /// The rendition whose playlist tells where the title is, also before anything is played.
    fn start_leader(&self) -> Option<(RenditionRef, &SegmentIndex)> {
        let leader = self.leader().and_then(|leader| Some((leader, self.index_of(leader)?)));
        leader.or_else(|| {
            let reference = self.freshest_reference()?;
            Some((reference, self.index_of(reference)?))
        })
    }
}

/// Duration of the longest segment that is listed.
fn longest(index: &SegmentIndex) -> MediaTime {
    let ticks = i64::try_from(index.table.max_duration().unwrap_or(0)).unwrap_or(i64::MAX);
    MediaTime::from_ticks(ticks, index.table.timescale())
}
