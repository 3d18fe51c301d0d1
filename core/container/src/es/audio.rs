//! From bytes of an audio elementary stream to frames.

use std::collections::VecDeque;

use bytes::Bytes;
use telecine_model::protection::Subsample;

use super::sample_aes::Subsamples;
use super::{adts, dolby, latm, mpeg_audio};
use crate::id3;
use crate::iso::AudioEntry;
use crate::window::Window;

/// Which audio codec, in which framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioCodec {
    /// AAC in ADTS.
    Adts,
    /// AAC in LATM, in LOAS.
    Latm,
    /// MPEG-1 and MPEG-2 audio, layers I to III.
    Mpeg,
    /// AC-3 and E-AC-3, which their frames tell apart.
    Dolby,
}

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes that are no part of the sample.
    pub(crate) strip: usize,
    /// Bytes, header included.
    pub(crate) size: usize,
    /// Samples of each channel.
    pub(crate) samples: u32,
    /// Samples a second.
    pub(crate) rate: u32,
    /// The same in frames that a decoder takes with the same configuration.
    pub(crate) config: u64,
}

/// What the first bytes of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Frame(Header),
    /// No frame begins here.
    Invalid,
    /// One may, but more bytes are needed.
    Short,
}

impl Read {
    /// For bytes that are fewer than a header: short if they can be the beginning of one, which looks
    /// like `pattern` where `mask` has ones.
    pub(crate) fn too_short(bytes: &[u8], pattern: &[u8], mask: &[u8]) -> Self {
        let fits = bytes.iter().zip(pattern).zip(mask).all(|((byte, pattern), mask)| byte & mask == *pattern & mask);
        if fits {
            Self::Short
        } else {
            Self::Invalid
        }
    }
}

/// What a header looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderKind {
    /// The size of the frame, and something that is the same in frames of its kind: zero for AC-3.
    Frame(usize, u64),
    Invalid,
    Short,
}

impl AudioCodec {
    /// What the first bytes are, for finding out what a resource is.
    pub(crate) fn look(self, bytes: &[u8]) -> HeaderKind {
        match self.header(bytes) {
            Read::Frame(header) if self == Self::Dolby => HeaderKind::Frame(header.size, dolby::enhanced(bytes).into()),
            Read::Frame(header) => HeaderKind::Frame(header.size, header.config),
            Read::Invalid => HeaderKind::Invalid,
            Read::Short => HeaderKind::Short,
        }
    }

    fn header(self, bytes: &[u8]) -> Read {
        match self {
            Self::Adts => adts::header(bytes),
            Self::Latm => latm::header(bytes),
            Self::Mpeg => mpeg_audio::header(bytes),
            Self::Dolby => dolby::header(bytes),
        }
    }

    /// The byte that every header begins with.
    const fn sync_byte(self) -> u8 {
        match self {
            Self::Adts | Self::Mpeg => 0xff,
            Self::Latm => 0x56,
            Self::Dolby => 0x0b,
        }
    }
}

/// Enough bytes of any header.
const PEEK: usize = 24;

/// So much is searched at once for frames inside of what a header claims.
const BLOCK: usize = 64;

/// One access unit of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudioUnit {
    pub(crate) data: Bytes,
    /// Samples of each channel.
    pub(crate) samples: u32,
    /// Samples a second.
    pub(crate) rate: u32,
    /// Presentation time in ticks of 90 kHz, if it is the first unit of a packet that has one.
    pub(crate) stamp: Option<i64>,
    /// The decoder needs to know this from here on.
    pub(crate) config: Option<Box<AudioEntry>>,
    /// With SAMPLE-AES: which bytes are protected.
    pub(crate) subsamples: Vec<Subsample>,
}

/// What comes out of an audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    Unit(AudioUnit),
    /// An ID3 tag, whole, between frames.
    Tag(Bytes),
    /// Bytes that are no frame.
    Skipped(u64),
}

/// Cuts bytes into frames. A frame that lies in one piece is not copied.
#[derive(Debug)]
pub(crate) struct AudioFramer {
    codec: AudioCodec,
    encrypted: bool,
    /// ID3 tags may stand between frames.
    tagged: bool,
    tag_limit: usize,
    window: Window,
    /// Where packets begin, and their presentation times.
    stamps: VecDeque<(u64, i64)>,
    /// What the last frame was like; None where the next is to be searched.
    locked: Option<u64>,
    /// Known from elsewhere: it is taken in place of what frames say.
    given: Option<AudioEntry>,
    /// The kind of frame whose configuration has been handed out.
    configured: Option<u64>,
    latm: latm::Multiplex,
    /// Nothing happens before so many bytes are there.
    wanted: u64,
    /// Up to here what headers claimed was searched for frames.
    searched: u64,
    skipped: u64,
    copied: u64,
    /// Bytes that were looked at in such searches.
    #[cfg(test)]
    looked: u64,
}

