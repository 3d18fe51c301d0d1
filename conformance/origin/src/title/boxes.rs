//! Just enough ISO-BMFF: fragmented single-track files in, an initialisation segment and relocatable fragments out.
//!
//! This is deliberately not the player's container reader: the origin is the oracle the player is judged against.

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::chunk::Cuts;

/// Why a file is not a fragmented single-track file that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoxError {
    /// What is wrong.
    what: String,
    /// The byte offset of the box at fault.
    at: usize,
}

impl BoxError {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Self { what: what.into(), at }
    }
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// One box: its type and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) kind: [u8; 4],
    pub(crate) start: usize,
    pub(crate) body: usize,
    pub(crate) end: usize,
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn kind_at(data: &[u8], at: usize) -> Option<[u8; 4]> {
    data.get(at..at.checked_add(4)?)?.try_into().ok()
}

/// The boxes of `data[start..end]` in order (ISO/IEC 14496-12, 4.2).
pub(crate) fn boxes(data: &[u8], start: usize, end: usize) -> Result<Vec<Span>, BoxError> {
    let mut found = Vec::new();
    let mut at = start;
    while at < end {
        let cut = || BoxError::new(at, "a box that ends before its header");
        let size = u32_at(data, at).ok_or_else(cut)?;
        let kind = kind_at(data, at + 4).ok_or_else(cut)?;
        let (header, size) = match size {
            0 => (8, (end - at) as u64),
            1 => (16, u64_at(data, at + 8).ok_or_else(cut)?),
            size => (8, u64::from(size)),
        };
        let size = usize::try_from(size).ok().filter(|size| *size >= header && *size <= end - at);
        let size = size.ok_or_else(|| BoxError::new(at, "a box larger than its parent"))?;
        found.push(Span { kind, start: at, body: at + header, end: at + size });
        at += size;
    }
    Ok(found)
}

pub(crate) fn child(data: &[u8], parent: Span, kind: &[u8; 4]) -> Result<Span, BoxError> {
    let missing = || BoxError::new(parent.start, format!("no {} box", String::from_utf8_lossy(kind)));
    boxes(data, parent.body, parent.end)?.into_iter().find(|b| &b.kind == kind).ok_or_else(missing)
}

fn descend(data: &[u8], parent: Span, path: &[&[u8; 4]]) -> Result<Span, BoxError> {
    path.iter().try_fold(parent, |at, kind| child(data, at, kind))
}

/// What is shown or heard: the facts of the sample entry that manifests declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// Pictures of this size.
    Video {
        /// Luma samples across.
        width: u16,
        /// Luma samples down.
        height: u16,
    },
    /// Sound.
    Audio {
        /// Channels.
        channels: u16,
        /// Samples a second.
        sample_rate: u32,
    },
}

/// A fragmented single-track file, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Movie {
    /// `ftyp` and `moov`.
    pub(crate) init: Bytes,
    /// Ticks a second.
    pub(crate) timescale: u32,
    /// The ISO 639-2 code of the media header, absent for `und`.
    pub(crate) language: Option<String>,
    /// RFC 6381 name of the sample entry.
    pub(crate) codec: String,
    /// What the sample entry says about the medium.
    pub(crate) medium: Medium,
    /// The fragments in file order.
    pub(crate) fragments: Vec<Fragment>,
}

/// One `moof` and its `mdat`, relocatable: only its times and its number change between repetitions.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub(crate) moof: Bytes,
    pub(crate) mdat: Bytes,
    /// Where the decode time stands in the `moof`.
    pub(crate) decode_time_at: usize,
    /// Where the sequence number stands in the `moof`.
    pub(crate) sequence_at: usize,
    /// Decode time of the first sample, in ticks.
    pub(crate) decode_time: u64,
    /// Sum of the sample durations, in ticks.
    pub(crate) duration: u64,
    /// The samples, in decode order; the data of the first begins behind the header of the `mdat`.
    pub(crate) samples: Arc<[Sample]>,
    /// Earliest presentation time minus decode time, in ticks.
    pub(crate) lead: i64,
    /// Bytes from the start of the fragment to the end of its first sample.
    pub(crate) first_sample_end: u64,
    /// How it is divided.
    pub(crate) cuts: Cuts,
}

