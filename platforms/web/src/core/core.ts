// The host's loop around the engine: one call, then everything that follows from it, then the deadline. Runs where the
// engine does: in a worker, or in the page.

import { Alarm } from "../alarm.js";
import { decode, value, type FetchOrder, type Handler, type Loan } from "../boundary/decode.js";
import type { Exports, Instance } from "../boundary/wasm.js";
import { Unavailable } from "../faults.js";
import { mark } from "../marks.js";
import type { Command, FromCore, Question, Report, Told, Topology, Value } from "../messages.js";
import type { Answers, Network } from "../net/fetch.js";
import { Away, type Word } from "../sink/away.js";
import { handleOf } from "../sink/media.js";
import type { Lent, Owner, Sink } from "../sink/sink.js";
import { Source } from "../sink/source.js";
import { codecs as supported } from "../world/decoding.js";
import type { Fact, Known } from "../world/world.js";

/** How far a device's clock is assumed to be off until something better is known, milliseconds. */
const CLOCK_UNCERTAINTY = 10_000;
/** How often the window of what is live is looked at, milliseconds. */
const WINDOW_AFTER = 1000;

const micros = () => performance.now() * 1000;

/** The engine and its surroundings. */
export class Core implements Handler, Answers, Owner {
  #wasm: Exports;
  #memory: Instance["memory"];
  #parts: Instance["parts"];
  #sink: Sink | undefined;
  #live = false;
  /** When it was looked at last, or that it is to be now. */
  #windowAt = -Infinity;
  #alarm = new Alarm(() => this.#turn((now) => this.#wasm.timer(now)));
  /** Turns that wait: an export is never called while another's records are read. */
  #turns: ((now: number) => number)[] = [];
  #turning = false;
  #broken = false;
  /** What Media Source takes. */
  #codecs = "";
  #said: FromCore & { cdm: Uint8Array<ArrayBuffer>[] } = { orders: [], events: [], cdm: [] };

  constructor(
    { exports, memory, parts }: Instance,
    readonly network: Network,
    readonly tell: (message: FromCore, transfer: Transferable[]) => void,
    /** Where Media Source is to be, and the engine. */
    private topology: Topology,
  ) {
    this.#wasm = exports;
    this.#memory = memory;
    this.#parts = parts;
  }

  begin(settings: [number, number | string][], { network, codecs, memory }: Known): void {
    for (const [key, value] of settings) {
      if (typeof value === "number") this.#wasm.set(key, value);
      else this.#wasm.set_text(key, value);
    }
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    if (memory) this.#wasm.remember(memory);
    this.#wasm.begin(high, low);
    // Asked where the buffers are: in the page if they are not here.
    this.#codecs = ((this.topology === "worker-transfer" ? undefined : supported()) ?? codecs).join();
    this.fact(["display", "", "", 0, 0]);
    this.fact(["network", network]);
  }

  /** Something is known of the world. */
  fact(fact: Fact): void {
    this.#turn((now) => (fact[0] === "display" ? this.#wasm.capabilities(this.#codecs, fact[1], fact[2], fact[3], fact[4], now) : this.#call(fact[0], [fact[1], now])));
  }

  /** What the application brings of keys, for the next title. */
  keys(letter: Uint8Array): void {
    this.#deliver("keys", letter);
  }

  /** The key system reports. */
  reportKeys(letter: Uint8Array): void {
    this.#deliver("cdm", letter);
  }

