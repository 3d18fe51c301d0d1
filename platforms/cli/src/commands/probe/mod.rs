//! `telecine probe`: what is inside a container.

mod scan;

use std::fmt::Write as _;
use std::io;

use base64::prelude::{Engine as _, BASE64_STANDARD as BASE64};
use serde::{Serialize, Serializer};
use telecine_container::{EventMessage, EventTime, TrackInfo};
use telecine_model::{Error, ErrorCode, Limits};

use self::scan::{scan, Scan, Summed};
use crate::args::Probe;
use crate::columns::{columns, Align};
use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    /// `fmp4` if fragments may follow, else `mp4`.
    container: &'static str,
    brands: Vec<String>,
    tracks: Vec<TrackEntry<'a>>,
    events: Vec<EventEntry>,
    pssh: Vec<PsshEntry>,
}

#[derive(Serialize)]
struct TrackEntry<'a> {
    id: u32,
    kind: &'static str,
    codec: String,
    timescale: u32,
    language: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_rate: Option<u32>,
    channels: Option<u32>,
    encrypted: bool,
    /// What the edit list adds to the container's times; already in those of the samples.
    edit_shift: i64,
    samples: SampleList<'a>,
}

/// The samples of a track, as entries that are made as they are written.
struct SampleList<'a> {
    info: &'a TrackInfo,
    samples: &'a [Summed],
}

impl SampleList<'_> {
    fn iter(&self) -> impl Iterator<Item = SampleEntry> + '_ {
        let shift = self.info.edit.shift();
        let clear = self.info.encryption.is_none();
        self.samples.iter().map(move |sample| SampleEntry {
            dts: sample.dts.saturating_add(shift),
            pts: self.info.presentation_time(sample.pts),
            duration: sample.duration,
            size: sample.size,
            sync: sample.sync,
            crc32: clear.then_some(sample.crc32),
        })
    }
}

impl Serialize for SampleList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[derive(Debug, Serialize)]
struct SampleEntry {
    /// In ticks of the timescale on the presentation's timeline, like `pts`.
    dts: i64,
    pts: i64,
    duration: u32,
    size: u32,
    sync: bool,
    /// CRC-32 (ISO 3309) of the sample's clear bytes; null where they are encrypted.
    crc32: Option<u32>,
}

#[derive(Debug, Serialize)]
struct EventEntry {
    scheme: String,
    value: String,
    id: u32,
    timescale: u32,
    /// Ticks on the presentation's timeline (version 1), else null.
    presentation_time: Option<u64>,
    /// Ticks from the start of the segment (version 0), else null.
    presentation_time_delta: Option<u64>,
    duration: Option<u64>,
    /// The message, base64.
    message: String,
}

#[derive(Debug, Serialize)]
struct PsshEntry {
    system: Option<String>,
    /// The whole box, base64.
    pssh: String,
}

/// Runs the command.
pub(crate) fn run(args: &Probe) -> Result<(), Error> {
    // An argument that cannot be used is named by the message itself.
    let about = |error: Error| match error.code() {
        ErrorCode::InvalidArgument => error,
        _ => error.fact("url", args.file.display()),
    };
    let media = scan(&args.file, args.init.as_deref(), &Limits::default()).map_err(about)?;
    let protected = media.init.tracks.iter().find(|track| track.encryption.is_some());
    if let Some(track) = protected.filter(|_| !args.key.is_empty()) {
        let message = format!("track {} is protected, and this version does not decrypt yet", track.id);
        return Err(about(Error::new(ErrorCode::KeyUnavailable, message)));
    }
    let document = document(&media);
    if args.json {
        output::json(&document)
    } else {
        output::write(|out| text(&document, out))
    }
}

fn document(media: &Scan) -> Document<'_> {
    let tracks = media.init.tracks.iter().zip(&media.samples);
    Document {
        container: if media.init.fragmented { "fmp4" } else { "mp4" },
        brands: media.init.brands.iter().map(|brand| String::from_utf8_lossy(brand).into_owned()).collect(),
        tracks: tracks.map(|(info, samples)| track_entry(info, samples)).collect(),
        events: media.events.iter().map(event_entry).collect(),
        pssh: media.pssh.iter().map(|pssh| pssh_entry(pssh)).collect(),
    }
}

fn track_entry<'a>(info: &'a TrackInfo, samples: &'a [Summed]) -> TrackEntry<'a> {
    TrackEntry {
        id: info.id,
        kind: info.kind.name(),
        codec: info.codec.to_string(),
        timescale: info.timescale.get(),
        language: info.language.as_ref().map(ToString::to_string),
        width: info.width,
        height: info.height,
        sample_rate: info.sample_rate,
        channels: info.channels,
        encrypted: info.encryption.is_some(),
        edit_shift: info.edit.shift(),
        samples: SampleList { info, samples },
    }
}

fn event_entry(event: &EventMessage) -> EventEntry {
    let (at, delta) = match event.presentation {
        EventTime::Absolute(ticks) => (Some(ticks), None),
        EventTime::Delta(ticks) => (None, Some(ticks)),
    };
    EventEntry {
        scheme: event.scheme.clone(),
        value: event.value.clone(),
        id: event.id,
        timescale: event.timescale.get(),
        presentation_time: at,
        presentation_time_delta: delta,
        duration: event.duration,
        message: BASE64.encode(&event.message),
    }
}

/// A `pssh` box: size, type, version and flags are in front of the system (ISO/IEC 23001-7, 8.1).
fn pssh_entry(pssh: &[u8]) -> PsshEntry {
    let system = pssh.get(12..28).map(|id| {
        id.iter().enumerate().fold(String::new(), |mut text, (place, byte)| {
            if matches!(place, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            let _ = write!(text, "{byte:02x}");
            text
        })
    });
    PsshEntry { system, pssh: BASE64.encode(pssh) }
}

fn text(document: &Document<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    use Align::{Left, Right};
    let head =
        ["track", "kind", "codec", "size", "rate", "timescale", "samples", "key frames", "first", "seconds", "bytes"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for track in &document.tracks {
        let scale = f64::from(track.timescale);
        let total: u64 = track.samples.iter().map(|sample| u64::from(sample.duration)).sum();
        let first = track.samples.iter().map(|sample| sample.pts).min();
        rows.push(vec![
            track.id.to_string(),
            track.kind.to_owned(),
            output::plain(&track.codec),
            track.width.zip(track.height).map_or(String::new(), |(width, height)| format!("{width}×{height}")),
            track.sample_rate.map_or(String::new(), |rate| format!("{rate} Hz")),
            track.timescale.to_string(),
            track.samples.samples.len().to_string(),
            track.samples.iter().filter(|sample| sample.sync).count().to_string(),
            first.map_or(String::new(), |first| format!("{:.6}", first as f64 / scale)),
            format!("{:.6}", total as f64 / scale),
            track.samples.iter().map(|sample| u64::from(sample.size)).sum::<u64>().to_string(),
        ]);
    }
    let aligns = [Right, Left, Left, Right, Right, Right, Right, Right, Right, Right, Right];
    writeln!(out, "{}, {}", document.container, output::plain(&document.brands.join(" ")))?;
    columns(out, 0, &aligns, rows.into_iter())?;
    for event in &document.events {
        writeln!(out, "event {} {} {}", event.id, output::plain(&event.scheme), output::plain(&event.value))?;
    }
    for pssh in &document.pssh {
        writeln!(out, "pssh {}", pssh.system.as_deref().unwrap_or("unknown"))?;
    }
    Ok(())
}
