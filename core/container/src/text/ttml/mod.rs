//! TTML: IMSC 1.1 text profile, EBU-TT-D and SMPTE-TT, as files and in MP4 (`stpp`, ISO/IEC 14496-30,
//! clause 5: each sample is a document).
//!
//! What a document shows is a function of time that changes at certain moments. Each paragraph becomes
//! a [`Cue`] for each span between those in which it shows something, with its styles resolved: sizes are
//! shares of the picture's height, and a region is a rectangle of the picture.
//!
//! | read | not read |
//! |---|---|
//! | clock and offset times with frames, ticks and SMPTE time codes; `par` and `seq`; `set` | wall-clock times, `animate`, conditions |
//! | styles by reference, nested, inline, initial; regions by reference, inline, and `tts:origin` on content | `tts:shear`, `tts:textEmphasis`, `tts:textCombine`, `ebutts:linePadding` and `multiRowAlign`, `ittp:fillLineGap` |
//! | ruby, languages, `itts:forcedDisplay`, `xml:space` | images (T205), audio, metadata |
//!
//! Where a document has no region at all, its author left the place to the renderer: cues then have no
//! region and are centred unless it says otherwise. (TTML itself would put them at the upper left.)
//!
//! ```
//! use telecine_container::text::ttml;
//! use telecine_model::{Limits, MediaTime};
//!
//! # fn main() -> Result<(), telecine_model::Error> {
//! let document = r#"<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xml:lang="en">
//!   <body><div begin="10s"><p begin="1s" dur="2s" tts:color="yellow">Who's <span tts:fontStyle="italic">there</span>?</p></div></body></tt>"#;
//! let text = ttml::parse(document.as_bytes(), &Limits::default())?;
//! // A file beside a title whose period starts at 60 s.
//! let cues = text.into_cues(MediaTime::from_secs(60));
//! assert_eq!(cues[0].plain_text(), "Who's there?");
//! assert_eq!((cues[0].start, cues[0].end), (MediaTime::from_secs(71), MediaTime::from_secs(73)));
//! # Ok(())
//! # }
//! ```

mod build;
mod region;
mod style;
mod timing;
mod tree;
mod value;

use std::borrow::Cow;
use std::ops::Range;

use telecine_model::cue::Cue;
use telecine_model::{Error, ErrorCode, Language, Limits, MediaTime, SortedMap, Warning};

use self::build::Builder;
use self::style::Styles;
use self::timing::Clock;
use self::tree::{clip, Child, Element, Ns, Tag, Warnings};
use self::value::{Grid, Unit};

/// What a document says.
#[derive(Clone, Debug, Default)]
pub struct Ttml {
    /// `xml:lang` of the root.
    pub language: Option<Language>,
    /// Cues in the order of the document, in its own time. Those that nothing ends are open
    /// ([`Cue::OPEN_END`]).
    pub cues: Vec<Cue>,
    /// What was left out or mended: rules T105 and T201 to T206.
    pub warnings: Vec<Warning>,
}

impl Ttml {
    /// The cues of a file beside a title, or of one in DASH, whose time zero is at `origin` of the title
    /// (the start of the period).
    pub fn into_cues(self, origin: MediaTime) -> Vec<Cue> {
        let mut cues = self.cues;
        for cue in &mut cues {
            cue.shift(origin);
        }
        cues
    }

    /// The cues of a sample in MP4, whose document speaks in times of its track: those that are active
    /// while the sample is due, cut to that span, `offset` later on the timeline of the title
    /// (ISO/IEC 14496-30, 5.2). A [`CueStore`](telecine_model::CueStore) joins the pieces of a cue that
    /// several samples show.
    pub fn into_sample_cues(self, due: Range<MediaTime>, offset: MediaTime) -> Vec<Cue> {
        let mut cues = self.cues;
        cues.retain_mut(|cue| {
            cue.start = cue.start.max(due.start);
            cue.end = cue.end.min(due.end);
            let shown = cue.start < cue.end;
            cue.shift(offset);
            shown
        });
        cues
    }
}

