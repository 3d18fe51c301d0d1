//! Initialisation: `ftyp` and `moov` (ISO/IEC 14496-12, 8.2 to 8.8.3).

use std::ops::Range;

use bytes::Bytes;
use telecine_model::{
    Codec, Error, ErrorCode, Language, Limits, MediaTime, SortedMap, SortedSet, Timescale, TrackKind,
};

use super::boxes::{fourcc_name, BoxView, FourCc, Header};
use super::clear::{Retyped, FREE};
use super::entry::{self, DecoderConfig, SampleDescription};
use super::protection::{self, EncryptionGroups, TrackEncryption};

/// Everything that must be known before the first fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitSegment {
    /// `ftyp` and `moov`, exactly as they arrived, for a decoder or Media Source.
    pub data: Bytes,
    /// Major brand first, then the compatible ones. Empty without `ftyp`.
    pub brands: Vec<FourCc>,
    /// In order of the file.
    pub tracks: Vec<TrackInfo>,
    /// `pssh` boxes of `moov`, each whole.
    pub pssh: Vec<Bytes>,
    /// Fragments may follow (`mvex`). False for plain progressive files.
    pub fragmented: bool,
    /// Its media was protected and is made clear ([`cleared`](Self::cleared)).
    pub made_clear: bool,
    /// Duration of the whole title, where it is known (`mehd`, else `mvhd`).
    pub duration: Option<MediaTime>,
    /// `moov` in `data`, and in the resource.
    pub(crate) moov: Range<usize>,
    pub(crate) moov_offset: u64,
    /// What to rename for the tracks to be clear; places count from the first byte of the resource.
    pub(crate) retyped: Vec<Retyped>,
}

impl InitSegment {
    /// The track with this id.
    pub fn track(&self, id: u32) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.id == id)
    }

    /// The bytes of `moov`, shared with [`data`](Self::data), and their offset in the resource: for whoever writes
    /// them back to their place.
    pub fn moov(&self) -> (Bytes, u64) {
        (self.data.slice(self.moov.clone()), self.moov_offset)
    }
}

/// One track of a movie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInfo {
    /// `track_ID`; never zero.
    pub id: u32,
    /// For which sense, from the handler.
    pub kind: TrackKind,
    /// `vide`, `soun`, `text`, `subt`, `meta`…
    pub handler: FourCc,
    /// Ticks a second of every time of this track.
    pub timescale: Timescale,
    /// From `elng`, else `mdhd`; None if undetermined.
    pub language: Option<Language>,
    /// RFC 6381 codec string of the first sample description.
    pub codec: Codec,
    /// Decoder configuration of the first sample description.
    pub config: DecoderConfig,
    /// Pixels across, for video.
    pub width: Option<u32>,
    /// Lines, for video.
    pub height: Option<u32>,
    /// Samples a second that come out of the decoder, for audio.
    pub sample_rate: Option<u32>,
    /// Channels that come out of the decoder, for audio.
    pub channels: Option<u32>,
    /// Where presentation starts on the media's own timeline.
    pub edit: Edit,
    /// Set if any sample description is protected; a track with a clear lead has clear ones too.
    pub encryption: Option<TrackEncryption>,
    /// Every sample description, in order: index 1 of the specification is the first.
    pub descriptions: Vec<SampleDescription>,
    /// What fragments use for what they do not say.
    pub defaults: TrackDefaults,
    /// Samples listed in `moov` itself: zero in CMAF.
    pub listed_samples: u32,
    /// Media that is not in this resource (`dref`): such samples cannot be read.
    pub external_data: bool,
    /// Sample groups of encryption that fragments refer to (`sgpd` of type `seig`).
    pub(crate) encryption_groups: EncryptionGroups,
}

impl TrackInfo {
    /// Presentation time in ticks of a composition time in ticks, as the edit list says.
    pub fn presentation_time(&self, pts: i64) -> i64 {
        pts.saturating_add(self.edit.shift())
    }
}

/// What an edit list comes down to: one piece of media, behind an optional pause.
///
/// Presentation time = composition time - `media_start` + `delay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Edit {
    /// Composition time, in ticks of the track, at which presentation starts.
    pub media_start: i64,
    /// Empty edits before the media, in ticks of the track (rounded to the nearest).
    pub delay: i64,
    /// Length of the piece in ticks of the track; None: to the end.
    pub duration: Option<u64>,
    /// Edits that are not represented here: a second piece of media, or a rate other than one.
    pub ignored: u32,
}

