//! `ftyp` and `moov` of what is written: the old ones, without anything that says where media lies.

use std::sync::Arc;

use telecine_model::{Error, ErrorCode, Limits, MediaTime, SortedSet, Timescale, Warning};

use super::super::boxes::{fourcc_name, BoxView, FourCc, Header};
use super::super::cmaf::CmafChecker;
use super::super::fragment::Sample;
use super::super::init::{timescale_and_duration, track_name, InitSegment, TrackInfo};
use super::super::reader::{IsoReader, Unit};
use super::super::write::{BoxWriter, SampleGroups};

/// What was written, and for each track the groups that go into its fragments.
pub(super) struct Written {
    pub(super) init: Arc<InitSegment>,
    pub(super) groups: Vec<Vec<SampleGroups>>,
}

/// Brands that speak of how a file is laid out, which changes; the others speak of what is in it.
const STRUCTURE: [&FourCc; 16] = [
    b"cmfc", b"cmf2", b"cmfs", b"cmff", b"cmfl", b"dash", b"msdh", b"msix", b"dsms", b"risx", b"lmsg", b"sims",
    b"mp41", b"mp42", b"isom", b"mp71",
];

/// Writes the header of these tracks, which are in the order of `moov`. `listed`: all samples are those that `moov`
/// lists, so that its duration holds.
pub(super) fn write(
    init: &InitSegment,
    tracks: &[(&TrackInfo, &[Sample])],
    listed: bool,
    warnings: &mut Vec<Warning>,
    limits: &Limits,
) -> Result<Written, Error> {
    let mut work = Work { tracks, listed, limits, warnings, groups: Vec::new() };
    let moov = work.movie(init)?;
    let groups = std::mem::take(&mut work.groups);
    let cmaf = read_back(file_type(init, tracks.len() == 1), &moov, limits)?;
    let unfit: Vec<Warning> =
        CmafChecker::new().check(&Unit::Init(Arc::clone(&cmaf))).into_iter().filter(|w| w.rule == "C005").collect();
    let init = if unfit.is_empty() { cmaf } else { read_back(file_type(init, false), &moov, limits)? };
    warnings.extend(unfit);
    Ok(Written { init, groups })
}

fn file_type(init: &InitSegment, cmaf: bool) -> Vec<u8> {
    let mut w = BoxWriter::default();
    w.boxed(b"ftyp", |w| {
        w.bytes(b"iso6");
        w.u32(0);
        w.bytes(b"iso6mp41");
        if cmaf {
            w.bytes(b"cmfc");
        }
        let mut seen = SortedSet::new();
        for brand in &init.brands {
            if !STRUCTURE.contains(&brand) && !brand.starts_with(b"iso") && seen.insert(*brand) {
                w.bytes(brand);
            }
        }
    });
    w.out
}

fn read_back(mut file: Vec<u8>, moov: &[u8], limits: &Limits) -> Result<Arc<InitSegment>, Error> {
    file.extend_from_slice(moov);
    let mut limits = limits.clone();
    limits.init_bytes = limits.init_bytes.max(file.len());
    let mut reader = IsoReader::new(&limits);
    reader.push(file.into());
    match reader.poll()? {
        Some(Unit::Init(init)) => Ok(init),
        _ => Err(Error::new(ErrorCode::InternalDefect, "the initialisation segment that was written is none")),
    }
}

/// A duration of which the place depends on the version of a box, as offsets from its version (8.2.2, 8.3.2, 8.4.2).
struct Duration {
    narrow: usize,
    wide: usize,
}

const OF_MVHD: Duration = Duration { narrow: 16, wide: 24 };
const OF_TKHD: Duration = Duration { narrow: 20, wide: 28 };
const OF_MDHD: Duration = Duration { narrow: 16, wide: 24 };
/// That of the first edit (8.6.6).
const OF_ELST: Duration = Duration { narrow: 8, wide: 8 };

/// A copy of a box with a duration of zero: in fragments nobody knows it beforehand (ISO/IEC 23000-19, 7.5).
fn without_duration(view: &BoxView<'_>, duration: &Duration) -> Vec<u8> {
    let mut bytes = view.bytes().to_vec();
    let body = bytes.len() - view.fields().rest().len();
    let (at, width) = match bytes.get(body) {
        Some(0) => (duration.narrow, 4),
        _ => (duration.wide, 8),
    };
    if let Some(field) = bytes.get_mut(body + at..body + at + width) {
        field.fill(0);
    }
    bytes
}

