//! What all transfers together did on the line: the union of their times, and their bytes.

use std::time::Duration;

use telecine_model::Timestamp;

use crate::estimate::{TransferId, TransferSample};
use telecine_model::SortedMap;

/// Transfers that are watched at once; beyond this the oldest is forgotten.
const MAX_FLIGHTS: usize = 64;
/// A transfer that went so long without a byte has ended, even if nobody said so.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// What all transfers together did: two running totals, marked at each transfer's first byte.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    flights: SortedMap<TransferId, Flight>,
    /// Bytes that arrived, of all transfers.
    bytes: u64,
    /// Seconds of transfer, each divided among those under way.
    shared: f64,
    /// Until when `shared` is reckoned.
    until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    began: Timestamp,
    seen: Timestamp,
    bytes: u64,
    bytes_mark: u64,
    shared_mark: f64,
    restarted: bool,
    /// When, at how many bytes and how much shared time of all, it was marked last.
    mark: Option<(Timestamp, u64, f64)>,
}

/// What the link did during one body.
pub(crate) struct Load {
    /// Bits of all transfers that arrived in the time.
    pub(crate) bits: f64,
    /// The body's time from first to last byte.
    pub(crate) time: Duration,
    /// This transfer's share of the time, in seconds.
    pub(crate) weight: f64,
    /// It counts from when the line was seen to hold it up.
    pub(crate) restarted: bool,
}

impl Link {
    /// Bytes of a transfer so far; None before its first.
    pub(crate) fn told(&self, id: TransferId) -> Option<u64> {
        self.flights.get(&id).map(|flight| flight.bytes)
    }

    /// The transfers under way but one.
    pub(crate) fn others(&self, id: TransferId) -> impl Iterator<Item = TransferId> + '_ {
        self.flights.keys().copied().filter(move |other| *other != id)
    }

    pub(crate) fn progress(&mut self, id: TransferId, bytes: u64, now: Timestamp) {
        self.advance(now);
        if !self.flights.contains_key(&id) && self.flights.len() >= MAX_FLIGHTS {
            self.flights.pop_first();
        }
        let flight = self.flights.entry(id).or_insert(Flight {
            began: now,
            seen: now,
            bytes: 0,
            bytes_mark: self.bytes,
            shared_mark: self.shared,
            restarted: false,
            mark: None,
        });
        self.bytes = self.bytes.saturating_add(bytes.saturating_sub(flight.bytes));
        flight.bytes = flight.bytes.max(bytes);
        flight.seen = flight.seen.max(now);
    }

    /// What a transfer does from now on may be all that counts of it.
    pub(crate) fn mark(&mut self, id: TransferId, now: Timestamp) {
        self.advance(now);
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.mark = Some((now, self.bytes, self.shared));
        }
    }

    /// What a transfer did before its mark does not count.
    pub(crate) fn restart(&mut self, id: TransferId) {
        if let Some((flight, mark)) =
            self.flights.get_mut(&id).and_then(|flight| flight.mark.map(|mark| (flight, mark)))
        {
            (flight.began, flight.bytes_mark, flight.shared_mark) = mark;
            flight.restarted = true;
        }
    }

    pub(crate) fn end(&mut self, sample: &TransferSample) -> Option<Load> {
        self.progress(sample.id, sample.bytes, sample.finished);
        let flight = self.flights.remove(&sample.id)?;
        // Progress may have been told late, or not at all.
        let untold = flight.began.since(sample.first_byte);
        Some(Load {
            bits: self.bytes.saturating_sub(flight.bytes_mark) as f64 * 8.0,
            time: sample.finished.since(flight.began).saturating_add(untold),
            weight: self.shared - flight.shared_mark + untold.as_secs_f64(),
            restarted: flight.restarted,
        })
    }

    /// Takes bytes back that the network did not carry, from the loads still open.
    pub(crate) fn discount(&mut self, bytes: u64) {
        for flight in self.flights.values_mut() {
            flight.bytes_mark = flight.bytes_mark.saturating_add(bytes);
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let alive = |flight: &&Flight| now.since(flight.seen) < DEAD_AFTER;
        let under_way = self.flights.values().filter(alive).count();
        if under_way > 0 {
            self.shared += now.since(self.until).as_secs_f64() / under_way as f64;
        }
        self.until = self.until.max(now);
    }
}
