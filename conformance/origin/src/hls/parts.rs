//! What low latency adds to a media playlist: parts, hints, reports, and updates that leave out what is known
//! (rfc8216bis, 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.2 to 4.4.5.4).

use std::fmt::{self, Display, Write as _};
use std::ops::Range;
use std::sync::Arc;

use super::{seconds, target, Media};
use crate::live::{Edge, Live, Skips, NEVER};
use crate::programme::{fragment, start, Programme};
use crate::title::{Ticks, Track};

/// Parts are named as long as they lie within so many target durations of the end.
const TARGETS_OF_PARTS: u64 = 3;
/// Segments further from the end than so many target durations may be left out.
const TARGETS_OF_SKIP: u64 = 6;
/// How far from the end to play, in target durations.
const HOLD_BACK: u64 = 3;

/// The version that what a playlist may say belongs to (rfc8216bis, 8).
pub(super) fn version(live: Option<&Live>) -> u64 {
    match live.map(Live::skips) {
        None | Some(Skips::None) => 7,
        Some(Skips::Segments) => 9,
        Some(Skips::DateRanges) => 10,
    }
}

/// `EXT-X-SERVER-CONTROL` and `EXT-X-PART-INF`, as far as there is something to be said.
pub(super) fn controls(live: &Live, target: u64) -> String {
    let mut control = Vec::new();
    if live.blocks() {
        control.push("CAN-BLOCK-RELOAD=YES".to_owned());
    }
    if live.skips() != Skips::None {
        control.push(format!("CAN-SKIP-UNTIL={}.0", TARGETS_OF_SKIP * target));
    }
    if live.skips() == Skips::DateRanges {
        control.push("CAN-SKIP-DATERANGES=YES".to_owned());
    }
    let hold_back = live.delay.or(live.parts.map(|_| HOLD_BACK * target));
    control.extend(hold_back.map(|seconds| format!("HOLD-BACK={seconds}.0")));
    let ms = |ms| seconds(Ticks { ticks: ms, timescale: 1000 }, 1000);
    control.extend(live.parts.map(|part| format!("PART-HOLD-BACK={}", ms(HOLD_BACK * part))));
    let mut out = String::new();
    if !control.is_empty() {
        let _ = writeln!(out, "#EXT-X-SERVER-CONTROL:{}", control.join(","));
    }
    if let Some(part) = live.parts {
        let _ = writeln!(out, "#EXT-X-PART-INF:PART-TARGET={}", ms(part));
    }
    out
}

/// The parts of one rendition.
pub(super) struct Parts<'a> {
    programme: &'a Programme<'a>,
    track: &'a Arc<Track>,
    edge: Edge,
    files: bool,
    /// The segment that is being made, and how many of its parts are there.
    growing: (u64, usize),
    /// The end of what is named, in ticks.
    end: u64,
}

impl<'a> Parts<'a> {
    /// None where segments do not come in parts.
    pub(super) fn of(programme: &'a Programme<'a>, track: &'a Arc<Track>) -> Option<Self> {
        let live = programme.options.live.as_ref()?;
        let edge = programme.edge.filter(|_| live.parts.is_some())?;
        let segment = edge.ended(track);
        let growing = (segment, edge.pieces_there(track, segment));
        let part = growing.1.checked_sub(1).and_then(|last| edge.pieces(track, segment).get(last).copied());
        let end = start(track, segment) + part.map_or(0, |part| part.end());
        Some(Self { programme, track, edge, files: live.part_files, growing, end })
    }

    /// The segment that is being made, if some of it is there.
    pub(super) fn growing(&self) -> Option<u64> {
        (self.growing.1 > 0).then_some(self.growing.0)
    }

    /// Whether the parts of a segment are named.
    fn named(&self, n: u64) -> bool {
        let back = TARGETS_OF_PARTS * target(self.track) * u64::from(self.track.timescale);
        start(self.track, n) + fragment(self.track, n).duration > self.end.saturating_sub(back)
    }

    /// Where the parts of a segment lie in it; nothing where they are files.
    fn ranges(&self, n: u64) -> Vec<Range<u64>> {
        if self.files {
            return Vec::new();
        }
        self.programme.piece_ranges(self.track, n)
    }

