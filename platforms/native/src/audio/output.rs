//! Where decoded sound goes.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use telecine_engine::PlaybackSpeeds;
use telecine_model::MediaTime;

/// Decoded sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pcm<'a> {
    /// Frames a second.
    pub sample_rate: u32,
    /// Samples in a frame.
    pub channels: u16,
    /// Interleaved, full scale from -1 to 1.
    pub samples: &'a [f32],
}

/// Takes decoded sound, in order and without gaps but at seeks.
///
/// Nothing here may block for long. An error ends playback with `SinkFailed`; its words are shown.
pub trait AudioOutput: Send {
    /// Takes sound.
    fn write(&mut self, pcm: Pcm<'_>) -> Result<(), String>;

    /// How far ahead of the playhead it wants sound; None takes it as soon as it is there.
    fn lead(&self) -> Option<MediaTime> {
        None
    }

    /// The playhead stands, or moves again.
    fn pause(&mut self, _paused: bool) {}

    /// Playback runs at this speed, in thousandths.
    fn set_rate(&mut self, _rate_milli: u32) {}

    /// Speeds at which nobody hears that playback is not at its normal one: live titles keep their latency by them.
    /// Without time stretching there are none, so that is the default.
    fn speeds(&self) -> PlaybackSpeeds {
        PlaybackSpeeds::Normal
    }

    /// Playback goes on elsewhere: what was not heard yet is not wanted any more.
    fn clear(&mut self) {}

    /// Playback came to its end, or was stopped.
    fn finish(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Throws sound away: decoding is what counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl AudioOutput for Discard {
    fn write(&mut self, _pcm: Pcm<'_>) -> Result<(), String> {
        Ok(())
    }

    fn speeds(&self) -> PlaybackSpeeds {
        PlaybackSpeeds::Any
    }
}

/// Writes sound to a WAV file of 32-bit floating-point samples, which holds every decoder's output
/// without loss.
///
/// A change of sample rate or channels begins another file (`name-2.wav`, `name-3.wav`…), and so does
/// what is played after the end.
pub struct WavFile {
    path: PathBuf,
    files: u32,
    writer: Option<hound::WavWriter<BufWriter<File>>>,
}

impl WavFile {
    /// Will write to `path`, which is made (or replaced) when the first sound comes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), files: 0, writer: None }
    }

    fn next_path(&mut self) -> PathBuf {
        self.files += 1;
        if self.files == 1 {
            return self.path.clone();
        }
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, extension) = (part(self.path.file_stem()), part(self.path.extension()));
        self.path.with_file_name(Path::new(&format!("{stem}-{}.{extension}", self.files)))
    }
}

impl AudioOutput for WavFile {
    fn write(&mut self, pcm: Pcm<'_>) -> Result<(), String> {
        let spec = hound::WavSpec {
            channels: pcm.channels,
            sample_rate: pcm.sample_rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        if self.writer.as_ref().is_some_and(|writer| writer.spec() != spec) {
            self.finish()?;
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let path = self.next_path();
                let writer = hound::WavWriter::create(&path, spec);
                self.writer.insert(writer.map_err(|error| format!("{}: {error}", path.display()))?)
            }
        };
        for sample in pcm.samples {
            writer.write_sample(*sample).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    // A file is not heard: it has every sample at whatever speed.
    fn speeds(&self) -> PlaybackSpeeds {
        PlaybackSpeeds::Any
    }

    fn finish(&mut self) -> Result<(), String> {
        match self.writer.take() {
            Some(writer) => writer.finalize().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for WavFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WavFile").field("path", &self.path).field("files", &self.files).finish_non_exhaustive()
    }
}
