//! Faults on their way to errors and warnings, and the protocol features that were used.

use std::borrow::Cow;

use telecine_model::{uri, Error, ErrorCode, Place, SortedMap, Warning};

use super::{Context, Mode};

/// Why a tag was not read.
pub(super) enum Reject {
    /// The tag is ignored; why has been reported.
    Tag,
    /// The playlist cannot be used.
    Playlist(Error),
}

impl From<Error> for Reject {
    fn from(error: Error) -> Self {
        Self::Playlist(error)
    }
}

/// Turns an ignored tag into `None`.
pub(super) fn or_ignored<T>(result: Result<T, Reject>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Reject::Tag) => Ok(None),
        Err(Reject::Playlist(error)) => Err(error),
    }
}

/// A feature that requires a protocol version (H139, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Iv,
    DecimalDuration,
    ByteRange,
    IFramesOnly,
    SampleAes,
    KeyFormat,
    MapOfIFrames,
    Map,
    CaptionService,
    Variables,
    Skip,
    SkipDateRanges,
    QueryParameter,
    Requirement,
    InStreamId,
}

impl Feature {
    const COUNT: usize = Self::InStreamId as usize + 1;
    const ALL: [Self; Self::COUNT] = [
        Self::Iv,
        Self::DecimalDuration,
        Self::ByteRange,
        Self::IFramesOnly,
        Self::SampleAes,
        Self::KeyFormat,
        Self::MapOfIFrames,
        Self::Map,
        Self::CaptionService,
        Self::Variables,
        Self::Skip,
        Self::SkipDateRanges,
        Self::QueryParameter,
        Self::Requirement,
        Self::InStreamId,
    ];

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The version that introduced it, and its name for people.
    const fn requires(self) -> (u32, &'static str) {
        match self {
            Self::Iv => (2, "IV"),
            Self::DecimalDuration => (3, "a decimal EXTINF"),
            Self::ByteRange => (4, "EXT-X-BYTERANGE"),
            Self::IFramesOnly => (4, "EXT-X-I-FRAMES-ONLY"),
            Self::SampleAes => (5, "SAMPLE-AES"),
            Self::KeyFormat => (5, "KEYFORMAT"),
            Self::MapOfIFrames => (5, "EXT-X-MAP with EXT-X-I-FRAMES-ONLY"),
            Self::Map => (6, "EXT-X-MAP"),
            Self::CaptionService => (7, "INSTREAM-ID SERVICEn"),
            Self::Variables => (8, "variables"),
            Self::Skip => (9, "EXT-X-SKIP"),
            Self::SkipDateRanges => (10, "skipped date ranges"),
            Self::QueryParameter => (11, "QUERYPARAM"),
            Self::Requirement => (12, "a REQ- attribute"),
            Self::InStreamId => (13, "INSTREAM-ID outside closed captions"),
        }
    }
}

/// Collects what is wrong with a playlist, at the line being read.
pub(super) struct Report<'c> {
    pub(super) context: &'c Context<'c>,
    /// The line being read, from 1; 0 before the first.
    pub(super) line: u64,
    warnings: Vec<Warning>,
    per_rule: SortedMap<&'static str, u64>,
    /// Faults so far, whether they are told or not.
    pub(super) faults: u64,
    /// Features used since somebody last took note, a bit each.
    pub(super) features: u32,
    /// First line of each feature's use; 0 if unused.
    used: [u64; Feature::COUNT],
}

impl<'c> Report<'c> {
    /// A fault that repeats on every segment is told so often, then counted.
    const TOLD_PER_RULE: u64 = 20;

    pub(super) fn new(context: &'c Context<'c>) -> Self {
        Self {
            context,
            line: 0,
            warnings: Vec::new(),
            per_rule: SortedMap::new(),
            faults: 0,
            features: 0,
            used: [0; Feature::COUNT],
        }
    }

    /// An error at the line being read.
    pub(super) fn error(&self, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(code, message.into())
            .at(Place::Line(self.line.max(1)))
            .fact("url", uri::without_secrets(self.context.uri))
    }

    /// A limit that was passed.
    pub(super) fn limit(&self, what: &'static str, limit: impl core::fmt::Display) -> Error {
        self.error(ErrorCode::ManifestLimit, format!("{what} (limit {limit})"))
    }

    /// A breach of a MUST: an error in strict mode, a warning in compat.
    pub(super) fn fault(
        &mut self,
        rule: &'static str,
        code: ErrorCode,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<(), Error> {
        if self.context.mode == Mode::Strict {
            return Err(self.error(code, message).fact("rule", rule));
        }
        self.warn(rule, message);
        Ok(())
    }

    /// Something that both modes read on behind.
    pub(super) fn warn(&mut self, rule: &'static str, message: impl Into<Cow<'static, str>>) {
        self.faults = self.faults.saturating_add(1);
        let told = self.per_rule.entry(rule).or_default();
        *told = told.saturating_add(1);
        if *told <= Self::TOLD_PER_RULE && self.warnings.len() < self.context.limits.side_items {
            let place = Place::Line(self.line.max(1));
            self.warnings.push(Warning::new(rule, place, message.into()));
        }
    }

    /// A warning, and the tag being read is ignored.
    pub(super) fn ignore(&mut self, rule: &'static str, message: impl Into<Cow<'static, str>>) -> Reject {
        self.warn(rule, message);
        Reject::Tag
    }

    /// A breach of a MUST that costs the tag: an error in strict mode.
    pub(super) fn reject(
        &mut self,
        rule: &'static str,
        code: ErrorCode,
        message: impl Into<Cow<'static, str>>,
    ) -> Reject {
        match self.fault(rule, code, message) {
            Ok(()) => Reject::Tag,
            Err(error) => Reject::Playlist(error),
        }
    }

    /// Notes the use of a feature.
    pub(super) fn uses(&mut self, feature: Feature) {
        self.features |= feature.bit();
        if let Some(line @ 0) = self.used.get_mut(feature as usize) {
            *line = self.line.max(1);
        }
    }

    /// Whether all of these features have been used, a bit each.
    pub(super) fn has_used(&self, features: u32) -> bool {
        let unused = Feature::ALL.iter().zip(self.used).filter(|(_, line)| *line == 0);
        unused.fold(0, |unused, (feature, _)| unused | feature.bit()) & features == 0
    }

    /// All warnings, with one for each feature above the declared version (H139) and one for each
    /// fault that was not told every time.
    pub(super) fn finish(mut self, version: u32) -> Vec<Warning> {
        for feature in Feature::ALL {
            let line = self.used.get(feature as usize).copied().unwrap_or(0);
            let (required, name) = feature.requires();
            if line > 0 && version < required {
                self.line = line;
                self.warn("H139", format!("{name} requires EXT-X-VERSION {required}, declared is {version}"));
            }
        }
        for (rule, count) in core::mem::take(&mut self.per_rule) {
            let more = count.saturating_sub(Self::TOLD_PER_RULE);
            if more > 0 {
                let place = Place::Line(self.line.max(1));
                self.warnings.push(Warning::new(rule, place, format!("{more} more faults of this rule up to here")));
            }
        }
        self.warnings
    }
}
