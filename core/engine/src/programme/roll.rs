//! What plays one asset of an interstitial: an engine of its own.

use telecine_model::interstitial::Asset;
use telecine_model::{Error, MediaTime, Timestamp};

use super::line::Line;
use crate::engine::Engine;
use crate::event::State;

/// One asset on its way to the screen, or on it.
pub(super) struct Roll {
    pub(super) engine: Engine,
    pub(super) line: Line,
    pub(super) asset: Asset,
    /// Which of the interstitials that follow each other it belongs to.
    pub(super) part: usize,
    /// Which of that one's assets it is.
    pub(super) index: u32,
    /// The application was told that it plays.
    pub(super) told: bool,
    /// What ended it.
    pub(super) fault: Option<Error>,
}

impl Roll {
    /// Where it begins, on its own timeline, once that is known.
    pub(super) fn start(&self) -> Option<MediaTime> {
        self.engine.title.start
    }

    /// Where it ends, once everything of it was handed on.
    pub(super) fn end(&self) -> Option<MediaTime> {
        if !self.engine.is_fed() {
            return None;
        }
        self.engine.fed_until().filter(|end| Some(*end) > self.start())
    }

    /// How long it is, once that is known.
    pub(super) fn length(&self) -> Option<MediaTime> {
        Some(self.end()? - self.start()?)
    }

    /// How much of it was seen.
    pub(super) fn seen(&self, now: Timestamp) -> MediaTime {
        match self.start().filter(|_| self.engine.playback.started) {
            Some(start) => self.engine.position_at(now) - start,
            None => MediaTime::ZERO,
        }
    }

    /// It cannot be played: it failed, it is empty, or it is none that may be (IN03).
    pub(super) fn is_lost(&self) -> bool {
        let live = self.engine.title.presentation.as_ref().is_some_and(|presentation| presentation.live);
        let empty = self.engine.is_fed() && self.end().is_none();
        self.engine.playback.state == State::Failed || live || empty
    }
}
