//! What was too late to be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_engine::SinkReport;
use telecine_model::Timestamp;

/// How often it is told how many pictures were due, while they are shown.
const FRAMES_EVERY: Duration = Duration::from_secs(1);

/// What was dropped for being late.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    total: u64,
    /// What elements said last.
    by_element: BTreeMap<String, u64>,
}

impl Dropped {
    /// An element has dropped so much since its last flush: how much of that is news.
    pub(crate) fn hear(&mut self, element: &str, dropped: u64) -> u64 {
        let before = self.by_element.insert(element.to_owned(), dropped).unwrap_or(0);
        let fresh = dropped.checked_sub(before).unwrap_or(dropped);
        self.total += fresh;
        fresh
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

/// Pictures that were due and not told of yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pictures {
    due: u64,
    /// Of those, the ones that were too late for the renderer, or that the decoder passed over.
    dropped: u64,
    next_told: Timestamp,
}

impl Pictures {
    /// So many came out of the decoder.
    pub(crate) fn decoded(&mut self, pictures: u64) {
        self.due += pictures;
    }

    /// So many are not shown. What a decoder passes over does not come out of it; what a renderer drops did.
    pub(crate) fn drop(&mut self, pictures: u64, by_decoder: bool) {
        self.dropped += pictures;
        self.due += if by_decoder { pictures } else { 0 };
    }

    /// What is to be told of them now, at most once in a while.
    pub(crate) fn tell(&mut self, now: Timestamp) -> Option<SinkReport> {
        if self.due == 0 || now < self.next_told {
            return None;
        }
        // What is dropped by a renderer was decoded before: it was due in the report before, perhaps.
        let count = |pictures: u64| u32::try_from(pictures).unwrap_or(u32::MAX);
        let dropped = self.dropped.min(self.due);
        let report = SinkReport::Frames { due: count(self.due), dropped: count(dropped) };
        *self = Self { due: 0, dropped: self.dropped - dropped, next_told: now + FRAMES_EVERY };
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pictures: &mut Pictures, at: u64) -> Option<(u32, u32)> {
        match pictures.tell(Timestamp::from_millis(at)) {
            Some(SinkReport::Frames { due, dropped }) => Some((due, dropped)),
            _ => None,
        }
    }

    #[test]
    fn pictures_are_told_once_a_second_and_each_once() {
        let mut pictures = Pictures::default();
        assert_eq!(told(&mut pictures, 0), None, "there were none");
        pictures.decoded(20);
        pictures.drop(3, false);
        pictures.drop(5, true);
        assert_eq!(told(&mut pictures, 100), Some((25, 8)));
        pictures.decoded(1);
        assert_eq!(told(&mut pictures, 1099), None);
        // They were due before.
        pictures.drop(2, false);
        assert_eq!(told(&mut pictures, 1100), Some((1, 1)));
        pictures.decoded(4);
        assert_eq!((told(&mut pictures, 2100), told(&mut pictures, 9000)), (Some((4, 1)), None));
    }

    #[test]
    fn what_an_element_counts_is_news_once_and_begins_anew_with_a_flush() {
        let mut dropped = Dropped::default();
        assert_eq!((dropped.hear("a", 3), dropped.hear("a", 5), dropped.hear("b", 1)), (3, 2, 1));
        assert_eq!((dropped.hear("a", 1), dropped.total()), (1, 7));
    }
}
