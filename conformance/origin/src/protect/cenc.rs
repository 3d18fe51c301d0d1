//! Common Encryption (ISO/IEC 23001-7): a clear title in, a protected one out.
//!
//! Slice headers stay clear, and with CTR and cbc1 protected ranges are whole blocks, as the standard asks (9.5). Vectors
//! count the samples of a title, so that everything is the same in every repetition.

use bytes::{BufMut, Bytes, BytesMut};

use super::cipher::{Cbc, Ctr, BLOCK};
use super::{pssh, KeyName, Protection, Scheme};
use crate::title::boxes::{boxes, u32_at, Span};
use crate::title::chunk::Cuts;
use crate::title::{fnv, Fragment, Title, Track};

/// What is left clear of each slice: its header, and more.
const CLEAR: usize = 64;

/// The title under the protection, which must be of Common Encryption; None where a rendition is not of the form that
/// a [`Title`] writes.
pub(crate) fn protected(title: &Title, protection: &Protection) -> Option<Title> {
    let scheme = protection.common()?;
    let tracks = title.tracks.iter().enumerate().map(|(index, track)| {
        let work = Work { title, protection, scheme, track, index: index as u64, nal: Nal::of(track) };
        work.track().map(std::sync::Arc::new)
    });
    let digest = fnv(title.digest, format!("{protection:?}").as_bytes());
    Some(Title { tracks: tracks.collect::<Option<_>>()?, digest, ..title.clone() })
}

/// How the access units of a rendition are cut into NAL units.
#[derive(Clone, Copy)]
struct Nal {
    length_size: usize,
    hevc: bool,
}

impl Nal {
    fn of(track: &Track) -> Option<Self> {
        let find = |kind: &[u8; 4]| track.init.windows(4).position(|window| window == kind).map(|at| at + 4);
        let (at, hevc) = match (find(b"avcC"), find(b"hvcC")) {
            (Some(at), _) => (at + 4, false),
            (None, Some(at)) => (at + 21, true),
            (None, None) => return None,
        };
        track.init.get(at).map(|byte| Self { length_size: usize::from(byte & 3) + 1, hevc })
    }

    /// Whether the unit is a slice.
    fn is_slice(self, unit: &[u8]) -> bool {
        unit.first().is_some_and(|byte| if self.hevc { byte >> 1 & 0x3f < 32 } else { matches!(byte & 0x1f, 1 | 5) })
    }

    /// Clear and protected bytes of an access unit, in turn.
    fn subsamples(self, data: &[u8], scheme: Scheme) -> Vec<(u16, u32)> {
        let mut out = Vec::new();
        let (mut clear, mut rest) = (0, data);
        while rest.len() >= self.length_size {
            let (length, behind) = rest.split_at(self.length_size);
            let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)).min(behind.len());
            let (unit, next) = behind.split_at(length);
            let mut hidden = if self.is_slice(unit) { unit.len().saturating_sub(CLEAR) } else { 0 };
            if matches!(scheme, Scheme::Cenc | Scheme::Cbc1) {
                hidden -= hidden % BLOCK;
            }
            clear += self.length_size + unit.len() - hidden;
            if hidden > 0 {
                push(&mut out, clear, hidden);
                clear = 0;
            }
            rest = next;
        }
        clear += rest.len();
        if clear > 0 {
            push(&mut out, clear, 0);
        }
        out
    }
}

fn push(out: &mut Vec<(u16, u32)>, mut clear: usize, hidden: usize) {
    while clear > usize::from(u16::MAX) {
        out.push((u16::MAX, 0));
        clear -= usize::from(u16::MAX);
    }
    out.push((clear as u16, hidden as u32));
}

/// One rendition on its way.
struct Work<'a> {
    title: &'a Title,
    protection: &'a Protection,
    scheme: Scheme,
    track: &'a Track,
    index: u64,
    nal: Option<Nal>,
}

/// The auxiliary information of one sample.
struct Auxiliary {
    iv: Vec<u8>,
    subsamples: Vec<(u16, u32)>,
}

