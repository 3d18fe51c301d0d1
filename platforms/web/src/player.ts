// Plays HLS and DASH in a `<video>`:
//
//     const player = new Player();
//     player.attach(document.querySelector("video"));
//     player.load("https://cdn.example/title.m3u8");
//     player.play();
//
// The engine, all requests and Media Source are in a worker; the page keeps the element. Whatever the engine tells comes as an
// event: under its own name in lower case (`state`, `quality`, `error`…), and as `told`; `detail` is the event.

import { Setting } from "./boundary/schema.js";
import type { Command, FromCore, Question, ToCore, Told, Value } from "./messages.js";
import { Screen } from "./sink/element.js";

export type { Told, Value } from "./messages.js";

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
  /** Where the worker is; default beside this file. */
  workerUrl?: string | URL;
  /** Where the module is; default beside this file. */
  wasmUrl?: string | URL;
  /** Where the rest of it is, which is loaded while it plays; default beside this file. */
  restUrl?: string | URL;
}

const KINDS = { video: 0, audio: 1, text: 2 } as const;

/** A player. */
export class Player extends EventTarget {
  #options: Options;
  #worker: Worker | undefined;
  #screen: Screen | undefined;
  #questions = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #asked = 0;
  #wanted = false;

  constructor(options: Options = {}) {
    super();
    this.#options = options;
    this.#worker = this.#started();
  }

  /** Whether this browser plays anything with it. */
  static get isSupported(): boolean {
    return typeof WebAssembly === "object" && "MediaSource" in self && MediaSource.canConstructInDedicatedWorker === true;
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
    );
    this.#screen.wanted = this.#wanted;
  }

  /** Loads a playlist or an MPD, and begins at a time in seconds, or where the title does. */
  load(url: string | URL, { start = NaN }: { start?: number } = {}): void {
    // What a defect ended is replaced.
    this.#worker ??= this.#started();
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

  #started(): Worker {
    const {
      workerUrl = new URL("./worker.js", import.meta.url),
      wasmUrl = new URL("./telecine.wasm", import.meta.url),
      restUrl = new URL("./telecine.rest.wasm", import.meta.url),
    } = this.#options;
    const worker = new Worker(workerUrl, { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromCore>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#defect(event.message || "the worker does not start");
    };
    const module = { first: new URL(wasmUrl, document.baseURI).href, rest: new URL(restUrl, document.baseURI).href };
    const begin: ToCore = { begin: { module, settings: settings(this.#options) } };
    worker.postMessage(begin);
    return worker;
  }

  #command(...command: Command): void {
    this.#post({ command });
  }

  #post(message: ToCore): void {
    this.#worker?.postMessage(message);
  }

  #ask<T>(ask: Question): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#worker) return reject(new Error("there is no player any more"));
      const id = ++this.#asked;
      this.#questions.set(id, { resolve, reject });
      this.#post({ ask, id });
    });
  }

  #hear({ orders, events, answer, defect }: FromCore): void {
    for (const order of orders) this.#screen?.obey(order);
    if (answer) {
      this.#questions.get(answer.id)?.resolve(answer.value as never);
      this.#questions.delete(answer.id);
    }
    for (const event of events) this.#tell(event);
    if (defect !== undefined) this.#defect(defect);
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
    this.#worker?.terminate();
    this.#worker = undefined;
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
