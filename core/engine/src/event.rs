//! What the engine tells the application.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telecine_abr::Candidate;
use telecine_drm::session::StoredLicence;
use telecine_model::cue::CueChange;
use telecine_model::{Cue, Error, MediaTime, TimedEvent, Timestamp, TrackKind, Warning};

use crate::programme::InterstitialPhase;
use crate::timed::TimedKey;
use crate::tolerated::MediaWarning;

/// Something that an application, a report or a fleet's analytics may want to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// The player went from one state to another.
    State {
        /// When.
        at: Timestamp,
        /// The new state.
        state: State,
    },
    /// The manifest was read.
    Loaded {
        /// When.
        at: Timestamp,
        /// `hls` or `dash`.
        protocol: String,
        /// Whether it is live.
        live: bool,
        /// Duration, where known.
        duration: Option<MediaTime>,
        /// Tolerated faults of the manifest.
        warnings: Vec<Warning>,
    },
    /// A track was chosen (or switched off) for a kind.
    Selected {
        /// When.
        at: Timestamp,
        /// For which kind.
        kind: TrackKind,
        /// `Track::id`; None if none is played.
        track: Option<String>,
    },
    /// The playhead moves for the first time.
    Started {
        /// When.
        at: Timestamp,
        /// Where.
        position: MediaTime,
    },
    /// The rendition at the playhead changed.
    Quality {
        /// When.
        at: Timestamp,
        /// Of which kind.
        kind: TrackKind,
        /// `Rendition::id`.
        rendition: String,
        /// Declared bits a second.
        bitrate: u64,
        /// Picture height.
        height: Option<u32>,
    },
    /// Playback stands for want of media.
    StallStarted {
        /// When.
        at: Timestamp,
        /// Where.
        position: MediaTime,
        /// Why.
        cause: StallCause,
    },
    /// It goes on.
    StallEnded {
        /// When.
        at: Timestamp,
        /// How long it stood, in microseconds.
        stood_us: u64,
    },
    /// A seek began.
    SeekStarted {
        /// When.
        at: Timestamp,
        /// To where.
        target: MediaTime,
    },
    /// A seek's target plays (or is shown, while paused).
    SeekEnded {
        /// When.
        at: Timestamp,
        /// Where.
        position: MediaTime,
        /// How long it took, in microseconds.
        took_us: u64,
    },
    /// The engine decided something.
    Decision(Decision),
    /// Something went wrong; `Error::is_fatal` says whether playback ended because of it.
    Error {
        /// When.
        at: Timestamp,
        /// What.
        error: Error,
    },
    /// A fault of media or of a subtitle text was tolerated, as the warnings of [`Event::Loaded`] are of the
    /// manifest.
    ///
    /// Each rule is told once per track: as it is broken first, again when it was ten, a hundred, a thousand times…,
    /// and with the last count when playback ends, before the [`State`] that says so. One of the same kind, track and
    /// rule takes the place of the one before. [`Engine::media_warnings`](crate::Engine::media_warnings) has the
    /// counts at any time. Not part of the action hash: a replay of a recording has no media to say it again.
    MediaWarning {
        /// When.
        at: Timestamp,
        /// What, and how often.
        warning: MediaWarning,
    },
    /// A licence was stored on the device: to be kept, in place of one of the same name.
    LicenceStored {
        /// When.
        at: Timestamp,
        /// What to keep of it.
        licence: StoredLicence,
    },
    /// A stored licence is gone: to be kept no longer.
    LicenceForgotten {
        /// When.
        at: Timestamp,
        /// The key system's name of it.
        name: String,
    },
    /// A stored licence was destroyed, as [`Command::ReleaseLicence`](crate::Command::ReleaseLicence) asked.
    LicenceReleased {
        /// When.
        at: Timestamp,
        /// The key system's name of it.
        name: String,
        /// The server knows. If not, [`Event::LicenceStored`] tells with it that it is to be released once more.
        acknowledged: bool,
    },
    /// Timed metadata: an `emsg` box, an ID3 tag, an event of a DASH manifest, an HLS date range.
    ///
    /// Each event is told as soon as it is known ([`TimedPhase::Known`]), which is mostly before its time: as
    /// the manifest is read, or as the media is fetched. However often it is repeated, in segments,
    /// representations, playlists or after a seek, it is told once, and again only if something about it
    /// changed ([`TimedPhase::Changed`]). With its exact time in hand an application may prepare for it.
    ///
    /// Then it is told as the playhead comes to it ([`TimedPhase::Entered`]) and, if it is known how long it lasts,
    /// as the playhead is behind it ([`TimedPhase::Left`]), in the order of time and as often as it is played:
    /// - While playback runs, nothing on the way is left out, holes that are jumped over included.
    /// - A seek is no way: what lies between is neither entered nor left. At the target, events that last there are
    ///   entered unless the playhead was in them already, and those that do not are left. Moments are not made
    ///   up for, but one exactly at the target is entered.
    /// - What becomes known late is entered if it still lasts.
    ///
    /// Enter and leave come within a millisecond of the time at which the playhead is expected there; a sink that
    /// needs it to the frame goes by the times. In DASH, boxes of schemes that no `InbandEventStream` announces are
    /// ignored, as the standard says. Not part of the action hash: a replay of a recording has no media to tell
    /// it again.
    TimedMetadata {
        /// When.
        at: Timestamp,
        /// What happened to it.
        phase: TimedPhase,
        /// Names it in later events.
        key: TimedKey,
        /// The event, on the presentation's timeline.
        event: Arc<TimedEvent>,
    },
    /// Cues of the chosen text track became known, changed, or are gone.
    ///
    /// Told as soon as they are read, which is mostly before they are due, in times of the presentation: for
    /// applications that keep a text track of their own (a `TextTrack` of HTML). A cue that segments repeat,
    /// whole or in pieces, or that is fetched again after a seek, is one; it may be told to last longer as its
    /// pieces come. Captions in the picture end when something follows them: until that is fetched they are
    /// [open](telecine_model::Cue::is_open). When another track is chosen, those of the one before are removed.
    ///
    /// Not part of the action hash: a replay of a recording has no texts to read.
    Cues {
        /// When.
        at: Timestamp,
        /// What changed; a key names a cue until it is removed.
        changes: Vec<CueChange>,
    },
    /// Other cues than before are due at the playhead: for applications that draw what they are given.
    ///
    /// Comes within a millisecond of the time at which the playhead is expected there; nothing is shown while a
    /// seek is under way. Not part of the action hash.
    CuesShown {
        /// When.
        at: Timestamp,
        /// Where the playhead is.
        position: MediaTime,
        /// All that is to be on the screen, in the order in which it is painted.
        cues: Vec<Arc<Cue>>,
    },
    /// A live title will not go on: what there is of it is all. It is played to its end, as any title is.
    LiveEnded {
        /// When.
        at: Timestamp,
        /// Where it ends.
        duration: MediaTime,
    },
    /// Something happened to an interstitial of the title. While one is played, the title is held, and everything else that
    /// the title tells is of its own: [`Event::Asset`] tells what plays then.
    Interstitial {
        /// When.
        at: Timestamp,
        /// Which: `Interstitial::id`.
        id: String,
        /// What.
        phase: InterstitialPhase,
    },
    /// What the player of an interstitial's asset tells, but for its states: those that [`Event::State`] tells are what the
    /// viewer sees.
    Asset {
        /// Of which interstitial.
        id: String,
        /// Which of its assets, from zero.
        index: u32,
        /// What, with times of the asset's own timeline.
        event: Box<Event>,
    },
    /// The title was played to its end.
    Ended {
        /// When.
        at: Timestamp,
    },
    /// The rate at which a host's media comes is another than before, beyond its usual ups and downs.
    NetworkChanged {
        /// When it became known.
        at: Timestamp,
        /// The host that was asked, with its port.
        host: String,
        /// When the first of it was measured.
        since: Timestamp,
        /// Bits a second before.
        before: u64,
        /// Bits a second behind it, as they became known.
        after: u64,
    },
}

