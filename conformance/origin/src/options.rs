//! The grammar of URLs: `/<fmt>/<opt>_<val>/…/<asset>/<file>`.
//!
//! The first part that is not a known option starts the asset path, as in livesim2. A part that looks like an option, is
//! none, and stands in front of something that is served is a slip: a bad request (400), as a known option with a bad
//! value is, and an option in the query. Anything else that is not there is not found (404).

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use crate::fault::Faults;
use crate::live::Live;
use crate::protect::{Protection, Scheme};
use crate::stream::Packaging;

/// The protocol a title is asked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// HTTP Live Streaming (RFC 8216).
    Hls,
    /// MPEG-DASH (ISO/IEC 23009-1).
    Dash,
}

impl Format {
    /// The first part of the path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Dash => "dash",
        }
    }
}

/// Longest title: a day. Longer indexes would not fit the 16-bit counts of `sidx`.
pub(crate) const LONGEST_SECONDS: u64 = 86_400;

/// Everything that a URL can ask for, beside the title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `dur_<seconds>`: the length asked for.
    pub(crate) seconds: Option<u64>,
    /// `snr_<n>`: number of the first segment in URLs and playlists.
    pub(crate) first_number: u64,
    /// `bytes_1`: HLS playlists address byte ranges of one file a rendition.
    pub(crate) byte_ranges: bool,
    /// `disc_<n>`: an HLS discontinuity every n segments, where media times restart.
    pub(crate) discontinuity: Option<NonZeroU64>,
    /// `gap_<n>[,<n>…]`: segments that are not there.
    pub(crate) gaps: BTreeSet<u64>,
    /// `periods_<n>`: number of DASH periods; an hour, of what goes on.
    pub(crate) periods: Option<u64>,
    /// `bases_<n>`: number of DASH base URLs, each a service location.
    pub(crate) bases: u64,
    /// `join_<n>`: so many segments of the title are one.
    pub(crate) join: Option<usize>,
    /// `xlink_1`: DASH periods after the first (or the only one) are remote.
    pub(crate) xlink: bool,
    /// `pto_<ticks>`: media time of the start of the title, in ticks of 90 kHz.
    pub(crate) media_start: u64,
    /// `sidx_2`: the segment index is hierarchical.
    pub(crate) nested_index: bool,
    /// `ts_<packaging>`: transport streams and packed audio in HLS, instead of fragments.
    pub(crate) packaging: Option<Packaging>,
    /// `live_<seconds>` and what belongs to it: it goes on.
    pub(crate) live: Option<Live>,
    /// `age_<seconds>`: caches may keep what is no manifest for so long without asking.
    pub(crate) age: Option<u64>,
    /// How it is protected.
    pub(crate) protection: Protection,
    /// What goes wrong.
    pub(crate) faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: None,
            first_number: 0,
            byte_ranges: false,
            discontinuity: None,
            gaps: BTreeSet::new(),
            periods: None,
            bases: 1,
            join: None,
            xlink: false,
            media_start: 0,
            nested_index: false,
            packaging: None,
            live: None,
            age: None,
            protection: Protection::default(),
            faults: Faults::default(),
        }
    }
}

/// How what a path asks for is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Packaged from a title while it is sent.
    Packaged(Format),
    /// A file of a folder, as it is.
    Plain,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) service: Service,
    pub(crate) options: Options,
    pub(crate) asset: String,
    pub(crate) file: String,
}

/// Why a path has no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not a path of the grammar (404).
    NotFound,
    /// A known option with a bad value (400).
    BadOption(String),
}

/// The names of all options, for whoever wrote one that is none.
const NAMES: &str =
    "dur snr pto gap ts bytes disc periods bases xlink join sidx age live start stop event mup spd utc \
    parts partfiles block skip chunk ato ltgt prft reftime \
    encrestart encrestartmsn adbreak continuous etp patch scte35 \
    sgai inband mpdevent jitter drift early404 skewpdt stale back prot keys \
    krot lead iv pattern kf kauth ktoken kdelay kwrong klong kmissing kexpire statuscode cut short \
    stallh stallb flip norange mime enc redir rate trace delay seed";

