//! `telecine probe`: what is inside a container.

mod scan;
mod texts;

use std::fmt::Write as _;
use std::io;

use base64::prelude::{Engine as _, BASE64_STANDARD as BASE64};
use bytes::Bytes;
use serde::{Serialize, Serializer};
use telecine_container::{Container, EventMessage, EventTime, FourCc, TimedMetadata, TrackEncryption, TrackInfo};
use telecine_drm::system::Pssh;
use telecine_model::protection::SystemId;
use telecine_model::{Error, Limits, Timescale, Warning};

use self::scan::{scan, Means, Scan, Summed};
use self::texts::TextEntry;
use crate::args::Probe;
use crate::columns::{columns, Align};
use crate::document::WarningEntry;
use crate::media::{about, container_name, container_of, init_wanted, Keys};
use crate::output;

/// The clock of transport streams.
const CLOCK: Timescale = match Timescale::new(90_000) {
    Some(scale) => scale,
    None => Timescale::SECONDS,
};

#[derive(Serialize)]
struct Document<'a> {
    /// `fmp4` if fragments may follow, else `mp4`; `ts`, `adts`, `mpeg-audio`, `ac3`, `eac3`, `webvtt`, `ttml`.
    container: &'static str,
    brands: Vec<String>,
    tracks: Vec<TrackEntry<'a>>,
    events: Vec<EventEntry>,
    pssh: Vec<PsshEntry>,
    /// Subtitles: the file itself, or text tracks in it.
    texts: Vec<TextEntry>,
    warnings: Vec<WarningEntry>,
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
    /// Null for a track that is clear throughout.
    encryption: Option<EncryptionEntry>,
    sample_count: usize,
    /// What its samples last together.
    duration_s: f64,
    /// What the edit list adds to the container's times; already in those of the samples.
    edit_shift: i64,
    samples: SampleList<'a>,
}

#[derive(Debug, Serialize)]
struct EncryptionEntry {
    /// `cenc`, `cens`, `cbc1`, `cbcs`; SAMPLE-AES of streams is `cbcs`.
    scheme: String,
    /// Null where the container does not say it.
    default_kid: Option<String>,
    /// Keys that samples are under.
    key_ids: Vec<String>,
    /// Bytes of a sample's own vector; zero if all have the same.
    iv_size: u8,
    constant_iv: Option<String>,
    /// Of so many blocks `crypt` are encrypted and `skip` are not; zeros: all of them.
    crypt_blocks: u8,
    skip_blocks: u8,
}

/// The samples of a track, as entries that are made as they are written.
struct SampleList<'a> {
    info: &'a TrackInfo,
    samples: &'a [Summed],
}

impl SampleList<'_> {
    fn iter(&self) -> impl Iterator<Item = SampleEntry> + '_ {
        let shift = self.info.edit.shift();
        self.samples.iter().map(move |sample| SampleEntry {
            dts: sample.dts.saturating_add(shift),
            pts: self.info.presentation_time(sample.pts),
            duration: sample.duration,
            size: sample.size,
            sync: sample.sync,
            crc32: sample.crc32,
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
    /// CRC-32 (ISO 3309) of the sample's clear bytes; null where they are encrypted and no key was given.
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
    /// `Widevine`, `PlayReady`…; null if it is not known.
    name: Option<&'static str>,
    key_ids: Vec<String>,
    /// The whole box, base64.
    pssh: String,
}

/// Runs the command.
pub(crate) fn run(args: &Probe) -> Result<(), Error> {
    let here = |error| about(error, &args.file);
    let means = Means { init: args.init.as_deref(), keys: Keys::new(&args.key)?, iv: args.iv };
    let limits = Limits::default();
    if let Some(container @ (Container::WebVtt | Container::Ttml)) = container_of(&args.file).map_err(here)? {
        let (entry, warnings) = texts::file(&args.file, container, &limits).map_err(here)?;
        return print(args, &text_document(container, entry, &warnings));
    }
    let media = scan(&args.file, &means, &limits);
    let media = media.map_err(|error| here(init_wanted(error, &args.file, args.init.as_deref())))?;
    print(args, &document(&media, &limits))
}

fn print(args: &Probe, document: &Document<'_>) -> Result<(), Error> {
    if args.json {
        output::json(document)
    } else {
        output::write(|out| text(document, out))
    }
}

/// Of a file of subtitles.
fn text_document(container: Container, entry: TextEntry, warnings: &[Warning]) -> Document<'static> {
    Document {
        container: container_name(container),
        brands: Vec::new(),
        tracks: Vec::new(),
        events: Vec::new(),
        pssh: Vec::new(),
        texts: vec![entry],
        warnings: warnings.iter().map(WarningEntry::from).collect(),
    }
}

fn document<'a>(media: &'a Scan, limits: &Limits) -> Document<'a> {
    let tracks = media.init.tracks.iter().zip(&media.samples);
    Document {
        container: match media.container {
            Container::IsoBmff if media.init.fragmented => "fmp4",
            other => container_name(other),
        },
        brands: brands(media).iter().map(|brand| String::from_utf8_lossy(brand).into_owned()).collect(),
        tracks: tracks.map(|(info, samples)| track_entry(media, info, samples)).collect(),
        events: media.events.iter().map(event_entry).chain(media.metadata.iter().map(metadata_entry)).collect(),
        pssh: media.pssh.iter().map(|pssh| pssh_entry(pssh, limits)).collect(),
        texts: media.texts.clone(),
        warnings: media.warnings.iter().map(WarningEntry::from).collect(),
    }
}

