//! Interstitials: other presentations that are played in the middle of a title, whatever announced them.
//!
//! HLS calls them interstitials (rfc8216bis, Appendix D), DASH alternative MPDs (ISO/IEC 23009-1, 5.16). Both come down
//! to an [`Interstitial`]: where it is played, what is played, and where the title goes on.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// One interstitial of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interstitial {
    /// Names it among the interstitials of the title: `ID` of its date range, or the id of its event.
    pub id: String,
    /// Where it is played, on the title's timeline. Means nothing where `cue` says otherwise.
    pub start: MediaTime,
    /// How long what it takes the place of is, where that is announced.
    pub duration: Option<MediaTime>,
    /// What leads to it.
    pub cue: InterstitialCue,
    /// It is played once and never again, even if the viewer goes back before it.
    pub once: bool,
    /// What is played.
    pub assets: AssetSource,
    /// Where the title goes on.
    pub resume: Resume,
    /// It ends after so long at the latest.
    pub limit: Option<MediaTime>,
    /// It starts at the boundary of a segment that is nearest to `start` (`X-SNAP=OUT`).
    pub snap_out: bool,
    /// The title goes on at the boundary of a segment that is nearest to where it would (`X-SNAP=IN`).
    pub snap_in: bool,
    /// The viewer may neither leave it forwards nor play it fast (`X-RESTRICT=SKIP`).
    pub no_skip: bool,
    /// Whether the viewer may go past it (`X-RESTRICT=JUMP`, `@noJump`).
    pub jump: JumpRule,
    /// When and for how long the application is to offer to skip it.
    pub skip_control: Option<SkipControl>,
    /// Whoever comes into the middle of it begins in the middle of what is played, as far in.
    pub join_midway: bool,
    /// What others are shown at the same time may be something else (`X-CONTENT-MAY-VARY`).
    pub may_vary: bool,
    /// It is a stretch of the timeline rather than a point of it (`X-TIMELINE-OCCUPIES=RANGE`).
    pub occupies_range: bool,
    /// It is shown as part of the title rather than apart from it (`X-TIMELINE-STYLE=PRIMARY`).
    pub styled_as_primary: bool,
    /// How long before its start what is to be played may be asked for.
    pub resolve_ahead: MediaTime,
}

/// What leads to an interstitial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterstitialCue {
    /// The playhead comes to its start.
    Start,
    /// Playback begins, wherever that is (`CUE="PRE"`).
    BeforeTitle,
    /// The title was played to its end (`CUE="POST"`).
    BehindTitle,
}

/// What is played in an interstitial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssetSource {
    /// This title: an absolute URL.
    Asset(String),
    /// What a document at this URL lists (`X-ASSET-LIST`).
    List(String),
}

/// Where the title goes on behind an interstitial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resume {
    /// As far behind the start as the interstitial was long: as if it had gone on meanwhile.
    Played,
    /// So far behind the start; zero is the start itself.
    Offset(MediaTime),
}

/// Whether the viewer may go past an interstitial without playing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JumpRule {
    /// Yes.
    Allowed,
    /// No: of those that were passed the last is played first.
    PlayLast,
    /// No: all that were passed are played first.
    PlayAll,
}

/// When an application offers to skip an interstitial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipControl {
    /// From so far into it on.
    pub offset: MediaTime,
    /// For so long; None is to its end.
    pub duration: Option<MediaTime>,
    /// Which label the offer has, as the application's tables name them.
    pub label: Option<String>,
}

/// What an asset list says is to be played (rfc8216bis, D.3).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AssetList {
    /// In the order of playing.
    pub assets: Vec<Asset>,
    /// Takes the place of what the interstitial says.
    pub skip_control: Option<SkipControl>,
}

/// One title that is played in an interstitial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Absolute URL.
    pub uri: String,
    /// How long it is said to be.
    pub duration: Option<MediaTime>,
}

/// That what an interstitial plays may be asked for ahead of it, at a moment drawn by each client (`com.apple.hls.preload`,
/// rfc8216bis, Appendix F): so that not every client asks at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreloadNotice {
    /// Names the notice.
    pub id: String,
    /// From here
    pub start: MediaTime,
    /// to here, on the title's timeline.
    pub end: MediaTime,
    /// What is asked for: what the interstitial names, to the letter.
    pub uri: String,
    /// [`Interstitial::id`] of what it is for.
    pub target: String,
}