impl Work<'_> {
    fn track(&self) -> Option<Track> {
        let track = self.track;
        let fragments = track.fragments.iter().enumerate();
        let fragments = fragments.map(|(n, fragment)| self.fragment(n as u64, fragment)).collect::<Option<_>>()?;
        let clear = track.fragments.iter().filter(|_| self.protection.lead > 0).map(described_as_second);
        Some(Track {
            id: track.id.clone(),
            medium: track.medium,
            codec: track.codec.clone(),
            language: track.language.clone(),
            label: track.label.clone(),
            timescale: track.timescale,
            init: self.init()?,
            fragments,
            period: track.period,
            lead: self.protection.lead,
            clear: clear.collect::<Option<_>>()?,
        })
    }

    /// The key of a fragment, the clear lead aside.
    fn key(&self, n: u64) -> Option<KeyName> {
        let whole = Protection { lead: 0, ..self.protection.clone() };
        whole.key_of(self.title, self.track, n)
    }

    /// Bytes of a vector that each sample has of its own.
    fn iv_size(&self) -> usize {
        match self.scheme {
            Scheme::Cenc | Scheme::Cens if !self.protection.wrapping_iv => 8,
            Scheme::Cbcs => 0,
            _ => 16,
        }
    }

    fn iv(&self, fragment: u64, sample: u64) -> Vec<u8> {
        let number = self.index << 56 | fragment << 32 | sample;
        match self.iv_size() {
            0 => Vec::new(),
            8 => number.to_be_bytes().to_vec(),
            // Whose lower half wraps behind the first block, or one that nobody guesses from the sample before.
            _ if self.protection.wrapping_iv && self.scheme != Scheme::Cbc1 => {
                [number.to_be_bytes(), u64::MAX.to_be_bytes()].concat()
            }
            _ => [fnv(number, b"upper").to_be_bytes(), number.to_be_bytes()].concat(),
        }
    }

    /// The fields of `tenc` behind its version, which are those of a `seig` group too.
    fn defaults(&self, key: Option<KeyName>) -> Vec<u8> {
        let (crypt, skip) = self.protection.pattern(self.track).unwrap_or((0, 0));
        let mut out = vec![0, crypt << 4 | skip];
        let Some(key) = key else {
            // Not protected but where a group says otherwise.
            out.extend([0, 0]);
            out.extend([0; 16]);
            return out;
        };
        out.extend([1, self.iv_size() as u8]);
        out.extend(key.kid());
        if self.iv_size() == 0 {
            out.push(16);
            out.extend(key.iv());
        }
        out
    }

    fn init(&self) -> Option<Bytes> {
        let data = &self.track.init;
        let own: Vec<KeyName> = {
            let mut keys: Vec<_> = (0..self.track.fragments.len() as u64).filter_map(|n| self.key(n)).collect();
            keys.dedup();
            keys
        };
        // Keys that rotate are told by the media.
        let default = own.first().copied().filter(|_| self.protection.rotation.is_none());
        let stsd = |body: &[u8]| {
            let entry = body.get(8..)?;
            let mut out = body[..4].to_vec();
            out.put_u32(if self.protection.lead > 0 { 2 } else { 1 });
            let format: [u8; 4] = entry.get(4..8)?.try_into().ok()?;
            let mut sinf = boxed(b"frma", &format);
            sinf.extend(boxed(b"schm", &[&[0; 4], self.scheme.name().as_bytes(), &[0, 1, 0, 0]].concat()));
            let version = u8::from(self.protection.pattern(self.track).is_some());
            let tenc = boxed(b"tenc", &[&[version, 0, 0, 0][..], &self.defaults(default)].concat());
            sinf.extend(boxed(b"schi", &tenc));
            let kind = if self.track.is_video() { b"encv" } else { b"enca" };
            out.extend(boxed(kind, &[&entry[8..], &boxed(b"sinf", &sinf)].concat()));
            if self.protection.lead > 0 {
                out.extend(entry);
            }
            Some(out)
        };
        let moov = |body: &[u8]| {
            let mut out = edited(body, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"], &stsd)?;
            if self.protection.rotation.is_none() {
                out.extend(&pssh(&own)[..]);
            }
            Some(out)
        };
        edited(data, &[b"moov"], &moov).map(Bytes::from)
    }

    fn fragment(&self, n: u64, clear: &Fragment) -> Option<Fragment> {
        let key = self.key(n)?;
        let mut mdat = BytesMut::from(&clear.mdat[..]);
        let header = (clear.mdat.len() as u64).checked_sub(clear.samples.iter().map(|s| u64::from(s.size)).sum())?;
        let mut at = usize::try_from(header).ok()?;
        let mut auxiliary = Vec::with_capacity(clear.samples.len());
        for (number, sample) in clear.samples.iter().enumerate() {
            let data = mdat.get_mut(at..at + sample.size as usize)?;
            at += data.len();
            let iv = self.iv(n, number as u64);
            let subsamples = self.nal.map(|nal| nal.subsamples(data, self.scheme)).unwrap_or_default();
            self.encrypt(data, key, &iv, &subsamples);
            auxiliary.push(Auxiliary { iv, subsamples });
        }
        let rotates = self.protection.rotation.is_some();
        let groups = if rotates { self.groups(key, clear.samples.len() as u32) } else { Vec::new() };
        let behind = if rotates { pssh(&[key]) } else { Bytes::new() };
        grown(
            clear,
            mdat.freeze(),
            |traf_end| [groups.clone(), senc(&auxiliary, traf_end + groups.len())].concat(),
            &behind,
        )
    }

    /// The sample group that says with which key all samples of the fragment are protected (8.9, and 23001-7, 6).
    fn groups(&self, key: KeyName, samples: u32) -> Vec<u8> {
        let entry = self.defaults(Some(key));
        let mut sbgp = b"\0\0\0\0seig\0\0\0\x01".to_vec();
        sbgp.put_u32(samples);
        // The first of this fragment's own.
        sbgp.put_u32(0x1_0001);
        let mut sgpd = b"\x01\0\0\0seig".to_vec();
        sgpd.put_u32(entry.len() as u32);
        sgpd.put_u32(1);
        sgpd.extend(entry);
        [boxed(b"sbgp", &sbgp), boxed(b"sgpd", &sgpd)].concat()
    }

    fn encrypt(&self, data: &mut [u8], key: KeyName, iv: &[u8], subsamples: &[(u16, u32)]) {
        let mut vector = key.iv();
        if !iv.is_empty() {
            vector = [0; BLOCK];
            vector[..iv.len()].copy_from_slice(iv);
        }
        let whole = [(0, data.len() as u32)];
        let subsamples = if subsamples.is_empty() { &whole } else { subsamples };
        let pattern = self.protection.pattern(self.track);
        let counts = matches!(self.scheme, Scheme::Cenc | Scheme::Cens);
        let mut ctr = Ctr::new(&key.key(), &vector);
        let mut cbc = Cbc::new(&key.key(), &vector);
        let mut rest = data;
        for (clear, hidden) in subsamples {
            let Some((_, behind)) = rest.split_at_mut_checked(usize::from(*clear)) else { return };
            let Some((range, next)) = behind.split_at_mut_checked(*hidden as usize) else { return };
            if self.scheme == Scheme::Cbcs {
                cbc = Cbc::new(&key.key(), &vector);
            }
            if self.scheme == Scheme::Cenc {
                ctr.run(range);
            } else {
                // Whole blocks of what the pattern selects; without one, all of them.
                let (crypt, skip) = pattern
                    .filter(|(crypt, _)| *crypt > 0)
                    .map_or((usize::MAX, 0), |(crypt, skip)| (usize::from(crypt) * BLOCK, usize::from(skip) * BLOCK));
                let mut left = range;
                while left.len() >= BLOCK {
                    let taken = crypt.min(left.len() - left.len() % BLOCK);
                    let (run, next) = left.split_at_mut(taken);
                    if counts {
                        ctr.run(run);
                    } else {
                        cbc.whole_blocks(run);
                    }
                    let skipped = skip.min(next.len());
                    left = &mut next[skipped..];
                }
            }
            rest = next;
        }
    }
}

