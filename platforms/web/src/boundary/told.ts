// What the engine tells, and what it answers: the shapes of values that cross the boundary. A test of bindings/wasm writes one
// of each and compares: it reads `export interface` and `export type` here, fields one by one, unions, lists and literals.
//
// Media times are seconds; the two ends of the timeline are infinities. `at` is the time of the host's clock in microseconds.

/** What a track is for the senses. */
export type TrackKind = "video" | "audio" | "text" | "image" | "metadata";

/** The player's state. Exactly one at any time. */
export type State =
  | "idle" // nothing is loaded
  | "loading" // the manifest is on its way
  | "preparing" // the first media is on its way
  | "ready" // enough is buffered, it waits for `play`
  | "playing"
  | "paused" // held by the application
  | "rebuffering" // it wants to play, but media is missing
  | "seeking"
  | "ended"
  | "failed"
  | "stopped";

/** Everything that the engine tells, by `type`. */
export type Told =
  | StateEvent
  | LoadedEvent
  | SelectedEvent
  | StartedEvent
  | QualityEvent
  | StallStartedEvent
  | StallEndedEvent
  | SeekStartedEvent
  | SeekEndedEvent
  | DecisionEvent
  | ErrorEvent
  | MediaWarningEvent
  | LicenceStoredEvent
  | LicenceForgottenEvent
  | LicenceReleasedEvent
  | TimedMetadataEvent
  | CuesEvent
  | CuesShownEvent
  | LiveEndedEvent
  | InterstitialEvent
  | AssetEvent
  | EndedEvent
  | NetworkChangedEvent;

/** The player went from one state to another. */
export interface StateEvent {
  type: "State";
  at: number;
  state: State;
}

/** The manifest was read. */
export interface LoadedEvent {
  type: "Loaded";
  at: number;
  protocol: string;
  live: boolean;
  duration: number | null;
  /** Tolerated faults of the manifest. */
  warnings: Warning[];
}

/** A track was chosen, or switched off, for a kind. */
export interface SelectedEvent {
  type: "Selected";
  at: number;
  kind: TrackKind;
  /** Its id; null if none is played. */
  track: string | null;
}

/** The playhead moves for the first time. */
export interface StartedEvent {
  type: "Started";
  at: number;
  position: number;
}

/** The rendition at the playhead changed. */
export interface QualityEvent {
  type: "Quality";
  at: number;
  kind: TrackKind;
  rendition: string;
  /** Declared bits a second. */
  bitrate: number;
  /** Lines of the picture. */
  height: number | null;
}

/** Playback stands for want of media. */
export interface StallStartedEvent {
  type: "StallStarted";
  at: number;
  position: number;
  cause: StallCause;
}

/** Why playback stands. */
export type StallCause =
  | "slow-network"
  | "late-source"
  | "awaited-keys"
  | "failing-requests"
  | "missing-media"
  | "stuck-sink";

/** It goes on. */
export interface StallEndedEvent {
  type: "StallEnded";
  at: number;
  /** How long it stood, microseconds. */
  stood_us: number;
}

/** A seek began. */
export interface SeekStartedEvent {
  type: "SeekStarted";
  at: number;
  target: number;
}

/** A seek's target plays, or is shown while paused. */
export interface SeekEndedEvent {
  type: "SeekEnded";
  at: number;
  position: number;
  /** How long it took, microseconds. */
  took_us: number;
}

/** The engine decided something. */
export interface DecisionEvent {
  type: "Decision";
  at: number;
  position: number;
  what: DecisionKind;
  kind: TrackKind | null;
  /** What was in force before, and what is now: a rendition's id, a URL, a position. */
  from: string | null;
  to: string | null;
  /** Why, strongest first: one short sentence each. */
  why: string[];
  /** What a rendition was chosen from. */
  candidates: Candidate[];
}

/** What a decision is about. */
export type DecisionKind =
  | "bitrate"
  | "track"
  | "abandon"
  | "fast-switch"
  | "pathway"
  | "retry"
  | "key"
  | "key-system"
  | "entry"
  | "skip"
  | "gap"
  | "seek"
  | "rate"
  | "latency";

/** A rendition that was there to be chosen. */
export interface Candidate {
  rendition: string;
  bitrate: number;
  standing: Standing;
}

/** How a choice saw a candidate. */
export type Standing =
  | { type: "chosen"; takes_ms: number }
  | { type: "weighed"; takes_ms: number; less_ms: number | null }
  | { type: "excluded"; by: Cap };

/** What can exclude a rendition. */
export type Cap =
  | "max_height"
  | "max_bitrate"
  | "named"
  | "device"
  | "server"
  | "data_saver"
  | "dropped_frames"
  | "power"
  | "quality"
  | "unavailable";

