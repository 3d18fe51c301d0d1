//! A network path as arithmetic: who gets how many bytes when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use telecine_engine::RequestId;
use telecine_model::rng::Rng;
use telecine_model::Timestamp;

use crate::network::{micros, Network, PARTS_PER_MILLION};

/// Work is counted in millionths of a bit, so that a rate in bits a second times microseconds is
/// a whole number.
const UNITS_PER_BYTE: u128 = 8_000_000;
/// Most bytes in one [`LinkEvent::Bytes`], unless it is said otherwise.
const CHUNK_MAX: u64 = 64 << 10;
/// What a chunk may take at most at the present rate, so that slow links trickle like real ones: unless it is said
/// otherwise.
const CHUNK_MICROS: u64 = 50_000;
/// Payload of one packet: fewest bytes in a chunk, and what loss counts in.
const PACKET: u64 = 1_460;

/// What happens on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The answer begins.
    FirstByte(RequestId),
    /// Bytes of the body arrived.
    Bytes {
        /// Of which transfer.
        id: RequestId,
        /// How many.
        n: u64,
    },
    /// The last byte arrived.
    Done(RequestId),
}

/// When an answer, or parts of it, are there at the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The answer is not there earlier than so long after it is asked for.
    pub until: Duration,
    /// From these positions of the body on, ascending, it is there only so long after it is asked for.
    pub pieces: Vec<(u64, Duration)>,
    /// From these positions of the body on, ascending, it is sent only so long after the head of the answer: of a server
    /// that pauses, or that sends no faster than at a pace of its own.
    pub paced: Vec<(u64, Duration)>,
}

/// A network path: transfers share a [`Network`]'s rate fairly and each waits for its latency.
///
/// Sans-IO and exact: everything is integer arithmetic on microseconds and millionths of a bit, so
/// `n` bytes alone on a constant rate take `ceil(8n / rate)` after the latency, to the microsecond.
/// The order of calls decides, never how often [`Link::poll`] is called. A chunk is delivered at
/// the time of its last byte; a lost packet (drawn from the seed) holds its transfer up for one
/// more latency, as a fast retransmission does, while the others go on.
#[derive(Clone, Debug)]
pub struct Link {
    network: Network,
    random: Rng,
    /// Everything up to here is worked out.
    clock: u64,
    transfers: BTreeMap<RequestId, Transfer>,
    happened: VecDeque<LinkEvent>,
    /// What a chunk takes at most.
    chunk_micros: u64,
    /// Bytes in a chunk at most.
    chunk_max: u64,
    /// All transfers share one connection: see [`Link::one_connection`].
    in_turn: bool,
}

#[derive(Clone, Debug)]
struct Transfer {
    /// Bytes of the body.
    total: u64,
    /// Of those, bytes that have not been delivered.
    left: u64,
    /// From these positions on the body is there only at these times.
    pieces: VecDeque<(u64, u64)>,
    /// Receives nothing before this.
    held_until: u64,
    begun: bool,
    /// Received beyond what was delivered.
    received: u128,
    /// Bytes of the chunk that is on its way; zero before the first.
    chunk: u64,
    /// Comes from beside the player: all at once, whatever the line does.
    local: bool,
    /// On one connection the lower goes first.
    urgency: u8,
}

impl Link {
    /// An idle link. Losses are drawn from `seed`.
    pub fn new(network: Network, seed: u64) -> Self {
        let (transfers, happened) = (BTreeMap::new(), VecDeque::new());
        let (chunk_micros, chunk_max) = (CHUNK_MICROS, CHUNK_MAX);
        let random = Rng::new(seed);
        Self { network, random, clock: 0, transfers, happened, chunk_micros, chunk_max, in_turn: false }
    }

    /// All transfers share one connection whose server heeds urgencies (RFC 9218, as of HTTP/2 and 3): of those that have
    /// something to send the most urgent gets all of the rate, of equals the one that was asked for first. Without this each
    /// has a connection of its own, and they share the rate fairly.
    #[must_use]
    pub fn one_connection(mut self) -> Self {
        self.in_turn = true;
        self
    }

    /// Hands out what arrived at least so often while something arrives, but no less than a packet. Default 50 ms.
    #[must_use]
    pub fn read_every(mut self, span: Duration) -> Self {
        self.chunk_micros = micros(span);
        self
    }

    /// Hands out so many bytes at once at most, but no less than a packet. Default 64 KiB, which is what a socket gives;
    /// more makes for fewer steps where the line is fast.
    #[must_use]
    pub fn read_up_to(mut self, bytes: u64) -> Self {
        self.chunk_max = bytes.max(PACKET);
        self
    }

    /// The network that it is a path of.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Starts a transfer whose body has `total` bytes, and whose server takes `delay` beyond the
    /// latency to answer.
    pub fn start(&mut self, id: RequestId, total: u64, delay: Duration, now: Timestamp) {
        self.start_held(id, total, delay, &Held::default(), now);
    }

