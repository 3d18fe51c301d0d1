//! `ftyp` and `moov`.

use std::sync::Arc;

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, Timescale};

use super::BoxWriter;
use crate::es::Picture;
use crate::iso::boxes::FourCc;
use crate::iso::{InitSegment, IsoReader, TrackEncryption, Unit};

/// One track as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrackDescription {
    pub(crate) id: u32,
    pub(crate) timescale: Timescale,
    /// Three letters of ISO 639-2.
    pub(crate) language: Option<[u8; 3]>,
    pub(crate) entry: SampleEntry,
    /// `cbcs` with a constant initialisation vector.
    pub(crate) encryption: Option<TrackEncryption>,
}

/// What a decoder needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SampleEntry {
    Video(VideoEntry),
    Audio(AudioEntry),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VideoEntry {
    /// Type of the entry and of the box with the record: `avc1` and `avcC`, `hvc1` and `hvcC`.
    pub(crate) format: FourCc,
    pub(crate) record_kind: FourCc,
    pub(crate) record: Bytes,
    pub(crate) picture: Picture,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AudioEntry {
    /// `mp4a` with an object type of ISO/IEC 14496-1 and DecoderSpecificInfo, which may be empty.
    Mp4a { object_type: u8, specific: Bytes, rate: u32, channels: u16 },
    /// `ac-3` with the payload of `dac3`, or `ec-3` with that of `dec3`.
    Dolby { enhanced: bool, record: Bytes, rate: u32, channels: u16 },
}

impl AudioEntry {
    /// Samples a second, before any extension: what the track counts in.
    pub(crate) const fn rate(&self) -> u32 {
        let (Self::Mp4a { rate, .. } | Self::Dolby { rate, .. }) = self;
        *rate
    }
}

/// Writes an initialisation segment. With one track it is a CMAF header.
///
/// # Errors
/// `InternalDefect` if the reader does not accept what was written: parameter sets that do not fit
/// into their boxes are refused before.
pub(crate) fn write_init(tracks: &[TrackDescription]) -> Result<Arc<InitSegment>, Error> {
    let mut w = BoxWriter::default();
    w.boxed(b"ftyp", |w| {
        w.bytes(b"iso6");
        w.u32(0);
        w.bytes(b"iso6mp41");
        if tracks.len() == 1 {
            w.bytes(b"cmfc");
        }
    });
    w.boxed(b"moov", |w| {
        w.full(b"mvhd", 0, 0, |w| {
            w.zeros(8);
            w.u32(90_000);
            w.u32(0);
            w.u32(0x1_0000);
            w.u16(0x100);
            w.zeros(10);
            matrix(w);
            w.zeros(24);
            w.u32(tracks.iter().map(|track| track.id).max().unwrap_or(0) + 1);
        });
        tracks.iter().for_each(|track| trak(w, track));
        w.boxed(b"mvex", |w| {
            for track in tracks {
                w.full(b"trex", 0, 0, |w| {
                    w.u32(track.id);
                    w.u32(1);
                    w.zeros(12);
                });
            }
        });
    });
    let mut limits = Limits::default();
    limits.init_bytes = limits.init_bytes.max(w.out.len());
    let mut reader = IsoReader::new(&limits);
    reader.push(w.out.into());
    match reader.poll()? {
        Some(Unit::Init(init)) => Ok(init),
        _ => Err(Error::new(ErrorCode::InternalDefect, "the initialisation segment that was written is none")),
    }
}

fn matrix(w: &mut BoxWriter) {
    for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
        w.u32(value);
    }
}

fn trak(w: &mut BoxWriter, track: &TrackDescription) {
    let video = match &track.entry {
        SampleEntry::Video(video) => Some(video),
        SampleEntry::Audio(_) => None,
    };
    w.boxed(b"trak", |w| {
        // Enabled, in the movie and its preview.
        w.full(b"tkhd", 0, 7, |w| {
            w.zeros(8);
            w.u32(track.id);
            w.zeros(8);
            w.zeros(8);
            w.zeros(4);
            w.u16(if video.is_some() { 0 } else { 0x100 });
            w.zeros(2);
            matrix(w);
            let (width, height) = video.map_or((0, 0), |video| display_size(&video.picture));
            w.u32(width);
            w.u32(height);
        });
        w.boxed(b"mdia", |w| {
            w.full(b"mdhd", 0, 0, |w| {
                w.zeros(8);
                w.u32(track.timescale.get());
                w.u32(0);
                w.u16(packed_language(track.language));
                w.u16(0);
            });
            w.full(b"hdlr", 0, 0, |w| {
                w.u32(0);
                w.bytes(if video.is_some() { b"vide" } else { b"soun" });
                w.zeros(13);
            });
            w.boxed(b"minf", |w| {
                match video {
                    Some(_) => w.full(b"vmhd", 0, 1, |w| w.zeros(8)),
                    None => w.full(b"smhd", 0, 0, |w| w.zeros(4)),
                }
                w.boxed(b"dinf", |w| {
                    w.full(b"dref", 0, 0, |w| {
                        w.u32(1);
                        w.full(b"url ", 0, 1, |_| {});
                    });
                });
                w.boxed(b"stbl", |w| {
                    w.full(b"stsd", 0, 0, |w| {
                        w.u32(1);
                        sample_entry(w, track);
                    });
                    w.full(b"stts", 0, 0, |w| w.u32(0));
                    w.full(b"stsc", 0, 0, |w| w.u32(0));
                    w.full(b"stsz", 0, 0, |w| w.zeros(8));
                    w.full(b"stco", 0, 0, |w| w.u32(0));
                });
            });
        });
    });
}

