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
import type { Interstitial, Presentation, Qoe, Snapshot, State, StoredLicence } from "./boundary/told.js";
import { ADDRESS, AMOUNT, BOOLEAN, check, expect, NUMBER, oneOf, TEXT } from "./checks.js";
import { interestOf, letterOf, type Drm } from "./drm.js";
import { Eme } from "./eme/session.js";
import { Target } from "./events.js";
import { fault } from "./faults.js";
import { mark } from "./marks.js";
import type { Appetite, Command, FromCore, Keys, Order, Question, ToCore, Told, Topology } from "./messages.js";
import type { MediaAnswer, MediaQuestion } from "./net/changes.js";
import { ask, type Answer } from "./net/early.js";
import { transferable, wipe, type LicenceAnswer, type LicenceQuestion } from "./net/licence.js";
import type { SinkOrder } from "./sink/away.js";
import type { Delegate } from "./sink/delegate.js";
import { Screen } from "./sink/element.js";
import { LAST, rangesOf } from "./sink/ranges.js";
import { checkConstraints, checkDrm, checkOptions, preferred, ruleOf, settings, type Constraints, type Options, type Preferences } from "./options.js";
import { checkSpeed, Speed } from "./sink/speed.js";
import { hasEngine, Link, playsNatively } from "./topology.js";
import { World } from "./world/world.js";

export type * from "./boundary/told.js";
export type { BySystem, Drm } from "./drm.js";
export type { PlayerEvents, PlayerTarget } from "./events.js";
export type { Appetite, Topology, Value } from "./messages.js";
export type { Constraints, Options, Preferences } from "./options.js";
export type { MediaRequest, RequestFilter, RequestRule } from "./net/changes.js";
export type { LicenceRequest, LicenceResponse } from "./net/licence.js";

const KINDS = { video: 0, audio: 1, text: 2 } as const;
/** Commands that hold until the next of their name. */
const LASTING: Command[0][] = ["prefer", "constrain", "data_saver", "rate"];
/** States in which what was learnt of the network is kept. */
const KEEPS: State[] = ["paused", "ended", "failed", "stopped"];
const PRESSURES = ["none", "high", "critical"] as const;
// What arguments have to be.
const LOAD = { start: NUMBER, look: BOOLEAN };
const MEDIA = oneOf(["video", "audio"]);
const KIND = oneOf(Object.keys(KINDS));
const DATA_SAVER = { bytesPerHour: AMOUNT };
const PRESSURE = { level: oneOf(PRESSURES) };

/** A player. */
export class Player extends Target {
  #options: Options;
  #world: World;
  #core: Link | undefined;
  #topology: Topology | undefined;
  /** Media Source, where it is in the page and the engine is not. */
  #delegate: Promise<Delegate> | undefined;
  #screen: Screen | undefined;
  /** What is to be loaded as soon as there is an element. */
  #waiting: Parameters<Player["load"]> | undefined;
  /** Orders that wait for the element to be ready for another title. */
  #held: (Order | SinkOrder)[] | undefined;
  /** Orders of a title that is looked at. */
  #looked: (Order | SinkOrder)[] | undefined;
  #eme = new Eme((cdm) => this.#post({ cdm }, [cdm.buffer]));
  /** What was set for good: a core that takes the place of another is told it again. */
  #lasting = new Map<string, ToCore>();
  #questions = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #asked = 0;
  #wanted = false;
  #rate = 1;
  #destroyed = false;
  /** The core was given a title. */
  #loaded = false;
  /** The worker has what it needs to ask for itself. */
  #begun = false;
  /** Ends what the page asks for itself, as long as that is not handed over. */
  #early: AbortController | undefined;

  /** Throws `TypeError` where an option is of a wrong type, as the constructor does. */
  static check(options: Options): void {
    checkOptions(options);
  }

  constructor(options: Options = {}) {
    super();
    mark("player");
    Player.check(options);
    this.#options = options ?? {};
    this.#world = new World(
      (fact) => this.#post({ fact }),
      () => this.#ask("learnt"),
      this.#options.remember ?? true,
    );
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