    /// Starts a transfer of something that is beside the player, as in a cache of its device: it begins and is complete after
    /// so long, and takes nothing of the line.
    pub fn start_local(&mut self, id: RequestId, total: u64, takes: Duration, now: Timestamp) {
        self.start_held(id, total, Duration::ZERO, &Held::default(), now);
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.local = true;
            transfer.held_until = self.clock.saturating_add(micros(takes));
        }
    }

    /// How urgent a transfer is beside others on [one connection](Self::one_connection): the lower goes first. Default 0.
    pub fn set_urgency(&mut self, id: RequestId, urgency: u8) {
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.urgency = urgency;
        }
    }

    /// Starts a transfer of something that is being made: see [`Held`]. What the server takes of `delay` begins when the
    /// answer is there.
    pub fn start_held(&mut self, id: RequestId, total: u64, delay: Duration, held: &Held, now: Timestamp) {
        self.settle(now);
        let (step, _) = self.network.at(now);
        // What is made goes half of the way there and back.
        let made = |after: Duration| self.clock.saturating_add(micros(after.saturating_add(step.latency / 2)));
        let asked = self.clock.saturating_add(micros(step.latency));
        let there = if held.until.is_zero() { asked } else { asked.max(made(held.until)) };
        let answers = there.saturating_add(micros(delay));
        let sent = |after: Duration| answers.saturating_add(micros(after));
        let pieces = held.pieces.iter().map(|(from, after)| (*from, made(*after)));
        let mut pieces: Vec<_> = pieces.chain(held.paced.iter().map(|(from, after)| (*from, sent(*after)))).collect();
        pieces.sort_unstable();
        let transfer = Transfer {
            total,
            left: total,
            pieces: pieces.into(),
            held_until: answers,
            begun: false,
            received: 0,
            chunk: 0,
            local: false,
            urgency: 0,
        };
        self.transfers.insert(id, transfer);
    }

    /// Stops a transfer; nothing of it follows.
    pub fn cancel(&mut self, id: RequestId, now: Timestamp) {
        self.settle(now);
        self.transfers.remove(&id);
        self.happened.retain(|event| event.id() != id);
    }

    /// The next thing that happened until `now`, in order.
    pub fn poll(&mut self, now: Timestamp) -> Option<LinkEvent> {
        self.advance(now);
        self.happened.pop_front()
    }

    /// When it wants to be polled next: something happens then, or the rate changes under a
    /// transfer. None if nothing is on its way.
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.happened.is_empty() {
            self.next_change().map(Timestamp::from_micros)
        } else {
            Some(Timestamp::from_micros(self.clock))
        }
    }

    /// Works out what changes by itself until `now`. The state moves only from change to change,
    /// never to the time of a poll, so it does not matter who asks when.
    fn advance(&mut self, now: Timestamp) {
        while let Some(next) = self.next_change().filter(|next| *next <= now.as_micros()) {
            self.work_until(next);
        }
    }

    /// Works everything out up to `now`, before something changes from outside.
    fn settle(&mut self, now: Timestamp) {
        self.advance(now);
        self.work_until(now.as_micros());
    }

    /// On one connection the transfer whose turn it is.
    fn turn(&self) -> Option<RequestId> {
        let active = self.transfers.iter().filter(|(_, transfer)| self.in_turn && transfer.is_active(self.clock));
        active.min_by_key(|(id, transfer)| (transfer.urgency, **id)).map(|(id, _)| *id)
    }

    fn active(&self) -> u64 {
        match self.turn() {
            Some(_) => 1,
            None => self.transfers.values().filter(|transfer| transfer.is_active(self.clock)).count() as u64,
        }
    }

    /// When the shares change or something happens next.
    fn next_change(&self) -> Option<u64> {
        let (step, step_end) = self.network.at(Timestamp::from_micros(self.clock));
        let (active, turn) = (self.active(), self.turn());
        let change = |(id, transfer): (&RequestId, &Transfer)| {
            if !transfer.is_active(self.clock) {
                return Some(transfer.held_until.max(self.clock));
            }
            if turn.is_some_and(|turn| turn != *id) {
                return None;
            }
            let missing = u128::from(transfer.chunk) * UNITS_PER_BYTE;
            let missing = missing.saturating_sub(transfer.received) * u128::from(active);
            let takes = match step.bits_per_second {
                0 => return None,
                rate => missing.div_ceil(u128::from(rate)),
            };
            Some(self.clock.saturating_add(u64::try_from(takes).unwrap_or(u64::MAX)))
        };
        let step_end = (active > 0).then_some(step_end.as_micros());
        let next = self.transfers.iter().filter_map(change).chain(step_end).min();
        next.filter(|next| *next < u64::MAX)
    }

    /// Hands out what the link carries until `until`, which is not behind the next change.
    fn work_until(&mut self, until: u64) {
        let (step, step_end) = self.network.at(Timestamp::from_micros(self.clock));
        let active = u128::from(self.active());
        let span = u128::from(until.saturating_sub(self.clock));
        let carried = u128::from(step.bits_per_second).saturating_mul(span);
        let (share, mut rest) = (carried.checked_div(active).unwrap_or(0), carried.checked_rem(active).unwrap_or(0));
        let (turn, clock) = (self.turn(), self.clock);
        let has_turn = |id: &RequestId| turn.is_none_or(|turn| turn == *id);
        let mut transfers = self.transfers.iter_mut().filter(|(id, t)| t.is_active(clock) && has_turn(id));
        for (_, transfer) in &mut transfers {
            // The indivisible rest goes to the oldest transfers, so no capacity is lost.
            transfer.received += share + u128::from(rest > 0);
            rest = rest.saturating_sub(1);
        }
        self.clock = self.clock.max(until);
        self.deliver(until >= step_end.as_micros());
    }

    /// Tells what is complete at this moment and plans what comes next.
    fn deliver(&mut self, rate_changed: bool) {
        let (step, step_end) = self.network.at(Timestamp::from_micros(self.clock));
        let sharing = u128::from(self.active().max(1));
        let fits =
            u128::from(step.bits_per_second).saturating_mul(u128::from(self.chunk_micros)) / (sharing * UNITS_PER_BYTE);
        let fits = u64::try_from(fits).unwrap_or(u64::MAX).clamp(PACKET, self.chunk_max);
        let Self { network, random, clock, transfers, happened, .. } = self;
        transfers.retain(|id, transfer| {
            if transfer.held_until > *clock {
                return true;
            }
            if transfer.local {
                happened.push_back(LinkEvent::FirstByte(*id));
                if transfer.left > 0 {
                    happened.push_back(LinkEvent::Bytes { id: *id, n: transfer.left });
                }
                happened.push_back(LinkEvent::Done(*id));
                return false;
            }
            if !transfer.begun && step.bits_per_second == 0 {
                // Nothing comes through, not even the first byte.
                transfer.held_until = step_end.as_micros();
                return true;
            }
            if !transfer.begun {
                transfer.begun = true;
                happened.push_back(LinkEvent::FirstByte(*id));
                transfer.plan(fits);
                if transfer.waits(*clock) {
                    return true;
                }
            } else if rate_changed {
                let arrived = u64::try_from(transfer.received / UNITS_PER_BYTE).unwrap_or(u64::MAX);
                transfer.chunk = transfer.chunk.min(arrived.saturating_add(fits));
            }
            while transfer.left > 0 && transfer.received >= u128::from(transfer.chunk) * UNITS_PER_BYTE {
                let n = transfer.chunk;
                transfer.received -= u128::from(n) * UNITS_PER_BYTE;
                transfer.left -= n;
                happened.push_back(LinkEvent::Bytes { id: *id, n });
                let risk = n.div_ceil(PACKET) * u64::from(network.loss_ppm());
                if random.below(PARTS_PER_MILLION.into()) < risk && transfer.left > 0 {
                    transfer.held_until = clock.saturating_add(micros(step.latency));
                    transfer.plan(fits);
                    return true;
                }
                let waits = transfer.waits(*clock);
                transfer.plan(fits);
                if waits {
                    return true;
                }
            }
            if transfer.left == 0 {
                happened.push_back(LinkEvent::Done(*id));
            }
            transfer.left > 0
        });
    }
}

impl Transfer {
    /// Plans the next chunk: no further than to what is not there yet.
    fn plan(&mut self, fits: u64) {
        let at = self.total - self.left;
        let next = self.pieces.iter().map(|(from, _)| *from).find(|from| *from > at);
        self.chunk = next.map_or(self.left, |next| (next - at).min(self.left)).min(fits);
    }

    /// Whether what follows is not there yet; it is waited for then.
    fn waits(&mut self, clock: u64) -> bool {
        let at = self.total - self.left;
        let mut waits = false;
        while self.left > 0 {
            let Some((_, due)) = self.pieces.pop_front_if(|(from, _)| *from <= at) else { break };
            if due > clock {
                self.held_until = self.held_until.max(due);
                waits = true;
            }
        }
        waits
    }

    /// Takes part in sharing the link.
    fn is_active(&self, clock: u64) -> bool {
        self.begun && self.held_until <= clock
    }
}

impl LinkEvent {
    /// Which transfer it is about.
    pub fn id(self) -> RequestId {
        match self {
            Self::FirstByte(id) | Self::Done(id) | Self::Bytes { id, .. } => id,
        }
    }
}
