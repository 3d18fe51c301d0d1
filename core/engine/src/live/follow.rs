//! Following the live edge: how late playback is, how late it is to be, and at what speed it gets there.

use std::time::Duration;

use telecine_abr::live::{LiveContext, LiveState, MaxLatency, RateBounds, SpeedAction, Speeds, ASK_EVERY};
use telecine_abr::BitrateRule;
use telecine_model::clock::ClockSource;
use telecine_model::live::ServiceDescription;
use telecine_model::presentation::Descriptor;
use telecine_model::{MediaTime, Presentation, SegmentIndex, TrackKind, WallTime};

use crate::config::ServiceScope;
use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::input::PlaybackSpeeds;
use crate::live::clock::Answered;
use crate::requests::Purpose;
use crate::stream::{RenditionRef, Stream};
use crate::timer::Timer;

/// A clock that is known no better than this is no help against what the playlists themselves show, which is good to a
/// segment: half of a second is what an HTTP date leaves open.
pub(super) const SURE_ENOUGH: Duration = Duration::from_millis(600);

/// Chunks are at least so long.
pub(super) const LEAST_CHUNK: MediaTime = MediaTime::from_millis(100);

/// Whom DVB means by clients of low latency (TS 103 285).
const LOW_LATENCY_SCOPE: &str = "urn:dvb:dash:lowlatency:scope:2019";

/// Playback that begins or is sought no further from the edge than this much more than it may be follows it.
const NEAR: MediaTime = MediaTime::from_secs(1);

/// A speed that was held at the edge is played at again once playback is so much further behind it at least.
const LEAST_BEHIND: MediaTime = MediaTime::from_secs(2);

/// How playback follows the edge.
#[derive(Default)]
pub(crate) struct Following {
    /// What is watched is live; else it is what was, and nothing hurries it.
    pub(crate) live: bool,
    /// The latency that is aimed at.
    pub(crate) target: MediaTime,
    /// The speed that is played at because of that, in thousandths; None is the application's.
    rate_milli: Option<u32>,
    /// The speed of a viewer who came to the edge with it: normal is what is played at there.
    held: Option<Held>,
    /// The latency that the application was told that it gets in place of what it wants.
    pub(super) told: Option<MediaTime>,
}

/// A speed that waits until the viewer is behind the edge again.
#[derive(Clone, Copy, Debug)]
struct Held {
    rate_milli: u32,
    /// The latency from which on it is played at again.
    from: MediaTime,
}

/// How far behind the edge a live title is: see [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveSnapshot {
    /// What of the title can be played now: from the start of its window to as near to the edge as may be.
    pub seekable: (MediaTime, MediaTime),
    /// How long ago what the playhead shows was made; None while that is not known.
    pub latency: Option<MediaTime>,
    /// How long ago it ought to have been.
    pub target: MediaTime,
    /// Whether playback follows the edge; else the viewer watches what is past.
    pub following: bool,
}

impl Engine {
    /// A playlist shows where its end is.
    pub(crate) fn see_edge(&mut self, reference: RenditionRef, answered: Answered) {
        if let Some(sample) = answered.dated(ClockSource::HttpDate) {
            self.title.live.clock.learn(&sample);
        }
        if self.leader().is_some_and(|leader| leader != reference) {
            return;
        }
        let Some(end) = self.index_of(reference).and_then(SegmentIndex::edge) else { return };
        // A cache may have kept it.
        let age = Duration::from_secs(answered.age_s.unwrap_or(0));
        // A host that runs late asks late, and hears of the answer late.
        let late = self.timers.lateness(self.now) * 2;
        self.title.live.edge.see(end, answered.head - age, late);
    }

    /// The rendition whose playlist tells where the title is: of the picture, if there is one.
    pub(crate) fn leader(&self) -> Option<RenditionRef> {
        let stream = self.streams.get(&self.leading_kind()?)?;
        Some(stream.reference(stream.rendition?))
    }

