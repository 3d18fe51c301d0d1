//! The initialisation vector and the protected ranges of each sample: `senc`, else `saiz` and `saio`
//! (ISO/IEC 23001-7, 7; ISO/IEC 14496-12, 8.7.8 and 8.7.9).

use telecine_model::protection::{KeyId, Scheme, Subsample};
use telecine_model::{Error, ErrorCode};

use super::super::boxes::{fourcc_name, BoxView, Fields};
use super::super::clear::{Retyped, FREE};
use super::super::fragment::{Fragment, TrackFragment};
use super::super::protection::{padded_iv, piff, user_type, Protection, TrackEncryption};
use super::{Coded, TrackSamples};

/// `senc`: the parameters of the track are replaced by those here (PIFF 1.1, 5.3.2.1).
const OVERRIDE: u32 = 1;
/// `senc`: entries list subsamples.
const SUBSAMPLES: u32 = 2;
/// `saiz` and `saio`: the type of information is named.
const TYPED: u32 = 1;

/// The boxes of one `traf` that say how its samples are encrypted.
#[derive(Default)]
pub(super) struct Auxiliary<'a> {
    senc: Option<BoxView<'a>>,
    sizes: Option<BoxView<'a>>,
    offsets: Option<BoxView<'a>>,
}

impl<'a> Auxiliary<'a> {
    /// Finds the boxes among others that are about something else. Of two of one type the first counts.
    pub(super) fn gather(traf: &'a BoxView<'a>, retyped: &mut Vec<Retyped>) -> Result<Self, Error> {
        let mut this = Self::default();
        for child in traf.children() {
            let child = child?;
            let place = match &child.kind() {
                b"senc" => &mut this.senc,
                b"uuid" if matches!(user_type(&child), Some((piff::SENC, _))) => &mut this.senc,
                b"saiz" if is_encryption(&child)? => &mut this.sizes,
                b"saio" if is_encryption(&child)? => &mut this.offsets,
                _ => continue,
            };
            place.get_or_insert(child);
            retyped.push(Retyped::new(&child, FREE));
        }
        Ok(this)
    }

    /// Scheme and protection of samples in no group: those of the track, unless `senc` replaces them.
    pub(super) fn overridden(&self, scheme: Scheme, default: Protection) -> Result<(Scheme, Protection), Error> {
        let Some(senc) = &self.senc else {
            return Ok((scheme, default));
        };
        let (flags, mut fields) = open(senc)?;
        if flags & OVERRIDE == 0 {
            return Ok((scheme, default));
        }
        let word = fields.u32()?;
        let protection = Protection { iv_size: word as u8, kid: KeyId(fields.array()?), ..default };
        if !matches!(protection.iv_size, 8 | 16) {
            return Err(senc.syntax(format!("an initialisation vector of {} bytes", protection.iv_size)));
        }
        match word >> 8 {
            0 => Ok((scheme, Protection { is_protected: false, ..protection })),
            1 => Ok((Scheme::Cenc, Protection { is_protected: true, ..protection })),
            2 => Ok((Scheme::Cbc1, Protection { is_protected: true, ..protection })),
            algorithm => Err(senc.error(ErrorCode::CodecUnsupported, format!("encryption algorithm {algorithm}"))),
        }
    }

