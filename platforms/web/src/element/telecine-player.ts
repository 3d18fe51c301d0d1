// `<telecine-player>`: a `<video>` that plays HLS and DASH.
//
//     <telecine-player src="https://cdn.example/title.m3u8" controls></telecine-player>
//
// Attributes, properties, methods and events are those of `<video>` (HTML, 4.8.11); what HTML has no words for is told in the
// README of this package.

import { Player, type Options } from "../player.js";
import type { PlayerEvents } from "../events.js";
import type { Told } from "../messages.js";
import type { Cue } from "../captions/cue.js";
import { check, keep, kept, type CaptionSettings } from "../captions/settings.js";
import { CaptionView, STYLE as CAPTIONS } from "../captions/view.js";
import { FLAGS, INNER, reflect, type Reflected } from "./attributes.js";
import type { Words } from "../controls/words.js";
import type { Controls } from "../controls/controls.js";
import type { Statistics } from "../statistics/overlay.js";
import { chapters, type Chapter } from "./chapters.js";
import type { PlayerError } from "./errors.js";
import { Network, Playback, Ready } from "./playback.js";
import type { Presentation } from "../boundary/told.js";
import { Tracks, type VideoRenditionList } from "./tracks.js";

export type { CaptionSettings } from "../captions/settings.js";
export { PlayerError, type TelecineError } from "./errors.js";
export type { Presentation, Rendition, Thumbnails, Track } from "../boundary/told.js";
export type { AudioTrack, TextTrack, VideoTrack, VideoRenditionList } from "./tracks.js";

/** Events that say what was decided and why, and how many of them are remembered. */
const WHY = new Set(["Decision", "StallStarted", "NetworkChanged", "Error"]);
const REMEMBERED = 20;

/** Between two looks at where a live title can be played, milliseconds. */
const LOOK = 1000;

/** How long an element out of the document keeps what it has loaded, milliseconds: elements are moved about. */
const KEPT = 1000;

const TYPES = /^\s*(application\/(vnd\.apple\.mpegurl|x-mpegurl|dash\+xml)|audio\/(mpegurl|x-mpegurl))\s*(;|$)/i;

const STYLE = `
:host { display: inline-block; position: relative; overflow: hidden; width: 640px; aspect-ratio: 16 / 9; background: #000; color: #fff; contain: content; }
:host([hidden]) { display: none; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: inherit; }
`;

const NETWORK = { NETWORK_EMPTY: Network.Empty, NETWORK_IDLE: Network.Idle, NETWORK_LOADING: Network.Loading, NETWORK_NO_SOURCE: Network.NoSource };
const READY = {
  HAVE_NOTHING: Ready.Nothing,
  HAVE_METADATA: Ready.Metadata,
  HAVE_CURRENT_DATA: Ready.CurrentData,
  HAVE_FUTURE_DATA: Ready.FutureData,
  HAVE_ENOUGH_DATA: Ready.EnoughData,
};

/** Events by their names: those of a `<video>`, and what HTML has none for. */
export interface TelecinePlayerEventMap extends HTMLVideoElementEventMap {
  /** All that the engine tells. */
  told: PlayerEvents["told"];
  /** There is something else to choose from. */
  trackschange: Event;
  captionsettingschange: Event;
}