/// Brands are of a file's own `ftyp`; the one that a stream is given on its way is not in the file.
fn brands(media: &Scan) -> &[FourCc] {
    match media.container {
        Container::IsoBmff => &media.init.brands,
        _ => &[],
    }
}

fn track_entry<'a>(media: &Scan, info: &'a TrackInfo, samples: &'a [Summed]) -> TrackEntry<'a> {
    let ticks: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
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
        encryption: info.encryption.as_ref().map(|encryption| encryption_entry(media, info.id, encryption)),
        sample_count: samples.len(),
        duration_s: ticks as f64 / f64::from(info.timescale.get()),
        edit_shift: info.edit.shift(),
        samples: SampleList { info, samples },
    }
}

fn encryption_entry(media: &Scan, track: u32, encryption: &TrackEncryption) -> EncryptionEntry {
    // A stream says neither key nor vector: what stands there is what this command put in.
    let said = media.container == Container::IsoBmff;
    let used = media.key_ids.get(&track).into_iter().flatten();
    EncryptionEntry {
        scheme: String::from_utf8_lossy(&encryption.scheme).into_owned(),
        default_kid: said.then(|| encryption.default_kid.to_string()),
        key_ids: used.filter(|_| said).map(ToString::to_string).collect(),
        iv_size: encryption.per_sample_iv_size,
        constant_iv: encryption.constant_iv.as_deref().filter(|_| said).map(hex),
        crypt_blocks: encryption.crypt_blocks,
        skip_blocks: encryption.skip_blocks,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// ID3 of a stream, as an event of MP4 that carries it (Carriage of ID3 Timed Metadata in CMAF, 2).
fn metadata_entry(metadata: &TimedMetadata) -> EventEntry {
    let ticks = metadata.time.map(|time| time.to_ticks(CLOCK));
    EventEntry {
        scheme: "https://aomedia.org/emsg/ID3".to_owned(),
        value: String::new(),
        id: 0,
        timescale: CLOCK.get(),
        presentation_time: ticks.and_then(|ticks| u64::try_from(ticks).ok()),
        presentation_time_delta: None,
        duration: None,
        message: BASE64.encode(&metadata.tag.data),
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

/// A `pssh` box. What its data says is read where it is of a system that is known.
fn pssh_entry(raw: &Bytes, limits: &Limits) -> PsshEntry {
    let boxes = Pssh::parse_all(raw, limits).unwrap_or_default();
    let read = boxes.first();
    PsshEntry {
        // Size, type, version and flags are in front of the system (ISO/IEC 23001-7, 8.1).
        system: raw.get(12..28).and_then(|id| id.try_into().ok()).map(|id| SystemId(id).to_string()),
        name: read.and_then(|pssh| pssh.system.name()),
        key_ids: read.map_or(Vec::new(), |pssh| pssh.key_ids(limits).iter().map(ToString::to_string).collect()),
        pssh: BASE64.encode(raw),
    }
}

fn text(document: &Document<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    use Align::{Left, Right};
    let head = [
        "track",
        "kind",
        "codec",
        "size",
        "rate",
        "timescale",
        "samples",
        "key frames",
        "first",
        "seconds",
        "bytes",
        "protection",
    ];
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
            track.encryption.as_ref().map_or(String::new(), |encryption| match encryption.skip_blocks {
                0 => output::plain(&encryption.scheme),
                skip => format!("{} {}:{skip}", output::plain(&encryption.scheme), encryption.crypt_blocks),
            }),
        ]);
    }
    let aligns = [Right, Left, Left, Right, Right, Right, Right, Right, Right, Right, Right, Left];
    let brands = output::plain(&document.brands.join(" "));
    writeln!(out, "{}{}{brands}", document.container, if brands.is_empty() { "" } else { ", " })?;
    if !document.tracks.is_empty() {
        columns(out, 0, &aligns, rows.into_iter())?;
    }
    for entry in &document.texts {
        texts::line(entry, out)?;
    }
    for (track, encryption) in document.tracks.iter().filter_map(|track| Some((track, track.encryption.as_ref()?))) {
        for key in &encryption.key_ids {
            writeln!(out, "track {} key {key}", track.id)?;
        }
    }
    for event in &document.events {
        writeln!(out, "event {} {} {}", event.id, output::plain(&event.scheme), output::plain(&event.value))?;
    }
    for pssh in &document.pssh {
        let system = pssh.system.as_deref().unwrap_or("unknown");
        let name = pssh.name.map_or(String::new(), |name| format!(" {name}"));
        writeln!(out, "pssh {system}{name} {}", pssh.key_ids.join(" "))?;
    }
    for warning in &document.warnings {
        writeln!(out, "warning {} {}: {}", warning.rule, warning.place, output::plain(&warning.message))?;
    }
    Ok(())
}