/** Something went wrong; `error.fatal` says whether playback ended because of it. */
export interface ErrorEvent {
  type: "Error";
  at: number;
  error: PlayerError;
}

/** An error: its number and name stay, its message is about the case at hand. */
export interface PlayerError {
  code: number;
  name: string;
  domain: string;
  /** Who can mend it. */
  blame: string;
  fatal: boolean;
  /** What the engine did about it. */
  handling: "raised" | "retried" | "replaced" | "skipped";
  message: string;
  /** What the code means, and what to do about it: a sentence each. */
  meaning: string;
  advice: string;
  facts: { [name: string]: string };
}

/** A fault of media or of a subtitle text was tolerated. */
export interface MediaWarningEvent {
  type: "MediaWarning";
  at: number;
  warning: MediaWarning;
}

/** A tolerated fault, and how often it was found. */
export interface MediaWarning {
  kind: TrackKind;
  track: string;
  rendition: string;
  segment: number;
  warning: Warning;
  count: number;
}

/** A tolerated fault: the number of its rule, where it is, what was made of it. */
export interface Warning {
  rule: string;
  where: Place;
  message: string;
}

/** Where something is wrong. */
export type Place =
  | { type: "line"; value: number }
  | { type: "path"; value: string }
  | { type: "byte"; value: number }
  | { type: "box"; path: string; offset: number };

/** A licence was stored on the device: to be kept, in place of one of the same name. */
export interface LicenceStoredEvent {
  type: "LicenceStored";
  at: number;
  licence: StoredLicence;
}

/** What to keep of a stored licence. */
export interface StoredLicence {
  system: string;
  name: string;
  key_ids: string[];
  /** Milliseconds since 1970; null for never, or if that is not known. */
  expires: number | null;
  releasing: boolean;
}

/** A stored licence is gone. */
export interface LicenceForgottenEvent {
  type: "LicenceForgotten";
  at: number;
  name: string;
}

/** A stored licence was destroyed, as `releaseLicence` asked. */
export interface LicenceReleasedEvent {
  type: "LicenceReleased";
  at: number;
  name: string;
  acknowledged: boolean;
}

/** Timed metadata: an `emsg` box, an ID3 tag, an event of a DASH manifest, an HLS date range. */
export interface TimedMetadataEvent {
  type: "TimedMetadata";
  at: number;
  phase: "known" | "changed" | "entered" | "left";
  /** Names it in later events. */
  key: number;
  event: TimedEvent;
}

/** Something that happens at a time of the title. */
export interface TimedEvent {
  carrier: "emsg" | "id3" | "event-stream" | "date-range";
  scheme: string;
  value: string;
  id: string | null;
  start: number;
  duration: number | null;
  payload: EventPayload;
  timescale: number | null;
}

/** What a timed event says. */
export type EventPayload =
  | { type: "Bytes"; value: Uint8Array }
  | { type: "Text"; value: string }
  | { type: "Attributes"; value: { [name: string]: string } };

/** Cues of the chosen text track became known, changed, or are gone. */
export interface CuesEvent {
  type: "Cues";
  at: number;
  changes: CueChange[];
}

/** What happened to a cue. */
export type CueChange =
  | { type: "Added"; key: number; cue: Cue }
  | { type: "Changed"; key: number; cue: Cue }
  | { type: "Removed"; key: number };

/** Other cues than before are due at the playhead. */
export interface CuesShownEvent {
  type: "CuesShown";
  at: number;
  position: number;
  /** All that is to be on the screen, in the order in which it is painted. */
  cues: Cue[];
}

/** A text that is shown from one media time to another; null is what the source does not say. */
export interface Cue {
  start: number;
  /** Infinite while nobody knows. */
  end: number;
  id: string;
  text: CueNode[];
  style: TextStyle;
  layout: CueLayout;
  /** The part of the picture that it is put into; null: the whole. */
  region: CueRegion | null;
  /** Shown even if the viewer wants no subtitles. */
  forced: boolean;
}

/** A piece of a cue's text. */
export type CueNode =
  | { type: "text"; value: string }
  | { type: "span"; value: CueSpan }
  | { type: "time"; value: number }
  | { type: "gap"; value: number };

/** A piece with a style or a meaning of its own. */
export interface CueSpan {
  kind: SpanKind;
  classes: string[];
  style: TextStyle;
  children: CueNode[];
}

/** What a span means. */
export type SpanKind =
  | "plain"
  | "bold"
  | "italic"
  | "underline"
  | "ruby"
  | "ruby-base"
  | "ruby-text"
  | { type: "voice"; value: string }
  | { type: "language"; value: string };

