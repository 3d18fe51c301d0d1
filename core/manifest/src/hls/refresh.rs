//! Merging a reloaded media playlist (sections 6.2.1, 6.3.4 and 6.3.7).

use std::sync::Arc;

use telecine_model::presentation::{PlaylistInfo, PlaylistType};
use telecine_model::protection::Key;
use telecine_model::segments::{Addressing, Align, MergeOutcome, RangeList, Runs, UriList};
use telecine_model::{
    uri, Error, ErrorCode, InitSection, Place, SegmentIndex, SortedMap, SortedSet, WallTime, Warning,
};

use super::blocks::Block;
use super::media::{end_on_next, says_more};
use super::MediaPlaylist;

/// What a reload brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// The same playlist as before (6.3.4: wait half a target duration, H117).
    Unchanged,
    /// No new segment, but something else is new: parts, hints, date ranges, the end.
    Updated,
    /// So many new segments follow the known ones.
    Appended(u64),
    /// So many segments appeared and left again between the two versions. The new ones follow
    /// behind a hole as long as the lost ones may have been (H121).
    Gap(u64),
    /// An older version than the known one, as caches give them. Nothing was changed (HX09).
    Older,
    /// The sequence went back, to before everything known or to other segments of the same numbers: the server started
    /// over. The playlist has been replaced, and its times begin again at zero (HX09).
    Reset,
    /// A delta update whose left-out segments are not known here. Nothing was changed; load the
    /// playlist without `_HLS_skip` (H124).
    NeedsFull,
}

impl MediaPlaylist {
    /// Merges a newer version of this playlist, full or delta. Afterwards everything is as the full
    /// playlist says it, except that known segments keep their times. What it costs follows what
    /// is new and how often the lists change their pattern, not how many segments there are.
    ///
    /// # Errors
    ///
    /// `ManifestRewound` if a segment known under a number is another resource now (H119); nothing
    /// is changed then. Query strings may change: signed URLs do. `ManifestLimit` if numbers or
    /// times leave what integers hold.
    pub fn refresh(&mut self, newer: Self) -> Result<Refresh, Error> {
        let (known_first, known_end) = (self.index.table.first_number(), self.index.table.end_number());
        let skipped = newer.info.skip.as_ref().map(|skip| skip.segments);
        let listed_first = newer.index.table.first_number();
        let newer_first = listed_first.saturating_sub(skipped.unwrap_or(0));
        let newer_end = newer.index.table.end_number();
        if skipped.is_some() && (newer_first < known_first || listed_first > known_end) {
            return Ok(Refresh::NeedsFull);
        }
        let empty = newer.index.table.is_empty() && !self.index.table.is_empty() && skipped.is_none();
        if newer_end < known_end || empty {
            if empty || (newer_end > known_first && !self.is_of_another_run(&newer)) {
                return Ok(Refresh::Older);
            }
            *self = newer;
            return Ok(Refresh::Reset);
        }
        self.check_identity(&newer)?;
        let mut newer = newer;
        self.check_server(&mut newer);
        let outcome =
            if skipped.is_some() { self.merge_delta(&mut newer, newer_first)? } else { self.merge_full(&mut newer)? };
        if skipped.is_some() {
            self.text.keep_within(&self.index, |block| block.end() <= listed_first);
        } else {
            // A known segment keeps its duration, whatever the text says: such text cannot be taken for what is known.
            let (ours, theirs, known) = (&self.index.table, &newer.index.table, &self.text);
            let sound = |block: &Block| known.has(block) || ours.lasts_as(theirs, block.number, block.end());
            newer.text.keep_within(&self.index, sound);
            self.text = newer.text;
        }
        let changed = self.index.parts != newer.index.parts || !same_statements(&self.info, &newer.info);
        self.index.parts = newer.index.parts;
        newer.info.skip = None;
        self.info = newer.info;
        self.index.shrink();
        Ok(match outcome {
            MergeOutcome::Gap(lost) => Refresh::Gap(lost),
            MergeOutcome::Appended(0) if changed => Refresh::Updated,
            MergeOutcome::Appended(0) => Refresh::Unchanged,
            MergeOutcome::Appended(count) => Refresh::Appended(count),
            _ => Refresh::Older,
        })
    }