impl Edit {
    /// What to add to a composition time, in ticks of the track.
    pub const fn shift(&self) -> i64 {
        self.delay.saturating_sub(self.media_start)
    }
}

/// `trex` (ISO/IEC 14496-12, 8.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackDefaults {
    /// False if `mvex` has no `trex` for the track; the values are then zeros.
    pub stated: bool,
    /// Index of the sample description, from 1.
    pub description: u32,
    /// Ticks.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// Sample flags (8.8.3.1).
    pub flags: u32,
}

impl Default for TrackDefaults {
    fn default() -> Self {
        Self { stated: false, description: 1, duration: 0, size: 0, flags: 0 }
    }
}

/// Brands of an `ftyp` or `styp` box, the major one first.
pub(crate) fn brands(view: &BoxView<'_>) -> Result<Vec<FourCc>, Error> {
    let mut fields = view.fields();
    let major = fields.array()?;
    fields.u32()?; // minor_version
    let (compatible, _) = fields.rest().as_chunks();
    Ok([major].iter().chain(compatible).copied().collect())
}

/// Reads `moov`; `file_type` is the whole `ftyp` box before it, if there was one.
pub(crate) fn read(
    moov_bytes: &Bytes,
    header: Header,
    moov_offset: u64,
    file_type: Option<(Bytes, Vec<FourCc>)>,
    limits: &Limits,
) -> Result<InitSegment, Error> {
    let moov = BoxView::whole(moov_bytes, header, moov_offset);
    let (data, brands) = match file_type {
        Some((ftyp, brands)) => ([ftyp, moov_bytes.clone()].concat().into(), brands),
        None => (moov_bytes.clone(), Vec::new()),
    };
    let mut movie = Movie::default();
    let mut pssh = Vec::new();
    let mut traks = Vec::new();
    let mut retyped = Vec::new();
    for child in moov.children() {
        let child = child?;
        match &child.kind() {
            b"mvhd" => movie.read_header(&child)?,
            b"mvex" => movie.read_extends(&child)?,
            b"trak" => traks.push(child),
            _ => {
                if let Some(found) = protection::pssh(&child) {
                    pssh.push(found);
                    retyped.push(Retyped::new(&child, FREE));
                }
            }
        }
        if pssh.len().max(traks.len()) > limits.side_items {
            return Err(child.error(ErrorCode::ContainerLimit, "more tracks or pssh boxes than the limit allows"));
        }
    }
    let mut tracks = Vec::with_capacity(traks.len());
    let mut ids = SortedSet::new();
    for trak in &traks {
        let track = track(trak, &movie, &brands, &mut retyped)?;
        if !ids.insert(track.id) {
            return Err(trak.syntax(format!("two tracks have id {}", track.id)));
        }
        tracks.push(track);
    }
    let scale = movie.timescale.unwrap_or(Timescale::SECONDS);
    Ok(InitSegment {
        moov: data.len() - moov_bytes.len()..data.len(),
        moov_offset,
        made_clear: false,
        retyped,
        data,
        brands,
        tracks,
        pssh,
        fragmented: movie.extends.is_some(),
        duration: movie
            .fragment_duration
            .or(movie.duration)
            .filter(|ticks| *ticks > 0)
            .and_then(|ticks| i64::try_from(ticks).ok())
            .map(|ticks| MediaTime::from_ticks(ticks, scale)),
    })
}

/// What `mvhd` and `mvex` say of all tracks.
#[derive(Default)]
struct Movie {
    timescale: Option<Timescale>,
    duration: Option<u64>,
    fragment_duration: Option<u64>,
    extends: Option<SortedMap<u32, TrackDefaults>>,
}

impl Movie {
    fn read_header(&mut self, mvhd: &BoxView<'_>) -> Result<(), Error> {
        let (timescale, duration) = timescale_and_duration(mvhd)?;
        self.timescale = Some(timescale);
        self.duration = duration;
        Ok(())
    }

