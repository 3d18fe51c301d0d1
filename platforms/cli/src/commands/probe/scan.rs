//! A media file read in pieces: what is kept of it are the tables of its samples and a checksum of
//! each, not its media.

mod stream;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{
    listed_samples, Container, EventMessage, Fragment, InitSegment, IsoReader, Sample, TimedMetadata, TrackInfo, Unit,
};
use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode, Limits, Place, Warning};

use super::texts::{self, TextEntry, TextTracks};
use crate::fetch::unreadable;
use crate::media::{about, container_name, container_of, foreign, Input, Keys};

/// Bytes read at a time at places anywhere in the file.
const READ: usize = 256 << 10;

/// What a scan may use to see through protection.
pub(super) struct Means<'a> {
    /// The initialisation section of a media segment that has none of its own.
    pub(super) init: Option<&'a Path>,
    pub(super) keys: Keys,
    /// Initialisation vector of SAMPLE-AES in streams.
    pub(super) iv: Option<[u8; 16]>,
}

/// Everything in a file but its media.
pub(super) struct Scan {
    pub(super) container: Container,
    pub(super) init: Arc<InitSegment>,
    /// Of the tracks of `init`, in their order.
    pub(super) samples: Vec<Vec<Summed>>,
    /// In order of the file.
    pub(super) events: Vec<EventMessage>,
    /// Whole `pssh` boxes of `moov` and of every `moof`, each once.
    pub(super) pssh: Vec<Bytes>,
    /// Keys that samples are under, by track.
    pub(super) key_ids: BTreeMap<u32, BTreeSet<KeyId>>,
    /// Timed metadata of a stream.
    pub(super) metadata: Vec<TimedMetadata>,
    /// Text tracks.
    pub(super) texts: Vec<TextEntry>,
    /// Faults that were tolerated.
    pub(super) warnings: Vec<Warning>,
}

/// A sample, and the CRC-32 of its bytes; where those are has served its purpose.
pub(super) struct Summed {
    pub(super) dts: i64,
    pub(super) pts: i64,
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) sync: bool,
    /// None where the bytes are encrypted and no key was given.
    pub(super) crc32: Option<u32>,
}

impl Summed {
    fn new(sample: &Sample, crc32: Option<u32>) -> Self {
        Self {
            dts: sample.dts,
            pts: sample.pts(),
            duration: sample.duration,
            size: sample.size,
            sync: sample.sync,
            crc32,
        }
    }
}

/// Reads a file: MP4, fragmented, progressive or both; a transport stream; packed audio.
///
/// # Errors
/// `InvalidArgument` for what cannot be read or is no media, what the readers of containers find, `InitMissing` if
/// there is no `moov`.
pub(super) fn scan(path: &Path, means: &Means<'_>, limits: &Limits) -> Result<Scan, Error> {
    match container_of(path)? {
        Some(container) if container.is_stream() => stream::scan(path, container, means, limits),
        Some(text @ (Container::WebVtt | Container::Ttml)) => {
            let name = container_name(text);
            let message = format!("'{}' is {name}, a text without samples that could be listed", path.display());
            Err(Error::new(ErrorCode::InvalidArgument, message))
        }
        // What is none of the others may still be MP4 with something in front.
        container => iso(path, container.is_some(), means, limits),
    }
}

