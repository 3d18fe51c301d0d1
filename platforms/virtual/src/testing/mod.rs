//! Titles made of nothing: manifests and CMAF media computed on request, with faults on demand.
//!
//! ```
//! use telecine_model::MediaTime;
//! use telecine_virtual::testing::{Fault, SyntheticTitle};
//!
//! let title = SyntheticTitle::new(MediaTime::from_secs(3600))
//!     .renditions(&[(360, 800_000), (720, 3_000_000)])
//!     .segments_of(MediaTime::from_secs(2))
//!     .fault("v1", 17, Fault::Status(404));
//! assert_eq!(title.segment_count(), 1800);
//! ```

mod boxes;
mod manifests;
mod protection;
mod sized;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use telecine_engine::FetchRequest;
use telecine_model::{uri, ErrorCode, MediaTime, Timescale};

use crate::source::{Failure, Fetched, Response, Source};
use boxes::{Kind, Samples};
pub use protection::TitleProtection;
pub use sized::SizedTitle;

const VIDEO_CLOCK: u32 = 90_000;
/// 25 frames a second.
const VIDEO_FRAME: u32 = 3_600;
const AUDIO_CLOCK: u32 = 48_000;
const AUDIO_FRAME: u32 = 1_024;
const AUDIO_BITRATE: u64 = 128_000;

/// Something wrong with one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is answered with this status and no media.
    Status(u16),
    /// Its connection breaks in the middle of the body.
    Truncated,
    /// The server takes so long to answer.
    Slow(Duration),
    /// It is announced missing (`EXT-X-GAP`; DASH templates cannot say it) and not there.
    Gap,
    /// The first half of its samples is missing.
    Hole,
    /// Its bytes are no media.
    Garbage,
}

/// A title without a file: AVC renditions `v0`, `v1`… and AAC sound `a0`…, at 25 frames and 48,000
/// samples a second, as HLS at `/main.m3u8` and as DASH at `/main.mpd` of any host.
///
/// Video segments are whole seconds or whatever they were asked to be; sound segments hold the
/// frames that begin within, as packagers cut them. Bodies are as large as the bitrate says.
#[derive(Clone, Debug)]
pub struct SyntheticTitle {
    duration: MediaTime,
    segment: MediaTime,
    /// Height and bits a second.
    renditions: Vec<(u16, u64)>,
    /// Sound in so many languages.
    languages: u32,
    text: bool,
    /// Where each part (a period, or a discontinuity domain) begins, by the number of its first segment.
    parts: Vec<u64>,
    /// Parts without sound.
    silent_parts: Vec<usize>,
    /// Playlists give durations in whole seconds.
    rounded: bool,
    faults: BTreeMap<(String, u64), (Fault, u32)>,
    protection: Option<TitleProtection>,
    requests: Vec<String>,
}

impl SyntheticTitle {
    /// A title of this length with three renditions of up to 2.5 Mbit/s, sound, subtitles and
    /// segments of four seconds.
    pub fn new(duration: MediaTime) -> Self {
        Self {
            duration,
            segment: MediaTime::from_secs(4),
            renditions: vec![(240, 300_000), (480, 1_000_000), (720, 2_500_000)],
            languages: 1,
            text: true,
            parts: vec![0],
            silent_parts: Vec::new(),
            rounded: false,
            faults: BTreeMap::new(),
            protection: None,
            requests: Vec::new(),
        }
    }

    /// Height and bits a second of each rendition, ascending.
    #[must_use]
    pub fn renditions(mut self, renditions: &[(u16, u64)]) -> Self {
        self.renditions = renditions.to_vec();
        self
    }

    /// Length of a segment; a frame at least.
    #[must_use]
    pub fn segments_of(mut self, duration: MediaTime) -> Self {
        self.segment = duration.max(MediaTime::from_millis(40));
        self
    }

    /// No sound.
    #[must_use]
    pub fn silent(self) -> Self {
        self.languages(0)
    }

    /// Sound in so many languages: `a0` in English, `a1` in French, any further undetermined.
    #[must_use]
    pub fn languages(mut self, count: u32) -> Self {
        self.languages = count;
        self
    }