    fn read_extends(&mut self, mvex: &BoxView<'_>) -> Result<(), Error> {
        let extends = self.extends.get_or_insert_default();
        for child in mvex.children() {
            let child = child?;
            let mut fields = child.fields();
            match &child.kind() {
                b"trex" => {
                    fields.version_and_flags()?;
                    let id = fields.u32()?;
                    let defaults = TrackDefaults {
                        stated: true,
                        description: fields.u32()?,
                        duration: fields.u32()?,
                        size: fields.u32()?,
                        flags: fields.u32()?,
                    };
                    extends.insert(id, defaults);
                }
                b"mehd" => {
                    let (version, _) = fields.version_and_flags()?;
                    self.fragment_duration = Some(fields.u32_or_u64(version)?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The common part of `mvhd` and `mdhd`. All ones means an unknown duration (8.2.2.3).
pub(crate) fn timescale_and_duration(view: &BoxView<'_>) -> Result<(Timescale, Option<u64>), Error> {
    let mut fields = view.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = Timescale::new(fields.u32()?).ok_or_else(|| view.syntax("a timescale of zero"))?;
    let unknown = if version == 0 { u64::from(u32::MAX) } else { u64::MAX };
    let duration = fields.u32_or_u64(version)?;
    Ok((timescale, Some(duration).filter(|ticks| *ticks != unknown)))
}

fn track(trak: &BoxView<'_>, movie: &Movie, brands: &[FourCc], retyped: &mut Vec<Retyped>) -> Result<TrackInfo, Error> {
    let tkhd = trak.require(b"tkhd")?;
    let mut fields = tkhd.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let id = fields.u32()?;
    if id == 0 {
        return Err(tkhd.syntax("a track id of zero"));
    }
    let mdia = trak.require(b"mdia")?;
    let mdhd = mdia.require(b"mdhd")?;
    let (timescale, _) = timescale_and_duration(&mdhd)?;
    let hdlr = mdia.require(b"hdlr")?;
    let mut fields = hdlr.fields();
    fields.skip(8)?;
    let handler: FourCc = fields.array()?;
    let minf = mdia.require(b"minf")?;
    let stbl = minf.require(b"stbl")?;
    let descriptions = descriptions(&stbl, &handler, brands, retyped)?;
    let Some(first) = descriptions.first() else {
        return Err(stbl.syntax("the track has no sample description"));
    };
    let edit = match trak.child(b"edts")? {
        Some(edts) => match edts.child(b"elst")? {
            Some(elst) => edit(&elst, timescale, movie.timescale)?,
            None => Edit::default(),
        },
        None => Edit::default(),
    };
    Ok(TrackInfo {
        id,
        kind: kind(&handler),
        handler,
        timescale,
        language: language(&mdia, &mdhd)?,
        codec: first.codec.clone(),
        config: first.config.clone(),
        width: first.width,
        height: first.height,
        sample_rate: first.sample_rate,
        channels: first.channels,
        edit,
        encryption: descriptions.iter().find_map(|description| description.encryption.clone()),
        defaults: movie.extends.as_ref().and_then(|extends| extends.get(&id)).copied().unwrap_or_default(),
        listed_samples: listed_samples(&stbl)?,
        external_data: external_data(&minf)?,
        encryption_groups: encryption_groups(&stbl, retyped)?,
        descriptions,
    })
}

fn kind(handler: &FourCc) -> TrackKind {
    match handler {
        b"vide" | b"auxv" => TrackKind::Video,
        b"soun" => TrackKind::Audio,
        b"text" | b"subt" | b"sbtl" | b"clcp" => TrackKind::Text,
        b"pict" => TrackKind::Image,
        _ => TrackKind::Metadata,
    }
}

/// `elng` (8.4.6) holds a BCP 47 tag, `mdhd` (8.4.2) three letters of five bits each.
fn language(mdia: &BoxView<'_>, mdhd: &BoxView<'_>) -> Result<Option<Language>, Error> {
    if let Some(elng) = mdia.child(b"elng")? {
        let mut fields = elng.fields();
        fields.version_and_flags()?;
        return Ok(Some(Language::parse(&fields.text()?)));
    }
    let mut fields = mdhd.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 16 } else { 28 })?;
    let packed = fields.u16()?;
    let letters = [packed >> 10, packed >> 5, packed].map(|letter| (letter as u8 & 0x1f) + 0x60);
    let valid = letters.iter().all(u8::is_ascii_lowercase) && &letters != b"und";
    Ok(valid.then(|| Language::parse(&String::from_utf8_lossy(&letters))))
}

fn descriptions(
    stbl: &BoxView<'_>,
    handler: &FourCc,
    brands: &[FourCc],
    retyped: &mut Vec<Retyped>,
) -> Result<Vec<SampleDescription>, Error> {
    let stsd = stbl.require(b"stsd")?;
    let mut fields = stsd.fields();
    let (version, _) = fields.version_and_flags()?;
    let count = fields.u32()?;
    let mut descriptions = Vec::new();
    // The boxes that are there bound the loop, not the count.
    for entry in fields.boxes().take(usize::try_from(count).unwrap_or(usize::MAX)) {
        descriptions.push(entry::read(&entry?, handler, version, brands, retyped)?);
    }
    if descriptions.len() as u64 != u64::from(count) {
        return Err(stsd.syntax(format!("{count} entries are announced, {} are there", descriptions.len())));
    }
    Ok(descriptions)
}

/// Descriptions of the groups that fragments refer to. Samples that `moov` itself lists are not decrypted.
fn encryption_groups(stbl: &BoxView<'_>, retyped: &mut Vec<Retyped>) -> Result<EncryptionGroups, Error> {
    let mut groups = EncryptionGroups::default();
    for child in stbl.children() {
        let child = child?;
        if &child.kind() != b"sgpd" {
            continue;
        }
        if let Some(found) = protection::encryption_groups(&child)? {
            groups = found;
            retyped.push(Retyped::new(&child, FREE));
        }
    }
    Ok(groups)
}

fn listed_samples(stbl: &BoxView<'_>) -> Result<u32, Error> {
    let sizes = match stbl.child(b"stsz")? {
        Some(stsz) => Some(stsz),
        None => stbl.child(b"stz2")?,
    };
    match sizes {
        Some(sizes) => {
            let mut fields = sizes.fields();
            fields.skip(8)?; // version, flags; sample_size, or reserved and field_size
            fields.u32()
        }
        None => Ok(0),
    }
}

/// Whether a data reference leads out of the resource: its "self-contained" flag is not set (8.7.2).
fn external_data(minf: &BoxView<'_>) -> Result<bool, Error> {
    let Some(dinf) = minf.child(b"dinf")? else {
        return Ok(false);
    };
    let Some(dref) = dinf.child(b"dref")? else {
        return Ok(false);
    };
    let mut fields = dref.fields();
    fields.skip(8)?;
    for reference in fields.boxes() {
        let reference = reference?;
        let (_, flags) = reference.fields().version_and_flags()?;
        if flags & 1 == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reduces an edit list (8.6.6) to the empty edits at its head and the first piece of media.
fn edit(elst: &BoxView<'_>, timescale: Timescale, movie: Option<Timescale>) -> Result<Edit, Error> {
    let mut fields = elst.fields();
    let (version, _) = fields.version_and_flags()?;
    let count = fields.u32()?;
    let movie = movie.ok_or_else(|| elst.syntax("an edit list without a movie timescale"))?;
    let to_track = |ticks: u64| {
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        MediaTime::from_ticks(ticks, movie).to_ticks(timescale)
    };
    let mut edit = Edit::default();
    let mut empty = 0_u64;
    let mut found = false;
    for _ in 0..count {
        let duration = fields.u32_or_u64(version)?;
        let media_time = match version {
            0 => i64::from(fields.i32()?),
            _ => fields.i64()?,
        };
        let rate = fields.u32()?;
        match (found, media_time) {
            (false, -1) => empty = empty.saturating_add(duration),
            (false, start @ 0..) => {
                found = true;
                edit.media_start = start;
                edit.duration = Some(duration).filter(|ticks| *ticks > 0).map(|ticks| to_track(ticks).unsigned_abs());
                edit.ignored += u32::from(rate != 0x1_0000);
            }
            (false, _) => return Err(elst.syntax(format!("an edit that starts at {media_time}"))),
            (true, _) => edit.ignored = edit.ignored.saturating_add(1),
        }
    }
    edit.delay = to_track(empty);
    Ok(edit)
}

/// A short name of a track for messages.
pub(crate) fn track_name(track: &TrackInfo) -> String {
    format!("track {} ({})", track.id, fourcc_name(track.handler))
}