fn is_option(name: &str) -> bool {
    NAMES.split(' ').any(|known| known == name)
}

/// What is wrong with a part of a path that looks like an option and is none.
pub(crate) fn unknown_option(part: &str) -> String {
    format!("there is no option {part}, nor a title of that name; options are NAME_VALUE with {NAMES}")
}

/// What is wrong with a query, whose parameters are a player's own: tokens, CMCD, directives. None of them is an option.
pub(crate) fn query_fault(query: &str) -> Option<String> {
    let names = query.split('&').filter_map(|pair| pair.split_once('='));
    // The name of an option ends where an underscore is.
    let (name, value) = names.into_iter().find(|(name, _)| !name.contains('_') && is_option(name))?;
    Some(format!(
        "{name}={value} in the query changes nothing: options are parts of the path, in front of the title: \
         /{name}_{value}/"
    ))
}

/// Reads a path.
pub(crate) fn target(path: &str) -> Result<Target, Refused> {
    let mut parts = path.strip_prefix('/').ok_or(Refused::NotFound)?.split('/').map(percent_decoded);
    let service = match parts.next().as_deref() {
        Some("hls") => Service::Packaged(Format::Hls),
        Some("dash") => Service::Packaged(Format::Dash),
        Some("files") => Service::Plain,
        _ => return Err(Refused::NotFound),
    };
    let mut options = Options::default();
    let asset = loop {
        let part = parts.next().ok_or(Refused::NotFound)?;
        let Some((name, value)) = part.split_once('_') else {
            break part;
        };
        match options.set(name, value) {
            Set::Done => {}
            Set::Unknown => break part,
            Set::Bad => return Err(Refused::BadOption(format!("the value of the option {part} cannot be used"))),
        }
    };
    let file = parts.collect::<Vec<_>>().join("/");
    if service == Service::Plain && !options.leave_files_as_they_are() {
        let what = "options that package a title, and cycles of its time, do not apply to files as they are";
        return Err(Refused::BadOption(what.to_owned()));
    }
    if let Service::Packaged(format) = service {
        options.fit(format).map_err(|what| Refused::BadOption(what.to_owned()))?;
    }
    Ok(Target { service, options, asset, file })
}

/// Whether a part of a path can name an asset: it is one part, and no option.
pub(crate) fn can_be_asset(name: &str) -> bool {
    let option = name.split_once('_').is_some_and(|(name, value)| {
        // Known by its name: a bad value is no way out.
        !matches!(Options::default().set(name, value), Set::Unknown)
    });
    !name.is_empty() && !name.contains('/') && !option
}

enum Set {
    Done,
    Unknown,
    Bad,
}

impl Options {
    /// Whether there are faults at most, and none that counts the seconds of a title.
    fn leave_files_as_they_are(&self) -> bool {
        let faults = self.faults.clone();
        // Who gets the licences of its keys is no matter of the files.
        let protection = Protection { access: self.protection.access.clone(), ..Protection::default() };
        *self == Self { faults, protection, age: self.age, ..Self::default() }
            && self.faults.status.iter().all(|fault| fault.cycle.is_none())
    }

