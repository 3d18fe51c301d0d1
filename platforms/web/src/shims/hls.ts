// The shape of hls.js over Telecine's player, for the calls that most pages use:
//
//     import Hls from "telecine/hls"; // was: "hls.js"
//
// What is not there does nothing, and is told once by its name. An MPD plays too.

import { Player } from "../player.js";
import { absent, once, Unsupported } from "./absent.js";
import { DEFAULTS, optionsOf, type HlsConfig } from "./hls/config.js";
import { Emitter } from "./hls/emitter.js";
import { ErrorDetails, ErrorTypes, type ErrorData } from "./hls/errors.js";
import { Events } from "./hls/events.js";
import { Levels, type Level } from "./hls/levels.js";
import { Loading } from "./hls/loading.js";
import { Reporter } from "./hls/reporter.js";
import { HOOKS, METHODS, PARTS, VALUES } from "./hls/missing.js";
import { Tracks, type MediaPlaylist, type TrackOption } from "./hls/tracks.js";
import { Title } from "./title.js";
import { Shared } from "./viewer.js";

export { ErrorDetails, ErrorTypes, Events };
export type { ErrorData, HlsConfig, Level, MediaPlaylist, TrackOption };
export type { DoneXhr, KeyContext, LoaderContext, SetupXhr } from "./hls/requests.js";
export type * from "./hls/events.js";

/** What is played in so many seconds stays as it is for `nextLevel`. */
const NEXT = 4;

const unsupported = once<Hls>((hls, error) => hls.tell(error), "telecine/hls");

/** A player in the shape of hls.js. */
export class Hls extends Emitter {
  static readonly Events = Events;
  static readonly ErrorTypes = ErrorTypes;
  static readonly ErrorDetails = ErrorDetails;
  static readonly version = "telecine";
  static DefaultConfig: HlsConfig = { ...DEFAULTS };

