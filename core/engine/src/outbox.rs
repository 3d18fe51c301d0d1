//! Actions on their way to the host, and the hash of all that ever were.

use std::collections::VecDeque;

use telecine_model::hash::Fnv1a;

use crate::action::Action;

/// A queue of actions. Each is hashed as it is queued, in the form without media and secrets: two
/// runs (or two platforms, or a replay) decided alike if their hashes are equal.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Action>,
    hash: Fnv1a,
    count: u64,
}

impl Outbox {
    pub(crate) fn push(&mut self, action: Action) {
        // Serialising into memory fails for no value that an action can hold; if it ever did, the
        // hash would differ from itself under replay, which is what the hash is for.
        self.hash.update(&postcard::to_stdvec(&action).unwrap_or_default());
        self.count += 1;
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
