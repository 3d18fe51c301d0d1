//! A live presentation read anew: what was known keeps its numbers and its place, what is new is appended.

use telecine_model::segments::{Addressing, Align, MergeOutcome, Runs};
use telecine_model::{
    uri, Error, ErrorCode, Period, Presentation, Protocol, Rendition, SegmentIndex, SegmentTable, Segments, SortedMap,
    Track,
};

use super::descriptors::scheme;
use crate::reads;

/// What a refresh brought.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// The newer text was published before the one that is known (a stale cache); nothing was
    /// changed (D049).
    Older,
    /// The presentation is the newer one now.
    Merged(Changes),
    /// The newer text says that it does not continue the known one (`urn:mpeg:dash:reset:2016`): the presentation is the
    /// newer one now, and nothing that was known of the old one holds, but the world's time (D078).
    Reset,
}

/// What is different after a refresh.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Changes {
    /// New segments at the tail, of all renditions together.
    pub new_segments: u64,
    /// Ids of periods that were not there before.
    pub new_periods: Vec<String>,
    /// Ids of periods that are gone (D045).
    pub removed_periods: Vec<String>,
    /// Where each period that was known is now in the list of periods; None if it is gone. Empty if all are where they
    /// were. Tracks and renditions that were known have the same places in their periods as before.
    pub places: Vec<Option<usize>>,
    /// The presentation was live and will not change any more (D046, D047).
    pub ended: bool,
    /// Timelines that do not continue the known ones.
    pub breaks: Vec<Break>,
}

/// A rendition whose timeline does not continue the known one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Id of the period.
    pub period: String,
    /// Id of the track.
    pub track: String,
    /// Id of the rendition.
    pub rendition: String,
    /// How.
    pub kind: BreakKind,
}

/// How a timeline does not continue the known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakKind {
    /// So many ticks between the known end and the new start were never announced.
    Gap(u64),
    /// It ends before the known end; the segments behind are withdrawn (D005).
    Shortened,
    /// The same times have other numbers, or another timescale: segments are to be found by time.
    Rewritten,
    /// The newer text has it no more, though its period is still there, which must not be (D042). It stays as it was known,
    /// so that what is played of it has a place.
    Withdrawn,
}

/// Merges a refreshed presentation into the one that is being played, by the ids of periods,
/// adaptation sets and representations (D042), whatever their order. The newer one decides what there is; segments that
/// were known keep their numbers where the numbers are not part of URLs.
///
/// Costs follow what the newer text holds, and neither how long the presentation has been on nor how often it was refreshed.
///
/// # Errors
/// `ManifestRewound` if `@availabilityStartTime` moved, which every time depends on;
/// `InvalidArgument` if one of the two is not of DASH. `old` is unchanged then.
pub fn refresh(old: &mut Presentation, newer: Presentation) -> Result<Refresh, Error> {
    let (Some(was), Some(is), true) = (&old.dash, &newer.dash, reads(Protocol::Dash)) else {
        return Err(Error::new(ErrorCode::InvalidArgument, "only DASH presentations can be merged here"));
    };
    if let (Some(before), Some(after)) = (was.publish_time, is.publish_time) {
        if after < before {
            return Ok(Refresh::Older);
        }
    }
    if is_reset(old, &newer) {
        *old = newer;
        return Ok(Refresh::Reset);
    }
    if old.live && newer.live && was.availability_start != is.availability_start {
        return Err(Error::new(
            ErrorCode::ManifestRewound,
            "@availabilityStartTime differs from the one before (D042)",
        )
        .fact("url", uri::without_secrets(&newer.uri)));
    }
    let mut changes = Changes {
        ended: old.live && (!newer.live || (was.minimum_update_period.is_some() && is.minimum_update_period.is_none())),
        ..Changes::default()
    };
    let known = std::mem::replace(old, newer);
    let count = known.periods.len();
    let mut by_id: SortedMap<String, (usize, Period)> = SortedMap::new();
    let mut twice = Vec::new();
    for (at, period) in known.periods.into_iter().enumerate() {
        match by_id.contains_key(&period.id) {
            true => twice.push(period),
            false => drop(by_id.insert(period.id.clone(), (at, period))),
        }
    }
    let mut places = vec![None; count];
    for (now, period) in old.periods.iter_mut().enumerate() {
        match by_id.remove(&period.id) {
            Some((at, before)) => {
                if let Some(place) = places.get_mut(at) {
                    *place = Some(now);
                }
                merge_period(before, period, &mut changes);
            }
            None => changes.new_periods.push(period.id.clone()),
        }
    }
    let mut removed: Vec<Period> = by_id.into_values().map(|(_, period)| period).chain(twice).collect();
    removed.sort_by_key(|period| period.start);
    changes.removed_periods = removed.into_iter().map(|period| period.id).collect();
    if places.iter().enumerate().any(|(at, place)| *place != Some(at)) {
        changes.places = places;
    }
    Ok(Refresh::Merged(changes))
}

