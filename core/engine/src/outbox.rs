//! Actions on their way to the host, and the hash of all that ever were.

use std::collections::VecDeque;

use telecine_model::hash::Fnv1a;

use crate::action::Action;
use crate::fingerprint;
use crate::secrets::Secrets;

/// A queue of actions. Each is hashed as it is queued, in the form without media and secrets: two
/// runs (or two platforms, or a replay) decided alike if their hashes are equal.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Action>,
    hash: Fnv1a,
    count: u64,
    /// What the hash is taken without.
    pub(crate) secrets: Secrets,
}

impl Outbox {
    pub(crate) fn push(&mut self, action: Action) {
        match &action {
            Action::Fetch(fetch) if !self.secrets.is_empty() => {
                let mut shown = fetch.clone();
                shown.url = self.secrets.hide(&fetch.url).into_owned();
                fingerprint::add(&mut self.hash, &Action::Fetch(shown), &self.secrets);
            }
            _ => fingerprint::add(&mut self.hash, &action, &self.secrets),
        }
        self.count += 1;
        self.queue.push_back(action);
    }

    /// An action that is neither hashed nor counted.
    pub(crate) fn push_aside(&mut self, action: Action) {
        self.queue.push_back(action);
    }

    pub(crate) fn pop(&mut self) -> Option<Action> {
        self.queue.pop_front()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}
