//! AC-3 and E-AC-3 (ATSC A/52:2018) by oxideav-ac3.

use oxideav_ac3::decoder::{make_decoder, verify_packet_crc};
use oxideav_ac3::eac3::{decode_eac3_packet, Eac3DecoderState};
use oxideav_core::{CodecId, CodecParameters, Frame, Packet, TimeBase};
use telecine_container::TrackInfo;

use super::decoder::{Codec, Layout};

/// From this bit stream identification on a frame is E-AC-3 (A/52, E.2.3.1.6).
const ENHANCED: u8 = 11;

/// Rates of `fscod` (A/52, 5.4.1.3) up to bit stream identification 8.
const RATES: [u32; 3] = [48_000, 44_100, 32_000];

pub(super) fn is_dolby(info: &TrackInfo) -> bool {
    let codec = info.codec.to_string().to_ascii_lowercase();
    matches!(codec.as_str(), "ac-3" | "ec-3" | "mp4a.a5" | "mp4a.a6")
}

pub(super) fn make() -> Box<dyn Codec> {
    Box::new(Dolby::default())
}

/// Both: streams change from one to the other.
#[derive(Default)]
struct Dolby {
    /// Made when the first frame of AC-3 comes.
    base: Option<Box<dyn oxideav_core::Decoder>>,
    enhanced: Eac3DecoderState,
}

impl Codec for Dolby {
    fn decode(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout> {
        let start = pcm.len();
        let decoded = self.decode_unit(data, pcm);
        if decoded.is_none() {
            pcm.truncate(start);
        }
        decoded
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Dolby {
    /// A unit is one frame of AC-3, or as many of E-AC-3 as bring six blocks, with all that depends on them and other
    /// programmes beside them (ETSI TS 102 366, F.6).
    fn decode_unit(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout> {
        let mut layout: Option<Layout> = None;
        let mut rest = data;
        while !rest.is_empty() {
            let frame = SyncFrame::at_start(rest)?;
            let Some(rate) = frame.base_rate else {
                let (group, after) = programme(rest)?;
                rest = after;
                // Programmes beside the first one are other languages, or descriptions.
                if group.is_empty() {
                    continue;
                }
                join(&mut layout, self.decode_enhanced(group, pcm)?)?;
                continue;
            };
            let (own, after) = rest.split_at_checked(frame.size)?;
            rest = after;
            join(&mut layout, self.decode_base(own, rate, pcm)?)?;
        }
        layout
    }

    fn decode_base(&mut self, data: &[u8], sample_rate: u32, pcm: &mut Vec<f32>) -> Option<Layout> {
        let decoder = match &mut self.base {
            Some(decoder) => decoder,
            none => none.insert(make_decoder(&CodecParameters::audio(CodecId::new("ac3"))).ok()?),
        };
        let packet = Packet::new(0, TimeBase::new(1, i64::from(sample_rate)), data.to_vec());
        decoder.send_packet(&packet).ok()?;
        let Ok(Frame::Audio(sound)) = decoder.receive_frame() else {
            return None;
        };
        // 16 bits, interleaved, in the order of speakers that WAV files have.
        let bytes = sound.data.first()?;
        pcm.extend(bytes.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0));
        let channels = (bytes.len() / 2).checked_div(sound.samples as usize)?;
        Some(Layout { sample_rate, channels })
    }

    /// Decodes an independent frame with those that depend on it.
    fn decode_enhanced(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout> {
        let silent = self.enhanced.frames_zero_filled;
        let frame = decode_eac3_packet(&mut self.enhanced, data).ok()?;
        // It plays silence in place of what it does not understand.
        if self.enhanced.frames_zero_filled != silent {
            return None;
        }
        let channels = usize::from(frame.channels);
        let order = speakers(frame.acmod, frame.lfeon, channels);
        for interleaved in self.enhanced.indep_pcm_f32().chunks_exact(channels.max(1)) {
            pcm.extend(order.iter().map(|from| interleaved.get(*from).copied().unwrap_or(0.0)));
        }
        Some(Layout { sample_rate: frame.sample_rate, channels })
    }
}

/// The frames of a unit have one layout. None if this one has another.
fn join(layout: &mut Option<Layout>, own: Layout) -> Option<()> {
    let first = *layout.get_or_insert(own);
    (first == own).then_some(())
}

/// A frame whose checksums hold.
struct SyncFrame {
    size: usize,
    /// Samples a second of AC-3; None for E-AC-3.
    base_rate: Option<u32>,
    /// Of E-AC-3: depends on the independent frame before it.
    is_dependent: bool,
    /// Of E-AC-3: which programme, or which part of one.
    substream: u8,
}

impl SyncFrame {
    fn at_start(data: &[u8]) -> Option<Self> {
        // The decoder takes whatever bits there are for sound; the checksums know better (A/52, 7.10.1).
        let sums = verify_packet_crc(data).ok()?;
        if [sums.crc1_ok, sums.crc2_ok].contains(&Some(false)) {
            return None;
        }
        let &[_, _, second, third, rate, identification, ..] = data else {
            return None;
        };
        let identification = identification >> 3;
        if identification < ENHANCED {
            // 9 and 10 are half and a quarter of the rate.
            let sample_rate = *RATES.get(usize::from(rate >> 6))? >> identification.saturating_sub(8);
            // The container's frames of AC-3 come one by one, padded or not.
            return Some(Self { size: data.len(), base_rate: Some(sample_rate), is_dependent: false, substream: 0 });
        }
        // `strmtyp`, `substreamid` and `frmsiz` (A/52, E.2.3.1.1 to E.2.3.1.3); type 2 is AC-3 in another dress.
        let size = (usize::from(second & 7) << 8 | usize::from(third)) * 2 + 2;
        Some(Self { size, base_rate: None, is_dependent: second >> 6 == 1, substream: second >> 3 & 7 })
    }
}

/// The frames at the start that are one programme for as long as the first of them lasts, and what is behind them. The
/// frames are empty if that is not the first programme.
fn programme(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = SyncFrame::at_start(data).filter(|frame| !frame.is_dependent)?;
    let mut size = first.size;
    while let Some(rest) = data.get(size..).filter(|rest| !rest.is_empty()) {
        let next = SyncFrame::at_start(rest)?;
        if !next.is_dependent {
            break;
        }
        size += next.size;
    }
    let (own, after) = data.split_at_checked(size)?;
    Some((if first.substream == 0 { own } else { &[] }, after))
}

/// For each speaker in the order of WAV files (left, right, centre, low, then the others) where a frame has it.
///
/// A frame has the centre between left and right, and the low frequencies behind all others (A/52, table 5.8). What
/// dependent frames add stays behind.
fn speakers(acmod: u8, has_low: bool, channels: usize) -> Vec<usize> {
    let full: usize = match acmod {
        1 => 1,
        3 | 4 => 3,
        5 | 6 => 4,
        7 => 5,
        // 0: two programmes in one, 2: stereo.
        _ => 2,
    };
    let mut order: Vec<usize> = (0..full).collect();
    if matches!(acmod, 3 | 5 | 7) {
        order.swap(1, 2);
    }
    if has_low {
        let behind_centre = if matches!(acmod, 3 | 5 | 7) { 3 } else { full.min(2) };
        order.insert(behind_centre, full);
    }
    order.extend(order.len()..channels);
    order.truncate(channels);
    order
}