/// Whether the newer text says that it does not continue the known one: because that was published at one of the times that
/// it names, or, if it names none, because the known one did not say so yet.
fn is_reset(known: &Presentation, newer: &Presentation) -> bool {
    let mut resets = newer.properties.iter().filter(|property| property.scheme == scheme::RESET);
    let was = known.dash.as_ref().and_then(|timing| timing.publish_time_text.as_deref());
    let is = newer.dash.as_ref().and_then(|timing| timing.publish_time_text.as_deref());
    resets.any(|reset| {
        let mut times =
            reset.value.as_deref().unwrap_or("").split([',', ' ']).filter(|time| !time.is_empty()).peekable();
        match times.peek() {
            Some(_) => was != is && times.any(|time| Some(time) == was),
            None => !known.properties.contains(reset),
        }
    })
}

/// Puts the items of a newer list where those with the same id were in the known one, and the others behind. Each known
/// item comes with its newer version, if there is one.
fn in_known_order<T>(known: Vec<T>, newer: Vec<T>, id: impl Fn(&T) -> &str) -> (Vec<(T, Option<T>)>, Vec<T>) {
    // As good as always nothing has moved.
    let same = known.len() == newer.len() && known.iter().zip(&newer).all(|(was, is)| id(was) == id(is));
    if same {
        return (known.into_iter().zip(newer.into_iter().map(Some)).collect(), Vec::new());
    }
    let mut places: SortedMap<String, usize> = SortedMap::new();
    for (at, item) in newer.iter().enumerate() {
        places.entry(id(item).to_owned()).or_insert(at);
    }
    let mut newer: Vec<Option<T>> = newer.into_iter().map(Some).collect();
    let mut take = |item: &T| newer.get_mut(*places.get(id(item))?)?.take();
    let pairs = known
        .into_iter()
        .map(|item| {
            let found = take(&item);
            (item, found)
        })
        .collect();
    (pairs, newer.into_iter().flatten().collect())
}

fn merge_period(known: Period, period: &mut Period, changes: &mut Changes) {
    let (pairs, fresh) = in_known_order(known.tracks, std::mem::take(&mut period.tracks), |track| &track.id);
    for (before, newer) in pairs {
        let track = match newer {
            Some(mut track) => {
                merge_track(before, &mut track, &period.id, changes);
                track
            }
            None => {
                for rendition in &before.renditions {
                    changes.breaks.push(broken(&period.id, &before.id, &rendition.id, BreakKind::Withdrawn));
                }
                before
            }
        };
        period.tracks.push(track);
    }
    period.tracks.extend(fresh);
}

fn merge_track(known: Track, track: &mut Track, period: &str, changes: &mut Changes) {
    // Renditions of one timeline have one table: it is merged once.
    let mut last: Option<Merged> = None;
    let newer = std::mem::take(&mut track.renditions);
    let (pairs, fresh) = in_known_order(known.renditions, newer, |rendition| &rendition.id);
    for (before, newer) in pairs {
        let rendition = match newer {
            Some(mut rendition) => {
                if let Some(kind) = merge_rendition(before, &mut rendition, &mut last, changes) {
                    changes.breaks.push(broken(period, &track.id, &rendition.id, kind));
                }
                rendition
            }
            None => {
                changes.breaks.push(broken(period, &track.id, &before.id, BreakKind::Withdrawn));
                before
            }
        };
        track.renditions.push(rendition);
    }
    track.renditions.extend(fresh);
}

fn broken(period: &str, track: &str, rendition: &str, kind: BreakKind) -> Break {
    Break { period: period.to_owned(), track: track.to_owned(), rendition: rendition.to_owned(), kind }
}

fn merge_rendition(
    known: Rendition,
    rendition: &mut Rendition,
    last: &mut Option<Merged>,
    changes: &mut Changes,
) -> Option<BreakKind> {
    match (known.segments, &mut rendition.segments) {
        (Segments::Known(known), Segments::Known(newer)) => {
            let (added, kind) = continue_from(*known, newer, last);
            changes.new_segments = changes.new_segments.saturating_add(added);
            kind
        }
        // An index that was fetched meanwhile is still the index.
        (Segments::Known(known), Segments::Indexed(_)) => {
            keep_fetched(known, rendition);
            None
        }
        _ => None,
    }
}

