//! Movies written anew as CMAF (ISO/IEC 23000-19): progressive files, and fragmented ones of any layout.
//!
//! Samples keep their bytes, times, durations, flags, descriptions and the groups that `moov` puts them in; tracks keep
//! their headers and edit lists. Only what says where in a file media lies is new.

mod header;
mod lane;
mod leftovers;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, Place, SortedSet, TrackKind, Warning};

use super::boxes::fourcc_name;
use super::file::listed_samples;
use super::fragment::{Fragment, Sample};
use super::init::{track_name, InitSegment, TrackInfo};
use super::write::{write_fragment, FragmentTrackData};
use lane::{Cut, Lane, Piece};
use leftovers::Leftovers;

/// All samples of a movie, by their places in what it was read from: what [`CmafWriter`] writes anew.
///
/// The media itself is not kept. Several resources that follow each other (an initialisation segment and media
/// segments) count as one: places are those in all of them, one behind the other.
#[derive(Clone, Debug)]
pub struct MovieSamples {
    init: Arc<InitSegment>,
    /// In order of `moov`, in decode order.
    tracks: Vec<Vec<Sample>>,
    left_out: Leftovers,
    /// Some samples are those of fragments.
    fragments: bool,
    samples: usize,
    limits: Limits,
}

impl MovieSamples {
    /// The samples that a `moov` lists itself. The resource that it was read from is `length` bytes long and begins at
    /// `base`.
    ///
    /// # Errors
    /// Those of [`listed_samples`].
    pub fn new(init: Arc<InitSegment>, base: u64, length: u64, limits: &Limits) -> Result<Self, Error> {
        let mut tracks = listed_samples(&init, length, limits)?;
        for sample in tracks.iter_mut().flatten() {
            sample.offset = sample.offset.saturating_add(base);
        }
        let samples = tracks.iter().map(Vec::len).sum();
        Ok(Self { init, tracks, left_out: Leftovers::default(), fragments: false, samples, limits: limits.clone() })
    }

    /// What the movie was read from.
    pub fn init(&self) -> &Arc<InitSegment> {
        &self.init
    }

    /// Adds a fragment of a resource that begins at `base`. Samples of tracks that the movie does not have are no part
    /// of it.
    ///
    /// # Errors
    /// `ContainerLimit` beyond [`Limits::file_samples`] samples.
    pub fn add(&mut self, fragment: &Fragment, base: u64) -> Result<(), Error> {
        self.fragments = true;
        let base = base.saturating_add(fragment.offset);
        for part in &fragment.tracks {
            let Some(index) = self.init.tracks.iter().position(|track| track.id == part.track_id) else { continue };
            self.samples = self.samples.saturating_add(part.samples.len());
            if self.samples > self.limits.file_samples {
                let message = format!("more than {} samples in one movie", self.limits.file_samples);
                return Err(Error::new(ErrorCode::ContainerLimit, message));
            }
            let places = part.samples.iter().map(|s| Sample { offset: s.offset.saturating_add(base), ..*s });
            self.tracks.get_mut(index).into_iter().for_each(|track| track.extend(places.clone()));
        }
        self.left_out.of_fragment(fragment);
        Ok(())
    }

    /// Says that an event message was found, which has no place in what is written.
    pub fn leave_out_event(&mut self) {
        self.left_out.add(None, *b"emsg");
    }

    /// The tracks that can be written: those with samples, of kinds that CMAF and its players know. Handlers are those
    /// of picture, sound, text, subtitles, captions and timed metadata; hint tracks, time codes and MPEG-4 systems are not.
    pub fn writable(&self) -> impl Iterator<Item = &TrackInfo> {
        let tracks = self.init.tracks.iter().zip(&self.tracks);
        tracks.filter(|(track, samples)| reason_to_leave_out(track, samples).is_none()).map(|(track, _)| track)
    }

