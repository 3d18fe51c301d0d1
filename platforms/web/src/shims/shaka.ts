// The shape of shaka.Player over Telecine's player, for the calls that most pages use:
//
//     import shaka from "telecine/shaka"; // was: "shaka-player"
//
// What is not there does nothing, and is told once by its name.

import { Player as Engine, type Options } from "../player.js";
import { absent, NOTHING_COMES, once, type Unsupported } from "./absent.js";
import { Networking, type Filter } from "./shaka-networking.js";
import { Category, Code, ShakaError, Severity } from "./shaka-errors.js";
import { Subtitles } from "./subtitles.js";
import { Title, type Rendition, type Told, type Track as Known } from "./title.js";
import { Shared } from "./viewer.js";

/** A picture with a sound, as `getVariantTracks` has it. */
export interface Track {
  id: number;
  type: "variant";
  active: boolean;
  bandwidth: number;
  videoBandwidth: number | null;
  language: string;
  label: string | null;
  kind: null;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  codecs: string | null;
  videoCodec: string | null;
  audioCodec: string | null;
  roles: string[];
  audioRoles: string[] | null;
  channelsCount: number | null;
  primary: boolean;
  originalVideoId: string | null;
  originalAudioId: string | null;
  videoId: number | null;
  audioId: number | null;
}

/** A track of text or of sound. */
export interface PlainTrack {
  id: number;
  type: "text" | "audio";
  active: boolean;
  language: string;
  label: string | null;
  kind: string | null;
  roles: string[];
  primary: boolean;
  forced: boolean;
  channelsCount: number | null;
}

/** What may be configured; the rest of Shaka's configuration is kept, and ignored where it tunes rules of its own. */
export interface Configuration {
  streaming: { bufferingGoal: number; bufferBehind: number; [name: string]: unknown };
  abr: { enabled: boolean; defaultBandwidthEstimate: number; restrictions: { maxHeight: number; maxBandwidth: number }; [name: string]: unknown };
  drm: { servers: { [system: string]: string }; clearKeys: { [kid: string]: string }; [name: string]: unknown };
  preferredAudioLanguage: string;
  preferredTextLanguage: string;
  restrictions: { maxHeight: number; maxBandwidth: number };
  [name: string]: unknown;
}

const defaults = (): Configuration => ({
  streaming: { bufferingGoal: 10, bufferBehind: 30 },
  abr: { enabled: true, defaultBandwidthEstimate: 1e6, restrictions: { maxHeight: Infinity, maxBandwidth: Infinity } },
  drm: { servers: {}, clearKeys: {} },
  preferredAudioLanguage: "",
  preferredTextLanguage: "",
  restrictions: { maxHeight: Infinity, maxBandwidth: Infinity },
});

/** What is not there: methods, and what they give. */
const METHODS = {
  attachCanvas: undefined, addFont: undefined, destroyAllPreloads: undefined, getAdManager: null, getQueueManager: null, getManifest: null, getManifestParserFactory: null,
  getFetchedPlaybackInfo: null, getActiveSessionsMetadata: [], getChapters: [], getChaptersTracks: [], getImageTracks: [], getPlayheadTimeAsDate: null,
  getPresentationStartTimeAsDate: null, getSegmentAvailabilityDuration: null, getExpiration: Infinity, getKeyStatuses: {}, drmInfo: null, keySystem: "",
  releaseAllMutexes: undefined, setMaxHardwareResolution: undefined, setVideoContainer: undefined, updateStartTime: undefined, useTrickPlayTrackIfAvailable: undefined,
  renewLicense: undefined, retryLicensing: false, isRemotePlayback: false, configurationForLowLatency: undefined, getConfigurationForLowLatency: {},
  addChaptersTrack: NOTHING_COMES, addTextTrackAsync: NOTHING_COMES, addThumbnailsTrack: NOTHING_COMES, detachAndSavePreload: NOTHING_COMES,
  getAllThumbnails: NOTHING_COMES, getThumbnails: NOTHING_COMES, getChaptersAsync: NOTHING_COMES, preload: NOTHING_COMES, unloadAndSavePreload: NOTHING_COMES,
};

