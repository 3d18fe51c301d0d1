//! A title that is known by the sizes of its segments.

use std::fmt::Write as _;

use bytes::Bytes;
use telecine_engine::FetchRequest;
use telecine_model::datetime::format_date_time;
use telecine_model::{uri, WallTime};

use super::boxes::{self, Kind, Samples};
use crate::source::{Fetched, Response, Source};

/// Ticks a second of its media: microseconds, which the durations of published tables are whole numbers of.
const CLOCK: u32 = 1_000_000;

/// Pictures ([or sound](SizedTitle::sound)) in DASH at `/main.mpd` of any host, in representations `0`, `1`… of given bitrates, whose segments `N` at
/// `/R/N.m4s` are of given sizes to the byte. There is one initialisation section for all of them, at `/init.mp4`.
///
/// A segment is a real CMAF fragment of a single sample, and all but its first hundred bytes are zeros that are nowhere in
/// memory: a title of gigabytes costs its table. One that is smaller than the boxes of a fragment has a sample of nothing.
/// Nothing in the MPD tells the sizes, as nothing does where segments are addressed by a template.
///
/// ```
/// use telecine_engine::Config;
/// use telecine_virtual::testing::SizedTitle;
/// use telecine_virtual::{Outcome, Session};
///
/// // Five segments of 2 s: of 100 kB, and of a megabyte.
/// let title = SizedTitle::new(2_000_000, 5, &[400_000, 4_000_000], |_, level| [100_000, 1_000_000][level]);
/// let mut session = Session::new(Config::default(), title)
///     .network("rate=3Mbps,rtt=50ms".parse()?)
///     .play("https://title.example/main.mpd");
/// assert_eq!(session.run(None), Outcome::Ended);
/// # Ok::<(), telecine_model::Error>(())
/// ```
pub struct SizedTitle<'a> {
    segment_us: u32,
    segments: u64,
    bitrates: Vec<u64>,
    size: Box<dyn Fn(u64, usize) -> u64 + 'a>,
    since: Option<WallTime>,
    sound: bool,
    init: Bytes,
}

impl<'a> SizedTitle<'a> {
    /// A title of so many segments of so many microseconds (one at least of each), with representations of so many bits a
    /// second. `size` gives the bytes of a segment of a representation.
    pub fn new(segment_us: u32, segments: u64, bitrates: &[u64], size: impl Fn(u64, usize) -> u64 + 'a) -> Self {
        let init = boxes::init(Kind::Video { width: 1280, height: 720 }, CLOCK, None);
        let (segment_us, segments) = (segment_us.max(1), segments.max(1));
        Self {
            segment_us,
            segments,
            bitrates: bitrates.to_vec(),
            size: Box::new(size),
            since: None,
            sound: false,
            init,
        }
    }

    /// Goes on as time passes: its first segment began to be made at `since`, and each is there when it is complete. Its
    /// MPD is dynamic, tells the whole of it, and is not to be asked for again.
    #[must_use]
    pub fn live(mut self, since: WallTime) -> Self {
        self.since = Some(since);
        self
    }

    /// It is sound, and has no picture.
    #[must_use]
    pub fn sound(mut self) -> Self {
        self.sound = true;
        self.init = boxes::init(Kind::Audio { sample_rate: 48_000 }, CLOCK, None);
        self
    }

    /// Which segment of which representation a URL is of.
    pub fn segment_of(&self, url: &str) -> Option<(u64, usize)> {
        let (level, name) = uri::split(url).path.trim_start_matches('/').split_once('/')?;
        let (number, level) = (name.strip_suffix(".m4s")?.parse().ok()?, level.parse().ok()?);
        (number < self.segments && level < self.bitrates.len()).then_some((number, level))
    }

    /// The manifest.
    pub fn mpd(&self) -> String {
        let micros = u64::from(self.segment_us).saturating_mul(self.segments);
        let seconds = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let kind = match self.since {
            Some(since) => format!("type=\"dynamic\" availabilityStartTime=\"{}\"", format_date_time(since)),
            None => "type=\"static\"".to_owned(),
        };
        let (of, codec) = if self.sound { ("audio", "mp4a.40.2") } else { ("video", "avc1.4D4028") };
        let mut out = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" {kind} mediaPresentationDuration=\"PT{}S\" \
             minBufferTime=\"PT{}S\">\n<Period id=\"0\" start=\"PT0S\">\n<AdaptationSet contentType=\"{of}\" \
             mimeType=\"{of}/mp4\" codecs=\"{codec}\" segmentAlignment=\"true\" startWithSAP=\"1\">\n\
             <SegmentTemplate timescale=\"{CLOCK}\" duration=\"{}\" startNumber=\"0\" initialization=\"init.mp4\" \
             media=\"$RepresentationID$/$Number$.m4s\"/>\n",
            seconds(micros),
            seconds(self.segment_us.into()),
            self.segment_us,
        );
        for (level, bitrate) in self.bitrates.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "<Representation id=\"{level}\" bandwidth=\"{bitrate}\"/>");
        }
        out + "</AdaptationSet>\n</Period>\n</MPD>\n"
    }

    fn segment(&self, number: u64, level: usize, url: &str) -> Response {
        let samples = |bytes: u32| Samples {
            sequence: u32::try_from(number + 1).unwrap_or(u32::MAX),
            decode_time: number.saturating_mul(self.segment_us.into()),
            count: 1,
            duration: self.segment_us,
            dependent: false,
            bytes,
            key: None,
            clear_lead: false,
        };
        let head = boxes::fragment_head(&samples(0)).len() as u64;
        let zeros = (self.size)(number, level).saturating_sub(head).min(u64::from(u32::MAX - 8));
        let head = boxes::fragment_head(&samples(u32::try_from(zeros).unwrap_or(u32::MAX)));
        Response::new(200, url, head).with_zeros(zeros).with_type("video/iso.segment")
    }
}

impl Source for SizedTitle<'_> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let url = request.url.as_str();
        if let Some((number, level)) = self.segment_of(url) {
            return self.segment(number, level, url).into();
        }
        let answer = match uri::split(url).path {
            "/main.mpd" => Response::new(200, url, self.mpd()).with_type("application/dash+xml"),
            "/init.mp4" => Response::new(200, url, self.init.clone()).with_type("video/mp4"),
            _ => Response::new(404, url, Bytes::new()),
        };
        answer.into()
    }
}
