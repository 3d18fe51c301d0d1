//! What is known of each host that media comes from.
//!
//! Transfers from wherever share the line to the viewer, and what the line carries is known of all of them. But a host may be
//! slower than the line, and another one is not to be judged by that. What answers by another version of HTTP counts as another host.

use std::time::Duration;

use telecine_model::{uri, HttpVersion, SortedMap, Timestamp};

use crate::belief::{Belief, Lent};
use crate::estimate::{Answer, Recent, TransferId};
use crate::recent::{RateSample, Window};

/// Hosts that are known at once; beyond this the one is forgotten that was not heard of for the longest time.
const MAX_HOSTS: usize = 8;
/// Hosts that send on to others, as many again.
const MAX_LEADS: usize = 8;
/// Transfers of which it is known whose they are.
const MAX_TRANSFERS: usize = 64;
/// Longer names are not told apart.
const LONGEST_ORIGIN: usize = 256;
/// Of a host that nothing is known of, so much is believed of what the line is known for (Media3 and hls.js go up by 0.7).
const LENT_SHARE: f64 = 0.7;
/// What a host did is as good as new for so long while others are heard...
const FRESH: Duration = Duration::from_secs(30);
/// ... and behind that worth half as much after each of these.
const HALF_LIFE_S: f64 = 120.0;

/// Scheme, host and port, as they are compared (RFC 6454, 4): without regard to case, and a scheme's own port says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
}

/// Scheme and host of an absolute URL, the scheme's own port left out.
fn parts(url: &str) -> Option<(&str, &str)> {
    let scheme = uri::split(url).scheme?;
    let host = uri::host(url);
    let own = [("https", ":443"), ("http", ":80")].iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
    let host = own.and_then(|(_, port)| host.strip_suffix(port)).unwrap_or(host);
    (scheme.len() + host.len() <= LONGEST_ORIGIN).then_some((scheme, host))
}

impl Origin {
    fn of(url: &str) -> Option<Self> {
        let (scheme, host) = parts(url)?;
        Some(Self { scheme: scheme.to_ascii_lowercase(), host: host.to_ascii_lowercase() })
    }

    fn is_of(&self, url: &str) -> bool {
        let same = |(scheme, host): (&str, &str)| {
            self.scheme.eq_ignore_ascii_case(scheme) && self.host.eq_ignore_ascii_case(host)
        };
        parts(url).is_some_and(same)
    }
}

/// Names a host for as long as it is known. Never given twice.
type HostId = u64;

#[derive(Clone, Debug)]
pub(crate) struct Host {
    id: HostId,
    origin: Origin,
    /// The same host by another version is another one: connections of their own, often another machine.
    version: Option<HttpVersion>,
    pub(crate) belief: Belief,
    pub(crate) window: Window,
    /// When a rate of it was measured last.
    measured: Option<Timestamp>,
    /// When anything was heard of it last.
    heard: Timestamp,
}

/// The line, and every host that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    known: Vec<Host>,
    next: HostId,
    /// Whoever is asked here is answered from there.
    leads: Vec<(Origin, HostId)>,
    transfers: SortedMap<TransferId, HostId>,
}

/// What is known of the line, for hosts to be seen beside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) belief: &'a Belief,
    pub(crate) window: &'a Window,
    /// When a rate was measured last, of whichever host.
    pub(crate) measured: Option<Timestamp>,
}

impl Line<'_> {
    fn lent(&self) -> Option<Lent> {
        let usual = self.window.usual().or(self.belief.rate())?;
        self.belief.lend(usual, LENT_SHARE)
    }
}

