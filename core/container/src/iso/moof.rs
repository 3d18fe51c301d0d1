//! `moof`: where and when the samples of a fragment are (ISO/IEC 14496-12, 8.8.4 to 8.8.12).

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, SortedMap};

use super::boxes::BoxView;
use super::fragment::{dependencies, description_index, is_sync, DataBase, Sample, TrackFragment};
use super::init::{InitSegment, TrackDefaults};
use super::protection;

/// A `moof` whose media has not arrived yet. Offsets count from the start of the resource.
#[derive(Debug)]
pub(crate) struct Moof {
    pub(crate) sequence: u32,
    pub(crate) tracks: Vec<TrackFragment>,
    pub(crate) pssh: Vec<Bytes>,
    /// Behind the last byte of any sample; zero without samples that have bytes.
    pub(crate) media_end: u64,
    pub(crate) samples: usize,
}

const TFHD_BASE_DATA_OFFSET: u32 = 0x00_0001;
const TFHD_DESCRIPTION: u32 = 0x00_0002;
const TFHD_DURATION: u32 = 0x00_0008;
const TFHD_SIZE: u32 = 0x00_0010;
const TFHD_FLAGS: u32 = 0x00_0020;
const TFHD_BASE_IS_MOOF: u32 = 0x02_0000;

const TRUN_DATA_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_CTS_OFFSET: u32 = 0x800;

/// Decode time behind the last sample of each track: where a `traf` without `tfdt` goes on.
pub(crate) type DecodeTimes = SortedMap<u32, u64>;

/// Reads a `moof` box and moves `decode_times` on.
pub(crate) fn read(
    moof: &BoxView<'_>,
    init: Option<&InitSegment>,
    decode_times: &mut DecodeTimes,
    limits: &Limits,
) -> Result<Moof, Error> {
    let mut this = Moof { sequence: 0, tracks: Vec::new(), pssh: Vec::new(), media_end: 0, samples: 0 };
    // Where the data of the previous traf ended; the moof for the first (8.8.7.1).
    let mut previous_end = moof.offset();
    for child in moof.children() {
        let child = child?;
        match &child.kind() {
            b"mfhd" => {
                let mut fields = child.fields();
                fields.version_and_flags()?;
                this.sequence = fields.u32()?;
            }
            b"traf" => {
                let mut reader = TrafReader::open(&child, init, moof.offset(), previous_end)?;
                reader.runs(&child, decode_times, &mut this, limits)?;
                previous_end = reader.position;
                this.tracks.push(reader.track);
            }
            _ => this.pssh.extend(protection::pssh(&child)),
        }
        if this.tracks.len().max(this.pssh.len()) > limits.side_items {
            return Err(child.error(ErrorCode::ContainerLimit, "more boxes of one type than the limit allows"));
        }
    }
    Ok(this)
}

/// One `traf` while its runs are read.
struct TrafReader {
    track: TrackFragment,
    defaults: Defaults,
    /// What offsets of runs are relative to.
    base: u64,
    /// Where the next run without an offset of its own starts.
    position: u64,
}

/// Values of `tfhd`, else of `trex`; `None` if neither is known.
struct Defaults {
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

impl TrafReader {
    fn open(traf: &BoxView<'_>, init: Option<&InitSegment>, moof: u64, previous_end: u64) -> Result<Self, Error> {
        let tfhd = traf.require(b"tfhd")?;
        let mut fields = tfhd.fields();
        let (_, flags) = fields.version_and_flags()?;
        let track_id = fields.u32()?;
        let extends: Option<TrackDefaults> = match init {
            None => None,
            Some(init) => match init.track(track_id) {
                Some(track) => Some(track.defaults),
                None => {
                    return Err(tfhd.syntax(format!("the initialisation segment has no track {track_id}")));
                }
            },
        };
        let data_base = if flags & TFHD_BASE_DATA_OFFSET != 0 {
            DataBase::Absolute(fields.u64()?)
        } else if flags & TFHD_BASE_IS_MOOF != 0 {
            DataBase::Moof
        } else {
            DataBase::Previous
        };
        let mut optional = |flag: u32, default: Option<u32>| {
            if flags & flag == 0 {
                Ok(default)
            } else {
                fields.u32().map(Some)
            }
        };
        let description = optional(TFHD_DESCRIPTION, extends.map(|e| e.description))?.unwrap_or(1);
        let defaults = Defaults {
            duration: optional(TFHD_DURATION, extends.map(|e| e.duration))?,
            size: optional(TFHD_SIZE, extends.map(|e| e.size))?,
            flags: optional(TFHD_FLAGS, extends.map(|e| e.flags))?,
        };
        let base = match data_base {
            DataBase::Absolute(offset) => offset,
            DataBase::Moof => moof,
            DataBase::Previous => previous_end,
        };
        Ok(Self {
            track: TrackFragment {
                track_id,
                description,
                data_base,
                base,
                traf: traf.offset()..traf.end_offset(),
                ..TrackFragment::default()
            },
            defaults,
            base,
            position: base,
        })
    }

