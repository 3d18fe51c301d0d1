//! One rendition as one file: `init`, `sidx`, fragments; addressed by byte ranges.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::body::Part;
use crate::programme::{fragment, Programme};
use crate::title::Track;

/// Fragments a second-level index covers.
const NESTED: u64 = 4;

/// Where everything lies in the file of one rendition.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The initialisation segment.
    pub(crate) init: Range<u64>,
    /// The first (or only) segment index.
    pub(crate) index: Range<u64>,
    /// Each segment of the range, with its bytes.
    pub(crate) segments: Vec<(u64, Range<u64>)>,
    /// What the file is made of, in order; segments by number.
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of the file.
#[derive(Debug)]
pub(crate) enum Piece {
    Part(Part),
    Segment(u64),
}

/// One line of a segment index.
struct Reference {
    size: u64,
    duration: u64,
    /// Whether it points to another index instead of to media.
    nested: bool,
}

/// Lays out the segments of a rendition in one file.
pub(crate) fn layout(programme: &Programme<'_>, track: &Arc<Track>, segments: Range<u64>) -> Layout {
    let media =
        |n: u64| Reference { size: fragment(track, n).size(), duration: spacing(programme, track, n), nested: false };
    let index_of = |range: &Range<u64>, references: Vec<Reference>| {
        let lead = fragment(track, range.start).lead;
        sidx(track.timescale, programme.media_time(track, range.start).saturating_add_signed(lead), &references)
    };
    let streams = programme.options.packaging.is_some();
    let init = programme.stored_init(track);
    let init_length = if streams { 0 } else { init.len() };
    let mut pieces = if streams { Vec::new() } else { vec![Piece::Part(init)] };
    let index_length;
    if programme.seals() || streams {
        // An index of what nobody can read helps nobody.
        index_length = 0;
        pieces.extend(segments.map(Piece::Segment));
    } else if programme.options.nested_index {
        let groups = segments.clone().step_by(NESTED as usize).map(|at| at..(at + NESTED).min(segments.end));
        let groups: Vec<_> = groups.map(|g| (index_of(&g, g.clone().map(media).collect()), g)).collect();
        let references = groups.iter().map(|(index, group)| Reference {
            size: index.len() as u64 + group.clone().map(|n| media(n).size).sum::<u64>(),
            duration: group.clone().map(|n| media(n).duration).sum(),
            nested: true,
        });
        let top = index_of(&segments, references.collect());
        index_length = top.len() as u64;
        pieces.push(Piece::Part(Part::Bytes(top)));
        for (index, group) in groups {
            pieces.push(Piece::Part(Part::Bytes(index)));
            pieces.extend(group.map(Piece::Segment));
        }
    } else {
        let index = index_of(&segments, segments.clone().map(media).collect());
        index_length = index.len() as u64;
        pieces.push(Piece::Part(Part::Bytes(index)));
        pieces.extend(segments.map(Piece::Segment));
    }
    let init = 0..init_length;
    let mut at = 0;
    let mut segments = Vec::new();
    for piece in &pieces {
        let length = match piece {
            Piece::Part(part) => part.len(),
            Piece::Segment(n) => programme.stored(track, *n).len(),
        };
        if let Piece::Segment(n) = piece {
            segments.push((*n, at..at + length));
        }
        at += length;
    }
    Layout { index: init.end..init.end + index_length, init, segments, pieces }
}

/// Ticks from the start of a segment to the start of the next: its duration, and a gap before the next repetition.
fn spacing(programme: &Programme<'_>, track: &Track, n: u64) -> u64 {
    let next = if n + 1 < programme.segments(track) { crate::programme::start(track, n + 1) } else { 0 };
    next.checked_sub(crate::programme::start(track, n)).unwrap_or(fragment(track, n).duration)
}

/// The file as parts of a body, with `segment` making each segment.
pub(crate) fn parts(layout: Layout, mut segment: impl FnMut(u64) -> Part) -> Vec<Part> {
    let piece = |piece| match piece {
        Piece::Part(part) => part,
        Piece::Segment(n) => segment(n),
    };
    layout.pieces.into_iter().map(piece).collect()
}

/// A segment index (ISO/IEC 14496-12, 8.16.3), version 1, directly before what it references.
fn sidx(timescale: u32, earliest: u64, references: &[Reference]) -> Bytes {
    let size = 40 + 12 * references.len();
    let mut out = BytesMut::with_capacity(size);
    out.put_u32(size as u32);
    out.put_slice(b"sidx");
    out.put_u32(1 << 24);
    out.put_u32(1); // reference_ID: the only track
    out.put_u32(timescale);
    out.put_u64(earliest);
    out.put_u64(0); // first_offset
    out.put_u16(0);
    out.put_u16(references.len() as u16);
    for reference in references {
        // reference_type and a size of 31 bits.
        out.put_u32(u32::from(reference.nested) << 31 | (reference.size & 0x7fff_ffff) as u32);
        out.put_u32(reference.duration as u32);
        // starts_with_SAP, SAP_type 1.
        out.put_u32(0x9000_0000);
    }
    out.freeze()
}
