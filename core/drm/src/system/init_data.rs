//! Initialisation data: what a key session begins with.

use std::fmt;

use bytes::Bytes;
use telecine_model::protection::KeyId;
use telecine_model::Limits;

use super::{clearkey, Pssh};

/// Form of initialisation data (the W3C's registry of them; the last is this player's own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InitDataKind {
    /// PSSH boxes.
    Cenc,
    /// Key identifiers in JSON.
    KeyIds,
    /// A FairPlay key URI.
    Skd,
    /// A URI where the key itself is, 16 bytes (HLS `identity`). Only for the software key system.
    KeyUri,
}

impl InitDataKind {
    /// EME's name for it; None if it has none.
    pub const fn eme_name(self) -> Option<&'static str> {
        match self {
            Self::Cenc => Some("cenc"),
            Self::KeyIds => Some("keyids"),
            Self::Skd => Some("skd"),
            Self::KeyUri => None,
        }
    }
}

/// Initialisation data of one key session. Two sessions of equal data would get equal keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitData {
    /// Its form.
    pub kind: InitDataKind,
    /// Its bytes.
    pub bytes: Bytes,
}

impl InitData {
    /// Key identifiers in JSON.
    pub fn of_key_ids(kids: &[KeyId]) -> Self {
        Self { kind: InitDataKind::KeyIds, bytes: clearkey::key_ids_to_json(kids).into() }
    }

    /// PSSH boxes, one behind the other.
    pub fn of_boxes<'a>(boxes: impl IntoIterator<Item = &'a Pssh>) -> Self {
        let bytes: Vec<u8> = boxes.into_iter().flat_map(|pssh| pssh.raw().iter().copied()).collect();
        Self { kind: InitDataKind::Cenc, bytes: bytes.into() }
    }

    /// The key identifiers in it; empty if it names none or cannot be read.
    pub fn key_ids(&self, limits: &Limits) -> Vec<KeyId> {
        match self.kind {
            InitDataKind::Cenc => {
                let boxes = Pssh::parse_all(&self.bytes, limits).unwrap_or_default();
                let mut kids = Vec::new();
                for kid in boxes.iter().flat_map(|pssh| pssh.key_ids(limits)) {
                    if !kids.contains(&kid) && kids.len() < limits.key_ids {
                        kids.push(kid);
                    }
                }
                kids
            }
            InitDataKind::KeyIds => clearkey::key_ids_from_json(&self.bytes, limits).unwrap_or_default(),
            InitDataKind::Skd | InitDataKind::KeyUri => Vec::new(),
        }
    }
}

/// Without its content: a URI may hold tokens, an object embedded licences.
impl fmt::Debug for InitData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InitData({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::protection::SystemId;

    #[test]
    fn key_identifiers_come_out_of_every_form_that_names_them() {
        let limits = Limits::default();
        let kids = vec![KeyId([1; 16]), KeyId([2; 16])];
        assert_eq!(InitData::of_key_ids(&kids).key_ids(&limits), kids);
        let common = Pssh::new(SystemId::COMMON, kids.clone(), Bytes::new());
        let other = Pssh::new(SystemId::WIDEVINE, vec![kids[1], KeyId([3; 16])], Bytes::new());
        let data = InitData::of_boxes([&common, &other]);
        assert_eq!(data.key_ids(&limits), [kids[0], kids[1], KeyId([3; 16])]);
        let skd = InitData { kind: InitDataKind::Skd, bytes: Bytes::from_static(b"skd://secret") };
        assert!(skd.key_ids(&limits).is_empty());
        assert_eq!(format!("{skd:?}"), "InitData(Skd, 12 bytes)");
    }
}