/// `known`: its first box is one of MP4.
fn iso(path: &Path, known: bool, means: &Means<'_>, limits: &Limits) -> Result<Scan, Error> {
    let mut given = None;
    if let Some(init) = means.init {
        let read = units(init, None, limits, |unit| {
            if let Unit::Init(init) = unit {
                given = Some(init);
            }
            Ok(())
        });
        read.map_err(|error| about(error, init))?;
    }
    let mut found = Found { init: None, given: given.clone(), ..Found::default() };
    let mut seen = known;
    let read = units(path, given.clone(), limits, |unit| {
        seen = true;
        found.add(unit, &means.keys, limits)
    });
    let length = match read {
        // Bytes of something else, read as boxes, are wrong in any way that boxes can be.
        Err(error) if !seen && !is_within_a_box_of_mp4(&error) => return Err(foreign(path)),
        Ok(_) if !seen => return Err(foreign(path)),
        read => read?,
    };
    let (init, listed) = match (found.init.take(), given) {
        (Some(own), _) => {
            let listed = listed_samples(&own, length, limits)?;
            (own, listed)
        }
        (None, Some(given)) => (given, Vec::new()),
        (None, None) => {
            let message = "there is no moov box in either";
            return Err(Error::new(ErrorCode::InitMissing, message));
        }
    };
    let mut samples = checksums(path, &init.tracks, &listed)?;
    for (track, listed) in init.tracks.iter().zip(&listed).filter(|(track, _)| TextTracks::wants(track)) {
        if track.encryption.is_some() {
            continue;
        }
        texts::listed(path, listed.iter().map(|sample| (sample.offset, sample.size)), limits, |index, data| {
            if let Some(sample) = listed.get(index) {
                found.texts.take(track, sample.pts(), sample.duration, data, limits);
            }
        })?;
    }
    for (track, samples) in init.tracks.iter().zip(&mut samples) {
        samples.extend(found.samples.remove(&track.id).unwrap_or_default());
    }
    check_count(samples.iter().map(Vec::len).sum(), limits)?;
    let mut pssh = init.pssh.clone();
    pssh.extend(found.pssh);
    let mut seen = HashSet::new();
    pssh.retain(|pssh| seen.insert(pssh.clone()));
    Ok(Scan {
        container: Container::IsoBmff,
        samples,
        events: found.events,
        pssh,
        key_ids: found.key_ids,
        metadata: Vec::new(),
        warnings: std::mem::take(&mut found.texts.warnings),
        texts: found.texts.entries(&init.tracks),
        init,
    })
}

/// Whether an error is about a box that only MP4 has.
fn is_within_a_box_of_mp4(error: &Error) -> bool {
    let path = match error.place() {
        Some(Place::Box { path, .. } | Place::Path(path)) => path.as_str(),
        _ => "",
    };
    let first = path.split(['/', '[']).next().unwrap_or_default();
    matches!(first, "ftyp" | "styp" | "moov" | "moof" | "mdat" | "sidx" | "emsg")
}

/// Gives every unit of a file to `each`; the file's length.
fn units(
    path: &Path,
    init: Option<Arc<InitSegment>>,
    limits: &Limits,
    mut each: impl FnMut(Unit) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut input = Input::open(path)?;
    let mut reader = IsoReader::new(limits);
    if let Some(init) = init {
        reader.set_init(init);
    }
    let mut length = 0_u64;
    while let Some(piece) = input.next()? {
        length = length.saturating_add(piece.len() as u64);
        reader.push(piece);
        while let Some(unit) = reader.poll()? {
            each(unit)?;
        }
    }
    reader.finish()?;
    while let Some(unit) = reader.poll()? {
        each(unit)?;
    }
    Ok(length)
}

/// What a pass over the file brings together.
#[derive(Default)]
struct Found {
    init: Option<Arc<InitSegment>>,
    /// The initialisation segment that goes with a segment without one.
    given: Option<Arc<InitSegment>>,
    /// Samples of fragments by track; which tracks there are may be told behind them.
    samples: BTreeMap<u32, Vec<Summed>>,
    count: usize,
    events: Vec<EventMessage>,
    pssh: Vec<Bytes>,
    key_ids: BTreeMap<u32, BTreeSet<KeyId>>,
    texts: TextTracks,
}

impl Found {
    fn add(&mut self, unit: Unit, keys: &Keys, limits: &Limits) -> Result<(), Error> {
        match unit {
            // A file may change its movie half-way; the first one's tracks are what is reported.
            Unit::Init(init) => {
                self.init.get_or_insert(init);
            }
            Unit::Fragment(fragment) => {
                let init = self.init.clone().or_else(|| self.given.clone());
                return self.add_fragment(fragment, init.as_deref(), keys, limits);
            }
            Unit::Event(event) => self.events.push(event),
            _ => {}
        }
        Ok(())
    }

