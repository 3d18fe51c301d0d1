//! Where segments are: lists of URIs that cost what varies, and URL templates.

use core::fmt::Write as _;

/// URIs of consecutive segments, as the manifest wrote them.
///
/// Packagers number their files, so most lists are "prefix, counter, suffix": such a run costs a
/// constant, however long. What does not count is kept literally in one arena.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UriList {
    arena: String,
    runs: Vec<UriRun>,
    len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UriRun {
    /// Index of the first URI of the run.
    first: u32,
    /// The first URI, in the arena.
    text: (u32, u32),
    counter: Option<Counter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counter {
    /// Where the digits stand in the first URI.
    digits: (u32, u32),
    start: u64,
    step: u64,
    /// Zero-padded to the width of the first.
    padded: bool,
}

impl UriList {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many URIs.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// True without URIs.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends one. False if the list cannot grow further (4 GiB of text or 2^32 entries).
    #[must_use]
    pub fn push(&mut self, uri: &str) -> bool {
        let Some(next_len) = self.len.checked_add(1) else {
            return false;
        };
        if let Some(run) = self.runs.last().copied() {
            let nth = u64::from(self.len - run.first);
            let first = self.slice(run.text);
            let joins = match run.counter {
                Some(counter) => counter.matches(first, nth, uri),
                None if nth == 1 => match Counter::between(first, uri) {
                    Some(counter) => {
                        if let Some(last) = self.runs.last_mut() {
                            last.counter = Some(counter);
                        }
                        true
                    }
                    // Repeated URIs (byte ranges of one resource) are a counter that stands still.
                    None => false,
                },
                None => false,
            };
            if joins {
                self.len = next_len;
                return true;
            }
        }
        let (Ok(at), Ok(length)) = (u32::try_from(self.arena.len()), u32::try_from(uri.len())) else {
            return false;
        };
        if at.checked_add(length).is_none() {
            return false;
        }
        self.arena.push_str(uri);
        self.runs.push(UriRun { first: self.len, text: (at, length), counter: None });
        self.len = next_len;
        true
    }

    /// URI `index`.
    pub fn get(&self, index: u32) -> Option<String> {
        if index >= self.len {
            return None;
        }
        let run = self.runs.get(self.runs.partition_point(|run| run.first <= index).checked_sub(1)?)?;
        let first = self.slice(run.text);
        match run.counter {
            None => Some(first.to_owned()),
            Some(counter) => counter.nth(first, u64::from(index - run.first)),
        }
    }

    /// Appends the URIs of another list from `from` to before `to`, as if they had been pushed one by one; costs follow the
    /// runs. False if the other one has no such URIs, or this one cannot grow so far: then it has lost its meaning.
    #[must_use]
    pub fn extend_from(&mut self, other: &Self, from: u32, to: u32) -> bool {
        let count = to.checked_sub(from).filter(|_| to <= other.len);
        if count.and_then(|count| self.len.checked_add(count)).is_none() {
            return false;
        }
        let mut next = from;
        // Where runs begin and end depends on where a list does: until a run of the other one is a run here too, URIs are
        // pushed.
        while next < to {
            let Some((run, left)) = other.run_at(next) else {
                return false;
            };
            let left = left.min(to - next);
            if run.first == next && self.runs.last().is_none_or(|last| !self.goes_on(last, other.slice(run.text))) {
                return self.append_runs(other, next, to);
            }
            if self.counts_like(&run, other, next) {
                self.len += left;
                next += left;
                continue;
            }
            let pushed = if run.first == next || run.counter.is_none_or(|counter| counter.step == 0) {
                self.push(other.slice(run.text))
            } else {
                other.get(next).is_some_and(|uri| self.push(&uri))
            };
            if !pushed {
                return false;
            }
            next += 1;
        }
        true
    }

    /// Whether `uri` would belong to the last run.
    fn goes_on(&self, last: &UriRun, uri: &str) -> bool {
        let (first, nth) = (self.slice(last.text), u64::from(self.len - last.first));
        match last.counter {
            Some(counter) => counter.matches(first, nth, uri),
            None => nth == 1 && Counter::between(first, uri).is_some(),
        }
    }

    /// Whether the last run goes on exactly as `run` of another list does from `index` on.
    fn counts_like(&self, run: &UriRun, other: &Self, index: u32) -> bool {
        let Some((last, counter)) = self.runs.last().and_then(|last| Some((last, last.counter?))) else {
            return false;
        };
        run.counter.is_some_and(|theirs| {
            let nth = u64::from(self.len - last.first);
            let their_nth = u64::from(index - run.first);
            counter.counts_like((self.slice(last.text), nth), &theirs, (other.slice(run.text), their_nth))
        })
    }

    /// Appends runs of another list, from that which begins with entry `from` to before entry `to`, as they are. False if
    /// there is no room for their texts.
    fn append_runs(&mut self, other: &Self, from: u32, to: u32) -> bool {
        let first = other.runs.partition_point(|run| run.first < from);
        let behind = other.runs.partition_point(|run| run.first < to);
        let runs = other.runs.get(first..behind).unwrap_or_default();
        // Texts stand in the arena in the order of their runs.
        let (Some(begins), Some(last)) = (runs.first().map(|run| run.text.0), runs.last()) else {
            return false;
        };
        let text = other.slice((begins, last.text.0 + last.text.1 - begins));
        let (Ok(at), Ok(_)) = (u32::try_from(self.arena.len()), u32::try_from(self.arena.len() + text.len())) else {
            return false;
        };
        let len = self.len;
        self.arena.push_str(text);
        self.runs.extend(runs.iter().map(|run| UriRun {
            first: run.first - from + len,
            text: (run.text.0 - begins + at, run.text.1),
            counter: run.counter,
        }));
        self.len = len + (to - from);
        // The last run may be cut: with its second entry it learns how it counts.
        if let Some(last) = self.runs.last_mut().filter(|last| self.len - last.first == 1) {
            last.counter = None;
        }
        true
    }

    /// The first of `count` places at which this list from `from` on and `other` from `other_from`
    /// on are not the `same`; places behind the end of either list are not compared. Stretches that
    /// count alike are compared as a whole, so two versions of a regular list cost a constant.
    pub fn first_difference(
        &self,
        from: u32,
        other: &Self,
        other_from: u32,
        count: u32,
        same: impl Fn(&str, &str) -> bool,
    ) -> Option<u32> {
        let count = count.min(self.len.saturating_sub(from)).min(other.len.saturating_sub(other_from));
        let mut place = 0;
        let (mut ours, mut theirs) = (self.place_of(from)?, other.place_of(other_from)?);
        while place < count {
            let (index_a, index_b) = (from + place, other_from + place);
            let (run_a, left_a) = self.run_on(&mut ours, index_a)?;
            let (run_b, left_b) = other.run_on(&mut theirs, index_b)?;
            let alike = match (run_a.counter, run_b.counter) {
                (Some(a), Some(b)) => a.counts_like(
                    (self.slice(run_a.text), u64::from(index_a - run_a.first)),
                    &b,
                    (other.slice(run_b.text), u64::from(index_b - run_b.first)),
                ),
                (None, None) => same(self.slice(run_a.text), other.slice(run_b.text)),
                _ => false,
            };
            if alike {
                place = place.saturating_add(left_a.min(left_b));
            } else if same(&self.get(index_a)?, &other.get(index_b)?) {
                place += 1;
            } else {
                return Some(place);
            }
        }
        None
    }

    /// The place among the runs of that which holds `index`.
    fn place_of(&self, index: u32) -> Option<usize> {
        self.runs.partition_point(|run| run.first <= index).checked_sub(1)
    }

    /// The run that holds `index`, which is the one at `place` or behind it, and how many of its entries there are from
    /// `index` on.
    fn run_on(&self, place: &mut usize, index: u32) -> Option<(UriRun, u32)> {
        let next = |place: usize| self.runs.get(place + 1).map_or(self.len, |next| next.first);
        while next(*place) <= index {
            *place += 1;
            self.runs.get(*place)?;
        }
        let run = *self.runs.get(*place)?;
        Some((run, next(*place).checked_sub(index)?))
    }

    /// The run that holds `index`, and how many of its entries there are from `index` on.
    fn run_at(&self, index: u32) -> Option<(UriRun, u32)> {
        self.run_on(&mut self.place_of(index)?, index).filter(|(_, left)| *left > 0)
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        self.arena.capacity() + self.runs.capacity() * core::mem::size_of::<UriRun>()
    }

    /// Gives back memory that growth reserved.
    pub fn shrink(&mut self) {
        self.arena.shrink_to_fit();
        self.runs.shrink_to_fit();
    }

    fn slice(&self, (at, length): (u32, u32)) -> &str {
        self.arena.get(at as usize..at as usize + length as usize).unwrap_or("")
    }
}

impl Counter {
    /// The counter that leads from one URI to the next, if that is all that differs: one group of
    /// digits that grows, or nothing.
    fn between(a: &str, b: &str) -> Option<Self> {
        if a == b {
            return Some(Self { digits: (0, 0), start: 0, step: 0, padded: false });
        }
        let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        let from = same - a.as_bytes()[..same].iter().rev().take_while(|c| c.is_ascii_digit()).count();
        let digits = |text: &str| text.as_bytes()[from..].iter().take_while(|c| c.is_ascii_digit()).count();
        let (len_a, len_b) = (digits(a), digits(b));
        if len_a == 0 || len_b == 0 || a[from + len_a..] != b[from + len_b..] {
            return None;
        }
        let (text_a, text_b) = (&a[from..from + len_a], &b[from..from + len_b]);
        let (start, next) = (text_a.parse::<u64>().ok()?, text_b.parse::<u64>().ok()?);
        let padded = text_a.starts_with('0') && len_a > 1;
        let counter = Self {
            digits: (u32::try_from(from).ok()?, u32::try_from(len_a).ok()?),
            start,
            step: next.checked_sub(start)?,
            padded,
        };
        // Widths must come out as written (no counter turns "9" into "10" padded, or "010" into "11").
        (counter.step > 0 && counter.matches(a, 1, b)).then_some(counter)
    }

    /// Whether the run with this counter and first URI goes on from its nth place exactly as the
    /// other one does from its.
    fn counts_like(&self, (first, nth): (&str, u64), other: &Self, (other_first, other_nth): (&str, u64)) -> bool {
        if self.step != other.step || self.padded != other.padded {
            return false;
        }
        if self.step == 0 {
            return first == other_first;
        }
        let (prefix, suffix) = self.around(first);
        (!self.padded || self.digits.1 == other.digits.1)
            && self.value(nth) == other.value(other_nth)
            && other.around(other_first) == (prefix, suffix)
    }

    /// What stands before and behind the digits of the first URI.
    fn around<'a>(&self, first: &'a str) -> (&'a str, &'a str) {
        let (from, width) = (self.digits.0 as usize, self.digits.1 as usize);
        (&first[..from], &first[from + width..])
    }

    fn value(&self, nth: u64) -> Option<u64> {
        self.step.checked_mul(nth)?.checked_add(self.start)
    }

    fn nth(&self, first: &str, nth: u64) -> Option<String> {
        if self.step == 0 {
            return Some(first.to_owned());
        }
        let (from, width) = (self.digits.0 as usize, self.digits.1 as usize);
        let value = self.value(nth)?;
        let mut out = String::with_capacity(first.len() + 4);
        out.push_str(first.get(..from)?);
        let width_shown = if self.padded { width } else { 0 };
        write!(out, "{value:0width_shown$}").ok()?;
        out.push_str(first.get(from + width..)?);
        Some(out)
    }

    /// Whether `uri` is the nth of the run, without building it.
    fn matches(&self, first: &str, nth: u64, uri: &str) -> bool {
        if self.step == 0 {
            return first == uri;
        }
        let width = self.digits.1 as usize;
        let (prefix, suffix) = self.around(first);
        let Some(digits) = uri.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)) else {
            return false;
        };
        let plain = !digits.starts_with('0') || digits.len() == 1;
        let width_fits = if self.padded { digits.len() == width || (digits.len() > width && plain) } else { plain };
        width_fits
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && digits.parse::<u64>().ok() == self.value(nth)
    }
}