    /// Whether a playlist whose numbers are lower has other segments under them than are known: it is of a server that
    /// started over, and not an older version. Its resources tell, or its dates where resources are named alike each time.
    fn is_of_another_run(&self, newer: &Self) -> bool {
        let first = newer.index.table.first_number().max(self.index.table.first_number());
        let times = self.index.wall_time_of(first).zip(newer.index.wall_time_of(first));
        let apart = times.map(|(ours, theirs)| theirs.since(ours));
        apart.is_some_and(|apart| apart > self.info.target_duration) || self.check_identity(newer).is_err()
    }

    /// A number keeps its resource (H119). What stands in a block of the same text is the same.
    fn check_identity(&self, newer: &Self) -> Result<(), Error> {
        let mut first = newer.index.table.first_number().max(self.index.table.first_number());
        let end = self.index.table.end_number();
        let same = newer.text.shared_with(&self.text).map(|block| (block.number, block.end()));
        for (from, to) in same.chain([(end, end)]) {
            if let Some(number) = self.first_changed(newer, first, from.min(end)) {
                let message = format!("segment {number} is another resource than before");
                return Err(Error::new(ErrorCode::ManifestRewound, message)
                    .fact("url", uri::without_secrets(&newer.info.uri))
                    .fact("segment", number)
                    .fact("rule", "H119"));
            }
            first = first.max(to);
        }
        Ok(())
    }

    /// The first segment from `first` to before `end` that is another resource in a newer version.
    fn first_changed(&self, newer: &Self, first: u64, end: u64) -> Option<u64> {
        let (Addressing::Listed(ours), Addressing::Listed(theirs)) = (&self.index.addressing, &newer.index.addressing)
        else {
            return None;
        };
        let common = end.checked_sub(first).filter(|common| *common > 0)?;
        let place = |list_from: u64| u32::try_from(first.saturating_sub(list_from)).unwrap_or(u32::MAX);
        let (our_place, their_place) = (place(self.index.listed_from), place(newer.index.listed_from));
        let common = u32::try_from(common).unwrap_or(u32::MAX);
        let same = |a: &str, b: &str| {
            let (a, b) = (uri::split(a), uri::split(b));
            (a.authority, a.path) == (b.authority, b.path)
        };
        let changed = ours.first_difference(our_place, theirs, their_place, common, same);
        let changed = changed.or_else(|| {
            let (a, b) = (self.index.ranges.as_ref()?, newer.index.ranges.as_ref()?);
            a.first_difference(our_place, b, their_place, common)
        });
        changed.map(|place| first.saturating_add(u64::from(place)))
    }

    /// What a server must not change (HX09, H038): told, and the newer one counts.
    fn check_server(&self, newer: &mut Self) {
        let mut warn = |rule, message: &str| {
            newer.info.warnings.push(Warning::new(rule, Place::Line(1), message));
        };
        if self.info.target_duration != newer.info.target_duration {
            warn("HX09", "the target duration changed");
        }
        if self.info.playlist_type != newer.info.playlist_type {
            warn("H038", "the playlist type changed");
        }
        if self.info.ended && !newer.info.ended {
            warn("H037", "the playlist had ended and goes on");
        }
        let first = newer.index.table.first_number();
        if newer.info.skip.is_some() {
            return;
        }
        if self.info.playlist_type == Some(PlaylistType::Event) && first > self.index.table.first_number() {
            warn("H038", "segments left an EVENT playlist");
        }
        let sequence = |index: &SegmentIndex| index.discontinuity.get(first).copied().unwrap_or(0);
        let known = self.index.table.get(first).is_some();
        if known && sequence(&self.index) != sequence(&newer.index) {
            warn("HX09", "the discontinuity sequence number of a known segment changed");
        }
    }

    /// The newer playlist says everything; only the times are those known.
    fn merge_full(&mut self, newer: &mut Self) -> Result<MergeOutcome, Error> {
        let table = &newer.index.table;
        let outcome = self.index.table.merge_tail(table, Align::Number).map_err(|_| too_far(&newer.info))?;
        let first = self.index.table.first_number();
        if newer.index.table.first_number() < first {
            // What is said of segments that were forgotten here must go on to hold.
            reanchor(&mut newer.index, first);
        }
        let from = &mut newer.index;
        core::mem::swap(&mut self.index.base, &mut from.base);
        core::mem::swap(&mut self.index.addressing, &mut from.addressing);
        core::mem::swap(&mut self.index.ranges, &mut from.ranges);
        self.index.listed_from = from.listed_from;
        self.index.init = core::mem::take(&mut from.init);
        self.index.discontinuity = core::mem::take(&mut from.discontinuity);
        self.index.gap = core::mem::take(&mut from.gap);
        self.index.keys = core::mem::take(&mut from.keys);
        self.index.bitrate = core::mem::take(&mut from.bitrate);
        self.index.program_date_time = core::mem::take(&mut from.program_date_time);
        Ok(outcome)
    }