/// What happened to a timed event: see [`Event::TimedMetadata`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TimedPhase {
    /// It became known.
    Known,
    /// Its time, duration or payload is another than was told before.
    Changed,
    /// The playhead came to its start, or into it by a seek.
    Entered,
    /// The playhead is behind its end, or elsewhere by a seek.
    Left,
}

/// The player's state. Exactly one at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Nothing is loaded.
    Idle,
    /// The manifest is on its way.
    Loading,
    /// The first media is on its way.
    Preparing,
    /// Enough is buffered; waiting for [`crate::Command::Play`].
    Ready,
    /// The playhead moves.
    Playing,
    /// Held by the application.
    Paused,
    /// Wants to play, but media is missing.
    Rebuffering,
    /// Waiting for the media of a new position.
    Seeking,
    /// Played to the end.
    Ended,
    /// Ended by an error.
    Failed,
    /// Ended by the application.
    Stopped,
}

/// Why playback stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StallCause {
    /// Media comes in slower than it plays.
    SlowNetwork,
    /// All that there is was played: a live title's source is late with what follows.
    LateSource,
    /// Media is there, its keys are on their way.
    AwaitedKeys,
    /// Requests fail and are tried again.
    FailingRequests,
    /// The media at the playhead is missing and cannot be had.
    MissingMedia,
    /// Media is buffered, but the sink does not move.
    StuckSink,
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Playhead.
    pub position: MediaTime,
    /// What about.
    pub what: DecisionKind,
    /// For which kind of track, where for one.
    pub kind: Option<TrackKind>,
    /// What was in force before (rendition id, URL, position…).
    pub from: Option<String>,
    /// What is in force now.
    pub to: Option<String>,
    /// Why, strongest first: one short sentence each.
    pub why: Vec<String>,
    /// Where a rendition was chosen: what it was chosen from, ascending, what each would have cost, and what excluded those
    /// that were not to be chosen. [`in_one_line`](telecine_abr::in_one_line) writes it short. Empty for other decisions.
    pub candidates: Vec<Candidate>,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DecisionKind {
    /// Which rendition is fetched next.
    Bitrate,
    /// Which track is played.
    Track,
    /// A request was given up for a smaller one.
    Abandon,
    /// A segment that waits in the buffer is fetched again in a higher rendition and takes its place; or that is given up,
    /// and what waits is played ([`Config::fast_switch`](crate::Config::fast_switch)).
    FastSwitch,
    /// The same bytes are fetched from somewhere else.
    Pathway,
    /// A failed request is made again.
    Retry,
    /// A rendition is not played for want of its keys, or is played again.
    Key,
    /// Which key system is used.
    KeySystem,
    /// A segment is not fetched from its beginning: media is needed from its middle on, and decoding can begin there
    /// (`Resync` of DASH).
    Entry,
    /// Media was left out.
    Skip,
    /// The playhead jumped over missing media.
    Gap,
    /// The playhead was moved.
    Seek,
    /// The playback speed changed.
    Rate,
    /// Another latency is aimed at than the application wants, or than the title itself: `from` that, `to` what is possible.
    Latency,
}
