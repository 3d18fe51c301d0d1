//! A transport stream into its programme's streams.

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, Place};

use super::clock::Clock;
use super::packet::{Found, Packet, Packets, NULL_PID};
use super::psi::{self, ElementaryStream, Sections, StreamKind};
use super::stream::{scrambled, Sink, Stream};
use crate::remux::{Remuxer, TrackSpec};
use crate::stream::{AudioSelection, Output, StreamOptions};

/// Reads one programme.
#[derive(Debug)]
pub(crate) struct Demuxer {
    packets: Packets,
    programme: Programme,
}

/// Everything behind the packets.
#[derive(Debug)]
struct Programme {
    options: StreamOptions,
    limits: Limits,
    clock: Clock,
    /// What each PID is: 0 nothing, else a place in `pids`, from 1.
    index: Box<[u8; PIDS]>,
    pids: Vec<Pid>,
    /// Number and PID of the programme's map.
    chosen: Option<(u16, u16)>,
    /// The last map, so that it is looked at only when it changes.
    map: Vec<u8>,
    /// Ids of the tracks, by the first map.
    ids: Option<TrackIds>,
}

/// Tracks are numbered from one, the video first. Video that joins sound later has a number of its own.
#[derive(Clone, Copy, Debug)]
struct TrackIds {
    video: u32,
    first_audio: u32,
}

const PIDS: usize = NULL_PID as usize + 1;

/// What is known of a PID that is read.
#[derive(Debug)]
struct Pid {
    pid: u16,
    /// Last continuity counter, and whether a packet with it has been repeated.
    counter: Option<u8>,
    repeated: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Association(Sections),
    Map(Sections),
    Stream(Box<Stream>),
}

impl Demuxer {
    pub(crate) fn new(options: &StreamOptions, limits: &Limits, near: Option<i64>) -> Self {
        let mut programme = Programme {
            options: options.clone(),
            limits: limits.clone(),
            clock: Clock::near(near),
            index: Box::new([0; PIDS]),
            pids: Vec::new(),
            chosen: None,
            map: Vec::new(),
            ids: None,
        };
        programme.add(0, Content::Association(Sections::default()));
        Self { packets: Packets::default(), programme }
    }

    /// Another segment begins, which continues the stream.
    pub(crate) fn next_segment(&mut self) {
        self.packets.restart();
    }

    /// The segment before ended without its end.
    pub(crate) fn abandon(&mut self) {
        self.programme.each_stream(|stream, _| stream.abandon());
    }

    /// Reads bytes of the segment.
    pub(crate) fn push(&mut self, bytes: &Bytes, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        self.read(bytes, false, remuxer, out)
    }

    /// The segment ends.
    pub(crate) fn finish(&mut self, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        self.read(&Bytes::new(), true, remuxer, out)?;
        let (left, position) = self.packets.rest();
        out.position = position;
        if left > 0 {
            out.warn("T020", || format!("the segment ends in the middle of a packet: {left} bytes are left out"));
        }
        let mut outcome = Ok(());
        self.programme.each_stream(|stream, clock| {
            if outcome.is_ok() {
                outcome = stream.finish(&mut Sink { clock, remuxer, out });
            }
        });
        outcome?;
        if self.programme.ids.is_none() {
            let message = "the transport stream has no programme map";
            return Err(Error::new(ErrorCode::ContainerSyntax, message).at(Place::Byte(position)));
        }
        Ok(())
    }

    fn read(&mut self, bytes: &Bytes, end: bool, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        let programme = &mut self.programme;
        self.packets.push(bytes, end, &mut |found| match found {
            Found::Packet(packet, position) => {
                out.position = position;
                out.counters.packets += 1;
                let taken = programme.packet(packet, remuxer, out);
                taken.map_err(|error| if error.place().is_none() { error.at(Place::Byte(position)) } else { error })
            }
            Found::Skipped(count) => {
                out.warn("T001", || format!("{count} bytes are no transport packet and left out"));
                Ok(())
            }
        })
    }
}

impl Programme {
    fn add(&mut self, pid: u16, content: Content) {
        self.pids.push(Pid { pid, counter: None, repeated: false, content });
        self.reindex();
    }

