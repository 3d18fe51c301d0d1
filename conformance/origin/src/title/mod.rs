//! A title: its renditions taken apart into segments that can be moved in time.

pub(crate) mod boxes;
pub(crate) mod chunk;
pub(crate) mod join;
mod vtt;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde::Deserialize;

pub(crate) use boxes::{Fragment, Medium};
pub(crate) use vtt::{Cue, Script};

/// Why a title cannot be served: the file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleError {
    place: String,
    what: String,
}

impl TitleError {
    pub(crate) fn new(place: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { place: place.into(), what: what.to_string() }
    }
}

impl fmt::Display for TitleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl std::error::Error for TitleError {}

/// A media title: renditions of pictures, sound and text that share one timeline.
///
/// It is made of fragmented MP4 files of one track each (one `moof` a segment), WebVTT files, and a grid of
/// thumbnails; `title.json` beside them adds what the files cannot say. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Title {
    pub(crate) name: String,
    /// At least one; pictures before sound.
    pub(crate) tracks: Vec<Arc<Track>>,
    pub(crate) texts: Vec<Arc<Text>>,
    pub(crate) tiles: Option<Tiles>,
    /// Length of one repetition.
    pub(crate) length: Ticks,
    /// Changes when any byte of the title does.
    pub(crate) digest: u64,
}

/// A time in ticks of a timescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks {
    pub(crate) ticks: u64,
    pub(crate) timescale: u32,
}

impl Ticks {
    /// The same time in another timescale, rounded down.
    pub(crate) fn floor_in(self, timescale: u32) -> u64 {
        saturate(u128::from(self.ticks) * u128::from(timescale) / u128::from(self.timescale))
    }

    /// The same time in another timescale, rounded up.
    pub(crate) fn ceil_in(self, timescale: u32) -> u64 {
        saturate((u128::from(self.ticks) * u128::from(timescale)).div_ceil(u128::from(self.timescale)))
    }

    /// The same time in another timescale, to the nearest tick.
    pub(crate) fn round_in(self, timescale: u32) -> u64 {
        let twice = u128::from(self.ticks) * u128::from(timescale) * 2 / u128::from(self.timescale);
        saturate(twice.div_ceil(2))
    }

    pub(crate) fn compare(self, other: Self) -> std::cmp::Ordering {
        let left = u128::from(self.ticks) * u128::from(other.timescale);
        left.cmp(&(u128::from(other.ticks) * u128::from(self.timescale)))
    }
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// One rendition of pictures or sound.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: String,
    pub(crate) medium: Medium,
    pub(crate) codec: String,
    pub(crate) language: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) timescale: u32,
    pub(crate) init: Bytes,
    pub(crate) fragments: Vec<Fragment>,
    /// Ticks between one repetition and the next.
    pub(crate) period: u64,
    /// How many segments at the start of the programme come from `clear` instead.
    pub(crate) lead: u64,
    /// The fragments without protection; empty where none is needed.
    pub(crate) clear: Vec<Fragment>,
}

impl Track {
    pub(crate) fn is_video(&self) -> bool {
        matches!(self.medium, Medium::Video { .. })
    }

    /// Bits a second of the whole rendition.
    pub(crate) fn average_bandwidth(&self) -> u64 {
        let (bytes, ticks) = self.fragments.iter().fold((0, 0), |(b, t), f| (b + f.size(), t + f.duration));
        bandwidth(bytes, ticks, self.timescale)
    }

    /// Bits a second of the most expensive segment.
    pub(crate) fn peak_bandwidth(&self) -> u64 {
        self.fragments.iter().map(|f| bandwidth(f.size(), f.duration, self.timescale)).max().unwrap_or(1)
    }

    fn end(&self) -> Ticks {
        let (first, last) = (self.fragments.first(), self.fragments.last());
        let end = last.map_or(0, |f| f.decode_time + f.duration);
        Ticks { ticks: end.saturating_sub(first.map_or(0, |f| f.decode_time)), timescale: self.timescale }
    }
}

fn bandwidth(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    saturate((u128::from(bytes) * 8 * u128::from(timescale)).div_ceil(u128::from(ticks.max(1)))).max(1)
}

/// One rendition of text.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) id: String,
    pub(crate) language: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) script: Script,
}

/// A grid of thumbnails that covers one repetition.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    pub(crate) image: Bytes,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) seconds: u32,
}

impl Tiles {
    /// How long one grid lasts.
    pub(crate) fn seconds_per_image(&self) -> u64 {
        (u64::from(self.seconds) * u64::from(self.columns)).saturating_mul(u64::from(self.rows))
    }
}

/// `title.json`: everything is optional, and what is absent comes from the files.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Description {
    renditions: Vec<RenditionDescription>,
    thumbnails: Option<TilesDescription>,
}

#[derive(Deserialize)]
struct RenditionDescription {
    file: String,
    codec: Option<String>,
    language: Option<String>,
    label: Option<String>,
}

#[derive(Deserialize)]
struct TilesDescription {
    file: String,
    columns: u32,
    rows: u32,
    tile_width: u32,
    tile_height: u32,
    seconds_per_tile: u32,
}

