//! A fragment cut into several: the parts of low latency, each a movie fragment of its own (CMAF chunks, ISO/IEC
//! 23000-19, 7.3.2.3).
//!
//! Cuts lie between samples in decode order, as late as the longest duration allows. The chunks in a row are the segment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};

use super::boxes::{boxes, child, u32_at, Fragment, Sample, Span};

/// Some samples of a fragment, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The first sample.
    first: usize,
    /// So many.
    count: usize,
    /// Ticks from the start of the fragment.
    pub(crate) start: u64,
    /// Ticks.
    pub(crate) duration: u64,
    /// Whether decoding can begin with it.
    pub(crate) independent: bool,
    /// Bytes of it as a movie fragment with its media data, without what tells when it was made.
    pub(crate) size: u64,
}

impl Chunk {
    /// Ticks from the start of the fragment to the end of the chunk.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.duration
    }
}

/// What was made of a fragment last: playlists and requests for parts ask for it again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cuts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    cut: Option<Cut>,
    written: Option<Written>,
}

/// A fragment in chunks.
#[derive(Clone, Debug)]
struct Cut {
    /// How long they are at most, in milliseconds.
    most_ms: u64,
    chunks: Arc<[Chunk]>,
    fit: Fit,
}

/// What can be made of a fragment in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Its boxes can be divided.
    pub(crate) divides: bool,
    /// Every chunk is at least 85 % of the longest and no longer, but the last, which may be shorter (rfc8216bis, 4.4.4.9).
    pub(crate) even: bool,
}

/// The chunks of a fragment as movie fragments, at some time.
#[derive(Debug)]
struct Written {
    chunks: Arc<[Chunk]>,
    decode_time: u64,
    sequence: u32,
    bytes: Arc<[Bytes]>,
}

impl Cuts {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunks of a fragment, no longer than so many milliseconds each, with their sizes.
pub(crate) fn cut(fragment: &Fragment, timescale: u32, most_ms: u64) -> Arc<[Chunk]> {
    Arc::clone(&fragment.cuts.kept().cut(fragment, timescale, most_ms).chunks)
}

/// Whether a fragment can be served in such chunks.
pub(crate) fn fit(fragment: &Fragment, timescale: u32, most_ms: u64) -> Fit {
    fragment.cuts.kept().cut(fragment, timescale, most_ms).fit
}

/// All chunks in a row as [`write`] makes them, of a fragment that is moved to a decode time; the first has that number.
pub(crate) fn written(fragment: &Fragment, chunks: &Arc<[Chunk]>, decode_time: u64, sequence: u32) -> Arc<[Bytes]> {
    let mut kept = fragment.cuts.kept();
    let known = kept.written.as_ref().filter(|known| {
        (known.decode_time, known.sequence) == (decode_time, sequence) && Arc::ptr_eq(&known.chunks, chunks)
    });
    if let Some(known) = known {
        return Arc::clone(&known.bytes);
    }
    let one = |(chunk, sequence)| write(fragment, chunk, decode_time, sequence, None).unwrap_or_default();
    let numbers = (0..).map(|nth| sequence.wrapping_add(nth));
    let bytes: Arc<[Bytes]> = chunks.iter().zip(numbers).flat_map(one).collect();
    kept.written = Some(Written { chunks: Arc::clone(chunks), decode_time, sequence, bytes: Arc::clone(&bytes) });
    bytes
}

impl Kept {
    fn cut(&mut self, fragment: &Fragment, timescale: u32, most_ms: u64) -> &Cut {
        if self.cut.as_ref().is_none_or(|cut| cut.most_ms != most_ms) {
            self.cut = None;
        }
        self.cut.get_or_insert_with(|| {
            let mut chunks = divide(fragment, timescale, most_ms);
            for chunk in &mut chunks {
                // Times and numbers are as wide whatever they are.
                let written = write(fragment, chunk, 0, 0, None).unwrap_or_default();
                chunk.size = written.iter().map(|bytes| bytes.len() as u64).sum();
            }
            let most = most_ms.saturating_mul(u64::from(timescale));
            let last = chunks.len().saturating_sub(1);
            let even = |(n, chunk): (usize, &Chunk)| {
                let duration = u128::from(chunk.duration);
                duration * 1000 <= u128::from(most) && (n == last || duration * 100_000 >= u128::from(most) * 85)
            };
            let fit = Fit {
                divides: chunks.first().is_some_and(|first| first.size > 0),
                even: chunks.iter().enumerate().all(even),
            };
            Cut { most_ms, chunks: chunks.into(), fit }
        })
    }
}

/// A fragment as one chunk.
pub(crate) fn all_of(fragment: &Fragment) -> Chunk {
    let independent = fragment.samples.first().is_some_and(Sample::is_sync);
    let count = fragment.samples.len();
    Chunk { first: 0, count, start: 0, duration: fragment.duration, independent, size: 0 }
}

/// Cuts a fragment into chunks that are no longer than so many milliseconds, where a sample is not. Where decoding can
/// begin a chunk begins, unless that is everywhere.
fn divide(fragment: &Fragment, timescale: u32, most_ms: u64) -> Vec<Chunk> {
    let most = most_ms.saturating_mul(u64::from(timescale));
    let mut chunks: Vec<Chunk> = Vec::new();
    let everywhere = fragment.samples.iter().all(Sample::is_sync);
    for (n, sample) in fragment.samples.iter().enumerate() {
        let duration = u64::from(sample.duration);
        let fits = |chunk: &&mut Chunk| (chunk.duration + duration).saturating_mul(1000) <= most;
        match chunks.last_mut().filter(fits).filter(|_| everywhere || !sample.is_sync()) {
            Some(chunk) => {
                chunk.count += 1;
                chunk.duration += duration;
            }
            None => {
                let start = chunks.last().map_or(0, Chunk::end);
                chunks.push(Chunk { first: n, count: 1, start, duration, independent: sample.is_sync(), size: 0 });
            }
        }
    }
    chunks
}

/// Bytes of what tells when a chunk was made.
pub(crate) const PRFT_SIZE: u64 = 32;

/// What a chunk tells of when it was made (`prft`, ISO/IEC 14496-12, 8.16.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Produced {
    /// Milliseconds since 1970 at which its first sample was taken.
    pub(crate) unix_ms: u64,
}

