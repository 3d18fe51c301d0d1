//! Lines to tags, and the tags that both kinds of playlist have.

use std::borrow::Cow;

use memchr::memchr;
use telecine_model::presentation::{StartPoint, UnknownTag};
use telecine_model::{Error, ErrorCode};

use super::attributes::{clip, decimal_integer, Attributes};
use super::report::{or_ignored, Reject, Report};
use super::tag::{classify, MediaTag, MultivariantTag, SharedTag, Tag};
use super::variables::{self, Variables};

/// The kind of a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Media,
    Multivariant,
}

/// The kind that the first tag of only one kind says; without any, multivariant (H007).
pub(super) fn kind_of(text: &str) -> Kind {
    for line in Lines::of(text) {
        match line.strip_prefix("#EXT").and_then(classify) {
            Some((Tag::Media(_), _)) => return Kind::Media,
            Some((Tag::Multivariant(_), _)) => return Kind::Multivariant,
            _ => {}
        }
    }
    Kind::Multivariant
}

/// The lines of a text, without their ends.
struct Lines<'t> {
    whole: &'t str,
    rest: &'t str,
    /// Of the line given last, from 1.
    number: u64,
    /// Where that line begins.
    begin: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self { whole: text, rest: text, number: 0, begin: 0 }
    }

    /// Where the next line begins.
    fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        self.begin = self.at();
        let (line, rest) = match memchr(b'\n', self.rest.as_bytes()) {
            Some(at) => (&self.rest[..at], &self.rest[at + 1..]),
            None => (self.rest, ""),
        };
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

