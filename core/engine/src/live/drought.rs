//! A live source that has nothing for longer than it should: its list does not grow, or media come later than announced.
//!
//! The buffer runs low then, and playback may stand, on the best of lines. That is told by its name, and nothing is concluded
//! from it for the choice of renditions: when there is media again, it is chosen as at a start, by what the line carries, and
//! of all renditions that there were.

use std::time::Duration;

use telecine_model::{Timestamp, TrackKind};

use crate::engine::Engine;
use crate::requests::Purpose;
use crate::stream::{RenditionRef, Stream};

/// A list that was there so soon after it was asked for came over a line that is well.
const PROMPT: Duration = Duration::from_millis(1500);

/// So many segments' durations after the newest was asked for there is another: more is a drought. One is what a segment
/// takes, and half of one is between two loads of a list (rfc8216bis 6.3.4).
const PATIENCE: i64 = 2;

/// So many segments fill a buffer that ran low for that.
const REFILL: u8 = 3;

impl Engine {
    /// A list came again, which was asked for at a time. Streams that it has had nothing for too long for have a source that
    /// has nothing.
    pub(crate) fn note_drought(&mut self, purpose: &Purpose, asked: Timestamp) {
        let of = match purpose {
            Purpose::Playlist(reference) if self.is_reload(*reference) => Some(*reference),
            Purpose::Refresh | Purpose::Patch => None,
            _ => return,
        };
        let now = self.now;
        if now.since(asked) > PROMPT {
            return;
        }
        let lacks = |stream: &Stream| {
            let patience = self.segment_duration(stream).mul_ratio(PATIENCE, 1).to_duration();
            let own = stream.rendition.map(|rendition| stream.reference(rendition));
            let long = stream.fetched.is_some_and(|fetched| now.since(fetched) > patience);
            stream.waits_at_edge() && long && (of.is_none() || of == own)
        };
        let kinds: Vec<TrackKind> =
            self.streams.values().filter(|stream| lacks(stream)).map(|stream| stream.kind).collect();
        for kind in kinds {
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.refill = REFILL;
            }
        }
    }

    /// A rendition's playlist grew that had stood still: others of the track were left for that alone, and no server of theirs
    /// was at fault.
    pub(super) fn end_drought(&mut self, reference: RenditionRef) {
        let of_track = |other: &RenditionRef| (other.period, other.track) == (reference.period, reference.track);
        let own = |stream: &Stream| stream.rendition.is_some_and(|rendition| stream.reference(rendition) == reference);
        if !self.streams.values().any(own) {
            return;
        }
        let for_a_while = |until: &Timestamp| until.as_micros() < u64::MAX;
        let dead = self.title.dead.iter().filter(|(other, until)| of_track(other) && for_a_while(until));
        let known: Vec<RenditionRef> = dead.map(|(other, _)| *other).filter(|other| self.is_reload(*other)).collect();
        for other in known {
            self.title.dead.remove(&other);
        }
    }

    /// Whether a stream lacks media because its source has none.
    pub(crate) fn is_source_late(&self, stream: &Stream) -> bool {
        let listed = stream.refill > 0 && stream.waits_at_edge();
        listed
            || stream.lost.first.is_some()
            || self.title.live.dash.as_ref().is_some_and(|dash| dash.late.is_doubtful(stream.kind))
    }
}
