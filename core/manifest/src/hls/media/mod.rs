//! Media playlists (sections 4.4.3 to 4.4.5).

mod date_ranges;
mod low_latency;
mod recorder;
mod segments;

use telecine_model::datetime::{parse_date_time, parse_decimal_nanos};
use telecine_model::presentation::{PlaylistInfo, PlaylistType};
use telecine_model::{ByteRange, Error, ErrorCode, MediaTime};

use self::date_ranges::DateRanges;
use self::recorder::Recorder;
use self::segments::Segments;
use super::attributes::{clip, decimal_integer, Attributes};
use super::protection::parse_key;
use super::reader::{Line, Reader};
use super::report::{or_ignored, Feature, Reject};
use super::tag::MediaTag;
use super::MediaPlaylist;

pub(super) use self::date_ranges::end_on_next;
pub(super) use self::recorder::Known;
pub(super) use self::segments::says_more;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Reads a media playlist to its end; what is known of the version before need not be read.
pub(super) fn parse(mut reader: Reader<'_, '_>, known: Option<Known<'_>>) -> Result<MediaPlaylist, Error> {
    let mut playlist = Builder::new();
    while let Some(line) = reader.next()? {
        match line {
            Line::Media(MediaTag::Inf, value) => playlist.duration(value, &mut reader)?,
            Line::Uri(uri) => {
                playlist.segment(&uri, &mut reader)?;
                if playlist.segments.at_block() {
                    playlist.on_block(&mut reader, known)?;
                }
            }
            Line::Media(tag, value) => {
                or_ignored(playlist.tag(tag, value, &mut reader))?;
            }
            // The reader gives those to the other kind of playlist only.
            Line::Multivariant(..) => {}
        }
    }
    playlist.finish(reader)
}

/// What has been read so far.
struct Builder {
    info: PlaylistInfo,
    segments: Segments,
    date_ranges: DateRanges,
    /// Tags that may stand once and did, by their discriminants.
    seen: u32,
    /// `EXTINF` of the segment to come, in nanoseconds.
    duration: Option<u64>,
    /// `EXT-X-BYTERANGE` of the segment to come.
    byte_range: Option<Subrange>,
    /// `EXT-X-GAP` of the segment to come.
    gap: bool,
    /// The longest segment and its line.
    longest: (u64, u64),
    part_count: usize,
    /// The shortest part that has a least duration, with its line.
    short_part: Option<(MediaTime, u64)>,
    /// The longest part, with its line.
    long_part: Option<(MediaTime, u64)>,
    recorder: Recorder,
}

/// `n[@o]`.
#[derive(Clone, Copy)]
struct Subrange {
    length: u64,
    offset: Option<u64>,
}

impl Subrange {
    fn read(text: &str) -> Option<Self> {
        let (length, offset) = match text.split_once('@') {
            Some((length, offset)) => (length, Some(decimal_integer(offset)?)),
            None => (text, None),
        };
        let length = decimal_integer(length)?;
        offset.unwrap_or(0).checked_add(length)?;
        Some(Self { length, offset })
    }

    fn at(self, offset: u64) -> ByteRange {
        ByteRange { offset, length: self.length }
    }
}

impl Builder {
    fn new() -> Self {
        Self {
            info: PlaylistInfo::default(),
            segments: Segments::new(),
            date_ranges: DateRanges::default(),
            seen: 0,
            duration: None,
            byte_range: None,
            gap: false,
            longest: (0, 0),
            part_count: 0,
            short_part: None,
            long_part: None,
            recorder: Recorder::default(),
        }
    }

