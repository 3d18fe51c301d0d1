//! What becomes of the packets of one PID.

use bytes::{Bytes, BytesMut};
use telecine_model::{Error, ErrorCode, Limits};

use super::clock::Clock;
use super::pes::{Part, PesHeader, PesReader};
use super::psi::{ElementaryStream, StreamKind};
use crate::es::{AudioFramer, Framed, Stamp, VideoAssembler};
use crate::id3;
use crate::remux::{media_time, Remuxer};
use crate::stream::{Output, StreamUnit, TimedMetadata};

/// Where what is found goes.
pub(crate) struct Sink<'a> {
    pub(crate) clock: &'a mut Clock,
    pub(crate) remuxer: &'a mut Remuxer,
    pub(crate) out: &'a mut Output,
}

/// One elementary stream that is read.
#[derive(Debug)]
pub(crate) struct Stream {
    /// What the programme map says of it.
    pub(crate) described: ElementaryStream,
    /// Track in the output; zero for metadata.
    pub(crate) track: u32,
    pes: PesReader,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Video(Box<VideoAssembler>),
    Audio(Box<AudioReader>),
    Metadata(MetadataReader),
}

impl Stream {
    /// A reader for a stream; None if it is not of a kind that is read.
    pub(crate) fn new(described: &ElementaryStream, track: u32, limits: &Limits) -> Option<Self> {
        let reader = match &described.kind {
            StreamKind::Video { codec, encrypted } => {
                Reader::Video(Box::new(VideoAssembler::new(*codec, *encrypted, limits)))
            }
            StreamKind::Audio { codec, encrypted, given } => {
                let mut framer = AudioFramer::new(*codec, *encrypted, 0);
                if let Some(entry) = given {
                    framer.give(entry.clone());
                }
                Reader::Audio(Box::new(AudioReader { framer, gathered: BytesMut::new() }))
            }
            StreamKind::Metadata => {
                Reader::Metadata(MetadataReader { gathered: Vec::new(), time: None, limit: limits.id3_bytes })
            }
            StreamKind::Other(_) => return None,
        };
        Some(Self { described: described.clone(), track, pes: PesReader::default(), reader })
    }

    /// Takes the payload of a packet.
    pub(crate) fn push(&mut self, start: bool, payload: &[u8], sink: &mut Sink<'_>) -> Result<(), Error> {
        let (pid, track, reader) = (self.described.pid, self.track, &mut self.reader);
        self.pes.push(start, payload, &mut |part| match part {
            Part::Begin(header) if header.scrambled => Err(scrambled(pid)),
            Part::Short(missing) => {
                sink.out.warn("T007", || format!("a PES packet of PID {pid} ends {missing} bytes too early"));
                reader.cut_short(track, sink)
            }
            Part::Invalid => {
                sink.out.warn("T007", || format!("PID {pid} has no PES packet where one should begin"));
                Ok(())
            }
            part => reader.take(part, track, sink),
        })
    }

    /// Packets are missing.
    pub(crate) fn lose(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        self.pes.lose();
        match &mut self.reader {
            Reader::Video(assembler) => {
                let before = assembler.damaged;
                assembler.lose();
                if assembler.damaged > before {
                    sink.out.counters.dropped_video += 1;
                    sink.out.warn("T009", || "an access unit of video is damaged and left out".to_owned());
                }
            }
            Reader::Audio(_) => return self.reader.cut_short(self.track, sink),
            Reader::Metadata(metadata) => metadata.gathered.clear(),
        }
        Ok(())
    }

    /// The segment ended without its end: what was begun is dropped.
    pub(crate) fn abandon(&mut self) {
        self.pes.lose();
        match &mut self.reader {
            Reader::Video(assembler) => assembler.abandon(),
            Reader::Audio(audio) => {
                audio.gathered.clear();
                audio.framer.abandon();
            }
            Reader::Metadata(metadata) => metadata.gathered.clear(),
        }
    }

    /// The segment ends.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let missing = self.pes.finish();
        if missing > 0 {
            let pid = self.described.pid;
            sink.out.warn("T007", || format!("a PES packet of PID {pid} ends {missing} bytes too early"));
            self.reader.cut_short(self.track, sink)?;
        }
        match &mut self.reader {
            Reader::Video(assembler) => {
                assembler.flush();
                hand_on(assembler, self.track, sink)
            }
            Reader::Audio(audio) => {
                audio.deliver(self.track, sink)?;
                audio.read(true, self.track, sink)?;
                audio.framer.end_segment();
                Ok(())
            }
            Reader::Metadata(metadata) => {
                metadata.deliver(sink);
                Ok(())
            }
        }
    }
}

/// Scrambled content can not be read.
pub(crate) fn scrambled(pid: u16) -> Error {
    Error::new(ErrorCode::ContainerScrambled, format!("packets of PID {pid} are scrambled")).fact("pid", pid)
}