    /// Writes these tracks of the movie, which are among the [writable](Self::writable).
    ///
    /// # Errors
    /// `InvalidArgument` if none is, or one is not, writable. `KeyUnavailable` for protected tracks: make them clear
    /// first ([`Fragment::decrypt_with`], [`InitSegment::cleared`]). `ContainerSyntax` for samples that overlap, so that
    /// more would be written than was read, or of a description that does not exist; `ContainerLimit` for a sample
    /// larger than [`Limits::segment_bytes`].
    pub fn write(&self, tracks: &[u32]) -> Result<CmafWriter<'_>, Error> {
        let wanted: SortedSet<u32> = tracks.iter().copied().collect();
        let writable = self.writable().filter(|track| wanted.contains(&track.id)).count();
        if writable == 0 || writable != wanted.len() {
            return Err(Error::new(ErrorCode::InvalidArgument, "these are not tracks that can be written"));
        }
        let chosen: Vec<(&TrackInfo, &[Sample])> = self
            .init
            .tracks
            .iter()
            .zip(&self.tracks)
            .filter(|(track, _)| wanted.contains(&track.id))
            .map(|(track, samples)| (track, &samples[..]))
            .collect();
        let (mut end, mut bytes) = (0, 0_u64);
        for (track, samples) in &chosen {
            self.check(track, samples)?;
            for sample in *samples {
                end = end.max(sample.offset.saturating_add(sample.size.into()));
                bytes = bytes.saturating_add(sample.size.into());
            }
        }
        if bytes > end {
            let message = format!("the samples have {bytes} bytes in a file of {end}: they overlap");
            return Err(Error::new(ErrorCode::ContainerSyntax, message).at(self.place()));
        }
        let mut warnings = self.left_out.warnings(&wanted);
        let header = header::write(&self.init, &chosen, !self.fragments, &mut warnings, &self.limits)?;
        let mut lanes = Vec::with_capacity(chosen.len());
        for ((track, samples), groups) in chosen.iter().zip(header.groups) {
            lanes.push(Lane::new(track, samples, groups));
        }
        let cut = Cut::new(&self.limits, lanes.len());
        Ok(CmafWriter { init: header.init, lanes, cut, ready: VecDeque::new(), sequence: 0, written: 0, warnings })
    }

    /// What [`write`](Self::write) leaves out of the whole movie: tracks that are not [writable](Self::writable).
    pub fn warnings(&self) -> Vec<Warning> {
        let tracks = self.init.tracks.iter().zip(&self.tracks);
        tracks
            .filter_map(|(track, samples)| {
                let why = reason_to_leave_out(track, samples)?;
                Some(Warning::new("M001", self.place(), format!("{} is left out: {why}", track_name(track))))
            })
            .collect()
    }

    fn place(&self) -> Place {
        Place::Box { path: "moov/trak".to_owned(), offset: self.init.moov_offset }
    }

    fn check(&self, track: &TrackInfo, samples: &[Sample]) -> Result<(), Error> {
        let name = track_name(track);
        if let Some(encryption) = &track.encryption {
            let scheme = fourcc_name(encryption.scheme);
            let message = format!("{name} is protected by {scheme}: it has to be made clear before it is written anew");
            return Err(Error::new(ErrorCode::KeyUnavailable, message).at(self.place()));
        }
        let known = track.descriptions.len();
        for sample in samples {
            let index = usize::from(sample.description);
            if index == 0 || index > known || sample.description == u16::MAX {
                let message = format!("a sample of {name} has sample description {index} of {known}");
                return Err(Error::new(ErrorCode::ContainerSyntax, message).at(self.place()));
            }
            if u64::from(sample.size) > self.limits.segment_bytes {
                let message = format!("a sample of {} bytes, {} are allowed", sample.size, self.limits.segment_bytes);
                return Err(Error::new(ErrorCode::ContainerLimit, message).at(Place::Byte(sample.offset)));
            }
        }
        Ok(())
    }
}

fn reason_to_leave_out(track: &TrackInfo, samples: &[Sample]) -> Option<String> {
    if samples.is_empty() {
        return Some("it has no samples".to_owned());
    }
    match &track.handler {
        b"vide" | b"auxv" | b"pict" | b"soun" | b"text" | b"subt" | b"sbtl" | b"clcp" | b"meta" => None,
        handler => Some(format!("tracks of handler {} have no place in CMAF", fourcc_name(*handler))),
    }
}

