//! Decoders behind our own sample tables.

use std::ops::Range;
use std::panic::{catch_unwind, AssertUnwindSafe};

use telecine_container::TrackInfo;
use telecine_model::{MediaTime, Timescale};

#[cfg(feature = "dolby")]
use super::dolby;
use super::output::Pcm;
use super::symphonia;

/// What makes sound of the access units of one codec. It is others' work, and not free of panics on hostile bytes.
pub(super) trait Codec: Send {
    /// Decodes one access unit to interleaved frames, which it appends. None if it is refused.
    fn decode(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout>;

    /// Forgets what came before.
    fn reset(&mut self);
}

/// How sound is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
}

/// What a codec is set up with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setup {
    Symphonia(symphonia::Setup),
    /// AC-3 and E-AC-3 say all of it in every frame.
    #[cfg(feature = "dolby")]
    Dolby,
}

impl Setup {
    fn of(info: &TrackInfo) -> Option<Self> {
        let setup = symphonia::Setup::of(info).map(Self::Symphonia);
        #[cfg(feature = "dolby")]
        let setup = setup.or_else(|| dolby::is_dolby(info).then_some(Self::Dolby));
        setup
    }

    /// A codec, or why there is none.
    fn make(&self) -> Result<Box<dyn Codec>, String> {
        let made = catch_unwind(|| match self {
            Self::Symphonia(setup) => setup.make(),
            #[cfg(feature = "dolby")]
            Self::Dolby => Ok(dolby::make()),
        });
        made.map_err(|_| "its set-up data broke the decoder".to_owned())?
    }
}

/// A decoder of one track's configuration.
pub(super) struct Decoder {
    codec: Box<dyn Codec>,
    setup: Setup,
    clock: TrackClock,
    layout: Layout,
    /// Sound of the last sample, interleaved.
    pcm: Vec<f32>,
}

/// How the track counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrackClock {
    pub(super) track_id: u32,
    timescale: Timescale,
    shift: i64,
}

impl TrackClock {
    fn of(info: &TrackInfo) -> Self {
        Self { track_id: info.id, timescale: info.timescale, shift: info.edit.shift() }
    }

    /// The resolution of the track's times.
    pub(super) fn tick(&self) -> MediaTime {
        MediaTime::from_ticks(1, self.timescale)
    }

    /// Presentation time of a composition time in ticks.
    pub(super) fn presentation_time(&self, ticks: i64) -> MediaTime {
        MediaTime::from_ticks(ticks.saturating_add(self.shift), self.timescale)
    }
}

impl Decoder {
    /// A decoder for a track, or why there is none.
    pub(super) fn new(info: &TrackInfo) -> Result<Self, String> {
        let setup = Setup::of(info).ok_or_else(|| format!("no decoder for {}", info.codec))?;
        let codec = setup.make().map_err(|error| format!("no decoder for {}: {error}", info.codec))?;
        let layout = Layout {
            sample_rate: info.sample_rate.unwrap_or(48_000),
            channels: info.channels.map_or(2, |channels| channels as usize),
        };
        Ok(Self { codec, setup, clock: TrackClock::of(info), layout, pcm: Vec::new() })
    }

    /// Whether a track goes on with this decoder as it is: its state then continues across
    /// renditions, as gapless switching wants.
    pub(super) fn fits(&mut self, info: &TrackInfo) -> bool {
        let fits = Setup::of(info).is_some_and(|setup| setup == self.setup);
        if fits {
            self.clock = TrackClock::of(info);
        }
        fits
    }

    pub(super) fn clock(&self) -> TrackClock {
        self.clock
    }

    /// Forgets what came before.
    pub(super) fn reset(&mut self) {
        self.codec.reset();
    }

    /// Decodes one sample; false if the decoder refused it.
    pub(super) fn decode(&mut self, data: &[u8]) -> bool {
        self.pcm.clear();
        let attempt = catch_unwind(AssertUnwindSafe(|| self.codec.decode(data, &mut self.pcm)));
        match attempt {
            Ok(Some(layout)) => self.layout = layout,
            Ok(None) => {}
            // One that panicked is not used again.
            Err(_) => {
                if let Ok(codec) = self.setup.make() {
                    self.codec = codec;
                }
            }
        }
        matches!(attempt, Ok(Some(_)))
    }

    /// Puts silence in place of a sample that was refused.
    pub(super) fn silence(&mut self, span: MediaTime) {
        // A sample of a second is absurd already; do not let a table of times ask for gigabytes.
        let frames = self.frames_of(span.min(MediaTime::from_secs(1)));
        self.pcm.clear();
        self.pcm.resize(usize::try_from(frames).unwrap_or(0).saturating_mul(self.layout.channels), 0.0);
    }

    /// Frames of the last sample.
    pub(super) fn frames(&self) -> usize {
        self.pcm.len().checked_div(self.layout.channels).unwrap_or(0)
    }

    /// Frames in a span of time; none in a negative one.
    pub(super) fn frames_of(&self, span: MediaTime) -> u64 {
        let rate = Timescale::new(self.layout.sample_rate).unwrap_or(Timescale::SECONDS);
        u64::try_from(span.to_ticks(rate)).unwrap_or(0)
    }

    /// Some frames of the last sample.
    pub(super) fn pcm(&self, frames: Range<usize>) -> Pcm<'_> {
        let samples = frames.start * self.layout.channels..frames.end * self.layout.channels;
        Pcm {
            sample_rate: self.layout.sample_rate,
            channels: u16::try_from(self.layout.channels).unwrap_or(u16::MAX),
            samples: self.pcm.get(samples).unwrap_or(&[]),
        }
    }
}