    /// The newer playlist leaves out the oldest segments, which are known here.
    fn merge_delta(&mut self, newer: &mut Self, newer_first: u64) -> Result<MergeOutcome, Error> {
        let seam = newer.index.table.first_number();
        let known_end = self.index.table.end_number();
        self.index.table.append_by_number(&newer.index.table).map_err(|_| too_far(&newer.info))?;
        let added = self.index.table.end_number().saturating_sub(known_end);
        self.append_places(&newer.index, known_end, added).ok_or_else(|| too_far(&newer.info))?;

        // The number announced is that of the oldest segment; at the seam only we know it (H074).
        let mut counted = newer.index.discontinuity.iter();
        if let Some((_, announced)) = counted.next() {
            let announced = *announced;
            let before = seam.checked_sub(1).filter(|last| *last >= newer_first);
            let before = before.map_or(announced, |last| self.index.discontinuity.get(last).copied().unwrap_or(0));
            self.index.discontinuity.set_from(seam, before);
            for (number, sequence) in counted {
                let sequence = sequence.saturating_sub(announced).saturating_add(before);
                self.index.discontinuity.set_from(number, sequence);
            }
        }
        self.merge_keys(newer, newer_first);
        take_over(&mut self.index.gap, &newer.index.gap, seam);
        take_over(&mut self.index.bitrate, &newer.index.bitrate, seam);
        let anchors: Vec<(u64, WallTime)> =
            newer.index.program_date_time.iter().map(|(number, time)| (number, *time)).collect();
        for (number, time) in anchors {
            let expected = self.index.wall_time_of(number);
            if expected.is_none_or(|expected| says_more(expected, time)) {
                self.index.program_date_time.anchor(number, time);
            }
        }
        self.trim(newer_first);
        self.merge_date_ranges(&mut newer.info);
        Ok(MergeOutcome::Appended(added))
    }

    /// Keys of segments left out go on to hold beside those that the delta names, until it ends
    /// them; so they do for initialisation sections (H050).
    fn merge_keys(&mut self, newer: &Self, newer_first: u64) {
        let seam = newer.index.table.first_number();
        let last = seam.checked_sub(1).filter(|last| *last >= newer_first);
        let inherited = last.and_then(|last| self.index.keys.get(last)).cloned();
        let skip = newer.info.skip.as_ref();
        let (keys_ended, maps_ended) = skip.map_or((None, None), |skip| (skip.keys_ended_at, skip.maps_ended_at));
        let in_force = |own: &Arc<[Key]>, number: u64, ended: Option<u64>| match &inherited {
            Some(inherited) if ended.is_none_or(|ended| number < ended) => overlay(inherited, own),
            _ => own.clone(),
        };
        for (number, own) in newer.index.keys.iter() {
            self.index.keys.set_from(number, in_force(own, number, keys_ended));
        }
        for (number, init) in newer.index.init.iter() {
            let init = init.as_ref().map(|init| {
                let keys = in_force(&init.keys, number, maps_ended);
                if keys == init.keys {
                    return init.clone();
                }
                Arc::new(InitSection { keys, ..InitSection::clone(init) })
            });
            self.index.init.set_from(number, init);
        }
    }

    /// Adds the URIs and byte ranges of `count` segments from `from` on.
    fn append_places(&mut self, newer: &SegmentIndex, from: u64, count: u64) -> Option<()> {
        let (Addressing::Listed(ours), Addressing::Listed(theirs)) = (&mut self.index.addressing, &newer.addressing)
        else {
            return None;
        };
        let first = u32::try_from(from.checked_sub(newer.listed_from)?).ok()?;
        let end = first.checked_add(u32::try_from(count).ok()?)?;
        if newer.ranges.is_some() && self.index.ranges.is_none() {
            let mut ranges = RangeList::new();
            (0..ours.len()).try_for_each(|_| ranges.push(None).then_some(()))?;
            self.index.ranges = Some(ranges);
        }
        for at in first..end {
            ours.push(&theirs.get(at)?).then_some(())?;
            if let Some(ranges) = &mut self.index.ranges {
                let range = newer.ranges.as_ref().and_then(|newer| newer.get(at));
                ranges.push(range).then_some(())?;
            }
        }
        Some(())
    }