/// The chunk as a movie fragment and its media data, of a fragment that is moved to a decode time; None where the
/// fragment has boxes that cannot be divided.
pub(crate) fn write(
    fragment: &Fragment,
    chunk: &Chunk,
    decode_time: u64,
    sequence: u32,
    produced: Option<Produced>,
) -> Option<[Bytes; 2]> {
    let data = &fragment.moof[..];
    let whole = boxes(data, 0, data.len()).ok()?.into_iter().next()?;
    let traf = child(data, whole, b"traf").ok()?;
    let header = child(data, traf, b"tfhd").ok()?;
    let track = u32_at(data, header.body + 4)?;
    let described = u32_at(data, header.body)? & DESCRIPTION != 0;
    let samples = fragment.samples.get(chunk.first..chunk.first + chunk.count)?;
    let typical = samples.get(1).or_else(|| samples.first())?;

    let mut inner = Vec::new();
    let mut tfhd = full(0, BASE_IS_MOOF | DURATION | FLAGS | if described { DESCRIPTION } else { 0 });
    tfhd.put_u32(track);
    if described {
        tfhd.put_u32(u32_at(data, header.body + 8)?);
    }
    tfhd.put_u32(typical.duration);
    tfhd.put_u32(typical.flags);
    boxed(&mut inner, b"tfhd", &tfhd);
    let mut tfdt = full(1, 0);
    tfdt.put_u64(decode_time + chunk.start);
    boxed(&mut inner, b"tfdt", &tfdt);
    // Where the offset of the data stands, from the start of the run.
    let run_at = inner.len();
    boxed(&mut inner, b"trun", &run(samples, typical));
    let auxiliary = Auxiliary { data, traf, first: chunk.first, count: chunk.count };
    // In front of the boxes of the track: the headers of moof and traf, and mfhd.
    auxiliary.write(&mut inner, 8 + 16 + 8)?;

    let mut body = Vec::new();
    let mut mfhd = full(0, 0);
    mfhd.put_u32(sequence);
    boxed(&mut body, b"mfhd", &mfhd);
    let offset_at = 8 + body.len() + 8 + run_at + RUN_OFFSET;
    boxed(&mut body, b"traf", &inner);
    for other in boxes(data, whole.body, whole.end).ok()? {
        if !matches!(&other.kind, b"mfhd" | b"traf") {
            body.extend(data.get(other.start..other.end)?);
        }
    }
    let mut out = Vec::with_capacity(body.len() + 64);
    if let Some(produced) = produced {
        prft(&mut out, track, produced, decode_time + chunk.start);
    }
    let moof_at = out.len();
    boxed(&mut out, b"moof", &body);
    let offset = u32::try_from(out.len() - moof_at + 8).ok()?;
    out.get_mut(moof_at + offset_at..moof_at + offset_at + 4)?.copy_from_slice(&offset.to_be_bytes());

    let bytes = |samples: &[Sample]| samples.iter().map(|sample| sample.size as usize).sum::<usize>();
    let all = fragment.mdat.len().checked_sub(bytes(&fragment.samples))?;
    let from = all + bytes(fragment.samples.get(..chunk.first)?);
    let length = bytes(samples);
    out.put_u32(u32::try_from(length + 8).ok()?);
    out.put_slice(b"mdat");
    Some([Bytes::from(out), fragment.mdat.slice(from..from + length)])
}

