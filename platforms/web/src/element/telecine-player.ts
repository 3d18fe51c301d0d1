// `<telecine-player>`: a `<video>` that plays HLS and DASH.
//
//     <telecine-player src="https://cdn.example/title.m3u8" controls></telecine-player>
//
// Attributes, properties, methods and events are those of `<video>` (HTML, 4.8.11); what HTML has no words for is told in the
// README of this package.

import { Player, type Options } from "../player.js";
import type { Told } from "../messages.js";
import { FLAGS, INNER, reflect, type Reflected } from "./attributes.js";
import type { PlayerError } from "./errors.js";
import { Network, Playback, Ready } from "./playback.js";

export { PlayerError, type TelecineError } from "./errors.js";

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

export interface TelecinePlayer extends Reflected, Readonly<typeof NETWORK>, Readonly<typeof READY> {}

/** The element. */
export class TelecinePlayer extends HTMLElement {
  static readonly observedAttributes = ["src", "preload", "muted", "width", "height", ...INNER];

  /** The inner element. It shows the picture; what is to happen goes through this one. */
  readonly video: HTMLVideoElement;
  #playback: Playback;
  #player: Player | undefined;
  #options: Options = {};
  #kept: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.video = document.createElement("video");
    this.video.part.add("video");
    root.append(style, this.video);
    this.#playback = new Playback({
      video: this.video,
      player: () => this.player,
      attribute: (name) => this.getAttribute(name),
      fire: (name) => this.dispatchEvent(new Event(name)),
    });
  }

  /** The engine: what HTML has no words for (`snapshot`, `select`, its events). Made when it is wanted first. */
  get player(): Player {
    if (this.#player) return this.#player;
    const player = new Player(this.#options);
    player.attach(this.video);
    player.addEventListener("told", (event) => this.#playback.hear((event as CustomEvent<Told>).detail));
    player.addEventListener("autoplayblocked", () => this.#playback.refused());
    this.#player = player;
    return player;
  }

  /** How to play: for the next engine, so to be set before the first `src`. */
  get options(): Options {
    return this.#options;
  }

  set options(options: Options) {
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

  /** Throws `NotSupportedError` outside of 0.0625 to 16. */
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

  /** Ends everything; the element can load again. */
  destroy(): void {
    this.#playback.release();
    this.#player?.destroy();
    this.#player = undefined;
  }

  // Of a custom element.

  connectedCallback(): void {
    clearTimeout(this.#kept);
    this.#upgrade();
    this.#playback.resume();
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
