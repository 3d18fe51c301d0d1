//! From the byte stream of a video elementary stream to access units.

use bytes::{Bytes, BytesMut};
use telecine_model::protection::Subsample;
use telecine_model::{Error, ErrorCode, Limits};

use super::nal::{unescape, ByteStream, LENGTH};
use super::sample_aes::{self, Subsamples};
use super::sets::ParameterSets;
use super::{h264, h265, sei, Stamp};
use crate::iso::VideoEntry;

/// Which video codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VideoCodec {
    H264,
    H265,
}

/// Whether decoding can start at an access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Entry {
    /// It depends on others.
    #[default]
    None,
    /// Here, but the first pictures are not right yet (gradual decoding refresh).
    Gradual,
    /// Here, but pictures that are shown before it may depend on what was before it.
    Open,
    /// Here.
    Closed,
}

/// One access unit, its NAL units with lengths of four bytes, parameter sets and fillers left out.
#[derive(Debug)]
pub(crate) struct VideoUnit {
    pub(crate) data: BytesMut,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) entry: Entry,
    /// Cannot be decoded when decoding started at the picture before (H.265: RASL). H.264 does not say.
    pub(crate) skipped_leading: Option<bool>,
    pub(crate) field: Option<Field>,
    /// The decoder needs to know this from here on.
    pub(crate) config: Option<Box<VideoEntry>>,
    pub(crate) captions: Vec<Bytes>,
    /// With SAMPLE-AES: which bytes are protected.
    pub(crate) subsamples: Vec<Subsample>,
}

/// What becomes of a NAL unit in an access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class {
    /// Behind a slice it begins another access unit.
    begins: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Slice(Slice),
    Set,
    Sei,
    Filler,
    Other,
}

/// What a slice says of its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slice {
    entry: Entry,
    intra: bool,
    skipped_leading: Option<bool>,
    field: Option<Field>,
    /// Picture parameter set that it refers to.
    pps: Option<u32>,
    /// With SAMPLE-AES its kind is protected.
    protectable: bool,
}

/// A picture that is one field of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) frame_number: u32,
    pub(crate) bottom: bool,
    pub(crate) reference: bool,
}

/// What is known of the access unit in the making.
#[derive(Debug, Default)]
struct Making {
    stamp: Option<Stamp>,
    nals: u32,
    slices: u32,
    /// Of the first slice.
    slice: Slice,
    all_intra: bool,
    recovery: Option<u32>,
    /// Parameter sets came with it; and those that were not known before.
    sets: bool,
    fresh: Vec<Bytes>,
    captions: Vec<Bytes>,
    subsamples: Subsamples,
}

/// Cuts a byte stream into access units.
#[derive(Debug)]
pub(crate) struct VideoAssembler {
    codec: VideoCodec,
    encrypted: bool,
    stream: ByteStream,
    making: Making,
    sets: ParameterSets,
    config: Option<VideoEntry>,
    /// Which packet is in hand, and its timestamps until an access unit begins in it.
    packet: u64,
    stamp: Option<Stamp>,
    /// Packet and timestamps for an access unit that begins with the NAL unit in the making.
    nal_stamp: (u64, Option<Stamp>),
    /// After a loss nothing counts until the next packet begins.
    lost: bool,
    unit_bytes: usize,
    nal_limit: u32,
    units: Vec<VideoUnit>,
    /// Access units that a loss damaged.
    pub(crate) damaged: u32,
}

impl VideoAssembler {
    /// `encrypted`: with SAMPLE-AES.
    pub(crate) fn new(codec: VideoCodec, encrypted: bool, limits: &Limits) -> Self {
        Self {
            codec,
            encrypted,
            stream: ByteStream::new(),
            making: Making::default(),
            sets: ParameterSets::default(),
            config: None,
            packet: 0,
            stamp: None,
            nal_stamp: (0, None),
            lost: false,
            unit_bytes: limits.access_unit_bytes,
            nal_limit: u32::try_from(limits.side_items).unwrap_or(u32::MAX),
            units: Vec::new(),
            damaged: 0,
        }
    }

    /// A packet begins; its timestamps belong to the first access unit that begins in it.
    pub(crate) fn begin_packet(&mut self, stamp: Option<Stamp>) {
        self.packet += 1;
        self.stamp = stamp;
        self.lost = false;
    }