    /// Whether the options make sense together in a format.
    fn fit(&self, format: Format) -> Result<(), &'static str> {
        let scheme = self.protection.scheme;
        match (format, scheme) {
            (Format::Hls, Some(scheme)) if scheme.method().is_none() => Err("HLS has no method for this scheme"),
            (Format::Dash, Some(scheme)) if !scheme.is_common() => Err("this protection is one of HLS"),
            (Format::Hls, _) if self.join.is_some() => Err("join_ is for DASH"),
            (Format::Dash, _) if self.packaging.is_some() => Err("transport streams are served in HLS"),
            (_, Some(Scheme::SampleAes)) if self.packaging.is_none() => Err("of fragments SAMPLE-AES is prot_cbcs"),
            (_, Some(scheme)) if scheme.is_common() && self.packaging.is_some() => {
                Err("transport streams have no Common Encryption")
            }
            _ if self.live.as_ref().is_some_and(|live| live.fault().is_some()) => {
                self.live.as_ref().and_then(Live::fault).map_or(Ok(()), Err)
            }
            _ if self.live.as_ref().is_some_and(|live| live.fault_in(format).is_some()) => {
                self.live.as_ref().and_then(|live| live.fault_in(format)).map_or(Ok(()), Err)
            }
            _ if self.in_pieces() && (self.packaging.is_some() || scheme == Some(Scheme::Aes128)) => {
                Err("what comes in parts are fragments, and not encrypted whole")
            }
            _ if format == Format::Dash && self.periods.is_some() && self.cuts() => {
                Err("periods_, encrestart_ and adbreak_ all say where periods begin")
            }
            _ if self.live.as_ref().is_some_and(|live| live.validity) && !self.cuts() && self.periods.is_none() => {
                Err("mpdevent_1 tells of new periods: periods_, encrestart_ or adbreak_")
            }
            _ if self.live.is_some() && self.has_an_end() => Err("this option is for titles with an end"),
            // Where segments lie in their file is known only when they are made.
            _ if self.packaging.is_some() && self.byte_ranges && self.seconds.is_some_and(|s| s > 600) => {
                Err("one file of transport stream is ten minutes long at most")
            }
            _ => Ok(()),
        }
    }

    /// Any option of live programmes makes it one.
    fn set_live(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let mut live = self.live.clone().unwrap_or_default();
        let done = live.set(name, value)?;
        self.live = Some(live);
        Some(done)
    }

    /// Whether media times jump.
    fn cuts(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.restart.is_some() || live.break_every.is_some())
    }

    /// Whether segments come in pieces.
    fn in_pieces(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.piece().is_some())
    }

    /// Whether options are there that need to know where the title ends.
    fn has_an_end(&self) -> bool {
        self.seconds.is_some() || self.byte_ranges || self.xlink || self.nested_index
    }

    fn set(&mut self, name: &str, value: &str) -> Set {
        let done = match name {
            "dur" => number(value, 1..=LONGEST_SECONDS).map(|n| self.seconds = Some(n)),
            "snr" => number(value, 0..=u64::from(u32::MAX)).map(|n| self.first_number = n),
            "bytes" => switch(value).map(|on| self.byte_ranges = on),
            "disc" => number(value, 1..=LONGEST_SECONDS).map(|n| self.discontinuity = NonZeroU64::new(n)),
            "gap" => value.split(',').map(|n| n.parse().ok()).collect::<Option<BTreeSet<_>>>().map(|g| self.gaps = g),
            "periods" => number(value, 1..=1000).map(|n| self.periods = Some(n)),
            "bases" => number(value, 1..=9).map(|n| self.bases = n),
            "join" => number(value, 2..=100).map(|n| self.join = usize::try_from(n).ok()),
            "xlink" => switch(value).map(|on| self.xlink = on),
            "pto" => number(value, 0..=1 << 40).map(|n| self.media_start = n),
            "ts" => Packaging::read(value).map(|packaging| self.packaging = Some(packaging)),
            "age" => number(value, 0..=31_536_000).map(|n| self.age = Some(n)),
            "sidx" => number(value, 1..=2).map(|n| self.nested_index = n == 2),
            _ => match self
                .set_live(name, value)
                .or_else(|| self.protection.set(name, value))
                .or_else(|| self.faults.set(name, value))
            {
                Some(done) => done,
                None => return Set::Unknown,
            },
        };
        if done.is_some() {
            Set::Done
        } else {
            Set::Bad
        }
    }
}

pub(crate) fn number(value: &str, allowed: std::ops::RangeInclusive<u64>) -> Option<u64> {
    value.parse().ok().filter(|n| allowed.contains(n))
}

