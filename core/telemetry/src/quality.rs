//! What was on screen, weighted by how long it was.

use std::time::Duration;

/// Bitrate and height at the playhead over played time, and how often they changed.
///
/// Average bitrate is the time-weighted declared bitrate at the playhead, not at the download
/// (CTA-2066, average playback bitrate; CMCD `pb`).
#[derive(Clone, Debug, Default)]
pub struct Quality {
    now: Option<(u64, Option<u32>)>,
    /// Bits a second times microseconds.
    bitrate_time: u128,
    /// Pixels times microseconds.
    height_time: u128,
    shown: Duration,
    shown_with_height: Duration,
    up: u64,
    down: u64,
}

impl Quality {
    /// Another rendition is on screen from now on.
    pub(crate) fn change(&mut self, bitrate: u64, height: Option<u32>) {
        if let Some((before, _)) = self.now {
            match bitrate.cmp(&before) {
                std::cmp::Ordering::Greater => self.up += 1,
                std::cmp::Ordering::Less => self.down += 1,
                std::cmp::Ordering::Equal => {}
            }
        }
        self.now = Some((bitrate, height));
    }

    /// What is on screen was played for so long.
    pub(crate) fn play(&mut self, span: Duration) {
        let Some((bitrate, height)) = self.now else { return };
        self.bitrate_time = self.bitrate_time.saturating_add(u128::from(bitrate).saturating_mul(span.as_micros()));
        self.shown = self.shown.saturating_add(span);
        if let Some(height) = height {
            self.height_time = self.height_time.saturating_add(u128::from(height).saturating_mul(span.as_micros()));
            self.shown_with_height = self.shown_with_height.saturating_add(span);
        }
    }

    /// Mean declared bits a second at the playhead; None before anything was shown.
    pub fn mean_bitrate(&self) -> Option<u64> {
        mean(self.bitrate_time, self.shown)
    }

    /// Mean picture height in thousandths of a line; None if no height was known.
    pub fn mean_height_milli(&self) -> Option<u64> {
        mean(self.height_time.saturating_mul(1000), self.shown_with_height)
    }

    /// Switches to a higher and to a lower bitrate.
    pub fn switches(&self) -> (u64, u64) {
        (self.up, self.down)
    }
}

fn mean(weighted: u128, span: Duration) -> Option<u64> {
    weighted.checked_div(span.as_micros()).map(|mean| u64::try_from(mean).unwrap_or(u64::MAX))
}