    /// Adds bytes of the packet.
    ///
    /// # Errors
    /// `ContainerLimit` for an access unit that is too large.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        if self.lost {
            return Ok(());
        }
        while self.stream.feed(&mut bytes) {
            self.end_nal();
            self.stream.open();
            self.nal_stamp = (self.packet, self.stamp.take());
        }
        if self.stream.len() > self.unit_bytes || self.making.nals > self.nal_limit {
            let message =
                format!("an access unit of more than {} bytes or {} NAL units", self.unit_bytes, self.nal_limit);
            return Err(Error::new(ErrorCode::ContainerLimit, message));
        }
        Ok(())
    }

    /// Bytes are missing: the access unit in the making is lost, and what is left of its packet.
    pub(crate) fn lose(&mut self) {
        if !self.lost && self.stream.len() > 0 {
            self.damaged += 1;
        }
        self.reset();
        self.lost = true;
    }

    /// The stream, or a part of it that stands alone, ends: what was begun is complete.
    pub(crate) fn flush(&mut self) {
        self.end_nal();
        self.end_unit(self.stream.len());
        self.reset();
    }

    fn reset(&mut self) {
        self.stream.clear();
        self.making = Making::default();
        self.nal_stamp = (self.packet, None);
        self.stamp = None;
    }

    /// What was begun is dropped, and the next access unit at which decoding can start has its configuration
    /// with it, although it was handed out before.
    pub(crate) fn abandon(&mut self) {
        self.reset();
        self.units.clear();
        self.lost = true;
        self.config = None;
        self.sets.changed = true;
    }

    /// Whether access units are complete.
    pub(crate) fn has_units(&self) -> bool {
        !self.units.is_empty()
    }

    /// Access units that are complete.
    pub(crate) fn take(&mut self) -> std::vec::Drain<'_, VideoUnit> {
        self.units.drain(..)
    }

    /// Bytes copied since this was asked last.
    pub(crate) fn take_copied(&mut self) -> u64 {
        self.stream.take_copied()
    }

    /// Parameter sets that could not be read since this was asked last.
    pub(crate) fn take_unreadable(&mut self) -> u32 {
        std::mem::take(&mut self.sets.unreadable)
    }

    /// The NAL unit in the making is complete.
    fn end_nal(&mut self) {
        let (packet, stamp) = std::mem::take(&mut self.nal_stamp);
        let Some(mut at) = self.stream.close() else {
            self.hand_back(packet, stamp);
            return;
        };
        let class = self.classify(self.stream.nal(at));
        if class.begins && self.making.slices > 0 {
            self.end_unit(at);
            at = 0;
        }
        if self.making.slices == 0 {
            // The picture begins in this packet at the earliest.
            self.making.stamp = stamp.or(self.making.stamp);
        } else {
            self.hand_back(packet, stamp);
        }
        self.making.nals += 1;
        match class.kind {
            Kind::Set => {
                let nal = Bytes::copy_from_slice(self.stream.nal(at));
                self.stream.remove(at);
                self.making.sets = true;
                if self.sets.add(self.codec, &nal) {
                    self.making.fresh.push(nal);
                }
                return;
            }
            Kind::Filler => return self.stream.remove(at),
            Kind::Sei => {
                let header = match self.codec {
                    VideoCodec::H264 => 1,
                    VideoCodec::H265 => 2,
                };
                let messages = sei::read(self.stream.nal(at), header);
                self.making.captions.extend(messages.captions);
                self.making.recovery = messages.recovery.or(self.making.recovery);
            }
            Kind::Slice(slice) => {
                if self.making.slices == 0 {
                    self.making.slice = slice;
                    self.making.all_intra = true;
                }
                self.making.slices += 1;
                self.making.all_intra &= slice.intra;
                if self.encrypted && slice.protectable && self.protect(at) {
                    return;
                }
            }
            Kind::Other => {}
        }
        if self.encrypted {
            self.making.subsamples.clear(LENGTH + self.stream.nal(at).len());
        }
    }

    /// A slice under SAMPLE-AES. One that was not protected has no second layer of emulation prevention.
    fn protect(&mut self, at: usize) -> bool {
        if !sample_aes::protects_slice(self.stream.nal(at).len()) {
            return false;
        }
        if !sample_aes::protects_slice(unescape(self.stream.nal(at)).len()) {
            return false;
        }
        self.stream.unescape(at);
        let length = self.stream.nal(at).len();
        self.making.subsamples.clear(LENGTH);
        self.making.subsamples.slice(length);
        true
    }

    /// Timestamps that no access unit took are for the next NAL unit of the same packet.
    fn hand_back(&mut self, packet: u64, stamp: Option<Stamp>) {
        if packet == self.packet {
            self.stamp = self.stamp.or(stamp);
        }
    }

    fn classify(&self, nal: &[u8]) -> Class {
        match self.codec {
            VideoCodec::H264 => self.classify_h264(nal),
            VideoCodec::H265 => classify_h265(nal),
        }
    }

    /// ISO/IEC 14496-10, 7.4.1.2.3 and 7.4.1.2.4.
    fn classify_h264(&self, nal: &[u8]) -> Class {
        let kind = h264::nal_type(nal);
        match kind {
            h264::SLICE | h264::PARTITION_A | h264::SLICE_IDR => {
                let header = h264::SliceHeader::read(nal, |pps| self.sets.avc(pps));
                // A header that cannot be read is most likely damaged, not the first of a picture.
                let Some(header) = header else {
                    return Class { begins: false, kind: Kind::Slice(Slice::default()) };
                };
                let idr = kind == h264::SLICE_IDR;
                let slice = Slice {
                    entry: if idr { Entry::Closed } else { Entry::None },
                    intra: header.intra,
                    skipped_leading: None,
                    field: header.field,
                    pps: Some(header.pps),
                    protectable: kind != h264::PARTITION_A,
                };
                Class { begins: header.first, kind: Kind::Slice(slice) }
            }
            h264::SEI => Class { begins: true, kind: Kind::Sei },
            h264::SPS | h264::PPS => Class { begins: true, kind: Kind::Set },
            h264::DELIMITER | 15..=18 => Class { begins: true, kind: Kind::Other },
            h264::FILLER => Class { begins: false, kind: Kind::Filler },
            // The prefix of a slice (14) too: it stands before each slice, not only before the first.
            _ => Class { begins: false, kind: Kind::Other },
        }
    }

    /// The first `length` bytes are an access unit.
    fn end_unit(&mut self, length: usize) {
        let making = std::mem::take(&mut self.making);
        let mut data = self.stream.take(length);
        if making.slices == 0 {
            return;
        }
        let entry = match (making.slice.entry, making.recovery) {
            (Entry::None, Some(0)) => Entry::Open,
            (Entry::None, Some(_)) if making.all_intra => Entry::Open,
            (Entry::None, Some(_)) => Entry::Gradual,
            // Some encoders say so only by repeating the parameter sets before an intra picture.
            (Entry::None, None) if making.sets && making.all_intra => Entry::Open,
            (entry, _) => entry,
        };
        let mut subsamples = making.subsamples;
        let mut config = None;
        if entry != Entry::None && self.sets.changed {
            if let Some(entry) = making.slice.pps.and_then(|pps| self.sets.entry(self.codec, pps)) {
                self.sets.changed = false;
                if self.config.as_ref() != Some(&entry) {
                    self.config = Some(entry.clone());
                    config = Some(Box::new(entry));
                }
            }
        } else if !making.fresh.is_empty() {
            // A decoder is not set up anew in the middle: it finds these where it needs them.
            let mut front = BytesMut::new();
            for nal in &making.fresh {
                front.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
                front.extend_from_slice(nal);
            }
            subsamples.clear_front(front.len());
            front.extend_from_slice(&data);
            data = front;
        }
        self.units.push(VideoUnit {
            data,
            stamp: making.stamp,
            entry,
            skipped_leading: making.slice.skipped_leading,
            field: making.slice.field,
            config,
            captions: making.captions,
            subsamples: if self.encrypted { subsamples.finish() } else { Vec::new() },
        });
    }
}

