//! The floor of every comparison.

use crate::reason::Reason;
use crate::rule::{BitrateRule, Choice, Context};

/// Always the lowest level: what any network that plays at all can play. Measurements count from
/// here (abr.md 4.4); of use also where every byte costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lowest;

impl BitrateRule for Lowest {
    fn name(&self) -> &'static str {
        "lowest"
    }

    fn choose(&mut self, _ctx: &Context<'_>) -> Choice {
        Choice::new(0, Reason::AlwaysLowest)
    }
}
