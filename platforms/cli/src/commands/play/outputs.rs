//! The files that a session leaves. They are opened before it starts: whoever waited for an hour
//! does not want to hear of a missing folder then.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use telecine_model::{Error, ErrorCode};

use crate::args::Play;
use crate::output::cannot_write;
use crate::report::{page, Report};

/// Open files, each with its path.
pub(super) struct Outputs {
    report: Option<Output>,
    html: Option<Output>,
    recording: Option<Output>,
}

struct Output {
    path: PathBuf,
    file: File,
}

impl Outputs {
    /// # Errors
    /// `InvalidArgument` for a file that cannot be written, or is to hold two things.
    pub(super) fn open(args: &Play) -> Result<Self, Error> {
        let mut paths: Vec<&Path> =
            [&args.report, &args.html, &args.record].into_iter().flatten().map(PathBuf::as_path).collect();
        paths.sort_unstable();
        if let Some(twice) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("'{}' cannot be two things: give each of them a file", twice[0].display());
            return Err(Error::new(ErrorCode::InvalidArgument, message));
        }
        Ok(Self {
            report: Output::open(args.report.as_deref())?,
            html: Output::open(args.html.as_deref())?,
            recording: Output::open(args.record.as_deref())?,
        })
    }

    /// Appends to the recording, if there is to be one.
    pub(super) fn recorded(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.recording.as_mut().map_or(Ok(()), |output| output.append(bytes))
    }

    /// Writes the report in every form that was asked for.
    pub(super) fn write(mut self, report: &Report) -> Result<(), Error> {
        if let Some(output) = &mut self.report {
            let mut json = serde_json::to_vec(report).map_err(|e| {
                Error::new(ErrorCode::InternalDefect, format!("the report cannot be written as JSON: {e}"))
            })?;
            json.push(b'\n');
            output.append(&json)?;
        }
        if let Some(output) = &mut self.html {
            output.append(page(report).as_bytes())?;
        }
        Ok(())
    }
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Option<Self>, Error> {
        let open = |path: &Path| {
            let file = File::create(path).map_err(|e| cannot_write(path, &e))?;
            Ok(Self { path: path.to_owned(), file })
        };
        path.map(open).transpose()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|e| cannot_write(&self.path, &e))
    }
}