/** A colour: sRGB and opacity, each 0 to 255. */
export interface Rgba {
  r: number;
  g: number;
  b: number;
  a: number;
}

/** How text looks. Shares are percents. */
export interface TextStyle {
  bold: boolean | null;
  italic: boolean | null;
  underline: boolean | null;
  line_through: boolean | null;
  overline: boolean | null;
  color: Rgba | null;
  background: Rgba | null;
  /** 0 to 255. */
  opacity: number | null;
  font_size: { type: "ofvideo"; value: number } | { type: "relative"; value: number } | null;
  font_family: FontFamily | null;
  edge: TextEdge | null;
  script: "sub" | "normal" | "super" | null;
  flash: boolean | null;
  visible: boolean | null;
}

/** A family of fonts, or one by its name. */
export type FontFamily =
  | "default"
  | "monospace-serif"
  | "proportional-serif"
  | "monospace-sans-serif"
  | "proportional-sans-serif"
  | "casual"
  | "cursive"
  | "small-capitals"
  | { type: "named"; value: string };

/** The edge of letters. */
export interface TextEdge {
  kind: "none" | "raised" | "depressed" | "uniform" | "shadow-left" | "shadow-right";
  color: Rgba | null;
  thickness: number | null;
}

/** Where a cue is put, and how its lines run, in the words of WebVTT. */
export interface CueLayout {
  writing: "horizontal" | "vertical-rl" | "vertical-lr";
  direction: "auto" | "ltr" | "rtl";
  line: "auto" | { type: "number"; value: number } | { type: "percent"; value: number };
  line_align: "start" | "center" | "end";
  position: number | null;
  position_align: "auto" | "line-left" | "center" | "line-right";
  size: number;
  align: "start" | "center" | "end" | "left" | "right" | "justify";
  background: Rgba | null;
  line_height: number | null;
  wrap: boolean;
}

/** A part of the picture that cues are put into. */
export interface CueRegion {
  id: string;
  anchor: Point;
  position: Point;
  width: { type: "percent"; value: number } | { type: "columns"; value: number };
  height: { type: "percent"; value: number } | { type: "lines"; value: number };
  align: "before" | "center" | "after";
  scroll: "none" | "up" | "down" | "left" | "right";
  background: Rgba | null;
  always_visible: boolean;
  /** 0 to 255. */
  opacity: number;
  /** Above, right, below, left. */
  padding: number[];
  overflows: boolean;
  border: { kind: "raised" | "depressed" | "uniform" | "shadow-left" | "shadow-right"; color: Rgba } | null;
  z_index: number;
}

/** A place as shares of the picture or of a region. */
export interface Point {
  x: number;
  y: number;
}

/** A live title will not go on: it is played to its end, as any title is. */
export interface LiveEndedEvent {
  type: "LiveEnded";
  at: number;
  duration: number;
}

/** Something happened to an interstitial of the title. */
export interface InterstitialEvent {
  type: "Interstitial";
  at: number;
  id: string;
  phase: InterstitialPhase;
}

/** What happened to it. */
export type InterstitialPhase =
  | { type: "known"; start: number }
  | { type: "resolved"; assets: number; duration: number | null }
  | { type: "started"; position: number }
  | { type: "asset-started"; index: number; duration: number | null }
  | { type: "failed"; index: number | null; error: PlayerError }
  | { type: "ended"; resume: number; reason: "played" | "skipped" | "left" | "failed" };

/** What the player of an interstitial's asset tells, but for its states. */
export interface AssetEvent {
  type: "Asset";
  id: string;
  index: number;
  event: Told;
}

/** The title was played to its end. */
export interface EndedEvent {
  type: "Ended";
  at: number;
}

/** The rate at which a host's media comes is another than before, beyond its usual ups and downs. */
export interface NetworkChangedEvent {
  type: "NetworkChanged";
  at: number;
  host: string;
  since: number;
  before: number;
  after: number;
}

/** What there is to see of the player at one moment. */
export interface Snapshot {
  state: State;
  position: number;
  duration: number | null;
  live: boolean;
  /** How far behind the live edge it is, once that is known. */
  edge: LiveEdge | null;
  /** Speed in thousandths. */
  rate_milli: number;
  /** Bits a second, once something was measured. */
  throughput: number | null;
  network: NetworkEstimate | null;
  /** One for each kind that is played. */
  streams: StreamSnapshot[];
  /** What is played in the middle of the title, if something is. */
  interstitial: InterstitialSnapshot | null;
}

