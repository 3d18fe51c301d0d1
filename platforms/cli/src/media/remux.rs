//! Transport streams and packed audio to CMAF files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use telecine_container::{
    AudioSelection, Container, Fragment, InitSegment, SampleAes, StreamCounters, StreamOptions, StreamReader,
    StreamUnit, TrackInfo,
};
use telecine_model::{Error, ErrorCode, Limits, Warning};

use super::{about, container_of, Input, Keys, Output, Progress};

/// What was written of a track.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) info: TrackInfo,
    pub(crate) samples: u64,
    /// Ticks of its timescale, together.
    pub(crate) duration: u64,
    /// Least presentation time in ticks.
    pub(crate) first_pts: Option<i64>,
    /// Greatest presentation time in ticks.
    pub(crate) last_pts: Option<i64>,
    pub(crate) bytes: u64,
}

impl Counted {
    pub(crate) fn new(info: TrackInfo) -> Self {
        Self { info, samples: 0, duration: 0, first_pts: None, last_pts: None, bytes: 0 }
    }

    /// Counts what a fragment has of the track.
    pub(crate) fn add(&mut self, fragment: &Fragment) {
        for sample in fragment.tracks.iter().filter(|part| part.track_id == self.info.id).flat_map(|part| &part.samples)
        {
            let pts = self.info.presentation_time(sample.pts());
            self.samples += 1;
            self.duration = self.duration.saturating_add(sample.duration.into());
            self.bytes += u64::from(sample.size);
            self.first_pts = Some(self.first_pts.map_or(pts, |first| first.min(pts)));
            self.last_pts = Some(self.last_pts.map_or(pts, |last| last.max(pts)));
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) tracks: Vec<Counted>,
}

/// All that came of it.
pub(crate) struct Remuxed {
    pub(crate) files: Vec<Written>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) counters: StreamCounters,
    /// Samples that were protected.
    pub(crate) decrypted: u64,
}

/// Which tracks go into one file.
pub(crate) fn options(video: bool, audio: AudioSelection) -> StreamOptions {
    let mut options = StreamOptions::default();
    options.video = video;
    options.audio = audio;
    // These go to a player, and have no place in the file.
    options.metadata = false;
    options.captions = false;
    options
}

/// Remuxes segments of one rendition into files, one for each selection of tracks. Where a decoder needs another
/// initialisation a new file begins: `OUT.mp4`, `OUT-2.mp4`. With a key the output is clear.
///
/// # Errors
/// What the reader of streams finds, with the file that it is in.
pub(crate) fn remux(
    inputs: &[PathBuf],
    targets: &[(StreamOptions, PathBuf)],
    protection: Option<(SampleAes, &Keys)>,
    limits: &Limits,
) -> Result<Remuxed, Error> {
    let mut readers: Vec<(StreamReader, Target<'_>)> = targets
        .iter()
        .map(|(options, path)| {
            let mut reader = StreamReader::new(options, limits);
            reader.set_protection(protection.map(|(sample_aes, _)| sample_aes));
            (reader, Target::new(path, protection.map(|(_, keys)| keys)))
        })
        .collect();
    if let (Remuxable::Movies, Some(path)) = (remuxed(inputs)?, inputs.first()) {
        let message = format!("'{}' is mp4: this is for transport streams and packed audio", path.display());
        return Err(Error::new(ErrorCode::InvalidArgument, message));
    }
    let total = inputs.iter().map(|path| Ok(Input::open(path)?.length())).sum::<Result<u64, Error>>()?;
    let mut progress = Progress::new(total);
    for path in inputs {
        let mut input = Input::open(path)?;
        let here = |error| about(error, path);
        readers.iter_mut().for_each(|(reader, _)| reader.next_segment(false));
        while let Some(piece) = input.next()? {
            progress.add(piece.len() as u64);
            for (reader, target) in &mut readers {
                reader.push(piece.clone());
                target.drain(reader).map_err(here)?;
            }
        }
        for (reader, target) in &mut readers {
            reader.finish().map_err(here)?;
            target.drain(reader).map_err(here)?;
        }
    }
    let mut done = Remuxed { files: Vec::new(), warnings: Vec::new(), counters: Default::default(), decrypted: 0 };
    for (reader, target) in readers {
        done.counters = reader.counters();
        done.decrypted += target.decrypted;
        // Each reader says what is wrong with what all of them read.
        target
            .warnings
            .iter()
            .filter(|warning| !done.warnings.contains(warning))
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|warning| done.warnings.push(warning));
        done.files.extend(target.finish()?);
    }
    if done.files.is_empty() {
        let message = "there is nothing in it that can be played";
        return Err(Error::new(ErrorCode::ContainerSyntax, message));
    }
    Ok(done)
}

