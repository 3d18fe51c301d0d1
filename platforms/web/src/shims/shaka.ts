// The shape of shaka.Player over Telecine's player, for the calls that most pages use:
//
//     import shaka from "telecine/shaka"; // was: "shaka-player"
//
// What is not there does nothing, and is told once by its name.

import { Player as Engine, type MediaRequest, type Options } from "../player.js";
import { absent, once, type Unsupported } from "./absent.js";
import { Configured, nested, type Configuration } from "./shaka/configuration.js";
import { Category, Code, ShakaError, Severity } from "./shaka/errors.js";
import { Target, type PlayerEvents } from "./shaka/events.js";
import { HOOKS, METHODS } from "./shaka/missing.js";
import { Networking, RequestType, type Filter } from "./shaka/networking.js";
import { Reporter } from "./shaka/reporter.js";
import { statisticsOf } from "./shaka/statistics.js";
import { languageRolesOf, languagesOf, picturesOf, plainOf, variantsOf, type LanguageRole, type PlainTrack, type Track, type VideoTrack } from "./shaka/tracks.js";
import { Title, type Told } from "./title.js";
import { Shared } from "./viewer.js";

export type { Configuration, Filter, PlainTrack, PlayerEvents, Track };

const unsupported = once<Player>((player, error) => player.tell(error), "telecine/shaka");

/** A player in the shape of `shaka.Player`. */
export class Player extends Target {
  static readonly version = "telecine";

