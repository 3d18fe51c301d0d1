//! An interstitial on its way to the viewer, or before the viewer.

use std::collections::VecDeque;
use std::sync::Arc;

use telecine_model::interstitial::{Asset, Interstitial, InterstitialCue, Resume, SkipControl};
use telecine_model::{MediaTime, Timestamp};

use super::roll::Roll;

/// An interstitial, or several that follow each other, between two parts of the title.
pub(super) struct Pause {
    pub(super) parts: Vec<Part>,
    /// Where the title is held.
    pub(super) cut: MediaTime,
    /// How far into the first it begins: whoever comes late sees the rest.
    pub(super) midway: MediaTime,
    /// The title is held.
    pub(super) on: bool,
    /// Assets that no engine was made for yet.
    pub(super) coming: VecDeque<Coming>,
    /// What plays, and what follows it.
    pub(super) rolls: VecDeque<Roll>,
    /// Where the viewer wants the title to go on.
    pub(super) target: Option<MediaTime>,
    /// Since when nothing is seen.
    pub(super) waits: Option<Timestamp>,
    /// Where the next comes, in the sink's time, if nothing is there before it.
    pub(super) place: MediaTime,
    /// The edge of the title was followed when it was held.
    pub(super) followed: bool,
    /// The title was told to go on, from there.
    pub(super) returns: Option<MediaTime>,
    /// The title was never played before it: what is held of it is its beginning.
    pub(super) first: bool,
    /// When what it plays is asked for.
    pub(super) ask_at: Option<Timestamp>,
}

/// One of the interstitials of a pause.
pub(super) struct Part {
    pub(super) what: Arc<Interstitial>,
    /// What it plays is known, or that it cannot be known.
    pub(super) resolved: bool,
    /// That it plays was told.
    pub(super) told: bool,
    /// That it has ended was told.
    pub(super) ended: bool,
    /// How much of it was played.
    pub(super) played: MediaTime,
    /// Something of it could not be played.
    pub(super) failed: bool,
    /// Assets that it has.
    pub(super) assets: u32,
    /// What its list says of skipping, in place of what it says itself (IN02).
    pub(super) skip_control: Option<SkipControl>,
}

impl Part {
    pub(super) fn new(what: Arc<Interstitial>) -> Self {
        Self {
            what,
            resolved: false,
            told: false,
            ended: false,
            played: MediaTime::ZERO,
            failed: false,
            assets: 0,
            skip_control: None,
        }
    }
}

/// An asset to come.
pub(super) struct Coming {
    pub(super) asset: Asset,
    pub(super) part: usize,
    pub(super) index: u32,
    /// Where to begin in it.
    pub(super) from: MediaTime,
}

impl Pause {
    /// Which of the interstitials plays, or is next.
    pub(super) fn part(&self) -> usize {
        let next = self.rolls.front().map(|roll| roll.part).or(self.coming.front().map(|coming| coming.part));
        next.unwrap_or(self.parts.len().saturating_sub(1))
    }

    pub(super) fn last(&self) -> Option<&Arc<Interstitial>> {
        self.parts.last().map(|part| &part.what)
    }

    pub(super) fn is_behind_title(&self) -> bool {
        self.last().is_some_and(|what| what.cue == InterstitialCue::BehindTitle)
    }

    /// Who followed the edge of a live title follows it still: it goes on as much later as was seen meanwhile, or where it was held,
    /// so that stalls alone have made it later. Else its author, or the viewer, wants it to go on elsewhere.
    pub(super) fn keeps_following(&self) -> bool {
        let kept = |part: &Part| part.what.resume == Resume::Played || (part.failed && part.played == MediaTime::ZERO);
        self.followed && self.target.is_none() && self.parts.iter().all(kept)
    }

    /// Every asset that there will be is known.
    pub(super) fn is_resolved(&self) -> bool {
        self.parts.iter().all(|part| part.resolved)
    }

    pub(super) fn fail(&mut self, part: usize) {
        if let Some(part) = self.parts.get_mut(part) {
            part.failed = true;
        }
    }
}
