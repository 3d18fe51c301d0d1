//! What a request is for.

use serde::{Deserialize, Serialize};

/// What a request is for. Decides how long to try again and what else to do when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestClass {
    /// The multivariant playlist or the MPD, for the first time. Nothing plays without it.
    Manifest,
    /// A media playlist, or the refresh of a playlist, an MPD or a patch.
    Playlist,
    /// An initialisation section.
    Init,
    /// A segment index (`sidx`).
    Index,
    /// A media segment or a part of one.
    Segment,
    /// A subtitle file or segment. Playback goes on without it.
    Text,
    /// A decryption key or a licence.
    Key,
    /// A steering manifest. Playback goes on without it.
    Steering,
    /// The wall clock (`UTCTiming`). Playback goes on without it.
    Clock,
    /// What an interstitial plays. The title goes on without it.
    AssetList,
}

impl RequestClass {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Playlist => "playlist",
            Self::Init => "init",
            Self::Index => "index",
            Self::Segment => "segment",
            Self::Text => "text",
            Self::Key => "key",
            Self::Steering => "steering",
            Self::Clock => "clock",
            Self::AssetList => "asset-list",
        }
    }
}
