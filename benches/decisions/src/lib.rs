//! What bitrate rules decide, condensed so that platforms can be held against each other, and what deciding costs.
//!
//! Built natively (`decisions`) and for WebAssembly (`wasm/`, driven by `run.mjs`): both play the same sessions in the
//! simulator, and the same numbers have to come out, to the last bit.
//!
//! ```
//! use telecine_decisions::{faithful, Fingerprint, Mode};
//! use telecine_simulator::{faithful::rule, Link, Movie, Period};
//!
//! let movie = Movie::new(4_000.0, &[1_000.0, 3_000.0], &vec![vec![4e6, 12e6]; 20]).unwrap();
//! let link = |kbps| Link::new(vec![Period { ms: 1_000.0, kbps, latency_ms: 50.0 }]).unwrap();
//! let bola = |kbps| faithful(rule("BOLA").unwrap(), &movie, &link(kbps), Mode::OnDemand);
//! assert_eq!(bola(2_000.0), bola(2_000.0));
//! assert_ne!(bola(2_000.0), bola(4_000.0));
//! assert_ne!(Fingerprint::default().and(bola(2_000.0)), Fingerprint::default());
//! ```

mod cost;

use std::fmt;

use telecine_simulator::faithful::{play, Contender, Setup};
use telecine_simulator::player::{self, play_by, Unplayed, Viewing};
use telecine_simulator::{Link, Movie, Outcome};

pub use cost::{cost, Clock, Cost, Figures};

/// A folder of networks, and the movie that is played over them.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    /// The folder.
    pub name: &'static str,
    /// The movie's file.
    pub movie: &'static str,
}

/// The sets of a collection of traces, beside the low-latency profiles.
pub const SETS: [Set; 4] = [
    Set { name: "4g", movie: "bbb4k.json" },
    Set { name: "3g", movie: "bbb.json" },
    Set { name: "fcc-hd", movie: "bbb4k.json" },
    Set { name: "fcc-sd", movie: "bbb.json" },
];

/// How titles are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// With 25 seconds of buffer.
    OnDemand,
    /// With ten, behind the present.
    Live,
    /// With three.
    LowLatency,
}

impl Mode {
    /// Those in which sets are watched.
    pub const ALL: [Self; 2] = [Self::OnDemand, Self::Live];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "vod",
            Self::Live | Self::LowLatency => "live",
        }
    }

    fn buffer_s(self) -> f64 {
        match self {
            Self::OnDemand => 25.0,
            Self::Live => 10.0,
            Self::LowLatency => 3.0,
        }
    }

    fn player(self) -> player::Setup {
        let viewing = match self {
            Self::OnDemand => Viewing::OnDemand,
            Self::Live | Self::LowLatency => Viewing::Live,
        };
        player::Setup { buffer_ms: self.buffer_s() * 1000.0, viewing, replacement: true }
    }
}

/// Everything that was decided in sessions, and when, condensed to a number (FNV-1a of 64 bits: it is to find accidents,
/// not to keep out forgers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Fingerprint {
    /// This one, and then another.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        self.number(next.0)
    }

    fn number(self, number: u64) -> Self {
        let byte = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(number.to_le_bytes().into_iter().fold(self.0, byte))
    }

    /// To the last bit.
    fn real(self, number: f64) -> Self {
        self.number(number.to_bits())
    }

    fn of(outcome: &Outcome) -> Self {
        let counts = [outcome.first, outcome.stalls, outcome.given_up, outcome.replaced, outcome.levels.len()];
        let times = [outcome.startup_ms, outcome.stall_ms, outcome.elapsed_ms, outcome.wasted_bits];
        let counted =
            counts.iter().chain(&outcome.levels).fold(Self::default(), |sum, count| sum.number(*count as u64));
        let timed = times.into_iter().fold(counted, Self::real);
        outcome.requests.iter().fold(timed, |sum, request| {
            let sum = sum.number(request.segment as u64).number(request.level as u64);
            [request.at_ms, request.took_ms, request.bits, request.buffer_ms].into_iter().fold(sum, Self::real)
        })
    }
}

/// A session in the world of the published rules.
pub fn faithful(rule: &Contender, movie: &Movie, link: &Link, mode: Mode) -> Fingerprint {
    let setup = Setup { replacement: rule.replacement, ..Setup::with_buffer(mode.buffer_s()) };
    Fingerprint::of(&play(rule.rule().as_mut(), movie, link, &setup))
}

/// A session of the player itself, by one of its [`RULES`](telecine_abr::RULES).
///
/// # Errors
/// [`Unplayed`] if it did not come to its end: that is a fault of the player, and no decision to be compared.
pub fn played(rule: &str, movie: &Movie, link: &Link, mode: Mode) -> Result<Fingerprint, Unplayed> {
    play_by(rule, movie, link, &mode.player()).map(|outcome| Fingerprint::of(&outcome))
}
