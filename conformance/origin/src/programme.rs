//! A title stretched to the length a URL asks for: which segment lies where, exactly.
//!
//! Segment `n` of a rendition is its segment `n mod k` (of `k`), moved by whole repetitions. The title is cut at the
//! boundaries of the reference rendition; another rendition has the segments whose middle lies before the cut.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::Part;
use crate::live::{Edge, Moment, Skips};
use crate::options::{Format, Options};
use crate::protect::{KeyName, Scheme};
use crate::stream;
use crate::title::chunk::{self, Chunk, Produced};
use crate::title::{Cue, Fragment, Text, Ticks, Tiles, Title, Track};

/// The shortest WebVTT segment of HLS.
const TEXT_SEGMENT_SECONDS: u64 = 6;

/// Numbers of movie fragments that a segment in pieces has to itself.
const PIECES: u64 = 256;

/// A title, stretched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Programme<'a> {
    pub(crate) title: &'a Title,
    pub(crate) options: &'a Options,
    /// What the title is called in URLs.
    pub(crate) asset: &'a str,
    /// Segments of the reference rendition.
    count: u64,
    pub(crate) format: Format,
    /// What a playlist leaves out because it is known.
    pub(crate) skip: Skips,
    /// How far it is, if it goes on.
    pub(crate) edge: Option<Edge>,
}

/// The number of a piece of a segment as a movie fragment: they grow from piece to piece and from segment to segment, and
/// wrap like any 32-bit counter.
fn piece_number(n: u64, k: usize) -> u32 {
    n.wrapping_mul(PIECES).wrapping_add(k as u64 + 1) as u32
}

impl<'a> Programme<'a> {
    pub(crate) fn new(title: &'a Title, asset: &'a str, options: &'a Options, format: Format) -> Self {
        let reference = title.reference();
        let per_period = reference.fragments.len() as u64;
        let count = match options.seconds {
            None => per_period,
            Some(seconds) => {
                let asked = seconds * u64::from(reference.timescale);
                let rest = asked % reference.period;
                let whole = |f: &&Fragment| f.decode_time - reference.fragments[0].decode_time + f.duration <= rest;
                asked / reference.period * per_period + reference.fragments.iter().take_while(whole).count() as u64
            }
        };
        Self { title, options, asset, count: count.max(1), format, skip: Skips::None, edge: None }
    }

    /// The same as it goes on, as far as it is.
    pub(crate) fn live(self, edge: Edge) -> Self {
        Self { count: edge.ended(self.title.reference()), edge: Some(edge), ..self }
    }

    /// The same for somebody who knows what can be skipped.
    pub(crate) fn without(self, skip: Skips) -> Self {
        Self { skip, ..self }
    }

    /// Segments of the reference rendition: the segments the title is counted in.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// How long the programme is.
    pub(crate) fn length(&self) -> Ticks {
        self.boundary(self.count)
    }

    /// When reference segment `n` starts; at the end of the programme, when it ends.
    pub(crate) fn boundary(&self, n: u64) -> Ticks {
        let reference = self.title.reference();
        let last = self.count.saturating_sub(1);
        // What goes on has no last one that a boundary could not lie behind.
        let ticks = if n <= last || self.edge.is_some() {
            start(reference, n)
        } else {
            start(reference, last) + fragment(reference, last).duration
        };
        Ticks { ticks, timescale: reference.timescale }
    }

    /// The first segment of a rendition whose middle lies at or after the start of reference segment `n`.
    pub(crate) fn first_from(&self, track: &Track, n: u64) -> u64 {
        let time = self.boundary(n);
        let per_period = track.fragments.len() as u64;
        let periods = time.floor_in(track.timescale) / track.period;
        let before = |k: &u64| {
            let middle = 2 * start(track, *k) + fragment(track, *k).duration;
            let twice = Ticks { ticks: 2 * time.ticks, ..time };
            Ticks { ticks: middle, timescale: track.timescale }.compare(twice) == Ordering::Less
        };
        let from = periods.saturating_sub(1) * per_period;
        from + (from..from + 3 * per_period).take_while(before).count() as u64
    }