/// Reads a document.
///
/// # Errors
/// `CodecUnsupported` without the feature `ttml`; `TextSyntax` if it is not well-formed XML or not TTML; `ContainerLimit` beyond
/// [`Limits::text_bytes`], [`Limits::cues`], [`Limits::cue_nodes`], [`Limits::nesting`] or
/// [`Limits::attributes`].
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Ttml, Error> {
    if !cfg!(feature = "ttml") {
        return Err(Error::new(ErrorCode::CodecUnsupported, "this build does not read TTML"));
    }
    let mut warnings = Warnings::new(limits.side_items);
    let text = decode(bytes, limits, &mut warnings)?;
    let mut root = tree::read(&text, limits, &mut warnings)?;
    let clock = Clock::of(&root, &text, &mut warnings);
    for child in &mut root.children {
        if let Child::Element(element) = child {
            match element.tag {
                Tag::Body => timing::resolve(element, &clock, &text, &mut warnings),
                Tag::Head => times_of_regions(element, &clock, &text, &mut warnings),
                _ => {}
            }
        }
    }
    let root = &root;
    check_profile(root, &text, &mut warnings);
    let mut regions = SortedMap::new();
    gather_regions(root, limits.side_items, &mut regions);
    let head = root.of(Tag::Head).next();
    let styles = Styles::read(head, limits.side_items, &text, &mut warnings);
    let grid = grid(root, &text, &mut warnings);
    let mut builder = Builder::new(&text, limits, grid, styles, regions, warnings);
    if let Some(body) = root.of(Tag::Body).next() {
        builder.body(body)?;
    }
    let language = root.attribute(Ns::Xml, "lang").filter(|tag| !tag.trim().is_empty());
    Ok(Ttml {
        language: language.map(|tag| Language::parse(&tag)),
        cues: builder.cues,
        warnings: builder.warnings.list,
    })
}

/// The bytes as text. UTF-16 with a byte order mark is accepted.
fn decode<'a>(bytes: &'a [u8], limits: &Limits, warnings: &mut Warnings) -> Result<Cow<'a, str>, Error> {
    if bytes.len() > limits.text_bytes {
        return Err(Error::new(ErrorCode::ContainerLimit, "the TTML document is larger than the limit")
            .fact("bytes", bytes.len()));
    }
    type Read = fn([u8; 2]) -> u16;
    let utf16 = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as Read)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as Read)),
        _ => None,
    };
    if let Some((rest, read)) = utf16 {
        let units: Vec<_> = rest.as_chunks().0.iter().map(|pair| read(*pair)).collect();
        return Ok(Cow::Owned(String::from_utf16_lossy(&units)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    if let Cow::Owned(mended) = &text {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        warnings.add("T105", mended, at, || "bytes that are not UTF-8 were replaced".to_owned());
    }
    Ok(text)
}

/// Cells and pixels of the root.
fn grid(root: &Element<'_>, text: &str, warnings: &mut Warnings) -> Grid {
    let mut grid = Grid::default();
    if let Some(value) = root.attribute(Ns::Parameter, "cellResolution") {
        let mut counts =
            value.split_ascii_whitespace().map(|count| count.parse::<u32>().ok().filter(|count| *count > 0));
        match (counts.next().flatten(), counts.next().flatten()) {
            (Some(columns), Some(rows)) => (grid.columns, grid.rows) = (columns.into(), rows.into()),
            _ => warnings.add("T206", text, root.at, || format!("ttp:cellResolution=\"{}\" was ignored", clip(&value))),
        }
    }
    if let Some(value) = root.attribute(Ns::Style, "extent") {
        let pixels = value::pair(&value).filter(|(x, y)| x.unit == Unit::Pixel && y.unit == Unit::Pixel);
        let whole = |length: value::Length| length.value.as_f64() as i64;
        grid.pixels = pixels.map(|(x, y)| (whole(x), whole(y))).filter(|(x, y)| *x > 0 && *y > 0);
    }
    grid
}

/// Profiles whose content is images: there is nothing to show, and the warning says why.
fn check_profile(root: &Element<'_>, text: &str, warnings: &mut Warnings) {
    let images = ["profile", "contentProfiles"]
        .iter()
        .filter_map(|name| root.attribute(Ns::Parameter, name))
        .find(|profile| profile.contains("/profile/imsc1") && profile.contains("/image"));
    if let Some(profile) = images {
        warnings.add("T205", text, root.at, || {
            format!("the document is of an image profile, and images are not shown: {}", clip(&profile))
        });
    }
}

/// Regions in the head have times of their own.
fn times_of_regions(head: &mut Element<'_>, clock: &Clock, text: &str, warnings: &mut Warnings) {
    for child in &mut head.children {
        let Child::Element(layout) = child else { continue };
        if layout.tag != Tag::Layout {
            continue;
        }
        for child in &mut layout.children {
            if let Child::Element(region) = child {
                timing::resolve(region, clock, text, warnings);
            }
        }
    }
}

/// Regions with names, wherever they are: some packagers write them into the body.
fn gather_regions<'a, 'd>(element: &'d Element<'a>, limit: usize, regions: &mut SortedMap<String, &'d Element<'a>>) {
    for inner in element.elements().chain(&element.aside) {
        if inner.tag != Tag::Region {
            gather_regions(inner, limit, regions);
        } else if let Some(id) = inner.attribute(Ns::Xml, "id") {
            if regions.len() < limit {
                regions.entry(id.into_owned()).or_insert(inner);
            }
        }
    }
}