/// What can be remuxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remuxable {
    /// Transport streams and packed audio.
    Streams,
    /// MP4.
    Movies,
}

/// What all of the inputs are.
///
/// # Errors
/// `InvalidArgument` for containers that are not remuxed and for inputs that do not go together; `ContainerUnknown` for
/// what is no media.
pub(crate) fn remuxed(inputs: &[PathBuf]) -> Result<Remuxable, Error> {
    let mut all: Option<(Remuxable, &Path)> = None;
    for path in inputs {
        let kind = match container_of(path).map_err(|error| about(error, path))? {
            Some(container) if container.is_stream() => Remuxable::Streams,
            Some(Container::IsoBmff) => Remuxable::Movies,
            Some(container) => {
                let name = super::container_name(container);
                let message =
                    format!("'{}' is {name}: MP4, transport streams and packed audio are remuxed", path.display());
                return Err(Error::new(ErrorCode::InvalidArgument, message));
            }
            None => return Err(super::foreign(path)),
        };
        match all {
            Some((first, other)) if first != kind => {
                let message = format!(
                    "'{}' and '{}' are not of one rendition: MP4 and streams are not remuxed together",
                    other.display(),
                    path.display()
                );
                return Err(Error::new(ErrorCode::InvalidArgument, message));
            }
            _ => all = Some((kind, path)),
        }
    }
    match all {
        Some((kind, _)) => Ok(kind),
        None => Err(Error::new(ErrorCode::InvalidArgument, "an input and an output are needed")),
    }
}

/// The files of one selection of tracks.
struct Target<'a> {
    path: &'a Path,
    keys: Option<&'a Keys>,
    init: Option<Arc<InitSegment>>,
    open: Option<(Output, Vec<Counted>)>,
    files: Vec<Written>,
    warnings: Vec<Warning>,
    decrypted: u64,
}

impl<'a> Target<'a> {
    fn new(path: &'a Path, keys: Option<&'a Keys>) -> Self {
        Self { path, keys, init: None, open: None, files: Vec::new(), warnings: Vec::new(), decrypted: 0 }
    }

    fn drain(&mut self, reader: &mut StreamReader) -> Result<(), Error> {
        while let Some(unit) = reader.poll()? {
            match unit {
                StreamUnit::Init(init) => self.begin(init)?,
                StreamUnit::Fragment(fragment) => self.fragment(fragment)?,
                StreamUnit::Warning(warning) => self.warnings.push(warning),
                _ => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, init: Arc<InitSegment>) -> Result<(), Error> {
        self.close()?;
        let path = match self.files.len() {
            0 => self.path.to_owned(),
            before => numbered(self.path, before + 1),
        };
        let mut output = Output::create(&path)?;
        match self.keys {
            Some(_) => output.write(&init.cleared().data)?,
            None => output.write(&init.data)?,
        }
        let counted = init.tracks.iter().map(|track| Counted::new(track.clone())).collect();
        self.open = Some((output, counted));
        self.init = Some(init);
        Ok(())
    }

    fn fragment(&mut self, mut fragment: Fragment) -> Result<(), Error> {
        if let (Some(keys), Some(init)) = (self.keys, &self.init) {
            self.decrypted += keys.clear(&mut fragment, init)?;
        }
        if let Some((output, counted)) = &mut self.open {
            output.write_all(&fragment.data)?;
            counted.iter_mut().for_each(|track| track.add(&fragment));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        if let Some((output, tracks)) = self.open.take() {
            let path = output.path().to_owned();
            let bytes = output.finish()?;
            self.files.push(Written { path, bytes, tracks });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Written>, Error> {
        self.close()?;
        Ok(self.files)
    }
}

/// `a.mp4` with a number: `a-2.mp4`.
pub(super) fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// A track in words.
pub(crate) fn track_line(track: &Counted) -> String {
    let scale = f64::from(track.info.timescale.get());
    let size = match (track.info.width, track.info.height, track.info.sample_rate) {
        (Some(width), Some(height), _) => format!(" {width}×{height}"),
        (_, _, Some(rate)) => format!(" {rate} Hz"),
        _ => String::new(),
    };
    format!(
        "{} {}{size}, {} samples, {:.3} s from {:.3} s",
        track.info.kind.name(),
        crate::output::plain(&track.info.codec.to_string()),
        track.samples,
        track.duration as f64 / scale,
        track.first_pts.unwrap_or(0) as f64 / scale
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_behind_the_first_are_numbered() {
        assert_eq!(numbered(Path::new("x/a.b.mp4"), 2), Path::new("x/a.b-2.mp4"));
        assert_eq!(numbered(Path::new("a"), 3), Path::new("a-3"));
    }
}
