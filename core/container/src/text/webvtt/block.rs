//! Blocks of a text (WebVTT, 6.1): header, cues, regions, styles, notes.

use std::sync::Arc;

use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place, Warning};

use super::clock;
use super::settings::{self, SPACE};
use super::{Context, TimestampMap, WebVtt};

const MAP: &str = "X-TIMESTAMP-MAP=";

/// The place in the text, with its line for messages.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    /// Line of `counted`, from 1.
    line: u64,
    counted: usize,
}

impl<'a> Lines<'a> {
    /// The line at the cursor, which moves behind its line feed. None at the end of the text.
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest.as_bytes());
        self.at += end.map_or(rest.len(), |end| end + 1);
        rest.get(..end.unwrap_or(rest.len()))
    }

    fn skip_empty(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| **byte == b'\n').count();
    }

    /// The line of an offset that is not before the last one asked for.
    fn place(&mut self, at: usize) -> Place {
        let between = self.text.as_bytes().get(self.counted..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count() as u64;
        self.counted = self.counted.max(at);
        Place::Line(self.line)
    }
}

/// Times and settings of a cue.
struct Timing<'a> {
    start: MediaTime,
    end: MediaTime,
    settings: &'a str,
}

/// "Collect WebVTT cue timings and settings" (6.3).
fn timing(line: &str) -> Option<Timing<'_>> {
    let (start, rest) = clock::collect(line.trim_start_matches(SPACE))?;
    let rest = rest.trim_start_matches(SPACE).strip_prefix("-->")?;
    let (end, settings) = clock::collect(rest.trim_start_matches(SPACE))?;
    Some(Timing { start, end, settings })
}

/// What a block turned out to be, and its lines joined.
enum Block<'a> {
    Cue {
        id: &'a str,
        timing: Timing<'a>,
        text: &'a str,
    },
    Style(&'a str),
    Region(&'a str),
    /// A note, the header, a cue without valid times, or nothing known.
    Other(&'a str),
}

struct Reader<'a, 'l> {
    lines: Lines<'a>,
    limits: &'l Limits,
    seen_cue: bool,
    /// Nodes that cues may still have.
    budget: usize,
    context: Context,
    out: WebVtt,
}

impl<'a> Reader<'a, '_> {
    fn warn(&mut self, rule: &str, at: usize, message: impl FnOnce() -> String) {
        if self.out.warnings.len() < self.limits.side_items {
            let place = self.lines.place(at);
            self.out.warnings.push(Warning::new(rule, place, message()));
        }
    }

    /// "Collect a WebVTT block" (6.1).
    fn block(&mut self, in_header: bool) -> Block<'a> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Unknown,
            Cue,
            Style,
            Region,
        }
        let mut kind = Kind::Unknown;
        let (mut id, mut times) = ("", None);
        // The lines that count so far: they are behind each other in the text.
        let (mut from, mut to) = (self.lines.at, self.lines.at);
        let mut seen_arrow = false;
        let mut count = 0_u64;
        loop {
            let start = self.lines.at;
            let Some(line) = self.lines.next() else { break };
            count += 1;
            if line.contains("-->") {
                if in_header || !(count == 1 || (count == 2 && !seen_arrow)) {
                    // A new cue begins without an empty line before it.
                    self.lines.at = start;
                    break;
                }
                seen_arrow = true;
                times = timing(line);
                if times.is_some() {
                    id = self.lines.text.get(from..to).unwrap_or_default();
                    (from, to) = (self.lines.at, self.lines.at);
                    kind = Kind::Cue;
                    self.seen_cue = true;
                } else {
                    self.warn("T101", start, || format!("a cue was left out: its times are not valid: {}", clip(line)));
                }
                continue;
            }
            if line.is_empty() {
                break;
            }
            if !in_header && count == 2 && !self.seen_cue {
                let first = self.lines.text.get(from..to).unwrap_or_default();
                let is = |word: &str| first.strip_prefix(word).is_some_and(|rest| rest.trim_matches(SPACE).is_empty());
                kind = if is("STYLE") {
                    Kind::Style
                } else if is("REGION") {
                    Kind::Region
                } else {
                    kind
                };
                if kind != Kind::Unknown {
                    from = start;
                }
            }
            to = start + line.len();
        }
        let text = self.lines.text.get(from..to).unwrap_or_default();
        match (kind, times) {
            (Kind::Cue, Some(timing)) => Block::Cue { id, timing, text },
            (Kind::Style, _) => Block::Style(text),
            (Kind::Region, _) => Block::Region(text),
            _ => Block::Other(text),
        }
    }

    fn take(&mut self, block: Block<'a>, at: usize) -> Result<(), Error> {
        match block {
            Block::Cue { id, timing, text } => {
                if self.out.cues.len() >= self.limits.cues {
                    return Err(self.beyond("more cues than the limit", at));
                }
                let Timing { start, end, settings } = timing;
                let mut faults = Vec::new();
                let fault = |setting| faults.push(setting);
                let budget = (self.limits, &mut self.budget);
                let Some(cue) = self.context.cue((start, end), id, settings, text, budget, fault) else {
                    return Err(self.beyond("more texts and spans in cues than the limit", at));
                };
                for setting in faults {
                    self.warn("T102", at, || format!("a setting of a cue was ignored: {}", clip(setting)));
                }
                if end <= start {
                    self.warn("T104", at, || "a cue ends before it starts and is never shown".to_owned());
                }
                self.out.cues.push(cue);
            }
            Block::Style(text) => self.context.style.add(text, self.limits.descriptors),
            Block::Region(text) if self.context.regions.len() < self.limits.descriptors => {
                let mut faults = Vec::new();
                let region = settings::region(text, |setting| faults.push(setting));
                for setting in faults {
                    self.warn("T102", at, || format!("a setting of a region was ignored: {}", clip(setting)));
                }
                self.context.regions.push(Arc::new(region));
            }
            Block::Region(_) => self.warn("T102", at, || "more regions than the limit: one was ignored".to_owned()),
            // Some packagers put it behind an empty line.
            Block::Other(text) if text.starts_with(MAP) && !self.seen_cue && self.out.timestamp_map.is_none() => {
                self.warn("T103", at, || "X-TIMESTAMP-MAP is not in the header".to_owned());
                self.map(text, at);
            }
            Block::Other(_) => {}
        }
        Ok(())
    }

    fn beyond(&mut self, message: &str, at: usize) -> Error {
        Error::new(ErrorCode::ContainerLimit, message).at(self.lines.place(at))
    }

    /// Reads lines that may hold the map.
    fn map(&mut self, lines: &'a str, at: usize) {
        for text in lines.split('\n').filter_map(|line| line.strip_prefix(MAP)) {
            match timestamp_map(text) {
                Some(map) => self.out.timestamp_map = Some(map),
                None => self.warn("T103", at, || format!("X-TIMESTAMP-MAP is not valid: {}", clip(text))),
            }
        }
    }
}

