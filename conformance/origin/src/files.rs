//! Folders of files that are served as they are: titles that another packager made.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use crate::body::Part;
use crate::fault::Class;
use crate::options::percent_decoded;
use crate::resource::{Names, Resource};
use crate::title::{fnv, TitleError, FNV};

/// How deep manifests are looked for, and among how many files.
const DEPTH: usize = 4;
const LOOKED_AT: usize = 10_000;
/// A list of keys is shorter.
const LONGEST_KEYS: u64 = 4 << 20;
/// Of a playlist no more is read.
const HEAD: u64 = 1 << 20;

/// A folder of which every file can be asked for, except those whose names begin with a dot. Nothing outside of it is
/// served, whatever a path or a link says.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// Without links in it.
    root: PathBuf,
}

/// What a path in a folder names.
pub(crate) enum Found {
    /// A file, a hash of what its bytes depend on, and whether it is gzip of the file that was asked for.
    File(Resource, u64, bool),
    /// A folder in the folder: its names, those of folders with a slash behind.
    Folder(Vec<String>),
}

impl Folder {
    /// # Errors
    /// The path is no folder that can be read.
    pub(crate) fn open(path: &Path) -> Result<Self, TitleError> {
        let failed = |error: io::Error| {
            let place = path.display().to_string();
            match error.kind() {
                io::ErrorKind::NotFound => TitleError::new(place, "there is no such folder"),
                io::ErrorKind::NotADirectory => TitleError::new(place, "it is not a folder"),
                _ => TitleError::new(place, error),
            }
        };
        let root = path.canonicalize().map_err(failed)?;
        fs::read_dir(&root).map_err(failed)?;
        Ok(Self { root })
    }

    /// What a path names, its parts joined by slashes and decoded. Where gzip will do, the file beside it with `.gz` behind
    /// its name is what is sent, if there is one.
    pub(crate) fn find(&self, path: &str, gzip: bool) -> Option<Found> {
        let inner = path.trim_end_matches('/');
        let full = self.resolve(inner)?;
        let metadata = full.metadata().ok()?;
        if metadata.is_dir() {
            return names(&full).map(Found::Folder);
        }
        // Anything else, a pipe say, could keep whoever opens it waiting.
        if !metadata.is_file() || path.ends_with('/') {
            return None;
        }
        let (class, content_type) = kind(inner);
        let packed = gzip.then(|| self.resolve(&format!("{inner}.gz"))).flatten().filter(|beside| beside.is_file());
        let zipped = packed.is_some();
        let full = packed.unwrap_or(full);
        let metadata = full.metadata().ok()?;
        let length = metadata.len();
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let digest = fnv(fnv(FNV, inner.as_bytes()), &length.to_be_bytes());
        let digest = fnv(digest, &modified.unwrap_or_default().as_nanos().to_be_bytes());
        let part = Part::File { file: Arc::new(Mutex::new(File::open(&full).ok()?)), length, flips: Arc::default() };
        let resource = Resource {
            class,
            content_type,
            rendition: inner.to_owned(),
            names: Names::Path,
            parts: vec![part],
            segments: vec![(last_number(inner), 0..length)],
            gap: false,
            pieces: Vec::new(),
            hinted: false,
        };
        Some(Found::File(resource, digest, zipped))
    }

    /// The bytes of the list of its keys; None where there is none, or none that a list of keys could be as long as.
    pub(crate) fn keys_file(&self) -> Option<Vec<u8>> {
        let full = self.resolve("keys.json")?;
        let metadata = full.metadata().ok()?;
        (metadata.is_file() && metadata.len() <= LONGEST_KEYS).then(|| fs::read(full).ok()).flatten()
    }

    /// Tells folders apart.
    pub(crate) fn digest(&self) -> u64 {
        fnv(FNV, self.root.as_os_str().as_encoded_bytes())
    }

    /// The file that a path names, links followed; `None` outside of the folder.
    fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut full = self.root.clone();
        for part in path.split('/').filter(|_| !path.is_empty()) {
            // One name, whatever this system takes for a separator.
            let mut components = Path::new(part).components();
            let one =
                matches!((components.next(), components.next()), (Some(Component::Normal(name)), None) if name == part);
            if !one || part.starts_with('.') {
                return None;
            }
            full.push(part);
        }
        let full = full.canonicalize().ok()?;
        full.starts_with(&self.root).then_some(full)
    }

    /// The manifests that a player would be given: MPDs, multivariant playlists, and media playlists that none of these
    /// leads to.
    pub(crate) fn manifests(&self) -> Vec<String> {
        let (mut titles, mut playlists, mut listed) = (Vec::new(), Vec::new(), HashSet::new());
        let mut folders = vec![(String::new(), 0)];
        let mut looked_at = 0;
        while let Some((folder, depth)) = folders.pop() {
            let names = self.resolve(folder.trim_end_matches('/')).and_then(|full| names(&full));
            for name in names.unwrap_or_default() {
                looked_at += 1;
                let path = format!("{folder}{name}");
                if looked_at > LOOKED_AT {
                    break;
                } else if name.ends_with('/') && depth < DEPTH {
                    folders.push((path, depth + 1));
                } else if kind(&path).0 == Class::Manifest {
                    match extension(&path).as_str() {
                        "mpd" => titles.push(path),
                        "m3u8" | "m3u" => match self.multivariant(&path) {
                            Some(text) => {
                                listed.extend(references(&text).filter_map(|reference| sibling(&path, reference)));
                                titles.push(path);
                            }
                            None => playlists.push(path),
                        },
                        _ => {}
                    }
                }
            }
        }
        titles.extend(playlists.into_iter().filter(|path| !listed.contains(path)));
        titles.sort_by_key(|path| (path.matches('/').count(), path.clone()));
        titles
    }

    /// The text of a playlist, if it is a multivariant one.
    fn multivariant(&self, path: &str) -> Option<String> {
        let mut head = Vec::new();
        let file = self.resolve(path).filter(|full| full.is_file()).and_then(|full| File::open(full).ok());
        file?.take(HEAD).read_to_end(&mut head).ok()?;
        Some(String::from_utf8_lossy(&head).into_owned()).filter(|text| text.contains("#EXT-X-STREAM-INF"))
    }
}

