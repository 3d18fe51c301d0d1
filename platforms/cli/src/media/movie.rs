//! MP4 of any layout to CMAF files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{InitSegment, IsoReader, MovieSamples, Unit};
use telecine_model::{Error, ErrorCode, Limits, Warning};

use super::remux::{numbered, Counted, Remuxed, Written};
use super::{about, check_targets, Input, Output, Progress};
use crate::fetch::unreadable;

/// Where the output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// All tracks into one file.
    File(&'a Path),
    /// Each into its own: `video.mp4`, `audio.mp4`, `audio2.mp4`…
    Folder(&'a Path),
}

/// Writes MP4 files anew as CMAF: inputs are one rendition, as an initialisation segment and media segments. Where
/// another movie begins a new file does: `OUT.mp4`, `OUT-2.mp4`.
///
/// # Errors
/// What the reader of containers finds, with the file that it is in; `InvalidArgument` for segments without a `moov`
/// before them; `KeyUnavailable` for protected tracks.
pub(crate) fn remux_movies(inputs: &[PathBuf], place: Place<'_>, limits: &Limits) -> Result<Remuxed, Error> {
    let (movies, mut sources) = scan(inputs, limits)?;
    let mut done = Remuxed { files: Vec::new(), warnings: Vec::new(), counters: Default::default(), decrypted: 0 };
    let mut progress = Progress::new(sources.length);
    for (at, (movie, path)) in movies.iter().enumerate() {
        refuse_protected(movie, path)?;
        tell(&mut done.warnings, &movie.warnings());
        for (target, tracks) in targets(movie, place) {
            let target = if at == 0 { target } else { numbered(&target, at + 1) };
            check_targets(inputs, &target)?;
            let written = write(movie, &tracks, &target, &mut sources, &mut progress, &mut done.warnings);
            done.files.push(written.map_err(|error| about(error, path))?);
        }
    }
    if done.files.is_empty() {
        return Err(Error::new(ErrorCode::ContainerSyntax, "there is nothing in it that can be played"));
    }
    Ok(done)
}

/// Says each thing once, however many files it is about.
fn tell(said: &mut Vec<Warning>, warnings: &[Warning]) {
    for warning in warnings {
        if !said.contains(warning) {
            said.push(warning.clone());
        }
    }
}

/// Files, and which tracks go into them.
fn targets(movie: &MovieSamples, place: Place<'_>) -> Vec<(PathBuf, Vec<u32>)> {
    match place {
        Place::File(path) => {
            let all: Vec<u32> = movie.writable().map(|track| track.id).collect();
            if all.is_empty() {
                return Vec::new();
            }
            vec![(path.to_owned(), all)]
        }
        Place::Folder(folder) => {
            let mut counts = BTreeMap::new();
            let file = |track: &telecine_container::TrackInfo| {
                let kind = track.kind.name();
                let count = counts.entry(kind).and_modify(|count| *count += 1).or_insert(1);
                let name = if *count == 1 { format!("{kind}.mp4") } else { format!("{kind}{count}.mp4") };
                (folder.join(name), vec![track.id])
            };
            movie.writable().map(file).collect()
        }
    }
}

fn write(
    movie: &MovieSamples,
    tracks: &[u32],
    target: &Path,
    sources: &mut Sources,
    progress: &mut Progress,
    warnings: &mut Vec<Warning>,
) -> Result<Written, Error> {
    let mut writer = movie.write(tracks)?;
    let mut output = Output::create(target)?;
    output.write(&writer.init().data)?;
    let mut counted: Vec<Counted> = writer.init().tracks.iter().map(|track| Counted::new(track.clone())).collect();
    while let Some(fragment) = writer.next(|range| sources.read(range))? {
        output.write_all(&fragment.data)?;
        counted.iter_mut().for_each(|track| track.add(&fragment));
        progress.add(fragment.size);
    }
    tell(warnings, writer.warnings());
    Ok(Written { path: target.to_owned(), bytes: output.finish()?, tracks: counted })
}

/// Protection is not carried over: what says how samples are encrypted lies beside them.
fn refuse_protected(movie: &MovieSamples, path: &Path) -> Result<(), Error> {
    let Some(track) = movie.writable().find(|track| track.encryption.is_some()) else { return Ok(()) };
    if track.listed_samples > 0 {
        let message = "samples that moov lists are protected; only those of fragments can be decrypted";
        return Err(about(Error::new(ErrorCode::ContainerUnknown, message), path));
    }
    let message = format!("track {} is protected: make it clear with telecine decrypt first, then remux it", track.id);
    Err(about(Error::new(ErrorCode::KeyUnavailable, message), path))
}

/// Finds every sample of the inputs, and which movie it is of, with the file that the movie begins in.
fn scan(inputs: &[PathBuf], limits: &Limits) -> Result<(Vec<(MovieSamples, PathBuf)>, Sources), Error> {
    let mut movies: Vec<(MovieSamples, PathBuf)> = Vec::new();
    let mut sources = Sources { files: Vec::new(), length: 0 };
    let mut reader = IsoReader::new(limits);
    for path in inputs {
        let here = |error| about(error, path);
        let mut input = Input::open(path)?;
        let length = input.length();
        let base = sources.length;
        let mut read = 0;
        let mut ended = false;
        while !ended {
            match input.next()? {
                Some(piece) => {
                    read += piece.len() as u64;
                    reader.push(piece);
                }
                None => {
                    reader.finish().map_err(here)?;
                    ended = true;
                }
            }
            while let Some(unit) = reader.poll().map_err(here)? {
                take(unit, &mut movies, path, base, length, limits).map_err(here)?;
            }
            if !ended {
                let passed = reader.pass_over(length.saturating_sub(read));
                input.skip(passed)?;
                read += passed;
            }
        }
        sources.files.push((base, path.clone(), File::open(path).map_err(|e| unreadable(path, &e))?));
        sources.length = base.saturating_add(read);
    }
    Ok((movies, sources))
}

fn take(
    unit: Unit,
    movies: &mut Vec<(MovieSamples, PathBuf)>,
    path: &Path,
    base: u64,
    length: u64,
    limits: &Limits,
) -> Result<(), Error> {
    match unit {
        Unit::Init(init) if movies.last().is_some_and(|(movie, _)| is_repeated(movie.init(), &init)) => Ok(()),
        Unit::Init(init) => {
            movies.push((MovieSamples::new(init, base, length, limits)?, path.to_owned()));
            Ok(())
        }
        Unit::Fragment(fragment) => match movies.last_mut() {
            Some((movie, _)) => movie.add(&fragment, base),
            None => {
                let path = path.display();
                let message =
                    format!("'{path}' is a media segment without its initialisation section: give that in front of it");
                Err(Error::new(ErrorCode::InvalidArgument, message))
            }
        },
        Unit::Event(_) => {
            movies.last_mut().into_iter().for_each(|(movie, _)| movie.leave_out_event());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Segments that each begin with the same `moov` are of one movie.
fn is_repeated(before: &Arc<InitSegment>, init: &InitSegment) -> bool {
    let listed = init.tracks.iter().any(|track| track.listed_samples > 0);
    !listed && before.moov().0 == init.moov().0
}

/// The inputs, one behind the other.
struct Sources {
    /// Where each begins, ascending.
    files: Vec<(u64, PathBuf, File)>,
    length: u64,
}

impl Sources {
    fn read(&mut self, range: Range<u64>) -> Result<Bytes, Error> {
        let at = self.files.partition_point(|(base, ..)| *base <= range.start);
        let Some((base, path, file)) = at.checked_sub(1).and_then(|at| self.files.get_mut(at)) else {
            return Ok(Bytes::new());
        };
        let mut bytes = Vec::new();
        let wanted = range.end - range.start;
        let read =
            file.seek(SeekFrom::Start(range.start - *base)).and_then(|_| file.take(wanted).read_to_end(&mut bytes));
        read.map_err(|e| unreadable(path, &e))?;
        Ok(bytes.into())
    }
}
