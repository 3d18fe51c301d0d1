//! A title as a table of sizes.

use telecine_abr::published::Ladder;

use crate::link::Link;

/// Segments of one duration at each level of a ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Movie {
    segment_ms: f64,
    ladder: Ladder,
    /// Bits, level by level, segment by segment.
    sizes: Vec<f64>,
    /// From 0 to 1, in the same order.
    quality: Vec<f64>,
}

/// Why numbers are no movie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoMovie {
    /// The duration of a segment is not between [`Movie::LEAST_SEGMENT_MS`] and [`Movie::MOST_SEGMENT_MS`].
    Duration(f64),
    /// A bitrate is above [`Link::MOST_KBPS`].
    Bitrate(f64),
    /// No level, a bitrate that is not above zero, or one that is below the one before.
    Ladder,
    /// There are no segments.
    Empty,
    /// A segment's row has not one number for each level.
    Row {
        /// The segment.
        segment: usize,
    },
    /// A number that no segment can have.
    Number {
        /// The segment.
        segment: usize,
        /// The level.
        level: usize,
        /// What it is.
        value: f64,
    },
}

impl Movie {
    /// Shortest segment: a millisecond.
    pub const LEAST_SEGMENT_MS: f64 = 1.0;
    /// Longest segment: ten minutes.
    pub const MOST_SEGMENT_MS: f64 = 600_000.0;
    /// Largest segment in bits: a gigabyte.
    pub const MOST_BITS: f64 = 8e9;

    /// A movie of rows of sizes in bits, each with one for each bitrate (kbit/s).
    pub fn new(segment_ms: f64, kbps: &[f64], rows: &[Vec<f64>]) -> Result<Self, NoMovie> {
        if !(Self::LEAST_SEGMENT_MS..=Self::MOST_SEGMENT_MS).contains(&segment_ms) {
            return Err(NoMovie::Duration(segment_ms));
        }
        if let Some(kbps) = kbps.iter().copied().find(|kbps| *kbps > Link::MOST_KBPS) {
            return Err(NoMovie::Bitrate(kbps));
        }
        let ladder = Ladder::new(kbps.iter().copied()).ok_or(NoMovie::Ladder)?;
        let sizes = table(rows, ladder.len(), |bits| bits > 0.0 && bits <= Self::MOST_BITS)?;
        let quality: Vec<f64> = (0..ladder.len()).map(|level| by_bitrate(&ladder, level)).collect();
        let quality = quality.iter().copied().cycle().take(sizes.len()).collect();
        Ok(Self { segment_ms, ladder, sizes, quality })
    }

    /// The same movie with the VMAF of each segment at each level, in rows as the sizes are. Rules that weigh levels by
    /// their quality know the mean of each, as a manifest tells it.
    pub fn with_vmaf(self, rows: &[Vec<f64>]) -> Result<Self, NoMovie> {
        let vmaf = table(rows, self.ladder.len(), |vmaf| (0.0..=100.0).contains(&vmaf))?;
        if vmaf.len() != self.sizes.len() {
            return Err(NoMovie::Row { segment: rows.len().min(self.segments()) });
        }
        let mean = |level: usize| {
            let of_level = vmaf.iter().skip(level).step_by(self.ladder.len());
            (of_level.sum::<f64>() / rows.len() as f64 * 1000.0) as u64
        };
        let means: Vec<u64> = (0..self.ladder.len()).map(mean).collect();
        let ladder = self.ladder.with_quality(&means);
        Ok(Self { quality: vmaf.iter().map(|vmaf| vmaf / 100.0).collect(), ladder, ..self })
    }

    /// Its first so many segments; where it has fewer, they are repeated.
    pub fn cut(&self, segments: usize) -> Self {
        let cut = |values: &[f64]| values.iter().copied().cycle().take(segments.max(1) * self.ladder.len()).collect();
        let Self { segment_ms, ladder, sizes, quality } = self;
        Self { segment_ms: *segment_ms, ladder: ladder.clone(), sizes: cut(sizes), quality: cut(quality) }
    }

    /// Media in each segment, in milliseconds.
    pub fn segment_ms(&self) -> f64 {
        self.segment_ms
    }

    /// The bitrates.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// How many segments it has; one at least.
    pub fn segments(&self) -> usize {
        self.sizes.len() / self.ladder.len()
    }

    /// Bits of a segment at a level.
    pub fn bits(&self, segment: usize, level: usize) -> f64 {
        self.sizes[segment * self.ladder.len() + level]
    }

    /// Bits of all segments from one on, level by level, segment by segment.
    pub fn sizes_from(&self, segment: usize) -> &[f64] {
        &self.sizes[segment * self.ladder.len()..]
    }

    /// Quality of a segment at a level, from 0 to 1: VMAF where it is known, else the logarithm of the
    /// bitrate between those of the lowest and the highest level.
    pub fn quality(&self, segment: usize, level: usize) -> f64 {
        self.quality[segment * self.ladder.len() + level]
    }
}

fn by_bitrate(ladder: &Ladder, level: usize) -> f64 {
    let (lowest, highest) = (ladder.kbps(0), ladder.kbps(ladder.top()));
    match ladder.has_steps() {
        true => libm::log(ladder.kbps(level) / lowest) / libm::log(highest / lowest),
        false => 1.0,
    }
}

fn table(rows: &[Vec<f64>], levels: usize, sound: impl Fn(f64) -> bool) -> Result<Vec<f64>, NoMovie> {
    if rows.is_empty() {
        return Err(NoMovie::Empty);
    }
    for (segment, row) in rows.iter().enumerate() {
        if row.len() != levels {
            return Err(NoMovie::Row { segment });
        }
        if let Some((level, value)) = row.iter().copied().enumerate().find(|(_, value)| !sound(*value)) {
            return Err(NoMovie::Number { segment, level, value });
        }
    }
    Ok(rows.concat())
}