/// `saiz`, `saio` and `senc`, to stand at a position of their `moof`; `senc` alone where samples have nothing of their own.
fn senc(samples: &[Auxiliary], at: usize) -> Vec<u8> {
    let mut data = Vec::new();
    let mut sizes = Vec::new();
    let divided = samples.iter().any(|sample| !sample.subsamples.is_empty());
    for sample in samples {
        let before = data.len();
        data.extend(&sample.iv);
        if divided {
            data.put_u16(sample.subsamples.len() as u16);
            for (clear, hidden) in &sample.subsamples {
                data.put_u16(*clear);
                data.put_u32(*hidden);
            }
        }
        sizes.push(data.len() - before);
    }
    let mut body = vec![0, 0, 0, if divided { 2 } else { 0 }];
    body.put_u32(samples.len() as u32);
    body.extend(&data);
    let senc = boxed(b"senc", &body);
    if data.is_empty() || sizes.iter().any(|size| *size > 255) {
        return senc;
    }
    let even = sizes.windows(2).all(|pair| pair[0] == pair[1]);
    let mut saiz = vec![0, 0, 0, 0, if even { sizes.first().copied().unwrap_or(0) as u8 } else { 0 }];
    saiz.put_u32(samples.len() as u32);
    if !even {
        saiz.extend(sizes.iter().map(|size| *size as u8));
    }
    let saiz = boxed(b"saiz", &saiz);
    // The data of senc lies behind saiz, the 20 bytes of saio, and 16 of its own.
    let mut saio = vec![0, 0, 0, 0, 0, 0, 0, 1];
    saio.put_u32((at + saiz.len() + 20 + 16) as u32);
    [saiz, boxed(b"saio", &saio), senc].concat()
}

