//! `SegmentTemplate`: URLs computed from number and time.

use telecine_model::segments::{Addressing, Runs, Sequence, TableError};
use telecine_model::{Error, SegmentIndex, SegmentTable};

use super::{count_until, parse_template, too_many, Info, Scope};
use crate::dash::reader::Warnings;

pub(super) fn build(info: &Info, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<Option<SegmentIndex>, Error> {
    let Some(media) = &info.media else {
        warnings.add("D016", scope.place, "a SegmentTemplate without @media: the representation was left out");
        return Ok(None);
    };
    let Some(template) = parse_template(media, scope, warnings) else {
        return Ok(None);
    };
    let Ok(init) = info.init_section(scope, warnings) else {
        return Ok(None);
    };
    let last = match (info.end_number, scope.last_number) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let Some((table, sequences)) = times(info, scope, last, template.uses_sub_number(), warnings)? else {
        return Ok(None);
    };
    if table.len() > 1 && is_too_long(&table, scope) {
        warnings.add("D015", scope.place, "segments longer than the limit: the representation was left out");
        return Ok(None);
    }
    let mut index = info.index(scope, table, Addressing::Template(template), init);
    index.sequences = sequences;
    if scope.sub_numbers_from_zero {
        index.first_sub_number = 0;
    }
    Ok(Some(index))
}

/// The table of a template, from its timeline, its duration, or neither: one segment. Without `$SubNumber$`
/// (`in_parts`) there is one URL for a whole sequence: it is one segment.
fn times(
    info: &Info,
    scope: &Scope<'_>,
    last: Option<u64>,
    in_parts: bool,
    warnings: &mut Warnings,
) -> Result<Option<(SegmentTable, Runs<Sequence>)>, Error> {
    if let Some(timeline) = &info.timeline {
        let (table, sequences) = match in_parts {
            true => timeline.sequences(info, scope, warnings)?,
            false => (timeline.table(info, scope, warnings)?, Runs::new()),
        };
        let table = match last.map(|last| last_part(&sequences, last)) {
            Some(last) if table.end_number() > last.saturating_add(1) => clipped(&table, last),
            _ => table,
        };
        return Ok(Some((table, sequences)));
    }
    let first = info.first_number();
    let mut table = SegmentTable::new(info.timescale(), first);
    let start = info.offset().saturating_add(info.ept_delta.unwrap_or(0));
    let announced = last.map(|last| last.saturating_add(1).saturating_sub(first));
    let until_end = |duration| info.end_tick(scope).map(|end| (end, count_until(start, end, duration)));
    let Ok(duration) = info.duration(scope, warnings) else { return Ok(None) };
    let pushed = match (duration, until_end(duration.unwrap_or(1))) {
        (Some(duration), Some((end, count))) => {
            let bounded = announced.map_or(count, |announced| announced.min(count));
            // Segments of one duration are computed. A live title may count them from 1970, with an end as without.
            if bounded > scope.limits.segments && !scope.live {
                return Err(too_many(scope));
            }
            push_until(&mut table, start, end, duration, bounded)
        }
        (Some(duration), None) => match announced {
            Some(count) if count > scope.limits.segments && !scope.live => return Err(too_many(scope)),
            Some(count) => table.push(Some(start), duration, count),
            None if scope.live => table.push_open(Some(start), duration),
            None => {
                warnings.add(
                    "D003",
                    scope.place,
                    "a period without an end and segments without a count: the representation was left out",
                );
                return Ok(None);
            }
        },
        (None, Some((end, _))) => {
            let length = u64::try_from(end.saturating_sub(info.offset())).unwrap_or(0);
            table.push(Some(info.offset()), length, 1)
        }
        (None, None) => {
            warnings.add("D016", scope.place, "neither @duration nor SegmentTimeline: the representation was left out");
            return Ok(None);
        }
    };
    match pushed {
        Ok(()) => Ok(Some((table, Runs::new()))),
        Err(_) => Err(too_many(scope)),
    }
}

/// Pushes `count` segments of `duration`; the last one is cut where the period ends (D014).
pub(super) fn push_until(
    table: &mut SegmentTable,
    start: i64,
    end: i64,
    duration: u64,
    count: u64,
) -> Result<(), TableError> {
    let whole = count_until(start, end, duration).saturating_sub(1).min(count);
    table.push(Some(start), duration, whole)?;
    if whole < count {
        let from = table.end().unwrap_or(start);
        let rest = u64::try_from(end.saturating_sub(from)).unwrap_or(0);
        table.push(Some(from), rest, 1)?;
        let more = count - whole - 1;
        return table.push(None, duration, more);
    }
    Ok(())
}

/// The number in the table of the last segment of the sequence with `$Number$` `last`.
fn last_part(sequences: &Runs<Sequence>, last: u64) -> u64 {
    let found = sequences.iter().take_while(|(_, sequence)| sequence.first <= last).last();
    found.map_or(last, |(from, sequence)| {
        let behind = (last - sequence.first).saturating_add(1).saturating_mul(sequence.parts.into());
        from.saturating_add(behind).saturating_sub(1)
    })
}

/// The table up to number `last`.
pub(super) fn clipped(table: &SegmentTable, last: u64) -> SegmentTable {
    let mut out = SegmentTable::new(table.timescale(), table.first_number());
    for (number, start, duration, count) in table.iter_runs() {
        let room = last.saturating_add(1).saturating_sub(number).min(count);
        // What came out of a table goes into one.
        if room == 0 || out.push(Some(start), duration, room).is_err() {
            break;
        }
    }
    out
}

fn is_too_long(table: &SegmentTable, scope: &Scope<'_>) -> bool {
    let longest = i64::try_from(table.max_duration().unwrap_or(0)).unwrap_or(i64::MAX);
    telecine_model::MediaTime::from_ticks(longest, table.timescale()) > scope.limits.segment_duration
}
