//! The published rules by their published names, and Telecine's own beside them.

use telecine_abr::published::{
    Bba, Bola, BolaE, Dynamic, DynamicDash, Horizon, Lowest, Mpc, Prediction, SceneRule, Sizes, Throughput,
};
use telecine_abr::Oscillation::{self, Allowed, Minimised};
use telecine_abr::{ForesightAlone, QuantileMpc, Soda};

use super::Replacement;

/// A rule, and how it is run.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// The name in tables: `-without-ao` is with oscillation, `-FS` with fast switching.
    pub name: &'static str,
    /// Whether buffered segments are replaced.
    pub replacement: Replacement,
    make: fn() -> Box<dyn SceneRule>,
}

impl Contender {
    /// The rule at the start of a session.
    pub fn rule(&self) -> Box<dyn SceneRule> {
        (self.make)()
    }
}

/// Every rule that plays in the faithful mode: the published ones, what is after them, and Telecine's own.
pub const ROSTER: &[Contender] = &[
    entry("Lowest", || Box::new(Lowest)),
    entry("Foresight", || Box::new(ForesightAlone::new())),
    Contender { name: "Foresight-FS", replacement: Replacement::ByRule, make: || Box::new(ForesightAlone::new()) },
    entry("THROUGHPUT", || Box::new(Throughput::default())),
    entry("BBA", || Box::new(Bba::default())),
    entry("BOLA-BASIC", || Box::new(Bola::new(Horizon::Endless, Minimised))),
    entry("BOLA-BASIC-without-ao", || Box::new(Bola::new(Horizon::Endless, Allowed))),
    entry("BOLA", || bola(Minimised)),
    entry("BOLA-without-ao", || bola(Allowed)),
    entry("BOLA-PL", || Box::new(BolaE::without_guard(Minimised))),
    entry("BOLA-PL-without-ao", || Box::new(BolaE::without_guard(Allowed))),
    entry("BOLA-E", || bola_e(Minimised)),
    entry("BOLA-E-without-ao", || bola_e(Allowed)),
    fast_switching("BOLA-E-FS", || bola_e(Minimised)),
    entry("DYNAMIC", || dynamic(Minimised)),
    entry("DYNAMIC-without-ao", || dynamic(Allowed)),
    fast_switching("DYNAMIC-FS", || dynamic(Minimised)),
    entry("DYNAMIC-DASH", || Box::new(DynamicDash::new(Minimised))),
    entry("DYNAMIC-DASH-without-ao", || Box::new(DynamicDash::new(Allowed))),
    entry("Mpc", || Box::new(Mpc::new(Prediction::HarmonicMean, Sizes::Known))),
    entry("NomMpc", || Box::new(Mpc::new(Prediction::HarmonicMean, Sizes::Nominal))),
    entry("RobustMpc", || Box::new(Mpc::new(Prediction::Robust, Sizes::Known))),
    entry("NomRobustMpc", || Box::new(Mpc::new(Prediction::Robust, Sizes::Nominal))),
    entry("QuantileMpc", || Box::new(QuantileMpc::new())),
    entry("Soda", || Box::new(Soda::new())),
];

/// A rule by its name, in any case.
pub fn rule(name: &str) -> Option<&'static Contender> {
    ROSTER.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

const fn entry(name: &'static str, make: fn() -> Box<dyn SceneRule>) -> Contender {
    Contender { name, replacement: Replacement::Never, make }
}

const fn fast_switching(name: &'static str, make: fn() -> Box<dyn SceneRule>) -> Contender {
    Contender { name, replacement: Replacement::First, make }
}

fn bola(oscillation: Oscillation) -> Box<dyn SceneRule> {
    Box::new(Bola::new(Horizon::Ends, oscillation))
}

fn bola_e(oscillation: Oscillation) -> Box<dyn SceneRule> {
    Box::new(BolaE::new(oscillation))
}

fn dynamic(oscillation: Oscillation) -> Box<dyn SceneRule> {
    Box::new(Dynamic::new(oscillation))
}