    /// Number of segments of a rendition; of one that goes on, of those that manifests name.
    pub(crate) fn segments(&self, track: &Track) -> u64 {
        match self.edge {
            Some(edge) => edge.named(track),
            None => self.first_from(track, self.count),
        }
    }

    /// The first segment of a rendition that manifests name.
    pub(crate) fn first_segment(&self, track: &Track) -> u64 {
        // Where numbers are counted anew what was before is forgotten.
        self.edge.map_or(0, |edge| edge.first(track).max(self.counted_from(track)))
    }

    /// Whether a segment of a rendition can be asked for: it is there, or its first pieces are.
    pub(crate) fn has_segment(&self, track: &Track, n: u64) -> bool {
        let Some(edge) = self.edge else { return n < self.segments(track) };
        n >= edge.served_from(track)
            && (n < edge.named(track) || self.format == Format::Dash && edge.is_announced(track, n))
    }

    /// What a segment lasts by and large: as long as one of the reference rendition, when there are as many.
    pub(crate) fn nominal(&self, track: &Track) -> u64 {
        let reference = self.title.reference();
        let count = track.fragments.len() as u64;
        if count == reference.fragments.len() as u64 {
            return Ticks { ticks: reference.period / count, timescale: reference.timescale }.floor_in(track.timescale);
        }
        track.period / count
    }

    /// The number of a segment in URLs and playlists.
    pub(crate) fn number(&self, track: &Track, n: u64) -> u64 {
        self.options.first_number + n - self.counted_from(track).min(n)
    }

    /// The segment with a number.
    pub(crate) fn numbered(&self, track: &Track, number: u64) -> Option<u64> {
        let n = number.checked_sub(self.options.first_number)?;
        let now = n.saturating_add(self.counted_from(track));
        // A number that is counted anew may be one from before.
        let before =
            self.counts_anew(track).and_then(|run| run.checked_sub(1)).map(|run| self.first_of_run(track, run));
        match before {
            Some(before) if now >= self.segments(track) => Some(n.saturating_add(before)),
            _ => Some(now),
        }
    }

    /// The run that is being made, where numbers are counted anew in each.
    fn counts_anew(&self, track: &Track) -> Option<u64> {
        self.options.live.as_ref().filter(|live| live.renumbers)?;
        self.run(track, self.segments(track).saturating_sub(1))
    }

    /// The segment that numbers are counted from.
    fn counted_from(&self, track: &Track) -> u64 {
        self.counts_anew(track).map_or(0, |run| self.first_of_run(track, run))
    }

    /// Whether the segment is there at all.
    pub(crate) fn is_gap(&self, n: u64) -> bool {
        self.options.gaps.contains(&n)
    }

    /// Decode time of a segment in its media file: where it lies, after `pto_` and `disc_`.
    pub(crate) fn media_time(&self, track: &Track, n: u64) -> u64 {
        let time = track.fragments[0].decode_time + self.media_start(track.timescale) + start(track, n);
        match self.run(track, n).map(|run| self.shift(run)) {
            None => time,
            Some((before, behind)) => time - before.floor_in(track.timescale) + behind.floor_in(track.timescale),
        }
    }

    /// Media time of the start of the programme, in a timescale.
    pub(crate) fn media_start(&self, timescale: u32) -> u64 {
        Ticks { ticks: self.options.media_start, timescale: 90_000 }.floor_in(timescale)
    }

