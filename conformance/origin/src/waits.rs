//! What a client in virtual time is told instead of being kept waiting.

use std::time::Duration;

use crate::request::{Delivery, Response, DELAY_MS, HOLD_MS, PACED, PIECES};

/// A paced body is told in so many pieces at most: a header has to have room for them.
const MOST_PACED: u64 = 400;
/// No piece is smaller: a packet.
const LEAST_PACED: u64 = 1200;
/// What waits longer is told as this.
const LONGEST: Duration = Duration::from_secs(3600);

impl Response {
    /// Says in headers what a client in virtual time waits for, and waits for nothing.
    pub(crate) fn tell_waits(&mut self) {
        let paced = self.delivery.paced(self.body.len());
        let end = self.delivery.end;
        let told = std::mem::replace(&mut self.delivery, Delivery { end, ..Delivery::default() });
        self.headers.push((HOLD_MS, told.hold.as_millis().to_string()));
        if !told.head_delay.is_zero() {
            self.headers.push((DELAY_MS, told.head_delay.min(LONGEST).as_millis().to_string()));
        }
        for (name, pieces) in [(PIECES, told.pieces), (PACED, paced)] {
            if !pieces.is_empty() {
                let pieces = pieces.iter().map(|(from, later)| format!("{from}@{}", later.as_millis()));
                self.headers.push((name, pieces.collect::<Vec<_>>().join(",")));
            }
        }
    }
}

impl Delivery {
    /// From which positions of a body of so many bytes on it is sent only so long after its head, because it pauses or has
    /// a pace of its own; nothing where it does not. It is what the server does, without its clock: a piece that is not
    /// there yet is waited for, and takes its time from then on.
    fn paced(&self, length: u64) -> Vec<(u64, Duration)> {
        let mut out: Vec<(u64, Duration)> = Vec::new();
        if self.stall.is_none() && self.pace.is_none() {
            return out;
        }
        let step = match &self.pace {
            Some(_) => length.div_ceil(MOST_PACED).max(LEAST_PACED),
            None => u64::MAX,
        };
        let head = self.hold.saturating_add(self.head_delay);
        let (mut stall, mut pieces) = (self.stall, self.pieces.iter().peekable());
        let (mut at, mut sent) = (0, Duration::ZERO);
        while at < length {
            if let Some((_, pause)) = stall.take_if(|(from, _)| *from <= at) {
                sent = sent.saturating_add(pause);
            }
            while let Some((_, due)) = pieces.next_if(|(from, _)| *from <= at) {
                sent = sent.max(due.saturating_sub(head));
            }
            let bounds = [stall.map(|(from, _)| from), pieces.peek().map(|(from, _)| *from)];
            let next = bounds.into_iter().flatten().fold(length.min(at.saturating_add(step)), u64::min);
            if let Some((network, from)) = &self.pace {
                let bytes = usize::try_from(next - at).unwrap_or(usize::MAX);
                let carried = network.carried(from.saturating_add(sent), bytes);
                sent = carried.map_or(LONGEST, |carried| carried.saturating_sub(*from));
            }
            sent = sent.min(LONGEST);
            if out.last().map_or(Duration::ZERO, |(_, before)| *before).as_millis() < sent.as_millis() {
                out.push((at, sent));
            }
            at = next;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Network, Step};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_body_without_faults_waits_for_nothing() {
        assert_eq!(Delivery { head_delay: ms(5), ..Delivery::default() }.paced(10_000), Vec::new());
    }

    #[test]
    fn a_pause_is_one_piece_from_where_it_is_on() {
        let delivery = Delivery { stall: Some((6000, ms(2500))), ..Delivery::default() };
        assert_eq!(delivery.paced(10_000), [(6000, ms(2500))]);
    }

    #[test]
    fn a_pace_is_kept_from_the_head_to_the_last_byte() {
        // A megabyte at 800 kbit/s takes ten seconds.
        let delivery = Delivery { pace: Some((Network::constant(800_000, ms(0)), ms(0))), ..Delivery::default() };
        let paced = delivery.paced(1_000_000);
        assert_eq!(paced.len(), 400);
        for (from, later) in &paced {
            assert_eq!(*later, Duration::from_micros((from + 2500) * 10), "a piece is there when all of it has passed");
        }
    }

    #[test]
    fn a_trace_is_kept_from_its_moment_on() {
        let steps = [(1000, 80_000), (1000, 0), (1000, 800_000)];
        let steps =
            steps.map(|(duration, rate)| Step { duration: ms(duration), bits_per_second: rate, latency: ms(0) });
        let network = Network { trace: steps.to_vec(), repeat: true, loss_per_million: 0 };
        let delivery = Delivery { pace: Some((network, ms(500))), ..Delivery::default() };
        let paced = delivery.paced(12_000);
        let at = |from: u64| paced.iter().find(|(at, _)| *at == from).map(|(_, later)| *later);
        assert_eq!(at(0), Some(ms(120)), "ten bytes a millisecond");
        assert_eq!(at(4800), Some(ms(1500) + ms(10)), "5000 bytes, a second of nothing, then a hundred a millisecond");
        assert_eq!(at(10_800), Some(ms(1570)));
    }

    #[test]
    fn what_is_being_made_takes_its_time_when_it_is_there() {
        let pace = Some((Network::constant(8_000_000, ms(0)), ms(0)));
        let delivery = Delivery { hold: ms(50), pieces: vec![(1000, ms(550))], pace, ..Delivery::default() };
        assert_eq!(delivery.paced(2000), [(0, ms(1)), (1000, ms(501))]);
    }

    #[test]
    fn what_never_comes_is_told_as_an_hour() {
        let network = Network { trace: Network::constant(0, ms(0)).trace, ..Network::default() };
        let delivery = Delivery { pace: Some((network, ms(0))), ..Delivery::default() };
        assert_eq!(delivery.paced(2000), [(0, LONGEST)]);
    }
}
