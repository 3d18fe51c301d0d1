//! What was asked for and what was given: the oracle of every test that judges a client from outside.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::request::Keys;

/// One request. As a JSON line it is written when its response has ended; in memory it is there from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Position among all requests, from 0.
    pub seq: u64,
    /// When the head of the request had arrived: milliseconds since the origin started.
    pub time_ms: u64,
    /// Number of the connection, from 0.
    pub connection: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, without the question mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The value of `Range`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The status code; 0 while none was sent.
    pub status: u16,
    /// Bytes of the body that were handed to the network.
    pub bytes_sent: u64,
    /// Milliseconds from `time_ms` to the first byte of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// Milliseconds from `time_ms` to the end of the response; absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Whether the whole body was handed to the network; not so when a client went away or a fault cut it.
    pub complete: bool,
    /// The value of `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The CMCD request headers (CTA-5004), by name in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cmcd: BTreeMap<String, String>,
    /// The faults that were applied, as the URL writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Of a request for keys or a licence: which were asked for, and which given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
}

/// How many requests stay in memory.
const KEPT: usize = 100_000;

/// The log of one origin.
pub(crate) struct Journal {
    started: Instant,
    state: Mutex<State>,
}

struct State {
    entries: VecDeque<LogEntry>,
    next: u64,
    sink: Option<Box<dyn Write + Send>>,
}

impl Journal {
    pub(crate) fn new(started: Instant, sink: Option<Box<dyn Write + Send>>) -> Self {
        Self { started, state: Mutex::new(State { entries: VecDeque::new(), next: 0, sink }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The requests that are kept, in the order they came.
    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.state().entries.iter().cloned().collect()
    }

    /// Takes a request down.
    pub(crate) fn open(self: &Arc<Self>, entry: LogEntry) -> Ticket {
        let time_ms = self.now();
        let mut state = self.state();
        let seq = state.next;
        state.next += 1;
        if state.entries.len() == KEPT {
            state.entries.pop_front();
        }
        state.entries.push_back(LogEntry { seq, time_ms, ..entry });
        Ticket { journal: self.clone(), seq, time_ms }
    }

    fn update(&self, seq: u64, change: impl FnOnce(&mut LogEntry)) -> Option<LogEntry> {
        let mut state = self.state();
        let first = state.entries.front()?.seq;
        let entry = state.entries.get_mut(usize::try_from(seq.checked_sub(first)?).ok()?)?;
        change(entry);
        Some(entry.clone())
    }

    fn write(&self, entry: &LogEntry) {
        let mut state = self.state();
        if let (Some(sink), Ok(mut line)) = (&mut state.sink, serde_json::to_string(entry)) {
            line.push('\n');
            // A full disk must not end the service; the log in memory is still whole.
            let _ = sink.write_all(line.as_bytes()).and_then(|()| sink.flush());
        }
    }
}

/// A request that is being answered. Dropping it ends the entry.
pub(crate) struct Ticket {
    journal: Arc<Journal>,
    seq: u64,
    time_ms: u64,
}

impl Ticket {
    pub(crate) fn time_ms(&self) -> u64 {
        self.time_ms
    }

    pub(crate) fn answered(&self, status: u16, fault: Option<String>, keys: Option<Keys>) {
        self.journal.update(self.seq, |entry| (entry.status, entry.fault, entry.keys) = (status, fault, keys));
    }

    pub(crate) fn sent(&self, bytes: u64) {
        let now = self.journal.now().saturating_sub(self.time_ms);
        self.journal.update(self.seq, |entry| {
            entry.bytes_sent += bytes;
            entry.first_byte_ms.get_or_insert(now);
        });
    }

    pub(crate) fn complete(&self) {
        self.journal.update(self.seq, |entry| entry.complete = true);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let duration = self.journal.now().saturating_sub(self.time_ms);
        if let Some(entry) = self.journal.update(self.seq, |entry| entry.duration_ms = Some(duration)) {
            self.journal.write(&entry);
        }
    }
}
