//! The device's own output, through cpal.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use telecine_model::MediaTime;

use super::output::{AudioOutput, Pcm};

/// Sound that the device has waiting, at most this many seconds.
const KEPT_SECONDS: usize = 2;

/// Plays on the device's default output.
///
/// Sound runs on the player's clock: it is decoded a second ahead of the playhead, silence fills
/// what is missing, and what a slower device clock leaves over is dropped. At any other speed than
/// the normal one it is silent. Sound of more channels than the device has comes as stereo.
#[derive(Debug, Default)]
pub struct Speaker {
    queue: Arc<Mutex<Queue>>,
    /// Rate and channels that the device plays, and what keeps its thread alive.
    running: Option<(u32, u16, mpsc::Sender<()>)>,
    muted: bool,
    /// Channels of the sound that comes, and of what the device gets of it.
    layout: Option<(u16, u16)>,
}

#[derive(Debug, Default)]
struct Queue {
    samples: VecDeque<f32>,
    paused: bool,
    error: Option<String>,
}

impl Speaker {
    /// Opens the device when the first sound comes.
    pub fn new() -> Self {
        Self::default()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// Channels that the device gets of sound with so many.
    fn channels_of(&mut self, own: u16) -> u16 {
        match self.layout {
            Some((known, given)) if known == own => given,
            _ => {
                let given = match device_channels() {
                    Some(most) if own > 2 && most < own => 2,
                    _ => own,
                };
                self.layout = Some((own, given));
                given
            }
        }
    }

    fn open(&mut self, sample_rate: u32, channels: u16) {
        let (keep, kept) = mpsc::channel();
        let queue = Arc::clone(&self.queue);
        // Streams cannot change threads on every platform, so one thread owns this one.
        std::thread::spawn(move || match stream(sample_rate, channels, &queue) {
            Ok(stream) => {
                // Ends with an error when the other side is dropped.
                let _ = kept.recv();
                drop(stream);
            }
            Err(error) => lock(&queue).error = Some(error),
        });
        self.running = Some((sample_rate, channels, keep));
    }
}

/// How many channels the device has; all that are asked for if it does not say.
fn device_channels() -> Option<u16> {
    let device = cpal::default_host().default_output_device()?;
    device.default_output_config().ok().map(|config| config.channels())
}

/// Left and right, with what other speakers have in both (ATSC A/52, 7.8, without the low frequencies): scaled so that
/// full scale everywhere is full scale.
fn to_stereo(pcm: &Pcm<'_>) -> Vec<f32> {
    const SHARE: f32 = std::f32::consts::FRAC_1_SQRT_2;
    // In the order of WAV files: left, right, centre, low, then left and right in turn.
    let weights: Vec<(f32, f32)> = (0..pcm.channels)
        .map(|channel| match (channel, pcm.channels) {
            (0, _) => (1.0, 0.0),
            (1, _) => (0.0, 1.0),
            (2, 3 | 5..) => (SHARE, SHARE),
            (3, 6..) => (0.0, 0.0),
            (channel, channels) if (channel % 2 == 0) == (channels != 5) => (SHARE, 0.0),
            _ => (0.0, SHARE),
        })
        .collect();
    let all = weights.iter().fold((0.0_f32, 0.0_f32), |sum, own| (sum.0 + own.0, sum.1 + own.1));
    let scale = 1.0 / all.0.max(all.1).max(1.0);
    let frames = pcm.samples.chunks_exact(usize::from(pcm.channels.max(1)));
    let sum = |frame: &[f32], side: fn(&(f32, f32)) -> f32| -> f32 {
        frame.iter().zip(&weights).map(|(sample, weight)| sample * side(weight)).sum::<f32>() * scale
    };
    frames.flat_map(|frame| [sum(frame, |weight| weight.0), sum(frame, |weight| weight.1)]).collect()
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // A queue of samples is sound whatever happened to who held it.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stream(sample_rate: u32, channels: u16, queue: &Arc<Mutex<Queue>>) -> Result<cpal::Stream, String> {
    let device = cpal::default_host().default_output_device().ok_or("there is no output device")?;
    let config = cpal::StreamConfig {
        channels,
        sample_rate: cpal::SampleRate(sample_rate),
        buffer_size: cpal::BufferSize::Default,
    };
    let (source, errors) = (Arc::clone(queue), Arc::clone(queue));
    let fill = move |out: &mut [f32], _: &cpal::OutputCallbackInfo| {
        let mut queue = lock(&source);
        let ready = if queue.paused { 0 } else { queue.samples.len().min(out.len()) };
        for (to, from) in out.iter_mut().zip(queue.samples.drain(..ready)) {
            *to = from;
        }
        out[ready..].fill(0.0);
    };
    let failed = move |error: cpal::StreamError| lock(&errors).error = Some(error.to_string());
    let stream = device.build_output_stream(&config, fill, failed, None).map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

impl AudioOutput for Speaker {
    fn write(&mut self, pcm: Pcm<'_>) -> Result<(), String> {
        if self.muted {
            return Ok(());
        }
        let channels = self.channels_of(pcm.channels);
        let mixed = (channels != pcm.channels).then(|| to_stereo(&pcm));
        let pcm = Pcm { channels, samples: mixed.as_deref().unwrap_or(pcm.samples), ..pcm };
        let same = |(rate, channels, _): &(u32, u16, _)| (*rate, *channels) == (pcm.sample_rate, pcm.channels);
        if !self.running.as_ref().is_some_and(same) {
            self.queue().samples.clear();
            self.open(pcm.sample_rate, pcm.channels);
        }
        let second = pcm.sample_rate as usize * usize::from(pcm.channels);
        let mut queue = self.queue();
        queue.samples.extend(pcm.samples);
        if queue.samples.len() > KEPT_SECONDS * second {
            let extra = queue.samples.len() - second;
            queue.samples.drain(..extra);
        }
        queue.error.take().map_or(Ok(()), Err)
    }

    fn lead(&self) -> Option<MediaTime> {
        Some(MediaTime::from_secs(1))
    }

    fn pause(&mut self, paused: bool) {
        self.queue().paused = paused;
    }

    fn set_rate(&mut self, rate_milli: u32) {
        self.muted = rate_milli != 1000;
        self.clear();
    }

    fn clear(&mut self) {
        self.queue().samples.clear();
    }

    fn finish(&mut self) -> Result<(), String> {
        // The device stays open until the last of it is heard.
        self.queue().error.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out on both sides of one channel at full scale.
    fn of_channel(channel: usize, channels: u16) -> [f32; 2] {
        let mut samples = vec![0.0; usize::from(channels)];
        samples[channel] = 1.0;
        let mixed = to_stereo(&Pcm { sample_rate: 48_000, channels, samples: &samples });
        [mixed[0], mixed[1]]
    }

    #[test]
    fn every_speaker_but_the_low_one_is_heard_on_its_side() {
        for channels in [3, 4, 5, 6, 8] {
            let [left, right] = [of_channel(0, channels), of_channel(1, channels)];
            assert!(left[0] > 0.2 && left[1] == 0.0 && right[1] > 0.2 && right[0] == 0.0, "{channels}");
        }
        for channels in [3, 5, 6, 8] {
            let centre = of_channel(2, channels);
            assert!(centre[0] > 0.2 && centre[0] == centre[1], "{channels}");
        }
        assert_eq!(of_channel(3, 6), [0.0, 0.0]);
        for (left, right, channels) in [(2, 3, 4), (3, 4, 5), (4, 5, 6), (4, 5, 8), (6, 7, 8)] {
            let (left, right) = (of_channel(left, channels), of_channel(right, channels));
            assert!(left[0] > 0.1 && left[1] == 0.0 && right[1] > 0.1 && right[0] == 0.0, "{channels}");
        }
        let loudest = to_stereo(&Pcm { sample_rate: 48_000, channels: 6, samples: &[1.0; 6] });
        assert!(loudest.iter().all(|sample| *sample <= 1.0 + 1e-6), "{loudest:?}");
    }
}
