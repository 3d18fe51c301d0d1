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
/// the normal one it is silent.
#[derive(Debug, Default)]
pub struct Speaker {
    queue: Arc<Mutex<Queue>>,
    /// Rate and channels that the device plays, and what keeps its thread alive.
    running: Option<(u32, u16, mpsc::Sender<()>)>,
    muted: bool,
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
