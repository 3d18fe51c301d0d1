//! What a page may look at: bytes of the module's memory that stay where they are until they are given back.

use std::sync::Arc;

use bytes::Bytes;
use telecine_engine::container::Fragment;
use telecine_engine::drm::SecretBytes;
use telecine_engine::LoadId;
use telecine_model::TrackKind;

/// Something that is lent.
#[derive(Debug)]
pub(crate) enum Lent {
    /// An initialisation section.
    Init(Bytes),
    /// Media, and what it is part of: a sink that has no room for it names that.
    Media {
        /// Kept, and looked at by nobody here but to tell it from another.
        fragment: Arc<Fragment>,
        kind: TrackKind,
        load: LoadId,
    },
    /// A letter about keys: wiped when it is given back.
    Letter(SecretBytes),
}

impl Lent {
    /// Its bytes.
    pub(crate) fn pieces(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::Init(bytes) => Box::new(std::iter::once(&bytes[..])),
            Self::Letter(bytes) => Box::new(std::iter::once(bytes.expose())),
            Self::Media { fragment, .. } => Box::new(fragment.data.iter().map(|piece| &piece[..])),
        }
    }
}
