//! What is believed of the network: of the line, and of whoever is asked next.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use telecine_abr::{Change, Estimate, Level, ThroughputMemory};
use telecine_model::{uri, MediaTime, NetworkType, Segments, Timestamp, TrackKind, WallTime};

use crate::config::Config;
use crate::engine::Engine;
use crate::event::Event;
use crate::fetch::carried;
use crate::input::ResponseHead;
use crate::requests::{Purpose, Request};
use crate::stream::{RenditionRef, Stream};

/// Changes that are known to have been told.
const MOST_TOLD: usize = 16;
/// So long after the first byte what came says something of the line...
const SAYS_SOMETHING: Duration = Duration::from_millis(500);
/// ... and no less than one of so many times of what it will be: TCP begins slowly.
const SLOW_START: u64 = 2;

/// What is known of the network beside what the estimator believes.
#[derive(Debug)]
pub(crate) struct Network {
    /// What it is reached over.
    pub(crate) kind: NetworkType,
    /// What earlier sessions measured, and this one on other kinds of network.
    memory: ThroughputMemory,
    /// When the estimator was told of a transfer last.
    pub(crate) heard: Option<Timestamp>,
    /// Changes that were told.
    told: VecDeque<Change>,
    /// The shortest time from a request to its answer that was seen in this title, of what is there already: what the way there
    /// and back takes.
    pub(crate) round_trip: Option<Duration>,
}

impl Network {
    pub(crate) fn new(config: &Config) -> Self {
        let memory = config.memory.clone().unwrap_or_default();
        Self { kind: NetworkType::default(), memory, heard: None, told: VecDeque::new(), round_trip: None }
    }
}

impl Engine {
    /// The head of an answer came: how long the way there and back is, where the server had nothing to wait for.
    pub(crate) fn note_round_trip(&mut self, head: &ResponseHead) {
        let Some(request) = self.requests.active.get(&head.id) else { return };
        let at_once = match request.purpose {
            Purpose::Manifest | Purpose::Init(..) | Purpose::Index(_) => true,
            // With directives it may be held.
            Purpose::Playlist(reference) => {
                let plain = self.rendition(reference).and_then(|rendition| rendition.uri.as_deref());
                !self.is_reload(reference) && plain == Some(request.fetch.url.as_str())
            }
            _ => false,
        };
        if at_once && head.is_success() && !head.from_cache {
            let took = self.now.since(request.started);
            self.network.round_trip = Some(self.network.round_trip.map_or(took, |known| known.min(took)));
        }
    }

    /// What a later session may be given as [`Config::memory`]: what this one was given, and what it measured on the kind of
    /// network that the device is on. To be kept when a title has ended, or now and then. As long as nobody said what time
    /// it is ([`Environment::WallClock`](crate::Environment::WallClock)) nothing is added to it.
    pub fn throughput_memory(&self) -> ThroughputMemory {
        let mut memory = self.network.memory.clone();
        let at = self.network.heard.and_then(|heard| self.wall_time(heard));
        if let (Some(estimate), Some(at)) = (self.policies.estimator.estimate(), at) {
            memory.learn(self.network.kind, &estimate, at);
        }
        memory
    }

    /// What the device's clock shows, as far as anybody told.
    fn wall_time(&self, now: Timestamp) -> Option<WallTime> {
        let told = self.device_clock?;
        let middle = told.earliest.as_micros().midpoint(told.latest.as_micros());
        Some(WallTime::from_micros(middle).offset(MediaTime::from_duration(now.since(told.at))))
    }

    /// The network is reached over something, perhaps over something else than before.
    pub(crate) fn on_network_type(&mut self, kind: NetworkType) {
        let before = self.network.kind;
        // Of what nobody knew what it was it is known now.
        if kind != before && before != NetworkType::Unknown {
            self.network.memory = self.throughput_memory();
            self.network.heard = None;
            self.network.round_trip = None;
            self.policies.estimator.on_other_network();
            self.forget_what_was_told();
        }
        self.network.kind = kind;
    }

    /// What earlier sessions make of the line, if they know it; no longer than the first bytes bear it out.
    pub(crate) fn remembered_throughput(&self) -> Option<u64> {
        let otherwise = self.config.initial_throughput;
        let remembered = self.network.memory.assumed(self.network.kind, self.wall_time(self.now), otherwise)?;
        let most = self.most_by_first_bytes().unwrap_or(u64::MAX);
        // What is borne out is less: then it is as if nothing were remembered, or that is less yet.
        Some(if most < remembered { most.max(otherwise.min(remembered)) } else { remembered })
    }