    /// The segment of a rendition that starts at this media time of DASH, in a period where times come again.
    pub(crate) fn at_media_time(&self, track: &Track, time: u64, period: Option<u64>) -> Option<u64> {
        if period.is_some() != self.repeats_times() {
            return None;
        }
        let (before, behind) = period.map_or((0, 0), |run| {
            let (before, behind) = self.shift(run);
            (before.floor_in(track.timescale), behind.floor_in(track.timescale))
        });
        let base = track.fragments[0].decode_time;
        let time = time.checked_sub(base)?.checked_sub(self.media_start(track.timescale))?;
        let time = time.checked_add(before)?.checked_sub(behind)?;
        let (periods, rest) = (time / track.period, time % track.period);
        let n = track.fragments.binary_search_by_key(&rest, |f| f.decode_time - base).ok()? as u64;
        let n = periods * track.fragments.len() as u64 + n;
        (period.is_none() || self.run(track, n) == period).then_some(n)
    }

    /// One segment, to be made when it is sent.
    pub(crate) fn part(&self, track: &Arc<Track>, n: u64) -> Part {
        // The number of a movie fragment wraps like any 32-bit counter.
        let (time, sequence) = (self.media_time(track, n), (n + 1) as u32);
        let events = self.events(track, n);
        match self.edge.filter(|edge| edge.piece_ms.is_some()) {
            None if events.is_empty() => Part::Segment { fragment: fragment(track, n).clone(), time, sequence },
            None => {
                let [moof, mdat] = fragment(track, n).at(time, sequence);
                Part::Chunks([Bytes::from(events), moof, mdat].into())
            }
            Some(edge) => {
                let pieces = edge.pieces(track, n);
                if events.is_empty() && !self.tells_when() {
                    return Part::Chunks(chunk::written(fragment(track, n), &pieces, time, piece_number(n, 0)));
                }
                Part::Chunks(pieces.iter().enumerate().flat_map(|(k, piece)| self.piece(track, n, k, piece)).collect())
            }
        }
    }

    /// One piece of a segment that comes in several.
    pub(crate) fn piece(&self, track: &Arc<Track>, n: u64, k: usize, piece: &Chunk) -> [Bytes; 2] {
        let sequence = piece_number(n, k);
        let made = self
            .edge
            .filter(|_| self.tells_when())
            .map(|edge| Produced { unix_ms: edge.made(track, n, piece.start).0 });
        // That the title can be divided was asked before.
        let [head, data] =
            chunk::write(fragment(track, n), piece, self.media_time(track, n), sequence, made).unwrap_or_default();
        let events = if k == 0 { self.events(track, n) } else { Vec::new() };
        [if events.is_empty() { head } else { Bytes::from([&events[..], &head[..]].concat()) }, data]
    }

    /// Whether each piece says when it was made.
    fn tells_when(&self) -> bool {
        self.options.live.as_ref().is_some_and(|live| live.produced)
    }

    /// The bytes of the pieces of a segment within it.
    pub(crate) fn piece_ranges(&self, track: &Arc<Track>, n: u64) -> Vec<Range<u64>> {
        let Some(edge) = self.edge else { return Vec::new() };
        let mut at = 0;
        let told = if self.tells_when() { chunk::PRFT_SIZE } else { 0 };
        let range = |(k, piece): (usize, &Chunk)| {
            let events = if k == 0 { self.events(track, n).len() as u64 } else { 0 };
            let length = piece.size + told + events;
            at += length;
            at - length..at
        };
        edge.pieces(track, n).iter().enumerate().map(range).collect()
    }

    /// The same as it is stored: sealed where whole segments are.
    pub(crate) fn stored(&self, track: &Arc<Track>, n: u64) -> Part {
        let part = match self.options.packaging {
            None => self.part(track, n),
            // What cannot be packaged so is empty.
            Some(packaging) => Part::Bytes(stream::segment(self, packaging, track, n).unwrap_or_default()),
        };
        self.sealed(track, n, part)
    }