const unsupported = once<Player>((player, error) => player.tell(error), "telecine/shaka");

/** Options that are hooks into Shaka's own parts. */
const HOOKS = ["abrFactory", "adaptationSetCriteriaFactory", "textDisplayFactory", "offline", "ads", "queue", "cmcd", "cmsd"];

const STATES: { [state: string]: string } = { playing: "playing", paused: "paused", ready: "paused", ended: "ended" };

/** What listeners get, by the name of the event. */
export interface PlayerEvents {
  error: Event & { detail: ShakaError };
  buffering: Event & { buffering: boolean };
  adaptation: Event & { oldTrack: Track | null; newTrack: Track };
  variantchanged: Event & { oldTrack: Track | null; newTrack: Track };
}

/** Of `Player`: an event target whose events have types. */
export interface Player {
  addEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** A player in the shape of `shaka.Player`. */
export class Player extends EventTarget {
  static readonly version = "telecine";

  #configuration = defaults();
  /** What was said of it. */
  #said: Record<string, unknown> = {};
  #engine: Engine | undefined;
  /** The options that it was made with. */
  #made = "";
  #title: Title | undefined;
  #video: HTMLVideoElement | null;
  #shared: Shared | undefined;
  #subtitles: Subtitles | undefined;
  #networking = new Networking();
  #uri: string | null = null;
  #buffering = false;
  #textVisible = true;
  #loading: { resolve(): void; reject(error: unknown): void } | undefined;
  #switches: { timestamp: number; id: number; type: string; fromAdaptation: boolean; bandwidth: number | null }[] = [];
  #manual: string | undefined;

  static isBrowserSupported(): boolean {
    return Engine.isSupported;
  }

  constructor(video: HTMLVideoElement | null = null) {
    super();
    this.#video = video;
  }

  // Loading.