/// One sample of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Bytes.
    pub(crate) size: u32,
    /// Ticks.
    pub(crate) duration: u32,
    /// Presentation time minus decode time, in ticks.
    pub(crate) composition: i64,
    /// What depends on it, and on what it depends (ISO/IEC 14496-12, 8.8.3.1).
    pub(crate) flags: u32,
}

/// `sample_is_non_sync_sample`.
const NO_SYNC: u32 = 0x1_0000;

impl Sample {
    /// Whether decoding can begin with it.
    pub(crate) fn is_sync(&self) -> bool {
        self.flags & NO_SYNC == 0
    }
}

impl Fragment {
    /// Reads a movie fragment that says everything of its samples itself, and its media data.
    pub(crate) fn read(data: &Bytes) -> Result<Self, BoxError> {
        match boxes(data, 0, data.len())?[..] {
            [moof, mdat] if &moof.kind == b"moof" && &mdat.kind == b"mdat" => {
                fragment(data, moof, mdat, Defaults::default())
            }
            _ => Err(BoxError::new(0, "not a moof and its mdat")),
        }
    }

    /// The data of each sample; what does not lie in the `mdat` is left out.
    pub(crate) fn data(&self) -> impl Iterator<Item = (Sample, &[u8])> {
        let bytes: usize = self.samples.iter().map(|sample| sample.size as usize).sum();
        let mut rest = &self.mdat[self.mdat.len().saturating_sub(bytes)..];
        self.samples.iter().map_while(move |sample| {
            let (data, behind) = rest.split_at_checked(sample.size as usize)?;
            rest = behind;
            Some((*sample, data))
        })
    }

    /// Bytes of the fragment, the same in every repetition.
    pub(crate) fn size(&self) -> u64 {
        (self.moof.len() + self.mdat.len()) as u64
    }

    /// The movie fragment box, moved to another decode time and number, and the media data behind it.
    pub(crate) fn at(&self, decode_time: u64, sequence: u32) -> [Bytes; 2] {
        let mut moof = BytesMut::from(&self.moof[..]);
        moof[self.decode_time_at..self.decode_time_at + 8].copy_from_slice(&decode_time.to_be_bytes());
        moof[self.sequence_at..self.sequence_at + 4].copy_from_slice(&sequence.to_be_bytes());
        [moof.freeze(), self.mdat.clone()]
    }
}

/// Defaults of `trex` that track fragments fall back to.
#[derive(Clone, Copy, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Movie {
    /// Takes a file apart. `data` must be `ftyp moov (… moof mdat)+`; anything else beside them is left out.
    pub(crate) fn read(data: &Bytes) -> Result<Self, BoxError> {
        let top = boxes(data, 0, data.len())?;
        let of = |kind: &[u8; 4]| top.iter().find(|b| &b.kind == kind).copied();
        let moov = of(b"moov").ok_or_else(|| BoxError::new(0, "no moov box"))?;
        let mut init = BytesMut::new();
        if let Some(ftyp) = of(b"ftyp") {
            init.put_slice(&data[ftyp.start..ftyp.end]);
        }
        let moov_at = init.len();
        init.put_slice(&data[moov.start..moov.end]);
        let mvex = child(data, moov, b"mvex")?;
        if let Ok(mehd) = child(data, mvex, b"mehd") {
            // The declared length would be wrong for a stretched title.
            let at = moov_at + mehd.start - moov.start + 4;
            init[at..at + 4].copy_from_slice(b"free");
        }
        let trex = child(data, mvex, b"trex")?;
        let short = |b: Span| BoxError::new(b.start, "a box too short for its fields");
        let defaults = Defaults {
            duration: u32_at(data, trex.body + 12).ok_or_else(|| short(trex))?,
            size: u32_at(data, trex.body + 16).ok_or_else(|| short(trex))?,
            flags: u32_at(data, trex.body + 20).ok_or_else(|| short(trex))?,
        };
        let mdia = descend(data, moov, &[b"trak", b"mdia"])?;
        let (timescale, language) = media_header(data, mdia)?;
        let (codec, medium) = sample_entry(data, descend(data, mdia, &[b"minf", b"stbl", b"stsd"])?)?;
        let mut fragments = Vec::new();
        let mut boxes = top.iter().skip_while(|b| &b.kind != b"moof");
        while let Some(moof) = boxes.next() {
            if &moof.kind != b"moof" {
                continue;
            }
            let mdat = boxes.next().filter(|b| &b.kind == b"mdat");
            let mdat = mdat.ok_or_else(|| BoxError::new(moof.start, "a moof without its mdat"))?;
            fragments.push(fragment(data, *moof, *mdat, defaults)?);
        }
        if fragments.is_empty() {
            return Err(BoxError::new(0, "no fragment: the file must be fragmented, one moof a segment"));
        }
        Ok(Self { init: init.freeze(), timescale, language, codec, medium, fragments })
    }
}

