//! One answer in the making: its range, its validators, its faults.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{bare, Library};
use crate::body::{Body, Part};
use crate::fault::{ByteFaultKind, Class, Draws, Subject};
use crate::network::Network;
use crate::options::Target;
use crate::programme::Programme;
use crate::request::{Delivery, End, Request, Response};
use crate::resource::{Names, Resource};
use crate::title::{fnv, FNV};

/// The bytes of one request, in a resource.
enum Wanted {
    All,
    Some(Range<u64>),
    /// Nothing of the resource.
    Beyond,
}

/// Texts beyond this are sent as they are: compressing takes them into memory.
const MOST_COMPRESSED: u64 = 64 << 20;

/// One answer in the making.
pub(super) struct Answer<'a> {
    pub(super) library: &'a Library,
    pub(super) request: &'a Request<'a>,
    pub(super) target: &'a Target,
    /// Changes when the bytes behind the path do.
    pub(super) digest: u64,
    /// The title that was packaged.
    pub(super) programme: Option<Programme<'a>>,
    pub(super) base: Option<u64>,
    /// The bytes of the resource are gzip of it.
    pub(super) zipped: bool,
    /// The faults that were applied.
    pub(super) faults: Vec<String>,
}

impl Answer<'_> {
    pub(super) fn give(mut self, resource: Resource) -> Response {
        let faults = &self.target.options.faults;
        let class = resource.class;
        let text = matches!(class, Class::Manifest | Class::Text);
        let gzip_wanted = self.request.range.is_none() && (self.request.accepts_gzip || faults.gzip);
        let compressed = text && gzip_wanted && !self.zipped && resource.length() <= MOST_COMPRESSED;
        let edge = self.programme.and_then(|programme| programme.edge).filter(|_| class == Class::Manifest);
        let etag = self.etag(compressed, edge.map_or(0, |edge| edge.digest()));
        let content_type = match &faults.mime {
            Some(mime) => {
                self.faults.push("mime".to_owned());
                mime.clone()
            }
            None => resource.content_type.to_owned(),
        };
        let asked = self.wanted(&resource, &etag);
        let first = match &asked {
            Wanted::Some(range) => range.start,
            Wanted::All | Wanted::Beyond => 0,
        };
        if let Some(response) = self.status_fault(&resource, first) {
            return self.delivered(response, Delivery::default());
        }
        if resource.gap {
            return self.delivered(bare(404, Vec::new(), Some("a gap")), Delivery::default());
        }
        if self.request.if_none_match.is_some_and(|known| known == "*" || known.split(", ").any(|tag| tag == etag)) {
            return self.delivered(bare(304, vec![("etag", etag)], None), Delivery::default());
        }
        let mut headers = vec![("content-type", content_type), ("etag", etag)];
        if !faults.no_range {
            headers.push(("accept-ranges", "bytes".to_owned()));
        }
        let total = resource.length();
        let wait = resource.wait(first);
        let waits = |bytes: &Range<u64>| {
            let later = resource.pieces.iter().filter(|(piece, later)| bytes.contains(&piece.start) && *later > wait);
            later.map(|(piece, later)| (piece.start - bytes.start, Duration::from_millis(*later))).collect::<Vec<_>>()
        };
        let growing = resource.pieces.last().is_some_and(|(_, last)| *last > wait);
        let (status, range) = match asked {
            Wanted::All => (200, 0..total),
            // What was not hinted at nobody knows of.
            Wanted::Some(range) if range.start >= resource.askable() => {
                headers.push(("content-range", "bytes */*".to_owned()));
                return self.delivered(bare(416, headers, None), Delivery::default());
            }
            Wanted::Some(range) => {
                // Of what grows the length is not known, and an end that lies behind it stays as it was asked for
                // (RFC 8673, 2.2).
                let last = self.last_asked().filter(|last| growing && *last >= total).unwrap_or(range.end - 1);
                let total = if growing { "*".to_owned() } else { total.to_string() };
                headers.push(("content-range", format!("bytes {}-{last}/{total}", range.start)));
                (206, range)
            }
            Wanted::Beyond => {
                headers.push(("content-range", format!("bytes */{total}")));
                return self.delivered(bare(416, headers, None), Delivery::default());
            }
        };
        let mut delivery = self.byte_faults(&resource, &range);
        delivery.hold = Duration::from_millis(wait);
        delivery.pieces = waits(&range);
        // Where it ends is known of what was asked for up to an end, and of what is there.
        let known = delivery.pieces.is_empty() || self.last_asked().is_some_and(|last| last < total);
        let mut body = self.body(resource).slice(range.clone());
        if compressed {
            if faults.gzip {
                self.faults.push("enc_gzip".to_owned());
            }
            body = Body::from(gzip(&body.into_bytes()));
        }
        if compressed || self.zipped {
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        if text || self.zipped {
            headers.push(("vary", "accept-encoding".to_owned()));
        }
        match self.target.options.age.filter(|_| class != Class::Manifest) {
            _ if edge.is_some() => headers.push(("cache-control", "no-cache".to_owned())),
            Some(age) => headers.push(("cache-control", format!("max-age={age}"))),
            None => {}
        }
        if known {
            headers.push(("content-length", body.len().to_string()));
        }
        self.delivered(
            Response { status, headers, body, delivery: Delivery::default(), fault: None, keys: None },
            delivery,
        )
    }

    /// A strong validator: what the body depends on, hashed; encodings differ in it (RFC 9110, 8.8.3.3).
    fn etag(&self, compressed: bool, moment: u64) -> String {
        let digest = self.digest.wrapping_add(moment << 1) ^ u64::from(compressed);
        let hash = fnv(fnv(FNV, &digest.to_be_bytes()), self.request.path.as_bytes());
        format!("\"{:016x}\"", fnv(hash, &self.seed().to_be_bytes()))
    }

    fn seed(&self) -> u64 {
        self.target.options.faults.seed.unwrap_or(self.library.seed)
    }

    /// The range asked for (RFC 9110, 14.2): one range of bytes; anything else is ignored.
    fn wanted(&mut self, resource: &Resource, etag: &str) -> Wanted {
        let Some(range) = self.request.range else {
            return Wanted::All;
        };
        if self.target.options.faults.no_range {
            self.faults.push("norange".to_owned());
            return Wanted::All;
        }
        if self.request.if_range.is_some_and(|known| known != etag) {
            return Wanted::All;
        }
        let total = resource.length();
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
            return Wanted::All;
        };
        let asked = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(total),
            (Ok(first), Err(_)) if last.is_empty() => first..total,
            (Err(_), Ok(suffix)) if first.is_empty() => total.saturating_sub(suffix)..total,
            _ => return Wanted::All,
        };
        if asked.start < asked.end {
            Wanted::Some(asked)
        } else {
            Wanted::Beyond
        }
    }

    /// The last byte of the range asked for, where it has one.
    fn last_asked(&self) -> Option<u64> {
        let (first, last) = self.request.range?.strip_prefix("bytes=")?.trim().split_once('-')?;
        last.parse().ok().filter(|_| !first.is_empty())
    }

    fn subject<'r>(&self, resource: &'r Resource) -> Subject<'r> {
        Subject {
            class: resource.class,
            rendition: &resource.rendition,
            by_path: resource.names == Names::Path,
            base: self.base,
            attempt: self.request.attempt,
        }
    }

    /// The scripted status of a request whose first byte is `first`.
    fn status_fault(&mut self, resource: &Resource, first: u64) -> Option<Response> {
        let subject = self.subject(resource);
        let segment = resource.segments.iter().rfind(|(_, bytes)| bytes.start <= first).map(|(n, _)| *n);
        let in_cycle = |cycle: Option<u64>| {
            let n = segment?;
            let first = |seconds| self.programme.as_ref().map_or(0, |p| resource.first_in_cycle(p, n, seconds));
            Some(n - cycle.map_or(0, first))
        };
        let fault = self.target.options.faults.status.iter().find(|fault| fault.hits(&subject, in_cycle))?;
        let headers = fault.retry.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
        self.faults.push(format!("statuscode {}", fault.code));
        Some(bare(fault.code, headers, Some("a scripted fault")))
    }

    /// Where in the body of a request the byte faults of its segments strike.
    fn byte_faults(&mut self, resource: &Resource, range: &Range<u64>) -> Delivery {
        let subject = self.subject(resource);
        let mut delivery = Delivery::default();
        let mut applied = Vec::new();
        for fault in &self.target.options.faults.bytes {
            for (_, bytes) in resource.segments.iter().filter(|(n, _)| fault.hits(&subject, *n)) {
                let at = match fault.kind {
                    ByteFaultKind::Cut | ByteFaultKind::Short => bytes.start.saturating_add(fault.amount),
                    ByteFaultKind::StallHead => bytes.start.max(range.start),
                    ByteFaultKind::StallBody => bytes.start + (bytes.end - bytes.start) / 2,
                    ByteFaultKind::Flip => continue,
                };
                // A position behind the segment is none, and what a request resumes behind has happened already.
                let resumed = fault.kind.ends_the_body() && fault.amount > 0 && at == range.start;
                if at >= bytes.end || !range.contains(&at) || resumed {
                    continue;
                }
                applied.push(format!("{}@{}", fault.kind.name(), fault.amount));
                let (at, pause) = (at - range.start, Duration::from_millis(fault.amount));
                match fault.kind {
                    ByteFaultKind::StallHead if at == 0 => delivery.head_delay = pause,
                    // Within a longer body, the head of a segment is where the segment starts.
                    ByteFaultKind::StallHead | ByteFaultKind::StallBody => delivery.stall = Some((at, pause)),
                    ByteFaultKind::Cut => delivery.end = Some((at, End::Reset)),
                    ByteFaultKind::Short => delivery.end = Some((at, End::Close)),
                    ByteFaultKind::Flip => {}
                }
            }
        }
        self.faults.extend(applied);
        delivery
    }

    /// The bytes of the resource, corrupted where the URL says so.
    fn body(&mut self, resource: Resource) -> Body {
        let subject = self.subject(&resource);
        let mut flips = BTreeMap::new();
        for fault in self.target.options.faults.bytes.iter().filter(|f| f.kind == ByteFaultKind::Flip) {
            for (n, bytes) in resource.segments.iter().filter(|(n, _)| fault.hits(&subject, *n)) {
                flips.insert(bytes.start, (*n, fault.amount));
            }
        }
        let mut at = 0;
        let mut parts = Vec::with_capacity(resource.parts.len());
        for part in resource.parts {
            let length = part.len();
            parts.push(match flips.get(&at) {
                Some((n, count)) => {
                    self.faults.push(format!("flip@{count}"));
                    let seed = fnv(self.seed(), resource.rendition.as_bytes()) ^ *n;
                    flipped(part, *count, seed)
                }
                None => part,
            });
            at += length;
        }
        Body::of(parts)
    }

    /// What applies to every response: delay, pace, and the list of faults.
    pub(super) fn delivered(self, response: Response, mut delivery: Delivery) -> Response {
        let faults = &self.target.options.faults;
        delivery.head_delay += Duration::from_millis(faults.delay_ms);
        delivery.pace = match (faults.rate, &faults.trace) {
            (Some(rate), _) => Some((Network::constant(rate, Duration::ZERO), Duration::ZERO)),
            (None, Some(name)) => {
                let at = self.request.trace_time();
                self.library.traces.get(name).map(|trace| (trace.clone(), at))
            }
            (None, None) => None,
        };
        let fault = (!self.faults.is_empty()).then(|| self.faults.join(","));
        Response { delivery, fault, ..response }
    }
}

/// Most bytes that one fault corrupts.
const MOST_FLIPS: u64 = 1 << 20;

/// `count` bytes changed, at places and to values drawn from a seed.
fn flipped(part: Part, count: u64, seed: u64) -> Part {
    let length = part.len();
    let mut draws = Draws::new(seed);
    let flips = (0..count.min(length).min(MOST_FLIPS)).map(|_| {
        let at = draws.next() % length;
        (at, (draws.next() % 255) as u8 + 1)
    });
    match part {
        // A file may be larger than memory: its bytes change as they are read.
        Part::File { file, length, .. } => {
            let mut all = BTreeMap::new();
            for (at, flip) in flips {
                *all.entry(at).or_insert(0) ^= flip;
            }
            Part::File { file, length, flips: all.into_iter().collect() }
        }
        part => {
            let flips: Vec<_> = flips.collect();
            let mut bytes = BytesMut::from(Body::of([part]).into_bytes());
            for (at, flip) in flips {
                bytes[at as usize] ^= flip;
            }
            Part::Bytes(bytes.freeze())
        }
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    Bytes::from(encoder.finish().unwrap_or_default())
}
