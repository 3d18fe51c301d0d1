//! Protected fragmented MP4 to clear, at the same places of the file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use telecine_container::{InitSegment, IsoReader, Unit};
use telecine_model::{Error, ErrorCode, Limits};

use super::{Counted, Input, Keys, Output, Progress};
use crate::fetch::unreadable;

/// Decrypts a fragmented file or segment into another of equal length: samples are clear, boxes that speak of
/// encryption are `free`, and every other byte is as it was, so that indexes still hold.
///
/// # Errors
/// What the reader of containers and the decryption find; `InitMissing` if neither the file nor `init` has a `moov`;
/// `ContainerUnknown` for samples that `moov` itself lists.
pub(crate) fn clear_fragments(
    path: &Path,
    init: Option<Arc<InitSegment>>,
    keys: &Keys,
    limits: &Limits,
    out: &mut Output,
) -> Result<(Vec<Counted>, u64), Error> {
    let mut input = Input::open(path)?;
    let mut progress = Progress::new(input.length());
    let mut reader = IsoReader::new(limits);
    let mut work = Work { rest: Rest::open(path)?, init: init.clone(), keys, out, counted: Vec::new(), clear: 0 };
    if let Some(init) = init {
        work.counted = init.tracks.iter().map(|track| Counted::new(track.clone())).collect();
        reader.set_init(init);
    }
    while let Some(piece) = input.next()? {
        progress.add(piece.len() as u64);
        reader.push(piece);
        while let Some(unit) = reader.poll()? {
            work.take(unit)?;
        }
    }
    reader.finish()?;
    while let Some(unit) = reader.poll()? {
        work.take(unit)?;
    }
    if work.init.is_none() {
        return Err(Error::new(ErrorCode::InitMissing, "there is no moov box in either"));
    }
    let length = progress.so_far().0;
    work.fill(length)?;
    Ok((work.counted, work.clear))
}

/// One pass over a file.
struct Work<'a> {
    rest: Rest,
    init: Option<Arc<InitSegment>>,
    keys: &'a Keys,
    out: &'a mut Output,
    counted: Vec<Counted>,
    /// Samples that were protected.
    clear: u64,
}

impl Work<'_> {
    fn take(&mut self, unit: Unit) -> Result<(), Error> {
        match unit {
            Unit::Init(init) => {
                if init.tracks.iter().any(|track| track.listed_samples > 0 && track.encryption.is_some()) {
                    let message = "samples that moov lists are protected; only those of fragments are decrypted";
                    return Err(Error::new(ErrorCode::ContainerUnknown, message));
                }
                let cleared = init.cleared();
                let (moov, offset) = cleared.moov();
                self.fill(offset)?;
                self.out.write(&moov)?;
                for track in &init.tracks {
                    if self.counted.iter().all(|known| known.info.id != track.id) {
                        self.counted.push(Counted::new(track.clone()));
                    }
                }
                self.init = Some(init);
            }
            Unit::Fragment(mut fragment) => {
                if let Some(init) = &self.init {
                    self.clear += self.keys.clear(&mut fragment, init)?;
                }
                self.fill(fragment.offset)?;
                self.out.write_all(&fragment.data)?;
                for counted in &mut self.counted {
                    counted.add(&fragment);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Copies what is of neither kind, up to an offset.
    fn fill(&mut self, until: u64) -> Result<(), Error> {
        self.rest.copy(self.out, until)
    }
}

/// The file once more, for what the reader does not hand out: indexes, and boxes that nobody knows.
struct Rest {
    path: std::path::PathBuf,
    file: File,
}

impl Rest {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Goes on from where the output ends, which is the same place.
    fn copy(&mut self, out: &mut Output, until: u64) -> Result<(), Error> {
        let Some(mut left) = until.checked_sub(out.written()).filter(|left| *left > 0) else { return Ok(()) };
        let failed = |e: std::io::Error| unreadable(&self.path, &e);
        self.file.seek(SeekFrom::Start(out.written())).map_err(failed)?;
        let mut piece = Vec::new();
        while left > 0 {
            piece.clear();
            let read = (&mut self.file).take(left.min(super::READ as u64)).read_to_end(&mut piece).map_err(failed)?;
            if read == 0 {
                return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
            }
            out.write(&piece)?;
            left -= read as u64;
        }
        Ok(())
    }
}