/// What a multivariant playlist leads to, as written: its lines of URIs, and the URI attributes of its tags.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let of_line = |line: &str| -> Option<usize> { line.find("URI=\"").map(|at| at + 5) };
    text.lines().map(str::trim).filter_map(move |line| match line.starts_with('#') {
        true => line.get(of_line(line)?..)?.split('"').next(),
        false => Some(line).filter(|line| !line.is_empty()),
    })
}

/// The file of a folder that a reference in another one names; None if it is none of the folder.
fn sibling(path: &str, reference: &str) -> Option<String> {
    let reference = reference.split(['?', '#']).next().unwrap_or_default();
    if reference.starts_with('/') || reference.contains("://") {
        return None;
    }
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(percent_decoded(part)),
        }
    }
    Some(parts.join("/"))
}

/// The names in a folder, in order; None if it cannot be read.
fn names(folder: &Path) -> Option<Vec<String>> {
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().to_str().filter(|name| !name.starts_with('.'))?.to_owned();
        Some(if entry.path().is_dir() { name + "/" } else { name })
    };
    let mut names: Vec<String> = fs::read_dir(folder).ok()?.filter_map(|entry| name(entry.ok()?)).collect();
    names.sort();
    Some(names)
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// What kind of object a file is, and its content type, by its name.
fn kind(path: &str) -> (Class, &'static str) {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let (class, content_type) = match extension(path).as_str() {
        "m3u8" | "m3u" => (Class::Manifest, "application/vnd.apple.mpegurl"),
        "mpd" => (Class::Manifest, "application/dash+xml"),
        "mp4" | "m4s" | "m4v" | "cmfv" | "m4i" => (Class::Video, "video/mp4"),
        "m4a" | "m4b" | "cmfa" => (Class::Audio, "audio/mp4"),
        "ts" | "m2ts" => (Class::Video, "video/mp2t"),
        "webm" => (Class::Video, "video/webm"),
        "mkv" => (Class::Video, "video/matroska"),
        "mov" => (Class::Video, "video/quicktime"),
        "aac" => (Class::Audio, "audio/aac"),
        "mp3" => (Class::Audio, "audio/mpeg"),
        "ac3" => (Class::Audio, "audio/ac3"),
        "ec3" => (Class::Audio, "audio/eac3"),
        "flac" => (Class::Audio, "audio/flac"),
        "wav" => (Class::Audio, "audio/wav"),
        "ogg" | "opus" => (Class::Audio, "audio/ogg"),
        "vtt" | "webvtt" => (Class::Text, "text/vtt"),
        "ttml" | "dfxp" => (Class::Text, "application/ttml+xml"),
        "cmft" => (Class::Text, "application/mp4"),
        "srt" => (Class::Text, "application/x-subrip"),
        "jpg" | "jpeg" => (Class::Image, "image/jpeg"),
        "png" => (Class::Image, "image/png"),
        "webp" => (Class::Image, "image/webp"),
        "avif" => (Class::Image, "image/avif"),
        "json" => (Class::Other, "application/json"),
        "xml" => (Class::Other, "application/xml"),
        "html" | "htm" => (Class::Other, "text/html; charset=utf-8"),
        "js" | "mjs" => (Class::Other, "text/javascript"),
        "wasm" => (Class::Other, "application/wasm"),
        "css" => (Class::Other, "text/css"),
        "txt" | "md" => (Class::Other, "text/plain; charset=utf-8"),
        _ => (Class::Other, "application/octet-stream"),
    };
    // Every packager calls it so.
    let init = matches!(content_type, "video/mp4" | "audio/mp4") && name.contains("init");
    (if init { Class::Init } else { class }, content_type)
}

/// The last number in the name of a file, the extension aside: what most packagers count segments with.
fn last_number(path: &str) -> u64 {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let other = |c: char| !c.is_ascii_digit();
    let digits = stem.trim_end_matches(other).rsplit(other).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_a_name_counts_the_segment() {
        for (path, number) in [
            ("chunk-stream0-00012.m4s", 12),
            ("v1/seg7.ts", 7),
            ("12/init.mp4", 0),
            ("3.m4s", 3),
            ("é9.m4s", 9),
            ("9é.m4s", 9),
            ("main.mp4", 0),
            ("", 0),
            ("99999999999999999999999.ts", 0),
        ] {
            assert_eq!(last_number(path), number, "{path}");
        }
    }

    #[test]
    fn the_kind_of_a_file_is_told_by_its_name() {
        assert_eq!(kind("a/MAIN.M3U8"), (Class::Manifest, "application/vnd.apple.mpegurl"));
        assert_eq!(kind("init-stream0.m4s"), (Class::Init, "video/mp4"));
        assert_eq!(kind("init/seg1.m4s").0, Class::Video, "the folder's name is not the file's");
        assert_eq!(kind("seg-1.ts").1, "video/mp2t");
        assert_eq!(kind("LICENCE"), (Class::Other, "application/octet-stream"));
    }
}