export interface TelecinePlayer {
  addEventListener<Name extends keyof TelecinePlayerEventMap>(name: Name, listener: (this: TelecinePlayer, event: TelecinePlayerEventMap[Name]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof TelecinePlayerEventMap>(name: Name, listener: (this: TelecinePlayer, event: TelecinePlayerEventMap[Name]) => unknown, options?: boolean | EventListenerOptions): void;
  removeEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}
export interface TelecinePlayer extends Reflected, Readonly<typeof NETWORK>, Readonly<typeof READY> {}

/** The element. */
export class TelecinePlayer extends HTMLElement {
  static readonly observedAttributes = ["src", "preload", "muted", "width", "height", "controls", "statistics", ...INNER];
  /** What controls say, in another language. */
  static words: Partial<Words> = {};

  /** The inner element. It shows the picture; what is to happen goes through this one. */
  readonly video: HTMLVideoElement;
  #styles = new Set<string>();
  #playback: Playback;
  #captions: CaptionView;
  #captionSettings = kept();
  /** What the engine decided lately and what happened, oldest first. */
  readonly recent: Told[] = [];
  #player: Player | undefined;
  #options: Options = {};
  #kept: ReturnType<typeof setTimeout> | undefined;
  #tracks = new Tracks(() => this.player);
  #chapters: Chapter[] = [];
  #following = false;
  #look: ReturnType<typeof setInterval> | undefined;
  #controls: Controls | undefined;
  #statistics: Statistics | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this.video = document.createElement("video");
    this.video.part.add("video");
    this.#captions = new CaptionView(this.video, this.#captionSettings);
    root.append(this.video, this.#captions.element);
    this.dress(STYLE + CAPTIONS);
    this.#playback = new Playback({
      video: this.video,
      player: () => this.player,
      attribute: (name) => this.getAttribute(name),
      fire: (name) => {
        if (name === "emptied") this.#empty();
        this.dispatchEvent(new Event(name));
      },
    });
  }

