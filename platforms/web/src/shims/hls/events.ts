// The names of hls.js' events. Those that have data in `HlsData` come; of the others there is nothing to tell, and nobody hears them.

import type { ErrorData } from "./errors.js";
import type { Level } from "./levels.js";
import type { MediaPlaylist } from "./tracks.js";

export enum Events {
  MEDIA_ATTACHING = "hlsMediaAttaching",
  MEDIA_ATTACHED = "hlsMediaAttached",
  MEDIA_DETACHING = "hlsMediaDetaching",
  MEDIA_DETACHED = "hlsMediaDetached",
  MEDIA_ENDED = "hlsMediaEnded",
  STALL_RESOLVED = "hlsStallResolved",
  BUFFER_RESET = "hlsBufferReset",
  BUFFER_CODECS = "hlsBufferCodecs",
  BUFFER_CREATED = "hlsBufferCreated",
  BUFFER_APPENDING = "hlsBufferAppending",
  BUFFER_APPENDED = "hlsBufferAppended",
  BUFFER_EOS = "hlsBufferEos",
  BUFFERED_TO_END = "hlsBufferedToEnd",
  BUFFER_FLUSHING = "hlsBufferFlushing",
  BUFFER_FLUSHED = "hlsBufferFlushed",
  MANIFEST_LOADING = "hlsManifestLoading",
  MANIFEST_LOADED = "hlsManifestLoaded",
  MANIFEST_PARSED = "hlsManifestParsed",
  LEVEL_SWITCHING = "hlsLevelSwitching",
  LEVEL_SWITCHED = "hlsLevelSwitched",
  LEVEL_LOADING = "hlsLevelLoading",
  LEVEL_LOADED = "hlsLevelLoaded",
  LEVEL_UPDATED = "hlsLevelUpdated",
  LEVEL_PTS_UPDATED = "hlsLevelPtsUpdated",
  LEVELS_UPDATED = "hlsLevelsUpdated",
  AUDIO_TRACKS_UPDATED = "hlsAudioTracksUpdated",
  AUDIO_TRACK_SWITCHING = "hlsAudioTrackSwitching",
  AUDIO_TRACK_SWITCHED = "hlsAudioTrackSwitched",
  AUDIO_TRACK_LOADING = "hlsAudioTrackLoading",
  AUDIO_TRACK_LOADED = "hlsAudioTrackLoaded",
  AUDIO_TRACK_UPDATED = "hlsAudioTrackUpdated",
  SUBTITLE_TRACKS_UPDATED = "hlsSubtitleTracksUpdated",
  SUBTITLE_TRACKS_CLEARED = "hlsSubtitleTracksCleared",
  SUBTITLE_TRACK_SWITCH = "hlsSubtitleTrackSwitch",
  SUBTITLE_TRACK_LOADING = "hlsSubtitleTrackLoading",
  SUBTITLE_TRACK_LOADED = "hlsSubtitleTrackLoaded",
  SUBTITLE_TRACK_UPDATED = "hlsSubtitleTrackUpdated",
  SUBTITLE_FRAG_PROCESSED = "hlsSubtitleFragProcessed",
  CUES_PARSED = "hlsCuesParsed",
  NON_NATIVE_TEXT_TRACKS_FOUND = "hlsNonNativeTextTracksFound",
  INIT_PTS_FOUND = "hlsInitPtsFound",
  FRAG_LOADING = "hlsFragLoading",
  FRAG_LOAD_EMERGENCY_ABORTED = "hlsFragLoadEmergencyAborted",
  FRAG_LOADED = "hlsFragLoaded",
  FRAG_DECRYPTED = "hlsFragDecrypted",
  FRAG_PARSING_INIT_SEGMENT = "hlsFragParsingInitSegment",
  FRAG_PARSING_USERDATA = "hlsFragParsingUserdata",
  FRAG_PARSING_METADATA = "hlsFragParsingMetadata",
  FRAG_PARSED = "hlsFragParsed",
  FRAG_BUFFERED = "hlsFragBuffered",
  FRAG_CHANGED = "hlsFragChanged",
  FPS_DROP = "hlsFpsDrop",
  FPS_DROP_LEVEL_CAPPING = "hlsFpsDropLevelCapping",
  MAX_AUTO_LEVEL_UPDATED = "hlsMaxAutoLevelUpdated",
  ERROR = "hlsError",
  DESTROYING = "hlsDestroying",
  KEY_LOADING = "hlsKeyLoading",
  KEY_LOADED = "hlsKeyLoaded",
  LIVE_BACK_BUFFER_REACHED = "hlsLiveBackBufferReached",
  BACK_BUFFER_REACHED = "hlsBackBufferReached",
  STEERING_MANIFEST_LOADED = "hlsSteeringManifestLoaded",
  ASSET_LIST_LOADING = "hlsAssetListLoading",
  ASSET_LIST_LOADED = "hlsAssetListLoaded",
  INTERSTITIALS_UPDATED = "hlsInterstitialsUpdated",
  INTERSTITIALS_BUFFERED_TO_BOUNDARY = "hlsInterstitialsBufferedToBoundary",
  INTERSTITIAL_ASSET_PLAYER_CREATED = "hlsInterstitialAssetPlayerCreated",
  INTERSTITIAL_STARTED = "hlsInterstitialStarted",
  INTERSTITIAL_ASSET_STARTED = "hlsInterstitialAssetStarted",
  INTERSTITIAL_ASSET_ENDED = "hlsInterstitialAssetEnded",
  INTERSTITIAL_ASSET_ERROR = "hlsInterstitialAssetError",
  INTERSTITIAL_ENDED = "hlsInterstitialEnded",
  INTERSTITIALS_PRIMARY_RESUMED = "hlsInterstitialsPrimaryResumed",
  PLAYOUT_LIMIT_REACHED = "hlsPlayoutLimitReached",
  EVENT_CUE_ENTER = "hlsEventCueEnter",
}