impl Hosts {
    /// A transfer that was asked for at one URL is answered by another.
    pub(crate) fn answered(&mut self, transfer: TransferId, answer: &Answer<'_>, now: Timestamp) {
        let &Answer { asked, by, version } = answer;
        let Some(origin) = Origin::of(by) else { return };
        let id = match self.known.iter_mut().find(|host| host.origin == origin && host.version == version) {
            Some(host) => {
                host.heard = host.heard.max(now);
                host.id
            }
            None => self.meet(origin, version, now),
        };
        if self.transfers.len() >= MAX_TRANSFERS && !self.transfers.contains_key(&transfer) {
            self.transfers.pop_first();
        }
        self.transfers.insert(transfer, id);
        self.leads.retain(|(from, _)| !from.is_of(asked));
        if let Some(from) = Origin::of(asked).filter(|_| !self.is(id, asked)) {
            if self.leads.len() >= MAX_LEADS {
                self.leads.remove(0);
            }
            self.leads.push((from, id));
        }
    }

    fn meet(&mut self, origin: Origin, version: Option<HttpVersion>, now: Timestamp) -> HostId {
        if self.known.len() >= MAX_HOSTS {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, host)| (host.heard, host.id));
            if let Some(oldest) = oldest.map(|(place, _)| place) {
                let gone = self.known.remove(oldest).id;
                self.leads.retain(|(_, to)| *to != gone);
                self.transfers.retain(|_, of| *of != gone);
            }
        }
        let id = self.next;
        self.next += 1;
        self.known.push(Host {
            id,
            origin,
            version,
            belief: Belief::default(),
            window: Window::default(),
            measured: None,
            heard: now,
        });
        id
    }

    fn is(&self, id: HostId, url: &str) -> bool {
        self.known.iter().any(|host| host.id == id && host.origin.is_of(url))
    }

    /// Nobody has told yet where anything comes from.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose a transfer is.
    pub(crate) fn of(&mut self, transfer: TransferId) -> Option<&mut Host> {
        let id = *self.transfers.get(&transfer)?;
        self.known.iter_mut().find(|host| host.id == id)
    }

    /// A transfer has ended.
    pub(crate) fn end(&mut self, transfer: TransferId) {
        self.transfers.remove(&transfer);
    }

    /// What is believed of whoever answers what is asked for at a URL, and what its rate was like.
    pub(crate) fn believed(&self, asked: &str, line: &Line<'_>) -> (Belief, Option<Recent>) {
        let led = self.leads.iter().find(|(from, _)| from.is_of(asked)).map(|(_, to)| *to);
        // By which version it will answer is not known before it does: by that of its last answer.
        let host = self.known.iter().filter(|host| match led {
            Some(id) => host.id == id,
            None => host.origin.is_of(asked),
        });
        let host = host.max_by_key(|host| (host.heard, host.id));
        match host {
            Some(host) => (host.at_present(line), host.window.recent()),
            None => (Belief::default().beside(0.0, line), None),
        }
    }
}

impl Host {
    /// A rate of it was measured: what it is believed to do begins from what is believed of it at present.
    pub(crate) fn hear_rate(&mut self, sample: &RateSample, line: &Line<'_>) {
        let present = self.at_present(line);
        if sample.says_more_than(&present) {
            self.belief = present;
            self.belief.hear_rate(sample.rate, sample.weight, &sample.heard);
            if let Some(measured) = self.window.hear(sample) {
                self.belief.begin_anew(measured);
            }
            self.measured = Some(sample.at);
        }
    }

    fn at_present(&self, line: &Line<'_>) -> Belief {
        let kept = match (self.measured, line.measured) {
            // Where nothing else was heard since, what it did last is what is known.
            (Some(own), Some(last)) => libm::exp2(-last.since(own).saturating_sub(FRESH).as_secs_f64() / HALF_LIFE_S),
            (Some(_), None) => 1.0,
            (None, _) => 0.0,
        };
        self.belief.beside(kept, line)
    }
}

impl Belief {
    /// What is believed where only `kept` of it is worth anything any more beside what is known of the line.
    fn beside(&self, kept: f64, line: &Line<'_>) -> Self {
        match line.lent() {
            Some(lent) if kept < 1.0 => self.faded(kept, &lent),
            _ => *self,
        }
    }
}