  /** The engine: what HTML has no words for (`snapshot`, `select`, its events). Made when it is wanted first. */
  get player(): Player {
    if (this.#player) return this.#player;
    const player = new Player(this.#options);
    player.attach(this.video);
    player.addEventListener("told", (event) => {
      const { detail } = event as CustomEvent<Told>;
      if (!this.#playback.hear(detail)) return;
      this.#hear(detail);
      this.dispatchEvent(new CustomEvent("told", { detail }));
    });
    player.addEventListener("autoplayblocked", () => this.#playback.refused());
    this.#player = player;
    return player;
  }

  /** How to play: for the next engine, so to be set before the first `src`. */
  get options(): Options {
    return this.#options;
  }

  set options(options: Options) {
    Player.check(options);
    this.#options = options;
  }

  // Of HTMLMediaElement.

  get error(): PlayerError | null {
    return this.#playback.error;
  }

  get currentSrc(): string {
    return this.#playback.currentSrc;
  }

  get networkState(): number {
    return this.#playback.networkState;
  }

  get readyState(): number {
    return this.#playback.readyState;
  }

  get buffered(): TimeRanges {
    return this.#playback.buffered;
  }

  get played(): TimeRanges {
    return this.#playback.played;
  }

  get seekable(): TimeRanges {
    return this.#playback.seekable;
  }

  get seeking(): boolean {
    return this.#playback.seeking;
  }

  get paused(): boolean {
    return this.#playback.paused;
  }

  get ended(): boolean {
    return this.#playback.ended;
  }

  /** Seconds; not a number before it is known, infinite where the title goes on. */
  get duration(): number {
    return this.#playback.duration;
  }

  /** Seconds. */
  get currentTime(): number {
    return this.#playback.currentTime;
  }

  set currentTime(time: number) {
    this.#playback.currentTime = finite(time);
  }

  /** Throws `NotSupportedError` outside of 0.1 to 4. */
  get playbackRate(): number {
    return this.#playback.playbackRate;
  }

  set playbackRate(rate: number) {
    this.#playback.playbackRate = finite(rate);
  }

  get defaultPlaybackRate(): number {
    return this.#playback.defaultPlaybackRate;
  }

  set defaultPlaybackRate(rate: number) {
    this.#playback.defaultPlaybackRate = finite(rate);
  }

  /** Always null: what is played has an address. */
  get srcObject(): null {
    return null;
  }

  /** Loads what `src` says, from the beginning. */
  load(): void {
    this.#playback.load();
  }

  /** Plays; resolves as it does. Rejects with `NotAllowedError`, `NotSupportedError` or `AbortError`, as HTML has it. */
  play(): Promise<void> {
    return this.#playback.play();
  }

  pause(): void {
    this.#playback.pause();
  }

  fastSeek(time: number): void {
    this.currentTime = time;
  }

  /** "maybe" of playlists and MPDs, the browser's word on what they hold. */
  canPlayType(type: string): CanPlayTypeResult {
    if (!Player.isSupported) return "";
    if (TYPES.test(type)) return "maybe";
    return /codecs/i.test(type) && MediaSource.isTypeSupported(type) ? "probably" : "";
  }

  // Beyond it.

  /** Whether the title goes on. */
  get live(): boolean {
    return this.#playback.live;
  }

  /** Goes to the live edge. */
  seekToLive(): void {
    this.#playback.seekToEdge();
  }

  /** How the viewer wants captions; kept in this browser. What it does not name is as their author says. */
  get captionSettings(): CaptionSettings {
    return { ...this.#captionSettings };
  }

  set captionSettings(settings: CaptionSettings) {
    this.#captionSettings = check(settings);
    keep(this.#captionSettings);
    this.#captions.settings = this.#captionSettings;
    this.dispatchEvent(new Event("captionsettingschange"));
  }

  /** What the engine knows of the title: tracks, renditions, thumbnails. */
  get presentation(): Presentation | undefined {
    return this.#tracks.presentation;
  }

  /** Sound, as HTML lists it. */
  get audioTracks(): Tracks["audio"] {
    return this.#tracks.audio;
  }

  /** Pictures, as HTML lists them. */
  get videoTracks(): Tracks["video"] {
    return this.#tracks.video;
  }

  /** Subtitles and captions, as HTML lists them. */
  get textTracks(): Tracks["text"] {
    return this.#tracks.text;
  }

  /** Encodings of the picture; `selectedIndex` is -1 where the engine chooses. */
  get videoRenditions(): VideoRenditionList {
    return this.#tracks.renditions;
  }

  /** Parts of the title with names, where it has some. */
  get chapters(): readonly Chapter[] {
    return this.#chapters;
  }

  /** `live`, `on-demand`, or `unknown` before anything is. */
  get streamType(): "live" | "on-demand" | "unknown" {
    return this.readyState === Ready.Nothing ? "unknown" : this.live ? "live" : "on-demand";
  }

  /** Whether what is seen is as late as it should be, and not of the past. */
  get atLiveEdge(): boolean {
    return this.live && this.#following;
  }

  /** The overlay for engineers. */
  get statistics(): boolean {
    return this.hasAttribute("statistics");
  }

  set statistics(on: boolean) {
    this.toggleAttribute("statistics", on);
  }

  /** @internal Pixels at the bottom that controls cover. */
  set captionsBelow(pixels: number) {
    this.#captions.below = pixels;
  }

  /** @internal Styles for something in its tree, for good. */
  dress(text: string): void {
    if (this.#styles.has(text)) return;
    this.#styles.add(text);
    if (this.#sheet(text)) return;
    const style = document.createElement("style");
    style.textContent = text;
    this.shadowRoot?.prepend(style);
  }

  /** Lets go of everything; `play()` loads it again, where it stood. */
  destroy(): void {
    if (!this.paused) this.pause();
    this.#playback.release();
    this.#empty();
    this.#player?.destroy();
    this.#player = undefined;
  }

  // Of a custom element.

  connectedCallback(): void {
    clearTimeout(this.#kept);
    this.#upgrade();
    this.#playback.resume();
  }

  /** Style sheets are of a document, and stay behind. */
  adoptedCallback(): void {
    this.#styles.forEach((text) => this.#sheet(text));
  }

  /** HTML: what is taken out of a document stands, unless it is put back at once. Kept for a while, then let go of. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      if (!this.paused) this.pause();
      this.#kept = setTimeout(() => {
        if (!this.isConnected) this.destroy();
      }, KEPT);
    });
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (INNER.includes(name)) {
      if (value === null) this.video.removeAttribute(name);
      else this.video.setAttribute(name, value);
      return;
    }
    switch (name) {
      case "controls":
        void this.#control();
        break;
      case "statistics":
        void this.#measure();
        break;
      case "src":
        if (value !== null) this.load();
        break;
      case "preload":
        this.#playback.preload();
        break;
      case "muted":
        // What it says is the state that an element begins with.
        if (before === null && this.readyState === Ready.Nothing) this.video.muted = value !== null;
        break;
      case "width":
      case "height":
        this.style.setProperty(name, /^\d+$/.test(value ?? "") ? `${value}px` : value);
        break;
    }
  }

  // What the engine tells beyond HTML.

  #hear(told: Told): void {
    if (WHY.has(told.type)) {
      this.recent.push(told);
      if (this.recent.length > REMEMBERED) this.recent.shift();
    }
    switch (told.type) {
      case "CuesShown": {
        const cues = told.cues as unknown as Cue[];
        this.#captions.show(cues);
        this.#tracks.cues(cues);
        break;
      }
      case "Loaded":
        void this.#fill();
        clearInterval(this.#look);
        if (told.live) {
          this.#look = setInterval(() => void this.#follow(), LOOK);
          void this.#follow();
        }
        break;
      case "Selected":
        this.#tracks.selected(told.kind as string, told.track as string | null);
        void this.#fill();
        break;
      case "Quality":
        if (told.kind === "video") this.#tracks.shows(told.rendition as string);
        break;
    }
  }

  /** Nothing of the title before. */
  #empty(): void {
    clearInterval(this.#look);
    this.#captions.show([]);
    this.#tracks.clear();
    this.#chapters = [];
    this.#following = false;
    this.dispatchEvent(new Event("trackschange"));
  }

  /** Asks what there is to choose from. */
  async #fill(): Promise<void> {
    const player = this.#player;
    if (!player) return;
    const presentation = (await player.presentation().catch(() => null)) ?? undefined;
    // Another title may have been loaded in between.
    if (!presentation || player !== this.#player || this.networkState === Network.Empty) return;
    const before = this.presentation?.chapters;
    this.#tracks.fill(presentation);
    this.dispatchEvent(new Event("trackschange"));
    if (!presentation.chapters || presentation.chapters === before) return;
    this.#chapters = await chapters(presentation.chapters, navigator.languages);
    this.dispatchEvent(new Event("trackschange"));
  }

  /** Where a live title can be played moves on. */
  async #follow(): Promise<void> {
    const player = this.#player;
    const snapshot = await player?.snapshot().catch(() => undefined);
    const edge = snapshot?.edge as unknown as { seekable: [number, number]; following: boolean } | null | undefined;
    if (!edge || player !== this.#player) return;
    this.#playback.window = edge.seekable;
    this.#following = edge.following && !this.paused;
  }

  /** By a style sheet that is made by script: no policy refuses it (CSP, `style-src`). False where there is no such thing. */
  #sheet(text: string): boolean {
    const { shadowRoot: root, ownerDocument } = this;
    const { CSSStyleSheet: Sheet } = ownerDocument.defaultView ?? {};
    if (!Sheet || !root?.adoptedStyleSheets) return false;
    const sheet = new Sheet();
    sheet.replaceSync(text);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    return true;
  }

  async #control(): Promise<void> {
    if (this.controls && !this.#controls) {
      const { Controls } = await import("../controls/controls.js");
      if (!this.controls || this.#controls) return;
      this.#controls = new Controls(this, TelecinePlayer.words);
      this.shadowRoot?.append(this.#controls.element);
    } else if (!this.controls) {
      this.#controls?.close();
      this.#controls = undefined;
    }
  }

  async #measure(): Promise<void> {
    if (this.statistics && !this.#statistics) {
      const { Statistics } = await import("../statistics/overlay.js");
      if (!this.statistics || this.#statistics) return;
      this.#statistics = new Statistics(this);
      this.shadowRoot?.append(this.#statistics.element);
    } else if (!this.statistics) {
      this.#statistics?.close();
      this.#statistics = undefined;
    }
  }

  /** Properties that were set before the class was there. */
  #upgrade(): void {
    for (const name of ["options", "src", "volume", "muted", "currentTime", "playbackRate", "defaultPlaybackRate", "preload", ...Object.keys(FLAGS)]) {
      if (!Object.hasOwn(this, name)) continue;
      const own = this as unknown as Record<string, unknown>;
      const value = own[name];
      delete own[name];
      own[name] = value;
    }
  }
}

function finite(value: number): number {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new TypeError(`${value} is no finite number`);
  return number;
}

reflect(TelecinePlayer.prototype);
for (const [name, value] of Object.entries({ ...NETWORK, ...READY })) {
  for (const where of [TelecinePlayer, TelecinePlayer.prototype]) Object.defineProperty(where, name, { value, enumerable: true });
}