    /// The address of a part: of a file of its own, or of its segment.
    fn uri(&self, n: u64, k: usize) -> impl Display + '_ {
        let number = self.programme.number(self.track, n);
        fmt::from_fn(move |f| match self.files {
            true => write!(f, "{}/{number}.{k}.m4s", self.track.id),
            false => write!(f, "{}/{number}.m4s", self.track.id),
        })
    }

    /// The parts of a segment, in front of it or, while it grows, of nothing.
    pub(super) fn write(&self, playlist: &mut Media, n: u64) {
        if !self.named(n) {
            return;
        }
        let there = if n == self.growing.0 { self.growing.1 } else { usize::MAX };
        let parts = self.edge.pieces(self.track, n);
        let ranges = self.ranges(n);
        for (k, part) in parts.iter().enumerate().take(there) {
            let duration = seconds(Ticks { ticks: part.duration, timescale: self.track.timescale }, 1_000_000);
            let out = &mut playlist.out;
            let _ = write!(out, "#EXT-X-PART:DURATION={duration},URI=\"{}\"", self.uri(n, k));
            if let Some(r) = ranges.get(k) {
                let _ = write!(out, ",BYTERANGE=\"{}@{}\"", r.end - r.start, r.start);
            }
            if part.independent {
                out.push_str(",INDEPENDENT=YES");
            }
            if self.programme.is_gap(n) {
                out.push_str(",GAP=YES");
            }
            out.push('\n');
        }
    }

    /// What comes next, and how far the other renditions are.
    pub(super) fn announce(&self, playlist: &mut Media) {
        let (n, k) = self.growing;
        // The programme may end before.
        if !self.edge.over && self.edge.due(self.track, n) != NEVER {
            let uri = self.uri(n, k);
            let from = self.ranges(n).get(k).map(|r| format!(",BYTERANGE-START={}", r.start)).unwrap_or_default();
            playlist.tag(&format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\"{from}"));
        }
        reports(playlist, self.programme, &self.track.id);
    }
}

/// How far the other renditions are.
pub(super) fn reports(playlist: &mut Media, programme: &Programme<'_>, id: &str) {
    let parts = programme.options.live.as_ref().is_some_and(|live| live.parts.is_some());
    let Some(edge) = programme.edge.filter(|_| parts) else { return };
    let mut report = |id: &str, msn: u64, part: &str| {
        playlist.tag(&format!("#EXT-X-RENDITION-REPORT:URI=\"{id}.m3u8\",LAST-MSN={msn}{part}"));
    };
    for track in programme.title.tracks.iter().filter(|track| track.id != id) {
        let ended = edge.ended(track);
        let there = edge.pieces_there(track, ended);
        let last = match there.checked_sub(1) {
            Some(part) => Some((ended, part)),
            None => ended.checked_sub(1).map(|n| (n, edge.pieces(track, n).len().saturating_sub(1))),
        };
        if let Some((n, part)) = last {
            report(&track.id, programme.number(track, n), &format!(",LAST-PART={part}"));
        }
    }
    for text in programme.texts().iter().filter(|text| text.id != id) {
        let reference = programme.title.reference();
        if let Some(n) = edge.ended(reference).checked_sub(1) {
            report(&text.id, programme.number(reference, n), "");
        }
    }
}

/// How far from the end a playlist may leave something out, in milliseconds.
pub(super) fn skip_ms(track: &Track) -> u64 {
    TARGETS_OF_SKIP * target(track) * 1000
}

/// How many segments from `first` on a playlist leaves out, if it may and somebody asks for it.
pub(super) fn skipped(programme: &Programme<'_>, track: &Track, first: u64, end: u64) -> u64 {
    let Some(live) = programme.options.live.as_ref() else { return 0 };
    let over = programme.edge.is_none_or(|edge| edge.over);
    if over || programme.skip == Skips::None || live.skips() == Skips::None {
        return 0;
    }
    let boundary = end.saturating_sub(TARGETS_OF_SKIP * target(track) * u64::from(track.timescale));
    (first..).take_while(|n| start(track, *n) + fragment(track, *n).duration <= boundary).count() as u64
}

impl Parts<'_> {
    /// The end of what is named, in ticks of the rendition.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}