    /// The time of the title that is being made now, and how far that may be off.
    fn live_now(&self) -> Option<(MediaTime, Duration)> {
        if let Some(now) = self.produced_now() {
            return Some(now);
        }
        let edge = self.title.live.edge.at(self.now)?;
        let leader = self.leader()?;
        if self.plays_parts(leader) {
            return Some((edge, Duration::ZERO));
        }
        let segment = self.title.playlists.get(&leader).map_or(MediaTime::ZERO, |info| info.target_duration);
        let reading = self.title.live.clock.read(self.now).filter(|reading| reading.uncertainty() <= SURE_ENOUGH);
        let dated = reading.and_then(|reading| {
            let now = self.index_of(leader)?.time_at_wall(reading.time())?;
            // Dates that contradict what is there are wrong, or the clock is.
            (edge <= now + NEAR && now <= edge + segment + segment).then_some((now, reading.uncertainty()))
        });
        Some(dated.unwrap_or((edge, Duration::ZERO)))
    }

    /// How long ago what is shown was made, and how far that may be off.
    fn latency(&self) -> Option<(MediaTime, Duration)> {
        let (now, uncertainty) = self.live_now()?;
        let stream = self.streams.get(&self.leading_kind()?)?;
        // Nothing is shown before it was made: its encoder is then less behind than was thought.
        Some(((now - self.position() - stream.shift.unwrap_or_default()).max(MediaTime::ZERO), uncertainty))
    }

    /// How long ago what is shown was made, as far as that is known.
    pub(crate) fn lateness_of_playback(&self) -> Option<MediaTime> {
        self.latency().map(|(latency, _)| latency)
    }

    /// Where what was made at a time of the world's clock is.
    pub(crate) fn position_at_wall(&self, time: WallTime) -> Option<MediaTime> {
        if self.title.live.is_dash() {
            return self.produced_at(time);
        }
        let leader = self.leader()?;
        let shift = self.streams.get(&self.leading_kind()?)?.shift.unwrap_or_default();
        Some(self.index_of(leader)?.time_at_wall(time)? - shift)
    }

    fn leading_kind(&self) -> Option<TrackKind> {
        [TrackKind::Video, TrackKind::Audio].into_iter().find(|kind| self.streams.get(kind).is_some_and(|s| !s.absent))
    }

    /// Whether a kind is what bitrates are chosen for by the rule: the picture, and the sound of a title that has none.
    pub(crate) fn leads(&self, kind: TrackKind) -> bool {
        kind == TrackKind::Video || self.leading_kind() == Some(kind)
    }

    /// What becomes available at once: a part, or a segment.
    pub(crate) fn granularity(&self) -> MediaTime {
        let leader = self.leader().filter(|leader| self.plays_parts(*leader));
        let part = leader.and_then(|leader| self.title.playlists.get(&leader)?.part_target);
        let kind = self.leading_kind();
        let stream = kind.and_then(|kind| self.streams.get(&kind));
        let segment = stream.map_or(MediaTime::ZERO, |stream| self.segment_duration(stream));
        // What is offered so much before it is complete comes in chunks of the rest.
        let index = self.leader().and_then(|leader| self.index_of(leader)).filter(|index| !index.availability_complete);
        let chunk = index.and_then(|index| index.availability_offset).map(|early| (segment - early).max(LEAST_CHUNK));
        part.or(chunk).unwrap_or(segment)
    }