impl Reader {
    fn take(&mut self, part: Part<'_>, track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
        match self {
            Self::Video(assembler) => match part {
                Part::Begin(header) => {
                    assembler.begin_packet(stamp(&header, sink.clock));
                    Ok(())
                }
                Part::Data(data) => {
                    assembler.push(data)?;
                    if assembler.has_units() {
                        hand_on(assembler, track, sink)?;
                    }
                    Ok(())
                }
                _ => Ok(()),
            },
            Self::Audio(audio) => match part {
                Part::Begin(header) => {
                    audio.deliver(track, sink)?;
                    if let Some(stamp) = stamp(&header, sink.clock) {
                        audio.framer.stamp(stamp.pts);
                    }
                    Ok(())
                }
                Part::Data(data) => audio.gather(data, track, sink),
                _ => audio.deliver(track, sink),
            },
            Self::Metadata(metadata) => {
                metadata.take(part, sink);
                Ok(())
            }
        }
    }

    /// The packet in hand lacks bytes at its end. Whole frames of sound in it count, a part of one does not.
    fn cut_short(&mut self, track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
        if let Self::Audio(audio) = self {
            audio.deliver(track, sink)?;
            // A frame that was whole before is not lost.
            if audio.framer.is_locked() {
                audio.read(true, track, sink)?;
            }
            audio.framer.lose();
            sink.remuxer.lose_audio(track);
        }
        Ok(())
    }
}

/// The timestamps of a packet on the programme's line.
fn stamp(header: &PesHeader, clock: &mut Clock) -> Option<Stamp> {
    let pts = clock.unroll(header.pts?);
    Some(Stamp { pts, dts: header.dts.map(|dts| Clock::beside(dts, pts)) })
}

/// Hands on the access units that are complete.
fn hand_on(assembler: &mut VideoAssembler, track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
    sink.out.counters.copied += assembler.take_copied();
    let unreadable = assembler.take_unreadable();
    if unreadable > 0 {
        sink.out.warn("T010", || format!("{unreadable} parameter sets cannot be read and are left out"));
    }
    for unit in assembler.take() {
        sink.remuxer.video(track, unit, sink.out)?;
    }
    Ok(())
}

#[derive(Debug)]
struct AudioReader {
    framer: AudioFramer,
    /// Payload that the framer has not seen.
    gathered: BytesMut,
}

/// So many bytes are gathered at most; buffers are some times as large.
const GATHERED: usize = 16 << 10;

impl AudioReader {
    fn gather(&mut self, data: &[u8], track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
        if self.gathered.capacity() - self.gathered.len() < data.len() {
            let mut fresh = BytesMut::with_capacity(4 * GATHERED);
            fresh.extend_from_slice(&self.gathered);
            sink.out.counters.copied += self.gathered.len() as u64;
            self.gathered = fresh;
        }
        self.gathered.extend_from_slice(data);
        sink.out.counters.copied += data.len() as u64;
        if self.gathered.len() >= GATHERED {
            return self.deliver(track, sink);
        }
        Ok(())
    }

    /// Gives the framer what was gathered.
    fn deliver(&mut self, track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.framer.push(self.gathered.split().freeze());
        self.read(false, track, sink)
    }

    fn read(&mut self, end: bool, track: u32, sink: &mut Sink<'_>) -> Result<(), Error> {
        while let Some(framed) = self.framer.next(end) {
            match framed {
                Framed::Unit(unit) => sink.remuxer.audio(track, unit, sink.out)?,
                Framed::Skipped(count) => {
                    sink.out.warn("T012", || format!("{count} bytes of sound are no frame and left out"));
                }
                Framed::Tag(_) => {}
            }
        }
        sink.out.counters.copied += self.framer.take_copied();
        Ok(())
    }
}

/// Timed metadata in PES packets: an ID3 tag may go on in the packets behind.
#[derive(Debug)]
struct MetadataReader {
    gathered: Vec<u8>,
    time: Option<i64>,
    limit: usize,
}

impl MetadataReader {
    fn take(&mut self, part: Part<'_>, sink: &mut Sink<'_>) {
        match part {
            Part::Begin(header) => {
                if header.aligned || header.pts.is_some() {
                    self.deliver(sink);
                    self.time = stamp(&header, sink.clock).map(|stamp| stamp.pts);
                }
            }
            Part::Data(data) if self.gathered.len() + data.len() > self.limit => {
                self.gathered.clear();
                sink.out.warn("T019", || "an ID3 tag is larger than the limit and left out".to_owned());
            }
            Part::Data(data) => self.gathered.extend_from_slice(data),
            Part::Complete => {
                let size = id3::tag_size(&self.gathered);
                if matches!(size, id3::Size::Tag(size) if size <= self.gathered.len()) {
                    self.deliver(sink);
                }
            }
            Part::Short(_) | Part::Invalid => {}
        }
    }

    fn deliver(&mut self, sink: &mut Sink<'_>) {
        if self.gathered.is_empty() {
            return;
        }
        let bytes = Bytes::from(std::mem::take(&mut self.gathered));
        let tags = id3::tags(&bytes);
        if tags.is_empty() {
            sink.out.warn("T019", || format!("{} bytes of metadata are no ID3 tag that can be read", bytes.len()));
        }
        for tag in tags {
            sink.out.push(StreamUnit::Metadata(TimedMetadata { time: self.time.map(media_time), tag }));
        }
    }
}
