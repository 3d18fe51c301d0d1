//! Playlists that are held until they have what was asked for, and those that leave out what is known (rfc8216bis,
//! 6.2.5): what a player may ask for in the query, and when the answer is due.

use crate::live::{Edge, Skips, NEVER};
use crate::programme::Programme;
use crate::request::Request;
use crate::title::Track;

/// The delivery directives of a request for a media playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directives {
    /// `_HLS_msn` and `_HLS_part`.
    wanted: Option<(u64, Option<u64>)>,
    /// `_HLS_skip`.
    pub(crate) skip: Skips,
}

impl Directives {
    /// Reads those of a request.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(request: &Request<'_>) -> Result<Self, &'static str> {
        let number = |name| match request.parameter(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err("_HLS_msn and _HLS_part are decimal integers"),
        };
        let wanted = match (number("_HLS_msn")?, number("_HLS_part")?) {
            (Some(msn), part) => Some((msn, part)),
            (None, None) => None,
            (None, Some(_)) => return Err("_HLS_part goes with _HLS_msn"),
        };
        let skip = match request.parameter("_HLS_skip") {
            None => Skips::None,
            Some("YES") => Skips::Segments,
            Some("v2") => Skips::DateRanges,
            Some(_) => return Err("_HLS_skip is YES or v2"),
        };
        Ok(Self { wanted, skip })
    }

    /// The same where there are no parts.
    pub(crate) fn of_segments(self) -> Self {
        Self { wanted: self.wanted.map(|(msn, _)| (msn, None)), ..self }
    }

    /// Whether there is something to wait for.
    pub(crate) fn wait(&self) -> bool {
        self.wanted.is_some()
    }
}

/// When a playlist is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// At once.
    Now,
    /// So many milliseconds after the start of the programme.
    At(u64),
    /// Not at all: it lies too far ahead (400).
    Beyond,
}

/// When the playlist of a rendition has what directives ask for.
pub(crate) fn due(programme: &Programme<'_>, edge: &Edge, track: &Track, directives: &Directives) -> Due {
    let Some((msn, part)) = directives.wanted else { return Due::Now };
    // What lies in front of the first of all has been there always.
    let Some(n) = msn.checked_sub(programme.number(track, 0)) else { return Due::Now };
    // With the end of the programme directives are ignored.
    if edge.over {
        return Due::Now;
    }
    let ended = edge.ended(track);
    // No more than two behind the last.
    if n > ended.saturating_add(1) {
        return Due::Beyond;
    }
    let at = match part.zip(edge.piece_ms) {
        _ if n < ended && part.is_none() => return Due::Now,
        None => edge.due(track, n),
        Some((part, target)) => {
            let pieces = edge.pieces(track, n).len() as u64;
            // A part behind the last of its segment is the first of the next.
            let (segment, index) = if part >= pieces { (n + 1, 0) } else { (n, part) };
            let there = edge.pieces_there(track, ended) as u64;
            let ahead = match n.checked_sub(ended) {
                None => 0,
                Some(0) => (part + 1).saturating_sub(there),
                Some(_) => (edge.pieces(track, ended).len() as u64 - there).saturating_add(part).saturating_add(1),
            };
            // Three seconds of parts, where they are shorter than one, else three parts.
            if ahead > 3 && (target >= 1000 || ahead.saturating_mul(target) > 3000) {
                return Due::Beyond;
            }
            if segment < ended || (segment == ended && index < there) {
                return Due::Now;
            }
            match edge.pieces(track, segment).get(index as usize) {
                Some(piece) => edge.piece_due(track, segment, piece.end()),
                None => NEVER,
            }
        }
    };
    // What never comes is answered when the programme ends.
    let at = if at == NEVER { edge.stop_ms.unwrap_or(NEVER) } else { at };
    if at <= edge.elapsed_ms {
        Due::Now
    } else {
        Due::At(at)
    }
}
