// Plays HLS and DASH in a `<video>`:
//
//     const player = new Player();
//     player.attach(document.querySelector("video"));
//     player.load("https://cdn.example/title.m3u8");
//     player.play();
//
// The engine, all requests and Media Source are in a worker where the browser lets them; the page keeps the element. Whatever the
// engine tells comes as an event: under its own name in lower case (`state`, `quality`, `error`…), and as `told`; `detail` is the
// event.

import { Setting } from "./boundary/schema.js";
import type { Command, FromCore, Question, ToCore, Told, Topology, Value } from "./messages.js";
import type { SinkOrder } from "./sink/away.js";
import type { Delegate } from "./sink/delegate.js";
import { Screen } from "./sink/element.js";
import { hasEngine, Link, playsNatively } from "./topology.js";

export type { Told, Topology, Value } from "./messages.js";

/** How to play. */
export interface Options {
  /** Media buffered ahead, seconds. Default 30. */
  bufferGoal?: number;
  /** Media kept behind the playhead, seconds. Default 20. */
  backBuffer?: number;
  /** Throughput assumed before anything was measured, bits a second. */
  initialThroughput?: number;
  /** Tallest picture, lines. */
  maxHeight?: number;
  /** Highest bitrate of a picture, bits a second. */
  maxBitrate?: number;
  /** Languages of sound, best first. */
  audioLanguages?: string[];
  /** Languages of subtitles, best first. */
  textLanguages?: string[];
  /** Bitrate rule by name. */
  rule?: string;
  /** Keep a recording that `telecine replay` repeats. */
  record?: boolean;
  /** Where the engine and Media Source are; default what the browser can, the first that it can of the three. */
  topology?: Exclude<Topology, "native">;
  /** Where the worker is; default beside this file. */
  workerUrl?: string | URL;
  /** Where the module is; default beside this file. */
  wasmUrl?: string | URL;
}

const KINDS = { video: 0, audio: 1, text: 2 } as const;

/** A player. */
export class Player extends EventTarget {
  #options: Options;
  #core: Link | undefined;
  #topology: Topology | undefined;
  /** Media Source, where it is in the page and the engine is not. */
  #delegate: Promise<Delegate> | undefined;
  #screen: Screen | undefined;
  #questions = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #asked = 0;
  #wanted = false;

  constructor(options: Options = {}) {
    super();
    this.#options = options;
    this.#core = this.#started();
  }

  /** Whether this browser plays anything with it. */
  static get isSupported(): boolean {
    return hasEngine() || playsNatively();
  }

