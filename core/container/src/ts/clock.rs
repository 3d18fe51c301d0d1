//! Timestamps of 33 bits on an endless line.

use crate::remux::CLOCK_RATE;

/// Ticks of 90 kHz from one wrap to the next: some 26.5 hours.
const WRAP: i64 = 1 << 33;

/// Unrolls the timestamps of one programme: each is put where it is nearest to those before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// A time near the next ones.
    near: Option<i64>,
}

impl Clock {
    /// A clock whose first timestamp is near a time, in ticks.
    pub(crate) fn near(time: Option<i64>) -> Self {
        Self { near: time }
    }

    /// The time of a timestamp. The first of all is taken as it is.
    pub(crate) fn unroll(&mut self, timestamp: u64) -> i64 {
        let time = nearest(timestamp, self.near.unwrap_or(0).max(0), self.near.is_some());
        self.near = Some(time);
        time
    }

    /// The time of a timestamp that belongs to one that was unrolled before.
    pub(crate) fn beside(timestamp: u64, time: i64) -> i64 {
        nearest(timestamp, time, true)
    }
}

fn nearest(timestamp: u64, near: i64, known: bool) -> i64 {
    let timestamp = (timestamp & (WRAP as u64 - 1)) as i64;
    if !known {
        return timestamp;
    }
    let ahead = timestamp.saturating_sub(near).rem_euclid(WRAP);
    near.saturating_add(if ahead < WRAP / 2 { ahead } else { ahead - WRAP })
}

const _: () = assert!(CLOCK_RATE == 90_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_go_on_across_wraps_in_both_directions() {
        let mut clock = Clock::default();
        let last = (1 << 33) - 10;
        assert_eq!(clock.unroll(last), last as i64);
        assert_eq!(clock.unroll(5), (1 << 33) + 5);
        assert_eq!(clock.unroll(last), last as i64, "B-frames come a little earlier");
        assert_eq!(clock.unroll(100), (1 << 33) + 100);
        for step in 1..20 {
            assert_eq!(clock.unroll((step << 31) & (last | 15)), (1 << 33) + ((step as i64) << 31));
        }
    }

    #[test]
    fn the_first_timestamp_is_put_near_a_time_that_is_expected() {
        assert_eq!(Clock::near(Some(3 << 33)).unroll(7), (3 << 33) + 7);
        assert_eq!(Clock::near(Some(3 << 33)).unroll((1 << 33) - 7), (3 << 33) - 7);
        assert_eq!(Clock::near(None).unroll((1 << 33) - 7), (1 << 33) - 7);
        assert_eq!(Clock::beside((1 << 33) - 7, 3), -7);
    }
}