enum Step {
    Framed(Framed),
    Again,
    Starved,
}

impl AudioFramer {
    /// `encrypted`: with SAMPLE-AES. `tag_limit`: the size of ID3 tags between frames; zero if there
    /// are none.
    pub(crate) fn new(codec: AudioCodec, encrypted: bool, tag_limit: usize) -> Self {
        Self {
            codec,
            encrypted,
            tagged: tag_limit > 0,
            tag_limit,
            window: Window::default(),
            stamps: VecDeque::new(),
            locked: None,
            given: None,
            configured: None,
            latm: latm::Multiplex::default(),
            wanted: 0,
            searched: 0,
            skipped: 0,
            copied: 0,
            #[cfg(test)]
            looked: 0,
        }
    }

    /// A configuration that is known from elsewhere.
    pub(crate) fn give(&mut self, entry: AudioEntry) {
        self.given = Some(entry);
    }

    /// The next byte pushed begins a packet with a presentation time.
    pub(crate) fn stamp(&mut self, time: i64) {
        self.stamps.push_back((self.window.end(), time));
    }

    /// The next frame has a presentation time.
    pub(crate) fn stamp_here(&mut self, time: i64) {
        self.stamps.push_front((self.window.cursor(), time));
    }

    /// Whether what follows is protected by SAMPLE-AES.
    pub(crate) fn set_encrypted(&mut self, encrypted: bool) {
        self.encrypted = encrypted;
    }

    /// Where what comes next begins, counted from the first byte pushed.
    pub(crate) fn position(&self) -> u64 {
        self.window.cursor().saturating_sub(self.skipped)
    }

    /// Bytes that have been pushed.
    pub(crate) fn received(&self) -> u64 {
        self.window.end()
    }

    /// Behind a segment a frame may go on in the next, or not: it counts if another follows it.
    pub(crate) fn end_segment(&mut self) {
        self.locked = None;
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.window.push(bytes);
    }

    /// The next bytes are taken for a frame if they look like those before.
    pub(crate) fn is_locked(&self) -> bool {
        self.locked.is_some()
    }

    /// Bytes are missing here: what was begun is lost.
    pub(crate) fn lose(&mut self) {
        let lost = self.window.available();
        self.window.advance(lost);
        self.window.discard();
        self.stamps.clear();
        self.locked = None;
        self.wanted = 0;
        self.skipped += lost;
    }

    /// What was begun is dropped, and the next frame has its configuration with it, although it was handed
    /// out before.
    pub(crate) fn abandon(&mut self) {
        self.lose();
        self.skipped = 0;
        self.configured = None;
        self.latm.hand_out_again();
    }

    /// Bytes copied since this was asked last.
    pub(crate) fn take_copied(&mut self) -> u64 {
        std::mem::take(&mut self.copied)
    }

    /// The next frame, if it is there. At the end of a resource what is not whole waits for more.
    pub(crate) fn next(&mut self, end: bool) -> Option<Framed> {
        if !end && self.window.available() < self.wanted {
            return None;
        }
        self.wanted = 0;
        loop {
            match self.step(end) {
                Step::Framed(framed) => return Some(framed),
                Step::Again => {}
                Step::Starved => return None,
            }
        }
    }

    fn step(&mut self, end: bool) -> Step {
        let mut bytes = [0; PEEK];
        let count = self.window.peek(&mut bytes);
        let head = bytes.get(..count).unwrap_or_default();
        if head.is_empty() {
            return self.starve(1, end);
        }
        if self.tagged {
            match id3::tag_size(head) {
                id3::Size::Tag(size) => return self.tag(size, end),
                id3::Size::Short if !end => return self.starve(count as u64 + 1, false),
                _ => {}
            }
        }
        let header = match self.codec.header(head) {
            Read::Frame(header) => header,
            Read::Short => return self.starve(count as u64 + 1, end),
            Read::Invalid => return self.skip(),
        };
        let size = match self.codec {
            AudioCodec::Dolby => match self.group(end) {
                Some(size) => size,
                None => return self.starve(self.wanted, end),
            },
            _ => header.size,
        };
        let trusted = match self.locked == Some(header.config) {
            true => self.is_followed(header.config, size, end),
            false => self.confirm(header.config, size, end),
        };
        match trusted {
            Some(true) => {}
            Some(false) => return self.skip(),
            None => return self.starve(self.wanted, end),
        }
        if self.window.available() < size as u64 {
            return self.starve(size as u64, end);
        }
        if self.skipped > 0 {
            return Step::Framed(Framed::Skipped(std::mem::take(&mut self.skipped)));
        }
        self.locked = Some(header.config);
        self.frame(header, size)
    }