const BASE_IS_MOOF: u32 = 0x2_0000;
const DESCRIPTION: u32 = 0x2;
const DURATION: u32 = 0x8;
const FLAGS: u32 = 0x20;
/// From the start of a `trun` to its data offset.
const RUN_OFFSET: usize = 16;

fn full(version: u8, flags: u32) -> Vec<u8> {
    (u32::from(version) << 24 | flags).to_be_bytes().to_vec()
}

fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.put_u32(8 + body.len() as u32);
    out.put_slice(kind);
    out.put_slice(body);
}

/// The body of a `trun` whose data offset is not known yet: what differs from the typical sample is written.
fn run(samples: &[Sample], typical: &Sample) -> Vec<u8> {
    let (first, rest) = samples.split_first().map_or((typical, samples), |(first, rest)| (first, rest));
    let durations = samples.iter().any(|sample| sample.duration != typical.duration);
    let compositions = samples.iter().any(|sample| sample.composition != 0);
    let each = rest.iter().any(|sample| sample.flags != typical.flags);
    let alone = !each && first.flags != typical.flags;
    let flag = |on: bool, flag: u32| if on { flag } else { 0 };
    // Data offset and sizes are always there.
    let flags = 0x201 | flag(alone, 0x4) | flag(durations, 0x100) | flag(each, 0x400) | flag(compositions, 0x800);
    let mut out = full(1, flags);
    out.put_u32(samples.len() as u32);
    out.put_u32(0);
    if alone {
        out.put_u32(first.flags);
    }
    for sample in samples {
        if durations {
            out.put_u32(sample.duration);
        }
        out.put_u32(sample.size);
        if each {
            out.put_u32(sample.flags);
        }
        if compositions {
            out.put_i32(i32::try_from(sample.composition).unwrap_or(0));
        }
    }
    out
}

/// The boxes of a track fragment that go by samples, of which some are taken: groups, and how samples are encrypted.
struct Auxiliary<'a> {
    data: &'a [u8],
    traf: Span,
    first: usize,
    count: usize,
}