fn media_header(data: &[u8], mdia: Span) -> Result<(u32, Option<String>), BoxError> {
    let mdhd = child(data, mdia, b"mdhd")?;
    let at = if data.get(mdhd.body) == Some(&1) { mdhd.body + 20 } else { mdhd.body + 12 };
    let language_at = if data.get(mdhd.body) == Some(&1) { at + 12 } else { at + 8 };
    let timescale = u32_at(data, at).filter(|t| *t > 0).ok_or_else(|| BoxError::new(mdhd.start, "no timescale"))?;
    let packed = u16_at(data, language_at).unwrap_or(0);
    let letter = |shift: u16| char::from(0x60 + ((packed >> shift) & 0x1f) as u8);
    let code: String = [letter(10), letter(5), letter(0)].into_iter().collect();
    let known = code != "und" && code.bytes().all(|b| b.is_ascii_lowercase());
    Ok((timescale, known.then_some(code)))
}

/// Codec name and medium of the only sample entry (RFC 6381, 3.3 for the names).
fn sample_entry(data: &[u8], stsd: Span) -> Result<(String, Medium), BoxError> {
    let entry = boxes(data, stsd.body + 8, stsd.end)?;
    let entry = entry.first().copied().ok_or_else(|| BoxError::new(stsd.start, "no sample entry"))?;
    let short = || BoxError::new(entry.start, "a sample entry too short for its fields");
    let name = String::from_utf8_lossy(&entry.kind).into_owned();
    let video = matches!(&entry.kind, b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"av01" | b"vp09");
    if video {
        let width = u16_at(data, entry.body + 24).ok_or_else(short)?;
        let height = u16_at(data, entry.body + 26).ok_or_else(short)?;
        let inner = Span { body: (entry.body + 78).min(entry.end), ..entry };
        let codec = match child(data, inner, b"avcC").ok().and_then(|b| data.get(b.body + 1..b.body + 4)) {
            Some([profile, constraints, level]) => format!("{name}.{profile:02x}{constraints:02x}{level:02x}"),
            _ => name,
        };
        return Ok((codec, Medium::Video { width, height }));
    }
    let channels = u16_at(data, entry.body + 16).ok_or_else(short)?;
    let sample_rate = u32_at(data, entry.body + 24).ok_or_else(short)? >> 16;
    let inner = Span { body: (entry.body + 28).min(entry.end), ..entry };
    let esds = child(data, inner, b"esds").ok();
    let codec = match esds.and_then(|b| audio_object_type(data.get(b.body + 4..b.end)?)) {
        Some(object_type) => format!("{name}.40.{object_type}"),
        None => name,
    };
    Ok((codec, Medium::Audio { channels, sample_rate }))
}

/// The audio object type: the first five bits of the configuration.
fn audio_object_type(descriptors: &[u8]) -> Option<u8> {
    audio_config(descriptors)?.first().map(|byte| byte >> 3)
}

/// The decoder specific info in the descriptors of an `esds` (ISO/IEC 14496-1, 7.2.6).
pub(crate) fn audio_config(descriptors: &[u8]) -> Option<&[u8]> {
    // ES descriptor and decoder configuration have fixed fields of 3 and 13 bytes before their children.
    let at = descriptor(descriptors, 0, 3)? + 3;
    let at = descriptor(descriptors, at, 4)? + 13;
    let at = descriptor(descriptors, at, 5)?;
    // It is short: the last byte of the length has all of it.
    descriptors.get(at..at + usize::from(*descriptors.get(at.checked_sub(1)?)? & 0x7f))
}

