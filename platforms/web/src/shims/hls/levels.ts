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

  constructor(
    readonly title: Title,
    readonly player: Player,
    readonly config: HlsConfig,
  ) {}

  /** What a title begins in; -1: the player chooses. */
  get start(): number {
    return this.config.startLevel ?? -1;
  }

  set start(level: number) {
    this.config.startLevel = level;
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
    if (level >= 0 && after !== undefined && !isAll && this.title.known) this.player.fetchAnew(this.title.ladderKind, after);
  }

  limit(cap: number): void {
    this.cap = cap;
    this.constrain();
  }

  /** The title is known. */
  begin(): void {
    if (this.start >= 0 && this.manual === -1) this.manual = this.start;
    this.constrain();
  }

  /** Tells what may be chosen from, as soon as there is something. */
  constrain(): void {
    const { ladder } = this.title;
    if (!ladder.length) return;
    const wanted = this.manual >= 0 ? ladder.slice(this.manual, this.manual + 1) : this.cap >= 0 ? ladder.slice(0, this.cap + 1) : [];
    this.player.constrain({ renditions: wanted.length ? wanted.map(({ id }) => id) : null });
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
