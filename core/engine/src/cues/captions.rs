//! Captions that are inside of the picture, through segments that come again, and seeks.

use telecine_container::text::cea::{CaptionChannel, CaptionDecoder};
use telecine_model::cue::CueChange;
use telecine_model::{CueStore, Limits, MediaTime, SortedMap};

use crate::action::LoadId;
use crate::buffer::SEAM;

/// Decodes CEA-608 and CEA-708 of a title; all channels, so that another one is there as soon as it is chosen.
#[derive(Debug)]
pub(super) struct Captions {
    decoder: CaptionDecoder,
    limits: Limits,
    stores: SortedMap<CaptionChannel, CueStore>,
    /// The loading whose pictures come.
    load: Option<LoadId>,
    /// Where the next segment begins, and its discontinuity domain, if it follows.
    expected: Option<(u64, MediaTime)>,
    /// The latest picture that was decoded.
    through: MediaTime,
    /// Pictures up to here were decoded before this loading.
    known: MediaTime,
}

/// Which segment pictures are of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) id: LoadId,
    pub(super) discontinuity: u64,
    pub(super) start: MediaTime,
    pub(super) end: MediaTime,
}

impl Captions {
    pub(super) fn new(limits: &Limits) -> Self {
        // There are 67 channels at most, and mostly two.
        let mut each = limits.clone();
        each.cues = (limits.cues / 8).max(1);
        Self {
            decoder: CaptionDecoder::new(limits),
            limits: each,
            stores: SortedMap::new(),
            load: None,
            expected: None,
            through: MediaTime::MIN,
            known: MediaTime::MIN,
        }
    }

    /// The cues of a channel.
    pub(super) fn store(&self, channel: CaptionChannel) -> Option<&CueStore> {
        self.stores.get(&channel)
    }

    /// Pictures of this loading follow. What does not follow the segment before begins anew.
    pub(super) fn begin(&mut self, load: Load) {
        if self.load == Some(load.id) {
            return;
        }
        self.load = Some(load.id);
        let follows =
            self.expected.is_some_and(|(domain, at)| domain == load.discontinuity && at.abs_diff(load.start) <= SEAM);
        if !follows {
            self.decoder.reset();
            self.through = MediaTime::MIN;
        }
        // A segment whose loading broke off comes again.
        self.known = self.through;
    }

    /// Takes the triplets of a picture. `in_order`: pictures come in the order in which they are shown, so that one
    /// that is not later than the last was there before.
    pub(super) fn push(&mut self, time: MediaTime, triplets: &[u8], in_order: bool) {
        let known = if in_order { self.through } else { self.known };
        if time > known {
            self.through = self.through.max(time);
            self.decoder.push(time, triplets);
        }
    }

    /// The segment is complete. What this changed in the cues of `channel` is appended to `changes`.
    pub(super) fn conclude(&mut self, load: Load, channel: Option<CaptionChannel>, changes: &mut Vec<CueChange>) {
        if self.load != Some(load.id) {
            return;
        }
        self.expected = Some((load.discontinuity, load.end));
        self.decoder.flush();
        let mut others = Vec::new();
        while let Some((of, cue)) = self.decoder.poll() {
            let store = self.stores.entry(of).or_insert_with(|| CueStore::new(&self.limits));
            store.insert(cue, if Some(of) == channel { &mut *changes } else { &mut others });
        }
        let mut open: SortedMap<CaptionChannel, Vec<_>> = SortedMap::new();
        for (of, cue) in self.decoder.open() {
            self.stores.entry(of).or_insert_with(|| CueStore::new(&self.limits));
            open.entry(of).or_default().push(cue);
        }
        for (of, store) in &mut self.stores {
            let cues = open.remove(of).unwrap_or_default();
            store.set_open(cues, if Some(*of) == channel { &mut *changes } else { &mut others });
            others.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn load(id: u64, start: i64, end: i64) -> Load {
        Load { id: LoadId(id), discontinuity: 0, start: millis(start), end: millis(end) }
    }

    /// Field 1: roll-up of two rows, a carriage return, two letters.
    fn row(captions: &mut Captions, at: i64, letters: &[u8; 2]) {
        for (step, pair) in [[0x14, 0x25], [0x14, 0x2d], *letters].into_iter().enumerate() {
            captions.push(millis(at + step as i64), &[0xfc, pair[0], pair[1]], true);
        }
    }

    fn told(captions: &Captions) -> Vec<(String, i64, bool)> {
        let store = captions.store(CaptionChannel::Cc1).expect("captions");
        store.iter().map(|(_, cue)| (cue.plain_text(), cue.start.as_millis(), cue.is_open())).collect()
    }

    #[test]
    fn a_segment_that_comes_again_says_its_captions_once() {
        let mut captions = Captions::new(&Limits::default());
        let mut changes = Vec::new();
        captions.begin(load(1, 0, 4000));
        row(&mut captions, 1000, b"ab");
        captions.conclude(load(1, 0, 4000), Some(CaptionChannel::Cc1), &mut changes);
        assert!(matches!(&changes[..], [CueChange::Added(..)]), "{changes:?}");
        // The second breaks off, and comes again from elsewhere.
        captions.begin(load(2, 4000, 8000));
        row(&mut captions, 5000, b"cd");
        for id in [3, 3] {
            captions.begin(load(id, 4000, 8000));
            row(&mut captions, 5000, b"cd");
        }
        captions.conclude(load(3, 4000, 8000), None, &mut changes);
        let lines: Vec<_> = told(&captions).into_iter().map(|(text, _, open)| (text, open)).collect();
        assert_eq!(lines, [("ab".to_owned(), false), ("ab\ncd".to_owned(), true)]);
        assert_eq!(changes.len(), 1, "another channel is chosen now");
    }

    #[test]
    fn behind_a_seek_captions_begin_anew() {
        let mut captions = Captions::new(&Limits::default());
        let mut changes = Vec::new();
        let mut play = |captions: &mut Captions, id: u64, start: i64| {
            captions.begin(load(id, start, start + 4000));
            row(captions, start + 1000, b"ab");
            captions.conclude(load(id, start, start + 4000), Some(CaptionChannel::Cc1), &mut changes);
        };
        play(&mut captions, 1, 40_000);
        play(&mut captions, 2, 8000);
        let starts: Vec<_> = told(&captions).into_iter().map(|(text, start, _)| (text, start)).collect();
        assert_eq!(starts, [("ab".to_owned(), 9002)], "what was open elsewhere goes on as nobody knows");
        play(&mut captions, 3, 12_000);
        assert_eq!(told(&captions).len(), 2);
    }
}