    /// What the line gives at most by what came of the media that is under way, before any of it is whole.
    fn most_by_first_bytes(&self) -> Option<u64> {
        let media = self.requests.active.values().filter(|request| request.tells_rate());
        let begun = media.clone().filter_map(Request::first_byte).min()?;
        let took = self.now.since(begun);
        let bytes = media.map(|request| request.received).fold(0, u64::saturating_add);
        (took >= SAYS_SOMETHING).then(|| carried(bytes, took).saturating_mul(SLOW_START))
    }

    /// What is believed of the line: measured, or assumed before anything was.
    pub(crate) fn estimate(&self) -> Estimate {
        self.estimate_for(None)
    }

    /// What is believed of who is asked for what is at a URL, if it is known where; else of the line.
    pub(crate) fn estimate_for(&self, asked: Option<Cow<'_, str>>) -> Estimate {
        let estimate = self.measured_for(asked.as_deref()).unwrap_or_else(|| {
            let assumed = self.assumed_throughput();
            Estimate {
                bits_per_second: assumed,
                low: assumed,
                ttfb: Duration::from_millis(100),
                samples: 0,
                forecast: None,
                recent: None,
            }
        });
        self.in_doubt(estimate)
    }

    fn measured_for(&self, asked: Option<&str>) -> Option<Estimate> {
        match asked {
            Some(url) => self.policies.estimator.estimate_of(url),
            None => self.policies.estimator.estimate(),
        }
    }

    /// What was measured of where the picture comes from, or else what is played.
    pub(crate) fn measured(&self) -> Option<Estimate> {
        let stream = self.streams.get(&TrackKind::Video).or_else(|| self.streams.values().next());
        let asked = stream.and_then(|stream| {
            let at = stream.next_time(self.needed_from(stream));
            self.media_place(stream.reference(stream.rendition?), at)
        });
        self.measured_for(asked.as_deref())
    }

    /// Whom a stream asks for its next segment, of the level that it is at, if it can still be.
    pub(crate) fn asked_next(&self, stream: &Stream, levels: &[Level], next_time: MediaTime) -> Option<Cow<'_, str>> {
        let same = |level: &&Level| Some(level.rendition) == stream.rendition;
        let level = levels.iter().find(same).or(levels.first())?;
        self.media_place(stream.reference(level.rendition), next_time)
    }

    /// A URL on the server that has the media of a rendition at a time, as far as that is known.
    pub(crate) fn media_place(&self, of: RenditionRef, at: MediaTime) -> Option<Cow<'_, str>> {
        let rendition = self.rendition(of)?;
        let good = self.good_base(rendition).map(|base| base.uri.as_str());
        let (base, named) = match &rendition.segments {
            Segments::Known(index) => {
                let reference = index.number_at(at).and_then(|number| index.reference_of(number));
                (&*index.base, reference.map(Cow::Owned))
            }
            Segments::Indexed(source) => (&*source.base, Some(Cow::Borrowed(source.uri.as_str()))),
            // Media is mostly where its list is.
            Segments::Unloaded => (rendition.uri.as_deref()?, None),
        };
        let base = good.unwrap_or(base);
        match named.filter(|reference| uri::names_server(reference)) {
            Some(reference) => Some(Cow::Owned(uri::resolve(base, &reference))),
            None => Some(Cow::Borrowed(base)),
        }
    }

    /// Tells that the rate of whoever answered became another one, once.
    pub(crate) fn tell_change(&mut self, asked: &str) {
        let recent = self.policies.estimator.estimate_of(asked).and_then(|estimate| estimate.recent);
        let Some(change) = recent.and_then(|recent| recent.change) else { return };
        let told = &mut self.network.told;
        if told.contains(&change) {
            return;
        }
        if told.len() >= MOST_TOLD {
            told.pop_front();
        }
        told.push_back(change);
        let Change { at: since, before, after } = change;
        let host = self.outbox.secrets.shown(uri::host(asked));
        self.emit(Event::NetworkChanged { at: self.now, host, since, before, after });
    }
}
