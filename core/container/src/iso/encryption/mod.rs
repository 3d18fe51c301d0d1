//! How each sample of a fragment is encrypted (ISO/IEC 23001-7, 6 and 7).
//!
//! | where | what it says |
//! |---|---|
//! | `tfhd`, else `trex` | the sample description: clear, or protected by a scheme with defaults (`tenc`) |
//! | `sbgp` and `sgpd` of type `seig` | for each sample: protected or not, key, size of its vector, pattern |
//! | `senc`, else `saiz` and `saio` | for each sample: its initialisation vector and which bytes are protected |
//!
//! PIFF's `uuid` boxes count as the ISO boxes that they became. Everything is read and checked before a byte is
//! changed, into two tables for each `traf`: there is no allocation for a sample.

mod auxiliary;
mod groups;

use std::fmt;

use telecine_model::protection::{KeyId, SampleEncryption, Scheme, Subsample};
use telecine_model::{Error, ErrorCode, Place};

use super::boxes::{fourcc_name, BoxView, Header};
use super::clear::{Retyped, FREE};
use super::fragment::{Fragment, TrackFragment};
use super::init::{InitSegment, TrackInfo};
use super::protection::{self, Protection};
use auxiliary::Auxiliary;
use groups::Groups;

/// How each sample of a fragment is encrypted: what [`Fragment::encryption`] found.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FragmentEncryption {
    /// One for each of the fragment's tracks.
    tracks: Vec<TrackSamples>,
    key_ids: Vec<KeyId>,
    /// What to rename for the fragment to be clear.
    retyped: Vec<Retyped>,
    /// Bytes of the fragment.
    size: u64,
}

impl FragmentEncryption {
    /// No sample is encrypted: the fragment can be played as it is.
    pub fn is_clear(&self) -> bool {
        self.key_ids.is_empty()
    }

    /// Keys of the samples, ascending, each once. Empty for a clear fragment.
    pub fn key_ids(&self) -> &[KeyId] {
        &self.key_ids
    }

    /// How the samples of the fragment's track at `index` ([`Fragment::tracks`]) are encrypted, in their order; `None`
    /// for a sample that is clear.
    pub fn samples(&self, index: usize) -> impl Iterator<Item = Option<SampleEncryption<'_>>> {
        let track = self.tracks.get(index);
        track.into_iter().flat_map(|track| track.samples.iter().map(|sample| track.encryption(sample)))
    }

    pub(super) fn retyped(&self) -> &[Retyped] {
        &self.retyped
    }

    /// It is of this fragment, as far as sizes tell.
    pub(super) fn describes(&self, fragment: &Fragment) -> bool {
        let counts = self.tracks.iter().map(|track| track.samples.len());
        self.size == fragment.size && counts.eq(fragment.tracks.iter().map(|track| track.samples.len()))
    }
}

/// A summary: initialisation vectors of thousands of samples help nobody.
impl fmt::Debug for FragmentEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protected: Vec<usize> = (0..self.tracks.len()).map(|track| self.samples(track).flatten().count()).collect();
        f.debug_struct("FragmentEncryption")
            .field("key_ids", &self.key_ids)
            .field("protected_samples", &protected)
            .finish_non_exhaustive()
    }
}

/// The samples of one `traf`.
#[derive(Clone, PartialEq, Eq, Default)]
struct TrackSamples {
    scheme: Option<Scheme>,
    protections: Vec<Protection>,
    samples: Vec<Coded>,
    subsamples: Vec<Subsample>,
}

/// One sample, by places in the tables.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Coded {
    /// In `protections`; `None` for a clear sample.
    protection: Option<u32>,
    iv: [u8; 16],
    /// Where its subsamples begin, and how many there are.
    first: u32,
    count: u32,
}

impl TrackSamples {
    fn protection(&self, sample: &Coded) -> Option<&Protection> {
        self.protections.get(sample.protection? as usize)
    }

    fn encryption(&self, sample: &Coded) -> Option<SampleEncryption<'_>> {
        let protection = self.protection(sample)?;
        let scheme = self.scheme?;
        let patterned = matches!(scheme, Scheme::Cens | Scheme::Cbcs);
        Some(SampleEncryption {
            scheme,
            kid: protection.kid,
            iv: sample.iv,
            crypt_blocks: if patterned { protection.crypt_blocks } else { 0 },
            skip_blocks: if patterned { protection.skip_blocks } else { 0 },
            subsamples: self.subsamples.get(sample.first as usize..)?.get(..sample.count as usize)?,
        })
    }
}