    fn reindex(&mut self) {
        self.index.fill(0);
        for (at, pid) in self.pids.iter().enumerate() {
            // Fewer than 255: see `select`.
            if let (Some(place), Ok(number)) = (self.index.get_mut(usize::from(pid.pid)), u8::try_from(at + 1)) {
                *place = number;
            }
        }
    }

    /// Does the same with every stream, between segments.
    fn each_stream(&mut self, mut action: impl FnMut(&mut Stream, &mut Clock)) {
        for pid in &mut self.pids {
            // Counters of the next segment may begin anywhere.
            pid.counter = None;
            pid.repeated = false;
            match &mut pid.content {
                Content::Stream(stream) => action(stream, &mut self.clock),
                Content::Association(sections) | Content::Map(sections) => sections.lose(),
            }
        }
    }

    fn packet(
        &mut self,
        bytes: &[u8; super::packet::PACKET],
        remuxer: &mut Remuxer,
        out: &mut Output,
    ) -> Result<(), Error> {
        let Some(packet) = Packet::read(bytes) else {
            out.warn("T007", || "an adaptation field is longer than its packet".to_owned());
            return Ok(());
        };
        let known = self.index.get(usize::from(packet.pid)).copied().unwrap_or(0);
        let Some(pid) = usize::from(known).checked_sub(1).and_then(|at| self.pids.get_mut(at)) else {
            return Ok(());
        };
        if packet.error {
            // Nothing in it can be trusted; its absence shows in the counter of the next.
            out.warn("T003", || format!("a packet of PID {} is marked as damaged", packet.pid));
            return Ok(());
        }
        if packet.discontinuity {
            pid.counter = None;
        }
        let Some(payload) = packet.payload else { return Ok(()) };
        if packet.scrambled {
            return Err(scrambled(packet.pid));
        }
        let lost = match pid.counter {
            None => false,
            Some(last) if packet.counter == last && !pid.repeated => {
                // A packet may be sent twice (2.4.3.3).
                pid.repeated = true;
                return Ok(());
            }
            Some(last) => packet.counter != (last + 1) & 0x0f,
        };
        pid.counter = Some(packet.counter);
        pid.repeated = false;
        if lost {
            out.counters.losses += 1;
            out.warn("T002", || format!("packets of PID {} are missing", packet.pid));
        }
        let mut maps = Vec::new();
        match &mut pid.content {
            Content::Stream(stream) => {
                let sink = &mut Sink { clock: &mut self.clock, remuxer, out };
                if lost {
                    stream.lose(sink)?;
                }
                return stream.push(packet.start, payload, sink);
            }
            Content::Association(sections) | Content::Map(sections) => {
                if lost {
                    sections.lose();
                }
                sections.push(packet.start, payload, &mut |section| maps.push(section.to_vec()));
            }
        }
        maps.into_iter().try_for_each(|section| self.section(&section, packet.pid, remuxer, out))
    }

    fn section(&mut self, section: &[u8], pid: u16, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        if pid == 0 {
            match psi::association(section) {
                Ok(Some(programmes)) => self.choose(&programmes, out),
                Ok(None) => {}
                Err(message) => out.warn("T004", || message.to_owned()),
            }
            return Ok(());
        }
        if section == self.map {
            return Ok(());
        }
        match psi::map(section) {
            Ok(Some((number, streams))) if self.chosen == Some((number, pid)) => {
                self.map = section.to_vec();
                self.select(&streams, remuxer, out)
            }
            Ok(_) => Ok(()),
            Err(message) => {
                out.warn("T004", || message.to_owned());
                Ok(())
            }
        }
    }

    /// Takes the first programme.
    fn choose(&mut self, programmes: &[(u16, u16)], out: &mut Output) {
        let Some(first) = programmes.first().copied() else { return };
        if self.chosen == Some(first) {
            return;
        }
        if programmes.len() > 1 {
            out.warn("T005", || format!("there are {} programmes; number {} is taken", programmes.len(), first.0));
        }
        self.chosen = Some(first);
        self.map.clear();
        self.pids.retain(|pid| !matches!(pid.content, Content::Map(_)) && pid.pid != first.1);
        self.add(first.1, Content::Map(Sections::default()));
    }

