//! What goes to standard output, and in which form.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use telecine_model::{Error, ErrorCode};

/// Prints one JSON document and nothing else.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|e| Error::new(ErrorCode::InternalDefect, format!("the document cannot be written as JSON: {e}")))?;
    text.push('\n');
    print(&text)
}

/// Prints text. A reader that went away (`telecine … | head`) is not an error.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Error::new(ErrorCode::InternalDefect, format!("standard output cannot be written: {e}"))),
    }
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
    Error::new(ErrorCode::InvalidArgument, format!("{} cannot be written: {error}", path.display()))
}