    fn runs(
        &mut self,
        traf: &BoxView<'_>,
        decode_times: &mut DecodeTimes,
        moof: &mut Moof,
        limits: &Limits,
    ) -> Result<(), Error> {
        let known = decode_times.get(&self.track.track_id).copied();
        self.track.base_decode_time = match traf.child(b"tfdt")? {
            Some(tfdt) => {
                let mut fields = tfdt.fields();
                let (version, _) = fields.version_and_flags()?;
                self.track.explicit_time = true;
                fields.u32_or_u64(version)?
            }
            None => known.unwrap_or(0),
        };
        let mut time = i64::try_from(self.track.base_decode_time)
            .map_err(|_| traf.error(ErrorCode::TimestampInvalid, "a decode time beyond 2^63"))?;
        for child in traf.children() {
            let child = child?;
            if &child.kind() == b"trun" {
                time = self.run(&child, time, moof, limits)?;
            }
        }
        // Without an initialisation segment nothing else bounds the number of ids.
        if known.is_some() || decode_times.len() < limits.side_items {
            decode_times.insert(self.track.track_id, time.unsigned_abs());
        }
        Ok(())
    }

    /// Reads one `trun`; returns the decode time behind it.
    fn run(&mut self, trun: &BoxView<'_>, mut time: i64, moof: &mut Moof, limits: &Limits) -> Result<i64, Error> {
        let mut fields = trun.fields();
        let (_, flags) = fields.version_and_flags()?;
        let count = fields.u32()? as usize;
        if flags & TRUN_DATA_OFFSET != 0 {
            self.position = self
                .base
                .checked_add_signed(i64::from(fields.i32()?))
                .ok_or_else(|| trun.syntax("a data offset before the start of the resource"))?;
        }
        let first_flags = match flags & TRUN_FIRST_FLAGS {
            0 => None,
            _ => Some(fields.u32()?),
        };
        // A count costs nothing to write when every value is a default: it must not cost memory.
        moof.samples = moof.samples.saturating_add(count);
        if moof.samples > limits.fragment_samples {
            return Err(trun.error(
                ErrorCode::ContainerLimit,
                format!("{} samples in a fragment, {} are allowed", moof.samples, limits.fragment_samples),
            ));
        }
        let columns = (flags & (TRUN_DURATION | TRUN_SIZE | TRUN_FLAGS | TRUN_CTS_OFFSET)).count_ones() as usize;
        let table = fields.skip(count.saturating_mul(4 * columns))?;
        let (words, _) = table.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_be_bytes(*word));
        let default = |flag: u32, value: Option<u32>| match value {
            Some(value) => Ok(value),
            None if flags & flag != 0 || count == 0 => Ok(0),
            None => Err(trun.error(
                ErrorCode::InitMissing,
                "the run relies on defaults of an initialisation segment that has not arrived",
            )),
        };
        let duration = default(TRUN_DURATION, self.defaults.duration)?;
        let size = default(TRUN_SIZE, self.defaults.size)?;
        // With flags for the first sample alone, the others still need the default.
        let sample_flags = match (first_flags, count) {
            (Some(first), 1) => first,
            _ => default(TRUN_FLAGS, self.defaults.flags)?,
        };
        // Room for more than this run: exact room would copy everything again for each of many runs.
        self.track.samples.reserve(count);
        for index in 0..count {
            let mut column = |flag: u32, default: u32| match flags & flag {
                0 => default,
                _ => words.next().unwrap_or(default),
            };
            let duration = column(TRUN_DURATION, duration);
            let size = column(TRUN_SIZE, size);
            let fallback = first_flags.filter(|_| index == 0).unwrap_or(sample_flags);
            let sample_flags = column(TRUN_FLAGS, fallback);
            // Version 0 says unsigned, but offsets beyond 2^31 are negative ones of careless writers.
            let cts_offset = column(TRUN_CTS_OFFSET, 0) as i32;
            self.track.samples.push(Sample {
                dts: time,
                offset: self.position,
                duration,
                cts_offset,
                size,
                sync: is_sync(sample_flags),
                dependencies: dependencies(sample_flags),
                description: description_index(self.track.description),
            });
            time = time
                .checked_add(i64::from(duration))
                .ok_or_else(|| trun.error(ErrorCode::TimestampInvalid, "a decode time beyond 2^63"))?;
            self.position =
                self.position.checked_add(u64::from(size)).ok_or_else(|| trun.syntax("samples beyond 2^64 bytes"))?;
            if size > 0 {
                moof.media_end = moof.media_end.max(self.position);
            }
        }
        Ok(time)
    }
}
