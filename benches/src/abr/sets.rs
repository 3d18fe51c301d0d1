//! The sets of networks, each with the title that is played over it.

use std::fmt;
use std::path::{Path, PathBuf};

use telecine_simulator::player::Viewing;
use telecine_simulator::read::{
    envivio, low_latency_networks, low_latency_title, sabre_movie, sabre_network, ReadError, PROFILE_LATENCY_MS,
};
use telecine_simulator::{Figure, Movie, Trace};

/// A set of networks and how titles are watched over them.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its folder's name.
    pub name: &'static str,
    /// What is played.
    pub movie: Movie,
    /// The networks that are played over, in the order of their names.
    pub traces: Vec<Trace>,
    /// How many networks the set has, or its folder if those are more.
    pub of: usize,
    /// How the title is watched.
    pub modes: &'static [Mode],
}

/// A way to watch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// `vod` or `live`, as in the table of published figures.
    pub name: &'static str,
    /// Media that the buffer takes, in seconds.
    pub buffer_s: f64,
    /// What the player takes the title for.
    pub viewing: Viewing,
}

/// On demand: what most published figures are of.
const VOD: Mode = Mode { name: "vod", buffer_s: 25.0, viewing: Viewing::OnDemand };
/// Ten seconds behind the present.
const LIVE: Mode = Mode { name: "live", buffer_s: 10.0, viewing: Viewing::Live };
/// Three seconds behind it: whole segments of half a second.
const LOW_LATENCY: Mode = Mode { name: "live", buffer_s: 3.0, viewing: Viewing::Live };

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// So many networks of each set at most, the first by name.
    pub traces: usize,
    /// So many segments of each title at most.
    pub segments: usize,
}

impl Extent {
    /// Everything.
    pub const ALL: Self = Self { traces: usize::MAX, segments: usize::MAX };
    /// Enough to see that all of it works, in a minute.
    pub const QUICK: Self = Self { traces: 2, segments: usize::MAX };
}

/// Everything that is read.
#[derive(Clone, Debug)]
pub struct Collection {
    /// The sets that are there.
    pub sets: Vec<Set>,
    /// The names of those that are not.
    pub missing: Vec<&'static str>,
    /// What is published of the rules; none where no table of it is there.
    pub figures: Vec<Figure>,
    /// How much of it is to be played.
    pub extent: Extent,
}

/// Why a collection cannot be played.
#[derive(Debug)]
pub enum Unreadable {
    /// There is no such folder, or none of the sets is in it.
    NoTraces(PathBuf),
    /// A file of it cannot be read.
    File(PathBuf, String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTraces(folder) => write!(
                f,
                "there are no traces in '{}'.\nName the folder of the collection: make bench-abr TRACES=DIR. It has the folders \
                 3g, 4g, fcc-hd and fcc-sd with a network in each file, movies/bbb.json and movies/bbb4k.json, and \
                 published-rules.csv, as conformance/traces/README.md tells; low-latency is optional.\nA small part of it is in the \
                 repository: make bench-abr QUICK=1 TRACES=conformance/traces",
                folder.display()
            ),
            Self::File(path, why) => write!(f, "'{}': {why}", path.display()),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Collection {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`Unreadable`] if there is nothing to play, or a file is not what it should be.
    pub fn read(folder: &Path, extent: Extent) -> Result<Self, Unreadable> {
        const SETS: [(&str, usize, &str, usize, &[Mode]); 4] = [
            ("4g", 20, "bbb4k.json", usize::MAX, &[VOD, LIVE]),
            ("3g", 43, "bbb.json", usize::MAX, &[VOD, LIVE]),
            // The published figures are of their first three minutes, after which the networks repeat.
            ("fcc-hd", 50, "bbb4k.json", 60, &[VOD, LIVE]),
            ("fcc-sd", 50, "bbb.json", 60, &[VOD, LIVE]),
        ];
        let (mut sets, mut missing) = (Vec::new(), Vec::new());
        for (name, of, movie, segments, modes) in SETS {
            if !folder.join(name).is_dir() {
                missing.push(name);
                continue;
            }
            let path = folder.join("movies").join(movie);
            let movie = sabre_movie(&text(&path)?).map_err(|error| Unreadable::File(path, error.to_string()))?;
            let movie = movie.cut(movie.segments().min(segments).min(extent.segments));
            sets.push(Set::new((name, of), movie, networks(&folder.join(name))?, modes, extent));
        }
        // The title whose quality is known by VMAF, over the networks that it was published with.
        match folder.join("movies/envivio") {
            title if title.is_dir() && folder.join("3g").is_dir() => {
                let wrong = |error: ReadError| Unreadable::File(title.clone(), error.to_string());
                let movie = envivio(|name| text(&title.join(name)), wrong)?;
                let movie = movie.cut(movie.segments().min(extent.segments));
                sets.push(Set::new(("envivio", 43), movie, networks(&folder.join("3g"))?, &[VOD], extent));
            }
            _ => missing.push("movies/envivio"),
        }
        match profiles(&folder.join("low-latency"))? {
            traces if traces.is_empty() => missing.push("low-latency"),
            traces => {
                let title =
                    low_latency_title().map_err(|error| Unreadable::File("low-latency".into(), error.to_string()))?;
                let title = title.cut(title.segments().min(extent.segments));
                sets.push(Set::new(("low-latency", 10), title, traces, &[LOW_LATENCY], extent));
            }
        }
        if sets.is_empty() {
            return Err(Unreadable::NoTraces(folder.to_owned()));
        }
        let path = folder.join("published-rules.csv");
        let figures = match path.is_file() {
            true => Figure::read(&text(&path)?).map_err(|error| Unreadable::File(path, error.to_string()))?,
            false => Vec::new(),
        };
        Ok(Self { sets, missing, figures, extent })
    }

    /// Whether all of every set is played.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
            && self.extent.segments == usize::MAX
            && self.sets.iter().all(|set| set.traces.len() == set.of)
    }
}