  command(command: Command): void {
    const [name, ...rest] = command;
    if (name === "load") this.#turn((now) => this.#wasm.wall(Date.now(), CLOCK_UNCERTAINTY, now));
    this.#turn((now) => this.#call(name, [...rest, now]));
    // Opened while the manifest is on its way. A title before it was stopped by then.
    if (name === "load" && !this.#broken) this.#opened();
  }

  /** Drops what a source has from a time on. The engine fetches what it lacks, as is wanted by now. */
  anew(source: number, from: number): void {
    this.#sink?.drop(source, from);
    this.evicted(source, from, Infinity);
  }

  /** Nothing more is done. */
  close(): void {
    this.#broken = true;
    this.#alarm.off();
    this.#sink?.close();
  }

  report(report: Report): void {
    if (report[0] === "crashed") {
      const [, ...facts] = report;
      this.#sink?.crashed(...facts);
    } else if (report[0] === "unopened") {
      if (this.#sink instanceof Source && !this.#sink.isOpen(report[1])) this.#handOver(this.#sink);
    } else {
      const [name, ...rest] = report;
      this.#turn((now) => this.#call(name, [...rest, now]));
    }
    if (!this.#turning) this.#flush();
  }

  /** A word of Media Source in the page. */
  word(of: number, word: Word): void {
    if (this.#sink instanceof Away) this.#sink.hear(of, word);
  }

  // Media Source's.

  failed(code: number, message: string): void {
    this.#turn((now) => this.#wasm.sink_failed(code, message, now));
  }

  attach(media: MediaSource, generation: number, again: boolean): void {
    const shown = this.topology === "worker" ? handleOf(media) : URL.createObjectURL(media);
    this.#said.orders.push(["attach", shown, generation, again]);
    if (!this.#turning) this.#flush();
  }

  evicted(source: number, from: number, to: number): void {
    this.#turn((now) => this.#wasm.evicted(source, from, to, now));
  }

  forgotten(sources: number[]): void {
    const sink = this.#sink;
    for (const source of sources) this.evicted(source, -Infinity, Infinity);
    // In its order: what is decided from now on, with nothing in it, is meant.
    this.#turn(() => (sink?.resume(), 0));
  }

  appetite(wants: boolean): void {
    this.#said.events.push({ type: wants ? "StartStreaming" : "EndStreaming", at: micros() });
    if (!this.#turning) this.#flush();
  }

  ask(what: Question, id: number): void {
    if (this.#broken) return;
    const is = what === "recording" || what === "action_hash" || what === "learnt";
    const answer: Value | Uint8Array = is ? this.#wasm[what]() : this.#answered(what);
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

  lost(slot: number, code: number, message: string): void {
    this.#turn((now) => this.#wasm.failed(slot, code, message, now));
  }

  // Records.

  fetch(order: FetchOrder): void {
    this.network.start(order, order.letter ? this.#letter(order.letter) : undefined);
  }

  cancel(slot: number): void {
    this.network.cancel(slot);
  }

  configure(source: number, mime: string, handle: number, spans: number[]): void {
    const init = this.#lent(handle, spans);
    // Few bytes, and wanted again where Media Source begins anew.
    this.#opened().configure(source, mime, joined(init));
    init.giveBack();
  }

  open(): void {
    this.#opened().open();
  }

  append(source: number, handle: number, offset: number, from: number, to: number, spans: number[]): void {
    mark("appended");
    this.#opened().append(source, offset, from, to, this.#lent(handle, spans));
    // What shows pictures is there; now what may come later. Where it does not, nobody needs it yet.
    this.#parts.load().catch(() => {});
  }

  remove(source: number, from: number, to: number): void {
    this.#opened().remove(source, from, to);
  }

  silence(kind: number, from: number, to: number): void {
    this.#opened().silence(kind, from, to);
  }

  ended(kind: number): void {
    this.#opened().ended(kind);
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
    this.#sink?.goOn();
    this.#said.orders.push(["seek", position]);
  }

  disable(source: number): void {
    this.#sink?.disable(source);
  }

  stop(): void {
    this.#sink?.close();
    this.#sink = undefined;
    this.#live = false;
    this.#said.orders.push(["detach"]);
  }

  duration(seconds: number): void {
    this.#live = seconds === Infinity;
    this.#windowAt = -Infinity;
    this.#opened().duration(seconds);
  }

  event(event: Told): void {
    this.#said.events.push(event);
  }

  cdm(letter: Loan): void {
    this.#said.cdm.push(this.#letter(letter));
  }

  deadline(at: number): void {
    this.#alarm.set((at - micros()) / 1000);
  }

  /** A copy of a letter. The module wipes its own when it is given back, which is when the records have been read. */
  #letter({ handle, place, length }: Loan): Uint8Array<ArrayBuffer> {
    const letter = new Uint8Array(this.#memory.buffer, place, length).slice();
    this.#turn(() => {
      this.#wasm.give_back(handle);
      return 0;
    });
    return letter;
  }

  /** Hands a letter in. The module wipes its copy, too. */
  #deliver(to: "keys" | "cdm", letter: Uint8Array): void {
    this.#turn((now) => {
      const length = this.#wasm[to](letter, now);
      letter.fill(0);
      return length;
    });
  }

  /** Calls an export by its name. */
  #call(name: Exclude<(Command | Report)[0], "crashed" | "unopened"> | "network" | "pressure", values: (number | string | boolean)[]): number {
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
        if (this.#live) this.#look();
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
    this.close();
    this.#said.missing = error instanceof Unavailable;
    if (this.#said.missing) return void (this.#said.defect = (error as Error).message);
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
    if (!said.orders.length && !said.events.length && !said.cdm.length && said.defect === undefined && !said.topology) return;
    this.#said = { orders: [], events: [], cdm: [] };
    this.tell(said, [...said.orders.flatMap(transferable), ...said.cdm.map(({ buffer }) => buffer)]);
  }

  /** Where the playhead may go in what is live moves with the clock. */
  #look(): void {
    const now = performance.now();
    if (now - this.#windowAt < WINDOW_AFTER) return;
    this.#windowAt = now;
    const { edge } = this.#answered("snapshot") as { edge?: { seekable: [number, number] } | null };
    if (edge) this.#sink?.window(...edge.seekable);
  }

  #answered(what: "snapshot" | "qoe" | "presentation" | "interstitials"): Value {
    const length = this.#wasm[what](micros());
    return value(new DataView(this.#memory.buffer, this.#wasm.answer(), length));
  }

  #lent(handle: number, spans: number[]): Lent {
    return {
      count: spans.length / 2,
      piece: (index) => new Uint8Array(this.#memory.buffer, spans[2 * index] ?? 0, spans[2 * index + 1] ?? 0),
      giveBack: () => {
        // A defect took what was lent with it.
        if (!this.#broken) this.#wasm.give_back(handle);
      },
      full: () =>
        this.#turn((now) => {
          const length = this.#wasm.full(handle, now);
          this.#wasm.give_back(handle);
          return length;
        }),
    };
  }

  /** The media source that there is, or a new one. */
  #opened(): Sink {
    this.#sink ??= this.topology === "worker-transfer" ? this.#away() : new Source(this);
    return this.#sink;
  }

  #away(): Away {
    return new Away(this, (order) => {
      this.#said.orders.push(order);
      if (!this.#turning) this.#flush();
    });
  }

  /** The element does not take a media source of a worker: one in the page it is, for this and all that follow. */
  #handOver(source: Source): void {
    this.topology = "worker-transfer";
    this.#said.topology = this.topology;
    this.#sink = this.#away();
    source.handOver(this.#sink);
  }
}

/** What goes over to the page with an order. */
function transferable(order: FromCore["orders"][number]): Transferable[] {
  if (order[0] === "attach") return typeof order[1] === "string" ? [] : [order[1] as unknown as Transferable];
  if (order[0] === "sink" && order[2] === "append") return order[7].parts.map(({ buffer }) => buffer);
  return [];
}

function joined({ count, piece }: Lent): Uint8Array<ArrayBuffer> {
  const pieces = Array.from({ length: count }, (_, index) => piece(index));
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