    /// Waits for so many bytes. At the end bytes that can never become a frame are reported.
    fn starve(&mut self, wanted: u64, end: bool) -> Step {
        self.wanted = wanted;
        if end && self.skipped > 0 {
            return Step::Framed(Framed::Skipped(std::mem::take(&mut self.skipped)));
        }
        Step::Starved
    }

    /// No frame begins here: goes on to where one may.
    fn skip(&mut self) -> Step {
        self.locked = None;
        let passed = 1 + self.window.distance(1, self.codec.sync_byte());
        // Behind sound there may be tags.
        let passed = if self.tagged { passed.min(1 + self.window.distance(1, b'I')) } else { passed };
        self.window.advance(passed);
        self.window.discard();
        self.skipped += passed;
        Step::Again
    }

    /// Whether what looks like the frames before it is one: behind it there is another, of whatever kind, a tag or the
    /// end; or nothing of the kind, but no frames inside of it either. Garbage behind a frame does not make it garbage;
    /// a header in garbage shows by the frames that it claims for its own. None if that is not known yet.
    fn is_followed(&mut self, config: u64, size: usize, end: bool) -> Option<bool> {
        let available = self.window.available();
        if available >= size as u64 {
            let mut bytes = [0; PEEK];
            let count = self.window.peek_at(size as u64, &mut bytes);
            let head = bytes.get(..count).unwrap_or_default();
            let tag = if self.tagged { id3::tag_size(head) } else { id3::Size::No };
            match (self.codec.header(head), tag) {
                (Read::Frame(_), _) | (_, id3::Size::Tag(_)) => return Some(true),
                (Read::Short, _) | (_, id3::Size::Short) if end => return Some(true),
                (Read::Short, _) | (_, id3::Size::Short) => {
                    self.wanted = available + 1;
                    return None;
                }
                (Read::Invalid, id3::Size::No) => {}
            }
        } else if !end {
            self.wanted = size as u64;
            return None;
        }
        self.hides_frames(config, size, end).map(|hides| !hides)
    }

    /// Whether inside of what a header claims, two frames follow each other that are like those before. None if that
    /// is not known yet.
    ///
    /// No byte is searched twice, however many headers claim it and whatever the pieces that it comes in: what
    /// garbage may claim would multiply the work otherwise. So frames of the other of two kinds that alternate
    /// inside of one claim may be missed; nothing but an attack looks like that.
    fn hides_frames(&mut self, config: u64, size: usize, end: bool) -> Option<bool> {
        if self.codec == AudioCodec::Dolby {
            // An access unit is several frames that are alike; their headers have a checksum's support.
            return Some(false);
        }
        let (cursor, available) = (self.window.cursor(), self.window.available());
        let inside = available.min(size as u64);
        // Counted from the cursor.
        let mut at = self.searched.saturating_sub(cursor).max(1);
        let mut block = [0; BLOCK + PEEK];
        while at < inside {
            let count = self.look(at, &mut block);
            let length = BLOCK.min(count).min(usize::try_from(inside - at).unwrap_or(BLOCK));
            let candidates = block.get(..length).unwrap_or_default();
            for found in memchr::memchr_iter(self.codec.sync_byte(), candidates) {
                let here = at + found as u64;
                let header = self.codec.header(block.get(found..count).unwrap_or_default());
                let (is_pair, needs) = match header {
                    Read::Frame(inner) if inner.config == config => {
                        let behind = here + inner.size as u64;
                        let mut bytes = [0; PEEK];
                        let count = self.look(behind, &mut bytes);
                        match self.codec.header(bytes.get(..count).unwrap_or_default()) {
                            Read::Frame(other) => (other.config == config, 0),
                            Read::Short => (end && behind == available, behind + PEEK as u64),
                            Read::Invalid => (false, 0),
                        }
                    }
                    Read::Short => (false, here + PEEK as u64),
                    _ => (false, 0),
                };
                let unknown = !end && needs > available;
                if is_pair || unknown {
                    self.searched = cursor + here;
                    self.wanted = if unknown { needs } else { 0 };
                    return is_pair.then_some(true);
                }
            }
            at += length as u64;
        }
        self.searched = cursor + at;
        Some(false)
    }

    /// Copies what lies so far behind the cursor, and returns how much there is.
    fn look(&mut self, at: u64, out: &mut [u8]) -> usize {
        let count = self.window.peek_at(at, out);
        #[cfg(test)]
        {
            self.looked += count as u64;
        }
        count
    }