fn descriptor(data: &[u8], at: usize, tag: u8) -> Option<usize> {
    let mut at = (*data.get(at)? == tag).then_some(at + 1)?;
    while data.get(at)? & 0x80 != 0 {
        at += 1;
    }
    Some(at + 1)
}

const TFHD_BASE_DATA_OFFSET: u32 = 0x1;
const TFHD_DESCRIPTION: u32 = 0x2;
const TFHD_DURATION: u32 = 0x8;
const TFHD_SIZE: u32 = 0x10;
const TFHD_FLAGS: u32 = 0x20;
const TRUN_DATA_OFFSET: u32 = 0x1;
const TRUN_FIRST_FLAGS: u32 = 0x4;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_COMPOSITION: u32 = 0x800;

fn flags(data: &[u8], b: Span) -> Result<(u8, u32), BoxError> {
    let word = u32_at(data, b.body).filter(|_| b.body + 4 <= b.end);
    let word = word.ok_or_else(|| BoxError::new(b.start, "a full box without version and flags"))?;
    Ok(((word >> 24) as u8, word & 0x00ff_ffff))
}

fn fragment(data: &Bytes, moof: Span, mdat: Span, defaults: Defaults) -> Result<Fragment, BoxError> {
    let short = |b: Span| BoxError::new(b.start, "a box too short for its fields");
    let mfhd = child(data, moof, b"mfhd")?;
    let trafs = boxes(data, moof.body, moof.end)?.into_iter().filter(|b| &b.kind == b"traf").collect::<Vec<_>>();
    let [traf] = trafs[..] else {
        return Err(BoxError::new(moof.start, "a fragment of more or less than one track"));
    };
    let tfhd = child(data, traf, b"tfhd")?;
    let (_, header) = flags(data, tfhd)?;
    if header & TFHD_BASE_DATA_OFFSET != 0 {
        return Err(BoxError::new(tfhd.start, "data offsets from the start of the file cannot be moved"));
    }
    let mut at = tfhd.body + 8;
    let mut field = |flag: u32| -> Option<u32> {
        let value = (header & flag != 0).then(|| u32_at(data, at)).flatten();
        at += if header & flag != 0 { 4 } else { 0 };
        value
    };
    field(TFHD_DESCRIPTION);
    let defaults = Defaults {
        duration: field(TFHD_DURATION).unwrap_or(defaults.duration),
        size: field(TFHD_SIZE).unwrap_or(defaults.size),
        flags: field(TFHD_FLAGS).unwrap_or(defaults.flags),
    };
    let tfdt = child(data, traf, b"tfdt")?;
    let (version, _) = flags(data, tfdt)?;
    let decode_time = match version {
        0 => u32_at(data, tfdt.body + 4).map(u64::from),
        _ => u64_at(data, tfdt.body + 4),
    };
    let width = if version == 0 { 8 } else { 12 };
    let decode_time = decode_time.filter(|_| tfdt.body + width <= tfdt.end).ok_or_else(|| short(tfdt))?;
    let mut runs = Runs::default();
    for run in boxes(data, traf.body, traf.end)?.into_iter().filter(|b| &b.kind == b"trun") {
        runs.add(data, run, defaults)?;
    }
    let widened = if version == 0 && mfhd.start > tfdt.start { 4 } else { 0 };
    let sequence_at = mfhd.body + 4 - moof.start + widened;
    u32_at(data, mfhd.body + 4).filter(|_| mfhd.body + 8 <= mfhd.end).ok_or_else(|| short(mfhd))?;
    let head = if version == 0 { wide_decode_time(data, moof, traf, tfdt)? } else { data.slice(moof.start..moof.end) };
    let first_sample_end = (head.len() + mdat.body - mdat.start) as u64 + u64::from(runs.first_size.unwrap_or(0));
    Ok(Fragment {
        moof: head,
        mdat: data.slice(mdat.start..mdat.end),
        decode_time_at: tfdt.body + 4 - moof.start,
        sequence_at,
        decode_time,
        duration: runs.duration,
        samples: runs.samples.into(),
        lead: runs.lead.unwrap_or(0),
        first_sample_end,
        cuts: Cuts::default(),
    })
}

/// Most samples of one fragment.
const MOST_SAMPLES: u32 = 1 << 20;