    /// Fills in vector and subsamples of every protected sample.
    pub(super) fn read(
        &self,
        fragment: &Fragment,
        part: &TrackFragment,
        traf: &BoxView<'_>,
        encryption: &TrackEncryption,
        samples: &mut TrackSamples,
    ) -> Result<(), Error> {
        let mut wanted = 0;
        let mut needs = None;
        for sample in &samples.samples {
            if let Some(protection) = samples.protection(sample) {
                wanted += 1;
                needs = needs.or(Some(protection).filter(|protection| protection.iv_size > 0));
            }
        }
        if wanted == 0 {
            return Ok(());
        }
        let table = self.senc.as_ref().map(Table::open).transpose()?;
        let located = self.sizes.as_ref().zip(self.offsets.as_ref());
        // A box without entries, or with entries that are empty where they must not be, says nothing.
        let table = table.filter(|table| table.count > 0 && !(needs.is_some() && table.data.is_empty()));
        let view = match (table, located, needs) {
            (Some(table), _, _) => {
                let sizes = self.sizes.as_ref().map(|saiz| Sizes::read(saiz, samples.samples.len())).transpose()?;
                table.read(sizes, wanted, samples)?;
                table.view
            }
            (None, Some((saiz, saio)), _) => {
                located_entries(fragment, part, traf, saiz, saio, samples)?;
                saiz
            }
            // One vector for all, and all bytes protected: there is nothing to say for a sample.
            (None, None, None) if self.sizes.is_none() && self.offsets.is_none() => {
                for at in 0..samples.samples.len() {
                    samples.fill(at, &mut &[][..], false);
                }
                return Ok(());
            }
            (None, None, needs) => {
                let found = match (&self.sizes, &self.offsets, &self.senc) {
                    (Some(_), _, _) => "saiz without saio",
                    (_, Some(_), _) => "saio without saiz",
                    (_, _, Some(_)) => "an empty senc, and neither saiz nor saio",
                    _ => "neither senc nor saiz and saio",
                };
                let scheme = fourcc_name(encryption.scheme);
                let message = match needs {
                    Some(Protection { kid, .. }) => format!(
                        "samples are encrypted ({scheme}, key {kid}) and their initialisation vectors are missing: \
                         the track fragment has {found}"
                    ),
                    None => format!(
                        "samples are encrypted ({scheme}) and their protected ranges are missing: the track \
                         fragment has {found}"
                    ),
                };
                return Err(traf.syntax(message));
            }
        };
        check_lengths(view, part, samples)
    }
}

/// Opens `senc`: flags, and the fields behind them.
fn open<'a>(senc: &'a BoxView<'a>) -> Result<(u32, Fields<'a>), Error> {
    let mut fields = user_type(senc).map_or_else(|| senc.fields(), |(_, fields)| fields);
    match fields.version_and_flags()? {
        (0, flags) => Ok((flags, fields)),
        // Several keys for one sample (ISO/IEC 23001-7:2023, 7.2).
        (version, _) => Err(senc.error(ErrorCode::CodecUnsupported, format!("version {version} of senc"))),
    }
}

/// Whether a `saiz` or `saio` box is about encryption: it says so, or it says nothing.
fn is_encryption(view: &BoxView<'_>) -> Result<bool, Error> {
    let mut fields = view.fields();
    let (_, flags) = fields.version_and_flags()?;
    if flags & TYPED == 0 {
        return Ok(true);
    }
    let kind = fields.array()?;
    Ok((Scheme::from_fourcc(kind).is_some() || &kind == b"piff") && fields.u32()? == 0)
}

/// The entries of `senc`, one behind the other.
struct Table<'a> {
    view: &'a BoxView<'a>,
    subsampled: bool,
    count: usize,
    data: &'a [u8],
}

impl<'a> Table<'a> {
    fn open(senc: &'a BoxView<'a>) -> Result<Self, Error> {
        let (flags, mut fields) = open(senc)?;
        if flags & OVERRIDE != 0 {
            fields.skip(20)?;
        }
        let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
        Ok(Self { view: senc, subsampled: flags & SUBSAMPLES != 0, count, data: fields.rest() })
    }

