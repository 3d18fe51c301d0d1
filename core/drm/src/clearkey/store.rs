//! Keys in the clear, by their names.

use telecine_model::protection::{KeyId, KeyRef};

use crate::session::SessionId;
use crate::{ContentKey, SecretBytes};
use telecine_model::{SortedMap, SortedSet};

/// The keys that this player holds itself. Each is wiped when the last session that brought it is closed;
/// those that the application gave stay.
#[derive(Debug, Default)]
pub struct KeyStore {
    keys: SortedMap<KeyRef, Entry>,
}

#[derive(Debug)]
struct Entry {
    key: SecretBytes,
    /// The application's.
    given: bool,
    owners: SortedSet<SessionId>,
}

impl KeyStore {
    /// A store without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a key that the application gives. It replaces one of the same name.
    pub fn give(&mut self, kid: KeyId, key: &ContentKey) {
        let key = SecretBytes::new(key.expose().to_vec());
        self.keys.insert(KeyRef::Kid(kid), Entry { key, given: true, owners: SortedSet::new() });
    }

    /// Takes back keys that the application gave; those that a session brought too stay as that session's.
    pub fn keep_given(&mut self, keep: impl Fn(KeyId) -> bool) {
        self.keys.retain(|name, entry| {
            entry.given &= name.kid().is_none_or(&keep);
            entry.given || !entry.owners.is_empty()
        });
    }

    /// The key, for the decryptor; None if there is none of this name or it is not one of 128 bits.
    pub fn content_key(&self, name: &KeyRef) -> Option<ContentKey> {
        let bytes = self.keys.get(name)?.key.expose();
        <[u8; 16]>::try_from(bytes).ok().map(ContentKey::new)
    }

    /// The key's bytes, of whatever length: 16, or 32 for AES-256.
    pub fn bytes(&self, name: &KeyRef) -> Option<&SecretBytes> {
        self.keys.get(name).map(|entry| &entry.key)
    }

    /// True if there is a key of this name.
    pub fn contains(&self, name: &KeyRef) -> bool {
        self.keys.contains_key(name)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Names of the keys that the application gave.
    pub fn given(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.iter().filter(|(_, entry)| entry.given).filter_map(|(name, _)| name.kid())
    }

    /// Takes a key that a session brought. The application's own stands before it.
    pub(super) fn bring(&mut self, session: SessionId, name: KeyRef, key: SecretBytes) {
        let entry =
            self.keys.entry(name).or_insert_with(|| Entry { key: key.clone(), given: false, owners: SortedSet::new() });
        if !entry.given {
            entry.key = key;
        }
        entry.owners.insert(session);
    }

    /// Forgets what only this session brought.
    pub(super) fn drop_session(&mut self, session: SessionId) {
        self.keys.retain(|_, entry| {
            entry.owners.remove(&session);
            entry.given || !entry.owners.is_empty()
        });
    }
}