  /** Plays into this element what waits for one, or else from the next `load` on. `sent` is told of each place that the player sends it to: other seeks are the page's,
   * or a viewer's. */
  attach(video: HTMLVideoElement, sent: (to: number) => void = () => {}): void {
    this.#alive();
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
      new Speed(video, this.#rate, (rate) => this.setRate(rate)),
      sent,
    );
    this.#screen.wanted = this.#wanted;
    this.#eme.attach(video);
    if (this.#waiting) this.load(...this.#waiting);
  }

  /** Takes other keys and licence servers, from the next `load` on. */
  setDrm(drm: Drm): void {
    checkDrm(drm);
    this.#options = { ...this.#options, drm };
    const keys = keysOf(drm ?? {});
    this.#post({ keys }, [keys.letter.buffer]);
  }

  /** The element that it plays into. */
  get video(): HTMLVideoElement | undefined {
    return this.#screen?.video;
  }

  /** Ends playback and lets go of the element. */
  detach(): void {
    this.stop();
    this.#eme.attach(undefined);
    this.#screen?.close();
    this.#screen = undefined;
  }

  /** Loads a playlist or an MPD, and begins at a time in seconds, or where the title does. Without an element it waits for one. With `look` no media is asked for and the
   * element is left alone until `goOn`, so that one can see what the title is (`loaded`): for a moment, as the engine waits for media. */
  load(url: string | URL, options: { start?: number; look?: boolean } = {}): void {
    this.#alive();
    expect("load", "url", url, ADDRESS);
    check("load", options, LOAD);
    const { href } = absolute(url);
    const { start, look } = options ?? {};
    this.#waiting = this.#screen || look ? undefined : [href, options];
    if (this.#waiting) return;
    // What a defect ended is replaced.
    this.#core ??= this.#started();
    const how = this.#changed(href);
    // Before the worker can.
    const asked = !this.#begun && hasEngine() && ask(href, how, (early, transfer) => this.#post({ early }, transfer));
    this.#post({ command: ["load", href, start ?? NaN], asked });
    this.#loaded = true;
    this.#leave();
    if (look) {
      this.#looked = [];
      this.#post({ hold: true });
    }
    if (this.#wanted) this.#command("play");
  }

  /** Goes on with a title that was looked at. */
  goOn(): void {
    this.#obey(this.#leave());
  }

  /** Plays as soon as enough is buffered. */
  play(): void {
    this.#wanted = true;
    this.#screen?.play();
    // A title that comes is told so.
    if (this.#loaded) this.#command("play");
  }

  /** Holds the picture; buffering goes on. */
  pause(): void {
    this.#wanted = false;
    this.#screen?.pause();
    if (this.#loaded) this.#command("pause");
  }

  /** Moves the playhead, to seconds; `Infinity` is the live edge. */
  seek(position: number): void {
    expect("seek", "position", position, NUMBER);
    const { duration = NaN, buffered } = this.video ?? {};
    // The end of a title is told by media before it, which have to be there.
    const last = duration - LAST;
    const known = duration === Infinity || (buffered && rangesOf(buffered).some(([, to]) => to > last));
    this.#command("seek", known || !(position > last) ? position : last);
  }

  /** Moves the playhead of a title with dates to what was made at a time. */
  seekToTime(time: Date | number): void {
    expect("seekToTime", "time", time instanceof Date ? +time : time, NUMBER);
    this.#command("seek_to_time", Number(time));
  }

  /** Sets the speed: 1 is normal. Throws `NotSupportedError` outside of 0.1 to 4. */
  setRate(rate: number): void {
    checkSpeed(rate);
    this.#rate = rate;
    if (this.#screen) this.#screen.speed.asked = rate;
    this.#command("rate", Math.round(rate * 1000));
  }

  /** Chooses a track by its id; null plays none of its kind. */
  select(kind: keyof typeof KINDS, id: string | null): void {
    expect("select", "kind", kind, KIND);
    if (id !== null) expect("select", "id", id, TEXT);
    const number = KINDS[kind];
    if (id === null) this.#command("disable", number);
    else this.#command("select", number, id);
  }

  /** Replaces what the viewer prefers, from the next choice of tracks on. */
  prefer(preferences: Preferences): void {
    this.#command("prefer", ...preferred(preferences));
  }

  /** Replaces what is not to be exceeded, from the next segment on. */
  constrain(constraints: Constraints): void {
    checkConstraints(constraints);
    const { maxHeight, maxBitrate, minBitrate, renditions } = constraints ?? {};
    const lines = (renditions ?? []).join("\n");
    this.#command("constrain", maxHeight ?? NaN, maxBitrate ?? NaN, minBitrate ?? NaN, lines);
  }

  /** Fetches what waits of a kind anew, as it is wanted by now: behind what is played in the next so many seconds, one at least. */
  fetchAnew(kind: "video" | "audio", after = 1): void {
    expect("fetchAnew", "kind", kind, MEDIA);
    expect("fetchAnew", "after", after, NUMBER);
    const { video } = this;
    if (video) this.#post({ anew: [KINDS[kind], video.currentTime + Math.max(1, after)] });
  }

  /** How many bytes may be spent for each hour that is watched, from the next segment on; null: as many as it takes. */
  setDataSaver(bytesPerHour: number | null): void {
    check("setDataSaver", { bytesPerHour }, DATA_SAVER);
    this.#command("data_saver", bytesPerHour ?? NaN);
  }

  /** How much the device is to be spared: `high` if it saves its battery or is hot, `critical` if it is about to throttle. */
  setPressure(level: (typeof PRESSURES)[number]): void {
    check("setPressure", { level }, PRESSURE);
    const message: ToCore = { fact: ["pressure", Math.max(0, PRESSURES.indexOf(level))] };
    this.#lasting.set("pressure", message);
    this.#post(message);
  }

  /** Leaves the interstitial that is played, if it allows that. */
  skip(): void {
    this.#command("skip");
  }

  /** Destroys a stored licence, as `licencestored` told it, and tells its server. */
  releaseLicence({ system, name, key_ids, expires, releasing }: StoredLicence): void {
    this.#command("release_licence", system, name, key_ids.join(), expires ?? NaN, releasing);
  }

  /** Ends playback. Something else may be loaded. */
  stop(): void {
    this.#waiting = undefined;
    this.#early?.abort();
    this.#command("stop");
    this.#leave();
  }

  /** What there is to see of the player now. */
  snapshot(): Promise<Snapshot> {
    return this.#ask("snapshot");
  }

  /** The title, with its tracks and renditions; null as long as none is loaded. */
  presentation(): Promise<Presentation | null> {
    return this.#ask("presentation");
  }

  /** Quality of experience so far. */
  qoe(): Promise<Qoe> {
    return this.#ask("qoe");
  }

  /** What is played in the middle of the title, as far as it is known, by its start. */
  interstitials(): Promise<Interstitial[]> {
    return this.#ask("interstitials");
  }

  /** What was recorded since the last call, with the option `record`. */
  recording(): Promise<Uint8Array> {
    return this.#ask("recording");
  }

  /** The hash of what the engine did so far. */
  actionHash(): Promise<string> {
    return this.#ask("action_hash");
  }

  /** Ends everything. `load` and `attach` throw `InvalidStateError` from then on. */
  destroy(): void {
    this.#destroyed = true;
    this.#world.close();
    this.#screen?.close();
    this.#screen = undefined;
    this.#eme.close();
    this.#eme.attach(undefined);
    this.#end("the player was destroyed");
  }

  #alive(): void {
    if (this.#destroyed) throw new DOMException("the player was destroyed", "InvalidStateError");
  }

  #started(): Link {
    const { workerUrl, wasmUrl, moreUrl, restUrl, topology, drm } = this.#options;
    const core = new Link({
      workerUrl: absolute(workerUrl ?? new URL("./worker.js", import.meta.url)),
      topology,
      hear: (message) => this.#hear(message),
      broken: (message, missing) => this.#defect(message, missing),
      lacks: (message) => this.#tell(fault(message, true, false)),
    });
    const keys = drm && keysOf(drm);
    const known = this.#world.known();
    const later = [moreUrl ?? new URL("./telecine.more.wasm", import.meta.url), restUrl ?? new URL("./telecine.rest.wasm", import.meta.url)].map((url) => absolute(url).href);
    // Behind what is asked for meanwhile: that waits there.
    void compiled(absolute(wasmUrl ?? new URL("./telecine.wasm", import.meta.url)).href).then((first) => {
      const begin = { module: { first, later }, settings: settings(this.#options), known, topology, keys };
      core.post({ begin }, keys ? [keys.letter.buffer as ArrayBuffer] : []);
      this.#begun ||= core === this.#core;
    });
    this.#loaded = false;
    for (const message of this.#lasting.values()) core.post(message);
    return core;
  }

  #command(...command: Command): void {
    const message = { command };
    if (LASTING.includes(command[0])) this.#lasting.set(command[0], message);
    this.#post(message);
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

  #hear({ orders, events, topology, cdm = [], licence, question, answer, defect, missing = false }: FromCore): void {
    this.#topology = topology ?? this.#topology;
    this.#obey(orders);
    for (const letter of cdm) this.#eme.obey(letter);
    if (licence) void this.#filter(licence);
    if (question) void this.#answered(question).then((changed) => this.#post({ changed }));
    if (answer) {
      this.#questions.get(answer.id)?.resolve(answer.value as never);
      this.#questions.delete(answer.id);
    }
    for (const event of events) this.#tell(event);
    if (defect !== undefined) this.#defect(defect, missing);
  }

  /** Media may be asked for. Gives the orders of what was looked at. */
  #leave(): (Order | SinkOrder)[] {
    const looked = this.#looked;
    if (looked) this.#post({ hold: false });
    this.#looked = undefined;
    return looked ?? [];
  }

  #obey(orders: (Order | SinkOrder)[]): void {
    const waits = this.#looked ?? this.#held;
    if (waits) {
      waits.push(...orders);
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
      (error: unknown) => this.#defect(`the player does not start: ${String(error)}`, true),
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

  /** Says how requests of a title are changed, if they are, and gives how the page makes the first. */
  #changed(title: string): (() => Promise<Answer>) | undefined {
    const { request } = this.#options;
    this.#early?.abort();
    if (!request) return undefined;
    const rule = ruleOf(request, title);
    this.#post({ change: rule, part: absolute(this.#options.changesUrl ?? new URL("./changes.js", import.meta.url)).href });
    const { signal } = (this.#early = new AbortController());
    return () => changing().then(({ early }) => early(request, rule, title, signal));
  }

  /** The application's say about a request. */
  #answered(question: MediaQuestion): Promise<MediaAnswer> {
    const { request } = this.#options;
    const answer = changing().then(({ filtered }) => filtered(request, question));
    return answer.catch((error: unknown) => ({ id: question.id, refused: String(error) }));
  }

  #tell(detail: Told | Appetite): void {
    // It may be the last that is heard of it.
    if (detail.type === "State" && KEEPS.includes(detail.state)) this.#world.keep();
    this.dispatchEvent(new CustomEvent(detail.type.toLowerCase(), { detail }));
    this.dispatchEvent(new CustomEvent("told", { detail }));
  }

  /** A defect, or a part that is not there, ends the worker; the next `load` gets another one. */
  #defect(message: string, missing: boolean): void {
    this.#held = this.#looked = undefined;
    this.#obey([["detach"]]);
    this.#end(message);
    const told = fault(message, missing);
    this.#tell(told);
    this.#tell({ type: "State", at: told.at, state: "failed" });
  }

  #end(why: string): void {
    this.#early?.abort();
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

const absolute = (url: string | URL) => new URL(url, document.baseURI);

/** The part that changes requests. */
const changing = () => import("./net/changes.js");

function keysOf(drm: Drm): Keys & { letter: Uint8Array<ArrayBuffer> } {
  return { letter: letterOf(drm), interest: interestOf(drm) };
}