    /// The extension of segments.
    pub(crate) fn extension(&self, track: &Track) -> &'static str {
        self.options.packaging.map_or("m4s", |packaging| packaging.extension(track))
    }

    /// The extension of a rendition in one file.
    pub(crate) fn file_extension(&self, track: &Track) -> &'static str {
        self.options.packaging.map_or("mp4", |packaging| packaging.extension(track))
    }

    /// The reference segments that begin with segment `n` of a rendition and end with it: where the rendition has the
    /// boundaries of the reference, one.
    pub(crate) fn reference_of(&self, track: &Track, n: u64) -> Range<u64> {
        let reference = self.title.reference();
        if track.fragments.len() == reference.fragments.len() {
            return n..(n + 1).min(self.count);
        }
        let at = |n: u64| {
            let time = Ticks { ticks: start(track, n), timescale: track.timescale };
            (0..self.count).take_while(|k| self.boundary(*k).compare(time) == Ordering::Less).count() as u64
        };
        at(n)..at(n + 1)
    }

    /// How much later media times lie than in fragments, in ticks of 90 kHz.
    fn later(&self) -> u64 {
        if self.options.packaging.is_some() {
            stream::LATER
        } else {
            0
        }
    }

    /// The initialisation segment as it is stored.
    pub(crate) fn stored_init(&self, track: &Track) -> Part {
        let init = Part::Bytes(track.init.clone());
        match self.init_key(track) {
            Some(key) => Part::Sealed { part: Box::new(init), key: key.key(), iv: key.iv() },
            None => init,
        }
    }

    /// The key of a segment, if it has one.
    pub(crate) fn key(&self, track: &Track, n: u64) -> Option<KeyName> {
        self.options.protection.key_of(self.title, track, n)
    }

    /// Whether segments are encrypted whole.
    pub(crate) fn seals(&self) -> bool {
        self.options.protection.scheme == Some(Scheme::Aes128)
    }

    /// The key of the initialisation segment of a rendition, where segments are encrypted whole: the first of its keys,
    /// whichever is that of the segments behind it, since one address has the same bytes for everybody. It is clear where
    /// that key does not come at once, and where no vector is told, as it has no number to take one from (RFC 8216, 4.3.2.5).
    pub(crate) fn init_key(&self, track: &Track) -> Option<KeyName> {
        let sealed = self.seals() && !self.options.protection.implicit_iv && self.options.packaging.is_none();
        self.key(track, 0).filter(|_| sealed)
    }

    /// Whether there are playlists of key pictures: a part of what is encrypted whole can be read by nobody.
    pub(crate) fn has_iframes(&self) -> bool {
        self.edge.is_none() && !self.seals() && self.options.packaging.is_none()
    }

    fn sealed(&self, track: &Track, n: u64, part: Part) -> Part {
        let Some(key) = self.key(track, n).filter(|_| self.seals()) else {
            return part;
        };
        let sequence = u128::from(self.number(track, n));
        let iv = if self.options.protection.implicit_iv { sequence.to_be_bytes() } else { key.iv() };
        Part::Sealed { part: Box::new(part), key: key.key(), iv }
    }

    /// Whether the segment is the first after a discontinuity, and not the first of all.
    pub(crate) fn is_discontinuity(&self, track: &Track, n: u64) -> bool {
        n > 0 && self.run(track, n) != self.run(track, n - 1)
    }

    /// How many discontinuities lie before a segment, its own included, if there are any.
    pub(crate) fn discontinuities_before(&self, track: &Track, n: u64) -> Option<u64> {
        if self.counts_anew(track).is_some() {
            return None;
        }
        self.run(track, n)
    }

    /// When a segment of a programme that goes on was made.
    pub(crate) fn moment(&self, track: &Track, n: u64) -> Option<Moment> {
        let edge = self.edge?;
        Some(self.dated(&edge, Ticks { ticks: start(track, n), timescale: track.timescale }.floor_in(1000)))
    }

    /// Number of segments between discontinuities, where there are any.
    fn group_size(&self) -> Option<u64> {
        // DASH cannot say that media times begin anew.
        self.options.discontinuity.filter(|_| self.format == Format::Hls).map(|size| size.get())
    }

    /// The reference segments that DASH period `index` covers.
    pub(crate) fn period(&self, index: u64) -> Range<u64> {
        match self.edge {
            None => {
                let periods = self.period_count();
                index * self.count / periods..(index + 1) * self.count / periods
            }
            Some(_) if self.is_cut() => self.run_start(index)..self.run_start(index + 1),
            Some(_) => 0..self.count,
        }
    }

    /// Number of DASH periods of a title with an end: as many as asked for, while each has a segment.
    fn period_count(&self) -> u64 {
        self.options.periods.unwrap_or(1).min(self.count).max(1)
    }

    /// The DASH periods that a manifest has: of what goes on, those of which something is named, or is being made.
    pub(crate) fn periods(&self, with_empty: bool) -> Range<u64> {
        if self.edge.is_none() {
            return 0..self.period_count();
        }
        let reference = self.title.tracks.first();
        let (first, behind) = reference.map_or((0, 0), |track| (self.first_segment(track), self.segments(track)));
        let of = |n| reference.and_then(|track| self.run(track, n)).unwrap_or(0);
        let last =
            if with_empty && self.edge.is_some_and(|edge| !edge.over) { behind } else { behind.saturating_sub(1) };
        of(first)..of(last.max(first)) + 1
    }

    /// Whether there is more than one period, now or at some time.
    pub(crate) fn has_periods(&self) -> bool {
        match self.edge {
            None => self.period_count() > 1,
            Some(_) => self.is_cut(),
        }
    }

    /// The texts that belong to it: in DASH, files of their own are of titles with an end.
    pub(crate) fn texts(&self) -> &'a [Arc<Text>] {
        if self.edge.is_some() && self.format == Format::Dash {
            &[]
        } else {
            &self.title.texts
        }
    }

    /// Its thumbnails. Where what goes on is cut, images would reach from one period into the next.
    pub(crate) fn tiles(&self) -> Option<&'a Tiles> {
        self.title.tiles.as_ref().filter(|_| self.edge.is_none() || !self.is_cut())
    }

    /// The segments of a rendition within a range of reference segments.
    pub(crate) fn within(&self, track: &Track, range: &Range<u64>) -> Range<u64> {
        self.first_from(track, range.start)..self.first_from(track, range.end)
    }

    /// The WebVTT segments of HLS: whole reference segments, at least six seconds, none across a discontinuity.
    pub(crate) fn text_segments(&self) -> Vec<Range<u64>> {
        let reference = self.title.reference();
        let step = TEXT_SEGMENT_SECONDS * u64::from(reference.timescale);
        let per_text = step.div_ceil(reference.fragments[0].duration.max(1)).max(1);
        let size = self.group_size().unwrap_or(self.count);
        let groups = (0..self.count).step_by(usize::try_from(size).unwrap_or(usize::MAX));
        groups
            .flat_map(|from| {
                let to = (from + size).min(self.count);
                (from..to).step_by(per_text as usize).map(move |at| at..(at + per_text).min(to))
            })
            .collect()
    }

    /// Whether a WebVTT segment is the first after a discontinuity.
    pub(crate) fn text_discontinuity(&self, range: &Range<u64>) -> bool {
        range.start > 0 && self.group_size().is_some_and(|size| range.start.is_multiple_of(size))
    }

    /// The reference segments of a WebVTT segment, if it is there: of what goes on, one.
    pub(crate) fn text_range(&self, n: u64) -> Option<Range<u64>> {
        match self.title.tracks.first().filter(|_| self.edge.is_some()) {
            Some(reference) => self.has_segment(reference, n).then_some(n..n + 1),
            None => self.text_segments().get(usize::try_from(n).ok()?).cloned(),
        }
    }

    /// One WebVTT segment of HLS: cues at title times, and the map that ties them to media times. Of what goes on, times
    /// are those of the repetition: hours that nobody counts so far are no times for a cue.
    pub(crate) fn text_segment(&self, text: &Text, range: &Range<u64>) -> String {
        let begin = self.boundary(range.start).floor_in(1000);
        let reference = self.title.reference();
        let base = Ticks { ticks: reference.fragments[0].decode_time, timescale: reference.timescale };
        let media = base.floor_in(90_000) + self.media_start(90_000) + begin * 90 + self.later();
        let (before, behind) = self.run(reference, range.start).map_or((0, 0), |run| {
            let (before, behind) = self.shift(run);
            (before.floor_in(90_000), behind.floor_in(90_000))
        });
        let mpegts = (media + behind).saturating_sub(before) & ((1 << 33) - 1);
        let each = reference.fragments.len() as u64;
        let origin = if self.edge.is_some() { self.boundary(range.start / each * each).floor_in(1000) } else { 0 };
        text.script.write(Some((mpegts, begin - origin)), self.cues(text, range, origin))
    }

    /// One WebVTT file for a range of reference segments, its times counted from the start of the range.
    pub(crate) fn text_file(&self, text: &Text, range: &Range<u64>) -> String {
        let origin = self.boundary(range.start).floor_in(1000);
        text.script.write(None, self.cues(text, range, origin))
    }

    /// The cues that are shown within a range of reference segments, numbered through the programme from 1.
    ///
    /// A cue across the start of a range is whole in both ranges when times are absolute; none reaches beyond the end
    /// of the programme.
    fn cues<'t>(&self, text: &'t Text, range: &Range<u64>, origin: u64) -> impl Iterator<Item = (u64, Cue)> + 't {
        let (from, to) = (self.boundary(range.start).floor_in(1000), self.boundary(range.end).ceil_in(1000));
        // What goes on has no end that a cue could reach beyond.
        let end = if self.edge.is_some() { u64::MAX } else { self.length().ceil_in(1000) };
        let length = self.title.length;
        let period = length.ceil_in(1000).max(1);
        let count = text.script.cues.len() as u64;
        (from / period..to.div_ceil(period)).flat_map(move |repetition| {
            let shift = Ticks { ticks: length.ticks.saturating_mul(repetition), ..length }.floor_in(1000);
            text.script.cues.iter().enumerate().filter_map(move |(n, cue)| {
                let (start, end) = (cue.start + shift, (cue.end + shift).min(end));
                let shown = start < to && end > from && start < end;
                let cue = Cue { start: start.saturating_sub(origin), end: end.saturating_sub(origin), ..cue.clone() };
                shown.then(|| (repetition * count + n as u64 + 1, cue))
            })
        })
    }

    /// How often the thumbnails are shown, whole or in part: which of their images there are. Of what goes on, those that
    /// have ended and reach into the window, and the last.
    pub(crate) fn tile_images(&self) -> Range<u64> {
        let Some(seconds) = self.title.tiles.as_ref().map(Tiles::seconds_per_image) else { return 0..0 };
        match self.edge {
            None => 0..self.length().ceil_in(1).div_ceil(seconds),
            Some(edge) => {
                let image = |ms| ms / (seconds * 1000);
                let media = edge.media_ms();
                let last = image(media);
                image(media.saturating_sub(edge.window_ms())).min(last.saturating_sub(1))..last
            }
        }
    }
}

/// The fragment that segment `n` repeats.
pub(crate) fn fragment(track: &Track, n: u64) -> &Fragment {
    let index = (n % track.fragments.len() as u64) as usize;
    track.clear.get(index).filter(|_| n < track.lead).unwrap_or(&track.fragments[index])
}

/// Start of segment `n` in the programme, in ticks of the rendition.
pub(crate) fn start(track: &Track, n: u64) -> u64 {
    let offset = fragment(track, n).decode_time.saturating_sub(track.fragments[0].decode_time);
    n / track.fragments.len() as u64 * track.period + offset
}
