//! Sessions of the real player: its engine, over a modelled network, in virtual time.
//!
//! A movie becomes a DASH title whose segments have its sizes to the byte, a link becomes the network that it is
//! fetched over, and the engine plays it as it plays any title: by its own estimator, with its own way to begin, to
//! give requests up and to go on after a stall. What differs from the [faithful](crate::faithful) mode is the point of it:
//!
//! - The manifest is asked for first, and the first level is chosen on an assumption about the network.
//! - Rules know the sizes that a player knows: here, where a template addresses segments, what the bitrates promise.
//! - Rules believe what the player's estimator says, and whether to give a request up is looked at as bytes come in.
//! - A [live](Viewing::Live) title is one: segments are there when they are complete, the player keeps a distance to the
//!   present, and it plays slower and faster for it.
//!
//! So that sessions can be set against each other and against the optimum, all of them play the whole movie:
//!
//! - The buffer takes so much media at most as is asked for, as in the faithful mode. The player's own goal is what its
//!   buffer has to fall below before the next segment is asked for: a segment less.
//! - A request may take as long as it takes. A viewer's player gives up when nobody has answered for one and a half
//!   minutes, and some of the published networks are silent for longer.
//! - Of a live title nothing is left out to catch up: what is late is played late, and a little faster.
//!
//! ```
//! use telecine_simulator::player::{play_by, Setup, Viewing};
//! use telecine_simulator::{Link, Metrics, Movie, Period};
//!
//! let movie = Movie::new(4_000.0, &[1_000.0, 3_000.0], &vec![vec![4e6, 12e6]; 20]).unwrap();
//! let period = |ms, kbps| Period { ms, kbps, latency_ms: 50.0 };
//! let link = Link::new(vec![period(28_000.0, 2_000.0), period(2_000.0, 0.0)]).unwrap();
//!
//! let setup = Setup { buffer_ms: 25_000.0, viewing: Viewing::OnDemand, replacement: true };
//! let outcome = play_by("throughput", &movie, &link, &setup).unwrap();
//! let metrics = Metrics::of(&outcome, &movie);
//! assert_eq!((metrics.stall_s, metrics.content_s), (0.0, 80.0));
//! ```

mod server;
mod stage;

use std::fmt;
use std::time::Duration;

pub use telecine_abr::RULES;
use telecine_engine::{Config, Engine, Event, Policies};
use telecine_model::{MediaTime, Timestamp, WallTime};
use telecine_virtual::testing::SizedTitle;
use telecine_virtual::{Network, Session, Step};

use crate::link::Link;
use crate::movie::Movie;
use crate::outcome::{Following, Outcome};
use server::Server;
use stage::{Shared, Stage};

/// The world's clock at the start of every session: 2026-01-01T00:00:00Z.
const START: WallTime = WallTime::from_millis(1_767_225_600_000);
/// A request, and a session, may take so long: a year.
const PATIENCE: Duration = Duration::from_secs(366 * 86_400);
/// What nothing comes to here, in bytes, seconds or days.
const UNBOUNDED: u64 = 1 << 40;
/// What arrived is handed to the player at least so often, as often as the faithful mode looks at it.
const READ_EVERY: Duration = Duration::from_millis(50);
/// And in pieces of so many bytes at most.
const READ_BYTES: u64 = 1 << 20;
/// Moments and inputs of a session before it is taken to go round in circles.
const MOST_STEPS: u64 = 50_000_000;

/// How a title is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewing {
    /// All of it is there.
    OnDemand,
    /// It goes on while it is watched, and is to be seen as long after it is made as the buffer is.
    Live,
}

/// A way in which the player chooses, with a name for tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    /// One of [`RULES`].
    pub rule: &'static str,
    /// See [`Setup::replacement`].
    pub replacement: bool,
}

impl Contender {
    /// A rule under its own name, on a sink that takes what is fetched again.
    pub const fn of(rule: &'static str) -> Self {
        Self { name: rule, rule, replacement: true }
    }

    /// The default rule on a sink that does not.
    pub const WITHOUT_REPLACEMENT: Self =
        Self { name: "foresight-without-fs", rule: telecine_abr::DEFAULT_RULE, replacement: false };
}