/// `LOCAL:…` and `MPEGTS:…`, in any order.
fn timestamp_map(text: &str) -> Option<TimestampMap> {
    let (mut local, mut mpegts) = (None, None);
    for part in text.split(',') {
        let (name, value) = part.trim_matches(SPACE).split_once(':')?;
        let value = value.trim_matches(SPACE);
        match name.trim_matches(SPACE) {
            "LOCAL" => local = clock::collect(value).filter(|(_, rest)| rest.is_empty()).map(|(time, _)| time),
            "MPEGTS" => mpegts = value.parse().ok(),
            _ => {}
        }
    }
    Some(TimestampMap { mpegts: mpegts?, local: local? })
}

/// Reads a text; the context is what its cues refer to.
pub(super) fn read(text: &str, limits: &Limits, warnings: Vec<Warning>) -> Result<(WebVtt, Context), Error> {
    let signature = text.strip_prefix("WEBVTT").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']));
    if signature.is_none() {
        return Err(Error::new(ErrorCode::TextSyntax, "the text does not begin with WEBVTT").at(Place::Line(1)));
    }
    let mut reader = Reader {
        lines: Lines { text, at: 0, line: 1, counted: 0 },
        limits,
        seen_cue: false,
        budget: limits.cue_nodes,
        context: Context::default(),
        out: WebVtt { warnings, ..WebVtt::default() },
    };
    reader.lines.next();
    let at = reader.lines.at;
    if let Block::Other(header) = reader.block(true) {
        reader.map(header, at);
    }
    reader.lines.skip_empty();
    while reader.lines.at < text.len() {
        let at = reader.lines.at;
        let block = reader.block(false);
        reader.take(block, at)?;
        reader.lines.skip_empty();
    }
    let Reader { mut out, context, .. } = reader;
    out.regions.clone_from(&context.regions);
    Ok((out, context))
}

/// A text short enough for a message.
pub(crate) fn clip(text: &str) -> &str {
    text.char_indices().nth(80).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}
