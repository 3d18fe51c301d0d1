//! CEA-608 and CEA-708 captions, from the `cc_data` that video carries (ATSC A/53 part 4, 6.2.3;
//! CTA-708-E, 4.3).
//!
//! [`CaptionDecoder`] takes triplets with the presentation time of their picture, in decoding order,
//! and gives cues with their [`CaptionChannel`]. In MPEG-TS the triplets are found by the demultiplexer;
//! in MP4 they are in SEI messages of samples, which [`sei::cc_data`] finds.
//!
//! A caption ends when something replaces it, so cues come out late. [`CaptionDecoder::open`] tells what
//! is on the screen at the end of what was read, for
//! [`CueStore::set_open`](telecine_model::CueStore::set_open).
//!
//! Both standards place captions inside the safe area, which is taken for the inner 80 % of width and
//! height.
//!
//! ```
//! use telecine_container::text::cea::{CaptionChannel, CaptionDecoder};
//! use telecine_model::{Limits, MediaTime};
//!
//! let mut decoder = CaptionDecoder::new(&Limits::default());
//! let at = MediaTime::from_millis;
//! // Roll-up of two rows, "Hi", and a carriage return; field 1 has type 0.
//! for (time, pair) in [(0, [0x14, 0x25]), (33, [b'H', b'i']), (2000, [0x14, 0x2d]), (4000, [0x14, 0x2c])] {
//!     decoder.push(at(time), &[0xfc, pair[0], pair[1]]);
//! }
//! decoder.flush();
//! let (channel, cue) = decoder.poll().expect("the first row, until it moved");
//! assert_eq!((channel, cue.plain_text().as_str()), (CaptionChannel::Cc1, "Hi"));
//! assert_eq!((cue.start, cue.end), (at(33), at(2000)));
//! ```

mod dtvcc;
mod grid;
mod line21;
pub mod sei;

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use telecine_model::cue::{Cue, Percent};
use telecine_model::{Limits, MediaTime, SortedMap};

use self::dtvcc::Dtvcc;
use self::line21::Field;

/// A caption channel, as `INSTREAM-ID` of HLS names it (rfc8216bis, 4.4.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaptionChannel {
    /// CEA-608, field 1, first channel: `CC1`.
    Cc1,
    /// CEA-608, field 1, second channel: `CC2`.
    Cc2,
    /// CEA-608, field 2, first channel: `CC3`.
    Cc3,
    /// CEA-608, field 2, second channel: `CC4`.
    Cc4,
    /// CEA-708, 1 to 63: `SERVICE1` to `SERVICE63`.
    Service(u8),
}

impl fmt::Display for CaptionChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cc1 => f.write_str("CC1"),
            Self::Cc2 => f.write_str("CC2"),
            Self::Cc3 => f.write_str("CC3"),
            Self::Cc4 => f.write_str("CC4"),
            Self::Service(number) => write!(f, "SERVICE{number}"),
        }
    }
}

impl FromStr for CaptionChannel {
    type Err = ();

    /// Reads an `INSTREAM-ID`.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "CC1" => Self::Cc1,
            "CC2" => Self::Cc2,
            "CC3" => Self::Cc3,
            "CC4" => Self::Cc4,
            _ => {
                let number = text.strip_prefix("SERVICE").and_then(|number| number.parse().ok());
                Self::Service(number.filter(|number| (1..=63).contains(number)).ok_or(())?)
            }
        })
    }
}

/// Pictures that are held back to bring captions into the order of presentation: no codec lets more
/// precede a picture that is shown before them (H.264, A.3.1: `max_dec_frame_buffering`).
const REORDERED: usize = 16;

/// Triplets of one picture that are read (CTA-708-E, 4.3: five bits of count).
const TRIPLETS: usize = 31;

/// Decodes all channels of CEA-608 and CEA-708.
///
/// Push what pictures carry, [`flush`](Self::flush) at the end of a segment, poll until None.
///
/// Cues that wait to be taken hold at most [`Limits::cue_nodes`] texts and spans, and are at most
/// [`Limits::cues`]; further ones are lost, and counted by [`lost`](Self::lost).
#[derive(Debug)]
pub struct CaptionDecoder {
    limits: Limits,
    /// Pictures that wait, by presentation time and order of arrival.
    waiting: SortedMap<(MediaTime, u64), Vec<[u8; 3]>>,
    arrived: u64,
    /// Time of the last picture that was decoded.
    now: Option<MediaTime>,
    fields: [Field; 2],
    dtvcc: Dtvcc,
    ready: VecDeque<(CaptionChannel, Cue)>,
    /// Nodes of the cues that are ready.
    nodes: usize,
    lost: u64,
}