/// A line that is for the reader of one kind of playlist.
pub(super) enum Line<'t> {
    Media(MediaTag, &'t str),
    Multivariant(MultivariantTag, &'t str),
    /// Variables replaced.
    Uri(Cow<'t, str>),
}

/// Gives out the lines that matter and keeps what both kinds of playlist share.
pub(super) struct Reader<'t, 'c> {
    lines: Lines<'t>,
    pub(super) kind: Kind,
    pub(super) report: Report<'c>,
    pub(super) variables: Variables,
    version: Option<u32>,
    pub(super) independent_segments: bool,
    pub(super) start: Option<StartPoint>,
    pub(super) unknown_tags: Vec<UnknownTag>,
    /// Lines so far that say nothing of segments: where they begin, and their numbers. No more than one too many.
    pub(super) asides: Vec<(usize, u64)>,
}

impl<'t, 'c> Reader<'t, 'c> {
    /// The highest protocol version that is understood (H021).
    const HIGHEST_VERSION: u32 = 13;

    /// A block with more lines beside those of its segments is read each time as a whole.
    pub(super) const MOST_ASIDES: usize = 64;

    /// Reads up to and with `#EXTM3U`, which the text is known to begin with.
    pub(super) fn new(text: &'t str, kind: Kind, report: Report<'c>) -> Result<Self, Error> {
        let mut reader = Self {
            lines: Lines::of(text),
            kind,
            report,
            variables: Variables::default(),
            version: None,
            independent_segments: false,
            start: None,
            unknown_tags: Vec::new(),
            asides: Vec::new(),
        };
        while let Some(line) = reader.lines.next() {
            reader.report.line = reader.lines.number;
            if line == "#EXTM3U" {
                break;
            }
            let message = "the first line is not exactly #EXTM3U";
            reader.report.fault("H019", ErrorCode::ManifestSyntax, message)?;
            if line.trim_start().starts_with("#EXTM3U") {
                break;
            }
        }
        Ok(reader)
    }

    /// The declared version; 1 if none is.
    pub(super) fn version(&self) -> u32 {
        self.version.unwrap_or(1)
    }

    /// The declared version as it is shown.
    pub(super) fn declared_version(&self) -> Option<String> {
        self.version.map(|version| version.to_string())
    }

    /// Replaces variables (H017).
    pub(super) fn substitute<'x>(&mut self, text: &'x str) -> Result<Cow<'x, str>, Error> {
        self.variables.substitute(text, &mut self.report)
    }

    /// A known attribute with a value that is not known: the tag is ignored (H105).
    pub(super) fn unknown_value(&mut self, name: &str, value: &str) -> Reject {
        let message = format!("{name} has the unknown value {}, so the tag is ignored", clip(value));
        self.report.ignore("H105", message)
    }

    /// The next line for the caller's kind of playlist. A tag of the other kind fails (H006, H046,
    /// H079).
    pub(super) fn next(&mut self) -> Result<Option<Line<'t>>, Error> {
        while let Some(line) = self.lines.next() {
            self.report.line = self.lines.number;
            if let Some(line) = self.read(line)? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    #[inline]
    fn read(&mut self, line: &'t str) -> Result<Option<Line<'t>>, Error> {
        let limit = self.report.context.limits.line_bytes;
        if line.len() > limit {
            return Err(self.report.limit("the line is too long", limit));
        }
        let line = self.trim(line)?;
        let Some(comment) = line.strip_prefix('#') else {
            if line.is_empty() {
                return Ok(None);
            }
            return Ok(Some(Line::Uri(self.substitute(line)?)));
        };
        let Some(name) = comment.strip_prefix("EXT") else {
            return Ok(None);
        };
        match classify(name) {
            Some((Tag::Media(tag), value)) if self.kind == Kind::Media => {
                if tag.is_aside() {
                    self.note_aside();
                }
                return Ok(Some(Line::Media(tag, value)));
            }
            Some((Tag::Multivariant(tag), value)) if self.kind == Kind::Multivariant => {
                return Ok(Some(Line::Multivariant(tag, value)));
            }
            Some((Tag::Shared(tag), value)) => {
                self.note_aside();
                or_ignored(self.shared(tag, value))?;
            }
            Some(_) => {
                let rule = if self.kind == Kind::Media { "H079" } else { "H046" };
                let message = "tags of a media playlist and of a multivariant playlist are mixed";
                let error = self.report.error(ErrorCode::ManifestContradiction, message);
                return Err(error.fact("rule", rule));
            }
            None => {
                self.note_aside();
                if self.unknown_tags.len() < self.report.context.limits.side_items {
                    self.unknown_tags.push(UnknownTag { line: self.report.line, text: line.to_owned() });
                }
            }
        }
        Ok(None)
    }

    fn note_aside(&mut self) {
        if self.asides.len() <= Self::MOST_ASIDES {
            self.asides.push((self.lines.begin, self.lines.number));
        }
    }

    /// The text behind the line read last, and the number of that line.
    pub(super) fn behind(&self) -> (&'t str, u64) {
        (self.lines.rest, self.lines.number)
    }

    /// The text of so many bytes from `from` on.
    pub(super) fn text(&self, from: usize, to: usize) -> Option<&'t str> {
        self.lines.whole.get(from..to)
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> usize {
        self.lines.at()
    }

    /// Reads a line out of those that follow, which begins so many bytes behind the line read last and is so many lines
    /// behind it.
    pub(super) fn read_ahead(&mut self, bytes: u32, lines: u32) -> Result<Option<Line<'t>>, Error> {
        let text = self.lines.rest.get(bytes as usize..).unwrap_or("");
        self.report.line = self.lines.number.saturating_add(u64::from(lines));
        match Lines::of(text).next() {
            Some(line) => self.read(line),
            None => Ok(None),
        }
    }

    /// Passes over lines that need not be read.
    pub(super) fn pass(&mut self, bytes: u32, lines: u32) {
        self.lines.rest = self.lines.rest.get(bytes as usize..).unwrap_or("");
        self.lines.number = self.lines.number.saturating_add(u64::from(lines));
        self.report.line = self.lines.number;
    }

    /// Takes white space off the ends of a line, where it is illegal (HX01).
    fn trim(&mut self, line: &'t str) -> Result<&'t str, Error> {
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte == b' ' || *byte == b'\t');
        if !edge(line.as_bytes().first()) && !edge(line.as_bytes().last()) {
            return Ok(line);
        }
        let trimmed = line.trim_matches([' ', '\t']);
        // The value of EXTINF and its like ends in text for people, which may end in a space.
        if !line.starts_with('#') || line.starts_with("#EXT-X-") {
            self.report.fault("HX01", ErrorCode::ManifestSyntax, "white space around the line")?;
        }
        Ok(trimmed)
    }

    fn shared(&mut self, tag: SharedTag, value: &'t str) -> Result<(), Reject> {
        match tag {
            SharedTag::ExtM3u => {
                let message = "#EXTM3U stands again inside the playlist";
                self.report.fault("H019", ErrorCode::ManifestSyntax, message)?;
            }
            SharedTag::Version => self.read_version(value)?,
            SharedTag::IndependentSegments => {
                if self.independent_segments {
                    self.repeated("H022", "EXT-X-INDEPENDENT-SEGMENTS")?;
                }
                self.independent_segments = true;
            }
            SharedTag::Start => {
                let attributes = Attributes::parse(value, &[], self)?;
                let precise = attributes.flag("PRECISE", self)?;
                let Some(offset) = attributes.signed_span("TIME-OFFSET", self)? else {
                    let message = "EXT-X-START needs TIME-OFFSET";
                    return Err(self.report.reject("H024", ErrorCode::ManifestMissing, message));
                };
                if self.start.is_some() {
                    return Ok(self.repeated("H022", "EXT-X-START")?);
                }
                self.start = Some(StartPoint { offset, precise });
            }
            SharedTag::Define => {
                let attributes = Attributes::parse(value, &[], self)?;
                variables::define(&attributes, self)?;
            }
            SharedTag::AllowCache => {}
        }
        Ok(())
    }

    fn read_version(&mut self, value: &str) -> Result<(), Error> {
        let version = decimal_integer(value).filter(|version| *version > 0);
        let Some(version) = version else {
            let message = format!("not a version: {}", clip(value));
            return self.report.fault("H010", ErrorCode::ManifestSyntax, message);
        };
        if version > u64::from(Self::HIGHEST_VERSION) {
            let message = format!(
                "the playlist needs protocol version {version}; this player speaks 1 to {}",
                Self::HIGHEST_VERSION
            );
            return Err(self.report.error(ErrorCode::ManifestVersion, message).fact("rule", "H021"));
        }
        if self.version.is_some() {
            self.repeated("H020", "EXT-X-VERSION")?;
        }
        // Not above the highest, so it fits.
        self.version = self.version.max(u32::try_from(version).ok());
        Ok(())
    }

    /// A tag that may stand once stands again.
    pub(super) fn repeated(&mut self, rule: &'static str, name: &str) -> Result<(), Error> {
        let message = format!("{name} stands more than once");
        self.report.fault(rule, ErrorCode::ManifestContradiction, message)
    }
}