/** How far behind the edge a live title is. */
export interface LiveEdge {
  /** What can be played now: from, to. */
  seekable: number[];
  /** How long ago what is shown was made; null while that is not known. */
  latency: number | null;
  target: number;
  /** Whether playback follows the edge; else the viewer watches what is past. */
  following: boolean;
}

/** What is believed of the network, bits a second. */
export interface NetworkEstimate {
  bits_per_second: number;
  low: number;
  /** From request to first byte, seconds. */
  ttfb: number;
  samples: number;
  median: number | null;
  /** Standard deviation of the rate's natural logarithm, thousandths. */
  deviation_milli: number | null;
}

/** One kind's media, at one moment. */
export interface StreamSnapshot {
  kind: TrackKind;
  track: string;
  /** What is fetched. */
  rendition: string | null;
  bitrate: number;
  height: number | null;
  /** Media ahead of the playhead. */
  buffered: number;
  bytes: number;
}

/** An interstitial that is played. */
export interface InterstitialSnapshot {
  id: string;
  asset: number | null;
  position: number;
  duration: number | null;
  played: number;
  skippable: boolean;
}

/** The title: the tracks of the period at the playhead. */
export interface Presentation {
  protocol: string;
  live: boolean;
  low_latency: boolean;
  duration: number | null;
  title: string | null;
  /** Its id. */
  period: string;
  tracks: Track[];
  thumbnails: Thumbnails[];
  /** Where a list of chapters is. */
  chapters: string | null;
}

/** What a viewer chooses between. */
export interface Track {
  id: string;
  kind: TrackKind;
  language: string | null;
  label: string | null;
  roles: string[];
  channels: number | null;
  default: boolean;
  forced: boolean;
  /** It is played. */
  selected: boolean;
  renditions: Rendition[];
}

/** What the player switches between. */
export interface Rendition {
  id: string;
  /** Declared bits a second, at most. */
  bitrate: number;
  average_bitrate: number | null;
  width: number | null;
  height: number | null;
  /** Frames a second. */
  frame_rate: number | null;
  /** As RFC 6381 writes them, with commas between. */
  codecs: string;
  /** `SDR`, `PQ`, `HLG`; null if not said. */
  hdr: string | null;
  channels: number | null;
}

/** Pictures for a seek bar: tiles in images. */
export interface Thumbnails {
  id: string;
  bitrate: number;
  /** Of an image. */
  width: number | null;
  height: number | null;
  columns: number;
  rows: number;
  images: ThumbnailImage[];
}

/** An image with thumbnails of a stretch of the title, line by line. */
export interface ThumbnailImage {
  url: string;
  start: number;
  duration: number;
}

/** What a session was like. Times in seconds. */
export interface Qoe {
  state: QoeState;
  /** From the wish to play to the first moving picture. */
  startup: number | null;
  played: number;
  paused: number;
  /** After the start, seeks excepted. */
  stalls: number;
  stalled: number;
  /** Stalled time in millionths of played and waited time. */
  stall_ratio_micro: number;
  seeks: number;
  seek_time: number;
  mean_bitrate: number | null;
  mean_height_milli: number | null;
  switches_up: number;
  switches_down: number;
  latency: QoeLatency | null;
  bytes_fetched: number;
  bytes_media: number;
  /** Fetched and never played. */
  bytes_wasted: number;
  bytes_replaced: number;
  segments_replaced: number;
  bytes_skipped: number;
  requests: number;
  requests_failed: number;
  requests_cancelled: number;
  by_pathway: { [pathway: string]: number };
  /** Seconds in each state that there was. They add up to `elapsed`. */
  states: { [state: string]: number };
  elapsed: number;
}

/** What a session's time is spent on. */
export type QoeState = "idle" | "joining" | "playing" | "paused" | "seeking" | "rebuffering" | "ended" | "failed";

/** What the latency of a live title was like. */
export interface QoeLatency {
  mean: number;
  p95: number;
  target: number;
  /** Whether the edge was followed. */
  followed: boolean;
}

/** Something that is played in the middle of the title. */
export interface Interstitial {
  id: string;
  start: number;
  duration: number | null;
  cue: "start" | "before-title" | "behind-title";
  once: boolean;
  assets: { type: "asset"; value: string } | { type: "list"; value: string };
  resume: "played" | { type: "offset"; value: number };
  limit: number | null;
  snap_out: boolean;
  snap_in: boolean;
  no_skip: boolean;
  jump: "allowed" | "play-last" | "play-all";
  skip_control: SkipControl | null;
  join_midway: boolean;
  may_vary: boolean;
  occupies_range: boolean;
  styled_as_primary: boolean;
  resolve_ahead: number;
}

/** When an application offers to skip an interstitial. */
export interface SkipControl {
  offset: number;
  duration: number | null;
  label: string | null;
}
