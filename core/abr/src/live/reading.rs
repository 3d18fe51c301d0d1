//! What the latency is, behind readings that jump.

use telecine_model::Timestamp;

/// Readings count for about so many seconds: a publisher's jitter of 0.3 s from segment to segment
/// leaves some hundredths.
const MEMORY: f64 = 30.0;
/// What the first reading weighs, in seconds.
const FIRST: f64 = 1.0;
/// A reading that is further off is no jitter, in seconds.
const JUMP: f64 = 0.6;
/// When all readings are off for so many seconds, the latency itself has jumped.
const JUMPED: f64 = 3.0;

/// The mean of readings, carried along with what the speed itself does to the latency. So it may
/// remember long without lagging behind a change that the speed makes: what is averaged is only
/// what the speed does not explain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    mean: Option<f64>,
    /// Seconds of readings behind the mean.
    weight: f64,
    at: Timestamp,
    strayed: Option<Timestamp>,
}

impl Reading {
    /// Takes a reading and gives the latency, all in seconds. `rate` is the speed since the last
    /// reading: at a thousandth more than normal the latency falls by a millisecond each second.
    pub(crate) fn update(&mut self, now: Timestamp, read: f64, uncertainty: f64, rate: f64) -> f64 {
        let Some(mean) = self.mean else {
            return self.restart(now, read);
        };
        let passed = now.since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        let expected = mean - (rate - 1.0) * passed;
        let off = read - expected;
        if off > JUMP + uncertainty || off < -JUMP - uncertainty {
            let since = *self.strayed.get_or_insert(now);
            if now.since(since).as_secs_f64() >= JUMPED {
                return self.restart(now, read);
            }
            self.mean = Some(expected);
            return expected;
        }
        self.strayed = None;
        self.weight = (self.weight + passed).min(MEMORY);
        let mean = expected + off * (passed / self.weight).min(1.0);
        self.mean = Some(mean);
        mean
    }

    fn restart(&mut self, now: Timestamp, read: f64) -> f64 {
        *self = Self { mean: Some(read), weight: FIRST, at: now, strayed: None };
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn what_the_speed_does_is_followed_at_once() {
        let mut reading = Reading::default();
        let mut latency = 4.0;
        reading.update(ms(0), latency, 0.0, 1.0);
        for step in 1..=100 {
            latency -= 0.03 * 0.5;
            let seen = reading.update(ms(step * 500), latency, 0.0, 1.03);
            assert!((seen - latency).abs() < 1e-9, "{seen} {latency}");
        }
    }

    #[test]
    fn one_wild_reading_changes_nothing_and_lasting_ones_are_believed() {
        let mut reading = Reading::default();
        for step in 0..20 {
            reading.update(ms(step * 500), 3.0, 0.0, 1.0);
        }
        assert_eq!(reading.update(ms(10_000), 9.0, 0.0, 1.0), 3.0);
        assert_eq!(reading.update(ms(10_500), 3.0, 0.0, 1.0), 3.0);
        for step in 0..=6 {
            reading.update(ms(11_000 + step * 500), 5.0, 0.0, 1.0);
        }
        assert_eq!(reading.update(ms(14_500), 5.0, 0.0, 1.0), 5.0);
    }

    #[test]
    fn jitter_from_segment_to_segment_is_averaged() {
        let mut reading = Reading::default();
        let mut seen = 0.0;
        for step in 0..240_u64 {
            let jitter = if (step / 4) % 2 == 0 { 0.3 } else { -0.3 };
            seen = reading.update(ms(step * 500), 3.0 + jitter, 0.0, 1.0);
        }
        assert!((seen - 3.0).abs() < 0.05, "{seen}");
    }
}