    /// Whether clear samples among protected ones have entries is not said: the sizes tell where they are given, else
    /// the way that fills the box is meant.
    fn read(&self, sizes: Option<Sizes<'_>>, wanted: usize, samples: &mut TrackSamples) -> Result<(), Error> {
        let all = samples.samples.len();
        if self.count != all && self.count != wanted {
            let message = format!("{} entries for {all} samples, of which {wanted} are protected", self.count);
            return Err(self.view.syntax(message));
        }
        if self.subsampled {
            samples.subsamples.reserve_exact(self.data.len() / 6);
        }
        if wanted == all {
            // What some writers leave behind the last entry does no harm.
            return self.sequence(false, samples).map(|_| ());
        }
        if let Some(sizes) = sizes.filter(|sizes| self.count == all && sizes.total(0..all) == self.data.len()) {
            return sized_entries(self.view, &sizes, 0..all, self.data, samples);
        }
        match self.sequence(false, samples) {
            Ok(0) => return Ok(()),
            found if self.count != all => {
                return found.and_then(|left| Err(self.view.syntax(format!("{left} bytes behind the last entry"))))
            }
            _ => {}
        }
        match self.sequence(true, samples)? {
            0 => Ok(()),
            left => Err(self.view.syntax(format!("{left} bytes behind the last entry"))),
        }
    }

    /// Reads the entries in order, of clear samples too if they have any; gives the bytes that are left.
    fn sequence(&self, clear_ones: bool, samples: &mut TrackSamples) -> Result<usize, Error> {
        samples.subsamples.clear();
        let mut data = self.data;
        for at in 0..samples.samples.len() {
            let is_clear = samples.samples.get(at).is_some_and(|sample| sample.protection.is_none());
            let read = match (is_clear, clear_ones && self.subsampled) {
                (false, _) => samples.fill(at, &mut data, self.subsampled),
                (true, true) => passed(&mut data),
                (true, false) => Some(()),
            };
            read.ok_or_else(|| self.view.syntax(format!("the box ends within the entry of sample {at}")))?;
        }
        Ok(data.len())
    }
}

/// Passes over the subsamples of a clear sample, which has no vector.
fn passed(data: &mut &[u8]) -> Option<()> {
    let (count, rest) = data.split_first_chunk()?;
    *data = rest.get(6 * usize::from(u16::from_be_bytes(*count))..)?;
    Some(())
}

/// `saiz`: how many bytes of information each sample has.
struct Sizes<'a> {
    default: u8,
    count: usize,
    table: &'a [u8],
}

impl<'a> Sizes<'a> {
    fn read(saiz: &'a BoxView<'a>, samples: usize) -> Result<Self, Error> {
        let mut fields = saiz.fields();
        let (_, flags) = fields.version_and_flags()?;
        if flags & TYPED != 0 {
            fields.skip(8)?;
        }
        let default = fields.u8()?;
        let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
        if count > samples {
            return Err(saiz.syntax(format!("sizes for {count} samples, of which there are {samples}")));
        }
        Ok(Self { default, count, table: if default == 0 { fields.skip(count)? } else { &[] } })
    }

    /// Samples behind the last one listed have no information.
    fn of(&self, sample: usize) -> usize {
        match self.default {
            0 => self.table.get(sample).copied().unwrap_or(0).into(),
            _ if sample >= self.count => 0,
            default => default.into(),
        }
    }

    fn total(&self, mut samples: std::ops::Range<usize>) -> usize {
        samples.try_fold(0_usize, |sum, sample| sum.checked_add(self.of(sample))).unwrap_or(usize::MAX)
    }
}

