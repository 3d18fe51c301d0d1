// When a title is read, and when it is played: hls.js reads the manifest alone as long as there is no element, or `autoStartLoad` is off.

import type { Player } from "../../player.js";
import type { Title } from "../title.js";
import type { HlsConfig } from "./config.js";
import type { Levels } from "./levels.js";

/** A title on its way. */
export class Loading {
  url: string | null = null;
  /** What it is played into. */
  video: HTMLVideoElement | undefined;
  /** It waits for an element or for `start`. */
  #pending = false;
  /** What the title is is looked at; no media is asked for. */
  #looking = false;
  /** It may begin once it is known in which level. */
  #undecided = false;
  /** By `stop`. */
  #stopped = false;

  constructor(
    readonly player: Player,
    readonly title: Title,
    readonly levels: Levels,
    readonly config: HlsConfig,
  ) {}

  get isOn(): boolean {
    return this.url !== null && !this.#pending;
  }

  /** The manifest at least: media behind it where there is an element, and it may be. */
  load(): void {
    if (this.url === null) return;
    this.#pending = this.#stopped = false;
    this.#looking = !this.#mayBegin;
    this.#undecided = !this.levels.isDecided;
    const { startPosition } = this.config;
    this.title.again();
    this.player.load(this.url, { look: this.#looking || this.#undecided, ...(startPosition >= 0 ? { start: startPosition } : {}) });
    this.levels.constrain();
  }

  /** Goes on with what waits, if it may by now. */
  begin(): void {
    if (!this.#mayBegin) return;
    if (this.#pending) this.load();
    else if (this.#looking) {
      this.#looking = false;
      if (!this.#undecided) this.player.goOn();
    }
  }

  /** The level that it begins in was said. */
  decided(): void {
    if (this.#undecided && !this.#looking) this.player.goOn();
    this.#undecided = false;
  }

  /** Begins, from a time if one is given. */
  start(position: number): void {
    this.config.autoStartLoad = true;
    if (position >= 0 && position !== this.config.startPosition) {
      this.config.startPosition = position;
      // It was asked for from elsewhere.
      if (this.#looking) this.#pending = true;
    }
    if (this.#pending || this.#looking) this.begin();
    else if (this.title.state === "failed" || this.#stopped) this.again();
  }

  stop(): void {
    this.config.startPosition = this.video?.currentTime ?? -1;
    this.#pending ||= this.#looking || this.#undecided;
    this.#looking = this.#undecided = false;
    this.#stopped = this.url !== null && !this.#pending;
    this.player.stop();
  }

  /** The element is gone: it begins anew where one is next. */
  wait(): void {
    this.video = undefined;
    this.#pending = this.url !== null;
  }

  /** Loads what failed again, from where it was. */
  again(): void {
    if (!this.video || this.url === null) return;
    const start = this.title.live ? -1 : this.video.currentTime || this.config.startPosition;
    this.title.reset();
    this.#looking = this.#undecided = this.#stopped = false;
    this.player.load(this.url, start > 0 ? { start } : {});
  }

  /** The manifest is read and was told of: what may not begin yet waits. */
  read(): void {
    if (!this.#looking) return;
    this.#looking = this.#undecided = false;
    this.#pending = true;
    this.title.again();
    this.player.stop();
  }

  get #mayBegin(): boolean {
    return this.video !== undefined && this.config.autoStartLoad;
  }
}
