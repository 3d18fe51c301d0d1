// The shape of hls.js over Telecine's player, for the calls that most pages use:
//
//     import Hls from "telecine/hls"; // was: "hls.js"
//
// What is not there does nothing, and is told once by its name. An MPD plays too.

import { Player, type Options } from "../player.js";
import { absent, once, Unsupported } from "./absent.js";
import { errorOf, ErrorDetails, ErrorTypes, type ErrorData } from "./hls-errors.js";
import { Events, type HlsData, type HlsListeners } from "./hls-events.js";
import { Subtitles } from "./subtitles.js";
import { Title, type Rendition, type Told, type Track } from "./title.js";
import { Shared } from "./viewer.js";

export { ErrorDetails, ErrorTypes, Events };
export type { ErrorData };
export type * from "./hls-events.js";

/** The part of hls.js' configuration that is obeyed. Numbers that tune its own rules are taken and ignored. */
export interface HlsConfig {
  autoStartLoad: boolean;
  startPosition: number;
  startLevel: number | undefined;
  maxBufferLength: number;
  backBufferLength: number;
  abrEwmaDefaultEstimate: number;
  lowLatencyMode: boolean;
  emeEnabled: boolean;
  drmSystems: { [system: string]: { licenseUrl: string } };
  licenseXhrSetup: ((xhr: LicenceXhr, url: string) => void | Promise<void>) | undefined;
  [name: string]: unknown;
}

/** What a licence's XMLHttpRequest may be told. */
export interface LicenceXhr {
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  withCredentials: boolean;
}

/** A rendition, as `levels` has it. */
export interface Level {
  id: number;
  bitrate: number;
  averageBitrate: number;
  maxBitrate: number;
  width: number;
  height: number;
  frameRate: number;
  name: string | undefined;
  codecSet: string;
  videoCodec: string | undefined;
  audioCodec: string | undefined;
  attrs: { [name: string]: string };
  details: undefined;
  url: string[];
  uri: string;
}

/** A track of sound or text, as `audioTracks` and `subtitleTracks` have it. */
export interface MediaPlaylist {
  id: number;
  name: string;
  lang: string | undefined;
  type: "AUDIO" | "SUBTITLES";
  default: boolean;
  autoselect: boolean;
  forced: boolean;
  groupId: string;
  channels: string | undefined;
  url: string;
  bitrate: number;
  attrs: { [name: string]: string };
}

/** What a track is to be like: what is left out may be anything. */
export type TrackOption = Partial<Pick<MediaPlaylist, "lang" | "name" | "default" | "forced" | "channels">>;

type Listener = (event: never, data: never) => void;

/** What is played in so many seconds stays as it is for `nextLevel`. */
const NEXT = 4;

const DEFAULTS: HlsConfig = {
  autoStartLoad: true,
  startPosition: -1,
  startLevel: undefined,
  maxBufferLength: 30,
  backBufferLength: 20,
  abrEwmaDefaultEstimate: 500_000,
  lowLatencyMode: true,
  emeEnabled: false,
  drmSystems: {},
  licenseXhrSetup: undefined,
};

/** Hooks without which requests would not be what a page wants: refused, as its titles would not load. */
const HOOKS = ["xhrSetup", "fetchSetup", "loader", "fLoader", "pLoader", "requestMediaKeySystemAccessFunc"];

/** Parts that replace hls.js' own: nothing of the kind is there, and titles play without. */
const PARTS = ["abrController", "bufferController", "capLevelController", "errorController", "fpsController", "drmSystemOptions", "cueHandler", "cmcd"];

/** What is not there: methods and values, and what they give. */
const METHODS = { removeLevel: undefined, transferMedia: null, createController: undefined, trigger: false, emit: false, pauseBuffering: undefined, resumeBuffering: undefined };
const VALUES = {
  capLevelToPlayerSize: false,
  inFlightFragments: {},
  interstitialsManager: null,
  latestLevelDetails: null,
  maxHdcpLevel: null,
  pathways: [],
  pathwayPriority: null,
  playingDate: null,
  ttfbEstimate: NaN,
};

const unsupported = once<Hls>((hls, error) => hls.tell(error), "telecine/hls");

/** A player in the shape of hls.js. */
export class Hls {
  static readonly Events = Events;
  static readonly ErrorTypes = ErrorTypes;
  static readonly ErrorDetails = ErrorDetails;
  static readonly version = "telecine";
  static DefaultConfig: HlsConfig = { ...DEFAULTS };