/// Reads entries from where `saio` points: anywhere in the fragment, media data included.
fn located_entries(
    fragment: &Fragment,
    part: &TrackFragment,
    traf: &BoxView<'_>,
    saiz: &BoxView<'_>,
    saio: &BoxView<'_>,
    samples: &mut TrackSamples,
) -> Result<(), Error> {
    let sizes = Sizes::read(saiz, samples.samples.len())?;
    let mut fields = saio.fields();
    let (version, flags) = fields.version_and_flags()?;
    if flags & TYPED != 0 {
        fields.skip(8)?;
    }
    let pieces = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    let mut runs = traf.children().filter(|child| child.as_ref().map_or(true, |child| &child.kind() == b"trun"));
    let mut next = 0;
    // One piece for all samples, or one for each run.
    for piece in 0..pieces {
        let offset = fields.u32_or_u64(version)?;
        let end = if pieces == 1 {
            samples.samples.len()
        } else {
            let run = runs.next().ok_or_else(|| saio.syntax(format!("{pieces} offsets for {piece} runs")))??;
            let mut fields = run.fields();
            fields.version_and_flags()?;
            let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
            samples.samples.len().min(count.saturating_add(next))
        };
        let length = sizes.total(next..end) as u64;
        let start = part.base.checked_add(offset).and_then(|start| start.checked_sub(fragment.offset));
        let range = start.and_then(|start| Some(start..start.checked_add(length)?));
        let data = range.and_then(|range| fragment.slice(range)).ok_or_else(|| {
            let message = format!("information of {length} bytes at {offset} lies outside the fragment");
            saio.syntax(message)
        })?;
        sized_entries(saio, &sizes, next..end, &data, samples)?;
        next = end;
    }
    if next < samples.samples.len() {
        let message = format!("{pieces} offsets lead to {next} of {} samples", samples.samples.len());
        return Err(saio.syntax(message));
    }
    Ok(())
}

/// Reads entries whose sizes are known. Subsamples are there if there is more than a vector.
fn sized_entries(
    view: &BoxView<'_>,
    sizes: &Sizes<'_>,
    range: std::ops::Range<usize>,
    mut data: &[u8],
    samples: &mut TrackSamples,
) -> Result<(), Error> {
    for at in range {
        let size = sizes.of(at);
        let wrong = |sizes: usize| view.syntax(format!("{sizes} bytes are no information of sample {at}"));
        let (mut entry, rest) = data.split_at_checked(size).ok_or_else(|| wrong(data.len()))?;
        data = rest;
        let Some(iv_size) = samples.samples.get(at).and_then(|sample| Some(samples.protection(sample)?.iv_size)) else {
            continue;
        };
        let read = samples.fill(at, &mut entry, size > usize::from(iv_size));
        if read.is_none() || !entry.is_empty() {
            return Err(wrong(size));
        }
    }
    Ok(())
}

impl TrackSamples {
    /// Fills in one sample from its entry, and moves behind that. `None` if the data end before.
    fn fill(&mut self, at: usize, data: &mut &[u8], subsampled: bool) -> Option<()> {
        let coded = *self.samples.get(at)?;
        let Some(protection) = self.protection(&coded) else {
            return Some(());
        };
        let (own, mut rest) = data.split_at_checked(protection.iv_size.into())?;
        let iv = if own.is_empty() { protection.constant_iv? } else { padded_iv(own) };
        let first = u32::try_from(self.subsamples.len()).ok()?;
        let mut count = 0;
        if subsampled {
            let (number, behind) = rest.split_first_chunk()?;
            count = u16::from_be_bytes(*number).into();
            let (table, behind) = behind.split_at_checked(6 * count as usize)?;
            let (entries, _) = table.as_chunks();
            self.subsamples.extend(entries.iter().map(|[a, b, c, d, e, f]| Subsample {
                clear: u16::from_be_bytes([*a, *b]).into(),
                protected: u32::from_be_bytes([*c, *d, *e, *f]),
            }));
            rest = behind;
        }
        *self.samples.get_mut(at)? = Coded { iv, first, count, ..coded };
        *data = rest;
        Some(())
    }
}

/// Subsamples may not reach beyond their sample.
fn check_lengths(view: &BoxView<'_>, part: &TrackFragment, samples: &TrackSamples) -> Result<(), Error> {
    for (index, (sample, coded)) in part.samples.iter().zip(&samples.samples).enumerate() {
        let Some(encryption) = samples.encryption(coded) else { continue };
        let length: u64 = encryption.subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
        if length > u64::from(sample.size) {
            let message = format!("subsamples of {length} bytes in sample {index}, which has {}", sample.size);
            return Err(view.syntax(message));
        }
    }
    Ok(())
}
