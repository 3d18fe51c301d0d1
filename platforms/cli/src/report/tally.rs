//! What really reached the sink: bitrates are measured from it, whatever manifests declare.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use telecine_container::InitSegment;
use telecine_engine::{Append, Payload, SinkCommand, TrackConfig};
use telecine_model::protection::KeyId;
use telecine_model::{MediaTime, TrackKind};

/// Counts the media that goes into a sink. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    lanes: Arc<Mutex<BTreeMap<TrackKind, Lane>>>,
    protected: Arc<AtomicBool>,
    /// Keys that somebody asks after and no media has named so far.
    unseen: Arc<Mutex<BTreeSet<KeyId>>>,
}

/// The media of one kind.
#[derive(Debug, Default)]
struct Lane {
    /// Bytes and duration of each rendition, all that came of it.
    renditions: BTreeMap<String, (u64, MediaTime)>,
    /// What was there to be played, by its start: what came last where several came for the same time.
    pieces: BTreeMap<MediaTime, Piece>,
    /// What was played for good, and up to where.
    settled: (u64, MediaTime),
    settled_until: Option<MediaTime>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    end: MediaTime,
    bytes: u64,
}

impl Tally {
    fn lanes(&self) -> MutexGuard<'_, BTreeMap<TrackKind, Lane>> {
        // Counts are whole between two calls, whoever panicked.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that looks out for these keys.
    pub(crate) fn of_keys(kids: impl IntoIterator<Item = KeyId>) -> Self {
        Self { unseen: Arc::new(Mutex::new(kids.into_iter().collect())), ..Self::default() }
    }

    /// The keys that were looked out for and that no media named.
    pub(crate) fn unseen(&self) -> BTreeSet<KeyId> {
        self.unseen_keys().clone()
    }

    fn unseen_keys(&self) -> MutexGuard<'_, BTreeSet<KeyId>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for keys in a `moov` or `moof`. What was made clear still holds the boxes that named its keys, under another
    /// type: the identifiers are there, byte for byte.
    fn look_for_keys(&self, boxes: &[u8]) {
        let mut unseen = self.unseen_keys();
        if !unseen.is_empty() {
            unseen.retain(|kid| !boxes.windows(kid.0.len()).any(|window| window == kid.0));
        }
    }

    /// Counts what a sink is told.
    pub(crate) fn count(&self, command: &SinkCommand) {
        match command {
            SinkCommand::Configure(config) => self.configure(config),
            SinkCommand::Append(append) => self.append(append),
            _ => {}
        }
    }

    fn configure(&self, config: &TrackConfig) {
        // Protected still, for a key system, or made clear on the way.
        let protected =
            |init: &InitSegment| init.made_clear || init.tracks.iter().any(|track| track.encryption.is_some());
        if config.init.as_deref().is_some_and(protected) {
            self.protected.store(true, Ordering::Relaxed);
        }
        if let Some(init) = &config.init {
            self.look_for_keys(&init.moov().0);
        }
    }

    /// Whether any media was protected sample by sample.
    pub(crate) fn was_protected(&self) -> bool {
        self.protected.load(Ordering::Relaxed)
    }

    fn append(&self, append: &Append) {
        if let Payload::Fragment(fragment) = &append.payload {
            self.look_for_keys(&fragment.slice(fragment.moof.clone()).unwrap_or_default());
        }
        let mut lanes = self.lanes();
        let lane = lanes.entry(append.kind).or_default();
        let (bytes, duration) = lane.renditions.entry(append.rendition.clone()).or_default();
        *bytes = bytes.saturating_add(append.bytes);
        *duration += append.end - append.start;
        let (start, end) = (append.start, append.end.max(append.start));
        if lane.settled_until.is_some_and(|until| start < until) {
            return;
        }
        while let Some(replaced) = lane.pieces.range(start..end).next().map(|(start, _)| *start) {
            lane.pieces.remove(&replaced);
        }
        lane.pieces.insert(start, Piece { end, bytes: append.bytes });
    }