/// A DASH segment URL template (ISO/IEC 23009-1, 5.3.9.4.4): literal text, `$Number$`, `$Time$`,
/// `$SubNumber$`, each with an optional width (`%05d`), `$$` for a dollar sign.
/// `$RepresentationID$` and `$Bandwidth$` are known when it is parsed and become literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number(usize),
    Time(usize),
    SubNumber(usize),
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `$` without a partner.
    Unterminated,
    /// An identifier that the standard does not define; the representation is unusable (D017).
    UnknownIdentifier(String),
    /// A width that is not `%0[width]d`, or wider than 20.
    BadWidth(String),
}

impl UrlTemplate {
    const MAX_WIDTH: usize = 20;

    /// Parses a template for one representation.
    pub fn parse(text: &str, representation: &str, bandwidth: u64) -> Result<Self, TemplateError> {
        let mut pieces = vec![Piece::Text(String::new())];
        let literal = |pieces: &mut Vec<Piece>, text: &str| match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => pieces.push(Piece::Text(text.to_owned())),
        };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal(&mut pieces, before);
            let (identifier, after) = after.split_once('$').ok_or(TemplateError::Unterminated)?;
            rest = after;
            let (name, width) = match identifier.split_once('%') {
                Some((name, format)) => (name, Self::width(format)?),
                None => (identifier, 1),
            };
            match name {
                "" if identifier.is_empty() => literal(&mut pieces, "$"),
                "RepresentationID" => literal(&mut pieces, representation),
                "Bandwidth" => literal(&mut pieces, &format!("{bandwidth:0width$}")),
                "Number" => pieces.push(Piece::Number(width)),
                "Time" => pieces.push(Piece::Time(width)),
                "SubNumber" => pieces.push(Piece::SubNumber(width)),
                other => return Err(TemplateError::UnknownIdentifier(other.to_owned())),
            }
        }
        literal(&mut pieces, rest);
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    fn width(format: &str) -> Result<usize, TemplateError> {
        let bad = || TemplateError::BadWidth(format.to_owned());
        let digits = format.strip_prefix('0').and_then(|f| f.strip_suffix('d')).ok_or_else(bad)?;
        if digits.is_empty() {
            return Ok(1);
        }
        digits.parse().ok().filter(|width| *width <= Self::MAX_WIDTH).ok_or_else(bad)
    }

    /// The URL reference of the segment with this number, start tick and sub-number.
    pub fn expand(&self, number: u64, time: i64, part: u64) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            // Writing to a String cannot fail.
            let _ = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    Ok(())
                }
                Piece::Number(width) => write!(out, "{number:0width$}", width = *width),
                Piece::Time(width) => write!(out, "{time:0width$}", width = *width),
                Piece::SubNumber(width) => write!(out, "{part:0width$}", width = *width),
            };
        }
        out
    }

    /// True if the template uses `$Time$`.
    pub fn uses_time(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Time(_)))
    }

    /// True if the template uses `$Number$`.
    pub fn uses_number(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Number(_)))
    }

    /// True if the template uses `$SubNumber$`.
    pub fn uses_sub_number(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::SubNumber(_)))
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        let text = |piece: &Piece| {
            if let Piece::Text(text) = piece {
                text.capacity()
            } else {
                0
            }
        };
        self.0.capacity() * core::mem::size_of::<Piece>() + self.0.iter().map(text).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(uris: &[&str]) -> UriList {
        let mut list = UriList::new();
        for uri in uris {
            assert!(list.push(uri));
        }
        for (i, uri) in uris.iter().enumerate() {
            assert_eq!(list.get(i as u32).as_deref(), Some(*uri));
        }
        assert_eq!(list.get(uris.len() as u32), None);
        list
    }

    #[test]
    fn two_versions_of_a_list_are_compared_by_what_they_say() {
        let uris = |from: u32, to: u32| {
            let uris: Vec<String> = (from..to).map(|i| format!("s{i}.ts")).collect();
            list(&uris.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let (older, newer) = (uris(8, 2000), uris(10, 2005));
        let unasked = |_: &str, _: &str| false;
        assert_eq!(older.first_difference(2, &newer, 0, u32::MAX, unasked), None);
        assert_eq!(older.first_difference(1, &newer, 0, 1, |a, b| a == b), Some(0));
        let mut changed = uris(10, 500);
        assert!(changed.push("other.ts"));
        assert_eq!(older.first_difference(2, &changed, 0, u32::MAX, |a, b| a == b), Some(490));
        let single = list(&["s12.ts"]);
        assert_eq!(older.first_difference(4, &single, 0, 9, |a, b| a == b), None);
    }

    #[test]
    fn what_is_taken_over_from_another_list_is_as_if_it_had_been_pushed() {
        let names = ["x1", "x2", "x4", "x6", "x8", "all", "all", "all", "b", "c", "d1", "d2", "s08", "s09", "s10", "y"];
        let list = |from: usize, to: usize| list(&names[from..to]);
        let whole = list(0, names.len());
        for from in 0..names.len() {
            for seam in from..names.len() {
                for to in seam..=names.len() {
                    let mut taken = list(from, seam);
                    assert!(taken.extend_from(&whole, seam as u32, to as u32));
                    assert_eq!(taken, list(from, to), "{from} {seam} {to}");
                }
            }
        }
        assert!(!list(0, 3).extend_from(&whole, 3, names.len() as u32 + 1));
    }

    #[test]
    fn counted_uris_cost_a_constant() {
        let uris: Vec<String> = (0..9000).map(|i| format!("video/seg-{i}.m4s?x=1")).collect();
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        assert_eq!(list(&uris).runs.len(), 1);
        let padded: Vec<String> = (95..1205).map(|i| format!("s{i:04}.ts")).collect();
        let padded: Vec<&str> = padded.iter().map(String::as_str).collect();
        assert_eq!(list(&padded).runs.len(), 1);
        assert_eq!(list(&["t0.m4s", "t180180.m4s", "t360360.m4s"]).runs.len(), 1);
        assert_eq!(list(&["all.mp4", "all.mp4", "all.mp4", "other.mp4"]).runs.len(), 2);
    }

    #[test]
    fn uris_that_do_not_count_stay_as_they_are() {
        list(&["a.ts", "b.ts", "a9.ts", "a10.ts", "a011.ts", "a12.ts", "", "1", "01", "001", "9", "08"]);
        list(&["seg99", "seg100", "seg0101"]);
        list(&["é1", "é2", "è3"]);
        list(&["x18446744073709551615", "x18446744073709551616"]);
        list(&["7a1", "8a2", "9a3"]);
    }

    #[test]
    fn templates_expand_with_widths_and_escapes() {
        let template =
            UrlTemplate::parse("$RepresentationID$/$$b$Bandwidth%08d$/$Number%05d$-$Time$.m4s", "v1", 64_000)
                .expect("valid");
        assert_eq!(template.expand(7, 900, 1), "v1/$b00064000/00007-900.m4s");
        assert!(template.uses_time() && template.uses_number());
        assert_eq!(UrlTemplate::parse("a$Number", "", 0), Err(TemplateError::Unterminated));
        assert_eq!(UrlTemplate::parse("$Nope$", "", 0), Err(TemplateError::UnknownIdentifier("Nope".into())));
        assert!(matches!(UrlTemplate::parse("$Number%5x$", "", 0), Err(TemplateError::BadWidth(_))));
        assert!(matches!(UrlTemplate::parse("$Number%0999999d$", "", 0), Err(TemplateError::BadWidth(_))));
        assert_eq!(UrlTemplate::parse("plain.m4s", "", 0).map(|t| t.expand(1, 2, 3)), Ok("plain.m4s".into()));
    }
}