  readonly config: HlsConfig;
  // What never changes.
  readonly forceStartLoad: boolean = false;
  readonly lowestLevelIndex: number = 0;
  readonly minAutoLevel: number = 0;
  readonly maxLatency: number = Infinity;
  #player: Player;
  #title: Title;
  #levels: Levels;
  #audio: Tracks;
  #text: Tracks;
  #loading: Loading;
  #shared: Shared | undefined;
  #reporter: Reporter;

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
    super();
    for (const name of HOOKS) if (config[name] !== undefined) throw new Unsupported("telecine/hls", `config.${name}`);
    // Nobody listens yet.
    for (const name of PARTS) if (config[name] !== undefined) queueMicrotask(() => unsupported(this, `config.${name}`));
    this.config = { ...Hls.DefaultConfig, ...config };
    this.#player = new Player(optionsOf(this, this.config, config));
    this.#title = new Title(this.#player, (told) => {
      this.#shared?.hear(told, this.#title);
      this.#reporter.hear(told);
    });
    this.#levels = new Levels(this.#title, this.#player, this.config);
    this.#audio = new Tracks("audio", this.#title, this.#player);
    this.#text = new Tracks("text", this.#title, this.#player);
    this.#loading = new Loading(this.#player, this.#title, this.#levels, this.config);
    this.#reporter = new Reporter(this, this.#title, this.#levels, this.#audio, this.#text, this.#loading);
  }

  // Loading.

  loadSource(url: string): void {
    const { href } = new URL(url, document.baseURI);
    this.#loading.url = href;
    this.#title.reset();
    this.#levels.reset();
    this.#reporter.reset();
    this.announce(Events.MANIFEST_LOADING, { url: href });
    this.#loading.load();
  }

  attachMedia(media: HTMLVideoElement | { media: HTMLVideoElement }): void {
    const video = media instanceof HTMLMediaElement ? media : media.media;
    this.announce(Events.MEDIA_ATTACHING, { media: video });
    this.#shared?.close();
    this.#shared = new Shared(video, this.#player);
    this.#loading.video = video;
    // As there: pages subscribe behind the call.
    queueMicrotask(() => {
      if (this.media !== video) return;
      this.announce(Events.MEDIA_ATTACHED, { media: video });
      this.#loading.begin();
    });
  }

  detachMedia(): void {
    if (!this.#shared) return;
    this.announce(Events.MEDIA_DETACHING, {});
    this.#release();
    this.#player.detach();
    this.#loading.wait();
    this.announce(Events.MEDIA_DETACHED, {});
  }

  /** Begins, from a time if one is given: needed where `autoStartLoad` is off. */
  startLoad(position = -1): void {
    this.#loading.start(position);
  }

  /** Fetches no more; what was fetched is gone too. `startLoad` goes on from where it was. */
  stopLoad(): void {
    this.#loading.stop();
  }

  /** Loads what failed again, from where it was. */
  recoverMediaError(): void {
    this.#loading.again();
  }

  /** What pages call before `recoverMediaError`: codecs are dealt with where media is. */
  swapAudioCodec(): void {}

  destroy(): void {
    this.announce(Events.DESTROYING, undefined);
    this.#reporter.close();
    this.#title.close();
    this.#release();
    this.#player.destroy();
    this.removeAllListeners();
    this.#loading.url = null;
  }

  get url(): string | null {
    return this.#loading.url;
  }

  get media(): HTMLVideoElement | null {
    return this.#shared?.video ?? null;
  }

  get userConfig(): HlsConfig {
    return this.config;
  }

  get loadingEnabled(): boolean {
    return this.#loading.isOn;
  }

  get bufferingEnabled(): boolean {
    return this.#loading.isOn;
  }

  get startPosition(): number {
    return this.config.startPosition;
  }

  get bufferedToEnd(): boolean {
    const { buffered } = this.#reporter;
    return buffered > 0 && buffered > this.#title.duration - 0.1;
  }

  get maxBufferLength(): number {
    return this.config.maxBufferLength;
  }

  get hasEnoughToStart(): boolean {
    return !["idle", "loading", "preparing"].includes(this.#title.state);
  }

  // Levels: renditions of the picture, poorest first.

  get levels(): Level[] {
    return this.#levels.all;
  }

  /** What is on the screen. */
  get currentLevel(): number {
    return this.#levels.shown;
  }

  /** Plays in this one alone, from a second on; -1 leaves it to the player. */
  set currentLevel(level: number) {
    this.#levels.hold(level, 0);
  }

  get nextLevel(): number {
    return this.#levels.chosen;
  }

  /** Plays in this one alone, from some seconds on. */
  set nextLevel(level: number) {
    this.#levels.hold(level, NEXT);
  }

  get loadLevel(): number {
    return this.#levels.chosen;
  }

  /** Fetches this one alone; what waits is played as it is. */
  set loadLevel(level: number) {
    this.#levels.hold(level);
  }

  get nextLoadLevel(): number {
    return this.#levels.chosen;
  }

  set nextLoadLevel(level: number) {
    this.#levels.hold(level);
  }

  get loadLevelObj(): Level | null {
    return this.levels[this.loadLevel] ?? null;
  }

  get nextAutoLevel(): number {
    return this.#levels.chosen;
  }

  /** The player chooses for itself. */
  set nextAutoLevel(_level: number) {
    unsupported(this, "nextAutoLevel to be set");
  }

  get firstAutoLevel(): number {
    return Math.min(this.#levels.first, this.#levels.highest);
  }

  /** The one that the manifest has first. */
  get firstLevel(): number {
    return this.#levels.first;
  }

  set firstLevel(_level: number) {
    unsupported(this, "firstLevel to be set");
  }

  get startLevel(): number {
    return this.#levels.start;
  }

  /** Begins in this one, from the next title on or within `MANIFEST_PARSED`; what follows the first media the player chooses. */
  set startLevel(level: number) {
    this.#levels.start = level;
  }

  get manualLevel(): number {
    return this.#levels.manual;
  }

  get autoLevelEnabled(): boolean {
    return this.#levels.manual === -1;
  }

  /** The best that may be chosen; -1 without a limit. */
  get autoLevelCapping(): number {
    return this.#levels.cap;
  }

  set autoLevelCapping(level: number) {
    this.#levels.limit(level);
  }

  get maxAutoLevel(): number {
    return this.#levels.highest;
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
    return this.#audio.all;
  }

  get allAudioTracks(): MediaPlaylist[] {
    return this.#audio.all;
  }

  get audioTrack(): number {
    return this.#audio.played;
  }

  set audioTrack(index: number) {
    const playlist = this.audioTracks[index];
    if (!playlist) return;
    this.announce(Events.AUDIO_TRACK_SWITCHING, playlist);
    this.#audio.select(index);
  }

  get nextAudioTrack(): number {
    return this.audioTrack;
  }

  set nextAudioTrack(index: number) {
    this.audioTrack = index;
  }

  /** Plays the first sound that is as wanted; null if there is none. */
  setAudioOption(wanted: TrackOption | undefined): MediaPlaylist | null {
    const found = this.#audio.find(wanted);
    if (found) this.audioTrack = found.id;
    return found;
  }

  /** Shows the first subtitles that are as wanted; null if there are none. */
  setSubtitleOption(wanted: TrackOption | undefined): MediaPlaylist | null {
    const found = this.#text.find(wanted);
    if (found) this.subtitleTrack = found.id;
    return found;
  }

  get subtitleTracks(): MediaPlaylist[] {
    return this.#text.all;
  }

  get allSubtitleTracks(): MediaPlaylist[] {
    return this.#text.all;
  }

  /** -1: none. */
  get subtitleTrack(): number {
    return this.#text.played;
  }

  set subtitleTrack(index: number) {
    this.#text.select(index);
  }

  /** Whether chosen subtitles are drawn by the element. */
  get subtitleDisplay(): boolean {
    return this.#shared?.subtitles.display ?? true;
  }

  set subtitleDisplay(display: boolean) {
    if (this.#shared) this.#shared.subtitles.display = display;
  }

  // Live.

  /** Where a live title is followed, seconds; null of any other. */
  get liveSyncPosition(): number | null {
    return this.#title.edge?.seekable[1] ?? null;
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

  get drift(): number | null {
    return this.#title.edge ? 1 : null;
  }

  /** @internal What is not there, as an error that ends nothing. */
  tell(error: Unsupported): void {
    this.announce(Events.ERROR, { type: ErrorTypes.OTHER_ERROR, details: ErrorDetails.UNKNOWN, fatal: false, error, reason: error.message });
  }

  #release(): void {
    this.#shared?.close();
    this.#shared = undefined;
  }
}

absent(Hls.prototype, METHODS, VALUES, unsupported);

export default Hls;
