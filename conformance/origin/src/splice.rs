//! Markers of breaks (SCTE 35) and of the end of an MPD's validity, as events of a live programme.

use std::ops::Range;

use crate::live::{Edge, Moment};
use crate::options::Format;
use crate::programme::{start, Programme};
use crate::stream::crc;
use crate::title::{Ticks, Track};

/// The longest break.
const LONGEST_MS: u64 = 30_000;
/// How long before it begins a break is told of.
const AHEAD_MS: u64 = 8_000;

/// One break of the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// Which of the programme.
    pub(crate) id: u64,
    /// Milliseconds of media since the start of the programme.
    pub(crate) start_ms: u64,
    pub(crate) length_ms: u64,
}

impl Break {
    fn of(id: u64, every_s: u64) -> Self {
        Self { id, start_ms: id * every_s * 1000, length_ms: (every_s * 500).min(LONGEST_MS) }
    }

    pub(crate) fn end_ms(&self) -> u64 {
        self.start_ms + self.length_ms
    }

    /// What is played in it where something is: the same title, from its start, in whole seconds.
    pub(crate) fn asset(&self, format: Format, asset: &str) -> String {
        let seconds = self.length_ms / 1000;
        match format {
            Format::Dash => format!("/dash/dur_{seconds}/{asset}/number.mpd"),
            Format::Hls => format!("/hls/dur_{seconds}/{asset}/assets.json"),
        }
    }

    /// The `splice_info_section` where it begins: out of the network.
    pub(crate) fn out(&self) -> Vec<u8> {
        let insert =
            Insert { id: self.id as u32, out: true, pts: self.start_ms * 90, length: Some(self.length_ms * 90) };
        insert.section()
    }

    /// And where it ends.
    pub(crate) fn back(&self) -> Vec<u8> {
        let insert = Insert { id: self.id as u32, out: false, pts: self.end_ms() * 90, length: None };
        insert.section()
    }
}

/// A `splice_insert` of a whole programme (SCTE 35, 9.7.3).
struct Insert {
    id: u32,
    out: bool,
    /// Ticks of 90 kHz, of which 33 bits count.
    pts: u64,
    length: Option<u64>,
}

const BITS_33: u64 = (1 << 33) - 1;

impl Insert {
    /// The command.
    fn command(&self) -> Vec<u8> {
        let mut out = self.id.to_be_bytes().to_vec();
        // Not cancelled; the programme, at a time; reserved bits are ones.
        out.push(0x7f);
        out.push(u8::from(self.out) << 7 | 0x40 | u8::from(self.length.is_some()) << 5 | 0x0f);
        let wide = |flags: u8, value: u64| {
            let value = value & BITS_33;
            [flags | (value >> 32) as u8, (value >> 24) as u8, (value >> 16) as u8, (value >> 8) as u8, value as u8]
        };
        out.extend(wide(0xfe, self.pts));
        // The break ends by itself.
        out.extend(self.length.into_iter().flat_map(|length| wide(0xfe, length)));
        // unique_program_id, avail_num, avails_expected
        out.extend([0, 0, 0, 0]);
        out
    }

    /// The section (9.6): in clear, for any tier, without descriptors.
    fn section(&self) -> Vec<u8> {
        const INSERT: u8 = 5;
        let command = self.command();
        let length = 11 + command.len() + 2 + 4;
        let mut out = vec![0xfc, 0x30 | (length >> 8) as u8, length as u8];
        // No encryption, and no word to control it by.
        out.extend([0, 0, 0, 0, 0, 0, 0xff]);
        out.extend([0xff, 0xf0 | (command.len() >> 8) as u8, command.len() as u8, INSERT]);
        out.extend(command);
        out.extend([0, 0]);
        let checksum = crc(&out);
        out.extend(checksum.to_be_bytes());
        out
    }
}

/// SCTE 35 in `emsg`, and in an MPD.
pub(crate) const IN_BAND: &str = "urn:scte:scte35:2013:bin";
pub(crate) const IN_MPD: &str = "urn:scte:scte35:2014:xml+bin";
/// What is played in place of a part of the programme (ISO/IEC 23009-1, 5.16.4).
pub(crate) const REPLACED: &str = "urn:mpeg:dash:event:alternativeMPD:replace:2025";
/// The end of the validity of an MPD (ISO/IEC 23009-1, 5.10.4).
pub(crate) const VALIDITY: &str = "urn:mpeg:dash:event:2012";