    /// Whether behind a frame there is another of its kind, a tag or the end; None if that is not
    /// known yet.
    fn confirm(&mut self, config: u64, size: usize, end: bool) -> Option<bool> {
        let mut bytes = [0; PEEK];
        let count = self.window.peek_at(size as u64, &mut bytes);
        let head = bytes.get(..count).unwrap_or_default();
        let available = self.window.available();
        if self.tagged && matches!(id3::tag_size(head), id3::Size::Tag(_)) {
            return Some(true);
        }
        match self.codec.header(head) {
            Read::Frame(next) => Some(next.config == config),
            Read::Invalid => Some(false),
            Read::Short if end => Some(available >= size as u64),
            Read::Short => {
                self.wanted = (available + 1).max(size as u64 + 1);
                None
            }
        }
    }

    /// The size of an access unit of AC-3 or E-AC-3: six blocks of its first substream, and all
    /// substreams that go with them (ETSI TS 102 366, F.6). None if its end is not known yet.
    fn group(&mut self, end: bool) -> Option<usize> {
        let mut bytes = [0; PEEK];
        let mut group = dolby::Group::default();
        loop {
            let count = self.window.peek_at(group.size as u64, &mut bytes);
            match group.add(bytes.get(..count).unwrap_or_default()) {
                dolby::Next::Added => {}
                dolby::Next::Complete => return Some(group.size),
                dolby::Next::Unknown if end && !group.is_open() => return Some(group.size),
                dolby::Next::Unknown => {
                    self.wanted = (self.window.available() + 1).max(group.size as u64 + 1);
                    return None;
                }
            }
        }
    }

    fn tag(&mut self, size: usize, end: bool) -> Step {
        let available = self.window.available();
        if size > self.tag_limit || (end && available < size as u64) {
            // Its content is not wanted, or not there.
            return self.skip();
        }
        if available < size as u64 {
            return self.starve(size as u64, end);
        }
        let tag = self.read(size);
        Step::Framed(Framed::Tag(tag))
    }

    fn read(&mut self, size: usize) -> Bytes {
        if !self.window.is_contiguous(size) {
            self.copied += size as u64;
        }
        let bytes = self.window.read(size);
        self.window.discard();
        bytes
    }

    fn frame(&mut self, header: Header, size: usize) -> Step {
        let start = self.window.cursor();
        let frame = self.read(size);
        if self.codec == AudioCodec::Mpeg && mpeg_audio::is_info(&frame) {
            return Step::Again;
        }
        let mut stamp = None;
        while let Some((_, time)) = self.stamps.pop_front_if(|(at, _)| *at <= start) {
            stamp = Some(time);
        }
        let mut unit = AudioUnit {
            data: frame.slice(header.strip.min(frame.len())..),
            samples: header.samples,
            rate: header.rate,
            stamp,
            config: None,
            subsamples: Vec::new(),
        };
        let mut entry = None;
        match self.codec {
            AudioCodec::Latm => {
                let Some(latm) = self.latm.read(&frame) else {
                    // Without a configuration so far, or of a kind that is not used.
                    self.skipped += size as u64;
                    return Step::Again;
                };
                self.copied += latm.data.len() as u64;
                (unit.data, unit.samples, unit.rate, entry) = (latm.data, latm.samples, latm.rate, latm.entry);
            }
            _ if self.configured == Some(header.config) => {}
            AudioCodec::Adts => entry = adts::entry(&frame),
            AudioCodec::Mpeg => entry = mpeg_audio::entry(&frame),
            AudioCodec::Dolby => entry = dolby::entry(&frame, self.encrypted),
        }
        if self.codec == AudioCodec::Dolby {
            unit.samples = dolby::samples(&frame);
        }
        if self.configured != Some(header.config) {
            entry = self.given.clone().or(entry);
            self.configured = entry.as_ref().map(|_| header.config);
        }
        unit.config = entry.map(Box::new);
        if self.encrypted {
            unit.subsamples = self.protected(&unit.data);
        }
        Step::Framed(Framed::Unit(unit))
    }

    /// SAMPLE-AES protects each frame by itself, the frames of an E-AC-3 access unit too.
    fn protected(&self, data: &[u8]) -> Vec<Subsample> {
        let mut subsamples = Subsamples::default();
        match self.codec {
            AudioCodec::Dolby => dolby::frames(data).for_each(|frame| subsamples.frame(frame.len())),
            _ => subsamples.frame(data.len()),
        }
        subsamples.finish()
    }
}

#[cfg(test)]
mod tests;
