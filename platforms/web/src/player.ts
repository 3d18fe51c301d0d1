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

import { compiled } from "./boundary/module.js";
import { Setting } from "./boundary/schema.js";
import { interestOf, letterOf, type Drm } from "./drm.js";
import { Eme } from "./eme/session.js";
import { mark } from "./marks.js";
import type { Command, FromCore, Keys, Order, Question, ToCore, Told, Topology, Value } from "./messages.js";
import { ask } from "./net/early.js";
import { transferable, wipe, type LicenceAnswer, type LicenceQuestion } from "./net/licence.js";
import type { SinkOrder } from "./sink/away.js";
import type { Delegate } from "./sink/delegate.js";
import { Screen } from "./sink/element.js";
import { hasEngine, Link, playsNatively } from "./topology.js";

export type { BySystem, Drm } from "./drm.js";
export type { Told, Topology, Value } from "./messages.js";
export type { LicenceRequest, LicenceResponse } from "./net/licence.js";

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
  /** Keys, key systems and licence servers for protected titles. Default: ClearKey, with the key files and servers that titles name. */
  drm?: Drm;
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
  /** Orders that wait for the element to be ready for another title. */
  #held: (Order | SinkOrder)[] | undefined;
  #eme = new Eme((cdm) => this.#post({ cdm }, [cdm.buffer]));
  #questions = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #asked = 0;
  #wanted = false;
  /** The worker has what it needs to ask for itself. */
  #begun = false;

  constructor(options: Options = {}) {
    super();
    mark("player");
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
    this.#eme.attach(video);
  }

  /** Takes other keys and licence servers, from the next `load` on. */
  setDrm(drm: Drm): void {
    this.#options = { ...this.#options, drm };
    const keys = keysOf(drm);
    this.#post({ keys }, [keys.letter.buffer]);
  }

  /** Loads a playlist or an MPD, and begins at a time in seconds, or where the title does. */
  load(url: string | URL, { start = NaN }: { start?: number } = {}): void {
    // What a defect ended is replaced.
    this.#core ??= this.#started();
    const { href } = new URL(url, document.baseURI);
    // Before the worker can.
    const asked = !this.#begun && hasEngine() && ask(href, (early, transfer) => this.#post({ early }, transfer));
    this.#post({ command: ["load", href, start], asked });
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
    this.#eme.close();
    this.#eme.attach(undefined);
    this.#end("the player was destroyed");
  }

  #started(): Link {
    const { workerUrl = new URL("./worker.js", import.meta.url), wasmUrl = new URL("./telecine.wasm", import.meta.url), topology, drm } = this.#options;
    const core = new Link({
      workerUrl: new URL(workerUrl, document.baseURI),
      topology,
      hear: (message) => this.#hear(message),
      broken: (message) => this.#defect(message),
    });
    const keys = drm && keysOf(drm);
    // Behind what is asked for meanwhile: that waits there.
    void compiled(new URL(wasmUrl, document.baseURI).href).then((wasm) => {
      core.post({ begin: { wasm, settings: settings(this.#options), topology, keys } }, keys ? [keys.letter.buffer as ArrayBuffer] : []);
      this.#begun ||= core === this.#core;
    });
    return core;
  }

  #command(...command: Command): void {
    this.#post({ command });
  }

  #post(message: ToCore, transfer: Transferable[] = []): void {
    this.#core?.post(message, transfer);
  }

  #ask<T>(ask: Question): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#core) return reject(new Error("there is no player any more"));
      const id = ++this.#asked;
      this.#questions.set(id, { resolve, reject });
      this.#post({ ask, id });
    });
  }

  #hear({ orders, events, topology, cdm = [], licence, answer, defect }: FromCore): void {
    this.#topology = topology ?? this.#topology;
    this.#obey(orders);
    for (const letter of cdm) this.#eme.obey(letter);
    if (licence) void this.#filter(licence);
    if (answer) {
      this.#questions.get(answer.id)?.resolve(answer.value as never);
      this.#questions.delete(answer.id);
    }
    for (const event of events) this.#tell(event);
    if (defect !== undefined) this.#defect(defect);
  }

  #obey(orders: (Order | SinkOrder)[]): void {
    if (this.#held) {
      this.#held.push(...orders);
      return;
    }
    for (const [place, order] of orders.entries()) {
      if (order[0] === "sink") {
        this.#delegated(order);
        continue;
      }
      if (order[0] === "attach" && this.#eme.leaving) {
        this.#held = orders.slice(place);
        void this.#eme.leaving.then(() => {
          const held = this.#held ?? [];
          this.#held = undefined;
          this.#obey(held);
        });
        return;
      }
      this.#screen?.obey(order);
      if (order[0] === "detach") this.#eme.leave();
    }
  }

  #delegated(order: SinkOrder): void {
    this.#delegate ??= import("./sink/delegate.js").then(
      ({ Delegate }) =>
        new Delegate(
          (of, word) => this.#post({ word, of }),
          (order) => this.#obey([order]),
        ),
    );
    // One behind the other, as promises are kept.
    this.#delegate.then(
      (delegate) => delegate.obey(order),
      (error: unknown) => this.#defect(`the player does not start: ${String(error)}`),
    );
  }

  /** The application's say about a licence. What its callbacks throw is its own, as with listeners of events. */
  async #filter({ id, request, response }: LicenceQuestion): Promise<void> {
    const { licenceRequest, licenceResponse } = this.#options.drm ?? {};
    const licence: LicenceAnswer = { id };
    try {
      if (response) licence.response = (await licenceResponse?.(request, response)) ?? response;
      else licence.request = (await licenceRequest?.(request)) ?? request;
    } catch (error) {
      reportError(error);
    }
    this.#post({ licence }, transferable(licence.request?.body, licence.response?.body));
    if (response) wipe(request.body);
  }

  #tell(detail: Told): void {
    this.dispatchEvent(new CustomEvent(detail.type.toLowerCase(), { detail }));
    this.dispatchEvent(new CustomEvent("told", { detail }));
  }

  /** A defect ends the worker; the next `load` gets another one. */
  #defect(message: string): void {
    this.#held = undefined;
    this.#obey([["detach"]]);
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
    this.#eme.close();
    this.#core?.end();
    this.#core = undefined;
    this.#begun = false;
    void this.#delegate?.then((delegate) => delegate.close());
    this.#delegate = undefined;
    for (const { reject } of this.#questions.values()) reject(new Error(why));
    this.#questions.clear();
  }
}

function keysOf(drm: Drm): Keys & { letter: Uint8Array<ArrayBuffer> } {
  return { letter: letterOf(drm), interest: interestOf(drm) };
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