impl Set {
    fn new(
        (name, of): (&'static str, usize),
        movie: Movie,
        mut traces: Vec<Trace>,
        modes: &'static [Mode],
        extent: Extent,
    ) -> Self {
        let of = of.max(traces.len());
        traces.truncate(extent.traces);
        Self { name, movie, traces, of, modes }
    }
}

/// The networks of a folder, by name. Other files in it are none of ours.
fn networks(folder: &Path) -> Result<Vec<Trace>, Unreadable> {
    let read = |path: &PathBuf| {
        let link = sabre_network(&text(path)?).map_err(|error| Unreadable::File(path.clone(), error.to_string()))?;
        Ok(Trace { name: name(path), link })
    };
    json_files(folder)?.iter().map(read).collect()
}

/// The profiles of all files of a folder; none where there is no such folder.
fn profiles(folder: &Path) -> Result<Vec<Trace>, Unreadable> {
    let mut traces = Vec::new();
    if !folder.is_dir() {
        return Ok(traces);
    }
    for path in json_files(folder)? {
        let networks = low_latency_networks(&text(&path)?, PROFILE_LATENCY_MS)
            .map_err(|error| Unreadable::File(path.clone(), error.to_string()))?;
        let of = name(&path);
        let of = of.split('-').next().unwrap_or_default();
        let named = |(profile, link): (String, _)| {
            let profile = profile.trim_start_matches("PROFILE_").to_lowercase();
            Trace { name: format!("{of}-{profile}"), link }
        };
        traces.extend(networks.into_iter().map(named));
    }
    Ok(traces)
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let wrong = |error: std::io::Error| Unreadable::File(folder.to_owned(), error.to_string());
    let entries = std::fs::read_dir(folder).map_err(wrong)?;
    let mut paths = entries.map(|entry| Ok(entry.map_err(wrong)?.path())).collect::<Result<Vec<_>, Unreadable>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text(path: &Path) -> Result<String, Unreadable> {
    std::fs::read_to_string(path).map_err(|error| Unreadable::File(path.to_owned(), error.to_string()))
}

/// Whether rules may be tuned on a network: those are whose name hashes to an even number, by the CRC-32 of ISO 3309.
pub fn is_even(name: &str) -> bool {
    crc32(name.as_bytes()).is_multiple_of(2)
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_hash_of_names_is_the_one_that_everybody_has() {
        // The check value of the catalogue of CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
