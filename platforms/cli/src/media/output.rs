//! Files that a command writes: there when they are complete, and not before.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use telecine_model::{Error, ErrorCode};

use crate::output::cannot_write;

/// A file in the making. It has another name until it is complete; what is not finished is removed.
pub(crate) struct Output {
    path: PathBuf,
    part: PathBuf,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Output {
    /// Begins a file.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be written, as of every method.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        if path.is_dir() {
            return Err(cannot_write(path, &std::io::ErrorKind::IsADirectory.into()));
        }
        let file = File::create(&part).map_err(|e| cannot_write(path, &e))?;
        Ok(Self { path: path.to_owned(), part, file: Some(BufWriter::with_capacity(64 << 10, file)), written: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes).map_err(|e| cannot_write(&self.path, &e))?;
            self.written += bytes.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn write_all(&mut self, pieces: &[Bytes]) -> Result<(), Error> {
        pieces.iter().try_for_each(|piece| self.write(piece))
    }

    /// The file is complete and gets its name.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        if let Some(mut file) = self.file.take() {
            let done = file.flush().and_then(|()| fs::rename(&self.part, &self.path));
            if let Err(e) = done {
                let _ = fs::remove_file(&self.part);
                return Err(cannot_write(&self.path, &e));
            }
        }
        Ok(self.written)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Whether it can be removed makes no difference to the error that is on its way.
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Refuses to write over what is read.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn check_targets(inputs: &[PathBuf], output: &Path) -> Result<(), Error> {
    let Ok(target) = output.canonicalize() else { return Ok(()) };
    match inputs.iter().find(|input| input.canonicalize().is_ok_and(|input| input == target)) {
        Some(input) => {
            let message = format!("'{}' is input and output: give the output another name", input.display());
            Err(Error::new(ErrorCode::InvalidArgument, message))
        }
        None => Ok(()),
    }
}
