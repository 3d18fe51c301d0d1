//! What goes to standard output, and in which form.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use telecine_model::{Error, ErrorCode};

/// Prints one JSON document and nothing else, as it is made.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Error> {
    write(|out| {
        serde_json::to_writer_pretty(&mut *out, document)?;
        out.write_all(b"\n")
    })
}

/// Prints text.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    write(|out| out.write_all(text.as_bytes()))
}

/// A line on standard error. Where nobody reads that there is nobody to tell; the exit code says it too.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints what is written. A reader that went away (`telecine … | head`) is not an error.
pub(crate) fn write(text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    match text(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // What is left would only fail again when the writer is dropped.
            let _ = out.into_parts();
            READER_GONE.store(true, Ordering::Relaxed);
            Ok(())
        }
        Err(e) => Err(failed(&e)),
    }
}

/// The error for standard output that cannot be written.
pub(crate) fn failed(error: &io::Error) -> Error {
    Error::new(ErrorCode::InternalDefect, format!("standard output cannot be written: {error}"))
}

/// Whether whoever read standard output went away. Set once and for all.
static READER_GONE: AtomicBool = AtomicBool::new(false);

/// True if nobody reads what is printed any more.
pub(crate) fn reader_is_gone() -> bool {
    READER_GONE.load(Ordering::Relaxed)
}

/// Prints one line.
pub(crate) fn line(text: &str) -> Result<(), Error> {
    print(&format!("{text}\n"))
}

/// True if a person watches.
pub(crate) fn on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Text from outside as a terminal may show it: no control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The error for a file that cannot be written.
pub(crate) fn cannot_write(path: &std::path::Path, error: &io::Error) -> Error {
    let why = crate::fetch::reason(error);
    Error::new(ErrorCode::InvalidArgument, format!("'{}' cannot be written: {why}", path.display()))
}
