//! An ear: what sound was rendered, and when; and what ffmpeg says that it should have been.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use gstreamer_app as app;
use telecine_gstreamer::gstreamer::{self as gst, prelude::*};
use telecine_model::{MediaTime, Timescale};

/// Frames (of all channels) a second.
const RATE: u32 = 48_000;
const CHANNELS: usize = 2;

/// Sound that was rendered.
#[derive(Clone, Debug)]
pub struct Heard {
    pub pts: MediaTime,
    /// Interleaved.
    pub samples: Vec<f32>,
    /// When it was to be rendered, in running time,
    pub due: gst::ClockTime,
    /// and when it was.
    pub at: gst::ClockTime,
}

impl Heard {
    pub fn is_silent(&self) -> bool {
        self.samples.iter().all(|sample| *sample == 0.0)
    }
}

/// A loudspeaker that remembers.
pub struct Ear {
    element: gst::Element,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Ear {
    pub fn new() -> Self {
        gst::init().expect("GStreamer is installed");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&heard);
        let callbacks = app::AppSinkCallbacks::builder().new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let (buffer, segment) = (sample.buffer().expect("a buffer"), sample.segment().expect("a segment"));
            let segment = segment.downcast_ref::<gst::ClockTime>().expect("in time");
            let pts = buffer.pts().expect("a time");
            let map = buffer.map_readable().expect("memory");
            let samples = map.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four")));
            memory.lock().expect("no test panics while it listens").push(Heard {
                // The sink's timeline begins a day later.
                pts: MediaTime::from_nanos(pts.nseconds() as i64) - MediaTime::from_secs(24 * 3600),
                samples: samples.collect(),
                due: segment.to_running_time(pts).expect("within the segment"),
                at: sink.current_running_time().expect("a clock"),
            });
            Ok(gst::FlowSuccess::Ok)
        });
        let caps = gst::Caps::builder("audio/x-raw").field("format", "F32LE").field("layout", "interleaved");
        let caps = caps.field("rate", RATE as i32).field("channels", CHANNELS as i32).build();
        let element = app::AppSink::builder().caps(&caps).callbacks(callbacks.build()).sync(true).build().upcast();
        Self { element, heard }
    }

    pub fn element(&self) -> gst::Element {
        self.element.clone()
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no callback panics").clone()
    }

    /// What was heard, in spans without holes. Silence is not heard.
    pub fn spans(&self) -> Vec<(MediaTime, MediaTime)> {
        let mut spans: Vec<(MediaTime, MediaTime)> = Vec::new();
        for heard in self.heard() {
            if heard.is_silent() {
                continue;
            }
            let end = heard.pts + time_of(heard.samples.len() / CHANNELS);
            match spans.last_mut() {
                Some((_, last)) if last.abs_diff(heard.pts) <= MediaTime::from_millis(1) => *last = end,
                _ => spans.push((heard.pts, end)),
            }
        }
        spans
    }

    /// Sound was heard in these spans (within a frame of AAC) and nowhere else, it was that of the
    /// reference, and it was in time.
    pub fn assert_heard(&self, reference: &[f32], expected: &[(MediaTime, MediaTime)]) {
        let (spans, frame) = (self.spans(), time_of(1024));
        assert_eq!(spans.len(), expected.len(), "{spans:?}");
        for (span, expected) in spans.iter().zip(expected) {
            let fits = span.0.abs_diff(expected.0) <= frame && span.1.abs_diff(expected.1) <= frame;
            assert!(fits, "{span:?} for {expected:?}");
            self.assert_sounds_like(reference, *span);
        }
    }

    /// The loudspeaker was never without anything to play, be it silence.
    pub fn assert_fed(&self) {
        let heard = self.heard();
        let ends = heard.iter().map(|heard| heard.pts + time_of(heard.samples.len() / CHANNELS));
        for (end, next) in ends.zip(&heard[1..]) {
            assert!(end.abs_diff(next.pts) <= time_of(1024), "from {end} to {}", next.pts);
        }
    }

    fn assert_sounds_like(&self, reference: &[f32], (from, to): (MediaTime, MediaTime)) {
        let within: Vec<Heard> = self.heard().into_iter().filter(|h| from <= h.pts && h.pts < to).collect();
        let first = from.to_ticks(Timescale::new(RATE).expect("not zero")) as usize * CHANNELS;
        let got: Vec<f32> = within.iter().flat_map(|heard| heard.samples.iter().copied()).collect();
        // Not to the bit: where AAC says only how loud noise is (ISO/IEC 14496-3, 4.6.13), every
        // decoder makes its own.
        let similar = |shift: i64, got: &[f32]| {
            let from = first.checked_add_signed(shift as isize * CHANNELS as isize)?;
            Some(similarity(got, reference.get(from..)?))
        };
        let same = similar(0, &got).expect("within the reference");
        assert!(same > 0.95, "{same} at {from}");
        let second = &got[..got.len().min(RATE as usize * CHANNELS)];
        let better = (-1024..1024).find(|shift| similar(*shift, second) > similar(0, second));
        assert_eq!(better, None, "sound of another time at {from}");
        // Never early. A machine that is busy may be late with some, not with all of a second.
        assert!(within.iter().all(|heard| heard.at >= heard.due));
        for second in within.chunks(48) {
            let late = second.iter().map(|heard| heard.at - heard.due).min().expect("a chunk is not empty");
            assert!(late < gst::ClockTime::from_mseconds(20), "{late} late, at {}", second[0].pts);
        }
    }
}

/// 1 for the same, 0 for unrelated.
fn similarity(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let common = a.len().min(b.len());
    product(a, b) / (product(&a[..common], a) * product(&b[..common], b)).sqrt()
}

fn time_of(frames: usize) -> MediaTime {
    MediaTime::from_ticks(frames as i64, Timescale::new(RATE).expect("not zero"))
}

/// A track of the demo title as ffmpeg decodes it.
pub fn reference(name: &str) -> Vec<f32> {
    let path = [env!("CARGO_MANIFEST_DIR"), "../../conformance/media/demo", name].iter().collect::<PathBuf>();
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-i"])
        .arg(path)
        .args(["-f", "f32le", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four"))).collect()
}