    fn add_fragment(
        &mut self,
        mut fragment: Fragment,
        init: Option<&InitSegment>,
        keys: &Keys,
        limits: &Limits,
    ) -> Result<(), Error> {
        self.count += fragment.tracks.iter().map(|track| track.samples.len()).sum::<usize>();
        check_count(self.count, limits)?;
        self.pssh.extend(fragment.pssh.iter().cloned());
        let encryption = init.map(|init| fragment.encryption(init)).transpose()?.unwrap_or_default();
        let hidden: Vec<Vec<bool>> = (0..fragment.tracks.len())
            .map(|index| encryption.samples(index).map(|how| how.is_some()).collect())
            .collect();
        for (index, part) in fragment.tracks.iter().enumerate() {
            let ids = encryption.samples(index).flatten().map(|how| how.kid);
            self.key_ids.entry(part.track_id).or_default().extend(ids);
        }
        let seen_through = !encryption.is_clear() && keys.have(encryption.key_ids());
        if let Some(init) = init.filter(|_| seen_through) {
            keys.clear(&mut fragment, init)?;
        }
        for (part, hidden) in fragment.tracks.iter().zip(hidden) {
            let text = init.and_then(|init| init.track(part.track_id)).filter(|track| TextTracks::wants(track));
            let samples = self.samples.entry(part.track_id).or_default();
            for (at, sample) in part.samples.iter().enumerate() {
                let offset = fragment.offset.saturating_add(sample.offset);
                let bytes = fragment.sample(sample).ok_or_else(|| missing(part.track_id, offset))?;
                let clear = seen_through || !hidden.get(at).is_some_and(|hidden| *hidden);
                if let Some(track) = text.filter(|_| clear) {
                    self.texts.take(track, sample.pts(), sample.duration, Ok(&bytes), limits);
                }
                samples.push(Summed::new(sample, clear.then(|| crc32fast::hash(&bytes))));
            }
        }
        Ok(())
    }
}

/// The listed samples with the checksums of their bytes, which may lie anywhere in the file.
fn checksums(path: &Path, tracks: &[TrackInfo], listed: &[Vec<Sample>]) -> Result<Vec<Vec<Summed>>, Error> {
    if listed.iter().all(Vec::is_empty) {
        return Ok(tracks.iter().map(|_| Vec::new()).collect());
    }
    let mut media = Pieces::open(path).map_err(|e| unreadable(path, &e))?;
    let mut summed = |track: &TrackInfo, sample: &Sample| match media.crc32(sample.offset, sample.size) {
        Ok(crc32) => Ok(Summed::new(sample, track.encryption.is_none().then_some(crc32))),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(missing(track.id, sample.offset)),
        Err(e) => Err(unreadable(path, &e)),
    };
    let of_track = |(track, samples): (&TrackInfo, &Vec<Sample>)| {
        samples.iter().map(|sample| summed(track, sample)).collect::<Result<Vec<_>, _>>()
    };
    tracks.iter().zip(listed).map(of_track).collect()
}

/// A file read at offsets, of which one piece is held.
struct Pieces {
    file: File,
    at: u64,
    piece: Vec<u8>,
}

impl Pieces {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, at: 0, piece: Vec::new() })
    }

    /// The checksum of `size` bytes from `offset`.
    fn crc32(&mut self, mut offset: u64, size: u32) -> io::Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let mut left = size as usize;
        while left > 0 {
            let held = self.held(offset);
            let Some(bytes) = held.get(..left.min(held.len())).filter(|bytes| !bytes.is_empty()) else {
                self.load(offset)?;
                continue;
            };
            hasher.update(bytes);
            left -= bytes.len();
            offset = offset.saturating_add(bytes.len() as u64);
        }
        Ok(hasher.finalize())
    }

    /// What is held from `offset` on.
    fn held(&self, offset: u64) -> &[u8] {
        let skip = offset.checked_sub(self.at).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.piece.get(skip..)).unwrap_or_default()
    }

    fn load(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.at = offset;
        self.piece.clear();
        match (&mut self.file).take(READ as u64).read_to_end(&mut self.piece)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn missing(track: u32, offset: u64) -> Error {
    Error::new(ErrorCode::ContainerTruncated, format!("a sample of track {track} is not in the file"))
        .at(Place::Byte(offset))
}

fn check_count(samples: usize, limits: &Limits) -> Result<(), Error> {
    if samples > limits.file_samples {
        let message = format!("more than {} samples in one file", limits.file_samples);
        return Err(Error::new(ErrorCode::ContainerLimit, message));
    }
    Ok(())
}
