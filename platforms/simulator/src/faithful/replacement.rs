//! Fast switching: better segments in the place of buffered ones.

use super::buffer::Buffer;

/// Whether segments are replaced that wait in the buffer at a lower level than the rule chooses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Replacement {
    /// None is.
    #[default]
    Never,
    /// The first to be played is, of those that are more than a segment and a half away (`-r left`).
    First,
    /// The last to be played is (`-r right`).
    Last,
    /// The rule says which, if any: see [`SceneRule::replace`](telecine_abr::published::SceneRule::replace).
    ByRule,
}

impl Replacement {
    /// How many segments from the buffer's end the one to be replaced is.
    pub(super) fn of(self, buffer: &Buffer, level: usize) -> Option<usize> {
        let levels = buffer.levels();
        let near = (1.5 + buffer.segments_begun()).ceil() as usize;
        let mut far = near..levels.len();
        let lower = |place: &usize| levels[*place] < level;
        let place = match self {
            Self::Never | Self::ByRule => None,
            Self::First => far.find(lower),
            Self::Last => far.rev().find(lower),
        };
        place.map(|place| levels.len() - place)
    }
}