    /// What begins before a time is not replaced any more.
    pub(crate) fn settle(&self, until: MediaTime) {
        for lane in self.lanes().values_mut() {
            while let Some(first) = lane.pieces.first_entry().filter(|first| *first.key() < until) {
                let (start, piece) = first.remove_entry();
                lane.settled.0 = lane.settled.0.saturating_add(piece.bytes);
                lane.settled.1 += piece.end - start;
                lane.settled_until = Some(until);
            }
        }
    }

    /// Bits a second of the media that came of a rendition; None if none did.
    pub(crate) fn of_rendition(&self, kind: TrackKind, rendition: &str) -> Option<u64> {
        let lanes = self.lanes();
        let (bytes, duration) = *lanes.get(&kind)?.renditions.get(rendition)?;
        rate(bytes, duration)
    }

    /// Bits a second of what was played of a kind, up to a playhead; None if nothing was.
    pub(crate) fn mean(&self, kind: TrackKind, until: MediaTime) -> Option<u64> {
        let lanes = self.lanes();
        let lane = lanes.get(&kind)?;
        let played = lane.pieces.range(..until);
        let (bytes, duration) = played.fold(lane.settled, |(bytes, duration), (start, piece)| {
            (bytes.saturating_add(piece.bytes), duration + (piece.end - *start))
        });
        rate(bytes, duration)
    }
}

fn rate(bytes: u64, duration: MediaTime) -> Option<u64> {
    let micros = u128::try_from(duration.as_micros()).ok().filter(|micros| *micros > 0)?;
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).ok().filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_engine::LoadId;

    const VIDEO: TrackKind = TrackKind::Video;

    fn append(tally: &Tally, rendition: &str, from: i64, to: i64, bytes: u64) {
        tally.append(&Append {
            kind: VIDEO,
            load: LoadId::default(),
            rendition: rendition.to_owned(),
            segment: 0,
            start: MediaTime::from_secs(from),
            end: MediaTime::from_secs(to),
            offset: MediaTime::ZERO,
            window: (MediaTime::MIN, MediaTime::MAX),
            show_from: None,
            discontinuity: false,
            samples: 1,
            bytes,
            payload: Payload::None,
        });
    }

    #[test]
    fn a_bitrate_is_what_came_in_the_time_that_it_plays() {
        let tally = Tally::default();
        append(&tally, "low", 0, 2, 25_000);
        append(&tally, "low", 2, 4, 75_000);
        append(&tally, "high", 4, 8, 1_000_000);
        assert_eq!(tally.of_rendition(VIDEO, "low"), Some(200_000));
        assert_eq!(tally.of_rendition(VIDEO, "high"), Some(2_000_000));
        assert_eq!((tally.of_rendition(VIDEO, "none"), tally.of_rendition(TrackKind::Audio, "low")), (None, None));
    }

    #[test]
    fn what_was_played_for_good_counts_and_is_not_replaced() {
        let tally = Tally::default();
        append(&tally, "low", 0, 2, 25_000);
        append(&tally, "low", 2, 4, 75_000);
        tally.settle(MediaTime::from_secs(2));
        append(&tally, "high", 0, 2, 1_000_000);
        append(&tally, "high", 2, 4, 175_000);
        assert_eq!(tally.mean(VIDEO, MediaTime::from_secs(4)), Some(400_000));
        assert_eq!(tally.lanes()[&VIDEO].pieces.len(), 1);
    }

    #[test]
    fn the_mean_is_that_of_what_was_played_and_not_of_what_was_fetched() {
        let tally = Tally::default();
        append(&tally, "low", 0, 2, 25_000);
        append(&tally, "low", 2, 4, 25_000);
        append(&tally, "high", 2, 4, 250_000);
        append(&tally, "high", 4, 6, 250_000);
        // The low segment was replaced before it was played, and the last one was not reached.
        assert_eq!(tally.mean(VIDEO, MediaTime::from_secs(4)), Some(550_000));
        assert_eq!(tally.mean(VIDEO, MediaTime::MAX), Some(700_000));
        assert_eq!(tally.mean(VIDEO, MediaTime::ZERO), None);
    }
}
