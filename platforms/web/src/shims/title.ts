// What is known of the title that plays, in plain fields: the facades' properties are read at any time, the engine's answers come
// later.

import type { Player } from "../player.js";

/** A rendition of a track: `Rendition` of the engine. */
export interface Rendition {
  id: string;
  bitrate: number;
  width?: number | null;
  height?: number | null;
  frame_rate?: number | null;
  codecs?: string | null;
}

/** A track of the title: `Track` of the engine. */
export interface Track {
  id: string;
  kind: string;
  language?: string | null;
  label?: string | null;
  roles?: string[];
  channels?: number | string | null;
  default?: boolean;
  forced?: boolean;
  selected?: boolean;
  renditions: Rendition[];
}

/** An event of the engine. */
export interface Told {
  type: string;
  [name: string]: unknown;
}

interface Presentation {
  protocol: string;
  live: boolean;
  duration: number | null;
  tracks: Track[];
}

/** The edge of a live title, seconds. */
export interface Edge {
  seekable: [from: number, to: number];
  latency: number | null;
  target: number;
}

/** Something that went wrong, as the engine tells it. */
export interface Failure {
  code: number;
  name: string;
  domain: string;
  fatal: boolean;
  message: string;
  facts: { [name: string]: string };
}

/** Between two looks at what changes without an event, milliseconds. */
const LOOK = 500;

/** A title, as its player tells of it. */
export class Title {
  /** There is a title that was read. */
  known = false;
  protocol = "";
  live = false;
  duration = Infinity;
  tracks: Track[] = [];
  /** The rendition on the screen, and the one that is fetched. */
  shown: string | undefined;
  chosen: string | undefined;
  /** Bits a second, as far as it is known. */
  throughput: number | undefined;
  edge: Edge | undefined;
  state = "idle";
  loadedAt = NaN;
  firstAt = NaN;
  stalls = 0;
  stalledMs = 0;
  #selected = new Map<string, string | null>();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #gone = false;

  /** `hear` is told of each event when the title knows of it too; `Loaded` only once the tracks are known. */
  constructor(
    readonly player: Player,
    readonly hear: (told: Told) => void,
  ) {
    player.addEventListener("told", this.#told);
    this.#ticker = setInterval(() => void this.#look(), LOOK);
  }

  close(): void {
    this.#gone = true;
    clearInterval(this.#ticker);
    this.player.removeEventListener("told", this.#told);
  }

  /** Begins anew. */
  reset(): void {
    this.known = false;
    this.live = false;
    this.duration = Infinity;
    this.tracks = [];
    this.shown = this.chosen = undefined;
    this.edge = undefined;
    this.state = "idle";
    this.loadedAt = performance.now();
    this.firstAt = NaN;
    this.stalls = this.stalledMs = 0;
    this.#selected.clear();
  }

  /** The tracks of a kind. */
  of(kind: string): Track[] {
    return this.tracks.filter((track) => track.kind === kind);
  }

  /** The chosen track of a kind; none where it is off. */
  selected(kind: string): Track | undefined {
    const id = this.#selected.get(kind);
    return this.of(kind).find((track) => (id === undefined ? track.selected : track.id === id));
  }

  /** What the picture may be played in, poorest first; of a title without one, the sound. */
  get ladder(): Rendition[] {
    const pictures = this.of("video");
    const all = (pictures.length ? pictures : this.of("audio")).flatMap(({ renditions }) => renditions);
    return all.sort((one, other) => one.bitrate - other.bitrate);
  }

  /** Which kind the ladder is of. */
  get ladderKind(): string {
    return this.of("video").length ? "video" : "audio";
  }

  #told = (event: Event): void => {
    const told = (event as CustomEvent<unknown>).detail as Told;
    switch (told.type) {
      case "State":
        this.state = told["state"] as string;
        break;
      case "Loaded":
        void this.#read(told);
        return;
      case "Selected":
        this.#selected.set(told["kind"] as string, told["track"] as string | null);
        break;
      case "Started":
        this.firstAt = performance.now();
        break;
      case "StallStarted":
        this.stalls += 1;
        break;
      case "StallEnded":
        this.stalledMs += (told["stood_us"] as number) / 1000;
        break;
      case "Quality":
        if (told["kind"] === this.ladderKind) this.shown = told["rendition"] as string;
        break;
      case "Decision":
        if (told["kind"] === this.ladderKind && /^(bitrate|fast-?switch)$/i.test(told["what"] as string)) this.chosen = told["to"] as string;
        break;
    }
    this.hear(told);
  };

  async #read(loaded: Told): Promise<void> {
    const player = this.player as Player & { presentation(): Promise<Presentation | null> };
    const presentation = await player.presentation().catch(() => null);
    if (this.#gone || !presentation) return;
    this.protocol = loaded["protocol"] as string;
    this.tracks = presentation.tracks;
    this.live = loaded["live"] as boolean;
    this.duration = (loaded["duration"] as number | null) ?? Infinity;
    this.known = true;
    this.hear(loaded);
  }

  async #look(): Promise<void> {
    // A player that ends meanwhile answers nothing.
    const snapshot = this.known ? await this.player.snapshot().catch(() => undefined) : undefined;
    if (!snapshot || this.#gone) return;
    const { throughput, edge } = snapshot as unknown as { throughput: number | null; edge: Edge | null };
    this.throughput = throughput ?? this.throughput;
    this.edge = edge ?? undefined;
  }
}