/// What the track runs of a fragment add up to.
#[derive(Default)]
struct Runs {
    samples: Vec<Sample>,
    duration: u64,
    lead: Option<i64>,
    first_size: Option<u32>,
}

impl Runs {
    fn add(&mut self, data: &[u8], run: Span, defaults: Defaults) -> Result<(), BoxError> {
        let short = || BoxError::new(run.start, "a track run too short for its samples");
        let (version, flags) = flags(data, run)?;
        let count = u32_at(data, run.body + 4).ok_or_else(short)?;
        let skip = |flag: u32| if flags & flag != 0 { 4_usize } else { 0 };
        let mut at = run.body + 8 + skip(TRUN_DATA_OFFSET) + skip(TRUN_FIRST_FLAGS);
        let row = skip(TRUN_DURATION) + skip(TRUN_SIZE) + skip(TRUN_FLAGS) + skip(TRUN_COMPOSITION);
        if (row as u64).saturating_mul(u64::from(count)) > run.end.saturating_sub(at) as u64 {
            return Err(short());
        }
        if count > MOST_SAMPLES {
            return Err(BoxError::new(run.start, "more samples than a segment has"));
        }
        let first_flags = (flags & TRUN_FIRST_FLAGS != 0).then(|| u32_at(data, at - 4)).flatten();
        for n in 0..count {
            let mut field = |flag: u32, default: u32| -> Result<u32, BoxError> {
                let value = if flags & flag != 0 { u32_at(data, at).ok_or_else(short)? } else { default };
                at += skip(flag);
                Ok(value)
            };
            let duration = field(TRUN_DURATION, defaults.duration)?;
            let size = field(TRUN_SIZE, defaults.size)?;
            let own = field(TRUN_FLAGS, defaults.flags)?;
            let flags = first_flags.filter(|_| n == 0).unwrap_or(own);
            let composition = field(TRUN_COMPOSITION, 0)?;
            let composition = if version == 0 { i64::from(composition) } else { i64::from(composition as i32) };
            let presented = self.duration as i64 + composition;
            self.lead = Some(self.lead.map_or(presented, |lead| lead.min(presented)));
            self.first_size.get_or_insert(size);
            self.duration += u64::from(duration);
            self.samples.push(Sample { size, duration, composition, flags });
        }
        Ok(())
    }
}

/// The movie fragment with its 32-bit decode time made 64 bits wide, so that any repetition fits in place.
///
/// Four bytes more: the sizes of the boxes around it and every data offset behind it grow by four.
fn wide_decode_time(data: &[u8], moof: Span, traf: Span, tfdt: Span) -> Result<Bytes, BoxError> {
    let mut out = BytesMut::with_capacity(moof.end - moof.start + 4);
    out.put_slice(&data[moof.start..tfdt.body]);
    out.put_u32(1 << 24);
    out.put_u64(0);
    out.put_slice(&data[tfdt.body + 8..moof.end]);
    let grow = |out: &mut BytesMut, at: usize| {
        let moved = if at > tfdt.start { at + 4 } else { at } - moof.start;
        if let Some(value) = u32_at(out, moved) {
            out[moved..moved + 4].copy_from_slice(&value.wrapping_add(4).to_be_bytes());
        }
    };
    for b in [moof, traf, tfdt] {
        if b.body - b.start != 8 {
            return Err(BoxError::new(b.start, "a 64-bit box size where none is needed"));
        }
        grow(&mut out, b.start);
    }
    for b in boxes(data, traf.body, traf.end)? {
        let (version, flags) = if matches!(&b.kind, b"trun" | b"saio") {
            flags(data, b)?
        } else {
            continue;
        };
        if &b.kind == b"trun" && flags & TRUN_DATA_OFFSET != 0 {
            grow(&mut out, b.body + 8);
        }
        if &b.kind == b"saio" {
            let at = b.body + 4 + if flags & 1 != 0 { 8 } else { 0 };
            let width = if version == 0 { 4 } else { 8 };
            let count = u32_at(data, at).unwrap_or(0) as usize;
            // The low half of an offset is what grows; a fragment of 4 GiB is none of ours.
            (1..=count.min(64)).for_each(|n| grow(&mut out, at + n * width));
        }
    }
    Ok(out.freeze())
}