static DEMO: LazyLock<Title> = LazyLock::new(|| {
    macro_rules! media {
        ($($file:literal),*) => {
            [$(($file, &include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../media/demo/", $file))[..])),*]
        };
    }
    let files = media!(
        "a-en.mp4",
        "a-fr.mp4",
        "t-en.vtt",
        "t-fr.vtt",
        "thumbs.jpg",
        "title.json",
        "v180.mp4",
        "v360.mp4",
        "v480.mp4",
        "v720.mp4"
    );
    let files = files.into_iter().map(|(name, data)| (name.to_owned(), Bytes::from_static(data))).collect();
    #[expect(clippy::expect_used, reason = "a constant of the build, read by a test; no input reaches it")]
    Title::from_files("demo", &files).expect("the embedded demo title can be served")
});

impl Title {
    /// The embedded demo title: four renditions of pictures, two of sound, two of text, thumbnails; 24 seconds.
    pub fn demo() -> Self {
        DEMO.clone()
    }

    /// Reads a folder of fragmented MP4 files (`*.mp4`), WebVTT files (`*.vtt`), and optionally `title.json` and
    /// thumbnails. The name of the folder becomes the name of the title; files stay in memory.
    ///
    /// # Errors
    /// A file that cannot be read or served, or a folder without pictures and sound.
    pub fn from_folder(path: &Path) -> Result<Self, TitleError> {
        let place = path.display().to_string();
        let name = path.file_name().map_or_else(|| "title".to_owned(), |name| name.to_string_lossy().into_owned());
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path).map_err(|error| TitleError::new(&place, error))? {
            let entry = entry.map_err(|error| TitleError::new(&place, error))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if [".mp4", ".vtt", ".jpg", ".json"].iter().any(|extension| file.ends_with(extension)) {
                let data = std::fs::read(entry.path()).map_err(|error| TitleError::new(&file, error))?;
                files.insert(file, Bytes::from(data));
            }
        }
        Self::from_files(&name, &files)
    }

    fn from_files(name: &str, files: &BTreeMap<String, Bytes>) -> Result<Self, TitleError> {
        let description: Description = match files.get("title.json") {
            Some(json) => serde_json::from_slice(json).map_err(|error| TitleError::new("title.json", error))?,
            None => Description::default(),
        };
        let described = |file: &str| description.renditions.iter().find(|r| r.file == file);
        let rank = |file: &str| description.renditions.iter().position(|r| r.file == file).unwrap_or(usize::MAX);
        let (mut tracks, mut texts) = (Vec::new(), Vec::new());
        for (file, data) in files {
            let known = described(file);
            let language = known.and_then(|r| r.language.clone());
            let label = known.and_then(|r| r.label.clone());
            if let Some(id) = file.strip_suffix(".mp4") {
                let movie = boxes::Movie::read(data).map_err(|error| TitleError::new(file, error))?;
                if !go_on(&movie.fragments) {
                    return Err(TitleError::new(
                        file,
                        "a fragment begins before the one in front of it, or at no time",
                    ));
                }
                tracks.push(Track {
                    id: id.to_owned(),
                    medium: movie.medium,
                    codec: known.and_then(|r| r.codec.clone()).unwrap_or(movie.codec),
                    language: language.or(movie.language),
                    label,
                    timescale: movie.timescale,
                    init: movie.init,
                    fragments: movie.fragments,
                    period: 0,
                    lead: 0,
                    clear: Vec::new(),
                });
            } else if let Some(id) = file.strip_suffix(".vtt") {
                let script = std::str::from_utf8(data).ok().and_then(Script::read);
                let script = script.ok_or_else(|| TitleError::new(file, "not a WebVTT file in UTF-8"))?;
                texts.push(Arc::new(Text { id: id.to_owned(), language, label, script }));
            }
        }
        tracks.sort_by_key(|t| (!t.is_video(), rank(&format!("{}.mp4", t.id)), t.peak_bandwidth()));
        texts.sort_by_key(|t| rank(&format!("{}.vtt", t.id)));
        let length = tracks.iter().map(Track::end).max_by(|a, b| a.compare(*b)).filter(|length| length.ticks > 0);
        let length = length.ok_or_else(|| TitleError::new(name, "no fragmented MP4 file with samples in it"))?;
        tracks.iter_mut().for_each(|track| track.period = length.ceil_in(track.timescale));
        let tiles = description.thumbnails.and_then(|t| {
            let (image, seconds) = (files.get(&t.file)?.clone(), t.seconds_per_tile.max(1));
            let (columns, rows, width, height) = (t.columns.max(1), t.rows.max(1), t.tile_width, t.tile_height);
            Some(Tiles { image, columns, rows, width, height, seconds })
        });
        let digest =
            files.iter().fold(fnv(FNV, name.as_bytes()), |hash, (file, data)| fnv(fnv(hash, file.as_bytes()), data));
        let tracks = tracks.into_iter().map(Arc::new).collect();
        Ok(Self { name: name.to_owned(), tracks, texts, tiles, length, digest })
    }

    /// What the title is called: the asset name in its URLs, unless it is served under another.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The track at whose segment boundaries the title is cut: the first of pictures, else of sound.
    pub(crate) fn reference(&self) -> &Track {
        &self.tracks[0]
    }

    /// The ids of the renditions, pictures first, then sound, then text.
    pub fn renditions(&self) -> impl Iterator<Item = &str> {
        let texts = self.texts.iter().map(|text| text.id.as_str());
        self.tracks.iter().map(|track| track.id.as_str()).chain(texts)
    }
}

/// Whether fragments begin one behind the other, at times that can be reckoned with when they are repeated.
fn go_on(fragments: &[Fragment]) -> bool {
    let in_order = fragments.is_sorted_by_key(|fragment| fragment.decode_time);
    in_order && fragments.iter().all(|fragment| fragment.decode_time < MOST_TIME)
}

/// Decode times are below this.
const MOST_TIME: u64 = 1 << 62;

pub(crate) const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits: short, and the same on every machine.
pub(crate) fn fnv(hash: u64, data: &[u8]) -> u64 {
    data.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
