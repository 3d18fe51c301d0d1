//! What the tests share: the committed media, and a hand for writing boxes.

use bytes::Bytes;
use telecine_container::{Fragment, InitSegment, IsoReader, Unit};
use telecine_model::{Error, ErrorCode, Limits, Place};

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> Bytes {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

/// The media files that `make.sh` makes, without their extension.
pub(crate) const FILES: [&str; 20] = [
    "ac3",
    "alac",
    "av1",
    "av1_hdr",
    "cenc",
    "chunked",
    "cmaf_sidx",
    "dash_sidx",
    "delayed_audio",
    "eac3",
    "faststart",
    "flac",
    "hevc",
    "hevc10",
    "muxed_edit",
    "negative_ctts",
    "omit_offset",
    "opus",
    "progressive",
    "vp9",
];

/// All units of a resource that arrives in one piece.
pub(crate) fn read(bytes: impl Into<Bytes>) -> Result<Vec<Unit>, Error> {
    read_pieces(&Limits::default(), [bytes.into()])
}

/// All units of a resource that arrives in pieces.
pub(crate) fn read_pieces(limits: &Limits, pieces: impl IntoIterator<Item = Bytes>) -> Result<Vec<Unit>, Error> {
    let mut reader = IsoReader::new(limits);
    let mut units = Vec::new();
    for piece in pieces {
        reader.push(piece);
        drain(&mut reader, &mut units)?;
    }
    reader.finish()?;
    drain(&mut reader, &mut units)?;
    Ok(units)
}

/// Polls until nothing comes.
pub(crate) fn drain(reader: &mut IsoReader, units: &mut Vec<Unit>) -> Result<(), Error> {
    while let Some(unit) = reader.poll()? {
        units.push(unit);
    }
    Ok(())
}

/// The only error of a resource, as code and place.
pub(crate) fn failure(bytes: impl Into<Bytes>) -> (ErrorCode, String, u64) {
    code_and_box(&read(bytes).expect_err("the resource is broken"))
}

/// Code, path and offset of an error about a box.
pub(crate) fn code_and_box(error: &Error) -> (ErrorCode, String, u64) {
    match error.place() {
        Some(Place::Box { path, offset }) => (error.code(), path.clone(), *offset),
        place => panic!("{error}: {place:?} is no place of a box"),
    }
}

/// The fragments among units.
pub(crate) fn fragments(units: &[Unit]) -> Vec<&Fragment> {
    units
        .iter()
        .filter_map(|unit| match unit {
            Unit::Fragment(fragment) => Some(fragment),
            _ => None,
        })
        .collect()
}

/// The initialisation segment among units.
pub(crate) fn init(units: &[Unit]) -> &InitSegment {
    units
        .iter()
        .find_map(|unit| match unit {
            Unit::Init(init) => Some(init.as_ref()),
            _ => None,
        })
        .expect("there is a moov")
}

/// A box of a type around parts.
pub(crate) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&be(8 + body.len() as u32)[..], kind, &body].concat()
}

/// A FullBox.
pub(crate) fn full(kind: &[u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let word = be(u32::from(version) << 24 | flags);
    boxed(kind, &[&[&word[..]], parts].concat())
}

/// 32 bits.
pub(crate) fn be(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// 64 bits.
pub(crate) fn be64(value: u64) -> [u8; 8] {
    value.to_be_bytes()
}

/// Several values of 32 bits.
pub(crate) fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A movie header with a timescale of 1000.
pub(crate) fn mvhd() -> Vec<u8> {
    full(b"mvhd", 0, 0, &[&words(&[0, 0, 1000, 0]), &[0; 80]])
}

/// A track to be put together: change what the test is about.
pub(crate) struct Trak {
    pub(crate) id: u32,
    pub(crate) timescale: u32,
    pub(crate) handler: [u8; 4],
    pub(crate) language: u16,
    pub(crate) edts: Vec<u8>,
    pub(crate) elng: Vec<u8>,
    pub(crate) dinf: Vec<u8>,
    pub(crate) stsd: Vec<u8>,
    pub(crate) tables: Vec<u8>,
}

impl Default for Trak {
    fn default() -> Self {
        Self {
            id: 1,
            timescale: 1000,
            handler: *b"meta",
            language: 0x55c4, // und
            edts: Vec::new(),
            elng: Vec::new(),
            dinf: Vec::new(),
            stsd: stsd(&[&boxed(b"mett", &[&[0; 8]])]),
            tables: Vec::new(),
        }
    }
}

impl Trak {
    /// The box.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let tkhd = full(b"tkhd", 0, 3, &[&words(&[0, 0, self.id]), &[0; 68]]);
        let mdhd = full(b"mdhd", 0, 0, &[&words(&[0, 0, self.timescale, 0]), &self.language.to_be_bytes(), &[0; 2]]);
        let hdlr = full(b"hdlr", 0, 0, &[&[0; 4], &self.handler, &[0; 13]]);
        let stbl = boxed(b"stbl", &[&self.stsd, &self.tables]);
        let minf = boxed(b"minf", &[&self.dinf, &stbl]);
        let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &self.elng, &minf]);
        boxed(b"trak", &[&tkhd, &self.edts, &mdia])
    }
}

