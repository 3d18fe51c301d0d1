// What is known of the title that plays, in plain fields: the facades' properties are read at any time, the engine's answers come
// later.

import type { LiveEdge, LoadedEvent, PlayerError, StateEvent, Told } from "../boundary/told.js";
import type { PlayerEvents } from "../events.js";
import type { Player } from "../player.js";
import type { Rendition, Track } from "./tracks.js";

export type { PlayerError as Failure, Told };

/** Between two looks at what changes without an event, milliseconds. */
const LOOK = 500;

/** A title, as its player tells of it. */
export class Title {
  /** Its manifest was read: there are tracks. */
  known = false;
  /** And what else it takes to play it: how long it is, and whether it is live. */
  loaded = false;
  protocol = "";
  live = false;
  duration = Infinity;
  tracks: Track[] = [];
  /** The rendition on the screen, and the one that is fetched. */
  shown: string | undefined;
  chosen: string | undefined;
  /** Bits a second, as far as it is known. */
  throughput: number | undefined;
  edge: LiveEdge | undefined;
  state = "idle";
  loadedAt = NaN;
  firstAt = NaN;
  stalls = 0;
  stalledMs = 0;
  #selected = new Map<string, string | null>();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #gone = false;
  /** Which title it is: an answer about the one before comes too late. */
  #generation = 0;

  /** `hear` is told of each event when the title knows of it too; of `Loaded`, and that it is being prepared, only once the tracks are known. */
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

  /** The same title is read once more: what is known of it stays. */
  again(): void {
    this.#generation += 1;
    this.loaded = false;
    this.chosen = undefined;
  }

  /** Another title. */
  reset(): void {
    this.again();
    this.known = false;
    this.live = false;
    this.duration = Infinity;
    this.tracks = [];
    this.shown = undefined;
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

  /** At which place among those of a kind the chosen track is; -1 where it is off. */
  place(kind: string): number {
    const selected = this.selected(kind);
    return selected ? this.of(kind).indexOf(selected) : -1;
  }

  /** What the picture may be played in, poorest first; of a title without one, the sound. */
  get ladder(): Rendition[] {
    const pictures = this.of("video");
    const all = (pictures.length ? pictures : this.of("audio")).flatMap(({ renditions }) => renditions);
    return all.sort((one, other) => one.bitrate - other.bitrate);
  }

  /** Which kind the ladder is of. */
  get ladderKind(): "video" | "audio" {
    return this.of("video").length ? "video" : "audio";
  }

  #told = (event: PlayerEvents["told"]): void => {
    const told = event.detail;
    if (!isOfTitle(told)) return;
    switch (told.type) {
      case "State":
        this.state = told.state;
        // Of HLS it is known by now what there is to choose from, and no playlist of that is.
        if (told.state === "preparing") return void this.#read(told);
        break;
      case "Loaded":
        this.loaded = true;
        this.live = told.live;
        this.duration = told.duration ?? Infinity;
        return void this.#read(told);
      case "Selected":
        this.#selected.set(told.kind, told.track);
        break;
      case "Started":
        this.firstAt = performance.now();
        break;
      case "StallStarted":
        this.stalls += 1;
        break;
      case "StallEnded":
        this.stalledMs += told.stood_us / 1000;
        break;
      case "Quality":
        if (told.kind === this.ladderKind) this.shown = told.rendition;
        break;
      case "Decision":
        if (told.kind === this.ladderKind && (told.what === "bitrate" || told.what === "fast-switch")) this.chosen = told.to ?? undefined;
        break;
    }
    this.hear(told);
  };

  async #read(told: LoadedEvent | StateEvent): Promise<void> {
    const generation = this.#generation;
    const presentation = await this.player.presentation().catch(() => null);
    if (this.#gone || generation !== this.#generation) return;
    if (presentation) {
      this.protocol = presentation.protocol;
      this.tracks = presentation.tracks;
      this.known = true;
    }
    if (presentation || told.type === "State") this.hear(told);
  }

  async #look(): Promise<void> {
    // A player that ends meanwhile answers nothing.
    const snapshot = this.known ? await this.player.snapshot().catch(() => undefined) : undefined;
    if (!snapshot || this.#gone) return;
    this.throughput = snapshot.throughput ?? this.throughput;
    this.edge = snapshot.edge ?? undefined;
  }
}

/** Browsers that say when to fetch tell that too: nothing of the title. */
function isOfTitle(told: PlayerEvents["told"]["detail"]): told is Told {
  return told.type !== "StartStreaming" && told.type !== "EndStreaming";
}