/// Size of the picture with square pixels, in 16.16 fixed point (ISO/IEC 14496-12, 8.3.2).
fn display_size(picture: &Picture) -> (u32, u32) {
    let fixed = |pixels: u64| u32::try_from(pixels.min(0xffff) << 16).unwrap_or(u32::MAX);
    let (across, down) = picture.aspect.unwrap_or((1, 1));
    let width = u64::from(picture.width) * u64::from(across) / u64::from(down.max(1));
    (fixed(width), fixed(picture.height.into()))
}

/// Three letters of five bits each (8.4.2.3).
fn packed_language(language: Option<[u8; 3]>) -> u16 {
    let letters = language.filter(|letters| letters.iter().all(u8::is_ascii_lowercase)).unwrap_or(*b"und");
    letters.iter().fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
}

fn sample_entry(w: &mut BoxWriter, track: &TrackDescription) {
    let format = match &track.entry {
        SampleEntry::Video(video) => video.format,
        SampleEntry::Audio(AudioEntry::Mp4a { .. }) => *b"mp4a",
        SampleEntry::Audio(AudioEntry::Dolby { enhanced: false, .. }) => *b"ac-3",
        SampleEntry::Audio(AudioEntry::Dolby { enhanced: true, .. }) => *b"ec-3",
    };
    let kind = match (&track.encryption, &track.entry) {
        (None, _) => format,
        (Some(_), SampleEntry::Video(_)) => *b"encv",
        (Some(_), SampleEntry::Audio(_)) => *b"enca",
    };
    w.boxed(&kind, |w| {
        w.zeros(6);
        w.u16(1);
        match &track.entry {
            SampleEntry::Video(video) => visual(w, video),
            SampleEntry::Audio(audio) => sound(w, audio),
        }
        if let Some(encryption) = &track.encryption {
            sinf(w, format, encryption);
        }
    });
}

fn visual(w: &mut BoxWriter, video: &VideoEntry) {
    let picture = &video.picture;
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    w.zeros(16);
    w.u16(side(picture.width));
    w.u16(side(picture.height));
    w.u32(0x48_0000); // 72 dpi
    w.u32(0x48_0000);
    w.u32(0);
    w.u16(1);
    w.zeros(32);
    w.u16(0x18);
    w.u16(0xffff);
    w.boxed(&video.record_kind, |w| w.bytes(&video.record));
    if let Some((across, down)) = picture.aspect {
        w.boxed(b"pasp", |w| {
            w.u32(across);
            w.u32(down);
        });
    }
    if let Some(colour) = picture.colour {
        w.boxed(b"colr", |w| {
            w.bytes(b"nclx");
            w.u16(colour.primaries);
            w.u16(colour.transfer);
            w.u16(colour.matrix);
            w.u8(if colour.full_range { 0x80 } else { 0 });
        });
    }
}

fn sound(w: &mut BoxWriter, audio: &AudioEntry) {
    let (AudioEntry::Mp4a { rate, channels, .. } | AudioEntry::Dolby { rate, channels, .. }) = audio;
    w.zeros(8);
    w.u16(*channels);
    w.u16(16);
    w.zeros(4);
    // 16.16 fixed point: a rate that does not fit stands in the configuration only.
    w.u32(u16::try_from(*rate).map_or(0, |rate| u32::from(rate) << 16));
    match audio {
        AudioEntry::Mp4a { object_type, specific, .. } => esds(w, *object_type, specific),
        AudioEntry::Dolby { enhanced, record, .. } => {
            w.boxed(if *enhanced { b"dec3" } else { b"dac3" }, |w| w.bytes(record));
        }
    }
}

/// An elementary stream descriptor (ISO/IEC 14496-1, 7.2.6; ISO/IEC 14496-14, 3.1).
fn esds(w: &mut BoxWriter, object_type: u8, specific: &[u8]) {
    let descriptor = |tag: u8, body: Vec<u8>| {
        // Sizes of four bytes of seven bits, as everybody writes them.
        let size = u32::try_from(body.len()).unwrap_or(0);
        let mut out = vec![tag];
        out.extend([21, 14, 7].map(|shift| 0x80 | (size >> shift) as u8 & 0x7f));
        out.push(size as u8 & 0x7f);
        out.extend(body);
        out
    };
    let mut config = vec![object_type, 0x15]; // audio stream
    config.extend([0; 11]);
    if !specific.is_empty() {
        config.extend(descriptor(5, specific.to_vec()));
    }
    let mut stream = vec![0, 0, 0];
    stream.extend(descriptor(4, config));
    stream.extend(descriptor(6, vec![2]));
    w.full(b"esds", 0, 0, |w| w.bytes(&descriptor(3, stream)));
}

/// Protection (ISO/IEC 14496-12, 8.12; ISO/IEC 23001-7, 8.2).
fn sinf(w: &mut BoxWriter, format: FourCc, encryption: &TrackEncryption) {
    w.boxed(b"sinf", |w| {
        w.boxed(b"frma", |w| w.bytes(&format));
        w.full(b"schm", 0, 0, |w| {
            w.bytes(&encryption.scheme);
            w.u32(0x1_0000);
        });
        w.boxed(b"schi", |w| {
            w.full(b"tenc", 1, 0, |w| {
                w.u8(0);
                w.u8(encryption.crypt_blocks << 4 | encryption.skip_blocks & 0x0f);
                w.u8(u8::from(encryption.default_is_protected));
                w.u8(encryption.per_sample_iv_size);
                w.bytes(&encryption.default_kid.0);
                if let Some(iv) = &encryption.constant_iv {
                    w.u8(u8::try_from(iv.len()).unwrap_or(0));
                    w.bytes(iv);
                }
            });
        });
    });
}