  async attach(video: HTMLVideoElement): Promise<void> {
    if (this.#video !== video) this.#release();
    this.#video = video;
  }

  async detach(): Promise<void> {
    await this.unload();
    this.#release();
    this.#video = null;
  }

  /** Resolves once the title is known and its first media is there; rejects with a `shaka.util.Error`. */
  async load(uri: string, start: number | Date | null = null, _mimeType?: string): Promise<void> {
    if (!this.#video) throw new ShakaError(Severity.CRITICAL, Category.PLAYER, Code.NO_VIDEO_ELEMENT);
    if (start instanceof Date) throw new Error("telecine/shaka has no load from a Date");
    this.#interrupt();
    const engine = this.#prepared(this.#video);
    this.#uri = uri;
    this.#switches = [];
    this.#manual = undefined;
    this.#tell("loading");
    const done = new Promise<void>((resolve, reject) => (this.#loading = { resolve, reject }));
    engine.load(uri, start === null ? {} : { start });
    this.#limit();
    return done;
  }

  async unload(): Promise<void> {
    this.#interrupt();
    if (this.#uri === null) return;
    this.#uri = null;
    this.#engine?.stop();
    this.#title?.reset();
    this.#subtitles?.show([], undefined);
    this.#tell("unloading");
  }

  async destroy(): Promise<void> {
    this.#interrupt();
    this.#release();
    this.#uri = null;
    this.#video = null;
  }

  // Configuration.

  /** A whole object, or a path and a value: `configure("streaming.bufferingGoal", 30)`. */
  configure(config: string | object, value?: unknown): boolean {
    const said = typeof config === "string" ? nested(config.split("."), value) : (config as Record<string, unknown>);
    for (const name of HOOKS) if (name in said) unsupported(this, `configuration ${name}`);
    merge(this.#configuration, said);
    merge(this.#said, said);
    if (this.#title?.known) {
      this.#limit();
      this.#prefer();
    }
    return true;
  }

  resetConfiguration(): void {
    this.#configuration = defaults();
    this.#said = {};
  }

  getConfiguration(): Configuration {
    return merge({}, this.#configuration) as Configuration;
  }

  getNonDefaultConfiguration(): object {
    return merge({}, this.#said);
  }

  getNetworkingEngine(): Networking {
    return this.#networking;
  }

  // Tracks.

  getVariantTracks(): Track[] {
    const title = this.#title;
    if (!title?.known) return [];
    const sounds = title.of("audio").length ? title.of("audio") : [undefined];
    const playing = title.selected("audio");
    return sounds.flatMap((sound, place) =>
      title.ladder.map((rendition, index) => variant(rendition, sound, { id: place * title.ladder.length + index, videoId: index, audioId: sound ? place : null, active: rendition.id === (title.shown ?? title.chosen) && (!sound || sound === playing) })),
    );
  }

  /** Plays this one alone, as with `abr.enabled` false. With `clearBuffer` what waits behind `safeMargin` seconds, one at least, is fetched
   * anew in it. */
  selectVariantTrack(track: Track, clearBuffer = false, safeMargin = 0): void {
    const title = this.#title;
    if (!title) return;
    this.#manual = title.ladder[track.videoId ?? -1]?.id;
    this.#configuration.abr.enabled = false;
    this.#limit();
    const sound = track.audioId === null ? undefined : title.of("audio")[track.audioId];
    if (sound && sound !== title.selected("audio")) this.#engine?.select("audio", sound.id);
    if (clearBuffer) this.#engine?.fetchAnew(title.ladderKind, safeMargin);
  }

  getVideoTracks(): { active: boolean; bandwidth: number; width: number | null; height: number | null; frameRate: number | null; codecs: string | null; label: null; language: string; roles: string[] }[] {
    const title = this.#title;
    return (title?.of("video").length ? title.ladder : []).map((rendition) => ({
      active: rendition.id === title?.shown,
      bandwidth: rendition.bitrate,
      width: rendition.width ?? null,
      height: rendition.height ?? null,
      frameRate: rendition.frame_rate ?? null,
      codecs: rendition.codecs ?? null,
      label: null,
      language: "",
      roles: [],
    }));
  }

  selectVideoTrack(track: { bandwidth: number; height: number | null }, clearBuffer = false, safeMargin = 0): void {
    this.#manual = this.#title?.ladder.find(({ bitrate, height }) => bitrate === track.bandwidth && (height ?? null) === track.height)?.id;
    this.#configuration.abr.enabled = false;
    this.#limit();
    if (clearBuffer) this.#engine?.fetchAnew("video", safeMargin);
  }

  getAudioTracks(): PlainTrack[] {
    return this.#plain("audio");
  }

  selectAudioTrack(track: PlainTrack): void {
    this.#choose("audio", track);
  }

  getAudioLanguages(): string[] {
    return [...new Set(this.getAudioTracks().map(({ language }) => language))];
  }

  getAudioLanguagesAndRoles(): { language: string; role: string; label: string | null }[] {
    return this.getAudioTracks().flatMap(({ language, roles, label }) => (roles.length ? roles : [""]).map((role) => ({ language, role, label })));
  }

  selectAudioLanguage(language: string, role = ""): void {
    const fits = this.getAudioTracks().filter((track) => track.language === language);
    const track = fits.find(({ roles }) => !role || roles.includes(role)) ?? fits[0];
    if (track) this.selectAudioTrack(track);
  }

  getTextTracks(): PlainTrack[] {
    return this.#plain("text");
  }

  /** Null shows none. */
  selectTextTrack(track: PlainTrack | null): void {
    this.#choose("text", track);
  }

  getTextLanguages(): string[] {
    return [...new Set(this.getTextTracks().map(({ language }) => language))];
  }

  selectTextLanguage(language: string): void {
    const track = this.getTextTracks().find((one) => one.language === language);
    if (track) this.selectTextTrack(track);
  }

  getTextLanguagesAndRoles(): { language: string; role: string; label: string | null }[] {
    return this.getTextTracks().flatMap(({ language, roles, label }) => (roles.length ? roles : [""]).map((role) => ({ language, role, label })));
  }

  /** Plays the first sound with this label. */
  selectVariantsByLabel(label: string): void {
    const track = this.getAudioTracks().find((one) => one.label === label);
    if (track) this.selectAudioTrack(track);
  }

  setTextTrackVisibility(visible: boolean): void {
    this.#textVisible = visible;
    if (this.#subtitles) this.#subtitles.display = visible;
    this.#tell("texttrackvisibility");
  }

  isTextTrackVisible(): boolean {
    return this.#textVisible && this.#title?.selected("text") !== undefined;
  }

  // State.

  getMediaElement(): HTMLVideoElement | null {
    return this.#video;
  }

  getAssetUri(): string | null {
    return this.#uri;
  }

  getManifestType(): string | null {
    return this.#title?.known ? (this.#title.protocol === "dash" ? "DASH" : "HLS") : null;
  }

  isLive(): boolean {
    return this.#title?.live ?? false;
  }

  isDynamic(): boolean {
    return this.isLive();
  }

  isInProgress(): boolean {
    return false;
  }

  isAudioOnly(): boolean {
    return this.#title?.known === true && this.#title.of("video").length === 0;
  }

  isVideoOnly(): boolean {
    return this.#title?.known === true && this.#title.of("audio").length === 0;
  }

  isBuffering(): boolean {
    return this.#buffering;
  }

  isFullyLoaded(): boolean {
    return this.#title?.known ?? false;
  }

  /** 1: nothing is loaded; 2: by Media Source. */
  getLoadMode(): number {
    return this.#uri === null ? 1 : 2;
  }

  /** How much of what is wanted is buffered, 0 to 1. */
  getBufferFullness(): number {
    const ahead = (this.getBufferedInfo().total.find(({ start, end }) => this.#at >= start - 0.1 && this.#at <= end)?.end ?? this.#at) - this.#at;
    return Math.min(1, ahead / this.#configuration.streaming.bufferingGoal);
  }

  isEnded(): boolean {
    return this.#title?.state === "ended";
  }

  seekRange(): { start: number; end: number } {
    const { edge, duration = 0 } = this.#title ?? {};
    const [start, end] = edge?.seekable ?? [];
    if (start !== undefined && end !== undefined) return { start, end };
    return { start: 0, end: Number.isFinite(duration) ? duration : 0 };
  }

  goToLive(): void {
    this.#engine?.seek(Infinity);
  }

  /** Plays faster, as far as the engine does: no more than four times. Shaka's tracks for that are not used. */
  trickPlay(rate: number): void {
    this.#engine?.setRate(Math.min(4, Math.max(0.1, rate)));
  }

  cancelTrickPlay(): void {
    this.#engine?.setRate(1);
  }

  /** Loads a title that failed again, from where it was. */
  retryStreaming(_delay = 0): boolean {
    if (this.#title?.state !== "failed" || this.#uri === null) return false;
    this.#engine?.load(this.#uri, this.isLive() ? {} : { start: this.#at });
    return true;
  }

  getPlaybackRate(): number {
    return this.#video?.playbackRate ?? 0;
  }

  getBufferedInfo(): { total: { start: number; end: number }[]; video: never[]; audio: never[]; text: never[] } {
    const buffered = this.#video?.buffered;
    const total = Array.from({ length: buffered?.length ?? 0 }, (_, index) => ({ start: buffered?.start(index) ?? 0, end: buffered?.end(index) ?? 0 }));
    return { total, video: [], audio: [], text: [] };
  }

  /** What is known of Shaka's statistics; what is not is NaN, as there. */
  getStats(): { [name: string]: number | string | object } {
    const title = this.#title;
    const quality = this.#video?.getVideoPlaybackQuality();
    const shown = title?.ladder.find(({ id }) => id === title.shown);
    const since = (at: number) => (title && !Number.isNaN(at) ? (at - title.loadedAt) / 1000 : NaN);
    return {
      width: this.#video?.videoWidth ?? NaN,
      height: this.#video?.videoHeight ?? NaN,
      streamBandwidth: shown?.bitrate ?? NaN,
      currentCodecs: shown?.codecs ?? "",
      estimatedBandwidth: title?.throughput ?? NaN,
      decodedFrames: quality?.totalVideoFrames ?? NaN,
      droppedFrames: quality?.droppedVideoFrames ?? NaN,
      corruptedFrames: NaN,
      stallsDetected: title?.stalls ?? NaN,
      bufferingTime: (title?.stalledMs ?? NaN) / 1000,
      loadLatency: since(title?.firstAt ?? NaN),
      timeToFirstFrame: since(title?.firstAt ?? NaN),
      liveLatency: title?.edge?.latency ?? NaN,
      completionPercent: this.#video && title && Number.isFinite(title.duration) ? Math.round((100 * this.#video.currentTime) / title.duration) : NaN,
      gapsJumped: NaN,
      manifestTimeSeconds: NaN,
      drmTimeSeconds: NaN,
      licenseTime: NaN,
      playTime: NaN,
      pauseTime: NaN,
      maxSegmentDuration: NaN,
      bytesDownloaded: NaN,
      nonFatalErrorCount: NaN,
      manifestSizeBytes: NaN,
      manifestPeriodCount: NaN,
      manifestGapCount: NaN,
      switchHistory: this.#switches,
      stateHistory: [],
    };
  }

  /** The engine with the options of now. */
  #prepared(video: HTMLVideoElement): Engine {
    const options = this.#options();
    const made = JSON.stringify(options);
    if (this.#engine && (made !== this.#made || this.#shared?.video !== video)) this.#release();
    if (this.#engine) {
      this.#title?.reset();
      return this.#engine;
    }
    this.#made = made;
    const drm = this.#drm();
    const engine = new Engine({ ...options, ...(drm ? { drm } : {}) } as Options);
    this.#engine = engine;
    this.#title = new Title(engine, (told) => this.#hear(told));
    this.#title.reset();
    this.#shared = new Shared(video, engine);
    this.#subtitles = new Subtitles(video, (track) => engine.select("text", track));
    this.#subtitles.display = this.#textVisible;
    engine.addEventListener("autoplayblocked", () => video.pause());
    return engine;
  }

  /** Only what was said: the rest stays as Telecine has it. */
  #options(): Options {
    const said = this.#said as Partial<Configuration>;
    const { streaming, abr } = said;
    return {
      ...(streaming?.bufferingGoal !== undefined ? { bufferGoal: streaming.bufferingGoal } : {}),
      ...(streaming?.bufferBehind !== undefined ? { backBuffer: streaming.bufferBehind } : {}),
      ...(abr?.defaultBandwidthEstimate !== undefined ? { initialThroughput: abr.defaultBandwidthEstimate } : {}),
      ...(said.preferredAudioLanguage ? { audioLanguages: [said.preferredAudioLanguage] } : {}),
      ...(said.preferredTextLanguage ? { textLanguages: [said.preferredTextLanguage] } : {}),
    };
  }

  #drm(): object | undefined {
    const { servers, clearKeys } = this.#configuration.drm;
    const [request, response] = [this.#networking.requests, this.#networking.responses];
    if (!Object.keys(servers).length && !Object.keys(clearKeys).length && !request.length && !response.length) return undefined;
    return {
      servers,
      ...(Object.keys(clearKeys).length ? { keys: clearKeys } : {}),
      ...(request.length ? { licenceRequest: (one: never) => this.#networking.ask(one) } : {}),
      ...(response.length ? { licenceResponse: (one: never) => this.#networking.answer(one) } : {}),
    };
  }

  /** What may be chosen from. */
  #limit(): void {
    const { abr, restrictions } = this.#configuration;
    const ladder = this.#title?.ladder ?? [];
    if (!this.#engine || !ladder.length) return;
    const most = (name: "maxHeight" | "maxBandwidth") => Math.min(restrictions[name] ?? Infinity, abr.enabled ? (abr.restrictions[name] ?? Infinity) : Infinity);
    const allowed = ladder.filter(({ height, bitrate }) => (height ?? 0) <= most("maxHeight") && bitrate <= most("maxBandwidth"));
    if (abr.enabled) this.#manual = undefined;
    const held = abr.enabled ? undefined : (this.#manual ?? this.#title?.shown);
    const wanted = held ? [held] : allowed.length < ladder.length ? allowed.map(({ id }) => id) : null;
    this.#engine.constrain({ renditions: wanted });
  }

  #prefer(): void {
    const { preferredAudioLanguage: audio, preferredTextLanguage: text } = this.#said as Partial<Configuration>;
    if (!audio && !text) return;
    this.#engine?.prefer({ ...(audio ? { audioLanguages: [audio] } : {}), ...(text ? { textLanguages: [text] } : {}) });
  }

  #plain(kind: "audio" | "text"): PlainTrack[] {
    const title = this.#title;
    const selected = title?.selected(kind);
    return (title?.known ? title.of(kind) : []).map((track, id) => ({
      id,
      type: kind,
      active: track === selected,
      language: track.language ?? "und",
      label: track.label ?? null,
      kind: kind === "text" ? (track.roles?.includes("caption") ? "caption" : "subtitle") : null,
      roles: track.roles ?? [],
      primary: track.default ?? false,
      forced: track.forced ?? false,
      channelsCount: track.channels === null || track.channels === undefined ? null : Number.parseInt(String(track.channels), 10),
    }));
  }

  #choose(kind: "audio" | "text", track: PlainTrack | null): void {
    const known = track && (this.#title?.of(kind)[track.id] ?? undefined);
    if (track && !known) throw new Error("this track is none of the title");
    this.#engine?.select(kind, known?.id ?? null);
  }

  #hear(told: Told): void {
    const title = this.#title;
    if (!title) return;
    switch (told.type) {
      case "Loaded":
        this.#tell("manifestparsed");
        this.#subtitles?.show(title.of("text"), title.selected("text")?.id);
        this.#limit();
        this.#tell("trackschanged");
        this.#tell("streaming");
        return this.#settle();
      case "State":
        return this.#state(title.state);
      case "Selected":
        if (told.kind === "text") {
          this.#subtitles?.choose(title.selected("text")?.id);
          this.#tell("textchanged");
        } else if (told.kind === "audio" && title.known) {
          this.#tell("variantchanged", { oldTrack: null, newTrack: this.#active() });
          this.#tell("audiotrackchanged");
        }
        return;
      case "Quality":
        return this.#adapted(told.kind);
      case "Cues":
        this.#subtitles?.change(told.changes);
        return;
      case "StallStarted":
        this.#tell("stalldetected");
        return;
      case "Error": {
        const error = ShakaError.of(told.error);
        if (error.severity === Severity.CRITICAL && this.#loading) {
          this.#loading.reject(error);
          this.#loading = undefined;
        } else {
          this.#tell("error", { detail: error });
        }
        return;
      }
      case "Ended":
        this.#tell("complete");
        return;
    }
  }

  #state(state: string): void {
    const waits = state in STATES ? false : state === "rebuffering" || state === "seeking" || state === "preparing";
    if (waits !== this.#buffering) {
      this.#buffering = waits;
      this.#tell("buffering", { buffering: waits });
    }
    this.#settle();
    if (state === "ready" || state === "playing") this.#tell("loaded");
  }

  /** The load is done. */
  #settle(): void {
    if (!this.#title?.known || !["ready", "playing", "paused"].includes(this.#title.state)) return;
    this.#loading?.resolve();
    this.#loading = undefined;
  }

  #adapted(kind: string): void {
    if (kind !== this.#title?.ladderKind) return;
    const before = this.#switches.at(-1);
    const active = this.#active();
    if (!active) return;
    const oldTrack = before === undefined ? null : (this.getVariantTracks()[before.id] ?? null);
    const { enabled } = this.#configuration.abr;
    this.#switches.push({ timestamp: Date.now() / 1000, id: active.id, type: "variant", fromAdaptation: enabled, bandwidth: active.bandwidth });
    this.#tell(enabled ? "adaptation" : "variantchanged", { oldTrack, newTrack: active });
  }

  #active(): Track | undefined {
    return this.getVariantTracks().find(({ active }) => active);
  }

  get #at(): number {
    return this.#video?.currentTime ?? 0;
  }

  /** @internal What is not there, as an error that ends nothing. */
  tell(error: Unsupported): void {
    const told = new ShakaError(Severity.RECOVERABLE, Category.PLAYER, Code.OPERATION_ABORTED);
    told.message = error.message;
    this.#tell("error", { detail: Object.assign(told, { cause: error }) });
  }

  #interrupt(): void {
    this.#loading?.reject(new ShakaError(Severity.CRITICAL, Category.PLAYER, Code.LOAD_INTERRUPTED));
    this.#loading = undefined;
  }

  #release(): void {
    this.#title?.close();
    this.#shared?.close();
    this.#subtitles?.close();
    this.#engine?.destroy();
    this.#engine = this.#title = this.#shared = this.#subtitles = undefined;
  }

  #tell(type: string, fields: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

absent(Player.prototype, METHODS, {}, unsupported);

/** What pages call before anything else. Browsers that lack something are served without it, or not at all. */
export const polyfill = { installAll(): void {}, register(): void {} };

export const util = { Error: Object.assign(ShakaError, { Severity, Category, Code }) };

export const net = { NetworkingEngine: { RequestType: { MANIFEST: 0, SEGMENT: 1, LICENSE: 2, APP: 3, TIMING: 4, SERVER_CERTIFICATE: 5, KEY: 6 } } };

export type { Filter };

type ShakaPlayer = Player;
type VariantTrack = Track;
const shaka = { Player, polyfill, util, net };
/** The types by the names that pages know. */
namespace shaka {
  export type Player = ShakaPlayer;
  export namespace extern {
    export type Track = VariantTrack;
    export type TextTrack = PlainTrack;
    export type AudioTrack = PlainTrack;
    export type PlayerConfiguration = Configuration;
  }
  export namespace util {
    export type Error = ShakaError;
  }
}
export default shaka;

function variant(rendition: Rendition, sound: Known | undefined, of: Pick<Track, "id" | "videoId" | "audioId" | "active">): Track {
  const codec = (pattern: RegExp) => rendition.codecs?.split(",").find((one) => pattern.test(one.trim())) ?? null;
  return {
    ...of,
    type: "variant",
    bandwidth: rendition.bitrate + (sound?.renditions[0]?.bitrate ?? 0),
    videoBandwidth: rendition.bitrate,
    language: sound?.language ?? "und",
    label: sound?.label ?? null,
    kind: null,
    width: rendition.width ?? null,
    height: rendition.height ?? null,
    frameRate: rendition.frame_rate ?? null,
    codecs: rendition.codecs ?? null,
    videoCodec: codec(/^(avc|hvc|hev|av01|vp0?9|vp8|dv)/),
    audioCodec: sound?.renditions[0]?.codecs ?? codec(/^(mp4a|ac-3|ec-3|opus|flac)/i),
    roles: [],
    audioRoles: sound?.roles ?? null,
    channelsCount: sound?.channels === null || sound?.channels === undefined ? null : Number.parseInt(String(sound.channels), 10),
    primary: sound?.default ?? false,
    originalVideoId: rendition.id,
    originalAudioId: sound?.id ?? null,
  };
}

function nested(path: string[], value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = path;
  return { [first]: rest.length ? nested(rest, value) : value };
}

/** What is in both, the latter's before the former's. Functions may be among it. */
function merge(into: Record<string, unknown>, from: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(from)) {
    const plain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (plain) merge((into[name] ??= {}) as Record<string, unknown>, value as Record<string, unknown>);
    else into[name] = Array.isArray(value) ? [...value] : value;
  }
  return into;
}