/// How the timeline of the rendition before was merged.
struct Merged {
    known: SegmentTable,
    newer: SegmentTable,
    table: SegmentTable,
    added: u64,
    kind: Option<BreakKind>,
}

fn keep_fetched(mut known: Box<SegmentIndex>, rendition: &mut Rendition) {
    match &rendition.segments {
        Segments::Indexed(source) if source.base == known.base => known.queries = source.queries.clone(),
        _ => return,
    }
    rendition.segments = Segments::Known(known);
}

/// Makes `newer` go on where `known` ends. Returns the number of new segments.
fn continue_from(known: SegmentIndex, newer: &mut SegmentIndex, last: &mut Option<Merged>) -> (u64, Option<BreakKind>) {
    let (before, after) = (&known.table, &newer.table);
    if before.timescale() != after.timescale() {
        return (0, Some(BreakKind::Rewritten));
    }
    // Segments of one duration are computed, not listed: there is nothing to merge.
    if before.is_open() || after.is_open() || before.is_empty() || after.is_empty() {
        return (after.end_number().saturating_sub(before.end_number()).min(after.len()), None);
    }
    // Of segment sequences, what URLs name is kept apart from the numbers.
    let numbered = matches!(&newer.addressing, Addressing::Template(template) if template.uses_number());
    if numbered && newer.sequences.is_empty() {
        return (new_segments(before, after), numbering(before, after));
    }
    let first = newer.table.first_number();
    let alike = |last: &&Merged| last.known.shares_with(before) && last.newer.shares_with(after);
    let (table, added, kind) = match last.as_ref().filter(alike) {
        Some(last) => (last.table.clone(), last.added, last.kind),
        None => {
            let (known, after) = (known.table.clone(), after.clone());
            let (mut table, added, kind) = merge_tables(known.clone(), after.clone());
            table.share();
            *last = Some(Merged { known, newer: after, table: table.clone(), added, kind });
            (table, added, kind)
        }
    };
    if kind == Some(BreakKind::Rewritten) {
        return (added, kind);
    }
    let now = table.first_number();
    newer.table = table;
    newer.listed_from = newer.listed_from.saturating_sub(first).saturating_add(now);
    let mut sequences = Runs::new();
    for (number, sequence) in newer.sequences.iter() {
        sequences.anchor(number.saturating_sub(first).saturating_add(now), *sequence);
    }
    newer.sequences = sequences;
    (added, kind)
}

/// The newer table under the numbers of the known one.
fn merge_tables(mut merged: SegmentTable, newer: SegmentTable) -> (SegmentTable, u64, Option<BreakKind>) {
    let (first, start, timescale) = (newer.first_number(), newer.start().unwrap_or(0), newer.timescale());
    match merged.merge_tail(&newer, Align::Time) {
        Ok(MergeOutcome::Appended(added)) => (merged, added, None),
        Ok(MergeOutcome::Gap(ticks)) => {
            // Numbers go on behind the hole; what lies before it is no longer offered.
            let first = merged.end_number().saturating_sub(newer.len());
            let merged = newer.relabelled(timescale, first);
            let added = merged.len();
            (merged, added, Some(BreakKind::Gap(ticks)))
        }
        // The newer text is right about its end, the known numbers are kept.
        Ok(_) => {
            let number = merged.covering_or_next(start).map_or(first, |span| span.number);
            (newer.relabelled(timescale, number), 0, Some(BreakKind::Shortened))
        }
        Err(_) => (newer, 0, Some(BreakKind::Rewritten)),
    }
}

/// How many segments of `after` begin at or behind the end of `before`.
fn new_segments(before: &SegmentTable, after: &SegmentTable) -> u64 {
    let end = before.end().unwrap_or(i64::MIN);
    let first = match after.covering_or_next(end) {
        Some(span) => span.number,
        None => after.end_number(),
    };
    after.end_number().saturating_sub(first)
}

/// Whether numbers that are part of URLs still mean the same times.
fn numbering(before: &SegmentTable, after: &SegmentTable) -> Option<BreakKind> {
    let (end, start) = (before.end()?, after.start()?);
    if start > end {
        return Some(BreakKind::Gap(start.abs_diff(end)));
    }
    if after.end()? < end {
        return Some(BreakKind::Shortened);
    }
    let same = match before.covering(start) {
        Some(known) => known.number == after.first_number(),
        None => after.first_number() == before.end_number() || before.start()? >= start,
    };
    (!same).then_some(BreakKind::Rewritten)
}
