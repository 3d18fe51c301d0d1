//! What the tests share: the committed media, and a look at what comes out.

use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{Fragment, InitSegment, Sample, StreamOptions, StreamReader, StreamUnit, TrackInfo};
use telecine_model::{Error, Limits, Warning};

/// A file of `tests/data/ts`.
pub(crate) fn data(name: &str) -> Bytes {
    let path = format!("{}/tests/data/ts/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

/// Lines of a table beside a file.
pub(crate) fn rows(name: &str) -> Vec<Vec<String>> {
    String::from_utf8(data(name).to_vec())
        .expect("ffprobe writes UTF-8")
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// The transport streams that `make.sh` makes, without their extension.
pub(crate) const STREAMS: [&str; 14] = [
    "ac3",
    "ac3_dvb",
    "avc_aac",
    "avc_open",
    "eac3",
    "hevc",
    "hevc_open",
    "latm",
    "m2ts",
    "mp2",
    "mp3",
    "surround",
    "wrap",
    "zero",
];

/// The packed audio that it makes.
pub(crate) const PACKED: [&str; 4] = ["packed_aac.aac", "packed_ac3.ac3", "packed_eac3.ec3", "packed_mp3.mp3"];

/// A reader with everything at its default.
pub(crate) fn reader() -> StreamReader {
    StreamReader::new(&StreamOptions::default(), &Limits::default())
}

/// Polls until nothing comes.
pub(crate) fn drain(reader: &mut StreamReader, units: &mut Vec<StreamUnit>) -> Result<(), Error> {
    while let Some(unit) = reader.poll()? {
        units.push(unit);
    }
    Ok(())
}

/// Units of a segment that arrives in pieces, and of its end.
pub(crate) fn segment(
    reader: &mut StreamReader,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Result<Vec<StreamUnit>, Error> {
    let mut units = Vec::new();
    for piece in pieces {
        reader.push(piece);
        drain(reader, &mut units)?;
    }
    reader.finish()?;
    drain(reader, &mut units)?;
    Ok(units)
}

/// Units of a segment that arrives in one piece.
pub(crate) fn read(bytes: impl Into<Bytes>) -> Vec<StreamUnit> {
    segment(&mut reader(), [bytes.into()]).expect("the stream is valid")
}

/// A sample with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) sample: Sample,
    pub(crate) bytes: Bytes,
}

/// A track with all of its samples.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) info: TrackInfo,
    pub(crate) samples: Vec<Taken>,
}

/// The initialisation segments among units.
pub(crate) fn inits(units: &[StreamUnit]) -> Vec<Arc<InitSegment>> {
    units
        .iter()
        .filter_map(|unit| match unit {
            StreamUnit::Init(init) => Some(Arc::clone(init)),
            _ => None,
        })
        .collect()
}

/// The fragments among units.
pub(crate) fn fragments(units: &[StreamUnit]) -> Vec<&Fragment> {
    units
        .iter()
        .filter_map(|unit| match unit {
            StreamUnit::Fragment(fragment) => Some(fragment),
            _ => None,
        })
        .collect()
}

/// The warnings among units.
pub(crate) fn warnings(units: &[StreamUnit]) -> Vec<&Warning> {
    units
        .iter()
        .filter_map(|unit| match unit {
            StreamUnit::Warning(warning) => Some(warning),
            _ => None,
        })
        .collect()
}

/// Rules of the warnings among units.
pub(crate) fn rules(units: &[StreamUnit]) -> Vec<&str> {
    warnings(units).iter().map(|warning| warning.rule.as_str()).collect()
}

/// Tracks of the first initialisation segment with all samples that come behind it.
pub(crate) fn tracks(units: &[StreamUnit]) -> Vec<Track> {
    let init = inits(units).first().cloned().expect("there is an initialisation segment");
    init.tracks
        .iter()
        .map(|info| Track {
            info: info.clone(),
            samples: fragments(units)
                .iter()
                .flat_map(|fragment| {
                    fragment.tracks.iter().filter(|part| part.track_id == info.id).flat_map(|part| {
                        part.samples.iter().map(|sample| Taken {
                            sample: *sample,
                            bytes: fragment.sample(sample).expect("a fragment has its samples' bytes"),
                        })
                    })
                })
                .collect(),
        })
        .collect()
}

/// The file that initialisation segments and fragments make, one behind the other.
pub(crate) fn file(units: &[StreamUnit]) -> Vec<u8> {
    let mut file = Vec::new();
    for unit in units {
        match unit {
            StreamUnit::Init(init) => file.extend_from_slice(&init.data),
            StreamUnit::Fragment(fragment) => fragment.data.iter().for_each(|piece| file.extend_from_slice(piece)),
            _ => {}
        }
    }
    file
}

/// CRC-32 as zlib has it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 })
    })
}
