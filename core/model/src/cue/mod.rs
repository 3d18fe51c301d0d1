//! One model of captions and subtitles, whatever they were written in.
//!
//! WebVTT, WebVTT in MP4, TTML and IMSC, CEA-608 and CEA-708 all come down to [`Cue`]s: a styled
//! [text](Node) that is due from one media time to another, at a [place](Layout) of the picture,
//! perhaps inside a [`Region`]. What a source does not say is `None`, so that a renderer can tell
//! the author's will from a default that the viewer may change.
//!
//! [`CueStore`] takes cues of successive segments and shows each once: a cue that spans segments
//! is repeated in all of them.
//!
//! ```
//! use telecine_model::cue::{Cue, Node, Rgba, Span, SpanKind, TextStyle};
//! use telecine_model::MediaTime;
//!
//! let mut cue = Cue::new(MediaTime::from_secs(1), MediaTime::from_secs(3));
//! let style = TextStyle { color: Some(Rgba::YELLOW), ..TextStyle::default() };
//! cue.text = vec![
//!     Node::text("Who's "),
//!     Node::span(Span { style, ..Span::new(SpanKind::Plain, vec![Node::text("there?")]) }),
//! ];
//! assert_eq!(cue.plain_text(), "Who's there?");
//! let colours: Vec<_> = cue.runs().iter().map(|run| run.style.color).collect();
//! assert_eq!(colours, [None, Some(Rgba::YELLOW)]);
//! ```

mod digest;
mod layout;
mod store;
mod style;
mod text;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::layout::{
    Anchor, Border, BorderKind, Direction, Layout, Line, LineAlign, Percent, Point, PositionAlign, Region,
    RegionHeight, RegionWidth, Scroll, TextAlign, WritingMode,
};
pub use self::store::{CueChange, CueKey, CueStore};
pub use self::style::{Edge, EdgeKind, FontFamily, FontSize, Rgba, Script, TextStyle};
pub use self::text::{Node, Ruby, Run, Span, SpanKind};
use crate::time::MediaTime;

/// A text that is shown from one media time to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cue {
    /// When it appears.
    pub start: MediaTime,
    /// When it disappears; [`Cue::OPEN_END`] while nobody knows.
    pub end: MediaTime,
    /// Identifier as the source wrote it; empty without one. Sources repeat and omit them: see
    /// [`Cue::digest`].
    pub id: String,
    /// The text, as a tree.
    pub text: Vec<Node>,
    /// The style that the whole text inherits.
    pub style: TextStyle,
    /// Where it is put, and in which direction it is written.
    pub layout: Layout,
    /// The part of the picture that it is put into, shared by the cues of a source; None: the
    /// whole picture.
    pub region: Option<Arc<Region>>,
    /// Shown even if the viewer wants no subtitles (`itts:forcedDisplay`): translations of signs
    /// and foreign speech.
    pub forced: bool,
}

impl Cue {
    /// The end of a cue that lasts until something ends it.
    pub const OPEN_END: MediaTime = MediaTime::MAX;

    /// A cue without text.
    pub fn new(start: MediaTime, end: MediaTime) -> Self {
        Self {
            start,
            end,
            id: String::new(),
            text: Vec::new(),
            style: TextStyle::default(),
            layout: Layout::default(),
            region: None,
            forced: false,
        }
    }

    /// Whether the end is not known yet.
    pub fn is_open(&self) -> bool {
        self.end == Self::OPEN_END
    }

    /// Whether it is shown at `time`: from its start until just before its end.
    pub fn is_active(&self, time: MediaTime) -> bool {
        self.start <= time && time < self.end
    }

    /// Moves the cue, and the times inside its text, along the timeline. An open end stays open.
    pub fn shift(&mut self, by: MediaTime) {
        self.start += by;
        if !self.is_open() {
            self.end += by;
        }
        text::shift(&mut self.text, by);
    }

    /// How many texts, spans, times and gaps its text consists of.
    pub fn nodes(&self) -> usize {
        text::count(&self.text)
    }

    /// The text without styles: lines separated by `\n`, annotations of ruby left out, blank cells
    /// of a caption grid as at most one space.
    pub fn plain_text(&self) -> String {
        text::plain(&self.text)
    }

    /// The text as pieces of one style each, in order, for renderers that do not want a tree.
    pub fn runs(&self) -> Vec<Run<'_>> {
        text::runs(&self.text, &self.style)
    }

    /// Whether two cues are equal in everything but the times at which they start and end, and the
    /// name of their region: packagers name the same region differently in each sample.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self { start: _, end: _, id, text, style, layout, region, forced } = self;
        (id, text, style, layout, forced) == (&other.id, &other.text, &other.style, &other.layout, &other.forced)
            && region.as_deref().map(Region::look) == other.region.as_deref().map(Region::look)
    }

    /// A digest of everything that [`Cue::says_the_same`] compares: the same text in the same
    /// place gives the same digest, on every platform. Not meant to be kept: another version of
    /// this library may give another one.
    pub fn digest(&self) -> u64 {
        digest::of(self)
    }
}
