//! Packets of connections with TCP's slow start on one bottleneck, in virtual time.

use std::collections::{BTreeMap, VecDeque};

use telecine_abr::{Estimator, TransferFlags, TransferId, TransferSample};
use telecine_model::rng::Rng;
use telecine_model::Timestamp;

/// Payload of a packet.
const PACKET: u64 = 1_448;
/// The window of a connection at its start, and after it was idle for a retransmission timeout
/// (RFC 6928, RFC 5681 4.1).
const FIRST_WINDOW: f64 = 10.0;
const IDLE_MS: f64 = 250.0;
/// No window grows beyond this, in packets: buffers are finite.
const LARGEST_WINDOW: f64 = 400.0;
/// A TLS record carries this much at most (RFC 8446 5.1).
const RECORD: u64 = 16_384;

/// A bottleneck: its rate from each time on, in milliseconds and bits a millisecond.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) rates: Vec<(f64, f64)>,
    pub(crate) rtt_ms: f64,
}

impl Link {
    pub(crate) fn steady(kbps: f64) -> Self {
        Self { rates: vec![(0.0, kbps)], rtt_ms: 40.0 }
    }

    pub(crate) fn then(mut self, from_ms: f64, kbps: f64) -> Self {
        self.rates.push((from_ms, kbps));
        self
    }

    fn rate(&self, at: f64) -> f64 {
        self.rates.iter().rev().find(|(from, _)| *from <= at).map_or(self.rates[0].1, |(_, rate)| *rate)
    }
}

/// A request, and when its server has what to send.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) requested_ms: f64,
    /// Time and bytes.
    pub(crate) pieces: Vec<(f64, u64)>,
    pub(crate) paced: bool,
    pub(crate) held: bool,
}

/// A packet at the player.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    at: f64,
    id: u64,
    bytes: u64,
    piece_ends: bool,
    body_ends: bool,
}

struct Connection {
    jobs: VecDeque<(u64, Job)>,
    window: f64,
    /// When packets in flight will be acknowledged.
    acknowledged: VecDeque<f64>,
    sent: f64,
    /// When the answer before was there.
    free: f64,
    piece: usize,
    left: u64,
}

impl Connection {
    /// When the next packet can leave.
    fn ready(&self, rtt: f64) -> Option<f64> {
        let (_, job) = self.jobs.front()?;
        let (available, _) = job.pieces[self.piece];
        let requested = job.requested_ms.max(self.free) + rtt / 2.0;
        let ready = available.max(requested);
        let idle = self.acknowledged.len() as f64 >= self.window;
        Some(if idle { ready.max(self.acknowledged[0]) } else { ready })
    }
}

/// How a host reads what arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reads {
    /// Each packet as it comes.
    Packets,
    /// TLS records, complete.
    Records,
    /// Whatever came in so many milliseconds.
    Ticks(f64),
    /// Packets, by a host that is late by up to so many milliseconds, and now and then by ten times
    /// as much; then it reads all that came.
    Late(f64),
}

/// All packets of all requests, in the order of their arrival; requests of one connection follow
/// each other.
fn carry(link: &Link, connections: Vec<Vec<Job>>) -> (Vec<Arrival>, BTreeMap<u64, Job>) {
    let mut ids = 0;
    let mut jobs = BTreeMap::new();
    let mut connections: Vec<Connection> = connections
        .into_iter()
        .map(|list| {
            let jobs = list.into_iter().map(|job| {
                ids += 1;
                jobs.insert(ids, job.clone());
                (ids, job)
            });
            let jobs: VecDeque<(u64, Job)> = jobs.collect();
            let left = jobs.front().map_or(0, |(_, job)| job.pieces[0].1);
            Connection {
                jobs,
                window: FIRST_WINDOW,
                acknowledged: VecDeque::new(),
                sent: 0.0,
                free: 0.0,
                piece: 0,
                left,
            }
        })
        .collect();
    let mut arrivals = Vec::new();
    let mut free = 0.0_f64;
    loop {
        let ready = connections.iter_mut().filter_map(|one| Some((one.ready(link.rtt_ms)?, one)));
        let Some((at, one)) = ready.min_by(|(a, _), (b, _)| a.total_cmp(b)) else {
            return (arrivals, jobs);
        };
        while one.acknowledged.front().is_some_and(|acknowledged| *acknowledged <= at) {
            one.acknowledged.pop_front();
            one.window = (one.window + 1.0).min(LARGEST_WINDOW);
        }
        if at - one.sent > IDLE_MS {
            one.window = FIRST_WINDOW;
        }
        one.sent = at;
        let bytes = one.left.min(PACKET);
        let starts = (at + link.rtt_ms / 2.0).max(free);
        free = starts + bytes as f64 * 8.0 / link.rate(starts);
        one.acknowledged.push_back(free + link.rtt_ms / 2.0);
        one.left -= bytes;
        let (id, pieces) = one.jobs.front().map(|(id, job)| (*id, job.pieces.len())).expect("a job");
        let piece_ends = one.left == 0;
        let body_ends = piece_ends && one.piece + 1 == pieces;
        arrivals.push(Arrival { at: free, id, bytes, piece_ends, body_ends });
        if body_ends {
            one.jobs.pop_front();
            one.free = free;
        }
        if piece_ends {
            one.piece = if body_ends { 0 } else { one.piece + 1 };
            one.left = one.jobs.front().map_or(0, |(_, job)| job.pieces[one.piece].1);
        }
    }
}

