//! Media files as the commands read and write them: piece by piece, whatever their size.

mod beginning;
mod clear;
mod keys;
mod movie;
mod output;
mod progress;
mod remux;

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use telecine_container::{sniff, Container, Sniff};
use telecine_model::{Error, ErrorCode};

use crate::fetch::unreadable;

pub(crate) use beginning::Beginning;
pub(crate) use clear::clear_fragments;
pub(crate) use keys::Keys;
pub(crate) use movie::{remux_movies, Place as MoviePlace};
pub(crate) use output::{check_targets, Output};
pub(crate) use progress::Progress;
pub(crate) use remux::{options, remux, remuxed, track_line, Counted, Remuxable, Written};

/// Bytes read at a time.
const READ: usize = 1 << 20;

/// The beginning of a file is looked at this far, and no further: ID3 tags with pictures in them are large.
const HEAD: usize = 4 << 20;

/// A file that is read from its beginning to its end, once.
pub(crate) struct Input {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |e: io::Error| unreadable(path, &e);
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { path: path.to_owned(), file, length: about.len() })
    }

    /// Bytes in the file; zero if that cannot be known, as of a pipe.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Leaves bytes out that are there.
    ///
    /// # Errors
    /// `InvalidArgument` if the file cannot be read at any place, as a pipe.
    pub(crate) fn skip(&mut self, count: u64) -> Result<(), Error> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.file.seek_relative(count).map_err(|e| unreadable(&self.path, &e))
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// `InvalidArgument` if they cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut piece = Vec::with_capacity(READ);
        let read = (&mut self.file).take(READ as u64).read_to_end(&mut piece);
        match read.map_err(|e| unreadable(&self.path, &e))? {
            0 => Ok(None),
            _ => Ok(Some(piece.into())),
        }
    }
}

/// What a file is, by its beginning; None if it is nothing that is known.
///
/// # Errors
/// `InvalidArgument` if it cannot be read or is a manifest, `ContainerUnknown` if it is empty.
pub(crate) fn container_of(path: &Path) -> Result<Option<Container>, Error> {
    let mut file = Input::open(path)?.file;
    let mut head = Vec::new();
    let mut wanted = 64 << 10;
    loop {
        let missing = (wanted - head.len()) as u64;
        let read = (&mut file).take(missing).read_to_end(&mut head).map_err(|e| unreadable(path, &e))?;
        let complete = (read as u64) < missing;
        if head.is_empty() {
            return Err(Error::new(ErrorCode::ContainerUnknown, "it is empty: there is not a single byte"));
        }
        match sniff(&head, complete || head.len() >= HEAD) {
            Sniff::Container(container) => return Ok(Some(container)),
            Sniff::Short(needed) => wanted = needed.max(wanted.saturating_mul(2)).min(HEAD),
            Sniff::Unknown if telecine_manifest::sniff(&head).is_some() => {
                let message = format!("'{}' is a manifest: telecine inspect shows what it offers", path.display());
                return Err(Error::new(ErrorCode::InvalidArgument, message));
            }
            Sniff::Unknown => return Ok(None),
        }
    }
}

/// A short name of a container.
pub(crate) fn container_name(container: Container) -> &'static str {
    match container {
        Container::IsoBmff => "mp4",
        Container::MpegTs => "ts",
        Container::Adts => "adts",
        Container::MpegAudio => "mpeg-audio",
        Container::Ac3 => "ac3",
        Container::Eac3 => "eac3",
        Container::WebVtt => "webvtt",
        Container::Ttml => "ttml",
        _ => "other",
    }
}

/// The error for a file that is of no container that is read here, with what it looks like instead.
pub(crate) fn foreign(path: &Path) -> Error {
    let mut head = Vec::new();
    let read = Input::open(path).and_then(|input| {
        let read = input.file.take(LOOK).read_to_end(&mut head);
        read.map_err(|e| unreadable(path, &e))
    });
    match read {
        Ok(_) => {
            let message =
                format!("no MP4, MPEG transport stream or packed audio; it begins like {}", looks_like(&head));
            about(Error::new(ErrorCode::ContainerUnknown, message), path)
        }
        Err(error) => error,
    }
}

/// Bytes that are enough to guess by.
const LOOK: u64 = 64;

/// What a file that is no media of ours may be, by its first bytes.
fn looks_like(head: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 13] = [
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
        (b"OggS", "Ogg"),
        (b"fLaC", "FLAC"),
        (b"RIFF", "RIFF (WAV, AVI or WebP)"),
        (b"FLV\x01", "Flash video"),
        (b"\0\0\x01\xba", "an MPEG programme stream"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "gzip"),
        (b"<", "HTML or XML"),
    ];
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    let text = String::from_utf8_lossy(head);
    // The last character may be cut.
    let text = text.strip_suffix('\u{fffd}').unwrap_or(&text);
    if !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_whitespace()) && !text.contains('\u{fffd}') {
        let start: String = text.trim_start().chars().take(20).collect();
        return format!("a text: '{}'", crate::exit::one_line(&start));
    }
    let bytes: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("nothing that is known ({}); what is encrypted as a whole is for telecine decrypt", bytes.join(" "))
}

/// An error with the file that it is about, unless it names one already. An argument that cannot be used is named by
/// the message itself.
pub(crate) fn about(error: Error, path: &Path) -> Error {
    match error.code() {
        ErrorCode::InvalidArgument => error,
        _ if error.facts().contains_key("url") => error,
        _ => error.fact("url", path.display()),
    }
}

/// An error of a command that takes `--init`: what lacks its initialisation section is content as it should be, called
/// for without it.
pub(crate) fn init_wanted(error: Error, path: &Path, init: Option<&Path>) -> Error {
    if error.code() != ErrorCode::InitMissing {
        return error;
    }
    let path = path.display();
    let message = match init {
        None => format!("'{path}' has no moov box: it is a media segment, give its initialisation section with --init"),
        Some(init) => format!(
            "the initialisation section of '{path}' is not '{}' ({}): give another with --init",
            init.display(),
            error.message()
        ),
    };
    Error::new(ErrorCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_media_is_named_by_what_it_looks_like() {
        for (head, said) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "a PNG picture"),
            (b"<!doctype html>", "HTML or XML"),
            (b"this is a text that goes on\n", "a text: 'this is a text that'"),
            ("na\u{ef}ve\u{20ac}".as_bytes(), "a text: 'na\u{ef}ve\u{20ac}'"),
            (&"na\u{ef}ve\u{20ac}".as_bytes()[..8], "a text: 'na\u{ef}ve'"),
        ] {
            assert_eq!(looks_like(head), said);
        }
        assert!(
            looks_like(&[0x8f, 0, 1, 2, 3, 4, 5, 6, 7]).starts_with("nothing that is known (8f 00 01 02 03 04 05 06)")
        );
    }
}
