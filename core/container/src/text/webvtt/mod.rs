//! WebVTT (W3C WebVTT, Candidate Recommendation of 2019), as tolerant as browsers are; and what HLS
//! adds to it, `X-TIMESTAMP-MAP` (rfc8216bis, 3.1.4).
//!
//! A segment is small, so it is read in one piece. Its cues come out in the file's own time; a
//! [`CueClock`] puts them on the timeline of the title.
//!
//! ```
//! use telecine_container::text::webvtt::{self, CueClock};
//! use telecine_model::{Limits, MediaTime};
//!
//! # fn main() -> Result<(), telecine_model::Error> {
//! let segment = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n\
//!                00:01.000 --> 00:04.000 line:0\n<v Ann>Who's there?";
//! let text = webvtt::parse(segment.as_bytes(), &Limits::default())?;
//! // The title's media starts at 10 s of its own clock.
//! let clock = CueClock::Media { offset: MediaTime::from_secs(-10), near: MediaTime::ZERO };
//! let cues = text.into_cues(clock);
//! assert_eq!((cues[0].start, cues[0].end), (MediaTime::from_secs(1), MediaTime::from_secs(4)));
//! assert_eq!(cues[0].runs()[0].voice, Some("Ann"));
//! # Ok(())
//! # }
//! ```

mod block;
pub(crate) mod clock;
mod css;
mod payload;
mod references;
mod settings;

use std::borrow::Cow;
use std::sync::Arc;

use telecine_model::cue::{Cue, Region};
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place, Timescale, Warning};

pub(crate) use self::block::clip;
use self::css::Stylesheet;

/// A WebVTT text: a file, or a segment of HLS.
#[derive(Clone, Debug, Default)]
pub struct WebVtt {
    /// `X-TIMESTAMP-MAP`, if the text has one.
    pub timestamp_map: Option<TimestampMap>,
    /// REGION blocks, in order.
    pub regions: Vec<Arc<Region>>,
    /// Cues, in order, in the text's own time. Some may end before they start: they are never shown.
    pub cues: Vec<Cue>,
    /// What was left out or mended: rules T101 to T105.
    pub warnings: Vec<Warning>,
}

/// `X-TIMESTAMP-MAP`: the same moment in two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TimestampMap {
    /// Time of the media, in ticks of 90 kHz; MPEG-TS has 33 bits of it.
    pub mpegts: u64,
    /// Time of the text.
    pub local: MediaTime,
}

/// How a text's own time becomes time of the title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CueClock {
    /// HLS: the text follows the clock of the media, through its `X-TIMESTAMP-MAP` (without one its
    /// time zero is the media's, rfc8216bis, 3.1.4).
    Media {
        /// What to add to a time of the media (MPEG-TS timestamp, or fragment decode time) to get the
        /// time of the title.
        offset: MediaTime,
        /// Where on the title's timeline the text is expected: the start of its segment. It decides
        /// how often the 33-bit clock has wrapped.
        near: MediaTime,
    },
    /// A file beside the title, or in DASH: its time zero is at this time of the title (the start of the
    /// period).
    At(MediaTime),
}

/// The span after which 33 bits of 90 kHz repeat.
const WRAP: u64 = 1 << 33;

impl CueClock {
    /// What to add to times of a text whose first cue starts at `first`, in its own time.
    pub fn shift(self, map: Option<TimestampMap>, first: MediaTime) -> MediaTime {
        match self {
            Self::At(origin) => origin,
            Self::Media { offset, near } => {
                let map = map.unwrap_or_default();
                let ninety = Timescale::new(90_000).unwrap_or(Timescale::SECONDS);
                let ticks = |ticks: u64| MediaTime::from_ticks(i64::try_from(ticks).unwrap_or(i64::MAX), ninety);
                let (period, once) = (ticks(WRAP), ticks(map.mpegts % WRAP) - map.local + offset);
                // The number of wraps that brings the first cue nearest to where it is expected.
                let distance = near - (first + once);
                let half = period.units() / 2;
                let wraps = distance.units().saturating_add(half).div_euclid(period.units());
                once + period.mul_ratio(wraps, 1)
            }
        }
    }
}

impl WebVtt {
    /// The cues on the timeline of the title.
    pub fn into_cues(self, clock: CueClock) -> Vec<Cue> {
        let first = self.cues.first().map_or(MediaTime::ZERO, |cue| cue.start);
        let shift = clock.shift(self.timestamp_map, first);
        let mut cues = self.cues;
        for cue in &mut cues {
            cue.shift(shift);
        }
        cues
    }
}

/// What cues refer to: regions and styles of a text or of a track.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) regions: Vec<Arc<Region>>,
    pub(crate) style: Stylesheet,
}

impl Context {
    /// A cue from its parts; `fault` gets settings that are not valid. None if its text has more nodes
    /// than `budget` allows.
    pub(crate) fn cue<'a>(
        &self,
        (start, end): (MediaTime, MediaTime),
        id: &str,
        settings: &'a str,
        text: &str,
        (limits, budget): (&Limits, &mut usize),
        fault: impl FnMut(&'a str),
    ) -> Option<Cue> {
        let mut cue = Cue::new(start, end);
        id.clone_into(&mut cue.id);
        settings::cue(settings, &self.regions, &mut cue, fault);
        cue.style = self.style.root(id);
        cue.text = payload::parse(text, &self.style, limits.nesting, budget)?;
        Some(cue)
    }
}

/// Reads a WebVTT text.
///
/// # Errors
/// `TextSyntax` if the text does not begin as WebVTT does; `ContainerLimit` beyond
/// [`Limits::text_bytes`], [`Limits::cues`] or [`Limits::cue_nodes`].
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<WebVtt, Error> {
    let mut warnings = Vec::new();
    let text = decode(bytes, limits, &mut warnings)?;
    block::read(&text, limits, warnings).map(|(text, _)| text)
}

/// Reads what precedes the first cue (ISO/IEC 14496-30, 6.2: the configuration of a track).
pub(crate) fn header(bytes: &[u8], limits: &Limits) -> Result<(Context, Vec<Warning>), Error> {
    let mut warnings = Vec::new();
    let text = decode(bytes, limits, &mut warnings)?;
    let (text, context) = block::read(&text, limits, warnings)?;
    Ok((context, text.warnings))
}

/// The bytes as text with line feeds alone between lines (6.1, steps 1 to 3 of the parser).
pub(crate) fn decode<'a>(bytes: &'a [u8], limits: &Limits, warnings: &mut Vec<Warning>) -> Result<Cow<'a, str>, Error> {
    if bytes.len() > limits.text_bytes {
        return Err(Error::new(ErrorCode::ContainerLimit, "the subtitle text is larger than the limit")
            .fact("bytes", bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    if let Cow::Owned(_) = text {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        warnings.push(Warning::new("T105", Place::Byte(at as u64), "bytes that are not UTF-8 were replaced"));
    }
    if memchr::memchr2(b'\r', b'\0', text.as_bytes()).is_none() {
        return Ok(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = memchr::memchr2(b'\r', b'\0', rest.as_bytes()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(behind) = from.strip_prefix("\r\n").or_else(|| from.strip_prefix('\r')) {
            out.push('\n');
            behind
        } else {
            out.push(char::REPLACEMENT_CHARACTER);
            from.strip_prefix('\0').unwrap_or_default()
        };
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}
