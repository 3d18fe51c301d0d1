//! Segments as MPEG transport streams and packed audio (ISO/IEC 13818-1; RFC 8216, 3.2 and 3.4), of H.264 and AAC.
//!
//! Media times lie ten seconds later than in the fragments, as decoding may not be asked for before time began. Each
//! segment holds a multiple of 16 packets of a stream where its last access unit is long enough, so that counters go on
//! from any segment to the next.

mod config;
mod packed;
mod sample_aes;
mod transport;

use std::sync::Arc;

use bytes::Bytes;

use crate::programme::{fragment, Programme};
use crate::protect::{KeyName, Scheme};
use crate::title::Track;

use config::{Aac, Avc};
pub(crate) use transport::crc;
use transport::{Stream, Unit};

/// What segments of a title are, instead of fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packaging {
    /// `ts_muxed`: pictures and the first sound in one transport stream.
    Muxed,
    /// `ts_demuxed`: a transport stream for each rendition.
    Demuxed,
    /// `ts_packed`: transport streams of pictures, packed audio.
    Packed,
}

impl Packaging {
    /// The value of `ts_`.
    pub(crate) fn read(value: &str) -> Option<Self> {
        match value {
            "muxed" => Some(Self::Muxed),
            "demuxed" => Some(Self::Demuxed),
            "packed" => Some(Self::Packed),
            _ => None,
        }
    }

    /// The extension of a rendition's files.
    pub(crate) fn extension(self, track: &Track) -> &'static str {
        if self == Self::Packed && !track.is_video() {
            "aac"
        } else {
            "ts"
        }
    }

    /// Their content type.
    pub(crate) fn content_type(self, track: &Track) -> &'static str {
        if self.extension(track) == "aac" {
            "audio/aac"
        } else {
            "video/mp2t"
        }
    }
}

/// How much later media times lie than in the fragments, in ticks of 90 kHz.
pub(crate) const LATER: u64 = 900_000;

/// AAC frames in one packet of the elementary stream.
const FRAMES: usize = 8;

/// Segment `n` of a rendition; None where it is not of H.264 or AAC.
pub(crate) fn segment(programme: &Programme<'_>, packaging: Packaging, track: &Arc<Track>, n: u64) -> Option<Bytes> {
    if !track.is_video() {
        let aac = Aac::of(track)?;
        let key = sample_key(programme, track, n);
        if packaging == Packaging::Packed {
            let time = frames(programme, track, &aac, n..n + 1, key).first().map_or(0, |unit| unit.pts);
            let data = frames(programme, track, &aac, n..n + 1, key).into_iter().flat_map(|unit| unit.data);
            return Some([packed::tag(time, key.map(|_| &aac)), data.collect()].concat().into());
        }
        let units = frames(programme, track, &aac, n..n + 1, key);
        let stream = Stream { is_video: false, aac: Some(&aac), protected: key.is_some() };
        return Some(transport::write(&[stream], vec![units], n));
    }
    let avc = Avc::of(track)?;
    let key = sample_key(programme, track, n);
    let pictures = pictures(programme, track, &avc, n, key)?;
    let video = Stream { is_video: true, aac: None, protected: key.is_some() };
    let sound = programme.title.tracks.iter().find(|track| !track.is_video());
    match sound.filter(|_| packaging == Packaging::Muxed) {
        None => Some(transport::write(&[video], vec![pictures], n)),
        Some(sound) => {
            let aac = Aac::of(sound)?;
            let range = programme.within(sound, &(programme.reference_of(track, n)));
            // One key holds for the whole segment.
            let units = frames(programme, sound, &aac, range, key);
            let audio = Stream { is_video: false, aac: Some(&aac), protected: key.is_some() };
            Some(transport::write(&[video, audio], vec![pictures, units], n))
        }
    }
}

/// The key that access units are encrypted with.
fn sample_key(programme: &Programme<'_>, track: &Track, n: u64) -> Option<KeyName> {
    programme.key(track, n).filter(|_| programme.options.protection.scheme == Some(Scheme::SampleAes))
}

fn ticks(time: i64, timescale: u32) -> u64 {
    let time = i128::from(time) * 90_000 / i128::from(timescale) + i128::from(LATER);
    u64::try_from(time).unwrap_or(0) & ((1 << 33) - 1)
}

fn pictures(programme: &Programme<'_>, track: &Track, avc: &Avc, n: u64, key: Option<KeyName>) -> Option<Vec<Unit>> {
    // Decoding comes before showing here: what is shown earliest after its decode time is decoded so much earlier.
    let early = track.fragments.iter().flat_map(|f| f.samples.iter()).map(|s| s.composition).min().unwrap_or(0).min(0);
    let mut time = i64::try_from(programme.media_time(track, n)).ok()?;
    let mut units = Vec::new();
    for (at, (sample, data)) in fragment(track, n).data().enumerate() {
        let data = avc.access_unit(data, at == 0, |unit| match key {
            Some(key) => sample_aes::slice(unit, key),
            None => unit.to_vec(),
        });
        let (pts, dts) = (ticks(time + sample.composition, track.timescale), ticks(time + early, track.timescale));
        units.push(Unit { pts, dts, random_access: at == 0, data });
        time += i64::from(sample.duration);
    }
    Some(units)
}

fn frames(
    programme: &Programme<'_>,
    track: &Track,
    aac: &Aac,
    segments: std::ops::Range<u64>,
    key: Option<KeyName>,
) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for n in segments {
        let mut time = i64::try_from(programme.media_time(track, n)).unwrap_or(0);
        for (at, (sample, data)) in fragment(track, n).data().enumerate() {
            let mut frame = aac.header(data.len());
            frame.extend(data);
            if let Some(key) = key {
                sample_aes::frame(&mut frame[7..], key);
            }
            match units.last_mut().filter(|_| at % FRAMES > 0) {
                Some(unit) => unit.data.extend(frame),
                None => {
                    let pts = ticks(time, track.timescale);
                    units.push(Unit { pts, dts: pts, random_access: true, data: frame });
                }
            }
            time += i64::from(sample.duration);
        }
    }
    units
}