/// How a session is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Media that the buffer takes at most, in milliseconds; two segments at least. Of a live title, the latency that is
    /// aimed at too.
    pub buffer_ms: f64,
    /// How the title is watched.
    pub viewing: Viewing,
    /// What is buffered may be fetched again in a higher level, as Media Source takes it. Other sinks (sound, GStreamer) do not.
    pub replacement: bool,
}

/// Why a movie was not played to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Unplayed {
    /// The network carries too little for anybody to see the end.
    Endless {
        /// Days that it takes for the smallest that there is of each segment; infinite if it carries nothing at all.
        days: f64,
    },
    /// The player did not come to the end of what the network carries: a fault of it, and none of movie or network.
    Failed {
        /// What the player said, or what became of it.
        why: String,
    },
}

impl Unplayed {
    fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into() }
    }
}

impl fmt::Display for Unplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = PATIENCE.as_secs() / 86_400;
        match self {
            Self::Endless { days } if *days < 1e9 => {
                write!(
                    f,
                    "the network takes {days:.0} days for the smallest segments of the movie, and {most} are waited"
                )
            }
            Self::Endless { .. } => {
                write!(f, "the network carries next to nothing: no movie comes to its end in {most} days")
            }
            Self::Failed { why } => write!(f, "the player did not come to the end: {why}"),
        }
    }
}

impl std::error::Error for Unplayed {}

/// Plays a movie by one of [`RULES`]; by the default rule if there is none of the name.
///
/// # Errors
/// [`Unplayed`] if nobody could play it over the link, or the player failed.
pub fn play_by(rule: &str, movie: &Movie, link: &Link, setup: &Setup) -> Result<Outcome, Unplayed> {
    let mut config = config(movie, setup);
    config.rule = Some(rule.to_owned());
    let policies = Policies::new(&config);
    play(Engine::with_policies(config, policies), movie, link, setup)
}

/// The configuration of a session, for an engine with policies of its own.
pub fn config(movie: &Movie, setup: &Setup) -> Config {
    let mut config = Config::default();
    config.buffer_goal = Some(MediaTime::from_micros((micros(setup.buffer_ms) - micros(movie.segment_ms())).max(1)));
    config.fast_switch = setup.replacement;
    config.buffer_bytes = UNBOUNDED;
    config.limits.segment_bytes = UNBOUNDED;
    (config.head_timeout, config.idle_timeout, config.slow_after) = (PATIENCE, PATIENCE, Duration::ZERO);
    config.live.latency_target = Some(MediaTime::from_micros(micros(setup.buffer_ms)));
    config.live.latency_max = Some(MediaTime::from_duration(PATIENCE));
    config
}

/// Plays a movie over a link to its end by an engine that has played nothing yet.
///
/// # Errors
/// [`Unplayed`] if nobody could play it over the link, or the player failed.
pub fn play(engine: Engine, movie: &Movie, link: &Link, setup: &Setup) -> Result<Outcome, Unplayed> {
    let segment = MediaTime::from_micros(micros(movie.segment_ms()));
    let stage = Shared::new(Stage::new(segment, movie.segments(), setup.replacement));
    let server = Server::new(title(movie, setup), stage.clone());
    let link = as_played(link)?;
    endless(movie, &link)?;
    let network = telecine_virtual::Link::new(network(&link)?, 0).read_every(READ_EVERY).read_up_to(READ_BYTES);
    let mut session = Session::with_engine(engine, server, Timestamp::ZERO)
        .sink(stage.clone())
        .link(network)
        .wall_clock(START)
        .step_limit(MOST_STEPS)
        .play("https://title.example/main.mpd");
    let ended = match session.run(Some(Timestamp::ZERO + PATIENCE)) {
        telecine_virtual::Outcome::Ended => session.now(),
        telecine_virtual::Outcome::Failed(Some(error)) => return Err(Unplayed::failed(error.to_string())),
        telecine_virtual::Outcome::Until => return Err(Unplayed::failed("it plays after a year still")),
        telecine_virtual::Outcome::Stuck => return Err(Unplayed::failed("it waits for nothing")),
        telecine_virtual::Outcome::StepLimit => {
            return Err(Unplayed::failed(format!("it did more than {MOST_STEPS} steps")));
        }
        other => return Err(Unplayed::failed(format!("{other:?}"))),
    };
    let mut outcome = Outcome { elapsed_ms: millis(ended), ..Outcome::default() };
    for event in session.events() {
        match event {
            Event::Started { at, .. } => outcome.startup_ms = millis(*at),
            Event::StallEnded { stood_us, .. } => {
                outcome.stall_ms += *stood_us as f64 / 1000.0;
                outcome.stalls += 1;
            }
            Event::Ended { at } => outcome.elapsed_ms = millis(*at),
            _ => {}
        }
    }
    outcome.first_transfer_ms = outcome.startup_ms;
    stage.look(|stage| {
        let shown = stage.shown().ok_or_else(|| Unplayed::failed("a part of it was left out"))?;
        (outcome.first, outcome.levels) = shown;
        outcome.following = (setup.viewing == Viewing::Live).then(|| Following {
            excess_latency_s: stage.mean_excess_latency_s(),
            speed_change: stage.mean_speed_change(),
        });
        Ok(())
    })?;
    session.source().tell(&mut outcome);
    Ok(outcome)
}

