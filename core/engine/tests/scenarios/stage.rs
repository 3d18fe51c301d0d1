//! A title whose requests are written down, and what is read off a session of it.

use std::time::Duration;

use telecine_engine::{Config, DecisionKind, Engine, Event, FetchRequest, RequestId};
use telecine_model::{uri, MediaTime, Timestamp};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Network, Outcome, Response, Session, Source, Step};

use crate::common::secs;

/// The ladder of abr.md 11: heights and bits a second.
pub const LADDER: [(u16, u64); 5] =
    [(240, 300_000), (360, 750_000), (480, 1_500_000), (720, 3_000_000), (1080, 6_000_000)];
/// The highest of it.
pub const TOP: u64 = LADDER[4].1;

/// A request for a segment of the picture, and what became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub id: RequestId,
    pub at: Timestamp,
    pub level: usize,
    pub number: u64,
    /// Bytes of the answer.
    pub size: u64,
    /// Bytes that came.
    pub came: u64,
    pub over: Option<Timestamp>,
}

impl Asked {
    pub fn whole(&self) -> bool {
        self.over.is_some() && self.came == self.size
    }
}

/// What a test changes of an answer: of the picture's, with the number of the request among those.
type Edit = Box<dyn FnMut(&Asked, Response) -> Response>;

/// A title, and what is asked for of it.
pub struct Stage<T> {
    title: T,
    edit: Option<Edit>,
    /// Requests for segments of the picture.
    pub asked: Vec<Asked>,
    /// Bytes of all answers that came.
    pub bytes: u64,
}

impl<T: Source> Stage<T> {
    pub fn of(title: T) -> Self {
        Self { title, edit: None, asked: Vec::new(), bytes: 0 }
    }

    #[must_use]
    pub fn editing(mut self, edit: impl FnMut(&Asked, Response) -> Response + 'static) -> Self {
        self.edit = Some(Box::new(edit));
        self
    }
}

/// Level and number of a segment of the picture.
fn segment_of(url: &str) -> Option<(usize, u64)> {
    let (folder, name) = uri::split(url).path.trim_start_matches('/').split_once('/')?;
    let level = folder.strip_prefix('v').unwrap_or(folder).parse().ok()?;
    Some((level, name.strip_suffix(".m4s")?.parse().ok()?))
}

impl<T: Source> Source for Stage<T> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.fetch_at(request, Timestamp::ZERO)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let fetched = self.title.fetch_at(request, now);
        let Fetched::Response(response) = &fetched else { return fetched };
        // A source that answers ranges says by the URL which segment it is.
        let Some((level, number)) = segment_of(&response.url) else { return fetched };
        let asked = Asked { id: request.id, at: now, level, number, size: response.bytes(), came: 0, over: None };
        self.asked.push(asked.clone());
        match (&mut self.edit, fetched) {
            (Some(edit), Fetched::Response(response)) => edit(&asked, *response).into(),
            (_, fetched) => fetched,
        }
    }

    fn over(&mut self, request: &FetchRequest, bytes: u64, now: Timestamp) {
        self.bytes += bytes;
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.id == request.id) {
            (asked.came, asked.over) = (bytes, Some(now));
        }
    }
}

pub type Played = Session<Stage<SyntheticTitle>>;

/// The title of abr.md 11, so many seconds of it, without sound.
pub fn title(seconds: i64) -> SyntheticTitle {
    SyntheticTitle::new(secs(seconds)).renditions(&LADDER).silent().without_text()
}

pub fn step(seconds: f64, kbps: u64) -> Step {
    Step {
        duration: Duration::from_secs_f64(seconds),
        bits_per_second: kbps * 1000,
        latency: Duration::from_millis(40),
    }
}

pub fn network(steps: &[Step]) -> Network {
    Network::from_steps(steps.iter().copied()).expect("a network")
}

pub fn steady(kbps: u64) -> Network {
    network(&[step(3600.0, kbps)])
}

/// A buffer that takes so many seconds: a segment is asked for where that much less one of it lacks.
pub fn buffering(seconds: i64) -> Config {
    let mut config = Config::default();
    config.buffer_goal = Some(secs(seconds - 4));
    config
}

pub fn session<T: Source>(config: Config, stage: Stage<T>, file: &str, network: Network) -> Session<Stage<T>> {
    Session::with_engine(Engine::new(config), stage, Timestamp::ZERO)
        .network(network)
        .play(format!("https://title.example/{file}"))
}

/// Plays to the end.
pub fn played<T: Source>(mut session: Session<Stage<T>>) -> Session<Stage<T>> {
    assert_eq!(session.run(None), Outcome::Ended);
    session
}

/// What came to be seen, when.
pub fn qualities<T: Source>(session: &Session<T>) -> Vec<(Timestamp, u64)> {
    let quality = |event: &Event| match event {
        Event::Quality { at, bitrate, kind: telecine_model::TrackKind::Video, .. } => Some((*at, *bitrate)),
        _ => None,
    };
    session.events().iter().filter_map(quality).collect()
}

/// Changes that were seen between two times.
pub fn switches<T: Source>(session: &Session<T>, from: Timestamp, to: Timestamp) -> usize {
    qualities(session).iter().skip(1).filter(|(at, _)| (from..to).contains(at)).count()
}

/// How long playback stood for want of media.
pub fn stalled<T: Source>(session: &Session<T>) -> Duration {
    session.engine().qoe(session.now()).stalled
}

pub fn started<T: Source>(session: &Session<T>) -> Timestamp {
    let started = session.events().iter().find_map(|event| match event {
        Event::Started { at, .. } => Some(*at),
        _ => None,
    });
    started.expect("it began")
}

/// What was believed of the line, each second between two times.
pub fn believed<T: Source>(session: &Session<T>, from: Timestamp, to: Timestamp) -> Vec<u64> {
    let within = session.series().iter().filter(|sample| (from..to).contains(&sample.at));
    within.filter_map(|sample| sample.throughput).collect()
}

pub fn abandoned<T: Source>(session: &Session<T>) -> usize {
    session.decisions().filter(|decision| decision.what == DecisionKind::Abandon).count()
}

/// Media ahead of the playhead at a time, to the second.
pub fn buffered_at<T: Source>(session: &Session<T>, at: Timestamp) -> MediaTime {
    session.series().iter().rfind(|sample| sample.at <= at).map(|sample| sample.buffered).expect("it ran")
}

/// The first moment from a time on at which a segment of the top has just been asked for.
pub fn asks_for<T: Source>(session: &Session<Stage<T>>, level: usize, from: Timestamp) -> Asked {
    let asked = session.source().asked.iter().find(|asked| asked.at >= from && asked.level == level);
    asked.cloned().expect("it was asked for")
}