  readonly config: HlsConfig;
  #player: Player;
  #title: Title;
  #shared: Shared | undefined;
  #subtitles: Subtitles | undefined;
  #listeners = new Map<Events, { listener: Listener; context: unknown; once: boolean }[]>();
  #url: string | null = null;
  /** It waits for an element or for `startLoad`. */
  #pending = false;
  /** What the title is is looked at; no media is asked for. */
  #looking = false;
  /** By `stopLoad`. */
  #stopped = false;
  /** That the manifest is known was told. */
  #parsed = false;
  #manual = -1;
  #cap = -1;
  #buffered = 0;
  #tick: ReturnType<typeof setInterval>;

  static isSupported(): boolean {
    return Player.isSupported;
  }

  static isMSESupported(): boolean {
    return Player.isSupported;
  }

  static getMediaSource(): typeof MediaSource | undefined {
    return globalThis.MediaSource;
  }

  constructor(config: Partial<HlsConfig> = {}) {
    for (const name of HOOKS) if (config[name] !== undefined) throw new Unsupported("telecine/hls", `config.${name}`);
    // Nobody listens yet.
    for (const name of PARTS) if (config[name] !== undefined) queueMicrotask(() => unsupported(this, `config.${name}`));
    this.config = { ...Hls.DefaultConfig, ...config };
    this.#player = new Player(this.#options(config));
    this.#title = new Title(this.#player, (told) => this.#hear(told));
    this.#player.addEventListener("autoplayblocked", () => this.#shared?.video.pause());
    this.#tick = setInterval(() => this.#look(), 250);
  }

  // Loading.

  loadSource(url: string): void {
    this.#url = new URL(url, document.baseURI).href;
    this.#title.reset();
    this.#buffered = 0;
    this.#emit(Events.MANIFEST_LOADING, { url: this.#url });
    this.#parsed = false;
    this.#load();
  }

