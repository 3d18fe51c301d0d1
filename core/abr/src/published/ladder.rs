//! A title's bitrates.

/// Bitrates in ascending order, with their logarithms, and what is known of their quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    rungs: Vec<Rung>,
    /// By level, to 1 for the best; ascending.
    quality: Option<Vec<f64>>,
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
        (!rungs.is_empty() && ascending && rungs.iter().all(sound)).then_some(Self { rungs, quality: None })
    }

    /// The same ladder with the quality of each level on any scale that begins at nothing: VMAF, `SCORE`. Rules that are not
    /// as they were published weigh levels by it. Unchanged where that is not one number above zero for each level. A
    /// level that is said to be worse than one below it counts as good as that one.
    #[must_use]
    pub fn with_quality(self, quality: &[u64]) -> Self {
        let best = quality.iter().copied().max().unwrap_or(0);
        if quality.len() != self.len() || quality.contains(&0) {
            return self;
        }
        let mut least = 0;
        let ascending = quality.iter().map(|quality| {
            least = least.max(*quality);
            least as f64 / best as f64
        });
        Self { quality: Some(ascending.collect()), ..self }
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

    /// How good a level is beside the highest, which is 1; None where that is not known.
    pub(crate) fn quality(&self, level: usize) -> Option<f64> {
        self.quality.as_ref()?.get(level).copied()
    }

    /// What a level is worth beside the highest, which is 1: what is known of their quality, else their bitrates.
    pub(crate) fn worth(&self, level: usize) -> f64 {
        self.quality(level).unwrap_or_else(|| self.kbps(level) / self.kbps(self.top()))
    }

    fn rung(&self, level: usize) -> Rung {
        self.rungs[level.min(self.top())]
    }
}