/** How long something took to load, milliseconds since the page began. */
export interface LoaderStats {
  loaded: number;
  total: number;
  loading: { start: number; first: number; end: number };
}

/** What the manifest has. */
export interface ManifestData {
  levels: Level[];
  audioTracks: MediaPlaylist[];
  subtitleTracks: MediaPlaylist[];
  url: string;
  sessionData: null;
  sessionKeys: null;
  stats: LoaderStats;
}

/** What listeners get, by the name of the event. */
export interface HlsData {
  [Events.MEDIA_ATTACHING]: { media: HTMLVideoElement };
  [Events.MEDIA_ATTACHED]: { media: HTMLVideoElement };
  [Events.MEDIA_DETACHING]: object;
  [Events.MEDIA_DETACHED]: object;
  [Events.MEDIA_ENDED]: { stalled: boolean };
  [Events.MANIFEST_LOADING]: { url: string };
  [Events.MANIFEST_LOADED]: ManifestData & { subtitles: MediaPlaylist[] };
  [Events.MANIFEST_PARSED]: ManifestData & { iframeVariants: never[]; firstLevel: number; video: boolean; audio: boolean; altAudio: boolean };
  [Events.LEVEL_SWITCHING]: Level & { level: number };
  [Events.LEVEL_SWITCHED]: { level: number };
  [Events.LEVEL_LOADED]: { level: number; id: number; levelInfo: Level | undefined; stats: LoaderStats; details: { live: boolean; totalduration: number; url: string } };
  [Events.AUDIO_TRACKS_UPDATED]: { audioTracks: MediaPlaylist[] };
  [Events.AUDIO_TRACK_SWITCHING]: MediaPlaylist;
  [Events.AUDIO_TRACK_SWITCHED]: MediaPlaylist;
  [Events.SUBTITLE_TRACKS_UPDATED]: { subtitleTracks: MediaPlaylist[] };
  /** With `id` -1 there is none any more. */
  [Events.SUBTITLE_TRACK_SWITCH]: MediaPlaylist | { id: number };
  [Events.FRAG_BUFFERED]: { id: string; part: null; frag: { type: string; level: number; start: number; end: number; duration: number } };
  [Events.ERROR]: ErrorData;
  [Events.DESTROYING]: undefined;
}

/** Listeners, by the name of the event: of those that never come the data are of any type, so that pages that hear them compile. */
export type HlsListeners = { [Event in Events]: (event: Event, data: Event extends keyof HlsData ? HlsData[Event] : any) => void };