    /// Another part begins with segment `number`: a period in DASH, a discontinuity in HLS. Its media
    /// counts time from a beginning of its own.
    #[must_use]
    pub fn part_at(mut self, number: u64) -> Self {
        if let Err(at) = self.parts.binary_search(&number) {
            if number < self.segment_count() {
                self.parts.insert(at, number);
            }
        }
        self
    }

    /// The part with this index has no sound. Only DASH can say so.
    #[must_use]
    pub fn silent_part(mut self, part: usize) -> Self {
        self.silent_parts.push(part);
        self
    }

    /// Playlists give durations in whole seconds, as those of protocol version 2 do: they do not add up
    /// to what the media lasts.
    #[must_use]
    pub fn durations_in_whole_seconds(mut self) -> Self {
        self.rounded = true;
        self
    }

    /// No subtitles.
    #[must_use]
    pub fn without_text(mut self) -> Self {
        self.text = false;
        self
    }

    /// Something wrong with segment `number` (from 0) of a rendition, every time it is asked for.
    #[must_use]
    pub fn fault(self, rendition: &str, number: u64, fault: Fault) -> Self {
        self.fault_times(rendition, number, fault, u32::MAX)
    }

    /// Something wrong with a segment the first `times` that it is asked for.
    #[must_use]
    pub fn fault_times(mut self, rendition: &str, number: u64, fault: Fault, times: u32) -> Self {
        self.faults.insert((rendition.to_owned(), number), (fault, times));
        self
    }

    /// Segments of each rendition.
    pub fn segment_count(&self) -> u64 {
        let (whole, part) = (self.duration.units().max(0), self.segment.units());
        (whole as u64).div_ceil(part as u64)
    }

    /// Samples of all segments of `v0` and so on, or of `a0`.
    pub fn sample_count(&self, rendition: &str) -> u64 {
        let (clock, frame) = Self::clock(rendition);
        (self.duration.to_ticks(clock).max(0) as u64).div_ceil(frame.into())
    }

    /// Paths asked for so far, in order.
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// The answer for a URL, or for a path alone.
    pub fn get(&mut self, url: &str) -> Fetched {
        let path = uri::split(url).path.trim_start_matches('/').to_owned();
        self.requests.push(path.clone());
        self.answer(&path, url).unwrap_or_else(|| Response::new(404, url, Bytes::new()).into())
    }

    /// When segment `number` of a rendition starts.
    fn start_of(&self, number: u64) -> MediaTime {
        let units = i128::from(self.segment.units()) * i128::from(number);
        MediaTime::from_units(i64::try_from(units).unwrap_or(i64::MAX)).min(self.duration)
    }

    fn clock(rendition: &str) -> (Timescale, u32) {
        let (clock, frame) = match rendition.starts_with('a') {
            true => (AUDIO_CLOCK, AUDIO_FRAME),
            false => (VIDEO_CLOCK, VIDEO_FRAME),
        };
        (Timescale::new(clock).unwrap_or(Timescale::SECONDS), frame)
    }

    fn kind(&self, rendition: &str) -> Option<(Kind, u32, u64)> {
        if let Some(language) = rendition.strip_prefix('a') {
            let exists = language.parse::<u32>().is_ok_and(|language| language < self.languages);
            return exists.then_some((Kind::Audio { sample_rate: AUDIO_CLOCK }, AUDIO_CLOCK, AUDIO_BITRATE));
        }
        let index: usize = rendition.strip_prefix('v')?.parse().ok()?;
        let (height, bitrate) = *self.renditions.get(index)?;
        let width = height / 9 * 16;
        Some((Kind::Video { width, height }, VIDEO_CLOCK, bitrate))
    }

    /// Number of the first frame that begins at or after a time.
    fn frame_at(time: MediaTime, clock: Timescale, frame: u32) -> u64 {
        (time.to_ticks(clock).max(0) as u64).div_ceil(frame.into())
    }