    /// What a service wishes of this client: the first description for whom it is, else the first for everybody (D079).
    pub(super) fn service_of<'a>(&self, presentation: &'a Presentation) -> Option<&'a ServiceDescription> {
        let config = &self.config.live;
        let is_own = |scope: &Descriptor| {
            let named =
                |own: &ServiceScope| own.scheme == scope.scheme && (own.value.is_none() || own.value == scope.value);
            config.scopes.iter().any(named) || (config.low_latency && scope.scheme == LOW_LATENCY_SCOPE)
        };
        let services = &presentation.service_descriptions;
        let own = services.iter().find(|service| service.scopes.iter().any(is_own));
        own.or_else(|| services.iter().find(|service| service.scopes.is_empty()))
    }

    /// Playback stands for want of media: it was too near to the edge.
    pub(crate) fn back_off(&mut self) {
        if self.title.live.following.live && self.is_live() {
            let context = self.target_context();
            self.policies.latency.on_stall(&context);
        }
    }

    /// Whether what a request is for comes as it is made: a part, or a segment that is not complete yet. `sized` says that
    /// the answer tells how long it is.
    pub(crate) fn is_paced(&self, purpose: &Purpose, sized: bool) -> bool {
        let Purpose::Segment(kind) = purpose else { return false };
        let Some(fetch) = self.streams.get(kind).and_then(|stream| stream.fetch.as_ref()) else { return false };
        let chunks = self.index_of(fetch.rendition).is_some_and(|index| !index.availability_complete);
        let Some((now, _)) = self.produced_now().filter(|_| chunks && fetch.part.is_none()) else {
            return fetch.part.is_some();
        };
        // The clock says when it is to be complete, and it may come later than that. Whoever says how long it is knows
        // all of it (RFC 9110 8.6: what is not known yet has no Content-Length).
        let late = if sized { MediaTime::ZERO } else { self.may_be_late().max(fetch.end - fetch.start) };
        fetch.end + late > now
    }

    /// Until when there is media of a title that goes on, as far as is known.
    pub(crate) fn made_now(&self) -> Option<MediaTime> {
        match self.title.live.is_dash() {
            true => self.produced_now().map(|(made, _)| made - self.may_be_late()),
            false => {
                let late = self.title.live.late.by(true, self.now);
                self.title.live.edge.at(self.now).map(|edge| edge - late)
            }
        }
    }

    /// Whether it was asked for before it was there.
    pub(crate) fn is_held(&self, purpose: &Purpose) -> bool {
        let Purpose::Segment(kind) = purpose else { return false };
        let fetch = self.streams.get(kind).and_then(|stream| stream.fetch.as_ref());
        fetch.is_some_and(|fetch| fetch.hinted.is_some() || (fetch.open.is_some() && !fetch.listed))
    }

    pub(crate) fn is_live(&self) -> bool {
        self.title.presentation.as_ref().is_some_and(|presentation| presentation.live)
    }

    /// The viewer went somewhere: follows the edge from now on if that is there.
    pub(crate) fn follow_from(&mut self, target: MediaTime) {
        let point = self.live_point();
        self.title.live.following.live = point.is_some_and(|point| target + NEAR >= point);
        self.policies.speed.on_jump();
    }

    /// Sees to it that the latency is looked at regularly.
    pub(crate) fn follow_edge(&mut self) {
        if !self.is_live() {
            if self.title.live.is_some() || self.title.live.is_dash() {
                self.keep_normal_speed();
                self.timers.clear(Timer::Latency);
            }
            return;
        }
        if self.title.start.is_some() && !self.timers.is_set(Timer::Latency) {
            self.timers.set(Timer::Latency, self.now + self.look_again_in());
        }
    }

    /// The playhead begins to move, or at another speed. A viewer who plays faster than normal may be at the edge before the
    /// latency would be looked at, and would stand there.
    pub(crate) fn look_before_the_edge(&mut self) {
        if self.is_live() && self.outruns() {
            self.timers.set(Timer::Latency, self.now);
        }
    }

    /// Whether a viewer's speed is one that comes to the edge.
    fn outruns(&self) -> bool {
        self.playback.rate_milli > 1000 && self.title.live.following.rate_milli.is_none()
    }

    /// In how long the latency is looked at again: who plays faster is at the edge sooner.
    fn look_again_in(&self) -> Duration {
        let usual = MediaTime::from_duration(ASK_EVERY);
        if self.outruns() {
            self.real(usual)
        } else {
            ASK_EVERY
        }
    }

    /// Counts the latency as it is now, while the playhead moves: when it is looked at, and where another speed begins.
    pub(crate) fn count_latency(&mut self) {
        let moves = self.playback.state == State::Playing && self.is_live();
        let Some((latency, _)) = self.latency().filter(|_| moves) else { return };
        // Who watches what is past on purpose is not late: that is counted apart.
        let Following { live, target, .. } = self.title.live.following;
        self.qoe.latency(latency.to_duration(), target.to_duration(), live, self.now);
    }

    /// Reads the latency, and does what follows from it.
    pub(crate) fn keep_latency(&mut self) {
        let state = match self.playback.state {
            State::Playing => LiveState::Playing,
            State::Rebuffering => LiveState::Rebuffering,
            State::Seeking | State::Preparing => LiveState::Seeking,
            _ => LiveState::Paused,
        };
        self.steer(state);
    }

    /// Playback stood for want of media and could go on: where it is too late by now, it goes on nearer to the edge instead.
    /// True if so.
    pub(crate) fn goes_on_elsewhere(&mut self) -> bool {
        if self.playback.wanted {
            self.steer(LiveState::Resuming);
        }
        self.playback.state != State::Rebuffering
    }

    fn steer(&mut self, state: LiveState) {
        if !self.is_live() || !self.playback.is_active() {
            return;
        }
        self.timers.set(Timer::Latency, self.now + self.look_again_in());
        let target = self.target_latency();
        self.title.live.following.target = target.target;
        self.tell_latency(&target);
        let Some((latency, uncertainty)) = self.latency() else { return };
        if state == LiveState::Playing {
            self.count_latency();
        }
        let position = self.position();
        let essential = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        let buffer = essential.map(|stream| stream.ahead(position)).min().unwrap_or_default();
        if state == LiveState::Playing {
            self.hold_at_edge(latency, target.target, buffer);
        }
        let following = &self.title.live.following;
        if !following.live || (following.rate_milli.is_none() && self.playback.rate_milli != 1000) {
            return self.keep_normal_speed();
        }
        let service = self.title.presentation.as_ref().and_then(|presentation| self.service_of(presentation));
        let config = &self.config.live;
        let context = LiveContext {
            now: self.now,
            state,
            latency,
            uncertainty: MediaTime::from_duration(uncertainty),
            target: target.target,
            max_latency: config
                .latency_max
                .map(MaxLatency::Wanted)
                .or(self.allowed_latency().max.map(MaxLatency::Advised)),
            buffer,
            granularity: self.granularity(),
            rate_milli: self.playback.rate_milli,
            bounds: RateBounds {
                min_milli: config.min_rate_milli.or(service.and_then(|service| service.rate_min_milli)),
                max_milli: config.max_rate_milli.or(service.and_then(|service| service.rate_max_milli)),
            },
            speeds: match &self.capabilities.speeds {
                PlaybackSpeeds::Any => Speeds::Smooth,
                PlaybackSpeeds::Steps(steps) => Speeds::Steps(steps),
                PlaybackSpeeds::Normal => Speeds::Fixed,
            },
            low_latency: self.plays_low_latency(),
            keeps_up: self.keeps_up(),
        };
        let choice = self.policies.speed.decide(&context);
        let why: Vec<String> = choice.reasons.iter().map(ToString::to_string).collect();
        match choice.action {
            SpeedAction::Rate(rate) => self.follow_at(rate, why),
            SpeedAction::SeekToTarget => {
                // No further than there is: where an encoder stood, the edge is not where it would be.
                let latest = self.seekable().map_or(position, |(_, latest)| latest);
                let to = (position + latency - target.target).min(latest);
                self.follow_at(1000, why.clone());
                if to >= position + NEAR {
                    self.decide(DecisionKind::Seek, None, Some(position.to_string()), Some(to.to_string()), why);
                    self.go_to(to, false);
                }
            }
        }
    }

    /// Whether the line brings the least of what is watched as fast as it is played, as far as is known.
    pub(crate) fn keeps_up(&self) -> bool {
        let estimate = self.estimate();
        let essential = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        let least = |stream: &Stream| self.usable_steps(stream).iter().map(|step| step.bitrate).min();
        let needed = essential.filter_map(least).fold(0, u64::saturating_add);
        // The list of each part takes its share of the line too.
        let needed = if self.leader().is_some_and(|leader| self.plays_parts(leader)) {
            needed.saturating_add(needed / 4)
        } else {
            needed
        };
        estimate.samples == 0 || estimate.bits_per_second >= needed
    }

    /// The rule that chooses bitrates.
    pub(crate) fn rule(&mut self) -> &mut dyn BitrateRule {
        match self.is_live() && self.plays_low_latency() {
            true => self.policies.low_latency_rule.as_mut(),
            false => self.policies.rule.as_mut(),
        }
    }

    pub(crate) fn plays_low_latency(&self) -> bool {
        let chunks = |leader: RenditionRef| self.index_of(leader).is_some_and(|index| !index.availability_complete);
        self.leader().is_some_and(|leader| self.plays_parts(leader) || chunks(leader))
    }

    fn follow_at(&mut self, rate_milli: u32, why: Vec<String>) {
        self.title.live.following.rate_milli = Some(rate_milli).filter(|rate| *rate != 1000);
        if self.playback.rate_milli != rate_milli {
            self.change_rate(rate_milli, why);
        }
    }

    /// A viewer who plays faster than normal comes to where there is nothing to be fast with: at the latency that is aimed at, or
    /// where all that there is has been fetched and is about to be played. Normal speed is played there, and the edge followed,
    /// until the viewer is behind it again.
    fn hold_at_edge(&mut self, latency: MediaTime, target: MediaTime, buffer: MediaTime) {
        let rate_milli = self.playback.rate_milli;
        let granularity = self.granularity();
        if let Some(held) = self.title.live.following.held {
            if latency > held.from {
                self.keep_normal_speed();
            }
            return;
        }
        if !self.outruns() {
            return;
        }
        // Of what comes next nothing is there before this is played.
        let next = granularity.mul_ratio(i64::from(rate_milli), 1000);
        let all = self.streams.values().any(|stream| stream.is_essential() && !stream.absent && stream.at_edge);
        if latency > target && !(all && buffer < next) {
            return;
        }
        let from = latency.max(target) + granularity.max(LEAST_BEHIND);
        self.title.live.following.held = Some(Held { rate_milli, from });
        self.title.live.following.live = true;
        self.policies.speed.on_jump();
        let why = format!(
            "{latency} behind live there is nothing to be faster with: normal speed until the viewer falls behind"
        );
        self.change_rate(1000, vec![why]);
    }

    /// Playback does not follow the edge, or need not hurry any more: the viewer's speed, which is normal if nothing else was
    /// chosen.
    fn keep_normal_speed(&mut self) {
        let following = &mut self.title.live.following;
        let followed = following.rate_milli.take().is_some();
        if let Some(held) = following.held.take() {
            return self
                .change_rate(held.rate_milli, vec!["behind the live edge, as fast as was asked for".to_owned()]);
        }
        if followed {
            self.change_rate(1000, vec!["the live edge is not followed".to_owned()]);
        }
    }

    /// The application chose a speed.
    pub(crate) fn forget_followed_speed(&mut self) {
        self.title.live.following.rate_milli = None;
        self.title.live.following.held = None;
    }

    pub(crate) fn live_snapshot(&self) -> Option<LiveSnapshot> {
        let following = &self.title.live.following;
        let seekable = self.seekable()?;
        let latency = self.latency().map(|(latency, _)| latency);
        Some(LiveSnapshot { seekable, latency, target: following.target, following: following.live })
    }
}
