//! `SegmentTimeline`: explicit times, read straight from the bytes into a segment table.

use telecine_model::segments::{Runs, Sequence, TableError};
use telecine_model::{Error, ErrorCode, Limits, SegmentTable, Timescale};

use super::{count_until, too_many, Info, Scope};
use crate::dash::element::Element;
use crate::dash::reader::{Warnings, Xml};
use crate::dash::value::integer;

/// The times of one `SegmentTimeline`, before the level that uses it gives them a timescale, a
/// first number and an end.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// Counted from number 0, in ticks of whatever timescale applies.
    table: SegmentTable,
    /// The last `S` has `r="-1"`: it repeats to the end of the period (D015).
    tail: Option<Tail>,
    /// `S@k` (D018).
    sequence: Runs<u32>,
    /// `S@n` of the first `S`.
    first_number: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Tail {
    start: i64,
    duration: u64,
}

/// The attributes of one `S`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    start: Option<u64>,
    duration: Option<u64>,
    repeat: i64,
    number: Option<u64>,
    sequence: Option<u32>,
}

/// Kinds of faults that one timeline may repeat thousands of times: each is reported once.
#[derive(Default)]
struct Reported {
    duration: bool,
    order: bool,
    repeat: bool,
    number: bool,
}

impl Timeline {
    /// Reads the children of the open `SegmentTimeline`.
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Error> {
        let mut timeline = Self {
            table: SegmentTable::new(Timescale::SECONDS, 0),
            tail: None,
            sequence: Runs::new(),
            first_number: None,
        };
        let mut reported = Reported::default();
        loop {
            timeline.read_fast(xml, &mut reported)?;
            let Some(child) = xml.child()? else { break };
            if child.mpd_name() == "S" {
                let entry = Entry::of(xml, &child);
                timeline.add(entry, xml, &mut reported)?;
            }
            xml.skip()?;
        }
        timeline.table.share();
        Ok(timeline)
    }

    /// Reads as many plain `<S …/>` as follow one another, without an event or an allocation each.
    fn read_fast(&mut self, xml: &mut Xml<'_>, reported: &mut Reported) -> Result<(), Error> {
        let rest = xml.rest();
        let (mut at, mut consumed, mut count) = (0, 0, 0);
        while let Some(tag) = rest.get(at..).map(skip_space) {
            let Some((entry, length)) = scan(tag) else { break };
            at = rest.len() - tag.len() + length;
            count += 1;
            // The common case needs nothing of the reader; a fault needs its place.
            if !self.add_plain(entry, xml.limits) {
                xml.advance(at - consumed, "S", count);
                (consumed, count) = (at, 0);
                self.add(entry, xml, reported)?;
            }
        }
        xml.advance(at - consumed, "S", count);
        Ok(())
    }

    /// Adds an entry in which there is nothing to remark; false leaves it to [`Timeline::add`].
    fn add_plain(&mut self, entry: Entry, limits: &Limits) -> bool {
        let (Some(duration), Ok(repeat)) = (entry.duration.filter(|d| *d > 0), u64::try_from(entry.repeat)) else {
            return false;
        };
        let plain =
            entry.number.is_none() && entry.sequence.is_none() && self.tail.is_none() && self.sequence.is_empty();
        let start = match entry.start.map(i64::try_from) {
            None => None,
            Some(Ok(start)) if self.table.end().is_none_or(|end| start >= end) => Some(start),
            Some(_) => return false,
        };
        let fits = repeat < limits.segments
            && self.table.end_number() < limits.segments - repeat
            && self.table.runs() < limits.segment_runs;
        plain && fits && self.table.push(start, duration, repeat + 1).is_ok()
    }