  attachMedia(media: HTMLVideoElement | { media: HTMLVideoElement }): void {
    const video = media instanceof HTMLMediaElement ? media : media.media;
    this.#emit(Events.MEDIA_ATTACHING, { media: video });
    this.#shared?.close();
    this.#shared = new Shared(video, this.#player);
    this.#subtitles = new Subtitles(video, (track) => this.#player.select("text", track));
    // As there: pages subscribe behind the call.
    queueMicrotask(() => {
      if (this.#shared?.video !== video) return;
      this.#emit(Events.MEDIA_ATTACHED, { media: video });
      this.#begin();
    });
  }

  detachMedia(): void {
    if (!this.#shared) return;
    this.#emit(Events.MEDIA_DETACHING, {});
    this.#shared.close();
    this.#player.detach();
    this.#subtitles?.close();
    this.#shared = this.#subtitles = undefined;
    // It begins anew where it is attached next.
    this.#pending = this.#url !== null;
    this.#emit(Events.MEDIA_DETACHED, {});
  }

  /** Begins, from a time if one is given: needed where `autoStartLoad` is off. */
  startLoad(position = -1): void {
    this.config.autoStartLoad = true;
    if (position >= 0 && position !== this.config.startPosition) {
      this.config.startPosition = position;
      // It was asked for from elsewhere.
      if (this.#looking) this.#pending = true;
    }
    if (this.#pending || this.#looking) this.#begin();
    else if (this.#title.state === "failed" || this.#stopped) this.#again();
  }

  /** Fetches no more; what was fetched is gone too. `startLoad` goes on from where it was. */
  stopLoad(): void {
    this.config.startPosition = this.#shared?.video.currentTime ?? -1;
    this.#pending ||= this.#looking;
    this.#looking = false;
    this.#stopped = this.#url !== null && !this.#pending;
    this.#player.stop();
  }

  get loadingEnabled(): boolean {
    return this.#url !== null && !this.#pending;
  }

  get bufferingEnabled(): boolean {
    return this.loadingEnabled;
  }

  get startPosition(): number {
    return this.config.startPosition;
  }

  get forceStartLoad(): boolean {
    return false;
  }

  get bufferedToEnd(): boolean {
    return this.#buffered > 0 && this.#buffered > this.#title.duration - 0.1;
  }

  get maxBufferLength(): number {
    return this.config.maxBufferLength;
  }

  /** What pages call before `recoverMediaError`: codecs are dealt with where media is. */
  swapAudioCodec(): void {}

  /** Loads what failed again, from where it was. */
  recoverMediaError(): void {
    this.#again();
  }

  destroy(): void {
    this.#emit(Events.DESTROYING, undefined);
    clearInterval(this.#tick);
    this.#title.close();
    this.#shared?.close();
    this.#subtitles?.close();
    this.#shared = this.#subtitles = undefined;
    this.#player.destroy();
    this.#listeners.clear();
    this.#url = null;
  }

  // Events.

  on<Event extends Events>(event: Event, listener: HlsListeners[Event], context?: unknown): void {
    this.#add(event, listener, context, false);
  }

  once<Event extends Events>(event: Event, listener: HlsListeners[Event], context?: unknown): void {
    this.#add(event, listener, context, true);
  }

  off<Event extends Events>(event: Event, listener?: HlsListeners[Event]): void {
    const left = (this.#listeners.get(event) ?? []).filter((one) => listener && one.listener !== listener);
    this.#listeners.set(event, left);
  }

  removeAllListeners(event?: Events): void {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
  }

  listeners<Event extends Events>(event: Event): HlsListeners[Event][] {
    return (this.#listeners.get(event) ?? []).map(({ listener }) => listener as HlsListeners[Event]);
  }

  listenerCount(event: Events): number {
    return this.#listeners.get(event)?.length ?? 0;
  }

  // What plays.

  get url(): string | null {
    return this.#url;
  }

  get media(): HTMLVideoElement | null {
    return this.#shared?.video ?? null;
  }

  get userConfig(): HlsConfig {
    return this.config;
  }

  // Levels: renditions of the picture, poorest first.

  get levels(): Level[] {
    return this.#title.ladder.map(levelOf);
  }

  /** What is on the screen. */
  get currentLevel(): number {
    return this.#indexOf(this.#title.shown);
  }

  /** Plays in this one alone, from a second on; -1 leaves it to the player. */
  set currentLevel(level: number) {
    this.#hold(level, 0);
  }

  get nextLevel(): number {
    return this.#indexOf(this.#title.chosen ?? this.#title.shown);
  }

  /** Plays in this one alone, from some seconds on. */
  set nextLevel(level: number) {
    this.#hold(level, NEXT);
  }

  get loadLevel(): number {
    return this.nextLevel;
  }

  /** Fetches this one alone; what waits is played as it is. */
  set loadLevel(level: number) {
    this.#hold(level);
  }

  get nextLoadLevel(): number {
    return this.nextLevel;
  }

  set nextLoadLevel(level: number) {
    this.#hold(level);
  }

  get loadLevelObj(): Level | null {
    return this.levels[this.loadLevel] ?? null;
  }

  get nextAutoLevel(): number {
    return this.nextLevel;
  }

  /** The player chooses for itself. */
  set nextAutoLevel(_level: number) {
    unsupported(this, "nextAutoLevel to be set");
  }

  get firstAutoLevel(): number {
    return Math.max(0, this.startLevel);
  }

  get firstLevel(): number {
    return 0;
  }

  set firstLevel(_level: number) {
    unsupported(this, "firstLevel to be set");
  }

  get startLevel(): number {
    return this.config.startLevel ?? -1;
  }

  /** For the next title. */
  set startLevel(level: number) {
    this.config.startLevel = level;
  }

  get lowestLevelIndex(): number {
    return 0;
  }

  get manualLevel(): number {
    return this.#manual;
  }

  get autoLevelEnabled(): boolean {
    return this.#manual === -1;
  }

  /** The best that may be chosen; -1 without a limit. */
  get autoLevelCapping(): number {
    return this.#cap;
  }

  set autoLevelCapping(level: number) {
    this.#cap = level;
    this.#constrain();
  }

  get maxAutoLevel(): number {
    return this.#cap === -1 ? this.#title.ladder.length - 1 : this.#cap;
  }

  get minAutoLevel(): number {
    return 0;
  }

  /** Bits a second. */
  get bandwidthEstimate(): number {
    return this.#title.throughput ?? this.config.abrEwmaDefaultEstimate;
  }

  set bandwidthEstimate(_bits: number) {
    unsupported(this, "bandwidthEstimate to be set");
  }

  get abrEwmaDefaultEstimate(): number {
    return this.config.abrEwmaDefaultEstimate;
  }

  // Tracks.

  get audioTracks(): MediaPlaylist[] {
    return this.#title.of("audio").map(playlistOf);
  }

  get allAudioTracks(): MediaPlaylist[] {
    return this.audioTracks;
  }

  get audioTrack(): number {
    return this.#place("audio");
  }

  set audioTrack(index: number) {
    const track = this.#title.of("audio")[index];
    if (!track) return;
    this.#emit(Events.AUDIO_TRACK_SWITCHING, playlistOf(track, index));
    this.#player.select("audio", track.id);
  }

  get nextAudioTrack(): number {
    return this.audioTrack;
  }

  set nextAudioTrack(index: number) {
    this.audioTrack = index;
  }

  /** Plays the first sound that is as wanted; null if there is none. */
  setAudioOption(wanted: TrackOption | undefined): MediaPlaylist | null {
    const found = find(this.audioTracks, wanted);
    if (found) this.audioTrack = found.id;
    return found;
  }

  /** Shows the first subtitles that are as wanted; null if there are none. */
  setSubtitleOption(wanted: TrackOption | undefined): MediaPlaylist | null {
    const found = find(this.subtitleTracks, wanted);
    if (found) this.subtitleTrack = found.id;
    return found;
  }

  get subtitleTracks(): MediaPlaylist[] {
    return this.#title.of("text").map(playlistOf);
  }

  get allSubtitleTracks(): MediaPlaylist[] {
    return this.subtitleTracks;
  }

  /** -1: none. */
  get subtitleTrack(): number {
    return this.#place("text");
  }

  set subtitleTrack(index: number) {
    this.#player.select("text", this.#title.of("text")[index]?.id ?? null);
  }

  /** Whether chosen subtitles are drawn by the element. */
  get subtitleDisplay(): boolean {
    return this.#subtitles?.display ?? true;
  }

  set subtitleDisplay(display: boolean) {
    if (this.#subtitles) this.#subtitles.display = display;
  }

  // Live.

  /** Where a live title is followed, seconds; null of any other. */
  get liveSyncPosition(): number | null {
    const edge = this.#title.edge;
    return edge?.seekable[1] ?? null;
  }

  /** Seconds behind the source; 0 before it is known. */
  get latency(): number {
    return this.#title.edge?.latency ?? 0;
  }

  get targetLatency(): number | null {
    return this.#title.edge?.target ?? null;
  }

  set targetLatency(_seconds: number) {
    unsupported(this, "targetLatency to be set");
  }

  get lowLatencyMode(): boolean {
    return this.config.lowLatencyMode;
  }

  /** For the next player. */
  set lowLatencyMode(on: boolean) {
    this.config.lowLatencyMode = on;
  }

  get maxLatency(): number {
    return Infinity;
  }

  get drift(): number | null {
    return this.#title.edge ? 1 : null;
  }

  get hasEnoughToStart(): boolean {
    return this.#title.state !== "idle" && this.#title.state !== "loading" && this.#title.state !== "preparing";
  }

  #options(own: Partial<HlsConfig>): Options {
    const { maxBufferLength, backBufferLength, abrEwmaDefaultEstimate } = own;
    const finite = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : undefined);
    const options: { -readonly [name in keyof Options]: Options[name] } = {};
    // What is not said stays as Telecine has it.
    if (finite(maxBufferLength) !== undefined) options.bufferGoal = finite(maxBufferLength) as number;
    if (finite(backBufferLength) !== undefined) options.backBuffer = finite(backBufferLength) as number;
    if (abrEwmaDefaultEstimate !== undefined) options.initialThroughput = abrEwmaDefaultEstimate;
    if (this.config.emeEnabled) Object.assign(options, { drm: this.#drm() });
    return options;
  }

  #drm(): object {
    const { drmSystems, licenseXhrSetup } = this.config;
    const servers = Object.fromEntries(Object.entries(drmSystems).map(([system, { licenseUrl }]) => [system, licenseUrl]));
    if (!licenseXhrSetup) return { servers };
    const licenceRequest = async (request: { url: string; headers: { [name: string]: string }; credentials?: string }) => {
      const xhr: LicenceXhr = {
        open: (_, url) => (request.url = url),
        setRequestHeader: (name, value) => (request.headers[name] = value),
        withCredentials: false,
      };
      await licenseXhrSetup(xhr, request.url);
      if (xhr.withCredentials) request.credentials = "include";
      return request;
    };
    return { servers, licenceRequest };
  }

  get #mayBegin(): boolean {
    return this.#shared !== undefined && this.config.autoStartLoad;
  }

  /** The manifest at least: media behind it where there is an element, and it may be. */
  #load(): void {
    if (this.#url === null) return;
    this.#pending = this.#stopped = false;
    this.#looking = !this.#mayBegin;
    const { startPosition } = this.config;
    this.#player.load(this.#url, { look: this.#looking, ...(startPosition >= 0 ? { start: startPosition } : {}) });
    this.#constrain();
  }

  #begin(): void {
    if (!this.#mayBegin) return;
    if (this.#pending) this.#load();
    else if (this.#looking) {
      this.#looking = false;
      this.#player.goOn();
    }
  }

  #again(): void {
    if (!this.#shared || this.#url === null) return;
    const start = this.#title.live ? -1 : this.#shared.video.currentTime || this.config.startPosition;
    this.#title.reset();
    this.#looking = this.#stopped = false;
    this.#player.load(this.#url, start > 0 ? { start } : {});
  }

  #constrain(): void {
    const ladder = this.#title.ladder;
    // Before the ladder is known it is asked for again.
    if (!ladder.length) return;
    const wanted = this.#manual >= 0 ? ladder.slice(this.#manual, this.#manual + 1) : this.#cap >= 0 ? ladder.slice(0, this.#cap + 1) : [];
    this.#player.constrain({ renditions: wanted.length ? wanted.map(({ id }) => id) : null });
  }

  /** Holds a level, and fetches what waits behind so many seconds anew in it. */
  #hold(level: number, after?: number): void {
    this.#manual = level;
    this.#constrain();
    const isAll = level === this.currentLevel && level === this.nextLevel;
    if (level >= 0 && after !== undefined && !isAll && this.#title.known) this.#player.fetchAnew(this.#title.ladderKind, after);
  }

  #indexOf(id: string | null | undefined): number {
    return this.#title.ladder.findIndex((rendition) => rendition.id === id);
  }

  #place(kind: "audio" | "text"): number {
    const selected = this.#title.selected(kind);
    return selected ? this.#title.of(kind).indexOf(selected) : -1;
  }

  #hear(told: Told): void {
    switch (told.type) {
      case "Loaded":
        return this.#loaded();
      case "Selected":
        return this.#selected(told.kind);
      case "Quality":
        if (told.kind === this.#title.ladderKind) this.#emit(Events.LEVEL_SWITCHED, { level: this.currentLevel });
        return;
      case "Decision":
        return this.#decided(told.kind, told.to);
      case "Cues":
        this.#subtitles?.change(told.changes);
        return;
      case "StallStarted":
        return this.#failed({ type: ErrorTypes.MEDIA_ERROR, details: ErrorDetails.BUFFER_STALLED_ERROR, fatal: false, error: new Error(`playback stands: ${told.cause}`) });
      case "Error":
        return this.#failed(errorOf(told.error, this.#title.known, this.#url ?? ""));
      case "Ended":
        return this.#emit(Events.MEDIA_ENDED, { stalled: false });
    }
  }

  #loaded(): void {
    const { levels, audioTracks, subtitleTracks } = this;
    const url = this.#url ?? "";
    const stats = { loaded: 0, total: 0, loading: { start: this.#title.loadedAt, first: 0, end: performance.now() } };
    this.#subtitles?.show(this.#title.of("text"), this.#title.selected("text")?.id);
    if (!this.#parsed) {
      this.#parsed = true;
      const all = { levels, audioTracks, subtitleTracks, url, sessionData: null, sessionKeys: null, stats };
      this.#emit(Events.MANIFEST_LOADED, { ...all, subtitles: subtitleTracks });
      this.#emit(Events.MANIFEST_PARSED, { ...all, iframeVariants: [], firstLevel: 0, video: this.#title.of("video").length > 0, audio: audioTracks.length > 0, altAudio: audioTracks.length > 1 });
      this.#emit(Events.AUDIO_TRACKS_UPDATED, { audioTracks });
      this.#emit(Events.SUBTITLE_TRACKS_UPDATED, { subtitleTracks });
    }
    // Listeners may have done anything: begun it, or loaded something else.
    if (!this.#title.known || this.#url === null) return;
    if (this.#looking) {
      this.#looking = false;
      this.#pending = true;
      return this.#player.stop();
    }
    const level = Math.max(0, this.nextLevel);
    const { live, duration } = this.#title;
    this.#emit(Events.LEVEL_LOADED, { level, id: level, levelInfo: levels[level], stats, details: { live, totalduration: duration, url } });
    if (this.config.startLevel !== undefined && this.config.startLevel >= 0 && this.#manual === -1) this.#manual = this.config.startLevel;
    this.#constrain();
  }

  #selected(kind: string): void {
    if (!this.#title.known) return;
    if (kind === "audio") {
      const playlist = this.audioTracks[this.audioTrack];
      if (playlist) this.#emit(Events.AUDIO_TRACK_SWITCHED, playlist);
    } else if (kind === "text") {
      this.#subtitles?.choose(this.#title.selected("text")?.id);
      const playlist = this.subtitleTracks[this.subtitleTrack];
      this.#emit(Events.SUBTITLE_TRACK_SWITCH, playlist ?? { id: -1 });
    }
  }

  #decided(kind: string | null, to: string | null): void {
    const level = this.#indexOf(to);
    const chosen = this.levels[level];
    if (kind === this.#title.ladderKind && chosen) this.#emit(Events.LEVEL_SWITCHING, { ...chosen, level });
  }

  /** @internal What is not there, as an error that ends nothing. */
  tell(error: Unsupported): void {
    this.#failed({ type: ErrorTypes.OTHER_ERROR, details: ErrorDetails.UNKNOWN, fatal: false, error, reason: error.message });
  }

  #failed(data: ErrorData): void {
    this.#emit(Events.ERROR, data);
  }

  /** The engine tells of no single segment: that more is there is seen by the element. */
  #look(): void {
    const video = this.#shared?.video;
    if (!video || !this.#title.known) return;
    const { buffered } = video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    if (end > this.#buffered) {
      const level = Math.max(0, this.nextLevel);
      this.#emit(Events.FRAG_BUFFERED, { id: "main", part: null, frag: { type: "main", level, start: this.#buffered, end, duration: end - this.#buffered } });
    }
    this.#buffered = end;
  }

  #add(event: Events, listener: Listener, context: unknown, once: boolean): void {
    if (event === undefined) throw new Error("telecine/hls has no event of that name");
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { listener, context: context ?? this, once }]);
  }

  #emit<Event extends keyof HlsData>(event: Event, data: HlsData[Event]): void {
    for (const one of [...(this.#listeners.get(event) ?? [])]) {
      const { listener, context, once } = one;
      const all = this.#listeners.get(event);
      if (once && all) this.#listeners.set(event, all.filter((other) => other !== one));
      listener.call(context, event as never, data as never);
    }
  }
}

absent(Hls.prototype, METHODS, VALUES, unsupported);

export default Hls;

function find(all: MediaPlaylist[], wanted: TrackOption = {}): MediaPlaylist | null {
  const names = ["lang", "name", "default", "forced", "channels"] as const;
  return all.find((one) => names.every((name) => wanted[name] === undefined || wanted[name] === one[name])) ?? null;
}

function levelOf({ bitrate, width, height, frame_rate: frameRate, codecs }: Rendition, id: number): Level {
  const of = (pattern: RegExp) => codecs?.split(",").find((codec) => pattern.test(codec.trim()));
  return {
    id,
    bitrate,
    averageBitrate: bitrate,
    maxBitrate: bitrate,
    width: width ?? 0,
    height: height ?? 0,
    frameRate: frameRate ?? 0,
    name: height ? `${height}p` : undefined,
    codecSet: (codecs ?? "").split(",").map((codec) => codec.trim().slice(0, 4)).join(),
    videoCodec: of(/^(avc|hvc|hev|av01|vp0?9|vp8|dv)/),
    audioCodec: of(/^(mp4a|ac-3|ec-3|opus|fLaC|flac|dts)/),
    attrs: { BANDWIDTH: String(bitrate), ...(codecs ? { CODECS: codecs } : {}), ...(width && height ? { RESOLUTION: `${width}x${height}` } : {}) },
    details: undefined,
    url: [],
    uri: "",
  };
}

function playlistOf(track: Track, id: number): MediaPlaylist {
  return {
    id,
    name: track.label ?? track.language ?? track.id,
    lang: track.language ?? undefined,
    type: track.kind === "text" ? "SUBTITLES" : "AUDIO",
    default: track.default ?? false,
    autoselect: true,
    forced: track.forced ?? false,
    groupId: "",
    channels: track.channels === null || track.channels === undefined ? undefined : String(track.channels),
    url: "",
    bitrate: track.renditions[0]?.bitrate ?? 0,
    attrs: {},
  };
}