struct Work<'a, 'b> {
    tracks: &'a [(&'a TrackInfo, &'a [Sample])],
    listed: bool,
    limits: &'a Limits,
    warnings: &'b mut Vec<Warning>,
    groups: Vec<Vec<SampleGroups>>,
}

impl Work<'_, '_> {
    fn movie(&mut self, init: &InitSegment) -> Result<Vec<u8>, Error> {
        let (bytes, offset) = init.moov();
        let header = Header::read(&bytes).ok().flatten();
        let header = header.ok_or_else(|| Error::new(ErrorCode::InternalDefect, "a moov without its header"))?;
        let moov = BoxView::whole(&bytes, header, offset);
        let mut w = BoxWriter::default();
        let (scale, duration) = match moov.child(b"mvhd")? {
            Some(mvhd) => timescale_and_duration(&mvhd)?,
            None => (Timescale::SECONDS, None),
        };
        let mut all = init.tracks.iter();
        let mut failed = None;
        w.boxed(b"moov", |w| {
            for child in moov.children() {
                let done = child.and_then(|child| {
                    match &child.kind() {
                        b"mvhd" => w.bytes(&without_duration(&child, &OF_MVHD)),
                        b"trak" => {
                            let id = all.next().map(|track| track.id);
                            let chosen = self.tracks.iter().find(|(track, _)| Some(track.id) == id).copied();
                            if let Some((track, samples)) = chosen {
                                w.bytes(&self.track(&child, track, samples, scale)?);
                            }
                        }
                        b"mvex" | b"free" | b"skip" | b"pssh" => {}
                        _ => w.bytes(&self.kept(&child)),
                    }
                    Ok(())
                });
                failed = failed.take().or(done.err());
            }
            let duration = duration.filter(|ticks| self.listed && *ticks > 0).or_else(|| self.duration(scale));
            self.extends(w, duration);
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(w.out),
        }
    }

    /// `mvex`: every fragment says everything itself.
    fn extends(&self, w: &mut BoxWriter, duration: Option<u64>) {
        w.boxed(b"mvex", |w| {
            if let Some(duration) = duration {
                w.full(b"mehd", 1, 0, |w| w.u64(duration));
            }
            for (track, _) in self.tracks {
                w.full(b"trex", 0, 0, |w| [track.id, 1, 0, 0, 0].into_iter().for_each(|value| w.u32(value)));
            }
        });
    }

    /// Where the last sample is presented to its end, in ticks of the movie.
    fn duration(&self, scale: Timescale) -> Option<u64> {
        let ends = self.tracks.iter().filter_map(|(track, samples)| {
            let end = track.presentation_time(end(samples)?);
            u64::try_from(MediaTime::from_ticks(end, track.timescale).to_ticks(scale)).ok()
        });
        ends.max().filter(|ticks| *ticks > 0)
    }

    /// A box as it is, unless it points to places of the file.
    fn kept(&mut self, child: &BoxView<'_>) -> Vec<u8> {
        let bytes = child.bytes();
        let items = matches!(&child.kind(), b"meta" | b"udta") && memchr::memmem::find(&bytes, b"iloc").is_some();
        if !items {
            return bytes.to_vec();
        }
        self.warn("M003", child, format!("{} has items at places of the file: left out", fourcc_name(child.kind())));
        Vec::new()
    }

    fn warn(&mut self, rule: &str, view: &BoxView<'_>, message: String) {
        if self.warnings.len() < self.limits.side_items {
            self.warnings.push(Warning::new(rule, view.place(), message));
        }
    }

    fn track(
        &mut self,
        trak: &BoxView<'_>,
        track: &TrackInfo,
        samples: &[Sample],
        movie: Timescale,
    ) -> Result<Vec<u8>, Error> {
        self.inside(trak, b"trak", |this, child| match &child.kind() {
            b"tkhd" => Ok(without_duration(child, &OF_TKHD)),
            b"edts" => this.inside(child, b"edts", |_, elst| {
                let whole = &elst.kind() == b"elst" && covers_everything(elst, track, samples, movie)?;
                Ok(if whole { without_duration(elst, &OF_ELST) } else { elst.bytes().to_vec() })
            }),
            b"tref" => this.inside(child, b"tref", |this, reference| Ok(this.reference(reference, track))),
            b"mdia" => this.inside(child, b"mdia", |this, child| match &child.kind() {
                b"mdhd" => Ok(without_duration(child, &OF_MDHD)),
                b"minf" => this.inside(child, b"minf", |this, child| match &child.kind() {
                    b"stbl" => this.table(child, track),
                    _ => Ok(child.bytes().to_vec()),
                }),
                _ => Ok(child.bytes().to_vec()),
            }),
            b"free" | b"skip" => Ok(Vec::new()),
            _ => Ok(this.kept(child)),
        })
    }

    /// A box of what becomes of its children.
    fn inside(
        &mut self,
        view: &BoxView<'_>,
        kind: &FourCc,
        mut each: impl FnMut(&mut Self, &BoxView<'_>) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        for child in view.children() {
            content.extend(each(self, &child?)?);
        }
        let mut w = BoxWriter::default();
        w.boxed(kind, |w| w.bytes(&content));
        Ok(w.out)
    }

    /// A reference to tracks that are all there.
    fn reference(&mut self, reference: &BoxView<'_>, track: &TrackInfo) -> Vec<u8> {
        let fields = reference.fields();
        let (ids, _) = fields.rest().as_chunks::<4>();
        let there = |id: &[u8; 4]| self.tracks.iter().any(|(track, _)| track.id == u32::from_be_bytes(*id));
        if ids.iter().all(there) {
            return reference.bytes().to_vec();
        }
        let kind = fourcc_name(reference.kind());
        self.warn(
            "M003",
            reference,
            format!("{} refers ({kind}) to a track that is not in the file", track_name(track)),
        );
        Vec::new()
    }

    /// `stbl` without samples. What groups them goes into the fragments.
    fn table(&mut self, stbl: &BoxView<'_>, track: &TrackInfo) -> Result<Vec<u8>, Error> {
        let mut groups = Vec::new();
        let mut content = BoxWriter::default();
        content.bytes(&stbl.require(b"stsd")?.bytes());
        for table in [b"stts", b"stsc"] {
            content.full(table, 0, 0, |w| w.u32(0));
        }
        content.full(b"stsz", 0, 0, |w| w.u64(0));
        content.full(b"stco", 0, 0, |w| w.u32(0));
        for child in stbl.children() {
            let child = child?;
            match &child.kind() {
                // Written above; in every sample now; or about nothing.
                b"stsd" | b"stts" | b"ctts" | b"stsc" | b"stsz" | b"stz2" | b"stco" | b"co64" | b"stss" | b"sdtp"
                | b"free" | b"skip" => {}
                b"sgpd" | b"cslg" => content.bytes(&child.bytes()),
                b"sbgp" => groups.push(sample_groups(&child)?),
                kind => {
                    let message = format!("the table {} of {} is left out", fourcc_name(*kind), track_name(track));
                    self.warn("M002", &child, message);
                }
            }
            if groups.len() > self.limits.configurations {
                return Err(child.error(ErrorCode::ContainerLimit, "more sample groups than the limit allows"));
            }
        }
        self.groups.push(groups);
        let mut w = BoxWriter::default();
        w.boxed(b"stbl", |w| w.bytes(&content.out));
        Ok(w.out)
    }
}

/// When the last sample ends.
fn end(samples: &[Sample]) -> Option<i64> {
    samples.iter().map(|sample| sample.pts().saturating_add(sample.duration.into())).max()
}

/// An edit list of one piece to the end of the media says the same with no duration at all, as CMAF wants it
/// (ISO/IEC 23000-19, 7.5.13; ISO/IEC 14496-12, 8.6.6). Durations of movies are coarse: a tick of the movie is equal.
fn covers_everything(
    elst: &BoxView<'_>,
    track: &TrackInfo,
    samples: &[Sample],
    movie: Timescale,
) -> Result<bool, Error> {
    let mut fields = elst.fields();
    fields.version_and_flags()?;
    let alone = fields.u32()? == 1 && track.edit.ignored == 0 && track.edit.delay == 0;
    let (Some(duration), Some(end)) = (track.edit.duration, end(samples)) else { return Ok(false) };
    let tick = track.timescale.get().div_ceil(movie.get());
    let reached = i128::from(track.edit.media_start) + i128::from(duration) + i128::from(tick);
    Ok(alone && reached >= i128::from(end))
}

/// Which samples are in which group: kept as it is read, cut for each fragment.
fn sample_groups(sbgp: &BoxView<'_>) -> Result<SampleGroups, Error> {
    let mut fields = sbgp.fields();
    let (version, _) = fields.version_and_flags()?;
    let grouping = fields.array()?;
    let parameter = if version == 0 { None } else { Some(fields.u32()?) };
    let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    let (runs, _) = fields.skip(count.saturating_mul(8))?.as_chunks::<8>();
    let runs = runs
        .iter()
        .map(|[a, b, c, d, e, f, g, h]| (u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h])))
        .collect();
    Ok(SampleGroups { grouping, parameter, runs })
}