impl Fragment {
    /// How each sample is encrypted, by the fragment and the initialisation segment of its tracks.
    ///
    /// Never decide by the initialisation segment alone that samples are clear: sample groups may protect them all
    /// the same, and a clear lead has clear fragments under a protected track.
    ///
    /// # Errors
    /// `InitMissing` for a track that `init` does not have; `ContainerSyntax` where boxes contradict each other or
    /// the samples, or where samples are encrypted and the fragment does not say how; `CodecUnsupported` for schemes
    /// that are not known. Each with the place.
    pub fn encryption(&self, init: &InitSegment) -> Result<FragmentEncryption, Error> {
        let mut found = FragmentEncryption { size: self.size, ..FragmentEncryption::default() };
        let mut protected = false;
        for part in &self.tracks {
            protected |= self.track(part, init)?.encryption.is_some();
        }
        if !protected {
            return Ok(found);
        }
        let bytes = self.slice(self.moof.clone()).unwrap_or_default();
        let offset = self.offset.saturating_add(self.moof.start);
        let header = Header::read(&bytes).ok().flatten().ok_or_else(|| foreign(offset))?;
        let moof = BoxView::whole(&bytes, header, offset);
        let mut parts = self.tracks.iter();
        for child in moof.children() {
            let child = child?;
            if &child.kind() == b"traf" {
                let part = parts.next().ok_or_else(|| foreign(offset))?;
                let samples = self.track_samples(&child, part, self.track(part, init)?, &mut found.retyped)?;
                found.tracks.push(samples);
            } else if protection::pssh(&child).is_some() {
                found.retyped.push(Retyped::new(&child, FREE));
            }
        }
        self.check_overlap(&found)?;
        found.key_ids = found
            .tracks
            .iter()
            .flat_map(|track| track.samples.iter().filter_map(|sample| Some(track.protection(sample)?.kid)))
            .collect();
        found.key_ids.sort_unstable();
        found.key_ids.dedup();
        Ok(found)
    }

    fn track<'a>(&self, part: &TrackFragment, init: &'a InitSegment) -> Result<&'a TrackInfo, Error> {
        init.track(part.track_id).ok_or_else(|| {
            Error::new(ErrorCode::InitMissing, format!("the initialisation segment has no track {}", part.track_id))
                .at(Place::Box { path: "moof/traf".to_owned(), offset: self.offset.saturating_add(part.traf.start) })
        })
    }

    fn track_samples(
        &self,
        traf: &BoxView<'_>,
        part: &TrackFragment,
        track: &TrackInfo,
        retyped: &mut Vec<Retyped>,
    ) -> Result<TrackSamples, Error> {
        let clear = || TrackSamples { samples: vec![Coded::default(); part.samples.len()], ..TrackSamples::default() };
        let index = part.description.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let Some(description) = index.and_then(|index| track.descriptions.get(index)) else {
            let message =
                format!("sample description {} of {}, counted from 1", part.description, track.descriptions.len());
            return Err(traf.syntax(message));
        };
        let Some(encryption) = &description.encryption else {
            return Ok(clear());
        };
        let scheme = Scheme::from_fourcc(encryption.scheme).ok_or_else(|| {
            let message = format!("protection scheme {}", fourcc_name(encryption.scheme));
            traf.error(ErrorCode::CodecUnsupported, message)
        })?;
        let auxiliary = Auxiliary::gather(traf, retyped)?;
        let (scheme, default) = auxiliary.overridden(scheme, Protection::from(encryption))?;
        let mut samples = TrackSamples { scheme: Some(scheme), protections: vec![default], ..clear() };
        Groups::gather(traf, retyped)?.assign(track, &mut samples)?;
        for protection in &samples.protections {
            check_pattern(traf, scheme, protection)?;
        }
        auxiliary.read(self, part, traf, encryption, &mut samples)?;
        Ok(samples)
    }

    /// Samples that share bytes cannot be decrypted each on its own, and could cost any amount of time.
    fn check_overlap(&self, found: &FragmentEncryption) -> Result<(), Error> {
        let samples =
            self.tracks.iter().zip(&found.tracks).flat_map(|(part, track)| part.samples.iter().zip(&track.samples));
        let protected: u64 =
            samples.filter(|(_, coded)| coded.protection.is_some()).map(|(sample, _)| u64::from(sample.size)).sum();
        if protected > self.size {
            let message = format!("protected samples have {protected} bytes, the fragment {}: they overlap", self.size);
            return Err(Error::new(ErrorCode::ContainerSyntax, message)
                .at(Place::Box { path: "moof".to_owned(), offset: self.offset.saturating_add(self.moof.start) }));
        }
        Ok(())
    }
}

/// Encrypts nothing, or leaves nothing to say (ISO/IEC 23001-7, 9.6).
fn check_pattern(traf: &BoxView<'_>, scheme: Scheme, protection: &Protection) -> Result<(), Error> {
    let patterned = matches!(scheme, Scheme::Cens | Scheme::Cbcs);
    if patterned && protection.is_protected && protection.crypt_blocks == 0 && protection.skip_blocks != 0 {
        let message = format!("a pattern of 0 encrypted to {} clear blocks", protection.skip_blocks);
        return Err(traf.syntax(message));
    }
    Ok(())
}

/// Fields of a fragment are public: somebody may have changed them.
fn foreign(offset: u64) -> Error {
    Error::new(ErrorCode::InvalidArgument, "the fragment's data are not those that it was read from")
        .at(Place::Box { path: "moof".to_owned(), offset })
}