/// A sample description box.
pub(crate) fn stsd(entries: &[&[u8]]) -> Vec<u8> {
    full(b"stsd", 0, 0, &[&be(entries.len() as u32), &entries.concat()])
}

/// `mvex` with a `trex` for each track: id, duration, size, flags.
pub(crate) fn mvex(defaults: &[[u32; 4]]) -> Vec<u8> {
    let trex: Vec<u8> = defaults
        .iter()
        .flat_map(|[id, duration, size, flags]| full(b"trex", 0, 0, &[&words(&[*id, 1, *duration, *size, *flags])]))
        .collect();
    boxed(b"mvex", &[&trex])
}

/// A movie with one metadata track of id 1 at 1000 ticks a second, samples of 10 ticks and 4 bytes.
pub(crate) fn simple_init() -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[b"iso6", &be(0), b"iso6cmfc"]);
    let moov = boxed(b"moov", &[&mvhd(), &Trak::default().bytes(), &mvex(&[[1, 10, 4, 0]])]);
    [ftyp, moov].concat()
}

/// `moof` with a sequence number around `traf` boxes.
pub(crate) fn moof(sequence: u32, trafs: &[&[u8]]) -> Vec<u8> {
    let mfhd = full(b"mfhd", 0, 0, &[&be(sequence)]);
    boxed(b"moof", &[&mfhd, &trafs.concat()])
}

/// `default-base-is-moof` of `tfhd`.
pub(crate) const BASE_IS_MOOF: u32 = 0x2_0000;

/// `tfhd` of track 1 with flags and the values they announce.
pub(crate) fn tfhd(flags: u32, values: &[u8]) -> Vec<u8> {
    full(b"tfhd", 0, flags, &[&be(1), values])
}

/// `tfdt` of 32 bits.
pub(crate) fn tfdt(time: u32) -> Vec<u8> {
    full(b"tfdt", 0, 0, &[&be(time)])
}

/// `trun` with a data offset and nothing else for each sample.
pub(crate) fn trun(count: u32, data_offset: i32) -> Vec<u8> {
    full(b"trun", 0, 1, &[&be(count), &data_offset.to_be_bytes()])
}

/// A fragment of track 1 as CMAF wants it: `count` samples of four bytes, from `time`.
pub(crate) fn simple_fragment(sequence: u32, time: u32, count: u32) -> Vec<u8> {
    // mfhd 16, tfhd 16, tfdt 16, trun 20, and the headers of traf and moof.
    let offset = 8 + 16 + 8 + 16 + 16 + 20 + 8;
    let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(time), &trun(count, offset)]);
    let media: Vec<u8> = (0..4 * count).map(|byte| byte as u8).collect();
    [moof(sequence, &[&traf]), boxed(b"mdat", &[&media])].concat()
}

/// A visual sample entry of 640 by 360.
pub(crate) fn visual(kind: &[u8; 4], boxes: &[u8]) -> Vec<u8> {
    let size = [640_u16.to_be_bytes(), 360_u16.to_be_bytes()].concat();
    boxed(kind, &[&[0; 24], &size, &[0; 50], boxes])
}

/// A configuration record of H.264.
pub(crate) const AVCC: &[u8] = &[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0];

/// The box of it.
pub(crate) fn avcc() -> Vec<u8> {
    boxed(b"avcC", &[AVCC])
}

/// The protection of an entry that was of `format`.
pub(crate) fn sinf(format: &[u8; 4], scheme: &[u8; 4], tenc: &[u8]) -> Vec<u8> {
    let schm = full(b"schm", 0, 0, &[scheme, &be(0x1_0000)]);
    boxed(b"sinf", &[&boxed(b"frma", &[format]), &schm, &boxed(b"schi", &[tenc])])
}