    /// `EXTINF` (H047).
    fn duration(&mut self, value: &str, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let text = match memchr::memchr(b',', value.as_bytes()) {
            Some(comma) => &value[..comma],
            None => {
                let message = "EXTINF has no comma";
                reader.report.fault("H047", ErrorCode::ManifestSyntax, message)?;
                value
            }
        };
        let nanos = parse_decimal_nanos(text).or_else(|| parse_decimal_nanos(text.trim()));
        let Some(nanos) = nanos.and_then(|nanos| u64::try_from(nanos).ok()) else {
            let message = format!("not a duration: {}", clip(text));
            return reader.report.fault("H047", ErrorCode::ManifestSyntax, message);
        };
        let limit = reader.report.context.limits.segment_duration;
        if MediaTime::from_nanos(nanos.cast_signed()) > limit {
            return Err(reader.report.limit("the segment is too long", limit));
        }
        if memchr::memchr(b'.', text.as_bytes()).is_some() {
            reader.report.uses(Feature::DecimalDuration);
        }
        self.duration = Some(nanos);
        Ok(())
    }

    /// A URI line ends a segment.
    fn segment(&mut self, uri: &str, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let duration = match self.duration.take() {
            // It holds media all the same, which would be in nobody's time: players would never ask for it.
            Some(0) => {
                reader.report.warn("H047", "a segment of no duration is taken to last two nanoseconds");
                // More than a unit of media time, however it is rounded.
                2
            }
            Some(duration) => duration,
            None if self.info.target_duration > MediaTime::ZERO => {
                let message = "the segment has no EXTINF; it is taken to last the target duration";
                reader.report.fault("H047", ErrorCode::ManifestMissing, message)?;
                self.info.target_duration.to_ticks(telecine_model::Timescale::NANOS).unsigned_abs()
            }
            None => {
                let message = "the segment has no duration (EXTINF)";
                return Err(reader.report.error(ErrorCode::ManifestMissing, message).fact("rule", "H047"));
            }
        };
        if duration > self.longest.0 {
            self.longest = (duration, reader.report.line);
        }
        let range = self.byte_range.take();
        let gap = core::mem::take(&mut self.gap);
        self.segments.push(uri, duration, range, gap, &mut reader.report)
    }

