//! Faults of media and of subtitle texts that were tolerated: each rule once per track, with a count.

use serde::{Deserialize, Serialize};
use telecine_model::{SortedMap, TrackKind, Warning};

use crate::engine::Engine;
use crate::event::Event;
use crate::stream::RenditionRef;

/// A fault of media or of a subtitle text that was tolerated, and how often it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaWarning {
    /// For which kind of track it was fetched. What is muxed in counts to what it is muxed with.
    pub kind: TrackKind,
    /// `Track::id`.
    pub track: String,
    /// `Rendition::id` of what it was found in first.
    pub rendition: String,
    /// Number of the segment that it was found in first.
    pub segment: u64,
    /// Rule (`T001`…, see [`StreamReader`](telecine_container::StreamReader) and
    /// [`text`](telecine_container::text)), place in the segment, and what was made of it, as of the first time.
    pub warning: Warning,
    /// How often the rule was broken in this track so far. A segment that is fetched again counts again.
    pub count: u64,
}

/// Those of a title.
#[derive(Debug, Default)]
pub(crate) struct Tolerated {
    found: SortedMap<(TrackKind, String, String), Tally>,
}

#[derive(Debug)]
struct Tally {
    warning: MediaWarning,
    /// The count that the application knows.
    told: u64,
}

impl Tally {
    /// At one, ten, a hundred…: a broken stream is no flood of events.
    fn is_due(&self) -> bool {
        self.warning.count.checked_ilog10().is_some_and(|power| 10_u64.pow(power) == self.warning.count)
    }

    fn tell(&mut self) -> MediaWarning {
        self.told = self.warning.count;
        self.warning.clone()
    }
}

impl Engine {
    /// Faults of media and of subtitle texts that were tolerated since the title was loaded, each rule once per
    /// track.
    pub fn media_warnings(&self) -> impl Iterator<Item = &MediaWarning> {
        self.title.tolerated.found.values().map(|tally| &tally.warning)
    }

    /// Something was tolerated in a segment.
    pub(crate) fn tolerate(&mut self, kind: TrackKind, reference: RenditionRef, segment: u64, warning: Warning) {
        let track = self.track(reference.period, reference.track).map(|track| track.id.clone()).unwrap_or_default();
        let key = (kind, track, warning.rule.clone());
        let tally = match self.title.tolerated.found.get_mut(&key) {
            Some(tally) => tally,
            None => {
                if self.title.tolerated.found.len() >= self.config.limits.side_items {
                    return;
                }
                let rendition = self.rendition(reference).map(|r| r.id.clone()).unwrap_or_default();
                let warning = MediaWarning { kind, track: key.1.clone(), rendition, segment, warning, count: 0 };
                self.title.tolerated.found.entry(key).or_insert(Tally { warning, told: 0 })
            }
        };
        tally.warning.count = tally.warning.count.saturating_add(1);
        if tally.is_due() {
            let warning = tally.tell();
            self.emit_aside(Event::MediaWarning { at: self.now, warning });
        }
    }

    /// Playback is over: what was counted since is told.
    pub(crate) fn tell_tolerated(&mut self) {
        let grown = self.title.tolerated.found.values_mut().filter(|tally| tally.told < tally.warning.count);
        let grown: Vec<MediaWarning> = grown.map(Tally::tell).collect();
        for warning in grown {
            self.emit_aside(Event::MediaWarning { at: self.now, warning });
        }
    }
}