  /** Where the engine and Media Source are, as soon as that is known. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  /** Plays into this element from the next `load` on. */
  attach(video: HTMLVideoElement): void {
    this.#screen?.close();
    const report = (report: ToCore & object) => this.#post(report);
    this.#screen = new Screen(
      video,
      (told) => report({ report: told }),
      () => {
        this.pause();
        this.dispatchEvent(new CustomEvent("autoplayblocked"));
      },
      () => this.pause(),
    );
    this.#screen.wanted = this.#wanted;
  }

  /** Loads a playlist or an MPD, and begins at a time in seconds, or where the title does. */
  load(url: string | URL, { start = NaN }: { start?: number } = {}): void {
    // What a defect ended is replaced.
    this.#core ??= this.#started();
    this.#command("load", new URL(url, document.baseURI).href, start);
    if (this.#wanted) this.#command("play");
  }

  /** Plays as soon as enough is buffered. */
  play(): void {
    this.#wanted = true;
    this.#screen?.play();
    this.#command("play");
  }

  /** Holds the picture; buffering goes on. */
  pause(): void {
    this.#wanted = false;
    this.#screen?.pause();
    this.#command("pause");
  }

  /** Moves the playhead, to seconds; `Infinity` is the live edge. */
  seek(position: number): void {
    this.#command("seek", position);
  }

  /** Sets the speed: 1 is normal. */
  setRate(rate: number): void {
    this.#command("rate", Math.round(rate * 1000));
  }

  /** Chooses a track by its id; null plays none of its kind. */
  select(kind: keyof typeof KINDS, id: string | null): void {
    if (id === null) this.#command("disable", KINDS[kind]);
    else this.#command("select", KINDS[kind], id);
  }

  /** Ends playback. Something else may be loaded. */
  stop(): void {
    this.#command("stop");
  }

  /** What there is to see of the player now. */
  snapshot(): Promise<{ [name: string]: Value }> {
    return this.#ask("snapshot");
  }

  /** What was recorded since the last call, with the option `record`. */
  recording(): Promise<Uint8Array> {
    return this.#ask("recording");
  }

  /** The hash of what the engine did so far. */
  actionHash(): Promise<string> {
    return this.#ask("action_hash");
  }

  /** Ends everything; nothing can be loaded any more. */
  destroy(): void {
    this.#screen?.close();
    this.#screen = undefined;
    this.#end("the player was destroyed");
  }

  #started(): Link {
    const { workerUrl = new URL("./worker.js", import.meta.url), wasmUrl = new URL("./telecine.wasm", import.meta.url), topology } = this.#options;
    const core = new Link({
      workerUrl: new URL(workerUrl, document.baseURI),
      topology,
      hear: (message) => this.#hear(message),
      broken: (message) => this.#defect(message),
    });
    core.post({ begin: { wasm: new URL(wasmUrl, document.baseURI).href, settings: settings(this.#options), topology } });
    return core;
  }

  #command(...command: Command): void {
    this.#post({ command });
  }

  #post(message: ToCore): void {
    this.#core?.post(message);
  }

  #ask<T>(ask: Question): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#core) return reject(new Error("there is no player any more"));
      const id = ++this.#asked;
      this.#questions.set(id, { resolve, reject });
      this.#post({ ask, id });
    });
  }

  #hear({ orders, events, topology, answer, defect }: FromCore): void {
    this.#topology = topology ?? this.#topology;
    for (const order of orders) {
      if (order[0] === "sink") this.#delegated(order);
      else this.#screen?.obey(order);
    }
    if (answer) {
      this.#questions.get(answer.id)?.resolve(answer.value as never);
      this.#questions.delete(answer.id);
    }
    for (const event of events) this.#tell(event);
    if (defect !== undefined) this.#defect(defect);
  }

  #delegated(order: SinkOrder): void {
    this.#delegate ??= import("./sink/delegate.js").then(
      ({ Delegate }) =>
        new Delegate(
          (of, word) => this.#post({ word, of }),
          (order) => this.#screen?.obey(order),
        ),
    );
    // One behind the other, as promises are kept.
    this.#delegate.then(
      (delegate) => delegate.obey(order),
      (error: unknown) => this.#defect(`the player does not start: ${String(error)}`),
    );
  }

  #tell(detail: Told): void {
    this.dispatchEvent(new CustomEvent(detail.type.toLowerCase(), { detail }));
    this.dispatchEvent(new CustomEvent("told", { detail }));
  }

  /** A defect ends the worker; the next `load` gets another one. */
  #defect(message: string): void {
    this.#screen?.obey(["detach"]);
    this.#end(message);
    const error = {
      code: 9001,
      name: "InternalDefect",
      domain: "internal",
      blame: "us",
      fatal: true,
      message,
      meaning: "A defect of the player.",
      advice: "report it, with a recording if there is one",
      facts: {},
    };
    const at = performance.now() * 1000;
    this.#tell({ type: "Error", at, error });
    this.#tell({ type: "State", at, state: "failed" });
  }

  #end(why: string): void {
    this.#core?.end();
    this.#core = undefined;
    void this.#delegate?.then((delegate) => delegate.close());
    this.#delegate = undefined;
    for (const { reject } of this.#questions.values()) reject(new Error(why));
    this.#questions.clear();
  }
}

function settings(options: Options): [number, number | string][] {
  const { bufferGoal, backBuffer, initialThroughput, maxHeight, maxBitrate, audioLanguages, textLanguages, rule, record } = options;
  const all: [number, number | string | undefined][] = [
    [Setting.BufferGoal, bufferGoal],
    [Setting.BackBuffer, backBuffer],
    [Setting.InitialThroughput, initialThroughput],
    [Setting.MaxHeight, maxHeight],
    [Setting.MaxBitrate, maxBitrate],
    [Setting.AudioLanguages, audioLanguages?.join()],
    [Setting.TextLanguages, textLanguages?.join()],
    [Setting.Rule, rule],
    [Setting.Record, record ? 1 : undefined],
  ];
  return all.filter((one): one is [number, number | string] => one[1] !== undefined);
}