    /// Forgets segments below `first`.
    fn trim(&mut self, first: u64) {
        reanchor(&mut self.index, first);
        let index = &mut self.index;
        index.table.trim_front(first);
        index.init.trim_front(first);
        index.discontinuity.trim_front(first);
        index.gap.trim_front(first);
        index.keys.trim_front(first);
        index.bitrate.trim_front(first);
        // The lists cannot be cut; once most of one is forgotten, what is left moves to a new one.
        // So a segment is moved a bounded number of times.
        let forgotten = first.saturating_sub(index.listed_from);
        if forgotten > index.table.len() {
            let Addressing::Listed(list) = &index.addressing else {
                return;
            };
            let Ok(from) = u32::try_from(forgotten) else {
                return;
            };
            let mut kept = UriList::new();
            let mut kept_ranges = index.ranges.as_ref().map(|_| RangeList::new());
            for at in from..list.len() {
                let pushed = list.get(at).is_some_and(|uri| kept.push(&uri));
                let range = index.ranges.as_ref().and_then(|ranges| ranges.get(at));
                let ranged = kept_ranges.as_mut().is_none_or(|ranges| ranges.push(range));
                if !(pushed && ranged) {
                    return;
                }
            }
            index.addressing = Addressing::Listed(kept);
            index.ranges = kept_ranges;
            index.listed_from = first;
        }
    }

    /// A delta that leaves out date ranges names the removed ones (H074); any other has them all.
    fn merge_date_ranges(&self, newer: &mut PlaylistInfo) {
        let Some(skip) = newer.skip.as_ref().filter(|skip| skip.date_ranges) else {
            return;
        };
        let removed: SortedSet<&String> = skip.removed_date_ranges.iter().collect();
        let mut merged = self.info.date_ranges.clone();
        merged.retain(|range| !removed.contains(&range.id));
        let places: SortedMap<String, usize> =
            merged.iter().enumerate().map(|(place, range)| (range.id.clone(), place)).collect();
        for range in core::mem::take(&mut newer.date_ranges) {
            match places.get(&range.id).and_then(|place| merged.get_mut(*place)) {
                Some(known) => *known = range,
                None => merged.push(range),
            }
        }
        end_on_next(&mut merged);
        newer.date_ranges = merged;
    }
}

/// Takes over what a delta says from its first segment on; what it does not say goes on to hold.
fn take_over<T: Clone + PartialEq>(known: &mut Runs<T>, newer: &Runs<T>, seam: u64) {
    for (number, value) in newer.iter() {
        known.set_from(number.max(seam), value.clone());
    }
}

/// The keys in force where `own` ones follow `inherited` ones: one per format.
fn overlay(inherited: &Arc<[Key]>, own: &Arc<[Key]>) -> Arc<[Key]> {
    let of_format = |format: &str| own.iter().find(|key| key.key_format == format);
    let replaced = inherited.iter().map(|key| of_format(&key.key_format).unwrap_or(key));
    let added = own.iter().filter(|key| !inherited.iter().any(|known| known.key_format == key.key_format));
    replaced.chain(added).cloned().collect()
}

/// Moves the wall-clock time in force at `first` there, so that earlier segments can be forgotten.
fn reanchor(index: &mut SegmentIndex, first: u64) {
    let Some(time) = index.wall_time_of(first) else {
        index.program_date_time.trim_front(first);
        return;
    };
    let later: Vec<(u64, WallTime)> = index
        .program_date_time
        .iter()
        .filter(|(number, _)| *number > first)
        .map(|(number, time)| (number, *time))
        .collect();
    let mut times = Runs::new();
    times.anchor(first, time);
    for (number, time) in later {
        times.anchor(number, time);
    }
    index.program_date_time = times;
}

/// Whether two versions say the same beside their segments.
fn same_statements(a: &PlaylistInfo, b: &PlaylistInfo) -> bool {
    a.ended == b.ended
        && a.target_duration == b.target_duration
        && a.playlist_type == b.playlist_type
        && a.server_control == b.server_control
        && a.part_target == b.part_target
        && a.preload_hints == b.preload_hints
        && a.rendition_reports == b.rendition_reports
        && a.date_ranges == b.date_ranges
}

fn too_far(info: &PlaylistInfo) -> Error {
    Error::new(ErrorCode::ManifestLimit, "the refreshed playlist leaves the range of numbers or times")
        .fact("url", uri::without_secrets(&info.uri))
}