impl Auxiliary<'_> {
    /// Writes them behind what is there; in front of that are so many bytes of the movie fragment.
    fn write(&self, out: &mut Vec<u8>, before: usize) -> Option<()> {
        let data = self.data;
        for b in boxes(data, self.traf.body, self.traf.end).ok()? {
            match &b.kind {
                b"tfhd" | b"tfdt" | b"trun" | b"saiz" | b"saio" | b"senc" => {}
                b"sbgp" => boxed(out, b"sbgp", &self.group(b)?),
                b"sgpd" => out.extend(data.get(b.start..b.end)?),
                _ => return None,
            }
        }
        let Ok(senc) = child(data, self.traf, b"senc") else { return Some(()) };
        let Ok(saiz) = child(data, self.traf, b"saiz") else {
            // Samples have nothing of their own but their number.
            let mut body = data.get(senc.body..senc.body + 4)?.to_vec();
            body.put_u32(self.count as u32);
            boxed(out, b"senc", &body);
            return Some(());
        };
        let even = *data.get(saiz.body + 4)?;
        let size = |n: usize| match even {
            0 => data.get(saiz.body + 9 + n).copied().map(usize::from),
            even => Some(usize::from(even)),
        };
        let skipped: usize = (0..self.first).map(size).sum::<Option<usize>>()?;
        let sizes: Vec<usize> = (self.first..self.first + self.count).map(size).collect::<Option<_>>()?;
        let mut body = data.get(saiz.body..saiz.body + 5)?.to_vec();
        body.put_u32(self.count as u32);
        if even == 0 {
            body.extend(sizes.iter().map(|size| *size as u8));
        }
        boxed(out, b"saiz", &body);
        let mut saio = full(0, 0);
        saio.put_u32(1);
        // Behind this box of 20 bytes, and 16 of senc.
        saio.put_u32((before + out.len() + 20 + 16) as u32);
        boxed(out, b"saio", &saio);
        let mut body = data.get(senc.body..senc.body + 4)?.to_vec();
        body.put_u32(self.count as u32);
        let from = senc.body + 8 + skipped;
        body.extend(data.get(from..from + sizes.iter().sum::<usize>())?);
        boxed(out, b"senc", &body);
        Some(())
    }

    /// The runs of a `sbgp` that belong to the samples taken.
    fn group(&self, b: Span) -> Option<Vec<u8>> {
        let version = self.data.get(b.body)?;
        let at = b.body + 8 + if *version == 1 { 4 } else { 0 };
        let mut out = self.data.get(b.body..at)?.to_vec();
        let runs = u32_at(self.data, at)? as usize;
        let (mut taken, mut sample) = (Vec::new(), 0_usize);
        for run in 0..runs {
            let (count, index) = (u32_at(self.data, at + 4 + 8 * run)? as usize, u32_at(self.data, at + 8 + 8 * run)?);
            let from = sample.max(self.first);
            let to = sample.saturating_add(count).min(self.first + self.count);
            if from < to {
                taken.push(((to - from) as u32, index));
            }
            sample = sample.saturating_add(count);
        }
        out.put_u32(taken.len() as u32);
        for (count, index) in taken {
            out.put_u32(count);
            out.put_u32(index);
        }
        Some(out)
    }
}

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;
/// The time is that of the input of the encoder.
const ENCODER_INPUT: u32 = 0;

fn prft(out: &mut Vec<u8>, track: u32, produced: Produced, media_time: u64) {
    let (seconds, ms) = (produced.unix_ms / 1000, produced.unix_ms % 1000);
    let mut body = BytesMut::from(&full(1, ENCODER_INPUT)[..]);
    body.put_u32(track);
    body.put_u32((seconds + NTP_EPOCH) as u32);
    body.put_u32(((ms << 32) / 1000) as u32);
    body.put_u64(media_time);
    boxed(out, b"prft", &body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::title::Title;

    #[test]
    fn chunks_are_as_long_as_the_target_allows_and_add_up_to_the_fragment() {
        let title = Title::demo();
        for (track, target, expected) in [("v180", 334, 320), ("v180", 500, 480), ("a-en", 334, 320), ("v180", 20, 40)]
        {
            let track = title.tracks.iter().find(|known| known.id == track).expect("a track");
            for fragment in &track.fragments {
                let chunks = cut(fragment, track.timescale, target);
                let ms = |chunk: &Chunk| chunk.duration * 1000 / u64::from(track.timescale);
                let (last, whole) = chunks.split_last().expect("chunks");
                assert!(whole.iter().all(|chunk| ms(chunk) == expected), "{} {target}", track.id);
                assert!(ms(last) <= expected);
                assert_eq!(last.end(), fragment.duration);
                assert_eq!(chunks.iter().map(|chunk| chunk.count).sum::<usize>(), fragment.samples.len());
                assert!(chunks[0].independent);
                assert_eq!(whole.iter().all(|chunk| chunk.independent), !track.is_video());
            }
        }
    }
}