/// A link as the player's network has it.
///
/// # Errors
/// [`Unplayed::Endless`] if nothing is left of what it carries.
pub fn as_played(link: &Link) -> Result<Link, Unplayed> {
    link.coarse().map_err(|_| Unplayed::Endless { days: f64::INFINITY })
}

/// Finds out whether a movie comes to its end over a link in a time that anybody waits.
///
/// # Errors
/// [`Unplayed::Endless`] if it does not, whatever is chosen.
pub fn endless(movie: &Movie, link: &Link) -> Result<(), Unplayed> {
    let levels = movie.ladder().len();
    let smallest = |segment| (0..levels).map(|level| movie.bits(segment, level)).fold(f64::INFINITY, f64::min);
    let bits: f64 = (0..movie.segments()).map(smallest).sum();
    let days = link.start().receive(bits) / 86_400_000.0;
    match days * 86_400.0 <= PATIENCE.as_secs_f64() {
        true => Ok(()),
        false => Err(Unplayed::Endless { days }),
    }
}

/// What the player fetches before the first segment, in bits: the manifest, and a kilobyte for what initialises a decoder.
pub fn opening_bits(movie: &Movie, viewing: Viewing) -> f64 {
    let setup = Setup { buffer_ms: movie.segment_ms(), viewing, replacement: true };
    (title(movie, &setup).mpd().len() + 1_000) as f64 * 8.0
}

/// The movie as a title.
fn title<'a>(movie: &'a Movie, setup: &Setup) -> SizedTitle<'a> {
    let bitrates: Vec<u64> =
        (0..movie.ladder().len()).map(|level| (movie.ladder().kbps(level) * 1000.0).round() as u64).collect();
    let segment_us = u32::try_from(micros(movie.segment_ms())).unwrap_or(u32::MAX);
    let size = |segment: u64, level: usize| (movie.bits(segment as usize, level) / 8.0).ceil() as u64;
    let title = SizedTitle::new(segment_us, movie.segments() as u64, &bitrates, size);
    match setup.viewing {
        Viewing::OnDemand => title,
        // At the start of the session there is as much of it as the viewer is to be behind.
        Viewing::Live => title.live(START.offset(-MediaTime::from_micros(micros(setup.buffer_ms)))),
    }
}

/// A link [as it is played](as_played) as the network of the virtual platform.
fn network(link: &Link) -> Result<Network, Unplayed> {
    let duration = |ms: f64| Duration::from_micros(micros(ms).unsigned_abs());
    let steps = link.periods().iter().map(|period| Step {
        duration: duration(period.ms),
        bits_per_second: (period.kbps * 1000.0).round() as u64,
        latency: duration(period.latency_ms),
    });
    Network::from_steps(steps).map_err(|error| Unplayed::failed(error.to_string()))
}

/// To the nearest microsecond; numbers here are bounded by [`Movie`] and [`Link`].
fn micros(ms: f64) -> i64 {
    (ms * 1000.0).round() as i64
}

fn millis(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1000.0
}