impl CaptionDecoder {
    /// A decoder that has seen nothing.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            waiting: SortedMap::new(),
            arrived: 0,
            now: None,
            fields: <[Field; 2]>::default(),
            dtvcc: Dtvcc::default(),
            ready: VecDeque::new(),
            nodes: 0,
            lost: 0,
        }
    }

    /// Takes the `cc_data` triplets of one picture: its presentation time on the timeline that cues shall
    /// have, and three bytes each of `marker_bits`, `cc_valid`, `cc_type` and two data bytes. Pictures may come
    /// in decoding order.
    pub fn push(&mut self, pts: MediaTime, triplets: &[u8]) {
        let (triplets, _) = triplets.as_chunks::<3>();
        if triplets.is_empty() {
            return;
        }
        self.arrived += 1;
        self.waiting.insert((pts, self.arrived), triplets.iter().take(TRIPLETS).copied().collect());
        while self.waiting.len() > REORDERED {
            self.decode_first();
        }
    }

    /// Decodes what waits for its turn: no picture that was not pushed yet is shown before those that
    /// were. True at the end of a segment.
    pub fn flush(&mut self) {
        while !self.waiting.is_empty() {
            self.decode_first();
        }
    }

    /// Ends the captions on the screen: the title ends at `end`.
    pub fn finish(&mut self, end: MediaTime) {
        self.flush();
        let end = self.now.map_or(end, |now| now.max(end));
        self.dtvcc.advance(end);
        for field in &mut self.fields {
            field.finish(end);
        }
        self.dtvcc.finish(end);
        self.gather();
    }

    /// Forgets everything: what is pushed next does not follow what was pushed before (a seek, a
    /// discontinuity).
    pub fn reset(&mut self) {
        *self = Self::new(&self.limits);
    }

    /// The next cue that has ended, and its channel.
    pub fn poll(&mut self) -> Option<(CaptionChannel, Cue)> {
        let (channel, cue) = self.ready.pop_front()?;
        self.nodes = self.nodes.saturating_sub(cue.nodes());
        Some((channel, cue))
    }

    /// How many cues were lost since the last reset, because more waited than the limits allow.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// What is on the screen behind the last picture that was decoded; the ends are open. No more than
    /// the limits allow.
    pub fn open(&self) -> Vec<(CaptionChannel, Cue)> {
        let fields = self.fields.iter().enumerate();
        let line21 =
            fields.flat_map(|(at, field)| field.open().map(move |(channel, cue)| (line21_channel(at, channel), cue)));
        let digital = self.dtvcc.open().map(|(number, cue)| (CaptionChannel::Service(number), cue));
        let mut nodes = 0;
        let fits = |(_, cue): &(CaptionChannel, Cue)| {
            nodes += cue.nodes();
            nodes <= self.limits.cue_nodes
        };
        line21.chain(digital).take_while(fits).take(self.limits.cues).collect()
    }

    fn decode_first(&mut self) {
        let Some(((pts, _), triplets)) = self.waiting.pop_first() else { return };
        // A picture that is late after all is decoded as if it came now: captions are a stream of commands.
        let now = self.now.map_or(pts, |now| now.max(pts));
        self.now = Some(now);
        self.dtvcc.advance(now);
        for [flags, first, second] in triplets {
            let pair = [first, second];
            // `cc_valid`
            if flags & 4 == 0 {
                continue;
            }
            let [field1, field2] = &mut self.fields;
            match flags & 3 {
                0 => field1.take(pair, now),
                1 => field2.take(pair, now),
                2 => self.dtvcc.add(pair, now),
                _ => self.dtvcc.start(pair, now),
            }
        }
        self.gather();
    }

    fn gather(&mut self) {
        let fields = self.fields.iter_mut().enumerate();
        let line21 =
            fields.flat_map(|(at, field)| field.drain().map(move |(channel, cue)| (line21_channel(at, channel), cue)));
        let digital = self.dtvcc.drain().map(|(number, cue)| (CaptionChannel::Service(number), cue));
        for (channel, cue) in line21.chain(digital) {
            let nodes = self.nodes + cue.nodes();
            if nodes > self.limits.cue_nodes || self.ready.len() >= self.limits.cues {
                self.lost += 1;
                continue;
            }
            self.nodes = nodes;
            self.ready.push_back((channel, cue));
        }
    }
}

fn line21_channel(field: usize, channel: usize) -> CaptionChannel {
    match (field, channel) {
        (0, 0) => CaptionChannel::Cc1,
        (0, _) => CaptionChannel::Cc2,
        (_, 0) => CaptionChannel::Cc3,
        _ => CaptionChannel::Cc4,
    }
}

/// Where a column of `columns` begins, in the picture.
fn safe_width(column: usize, columns: usize) -> Percent {
    let inside = Percent::ratio(column as i64 * 80, columns as i64 * 100).unwrap_or_default();
    Percent::whole(10).plus(inside)
}

/// Where a row of `rows` begins, in the picture.
fn safe_height(row: usize, rows: usize) -> Percent {
    safe_width(row, rows)
}
