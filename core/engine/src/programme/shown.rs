//! What the application is told of interstitials.

use serde::{Deserialize, Serialize};
use telecine_model::{Error, MediaTime};

/// What happens to an interstitial: see [`Event::Interstitial`](crate::Event::Interstitial).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InterstitialPhase {
    /// It became known, or is another than was known: [`Programme::interstitials`](crate::Programme::interstitials) has
    /// everything about it.
    Known {
        /// Where it is played.
        start: MediaTime,
    },
    /// What it plays is known.
    Resolved {
        /// How many assets.
        assets: u32,
        /// How long they are said to be together, if each says so.
        duration: Option<MediaTime>,
    },
    /// The title is held, and it plays.
    Started {
        /// Where the title is held.
        position: MediaTime,
    },
    /// One of its assets plays.
    AssetStarted {
        /// Which, from zero.
        index: u32,
        /// How long it is, if that is known.
        duration: Option<MediaTime>,
    },
    /// One of its assets cannot be played, and is left out; or what it plays cannot be found out.
    Failed {
        /// Which asset; None if it is about all.
        index: Option<u32>,
        /// Why.
        error: Error,
    },
    /// The title goes on.
    Ended {
        /// Where.
        resume: MediaTime,
        /// Why.
        reason: InterstitialEnd,
    },
}

/// Why an interstitial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InterstitialEnd {
    /// It was played to its end.
    Played,
    /// The viewer skipped it.
    Skipped,
    /// The viewer went elsewhere.
    Left,
    /// Nothing of it, or nothing more of it, could be played.
    Failed,
}

/// An interstitial that is played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterstitialSnapshot {
    /// [`Interstitial::id`](telecine_model::Interstitial::id).
    pub id: String,
    /// Which of its assets is played, from zero; None while it waits for one.
    pub asset: Option<u32>,
    /// Playhead within that.
    pub position: MediaTime,
    /// How long that is, if that is known.
    pub duration: Option<MediaTime>,
    /// How much of the interstitial was played so far.
    pub played: MediaTime,
    /// The viewer may skip it now.
    pub skippable: bool,
}