    fn tag<'t>(&mut self, tag: MediaTag, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        match tag {
            MediaTag::TargetDuration
            | MediaTag::MediaSequence
            | MediaTag::DiscontinuitySequence
            | MediaTag::EndList
            | MediaTag::PlaylistType
            | MediaTag::IFramesOnly
            | MediaTag::PartInf
            | MediaTag::ServerControl => self.playlist_tag(tag, value, reader),
            MediaTag::ProgramDateTime => {
                let Some(time) = parse_date_time(value) else {
                    let message = format!("not a date and time: {}", clip(value));
                    return Err(reader.report.reject("H059", ErrorCode::ManifestSyntax, message));
                };
                Ok(self.segments.program_date_time(time, &mut reader.report)?)
            }
            MediaTag::ByteRange => {
                reader.report.uses(Feature::ByteRange);
                self.byte_range = Subrange::read(value);
                if self.byte_range.is_none() {
                    let message = format!("not a byte range: {}", clip(value));
                    return Err(reader.report.error(ErrorCode::ManifestSyntax, message).fact("rule", "H048").into());
                }
                Ok(())
            }
            MediaTag::Discontinuity => Ok(self.segments.discontinuity(&mut reader.report)?),
            MediaTag::Gap => {
                self.gap = true;
                Ok(())
            }
            MediaTag::Bitrate => {
                let Some(kilobits) = decimal_integer(value) else {
                    let message = format!("not a bitrate: {}", clip(value));
                    return Err(reader.report.reject("H063", ErrorCode::ManifestSyntax, message));
                };
                self.segments.bitrate(kilobits);
                Ok(())
            }
            MediaTag::Key => {
                let attributes = Attributes::parse(value, &[], reader)?;
                let key = parse_key(&attributes, reader)?;
                Ok(self.segments.key(key, &mut reader.report)?)
            }
            MediaTag::Map => self.map(value, reader),
            MediaTag::Part => self.part(value, reader),
            MediaTag::Skip => self.skip(value, reader),
            MediaTag::PreloadHint => self.preload_hint(value, reader),
            MediaTag::RenditionReport => self.rendition_report(value, reader),
            MediaTag::DateRange => {
                let attributes = Attributes::parse(value, &[], reader)?;
                self.date_ranges.add(&attributes, reader)
            }
            // Read in the main loop.
            MediaTag::Inf => Ok(()),
        }
    }

    /// Media Playlist tags, each of which may stand once (H031).
    fn playlist_tag<'t>(&mut self, tag: MediaTag, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let bit = 1_u32 << (tag as u32);
        if self.seen & bit != 0 {
            return Ok(reader.repeated("H031", "a tag of the playlist")?);
        }
        self.seen |= bit;
        match tag {
            MediaTag::TargetDuration => self.target_duration(value, reader)?,
            MediaTag::MediaSequence => {
                let number = self.sequence(value, "H033", reader)?;
                self.info.has_media_sequence = true;
                self.segments.media_sequence = number;
            }
            MediaTag::DiscontinuitySequence => {
                let number = self.sequence(value, "H035", reader)?;
                if self.segments.has_discontinuity() {
                    let message = "EXT-X-DISCONTINUITY-SEQUENCE stands behind an EXT-X-DISCONTINUITY";
                    return Err(reader.report.reject("H035", ErrorCode::ManifestContradiction, message));
                }
                self.segments.discontinuity_sequence = number;
            }
            MediaTag::EndList => self.info.ended = true,
            MediaTag::PlaylistType => match value {
                "VOD" => self.info.playlist_type = Some(PlaylistType::Vod),
                "EVENT" => self.info.playlist_type = Some(PlaylistType::Event),
                other => return Err(reader.unknown_value("EXT-X-PLAYLIST-TYPE", other)),
            },
            MediaTag::IFramesOnly => {
                reader.report.uses(Feature::IFramesOnly);
                self.info.i_frames_only = true;
            }
            MediaTag::PartInf => self.part_inf(value, reader)?,
            MediaTag::ServerControl => self.server_control(value, reader)?,
            // The caller gives no others.
            _ => {}
        }
        Ok(())
    }

    /// A sequence number; behind the first segment it would renumber what is known.
    fn sequence(&self, value: &str, rule: &'static str, reader: &mut Reader<'_, '_>) -> Result<u64, Reject> {
        let Some(number) = decimal_integer(value) else {
            let message = format!("not a sequence number: {}", clip(value));
            return Err(reader.report.reject("H010", ErrorCode::ManifestSyntax, message));
        };
        if self.segments.has_begun() {
            let message = "the sequence number stands behind the first segment";
            return Err(reader.report.reject(rule, ErrorCode::ManifestContradiction, message));
        }
        Ok(number)
    }

    fn target_duration(&mut self, value: &str, reader: &mut Reader<'_, '_>) -> Result<(), Reject> {
        let seconds = decimal_integer(value).or_else(|| {
            // Some packagers write a decimal; rounded up no segment becomes too long for it.
            let nanos = u64::try_from(parse_decimal_nanos(value)?).ok()?;
            Some(nanos.div_ceil(NANOS_PER_SECOND))
        });
        let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else {
            let message = format!("not a target duration: {}", clip(value));
            return Err(reader.report.reject("H032", ErrorCode::ManifestSyntax, message));
        };
        if decimal_integer(value).is_none() {
            let message = format!("the target duration is not an integer; read as {seconds}");
            reader.report.fault("H032", ErrorCode::ManifestSyntax, message)?;
        }
        self.info.target_duration = MediaTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        Ok(())
    }

    /// `EXT-X-MAP` (H058).
    fn map<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        reader.report.uses(if self.info.i_frames_only { Feature::MapOfIFrames } else { Feature::Map });
        let Some(uri) = attributes.quoted("URI", reader)? else {
            let message = "EXT-X-MAP needs URI";
            return Err(reader.report.reject("H058", ErrorCode::ManifestMissing, message));
        };
        let byte_range = self.attribute_range("H058", &attributes, reader)?.map(|range| match range.offset {
            Some(offset) => Ok(range.at(offset)),
            None => {
                let message = "the byte range of EXT-X-MAP has no offset";
                let fault = reader.report.fault("H058", ErrorCode::ManifestSyntax, message);
                fault.map(|()| range.at(0))
            }
        });
        let byte_range = byte_range.transpose()?;
        Ok(self.segments.map(&uri, byte_range, &mut reader.report)?)
    }

    /// `BYTERANGE` of a tag with attributes. A damaged one fails in both modes: other bytes than
    /// those meant would be loaded.
    fn attribute_range<'t>(
        &self,
        rule: &'static str,
        attributes: &Attributes<'t>,
        reader: &mut Reader<'t, '_>,
    ) -> Result<Option<Subrange>, Error> {
        let Some(text) = attributes.quoted("BYTERANGE", reader)? else {
            return Ok(None);
        };
        let range = Subrange::read(&text);
        if range.is_none() {
            let message = format!("not a byte range: {}", clip(&text));
            return Err(reader.report.error(ErrorCode::ManifestSyntax, message).fact("rule", rule));
        }
        Ok(range)
    }

    fn finish(mut self, mut reader: Reader<'_, '_>) -> Result<MediaPlaylist, Error> {
        let version = reader.version();
        self.close_block(&reader);
        if self.info.playlist_type == Some(PlaylistType::Vod) && !self.info.ended {
            let message = "the playlist is of type VOD and has no EXT-X-ENDLIST; it is taken as complete, which \
                           players that go by EXT-X-ENDLIST alone take for live";
            reader.report.warn("H038", message);
        }
        self.check_durations(version, &mut reader)?;
        self.check_low_latency(&mut reader)?;
        let segments = core::mem::replace(&mut self.segments, Segments::new());
        let index = segments.finish(self.info.ended, self.info.skip.as_mut(), &mut reader.report)?;
        self.complete_reports(&index);
        if index.program_date_time.is_empty() && !self.date_ranges.is_empty() {
            let message = "there are date ranges but no EXT-X-PROGRAM-DATE-TIME";
            reader.report.warn("H072", message);
        }
        let mut info = self.info;
        info.uri = reader.report.context.uri.to_owned();
        info.version = version;
        info.independent_segments = reader.independent_segments;
        info.start = reader.start;
        info.date_ranges = self.date_ranges.finish();
        // Of what will not come again, nothing need be kept.
        let text = info.goes_on().then(|| self.recorder.finish(&reader, reader.report.context.limits));
        info.define = reader.variables.defined;
        info.unknown_tags = reader.unknown_tags;
        info.warnings = reader.report.finish(version);
        Ok(MediaPlaylist { info, index, text: text.unwrap_or_default() })
    }

    /// The target duration is there and no segment is longer (H032).
    fn check_durations(&mut self, version: u32, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let (longest, line) = self.longest;
        if self.info.target_duration == MediaTime::ZERO {
            let message = "there is no valid EXT-X-TARGETDURATION; the longest segment stands for it";
            reader.report.fault("H032", ErrorCode::ManifestMissing, message)?;
            let seconds = longest.div_ceil(NANOS_PER_SECOND);
            self.info.target_duration = MediaTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            return Ok(());
        }
        // Up to version 5 the duration itself, from 6 on the rounded one.
        let tolerance = if version < 6 { MediaTime::ZERO } else { MediaTime::from_nanos(499_999_999) };
        let length = MediaTime::from_nanos(longest.cast_signed());
        if length > self.info.target_duration + tolerance {
            reader.report.line = line;
            let message =
                format!("the longest segment lasts {length}, the target duration is {}", self.info.target_duration);
            reader.report.fault("H032", ErrorCode::ManifestContradiction, message)?;
        }
        Ok(())
    }
}