/// Writes tracks of a movie as CMAF: a header, then fragment by fragment.
///
/// Fragments begin at key frames of the picture and have whole groups of pictures, of two seconds or more together;
/// the other tracks go beside it in presentation time. Without a picture the sound is what is followed.
///
/// What cannot be kept is told as a warning:
///
/// | rule | what is left out or changed |
/// |---|---|
/// | M001 | a track: it has no samples, or is of a kind without a place in CMAF ([`MovieSamples::warnings`]) |
/// | M002 | a table of `stbl`, or a box of fragments, that says more of samples than is kept |
/// | M003 | a box that points to places of the file, or to tracks that are not there |
/// | M004 | a group of pictures beyond what a fragment may hold is divided |
/// | M005 | event messages |
/// | C005 | an edit list does more than CMAF allows: it is kept, and the brand of CMAF left away |
#[derive(Debug)]
pub struct CmafWriter<'a> {
    init: Arc<InitSegment>,
    lanes: Vec<Lane<'a>>,
    cut: Cut,
    /// Pieces of fragments: of which lane, which samples.
    ready: VecDeque<Vec<(usize, Piece)>>,
    sequence: u32,
    written: u64,
    warnings: Vec<Warning>,
}

impl CmafWriter<'_> {
    /// The header: `ftyp` and `moov`. With one track it is a CMAF header.
    pub fn init(&self) -> &Arc<InitSegment> {
        &self.init
    }

    /// What had to be left out so far: complete behind the last fragment.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The next fragment; `None` behind the last one. `read` gives the bytes of a range of what the movie was read
    /// from; neighbouring samples are asked for together.
    ///
    /// # Errors
    /// Those of `read`; `SourceUnreadable` if it gives less or more than it was asked for.
    pub fn next(
        &mut self,
        mut read: impl FnMut(Range<u64>) -> Result<Bytes, Error>,
    ) -> Result<Option<Fragment>, Error> {
        if self.ready.is_empty() {
            self.divide();
        }
        let Some(pieces) = self.ready.pop_front() else { return Ok(None) };
        let mut parts = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces {
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            let samples = lane.samples(&piece);
            let mut data = Vec::new();
            for range in places(samples) {
                let bytes = read(range.clone())?;
                if bytes.len() as u64 != range.end - range.start {
                    let message = format!("{} bytes came of {}", bytes.len(), range.end - range.start);
                    return Err(Error::new(ErrorCode::SourceUnreadable, message).at(Place::Byte(range.start)));
                }
                data.push(bytes);
            }
            let samples = samples.to_vec();
            let groups = lane.take_groups(samples.len());
            parts.push(FragmentTrackData { track_id: lane.track.id, samples, data, subsamples: None, groups });
        }
        if self.written == 0 {
            self.written = self.init.data.len() as u64;
        }
        self.sequence = self.sequence.wrapping_add(1);
        let fragment = write_fragment(self.sequence, self.written, parts);
        self.written = self.written.saturating_add(fragment.size);
        Ok(Some(fragment))
    }

    /// Takes the next span of time from every track.
    fn divide(&mut self) {
        let first_of = |kind: Option<TrackKind>| {
            let fits = |lane: &Lane<'_>| !lane.is_done() && kind.is_none_or(|kind| lane.track.kind == kind);
            self.lanes.iter().position(fits)
        };
        let lead = [Some(TrackKind::Video), Some(TrackKind::Audio), None].into_iter().find_map(first_of);
        let Some(lead) = lead else { return };
        let Some(until) = self.lanes.get(lead).map(Lane::lead_until) else { return };
        let mut fragments: Vec<Vec<(usize, Piece)>> = Vec::new();
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let end = if index == lead { until.index } else { lane.index_at(&until) };
            for (at, piece) in lane.take(end, index == lead, &self.cut, &mut self.warnings).into_iter().enumerate() {
                match fragments.get_mut(at) {
                    Some(fragment) => fragment.push((index, piece)),
                    None => fragments.push(vec![(index, piece)]),
                }
            }
        }
        self.ready.extend(fragments);
    }
}

/// Where samples lie, neighbours together.
fn places(samples: &[Sample]) -> Vec<Range<u64>> {
    let mut places: Vec<Range<u64>> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.size > 0) {
        let end = sample.offset.saturating_add(sample.size.into());
        match places.last_mut() {
            Some(last) if last.end == sample.offset => last.end = end,
            _ => places.push(sample.offset..end),
        }
    }
    places
}
