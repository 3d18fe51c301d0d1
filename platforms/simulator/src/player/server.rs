//! Where the player's media comes from, and what came of each request.

use std::collections::BTreeMap;

use telecine_engine::{FetchRequest, RequestId};
use telecine_model::Timestamp;
use telecine_virtual::testing::SizedTitle;
use telecine_virtual::{Fetched, Source};

use super::millis;
use super::stage::Shared;
use crate::outcome::{Outcome, Request};

/// A title, and what is asked for of it.
pub(super) struct Server<'a> {
    title: SizedTitle<'a>,
    stage: Shared,
    requests: Vec<Asked>,
    under_way: BTreeMap<RequestId, usize>,
}

struct Asked {
    request: Request,
    /// What all of the segment is, in bytes.
    bytes: u64,
}

impl<'a> Server<'a> {
    pub(super) fn new(title: SizedTitle<'a>, stage: Shared) -> Self {
        Self { title, stage, requests: Vec::new(), under_way: BTreeMap::new() }
    }

    /// Tells of the requests of a session whose levels are known.
    pub(super) fn tell(&self, outcome: &mut Outcome) {
        let complete = |asked: &&Asked| asked.request.bits >= asked.bytes as f64 * 8.0;
        let arrived: f64 = self.requests.iter().map(|asked| asked.request.bits).sum();
        // Of several requests for the same, one was played.
        let mut played = BTreeMap::new();
        for Asked { request, bytes } in self.requests.iter().filter(complete) {
            if outcome.segment(request.segment) == Some(request.level) {
                played.insert(request.segment, *bytes as f64 * 8.0);
            }
        }
        let whole = self.requests.iter().filter(complete).count();
        outcome.given_up = self.requests.len() - whole;
        outcome.replaced = whole.saturating_sub(played.len());
        outcome.wasted_bits = arrived - played.values().sum::<f64>();
        outcome.requests = self.requests.iter().map(|asked| asked.request).collect();
    }
}

impl Source for Server<'_> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.title.fetch(request)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let fetched = self.title.fetch(request);
        if let (Some((number, level)), Fetched::Response(response)) = (self.title.segment_of(&request.url), &fetched) {
            let segment = usize::try_from(number).unwrap_or(usize::MAX);
            // Everything before it is there.
            let buffer_ms = self.stage.look(|stage| stage.ahead_ms(segment, now));
            self.under_way.insert(request.id, self.requests.len());
            let request = Request { at_ms: millis(now), segment, level, bits: 0.0, took_ms: 0.0, buffer_ms };
            self.requests.push(Asked { request, bytes: response.bytes() });
        }
        fetched
    }

    fn over(&mut self, request: &FetchRequest, bytes: u64, now: Timestamp) {
        let asked = self.under_way.remove(&request.id).and_then(|index| self.requests.get_mut(index));
        if let Some(Asked { request, .. }) = asked {
            request.bits = bytes as f64 * 8.0;
            request.took_ms = millis(now) - request.at_ms;
        }
    }
}