    fn add(&mut self, entry: Entry, xml: &mut Xml<'_>, reported: &mut Reported) -> Result<(), Error> {
        let mut warn = |xml: &mut Xml<'_>, flag: fn(&mut Reported) -> &mut bool, message: &str| {
            if !std::mem::replace(flag(reported), true) {
                xml.warn("D015", message);
            }
        };
        let Some(duration) = entry.duration else {
            warn(xml, |r| &mut r.duration, "an S without a valid @d was ignored");
            return Ok(());
        };
        let start = match entry.start.map(i64::try_from) {
            Some(Ok(start)) => Some(start),
            None => None,
            Some(Err(_)) => return Err(xml.error(ErrorCode::ManifestLimit, "S@t beyond 2^63")),
        };
        if let Some(tail) = self.tail.take() {
            // Not the last S after all: the repetition ends where this one starts.
            let count = match start {
                Some(start) => count_until(tail.start, start, tail.duration),
                None => {
                    warn(xml, |r| &mut r.repeat, "r=\"-1\" before an S without @t was read as r=\"0\"");
                    1
                }
            };
            self.push(xml, Some(tail.start), tail.duration, count)?;
        }
        let next = self.table.end_number();
        if let Some(number) = entry.number {
            let first = *self.first_number.get_or_insert(number.saturating_sub(next));
            if number != first.saturating_add(next) {
                warn(xml, |r| &mut r.number, "an S@n that does not continue the count was ignored");
            }
        }
        if let Some(parts) = entry.sequence.filter(|parts| *parts > 1 || !self.sequence.is_empty()) {
            self.sequence.set_from(next, parts.max(1));
        } else if !self.sequence.is_empty() {
            self.sequence.set_from(next, 1);
        }
        if entry.repeat < 0 && duration > 0 {
            if entry.repeat < -1 {
                warn(xml, |r| &mut r.repeat, "a negative S@r other than -1 was read as -1");
            }
            self.tail = Some(Tail { start: start.or(self.table.end()).unwrap_or(0), duration });
            return Ok(());
        }
        let mut count = u64::try_from(entry.repeat).unwrap_or(0).saturating_add(1);
        if duration == 0 {
            warn(xml, |r| &mut r.duration, "an S with @d=\"0\" was read as one empty segment");
            count = 1;
        }
        if start.zip(self.table.end()).is_some_and(|(start, end)| start < end) {
            warn(xml, |r| &mut r.order, "an S that starts before the end of the one before it");
        }
        if self.table.last_span().zip(start).is_some_and(|(last, start)| start < last.start) {
            // A segment that begins before the one in front of it cannot be presented.
            return Ok(());
        }
        self.push(xml, start, duration, count)
    }

    fn push(&mut self, xml: &Xml<'_>, start: Option<i64>, duration: u64, count: u64) -> Result<(), Error> {
        let limit = |what: &str| xml.error(ErrorCode::ManifestLimit, what);
        if self.table.end_number().saturating_add(count) > xml.limits.segments {
            return Err(limit("more segments than the limit"));
        }
        if self.table.runs() >= xml.limits.segment_runs {
            return Err(limit("more runs of segments than the limit"));
        }
        match self.table.push(start, duration, count) {
            Ok(()) | Err(TableError::Backwards | TableError::ZeroDuration) => Ok(()),
            Err(_) => Err(limit("times beyond 2^63 ticks")),
        }
    }

    /// The timeline as a table of the level that uses it: one segment for each that `S` stands for.
    pub(super) fn table(&self, info: &Info, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<SegmentTable, Error> {
        let mut table = self.table.clone().relabelled(info.timescale(), self.first_number(info));
        if let Some(tail) = self.tail {
            self.push_tail(&mut table, tail, 1, info, scope, warnings)?;
        }
        Ok(table)
    }

    /// The timeline as a table of the level that uses it: one segment for each part of the sequences that
    /// `S@k` announces, and which sequences those are (D018; ISO/IEC 23009-1:2022, 5.3.9.6.4).
    pub(super) fn sequences(
        &self,
        info: &Info,
        scope: &Scope<'_>,
        warnings: &mut Warnings,
    ) -> Result<(SegmentTable, Runs<Sequence>), Error> {
        let mut sequences = Runs::new();
        if self.sequence.is_empty() {
            return Ok((self.table(info, scope, warnings)?, sequences));
        }
        let first = self.first_number(info);
        let mut table = SegmentTable::new(info.timescale(), first);
        let mut known = None;
        let mut note = |table: &SegmentTable, nth: u64, parts: u32| {
            if known.replace(parts) != Some(parts) {
                sequences.anchor(table.end_number(), Sequence { first: first.saturating_add(nth), parts });
            }
        };
        for (from, start, duration, count) in self.table.iter_runs() {
            let mut nth = from;
            let end = from.saturating_add(count);
            while nth < end {
                // A run of equal durations may have sequences of several sizes.
                let until = self.sequence.iter().map(|(change, _)| change).find(|change| *change > nth);
                let many = until.unwrap_or(end).min(end) - nth;
                let start = start.saturating_add_unsigned(duration.saturating_mul(nth - from));
                let parts = self.parts_of(nth, duration, scope, warnings);
                note(&table, nth, parts);
                if table.len().saturating_add(many.saturating_mul(parts.into())) > scope.limits.segments {
                    return Err(too_many(scope));
                }
                let mut push = |start| match duration {
                    0 => table.push(start, 0, many),
                    _ => table.push_sequences(start, duration, parts, many),
                };
                // What overlaps more than the last part of the sequence before it follows that one.
                let pushed = match push(Some(start)) {
                    Err(TableError::Backwards) => push(None),
                    pushed => pushed,
                };
                pushed.map_err(|_| too_many(scope))?;
                nth = nth.saturating_add(many);
            }
        }
        if let Some(tail) = self.tail {
            let nth = self.table.end_number();
            let parts = self.parts_of(nth, tail.duration, scope, warnings);
            note(&table, nth, parts);
            self.push_tail(&mut table, tail, parts, info, scope, warnings)?;
        }
        Ok((table, sequences))
    }

    fn first_number(&self, info: &Info) -> u64 {
        self.first_number.unwrap_or_else(|| info.first_number())
    }

    /// How many segments the `nth` sequence has.
    fn parts_of(&self, nth: u64, duration: u64, scope: &Scope<'_>, warnings: &mut Warnings) -> u32 {
        let parts = self.sequence.get(nth).copied().unwrap_or(1).max(1);
        if duration >= u64::from(parts) || parts == 1 {
            return parts;
        }
        warnings.add("D018", scope.place, "an S@k larger than its @d was read as 1");
        1
    }

    fn push_tail(
        &self,
        table: &mut SegmentTable,
        tail: Tail,
        parts: u32,
        info: &Info,
        scope: &Scope<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), Error> {
        let pushed = match info.end_tick(scope) {
            Some(end) => {
                let count = count_until(tail.start, end, tail.duration);
                let segments = count.saturating_mul(parts.into());
                if table.len().saturating_add(segments) > scope.limits.segments {
                    return Err(too_many(scope));
                }
                table.push_sequences(Some(tail.start), tail.duration, parts, count)
            }
            None if scope.live => table.push_open_sequences(Some(tail.start), tail.duration, parts),
            None => {
                warnings.add("D015", scope.place, "r=\"-1\" in a period without an end was read as r=\"0\"");
                table.push_sequences(Some(tail.start), tail.duration, parts, 1)
            }
        };
        match pushed {
            Ok(()) => {}
            Err(TableError::Backwards) => {
                warnings.add("D015", scope.place, "an S that goes back in time was ignored");
            }
            Err(_) => return Err(too_many(scope)),
        }
        Ok(())
    }
}

