//! A title's bitrates.

/// Bitrates in ascending order, with their logarithms.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Rung {
    kbps: f64,
    log: f64,
}

impl Ladder {
    /// A ladder of bitrates in kbit/s; None unless there is one at least, all are finite and above
    /// zero, and none is below the one before.
    pub fn new(kbps: impl IntoIterator<Item = f64>) -> Option<Self> {
        let rungs: Vec<Rung> = kbps.into_iter().map(|kbps| Rung { kbps, log: libm::log(kbps) }).collect();
        let sound = |rung: &Rung| rung.kbps > 0.0 && rung.kbps.is_finite();
        let ascending = rungs.is_sorted_by(|lower, higher| lower.kbps <= higher.kbps);
        (!rungs.is_empty() && ascending && rungs.iter().all(sound)).then_some(Self { rungs })
    }

    /// Levels; one at least.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.rungs.len()
    }

    /// The highest level.
    pub fn top(&self) -> usize {
        self.rungs.len() - 1
    }

    /// Whether there is anything to choose: some level takes more than another.
    pub fn has_steps(&self) -> bool {
        self.kbps(0) < self.kbps(self.top())
    }

    /// The bitrate of a level; beyond the top, that of the top.
    pub fn kbps(&self, level: usize) -> f64 {
        self.rung(level).kbps
    }

    /// The natural logarithm of a level's bitrate in kbit/s.
    pub(crate) fn log(&self, level: usize) -> f64 {
        self.rung(level).log
    }

    fn rung(&self, level: usize) -> Rung {
        self.rungs[level.min(self.top())]
    }
}
