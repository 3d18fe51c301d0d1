// What is known of the world around the player: gathered in the page, said to the engine, which makes of it what it does.

import { remember, remembered } from "../store/throughput.js";
import { codecs, display } from "./decoding.js";
import { networkType, onNetworkType } from "./network.js";
import { onHidden } from "./visibility.js";

/** A fact for the engine, by the export that takes it. */
export type Fact =
  | ["network", type: string]
  | ["pressure", level: number]
  | ["display", efficient: string, hdr: string, width: number, height: number];

/** What is known before anything is asked. */
export interface Known {
  network: string;
  /** What Media Source takes in the page; the core asks for itself where it has its own. */
  codecs: string[];
  /** What was measured on earlier visits. */
  memory?: Uint8Array<ArrayBuffer> | undefined;
}

/** How often it is kept what was learnt, milliseconds. */
const KEPT_EVERY = 15_000;

/** Watches the world for a player. */
export class World {
  #end = new AbortController();
  #keeper: ReturnType<typeof setInterval> | undefined;

  /** `learnt` asks the engine for what it measured; with `keeps` it is kept from one visit to the next. */
  constructor(
    readonly tell: (fact: Fact) => void,
    readonly learnt: () => Promise<Uint8Array>,
    readonly keeps: boolean,
  ) {
    const { signal } = this.#end;
    onNetworkType((type) => tell(["network", type]), signal);
    if (keeps) {
      onHidden(() => this.keep(), signal);
      this.#keeper = setInterval(() => this.keep(), KEPT_EVERY);
    }
  }

  /** For a core that begins. */
  known(): Known {
    // It takes some time to find out, and nothing waits for it.
    void display().then(({ efficient, hdr, width, height }) => {
      if (!this.#end.signal.aborted) this.tell(["display", efficient.join(), hdr.join(), width, height]);
    });
    return { network: networkType(), codecs: codecs() ?? [], memory: this.keeps ? remembered() : undefined };
  }

  /** Keeps what was learnt so far. */
  keep(): void {
    if (!this.keeps) return;
    // A player that ended meanwhile has nothing to say.
    this.learnt().then(remember, () => {});
  }

  close(): void {
    this.#end.abort();
    clearInterval(this.#keeper);
  }
}