/// The fragment with more boxes at the end of its `traf` (made for the position they get in the `moof`), others behind
/// it, and other media data of the same length.
fn grown(clear: &Fragment, mdat: Bytes, more: impl Fn(usize) -> Vec<u8>, behind: &[u8]) -> Option<Fragment> {
    let moof = &clear.moof[..];
    let whole = boxes(moof, 0, moof.len()).ok()?.into_iter().next()?;
    let traf = find(moof, whole, b"traf")?;
    let more = more(traf.end);
    let growth = more.len() + behind.len();
    let mut out = BytesMut::with_capacity(moof.len() + growth);
    out.put_slice(&moof[..traf.end]);
    out.put_slice(&more);
    out.put_slice(&moof[traf.end..]);
    out.put_slice(behind);
    add(&mut out, whole.start, growth);
    add(&mut out, traf.start, more.len());
    moved_data(&mut out, moof, traf, 0, growth);
    let shifted = |at: usize| if at >= traf.end { at + more.len() } else { at };
    Some(Fragment {
        moof: out.freeze(),
        mdat,
        decode_time_at: shifted(clear.decode_time_at),
        sequence_at: shifted(clear.sequence_at),
        first_sample_end: clear.first_sample_end + growth as u64,
        cuts: Cuts::default(),
        ..clear.clone()
    })
}

/// The fragment with the second sample description: that of clear samples.
fn described_as_second(clear: &Fragment) -> Option<Fragment> {
    const DESCRIPTION: u8 = 2;
    let moof = &clear.moof[..];
    let whole = boxes(moof, 0, moof.len()).ok()?.into_iter().next()?;
    let traf = find(moof, whole, b"traf")?;
    let tfhd = find(moof, traf, b"tfhd")?;
    let at = tfhd.body + 8;
    if moof.get(tfhd.body + 3)? & DESCRIPTION != 0 {
        return None;
    }
    let mut out = BytesMut::with_capacity(moof.len() + 4);
    out.put_slice(moof.get(..at)?);
    out.put_u32(2);
    out.put_slice(moof.get(at..)?);
    out[tfhd.body + 3] |= DESCRIPTION;
    for b in [whole, traf, tfhd] {
        add(&mut out, b.start, 4);
    }
    moved_data(&mut out, moof, traf, at, 4);
    let shifted = |place: usize| if place >= at { place + 4 } else { place };
    Some(Fragment {
        moof: out.freeze(),
        decode_time_at: shifted(clear.decode_time_at),
        sequence_at: shifted(clear.sequence_at),
        first_sample_end: clear.first_sample_end + 4,
        cuts: Cuts::default(),
        ..clear.clone()
    })
}

/// Corrects the data offsets of track runs for media data that lies so much further back. What lies behind `inserted`
/// in the box as it was lies four bytes later in `out`; 0 is nothing.
fn moved_data(out: &mut BytesMut, moof: &[u8], traf: Span, inserted: usize, growth: usize) {
    for run in boxes(moof, traf.body, traf.end).into_iter().flatten().filter(|b| &b.kind == b"trun") {
        if moof.get(run.body + 3).is_some_and(|flags| flags & 1 != 0) {
            let at = run.body + 8;
            add(out, if inserted > 0 && at >= inserted { at + 4 } else { at }, growth);
        }
    }
}

fn add(out: &mut BytesMut, at: usize, amount: usize) {
    if let Some(value) = u32_at(out, at) {
        out[at..at + 4].copy_from_slice(&value.wrapping_add(amount as u32).to_be_bytes());
    }
}

fn find(data: &[u8], parent: Span, kind: &[u8; 4]) -> Option<Span> {
    boxes(data, parent.body, parent.end).ok()?.into_iter().find(|b| &b.kind == kind)
}

/// A box.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + body.len());
    out.put_u32(8 + body.len() as u32);
    out.extend(kind);
    out.extend(body);
    out
}

/// A run of boxes, in which the body of the one at a path is another.
fn edited(data: &[u8], path: &[&[u8; 4]], edit: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let Some((first, rest)) = path.split_first() else {
        return edit(data);
    };
    let mut out = Vec::with_capacity(data.len() + 128);
    for b in boxes(data, 0, data.len()).ok()? {
        if b.kind == **first {
            out.extend(boxed(first, &edited(&data[b.body..b.end], rest, edit)?));
        } else {
            out.extend(&data[b.start..b.end]);
        }
    }
    Some(out)
}