impl Programme<'_> {
    /// The breaks that are known of and touch some milliseconds of media.
    pub(crate) fn breaks(&self, media_ms: &Range<u64>) -> Vec<Break> {
        let live = self.options.live.as_ref();
        let Some((every, edge)) = live.and_then(|live| live.splices).zip(self.edge) else { return Vec::new() };
        let known = edge.media_ms().saturating_add(AHEAD_MS).min(media_ms.end);
        // The first of all begins after the first interval; one before the range may reach into it.
        let from = (media_ms.start / (every * 1000)).max(1);
        let breaks = (from..).map(|id| Break::of(id, every)).take_while(|one| one.start_ms < known);
        breaks.filter(|one| one.end_ms() > media_ms.start).collect()
    }

    /// The event boxes in front of a segment: in DASH, with the pictures.
    pub(crate) fn events(&self, track: &Track, n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(live) = self.options.live.as_ref().filter(|_| self.format == Format::Dash) else { return out };
        let Some(edge) = self.edge.filter(|_| track.id == self.title.reference().id) else { return out };
        let at = |n| Ticks { ticks: start(track, n), timescale: track.timescale }.floor_in(1000);
        let (begin, end) = (at(n), at(n + 1));
        // Times of the media: those of the segment go on to the event.
        let media_ms = Ticks { ticks: self.media_time(track, n), timescale: track.timescale }.floor_in(1000);
        let later = |ms: u64| media_ms + ms - begin;
        if live.in_band {
            // In all segments from when it is known until it begins, for who joins.
            let every = live.splices.unwrap_or(0).max(1);
            let ids = begin / (every * 1000)..=(end + AHEAD_MS) / (every * 1000);
            let breaks = ids.filter(|id| *id > 0).map(|id| Break::of(id, every));
            for one in breaks.filter(|one| one.start_ms >= begin && one.start_ms < end + AHEAD_MS) {
                let id = one.id as u32;
                emsg(&mut out, IN_BAND, "", later(one.start_ms), one.length_ms as u32, id, &one.out());
            }
        }
        if live.validity {
            if let Some(run) = self.run(track, n) {
                let next = at(self.first_of_run(track, run + 1));
                if next < end + AHEAD_MS {
                    let published = edge.clock_of(next.saturating_sub(1)).to_string() + "\0";
                    emsg(&mut out, VALIDITY, "1", later(next), u32::MAX, run as u32 + 1, published.as_bytes());
                }
            }
        }
        out
    }

    /// When something of the media is, as playlists date it.
    pub(crate) fn dated(&self, edge: &Edge, media_ms: u64) -> Moment {
        let skew = self.options.live.as_ref().map_or(0, |live| live.unsteady.skew_ms);
        Moment::at(edge.clock_of(media_ms).0.saturating_add_signed(skew))
    }
}

/// An event in thousandths of a second (version 1, ISO/IEC 23009-1, 5.10.3.3).
fn emsg(out: &mut Vec<u8>, scheme: &str, value: &str, time_ms: u64, length_ms: u32, id: u32, message: &[u8]) {
    let size = 32 + scheme.len() + 1 + value.len() + 1 + message.len();
    out.extend((size as u32).to_be_bytes());
    out.extend(b"emsg\x01\0\0\0");
    out.extend(1000_u32.to_be_bytes());
    out.extend(time_ms.to_be_bytes());
    out.extend(length_ms.to_be_bytes());
    out.extend(id.to_be_bytes());
    for text in [scheme, value] {
        out.extend(text.as_bytes());
        out.push(0);
    }
    out.extend(message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    #[test]
    fn an_insert_is_written_as_the_standard_shows_it() {
        // The sample of SCTE 35, 14.2: out, at 0x07369c02e, for 0x00052ccf5, with a descriptor behind the command.
        let sample = "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=";
        let sample = base64::engine::general_purpose::STANDARD.decode(sample).expect("base64");
        assert_eq!(crc(&sample), 0);
        let insert = Insert { id: 0x4800_008f, out: true, pts: 0x0_7369_c02e, length: Some(0x0_0052_ccf5) };
        assert_eq!(insert.command(), sample[14..34]);
        let section = insert.section();
        // But for its length, and what stands behind the command.
        assert_eq!(section[3..34], sample[3..34]);
        assert_eq!((crc(&section), section.len()), (0, usize::from(section[2]) + 3));
    }
}
