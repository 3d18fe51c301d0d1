// Levels, as hls.js calls the renditions of the picture, and of the sound where there is no picture: poorest first.

import type { Player } from "../../player.js";
import type { Title } from "../title.js";
import { codecsOf, type Rendition } from "../tracks.js";
import type { HlsConfig } from "./config.js";

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

/** Which there are, which is played, and which may be. */
export class Levels {
  /** The one that a page holds; -1: the player chooses. */
  manual = -1;
  /** The best that may be chosen; -1 without a limit. */
  cap = -1;
  /** What a page said of `start` since. */
  #start: number | undefined;
  /** The first media is there. */
  #begun = false;
  /** The title was loaded once more to begin as it is to. */
  #again = false;

  constructor(
    readonly title: Title,
    readonly player: Player,
    readonly config: HlsConfig,
  ) {}

  /** What titles begin in; -1: the player chooses. */
  get start(): number {
    return this.#start ?? this.config.startLevel ?? -1;
  }

  set start(level: number) {
    this.#start = level;
    if (!this.#begun) this.constrain();
  }

  /** The one that the manifest has first. */
  get first(): number {
    return Math.max(0, this.place(this.title.of(this.title.ladderKind)[0]?.renditions[0]?.id));
  }

  get all(): Level[] {
    return this.title.ladder.map(levelOf);
  }

  /** What is on the screen. */
  get shown(): number {
    return this.place(this.title.shown);
  }

  /** What is fetched. */
  get chosen(): number {
    return this.place(this.title.chosen ?? this.title.shown);
  }

  get highest(): number {
    return this.cap === -1 ? this.title.ladder.length - 1 : this.cap;
  }

  place(rendition: string | null | undefined): number {
    return this.title.ladder.findIndex(({ id }) => id === rendition);
  }

  /** Holds a level, and fetches what waits behind so many seconds anew in it. */
  hold(level: number, after?: number): void {
    this.manual = level;
    this.constrain();
    const isAll = level === this.shown && level === this.chosen;
    if (level >= 0 && after !== undefined && !isAll && this.#begun) this.player.fetchAnew(this.title.ladderKind, after);
  }

  limit(cap: number): void {
    this.cap = cap;
    this.constrain();
  }

  /** Another title is loaded: what was chosen of the one before says nothing of it. */
  reset(): void {
    this.manual = -1;
    this.#begun = this.#again = false;
    this.player.constrain({});
  }

  /** The first media is there: what follows the player chooses. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.constrain();
  }

  /** Whether what it begins in can be said before anything is fetched. */
  get isDecided(): boolean {
    return this.#begun || this.start < 0 || this.title.ladder.length > 0;
  }

  /** Whether something else is fetched first than what the title is to begin in: what was to be said came too late. True once a title. */
  get beginsWrong(): boolean {
    const [wanted, ...others] = this.#allowed;
    const wrong = !this.#begun && !this.#again && wanted !== undefined && !others.length && this.title.chosen !== undefined && this.title.chosen !== wanted;
    this.#again ||= wrong;
    return wrong;
  }

  /** Tells what may be chosen from, as soon as there is something. */
  constrain(): void {
    if (!this.title.ladder.length) return;
    const allowed = this.#allowed;
    this.player.constrain({ renditions: allowed.length ? allowed : null });
  }

  /** Ids of the renditions that may be chosen; none: all. */
  get #allowed(): string[] {
    const ladder = this.title.ladder.map(({ id }) => id);
    const held = this.manual >= 0 || this.#begun ? this.manual : Math.min(this.start, ladder.length - 1);
    if (held >= 0) return ladder.slice(held, held + 1);
    return this.cap >= 0 ? ladder.slice(0, this.cap + 1) : [];
  }
}

function levelOf(rendition: Rendition, id: number): Level {
  const { bitrate, width, height, frame_rate: frameRate, codecs } = rendition;
  const { video, audio } = codecsOf(rendition);
  return {
    id,
    bitrate,
    averageBitrate: bitrate,
    maxBitrate: bitrate,
    width: width ?? 0,
    height: height ?? 0,
    frameRate: frameRate ?? 0,
    name: height ? `${height}p` : undefined,
    codecSet: codecs.split(",").map((codec) => codec.trim().slice(0, 4)).join(),
    videoCodec: video,
    audioCodec: audio,
    attrs: { BANDWIDTH: String(bitrate), ...(codecs ? { CODECS: codecs } : {}), ...(width && height ? { RESOLUTION: `${width}x${height}` } : {}) },
    details: undefined,
    url: [],
    uri: "",
  };
}