impl Entry {
    fn of<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Self {
        Self {
            start: xml.parsed(element, "t", "D015", integer),
            duration: xml.parsed(element, "d", "D015", integer),
            repeat: xml.parsed(element, "r", "D015", integer).unwrap_or(0),
            number: xml.parsed(element, "n", "D015", integer),
            sequence: xml.parsed(element, "k", "D018", integer),
        }
    }
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
    bytes.get(blank..).unwrap_or(&[])
}

/// Reads `<S t="…" d="…" r="…"/>` from the start of `bytes`: the entry and its length. None for
/// anything that is not exactly that; the general reader then says what it is.
fn scan(bytes: &[u8]) -> Option<(Entry, usize)> {
    let mut rest = bytes.strip_prefix(b"<S")?;
    let mut entry = Entry::default();
    let mut repeat = None;
    loop {
        let after = skip_space(rest);
        if let Some(behind) = after.strip_prefix(b"/>") {
            entry.repeat = repeat.unwrap_or(0);
            return Some((entry, bytes.len() - behind.len()));
        }
        let [name, b'=', quote @ (b'"' | b'\''), value @ ..] = after else {
            return None;
        };
        // White space in front of an attribute is not optional.
        if after.len() == rest.len() {
            return None;
        }
        let (negative, value) = match value {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let (number, behind) = digits(value)?;
        rest = behind.strip_prefix(std::slice::from_ref(quote))?;
        let twice = match (name, negative) {
            (b't', false) => entry.start.replace(number).is_some(),
            (b'd', false) => entry.duration.replace(number).is_some(),
            (b'n', false) => entry.number.replace(number).is_some(),
            (b'k', false) => entry.sequence.replace(u32::try_from(number).ok()?).is_some(),
            (b'r', _) => {
                let number = i64::try_from(number).ok()?;
                repeat.replace(if negative { -number } else { number }).is_some()
            }
            _ => return None,
        };
        if twice {
            return None;
        }
    }
}

/// One to eighteen digits, which no `u64` overflows, and what follows them.
fn digits(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    let mut count = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number * 10 + u64::from(digit);
        count += 1;
        if count > 18 {
            return None;
        }
    }
    (count > 0).then(|| (number, &bytes[count..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_entry_is_read_from_its_bytes() {
        let entry = Entry { start: Some(0), duration: Some(96_256), repeat: 2, ..Entry::default() };
        assert_eq!(scan(b"<S t=\"0\" d=\"96256\" r=\"2\" /><S"), Some((entry, 27)));
        assert_eq!(scan(b"<S r='-1' d='5'/>").map(|(e, _)| (e.repeat, e.duration)), Some((-1, Some(5))));
    }

    #[test]
    fn anything_else_is_left_to_the_general_reader() {
        for text in [
            "<S d=\"1\"></S>",
            "<S d=\"1\"",
            "<SegmentTimeline d=\"1\"/>",
            "<S d=\"1\" d=\"2\"/>",
            "<S d=\"-1\"/>",
            "<S d=\"1234567890123456789\"/>",
            "<S d=\"&#49;\"/>",
            "<S d=\"1\"r=\"2\"/>",
            "<S d=\"\"/>",
            "<S d = \"1\"/>",
            "<!-- -->",
            "",
        ] {
            assert_eq!(scan(text.as_bytes()), None, "{text}");
        }
    }
}