/// ISO/IEC 23008-2, 7.4.2.4.4. NAL units of higher layers belong to the access unit of the base layer.
fn classify_h265(nal: &[u8]) -> Class {
    let kind = h265::nal_type(nal);
    let base = h265::layer(nal) == 0;
    match kind {
        0..=31 if base => {
            let first = nal.get(2).is_some_and(|byte| byte & 0x80 != 0);
            let slice = Slice {
                entry: match kind {
                    h265::BLA_N_LP..=h265::IDR_N_LP => Entry::Closed,
                    h265::BLA_W_LP..=h265::CRA => Entry::Open,
                    _ => Entry::None,
                },
                intra: false,
                skipped_leading: Some(matches!(kind, h265::RASL_N | h265::RASL_R)),
                pps: h265::slice_pps(nal),
                ..Slice::default()
            };
            Class { begins: first, kind: Kind::Slice(slice) }
        }
        h265::VPS..=h265::PPS if base => Class { begins: true, kind: Kind::Set },
        h265::PREFIX_SEI if base => Class { begins: true, kind: Kind::Sei },
        h265::DELIMITER | 41..=44 | 48..=55 if base => Class { begins: true, kind: Kind::Other },
        h265::FILLER => Class { begins: false, kind: Kind::Filler },
        _ => Class { begins: false, kind: Kind::Other },
    }
}