    /// Reads the streams of a programme map that are wanted, and no others.
    fn select(&mut self, streams: &[ElementaryStream], remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        /// Of each kind; a map has room for some two hundred.
        const MOST: usize = 32;
        let has_video = streams.iter().any(|stream| matches!(stream.kind, StreamKind::Video { .. }));
        let ids = *self.ids.get_or_insert(match has_video && self.options.video {
            true => TrackIds { video: 1, first_audio: 2 },
            false => TrackIds { video: 1 + MOST as u32, first_audio: 1 },
        });
        let wanted = self.wanted(streams, ids, MOST, out)?;
        // What is read on is kept; what is not any more is complete.
        let reserved = [0, self.chosen.map_or(0, |(_, pid)| pid)];
        let mut kept = Vec::new();
        for mut pid in std::mem::take(&mut self.pids) {
            match &mut pid.content {
                Content::Association(_) | Content::Map(_) => kept.push(pid),
                Content::Stream(stream) if wanted.contains(&(stream.track, &stream.described)) => kept.push(pid),
                Content::Stream(stream) => {
                    stream.finish(&mut Sink { clock: &mut self.clock, remuxer, out })?;
                }
            }
        }
        self.pids = kept;
        let specs: Vec<TrackSpec> = wanted.iter().filter_map(|(track, stream)| spec(*track, stream)).collect();
        remuxer.set_tracks(&specs, out)?;
        for (track, stream) in wanted {
            let taken = self.pids.iter().any(|pid| pid.pid == stream.pid) || reserved.contains(&stream.pid);
            if !taken {
                if let Some(reader) = Stream::new(stream, track, &self.limits) {
                    self.add(stream.pid, Content::Stream(Box::new(reader)));
                }
            }
        }
        self.reindex();
        Ok(())
    }

    /// The streams that are wanted, with the ids of their tracks.
    fn wanted<'s>(
        &self,
        streams: &'s [ElementaryStream],
        ids: TrackIds,
        most: usize,
        out: &mut Output,
    ) -> Result<Vec<(u32, &'s ElementaryStream)>, Error> {
        let audio = match self.options.audio {
            AudioSelection::None => 0,
            AudioSelection::First | AudioSelection::Nth(_) => 1,
            AudioSelection::All => most,
        };
        let mut passed_over = match self.options.audio {
            AudioSelection::Nth(count) => count,
            _ => 0,
        };
        let mut left = [usize::from(self.options.video), audio, if self.options.metadata { most } else { 0 }];
        let mut wanted = Vec::new();
        let (mut next_audio, mut usable) = (ids.first_audio, 0);
        for stream in streams {
            let (kind, track) = match &stream.kind {
                StreamKind::Video { .. } => (0, ids.video),
                StreamKind::Audio { .. } => (1, next_audio),
                StreamKind::Metadata => (2, 0),
                StreamKind::Other(kind) => {
                    let pid = stream.pid;
                    out.warn("T006", || format!("PID {pid} has stream type {kind:#04x}, which is not read"));
                    continue;
                }
            };
            usable += 1;
            if kind == 1 && passed_over > 0 {
                passed_over -= 1;
                continue;
            }
            if left.get(kind).is_some_and(|left| *left > 0) {
                left[kind] -= 1;
                next_audio += u32::from(kind == 1);
                wanted.push((track, stream));
            }
        }
        if usable == 0 && !streams.is_empty() {
            let types: Vec<String> = streams
                .iter()
                .map(|stream| match stream.kind {
                    StreamKind::Other(kind) => format!("{kind:#04x}"),
                    _ => String::new(),
                })
                .collect();
            let message = format!("the programme has streams of these types only: {}", types.join(", "));
            return Err(Error::new(ErrorCode::CodecUnsupported, message));
        }
        Ok(wanted)
    }
}

/// The track of a stream; None for metadata.
fn spec(track: u32, stream: &ElementaryStream) -> Option<TrackSpec> {
    let (video, encrypted) = match &stream.kind {
        StreamKind::Video { encrypted, .. } => (true, *encrypted),
        StreamKind::Audio { encrypted, .. } => (false, *encrypted),
        StreamKind::Metadata | StreamKind::Other(_) => return None,
    };
    Some(TrackSpec { id: track, video, language: stream.language, encrypted })
}