    /// What a part's media counts from: zero in the first, seven seconds more in each further one.
    fn base_of(part: usize) -> MediaTime {
        MediaTime::from_secs(7).mul_ratio(i64::try_from(part).unwrap_or(i64::MAX), 1)
    }

    fn part_of(&self, number: u64) -> usize {
        self.parts.partition_point(|first| *first <= number).saturating_sub(1)
    }

    fn media(&self, rendition: &str, number: u64, hole: bool) -> Option<Bytes> {
        let (kind, _, bitrate) = self.kind(rendition)?;
        let (clock, frame) = Self::clock(rendition);
        if number >= self.segment_count() {
            return None;
        }
        let part = self.part_of(number);
        let (base, begin) = (Self::base_of(part), self.start_of(self.parts[part]));
        let mut first = Self::frame_at(self.start_of(number), clock, frame);
        let end = Self::frame_at(self.start_of(number + 1), clock, frame);
        let frames = |count: u64| count * u64::from(frame);
        let bytes = frames(end - first) * bitrate / 8 / u64::from(clock.get());
        if hole {
            first += (end - first) / 2;
        }
        Some(boxes::fragment(Samples {
            sequence: u32::try_from(number + 1).unwrap_or(u32::MAX),
            decode_time: frames(first) + base.to_ticks(clock).unsigned_abs() - begin.to_ticks(clock).unsigned_abs(),
            count: u32::try_from(end - first).unwrap_or(u32::MAX),
            duration: frame,
            dependent: matches!(kind, Kind::Video { .. }),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            key: self.fragment_key(rendition, number),
            clear_lead: self.protection.as_ref().is_some_and(|protection| number < protection.clear_lead),
        }))
    }

    fn take_fault(&mut self, rendition: &str, number: u64) -> Option<Fault> {
        let (fault, times) = self.faults.get_mut(&(rendition.to_owned(), number))?;
        let strikes = *times > 0;
        *times = times.saturating_sub(1);
        strikes.then_some(*fault)
    }

    fn segment(&mut self, rendition: &str, number: u64, url: &str) -> Option<Fetched> {
        let fault = self.take_fault(rendition, number);
        let body = self.media(rendition, number, fault == Some(Fault::Hole))?;
        let mut response = Response::new(200, url, body).with_type("video/iso.segment");
        match fault {
            Some(Fault::Status(status)) => return Some(Response::new(status, url, Bytes::new()).into()),
            Some(Fault::Gap) => return None,
            Some(Fault::Truncated) => {
                response.body.truncate(response.body.len() / 2);
                response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the connection broke"));
            }
            Some(Fault::Slow(delay)) => response.delay = delay,
            Some(Fault::Garbage) => response.body = Bytes::from(vec![0x47; response.body.len()]),
            Some(Fault::Hole) | None => {}
        }
        Some(response.into())
    }

    fn answer(&mut self, path: &str, url: &str) -> Option<Fetched> {
        let text = |body: String, kind: &str| Some(Response::new(200, url, body).with_type(kind).into());
        const HLS: &str = "application/vnd.apple.mpegurl";
        match path {
            "main.m3u8" => return text(self.multivariant(), HLS),
            "main.mpd" => return text(self.mpd(), "application/dash+xml"),
            "t0.m3u8" if self.text => return text(self.text_playlist(), HLS),
            "t0.vtt" if self.text => return text(self.subtitles(), "text/vtt"),
            _ => {}
        }
        if let Some(rendition) = path.strip_suffix(".m3u8") {
            self.kind(rendition)?;
            return text(self.media_playlist(rendition), HLS);
        }
        let (rendition, name) = path.split_once('/')?;
        if rendition == "keys" {
            return Some(Response::new(200, url, self.key_file(name)?).into());
        }
        if name == "init.mp4" {
            let (kind, clock, _) = self.kind(rendition)?;
            return Some(
                Response::new(200, url, boxes::init(kind, clock, self.default_kid(rendition)))
                    .with_type("video/mp4")
                    .into(),
            );
        }
        let number = name.strip_suffix(".m4s")?.parse().ok()?;
        self.segment(rendition, number, url)
    }
}

impl Source for SyntheticTitle {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.get(&request.url)
    }
}
