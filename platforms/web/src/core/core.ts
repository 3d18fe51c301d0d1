// The host's loop around the engine: one call, then everything that follows from it, then the deadline. Runs where the
// engine does, in a worker.

import { decode, value, type FetchOrder, type Handler } from "../boundary/decode.js";
import type { Rest } from "../boundary/rest.js";
import type { Exports, Instance } from "../boundary/wasm.js";
import type { Command, FromCore, Question, Report, Told, Value } from "../messages.js";
import type { Answers, Network } from "../net/fetch.js";
import { Source } from "../sink/source.js";

/** How far a device's clock is assumed to be off until something better is known, milliseconds. */
const CLOCK_UNCERTAINTY = 10_000;
/** Far deadlines are met in steps: timers of browsers end at 24 days. */
const LONGEST_WAIT = 3_600_000;

const micros = () => performance.now() * 1000;

/** The engine and its surroundings. */
export class Core implements Handler, Answers {
  #wasm: Exports;
  #memory: WebAssembly.Memory;
  #rest: Rest;
  #source: Source | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Turns that wait: an export is never called while another's records are read. */
  #turns: ((now: number) => number)[] = [];
  #turning = false;
  #broken = false;
  #said: FromCore = { orders: [], events: [] };

  constructor(
    { exports, memory, rest }: Instance,
    readonly network: Network,
    readonly tell: (message: FromCore, transfer: Transferable[]) => void,
  ) {
    this.#wasm = exports;
    this.#memory = memory;
    this.#rest = rest;
  }

  begin(settings: [number, number | string][]): void {
    for (const [key, value] of settings) {
      if (typeof value === "number") this.#wasm.set(key, value);
      else this.#wasm.set_text(key, value);
    }
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    this.#wasm.begin(high, low);
  }

  command(command: Command): void {
    const [name, ...rest] = command;
    if (name === "load") this.#turn((now) => this.#wasm.wall(Date.now(), CLOCK_UNCERTAINTY, now));
    this.#turn((now) => this.#call(name, [...rest, now]));
    // Opened while the manifest is on its way. A title before it was stopped by then.
    if (name === "load" && !this.#broken) this.#opened();
  }

  report([name, ...rest]: Report): void {
    this.#turn((now) => this.#call(name, [...rest, now]));
  }

  ask(what: Question, id: number): void {
    if (this.#broken) return;
    let answer: Value | Uint8Array;
    if (what === "snapshot") {
      const length = this.#wasm.snapshot(micros());
      answer = value(new DataView(this.#memory.buffer, this.#wasm.answer(), length));
    } else {
      answer = this.#wasm[what]();
    }
    this.tell({ orders: [], events: [], answer: { id, value: answer } }, []);
  }

  // The network's.

  head(slot: number, status: number, url: string, headers: string, date: number): void {
    this.#turn((now) => this.#wasm.head(slot, status, url, headers, date, now));
  }

  chunk(slot: number, bytes: Uint8Array): void {
    this.#turn((now) => {
      const place = this.#wasm.room(slot, bytes.byteLength);
      if (!place) return 0;
      new Uint8Array(this.#memory.buffer, place, bytes.byteLength).set(bytes);
      return this.#wasm.chunk(slot, bytes.byteLength, now);
    });
  }

  end(slot: number): void {
    this.#turn((now) => this.#wasm.end(slot, now));
  }

  failed(slot: number, code: number, message: string): void {
    this.#turn((now) => this.#wasm.failed(slot, code, message, now));
  }

  // Records.

  fetch(order: FetchOrder): void {
    this.network.start(order);
  }

  cancel(slot: number): void {
    this.network.cancel(slot);
  }

  configure(source: number, mime: string, handle: number, spans: number[]): void {
    this.#opened().buffer(source).push({ type: "configure", mime, handle, spans });
  }

  open(): void {
    this.#opened().open();
  }

  append(source: number, handle: number, offset: number, from: number, to: number, spans: number[]): void {
    this.#opened().buffer(source).push({ type: "append", handle, offset, from, to, spans });
    // What shows pictures is there; now what may come later. Where it does not, nobody needs it yet.
    this.#rest.load().catch(() => {});
  }

  remove(source: number, from: number, to: number): void {
    this.#opened().buffer(source).push({ type: "remove", from, to });
  }

  silence(): void {
    // A gap in one of the buffers: not filled yet.
  }

  endOfStream(): void {
    this.#opened().end();
  }

  play(): void {
    this.#said.orders.push(["play"]);
  }

  pause(): void {
    this.#said.orders.push(["pause"]);
  }

  rate(rate: number): void {
    this.#said.orders.push(["rate", rate]);
  }

  seek(position: number): void {
    this.#source?.goOn();
    this.#said.orders.push(["seek", position]);
  }

  disable(source: number): void {
    this.#source?.disable(source);
  }

  stop(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#said.orders.push(["detach"]);
  }

  duration(seconds: number): void {
    this.#opened().duration(seconds);
  }

  event(event: Told): void {
    this.#said.events.push(event);
  }

  deadline(at: number): void {
    clearTimeout(this.#timer);
    if (at === Infinity) return;
    const wait = Math.ceil(Math.max(0, at - micros()) / 1000);
    this.#timer = setTimeout(() => this.#turn((now) => this.#wasm.timer(now)), Math.min(wait, LONGEST_WAIT));
  }

  /** Calls an export by its name. */
  #call(name: (Command | Report)[0], values: (number | string | boolean)[]): number {
    return (this.#wasm[name] as (...values: (number | string | boolean)[]) => number)(...values);
  }

  /** One turn, or later if it is asked for within another. */
  #turn(call: (now: number) => number): void {
    this.#turns.push(call);
    if (this.#turning || this.#broken) return;
    this.#turning = true;
    try {
      for (let next; (next = this.#turns.shift()); ) {
        const length = next(micros());
        if (length) decode(new DataView(this.#memory.buffer, this.#wasm.outbox(), length), this);
        this.#source?.pump();
      }
    } catch (error) {
      this.#defect(error);
    } finally {
      this.#turning = false;
    }
    this.#flush();
  }

  /** A trap ends the instance: nothing more is called, nothing more is wanted. */
  #defect(error: unknown): void {
    this.#broken = true;
    clearTimeout(this.#timer);
    let words = "";
    // What is broken may not even be able to say so.
    try {
      words = this.#wasm.fault();
    } catch (silent) {
      words = String(silent);
    }
    this.#said.defect = words || String(error instanceof Error ? error.stack : error);
  }

  #flush(): void {
    const said = this.#said;
    if (!said.orders.length && !said.events.length && said.defect === undefined) return;
    this.#said = { orders: [], events: [] };
    const handles = said.orders.flatMap((order) => (order[0] === "attach" ? [order[1] as unknown as Transferable] : []));
    this.tell(said, handles);
  }

  /** The media source that there is, or a new one. */
  #opened(): Source {
    if (this.#source) return this.#source;
    const source = new Source({
      bytes: (place, length) => new Uint8Array(this.#memory.buffer, place, length),
      giveBack: (handle) => this.#wasm.give_back(handle),
      full: (handle) =>
        this.#turn((now) => {
          const length = this.#wasm.full(handle, now);
          this.#wasm.give_back(handle);
          return length;
        }),
      failed: (code, message) => this.report(["sink_failed", code, message]),
    });
    this.#source = source;
    this.#said.orders.push(["attach", handleOf(source.media)]);
    if (!this.#turning) this.#flush();
    return source;
  }
}

/** What stands for a media source in another thread. */
function handleOf(media: MediaSource): MediaProvider {
  return (media as unknown as { handle: MediaProvider }).handle;
}
