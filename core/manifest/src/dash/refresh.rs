//! A live presentation read anew: what was known keeps its numbers, what is new is appended.

use telecine_model::segments::{Addressing, Align, MergeOutcome, Runs};
use telecine_model::{
    uri, Error, ErrorCode, Period, Presentation, Rendition, SegmentIndex, SegmentTable, Segments, Track,
};

/// What a refresh brought.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// The newer text was published before the one that is known (a stale cache); nothing was
    /// changed (D049).
    Older,
    /// The presentation is the newer one now.
    Merged(Changes),
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
}

/// Merges a refreshed presentation into the one that is being played, by the ids of periods,
/// adaptation sets and representations (D042). The newer one decides what there is; segments that
/// were known keep their numbers where the numbers are not part of URLs.
///
/// # Errors
/// `ManifestRewound` if `@availabilityStartTime` moved, which every time depends on;
/// `InvalidArgument` if one of the two is not of DASH. `old` is unchanged then.
pub fn refresh(old: &mut Presentation, newer: Presentation) -> Result<Refresh, Error> {
    let (Some(was), Some(is)) = (&old.dash, &newer.dash) else {
        return Err(Error::new(ErrorCode::InvalidArgument, "only DASH presentations can be merged here"));
    };
    if let (Some(before), Some(after)) = (was.publish_time, is.publish_time) {
        if after < before {
            return Ok(Refresh::Older);
        }
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
    let mut known = std::mem::replace(old, newer);
    for period in &mut old.periods {
        match known.periods.iter().position(|before| before.id == period.id) {
            Some(at) => merge_period(known.periods.swap_remove(at), period, &mut changes),
            None => changes.new_periods.push(period.id.clone()),
        }
    }
    known.periods.sort_by_key(|period| period.start);
    changes.removed_periods = known.periods.into_iter().map(|period| period.id).collect();
    Ok(Refresh::Merged(changes))
}

fn merge_period(mut known: Period, period: &mut Period, changes: &mut Changes) {
    for track in &mut period.tracks {
        let Some(before) = known.tracks.iter_mut().find(|before| before.id == track.id) else {
            continue;
        };
        for at in 0..track.renditions.len() {
            merge_rendition(before, track, at, &period.id, changes);
        }
    }
}

fn merge_rendition(before: &mut Track, track: &mut Track, at: usize, period: &str, changes: &mut Changes) {
    let Some(rendition) = track.renditions.get_mut(at) else {
        return;
    };
    let Some(known) = before.renditions.iter_mut().find(|known| known.id == rendition.id) else {
        return;
    };
    match (std::mem::take(&mut known.segments), &mut rendition.segments) {
        (Segments::Known(known), Segments::Known(newer)) => {
            let (added, kind) = continue_from(*known, newer);
            changes.new_segments = changes.new_segments.saturating_add(added);
            if let Some(kind) = kind {
                changes.breaks.push(Break {
                    period: period.to_owned(),
                    track: track.id.clone(),
                    rendition: rendition.id.clone(),
                    kind,
                });
            }
        }
        // An index that was fetched meanwhile is still the index.
        (Segments::Known(known), Segments::Indexed(_)) => keep_fetched(known, rendition),
        _ => {}
    }
}

fn keep_fetched(mut known: Box<SegmentIndex>, rendition: &mut Rendition) {
    match &rendition.segments {
        Segments::Indexed(source) if source.base == known.base => known.queries = source.queries.clone(),
        _ => return,
    }
    rendition.segments = Segments::Known(known);
}

/// Makes `newer` go on where `known` ends. Returns the number of new segments.
fn continue_from(known: SegmentIndex, newer: &mut SegmentIndex) -> (u64, Option<BreakKind>) {
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
    let (first, start) = (after.first_number(), after.start().unwrap_or(0));
    let mut merged = known.table;
    let outcome = merged.merge_tail(&newer.table, Align::Time);
    let (added, kind) = match outcome {
        Ok(MergeOutcome::Appended(added)) => (added, None),
        Ok(MergeOutcome::Gap(ticks)) => {
            // Numbers go on behind the hole; what lies before it is no longer offered.
            let table = std::mem::replace(&mut newer.table, SegmentTable::new(merged.timescale(), 0));
            let first = merged.end_number().saturating_sub(table.len());
            merged = table.relabelled(merged.timescale(), first);
            (merged.len(), Some(BreakKind::Gap(ticks)))
        }
        // The newer text is right about its end, the known numbers are kept.
        Ok(_) => {
            let number = merged.covering_or_next(start).map_or(first, |span| span.number);
            merged = newer.table.clone().relabelled(merged.timescale(), number);
            (0, Some(BreakKind::Shortened))
        }
        Err(_) => return (0, Some(BreakKind::Rewritten)),
    };
    let now = merged.first_number();
    newer.table = merged;
    newer.listed_from = newer.listed_from.saturating_sub(first).saturating_add(now);
    let mut sequences = Runs::new();
    for (number, sequence) in newer.sequences.iter() {
        sequences.anchor(number.saturating_sub(first).saturating_add(now), *sequence);
    }
    newer.sequences = sequences;
    (added, kind)
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