  #configured = new Configured();
  #engine: Engine | undefined;
  /** The options that it was made with. */
  #made = "";
  #title: Title | undefined;
  #video: HTMLVideoElement | null;
  #shared: Shared | undefined;
  #networking = new Networking();
  #uri: string | null = null;
  #textVisible = true;
  #reporter = new Reporter(this, this.#configured);
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
    this.#reporter.interrupt();
    const engine = this.#prepared(this.#video);
    this.#uri = uri;
    this.#manual = undefined;
    const done = this.#reporter.load();
    engine.load(uri, start === null ? {} : { start });
    this.#limit();
    return done;
  }

  async unload(): Promise<void> {
    this.#reporter.interrupt();
    if (this.#uri === null) return;
    this.#uri = null;
    this.#engine?.stop();
    this.#title?.reset();
    this.#shared?.subtitles.show([], undefined);
    this.#reporter.tell("unloading");
  }

  async destroy(): Promise<void> {
    this.#reporter.interrupt();
    this.#release();
    this.#uri = null;
    this.#video = null;
  }

  // Configuration.

  /** A whole object, or a path and a value: `configure("streaming.bufferingGoal", 30)`. */
  configure(config: string | object, value?: unknown): boolean {
    const said = typeof config === "string" ? nested(config.split("."), value) : (config as Record<string, unknown>);
    for (const name of HOOKS) if (name in said) unsupported(this, `configuration ${name}`);
    this.#configured.add(said);
    if (this.#title?.known) {
      this.#limit();
      this.#prefer();
    }
    return true;
  }

  resetConfiguration(): void {
    this.#configured.reset();
  }

  getConfiguration(): Configuration {
    return this.#configured.copy;
  }

  getNonDefaultConfiguration(): object {
    return this.#configured.said;
  }

  getNetworkingEngine(): Networking {
    return this.#networking;
  }

  // Tracks.

  getVariantTracks(): Track[] {
    return variantsOf(this.#title);
  }

  /** Plays this one alone, as with `abr.enabled` false. With `clearBuffer` what waits behind `safeMargin` seconds, one at least, is fetched
   * anew in it. */
  selectVariantTrack(track: Track, clearBuffer = false, safeMargin = 0): void {
    const title = this.#title;
    if (!title) return;
    this.#manual = title.ladder[track.videoId ?? -1]?.id;
    this.#configured.all.abr.enabled = false;
    this.#limit();
    const sound = track.audioId === null ? undefined : title.of("audio")[track.audioId];
    if (sound && sound !== title.selected("audio")) this.#engine?.select("audio", sound.id);
    if (clearBuffer) this.#engine?.fetchAnew(title.ladderKind, safeMargin);
  }

  getVideoTracks(): VideoTrack[] {
    return picturesOf(this.#title);
  }

  selectVideoTrack(track: { bandwidth: number; height: number | null }, clearBuffer = false, safeMargin = 0): void {
    this.#manual = this.#title?.ladder.find(({ bitrate, height }) => bitrate === track.bandwidth && (height ?? null) === track.height)?.id;
    this.#configured.all.abr.enabled = false;
    this.#limit();
    if (clearBuffer) this.#engine?.fetchAnew("video", safeMargin);
  }

  getAudioTracks(): PlainTrack[] {
    return plainOf(this.#title, "audio");
  }

  selectAudioTrack(track: PlainTrack): void {
    this.#choose("audio", track);
  }

  getAudioLanguages(): string[] {
    return languagesOf(this.getAudioTracks());
  }

  getAudioLanguagesAndRoles(): LanguageRole[] {
    return languageRolesOf(this.getAudioTracks());
  }

  selectAudioLanguage(language: string, role = ""): void {
    const fits = this.getAudioTracks().filter((track) => track.language === language);
    const track = fits.find(({ roles }) => !role || roles.includes(role)) ?? fits[0];
    if (track) this.selectAudioTrack(track);
  }

  getTextTracks(): PlainTrack[] {
    return plainOf(this.#title, "text");
  }

  /** Null shows none. */
  selectTextTrack(track: PlainTrack | null): void {
    this.#choose("text", track);
  }

  getTextLanguages(): string[] {
    return languagesOf(this.getTextTracks());
  }

  selectTextLanguage(language: string): void {
    const track = this.getTextTracks().find((one) => one.language === language);
    if (track) this.selectTextTrack(track);
  }

  getTextLanguagesAndRoles(): LanguageRole[] {
    return languageRolesOf(this.getTextTracks());
  }

  /** Plays the first sound with this label. */
  selectVariantsByLabel(label: string): void {
    const track = this.getAudioTracks().find((one) => one.label === label);
    if (track) this.selectAudioTrack(track);
  }

  setTextTrackVisibility(visible: boolean): void {
    this.#textVisible = visible;
    if (this.#shared) this.#shared.subtitles.display = visible;
    this.#reporter.tell("texttrackvisibility");
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
    return this.#reporter.buffering;
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
    return Math.min(1, ahead / this.#configured.all.streaming.bufferingGoal);
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
    return statisticsOf(this.#video, this.#title, this.#reporter.switches);
  }

  /** The engine with the options of now. */
  #prepared(video: HTMLVideoElement): Engine {
    const { options } = this.#configured;
    const networking = this.#networking;
    // Nobody is asked where there are no filters.
    const filters = networking.requests.length > 0;
    const made = JSON.stringify([options, filters, networking.responses.length > 0]);
    if (this.#engine && (made !== this.#made || this.#shared?.video !== video)) this.#release();
    if (this.#engine) {
      this.#title?.reset();
      return this.#engine;
    }
    this.#made = made;
    const drm = this.#configured.drm(networking);
    const request = (one: MediaRequest) => networking.change(one);
    const engine = new Engine({ ...options, ...(drm ? { drm } : {}), ...(filters ? { request } : {}) } as Options);
    this.#engine = engine;
    this.#title = new Title(engine, (told) => this.#hear(told));
    this.#title.reset();
    this.#shared = new Shared(video, engine);
    this.#shared.subtitles.display = this.#textVisible;
    return engine;
  }

  /** What may be chosen from. */
  #limit(): void {
    const { enabled } = this.#configured.all.abr;
    const ladder = this.#title?.ladder ?? [];
    if (!this.#engine || !ladder.length) return;
    const allowed = ladder.filter((rendition) => this.#configured.allows(rendition));
    if (enabled) this.#manual = undefined;
    const held = enabled ? undefined : (this.#manual ?? this.#title?.shown);
    const wanted = held ? [held] : allowed.length < ladder.length ? allowed.map(({ id }) => id) : null;
    this.#engine.constrain({ renditions: wanted });
  }

  #prefer(): void {
    const { preferences } = this.#configured;
    if (Object.keys(preferences).length) this.#engine?.prefer(preferences);
  }

  #choose(kind: "audio" | "text", track: PlainTrack | null): void {
    const known = track && (this.#title?.of(kind)[track.id] ?? undefined);
    if (track && !known) throw new Error("this track is none of the title");
    this.#engine?.select(kind, known?.id ?? null);
  }

  #hear(told: Told): void {
    const title = this.#title;
    if (!title) return;
    this.#shared?.hear(told, title);
    // Of HLS before the first playlist is there, and so before anything is fetched.
    if (told.type === "Loaded" || (told.type === "State" && told.state === "preparing")) this.#limit();
    this.#reporter.hear(told, title);
  }

  get #at(): number {
    return this.#video?.currentTime ?? 0;
  }

  /** @internal What is not there, as an error that ends nothing. */
  tell(error: Unsupported): void {
    const told = new ShakaError(Severity.RECOVERABLE, Category.PLAYER, Code.OPERATION_ABORTED);
    told.message = error.message;
    this.#reporter.tell("error", { detail: Object.assign(told, { cause: error }) });
  }

  #release(): void {
    this.#title?.close();
    this.#shared?.close();
    this.#engine?.destroy();
    this.#engine = this.#title = this.#shared = undefined;
  }
}

absent(Player.prototype, METHODS, {}, unsupported);

/** What pages call before anything else. Browsers that lack something are served without it, or not at all. */
export const polyfill = { installAll(): void {}, register(): void {} };

export const util = { Error: Object.assign(ShakaError, { Severity, Category, Code }) };

export const net = { NetworkingEngine: { RequestType } };

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
