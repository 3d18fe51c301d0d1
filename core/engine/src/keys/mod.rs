//! Keys: of whole segments and of samples, and what plays as long as they are on their way.

mod files;
mod setup;

use telecine_model::TrackKind;

use crate::media::MediaFact;

pub(crate) use files::{Bar, Cover, GivenKey, KeyFiles, Lock};
pub use setup::KeySetup;

/// What was found in media that had waited for a key or an initialisation section.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) kind: TrackKind,
    /// In the initialisation section itself.
    pub(crate) init: bool,
    pub(crate) facts: Vec<MediaFact>,
}

/// What a replay is told instead of keys: what came of them.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) opened: Vec<Opened>,
}

impl Recorded {
    /// What was found in what waited for a kind.
    pub(crate) fn take_opened(&mut self, kind: TrackKind, init: bool) -> Option<Vec<MediaFact>> {
        let at = self.opened.iter().position(|opened| opened.kind == kind && opened.init == init)?;
        Some(self.opened.remove(at).facts)
    }
}