/// What of a transfer has arrived, and what of it was read.
#[derive(Clone, Copy, Default)]
struct Got {
    first: f64,
    arrived: u64,
    read: u64,
    record: u64,
    piece_end: u64,
}

/// Carries all requests, reads what arrives, tells it to an estimator, and gives what that believes
/// after each read: milliseconds and kilobits a second.
pub(crate) fn measure(
    estimator: &mut dyn Estimator,
    link: &Link,
    connections: Vec<Vec<Job>>,
    reads: Reads,
    chunks: bool,
) -> Vec<(f64, f64)> {
    let at = |ms: f64| Timestamp::from_micros((ms * 1000.0).round() as u64);
    let (arrivals, jobs) = carry(link, connections);
    let mut got: BTreeMap<u64, Got> = BTreeMap::new();
    let mut believed = Vec::new();
    // When each packet can be read; several packets of one read come at once.
    let mut events: Vec<(f64, Arrival)> = arrivals.iter().map(|arrival| (arrival.at, *arrival)).collect();
    if let Reads::Ticks(tick) = reads {
        events.iter_mut().for_each(|(when, _)| *when = (*when / tick).ceil() * tick);
    }
    if let Reads::Late(most) = reads {
        let mut rng = Rng::new(7);
        let mut free = 0.0;
        for (when, _) in &mut events {
            if *when > free {
                let late = rng.below(1000) as f64 / 1000.0 * most;
                free = *when + if rng.below(40) == 0 { 10.0 * late } else { late };
            }
            *when = free;
        }
    }
    for (index, (when, arrival)) in events.iter().enumerate() {
        let (when, id) = (*when, TransferId(arrival.id));
        let of = got.entry(arrival.id).or_default();
        if of.arrived == 0 {
            of.first = when;
            if jobs[&arrival.id].paced {
                estimator.on_paced(id);
            }
            estimator.on_progress(id, 0, at(when));
        }
        of.arrived += arrival.bytes;
        of.record += arrival.bytes;
        let readable = match reads {
            Reads::Packets => true,
            Reads::Records => arrival.piece_ends || of.record >= RECORD,
            // The last of its kind in this read.
            Reads::Ticks(_) | Reads::Late(_) => {
                let rest = events[index + 1..].iter().take_while(|(then, _)| *then == when);
                !rest.clone().any(|(_, other)| other.id == arrival.id)
            }
        };
        if readable {
            of.read = of.arrived;
            of.record = 0;
            estimator.on_progress(id, of.read, at(when));
        }
        if arrival.piece_ends {
            of.piece_end = of.arrived;
        }
        if chunks && readable && of.piece_end > 0 {
            estimator.on_chunk(id, of.piece_end);
            of.piece_end = 0;
        }
        if arrival.body_ends {
            let job = &jobs[&arrival.id];
            estimator.on_transfer(&TransferSample {
                id,
                bytes: of.arrived,
                started: at(job.requested_ms),
                first_byte: at(of.first),
                finished: at(when),
                flags: TransferFlags { paced: job.paced, held: job.held, ..TransferFlags::default() },
            });
        }
        if let Some(estimate) = estimator.estimate() {
            believed.push((when, estimate.bits_per_second as f64 / 1000.0));
        }
    }
    believed
}
