//! Whole files at once, for looking into them.

use std::sync::Arc;

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits};

use super::boxes::{BoxView, Header};
use super::event::{EventMessage, ProducerReference};
use super::fragment::{Fragment, Sample};
use super::index::SegmentIndexBox;
use super::init::{track_name, InitSegment, TrackInfo};
use super::reader::{IsoReader, Unit};
use super::tables;

/// Everything in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The file.
    pub data: Bytes,
    /// Its initialisation segment, or the one that was given.
    pub init: Arc<InitSegment>,
    /// In order of `moov`.
    pub tracks: Vec<MediaTrack>,
    /// In order of the file.
    pub events: Vec<EventMessage>,
    /// Whole `pssh` boxes of `moov` and of every `moof`, each once.
    pub pssh: Vec<Bytes>,
    /// Segment indexes, in order of the file.
    pub indexes: Vec<SegmentIndexBox>,
    /// Producer reference times, in order of the file.
    pub producer_times: Vec<ProducerReference>,
}

/// A track with all of its samples in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaTrack {
    /// What `moov` says of it.
    pub info: TrackInfo,
    /// In decode order; offsets count from the first byte of the file.
    pub samples: Vec<Sample>,
}

impl Media {
    /// The bytes of a sample, shared. `None` if the sample is not of this file.
    pub fn sample(&self, sample: &Sample) -> Option<Bytes> {
        let start = usize::try_from(sample.offset).ok()?;
        let end = start.checked_add(usize::try_from(sample.size).ok()?)?;
        (end <= self.data.len()).then(|| self.data.slice(start..end))
    }
}

/// Reads a complete file: fragmented, progressive, or both. `init` is the initialisation segment of
/// a media segment that has none of its own.
///
/// # Errors
/// Those of [`IsoReader::poll`] and [`IsoReader::finish`]; `InitMissing` if neither the file nor
/// `init` has a `moov`; `ContainerLimit` beyond [`Limits::file_samples`] samples.
pub fn read_file(bytes: Bytes, init: Option<Bytes>, limits: &Limits) -> Result<Media, Error> {
    let mut given = None;
    if let Some(init) = init {
        for unit in units(init, None, limits)? {
            if let Unit::Init(init) = unit {
                given = Some(init);
            }
        }
    }
    let units = units(bytes.clone(), given.clone(), limits)?;
    let own = units.iter().find_map(|unit| match unit {
        Unit::Init(init) => Some(Arc::clone(init)),
        _ => None,
    });
    let listed = own.is_some();
    let Some(init) = own.or(given) else {
        return Err(Error::new(
            ErrorCode::InitMissing,
            "neither the file nor the initialisation segment given has a moov box",
        ));
    };
    let mut media = Media {
        data: bytes,
        pssh: init.pssh.clone(),
        tracks: init.tracks.iter().map(|info| MediaTrack { info: info.clone(), samples: Vec::new() }).collect(),
        init,
        events: Vec::new(),
        indexes: Vec::new(),
        producer_times: Vec::new(),
    };
    if listed {
        let listed = listed_samples(&media.init, media.data.len() as u64, limits)?;
        for (track, samples) in media.tracks.iter_mut().zip(listed) {
            track.samples = samples;
        }
    }
    for unit in units {
        media.add(unit, limits)?;
    }
    let mut seen = telecine_model::SortedSet::new();
    media.pssh.retain(|pssh| seen.insert(pssh.clone()));
    Ok(media)
}

/// All units of a complete resource.
fn units(bytes: Bytes, init: Option<Arc<InitSegment>>, limits: &Limits) -> Result<Vec<Unit>, Error> {
    let mut reader = IsoReader::new(limits);
    if let Some(init) = init {
        reader.set_init(init);
    }
    reader.push(bytes);
    let mut units = Vec::new();
    let mut samples = 0_usize;
    let mut collect = |unit: Unit, units: &mut Vec<Unit>| {
        if let Unit::Fragment(fragment) = &unit {
            samples += fragment.tracks.iter().map(|track| track.samples.len()).sum::<usize>();
            check_samples(samples, limits)?;
        }
        units.push(unit);
        Ok::<_, Error>(())
    };
    while let Some(unit) = reader.poll()? {
        collect(unit, &mut units)?;
    }
    reader.finish()?;
    while let Some(unit) = reader.poll()? {
        collect(unit, &mut units)?;
    }
    Ok(units)
}

fn check_samples(samples: usize, limits: &Limits) -> Result<(), Error> {
    if samples > limits.file_samples {
        return Err(Error::new(
            ErrorCode::ContainerLimit,
            format!("more than {} samples in one file", limits.file_samples),
        ));
    }
    Ok(())
}

/// Samples that `moov` lists itself, as files without fragments have them: for each track of `init`
/// in its order, in decode order. Offsets count from the first byte of the file, which is
/// `file_bytes` long and may have been read in pieces.
///
/// # Errors
/// `ContainerSyntax` for broken tables, `ContainerLimit` beyond [`Limits::file_samples`] samples,
/// `SourceUnreadable` if the media is in another file.
pub fn listed_samples(init: &InitSegment, file_bytes: u64, limits: &Limits) -> Result<Vec<Vec<Sample>>, Error> {
    let mut listed = vec![Vec::new(); init.tracks.len()];
    let (bytes, offset) = init.moov();
    let header = Header::read(&bytes).ok().flatten();
    // The reader has parsed this header before.
    let Some(header) = header else { return Ok(listed) };
    let moov = BoxView::whole(&bytes, header, offset);
    let mut allowed = limits.file_samples;
    let mut tracks = init.tracks.iter().zip(&mut listed);
    for trak in moov.children() {
        let trak = trak?;
        if &trak.kind() != b"trak" {
            continue;
        }
        let Some((info, samples)) = tracks.next().filter(|(info, _)| info.listed_samples > 0) else {
            continue;
        };
        if info.external_data {
            return Err(trak
                .error(ErrorCode::SourceUnreadable, format!("the media of {} is in another file", track_name(info))));
        }
        let stbl = trak.require(b"mdia")?;
        let stbl = stbl.require(b"minf")?;
        let stbl = stbl.require(b"stbl")?;
        *samples = tables::read(&stbl, allowed, file_bytes)?;
        allowed -= samples.len();
    }
    Ok(listed)
}

impl Media {
    fn add(&mut self, unit: Unit, limits: &Limits) -> Result<(), Error> {
        match unit {
            Unit::Init(_) => {}
            Unit::Fragment(fragment) => return self.add_fragment(fragment, limits),
            Unit::Index(index) => self.indexes.push(index),
            Unit::Event(event) => self.events.push(event),
            Unit::ProducerTime(time) => self.producer_times.push(time),
        }
        Ok(())
    }

    fn add_fragment(&mut self, fragment: Fragment, limits: &Limits) -> Result<(), Error> {
        for part in fragment.tracks {
            // A file may change its movie half-way; the first one's tracks are what is reported.
            let Some(track) = self.tracks.iter_mut().find(|track| track.info.id == part.track_id) else {
                continue;
            };
            track.samples.extend(
                part.samples
                    .into_iter()
                    .map(|sample| Sample { offset: sample.offset.saturating_add(fragment.offset), ..sample }),
            );
        }
        self.pssh.extend(fragment.pssh);
        check_samples(self.tracks.iter().map(|track| track.samples.len()).sum(), limits)
    }
}
