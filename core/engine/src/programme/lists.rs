//! Asset lists on their way.

use std::time::Duration;

use telecine_manifest::interstitial::asset_list;
use telecine_model::interstitial::AssetList;
use telecine_model::{Error, ErrorCode, Limits, SortedMap};

use crate::input::{Body, NetworkEvent, RequestId, ResponseHead};

/// A decision takes time: a list may be silent for so long (delivery rules; no second attempt).
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// Lists that were read ahead and are kept for their use, at most.
const MOST_KEPT: usize = 16;

/// Lists that are asked for, or were read ahead of their use.
#[derive(Debug, Default)]
pub(super) struct Lists {
    next: u64,
    /// By the number of the request.
    under_way: SortedMap<u64, UnderWay>,
    /// By the URL that the interstitial, or the notice, names.
    read: SortedMap<String, Result<AssetList, Error>>,
}

#[derive(Debug)]
struct UnderWay {
    /// What the title calls it.
    name: String,
    url: String,
    head: Option<ResponseHead>,
    body: Vec<u8>,
}

impl Lists {
    /// A list is asked for: the number of its request.
    pub(super) fn ask(&mut self, name: &str, url: &str) -> RequestId {
        let id = self.next;
        self.next += 1;
        let entry = UnderWay { name: name.to_owned(), url: url.to_owned(), head: None, body: Vec::new() };
        self.under_way.insert(id, entry);
        RequestId(id)
    }

    fn keep(&mut self, name: String, found: Result<AssetList, Error>) {
        // What nobody came for goes.
        if self.read.len() >= MOST_KEPT {
            self.read.pop_first();
        }
        self.read.insert(name, found);
    }

    /// Whether it is asked for, or was read.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.read.contains_key(name) || self.under_way.values().any(|entry| entry.name == name)
    }

    /// A list that was read; the next one who asks gets another.
    pub(super) fn take(&mut self, name: &str) -> Option<Result<AssetList, Error>> {
        self.read.remove(name)
    }

    /// Stops everything: requests to cancel.
    pub(super) fn clear(&mut self) -> Vec<RequestId> {
        self.read.clear();
        std::mem::take(&mut self.under_way).into_keys().map(RequestId).collect()
    }

    /// Gives up a list that is under way: the request to cancel.
    pub(super) fn give_up(&mut self, name: &str) -> Option<RequestId> {
        let id = self.under_way.iter().find(|(_, entry)| entry.name == name).map(|(id, _)| *id)?;
        self.under_way.remove(&id);
        Some(RequestId(id))
    }

    pub(super) fn on_network(&mut self, event: NetworkEvent, limits: &Limits) {
        match event {
            NetworkEvent::Head(head) => {
                if let Some(entry) = self.under_way.get_mut(&head.id.0) {
                    entry.head = Some(*head);
                }
            }
            NetworkEvent::Chunk { id, data: Body::Bytes(data) } => {
                if let Some(entry) = self.under_way.get_mut(&id.0) {
                    // One byte more than may be says that it is too large.
                    let room = (limits.manifest_bytes + 1).saturating_sub(entry.body.len());
                    entry.body.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
                }
            }
            NetworkEvent::Chunk { .. } => {}
            NetworkEvent::End { id } => {
                if let Some(entry) = self.under_way.remove(&id.0) {
                    let found = entry.read(limits);
                    self.keep(entry.name, found);
                }
            }
            NetworkEvent::Failed { id, code, message } => {
                if let Some(entry) = self.under_way.remove(&id.0) {
                    let url = telecine_model::uri::without_secrets(&entry.url);
                    self.keep(entry.name, Err(Error::new(code, message).fact("url", url)));
                }
            }
        }
    }
}

impl UnderWay {
    fn read(&self, limits: &Limits) -> Result<AssetList, Error> {
        let Some(head) = self.head.as_ref().filter(|head| head.is_success()) else {
            let status = self.head.as_ref().map_or(0, |head| head.status);
            let error = Error::new(ErrorCode::HttpStatus, format!("the asset list was answered with status {status}"));
            return Err(error.fact("status", status).fact("url", telecine_model::uri::without_secrets(&self.url)));
        };
        asset_list(&self.body, &head.url, limits)
    }
}