pub(crate) fn switch(value: &str) -> Option<bool> {
    match value {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// Percent-decodes a path part; what does not decode to UTF-8 is kept as written.
pub(crate) fn percent_decoded(part: &str) -> String {
    let mut out = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |b: Option<u8>| char::from(b?).to_digit(16);
        let decoded = (byte == b'%').then(|| {
            let mut ahead = bytes.clone();
            Some((hex(ahead.next())? * 16 + hex(ahead.next())?) as u8)
        });
        match decoded.flatten() {
            Some(value) => {
                out.push(value);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_that_is_no_option_starts_the_asset() {
        let target = target("/hls/dur_60/disc_5/my_film/v180/3.m4s").unwrap();
        assert_eq!((target.asset.as_str(), target.file.as_str()), ("my_film", "v180/3.m4s"));
        assert_eq!(target.options.seconds, Some(60));
        assert_eq!(target.options.discontinuity, NonZeroU64::new(5));
    }

    #[test]
    fn a_known_option_with_a_bad_value_is_a_bad_request() {
        for part in ["dur_0", "dur_x", "periods_0", "bytes_2", "gap_1,x", "cut_3", "statuscode_[{code:200}]", "rate_0"]
        {
            let refused = target(&format!("/dash/{part}/demo/time.mpd"));
            assert!(matches!(refused, Err(Refused::BadOption(_))), "{part}: {refused:?}");
        }
    }

    #[test]
    fn the_names_of_options_are_those_of_the_documentation_and_all_are_known() {
        let table = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once("` |"));
        let words = table.flat_map(|(options, _)| options.split(['`', ' ']));
        let documented: BTreeSet<&str> = words.filter_map(|word| Some(word.split_once('_')?.0)).collect();
        assert_eq!(documented, NAMES.split(' ').collect());
        for name in NAMES.split(' ') {
            assert!(!matches!(Options::default().set(name, ""), Set::Unknown), "{name}");
        }
    }

    #[test]
    fn a_query_is_the_players_own_unless_it_names_an_option() {
        for query in ["", "token=dur_60", "CMCD=br%3D1", "_HLS_msn=3&_HLS_part=0", "nowMS=1", "dur", "durable=1"] {
            assert_eq!(query_fault(query), None, "{query}");
        }
        let told = query_fault("token=a&dur=60").expect("an option");
        assert!(told.starts_with("dur=60 in the query") && told.ends_with("/dur_60/"), "{told}");
    }

    #[test]
    fn clients_may_percent_encode_the_braces_of_a_fault() {
        let plain = target("/hls/statuscode_[{rsq:2,code:503}]/demo/main.m3u8").unwrap();
        let encoded = target("/hls/statuscode_%5B%7Brsq:2,code:503%7D%5d/demo/main.m3u8").unwrap();
        assert_eq!(plain, encoded);
    }

    #[test]
    fn what_packages_a_title_does_not_apply_to_files_as_they_are() {
        let target_of = |options: &str| target(&format!("/files/{options}/film/a/main.mpd"));
        let plain = target_of("cut_3@1000/rate_800").unwrap();
        assert_eq!((plain.service, plain.asset.as_str(), plain.file.as_str()), (Service::Plain, "film", "a/main.mpd"));
        for options in ["dur_60", "periods_2", "statuscode_[{cycle:30,code:404}]"] {
            assert!(matches!(target_of(options), Err(Refused::BadOption(_))), "{options}");
        }
    }

    #[test]
    fn an_asset_is_not_called_like_an_option() {
        for name in ["film", "my_film", "dur"] {
            assert!(can_be_asset(name), "{name}");
        }
        for name in ["", "a/b", "dur_60", "dur_x", "cut_scenes"] {
            assert!(!can_be_asset(name), "{name}");
        }
    }

    #[test]
    fn a_path_outside_the_grammar_is_not_found() {
        for path in ["", "/", "/hls", "/hls/dur_60", "/smooth/demo/x"] {
            assert_eq!(target(path), Err(Refused::NotFound), "{path}");
        }
    }
}
