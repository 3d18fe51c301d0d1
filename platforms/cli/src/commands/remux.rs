//! `telecine remux`: MP4, transport streams and packed audio to CMAF.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use telecine_container::{AudioSelection, StreamOptions, StreamReader, StreamUnit};
use telecine_model::{Error, ErrorCode, Limits};

use crate::args::Remux;
use crate::document::WarningEntry;
use crate::media::{self, about, Counted, Input, MoviePlace, Remuxable, Written};
use crate::output;

/// What `remux` and `decrypt` say that they did.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    inputs: Vec<String>,
    outputs: Vec<OutputEntry>,
    warnings: Vec<WarningEntry>,
    /// Samples that were encrypted in the input.
    decrypted_samples: u64,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct OutputEntry {
    file: String,
    bytes: u64,
    tracks: Vec<TrackEntry>,
}

#[derive(Debug, Serialize)]
struct TrackEntry {
    id: u32,
    kind: &'static str,
    codec: String,
    timescale: u32,
    width: Option<u32>,
    height: Option<u32>,
    sample_rate: Option<u32>,
    channels: Option<u32>,
    samples: u64,
    duration_s: f64,
    /// Ticks of the timescale, as `last_pts`.
    first_pts: Option<i64>,
    last_pts: Option<i64>,
    bytes: u64,
    #[serde(skip)]
    line: String,
}

impl TrackEntry {
    fn new(track: &Counted) -> Self {
        let info = &track.info;
        Self {
            id: info.id,
            kind: info.kind.name(),
            codec: info.codec.to_string(),
            timescale: info.timescale.get(),
            width: info.width,
            height: info.height,
            sample_rate: info.sample_rate,
            channels: info.channels,
            samples: track.samples,
            duration_s: track.duration as f64 / f64::from(info.timescale.get()),
            first_pts: track.first_pts,
            last_pts: track.last_pts,
            bytes: track.bytes,
            line: media::track_line(track),
        }
    }
}

impl Document {
    pub(crate) fn new(
        inputs: &[PathBuf],
        outputs: &[Written],
        warnings: Vec<WarningEntry>,
        decrypted_samples: u64,
        started: Instant,
    ) -> Self {
        let entry = |written: &Written| OutputEntry {
            file: written.path.display().to_string(),
            bytes: written.bytes,
            tracks: written.tracks.iter().map(TrackEntry::new).collect(),
        };
        Self {
            inputs: inputs.iter().map(|path| path.display().to_string()).collect(),
            outputs: outputs.iter().map(entry).collect(),
            warnings,
            decrypted_samples,
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    pub(crate) fn print(&self, json: bool) -> Result<(), Error> {
        if json {
            return output::json(self);
        }
        output::write(|out| {
            for written in &self.outputs {
                writeln!(out, "{}, {} bytes", output::plain(&written.file), written.bytes)?;
                for track in &written.tracks {
                    writeln!(out, "  {}", track.line)?;
                }
            }
            for warning in &self.warnings {
                writeln!(out, "warning {} {}: {}", warning.rule, warning.place, output::plain(&warning.message))?;
            }
            if self.decrypted_samples > 0 {
                writeln!(out, "{} samples were encrypted", self.decrypted_samples)?;
            }
            Ok(())
        })
    }
}

/// Runs the command.
pub(crate) fn run(args: &Remux) -> Result<(), Error> {
    let started = Instant::now();
    let Some((target, inputs)) = args.files.split_last().filter(|(_, inputs)| !inputs.is_empty()) else {
        return Err(Error::new(ErrorCode::InvalidArgument, "an input and an output are needed"));
    };
    let limits = Limits::default();
    let kind = media::remuxed(inputs)?;
    let folder = target.is_dir() || target.as_os_str().to_string_lossy().ends_with(std::path::MAIN_SEPARATOR);
    if folder {
        std::fs::create_dir_all(target).map_err(|e| output::cannot_write(target, &e))?;
    } else {
        media::check_targets(inputs, target)?;
    }
    let done = match kind {
        Remuxable::Movies if folder => media::remux_movies(inputs, MoviePlace::Folder(target), &limits)?,
        Remuxable::Movies => media::remux_movies(inputs, MoviePlace::File(target), &limits)?,
        Remuxable::Streams if folder => media::remux(inputs, &apart(inputs, target, &limits)?, None, &limits)?,
        Remuxable::Streams => {
            let targets = [(media::options(true, AudioSelection::All), target.clone())];
            media::remux(inputs, &targets, None, &limits)?
        }
    };
    let warnings = done.warnings.iter().map(WarningEntry::from).collect();
    Document::new(inputs, &done.files, warnings, done.decrypted, started).print(args.json)
}

/// One file for each track that the first input has: `video.mp4`, `audio.mp4`, `audio2.mp4`…
fn apart(inputs: &[PathBuf], folder: &Path, limits: &Limits) -> Result<Vec<(StreamOptions, PathBuf)>, Error> {
    let (mut video, mut audio) = (false, 0);
    for kind in kinds(inputs, limits)? {
        match kind {
            "video" => video = true,
            _ => audio += 1,
        }
    }
    let mut targets = Vec::new();
    if video {
        targets.push((media::options(true, AudioSelection::None), folder.join("video.mp4")));
    }
    for number in 0..audio {
        let name = if number == 0 { "audio.mp4".to_owned() } else { format!("audio{}.mp4", number + 1) };
        targets.push((media::options(false, AudioSelection::Nth(number)), folder.join(name)));
    }
    targets.iter().try_for_each(|(_, path)| media::check_targets(inputs, path))?;
    Ok(targets)
}

/// The kinds of the tracks that the first initialisation segment has.
fn kinds(inputs: &[PathBuf], limits: &Limits) -> Result<Vec<&'static str>, Error> {
    for path in inputs {
        let mut input = Input::open(path)?;
        let mut reader = StreamReader::new(&media::options(true, AudioSelection::All), limits);
        let here = |error| about(error, path);
        let mut ended = false;
        while !ended {
            match input.next()? {
                Some(piece) => reader.push(piece),
                None => {
                    reader.finish().map_err(here)?;
                    ended = true;
                }
            }
            while let Some(unit) = reader.poll().map_err(here)? {
                if let StreamUnit::Init(init) = unit {
                    return Ok(init.tracks.iter().map(|track| track.kind.name()).collect());
                }
            }
        }
    }
    Err(Error::new(ErrorCode::ContainerSyntax, "there is nothing in it that can be played"))
}
