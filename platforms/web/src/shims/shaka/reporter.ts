// What the engine tells of a title, in the events of Shaka, and in what its `load` comes to.

import type { Title, Told } from "../title.js";
import type { Configured } from "./configuration.js";
import { Category, Code, Severity, ShakaError } from "./errors.js";
import type { Switch } from "./statistics.js";
import { variantsOf, type Track } from "./tracks.js";

const WAITS = ["rebuffering", "seeking", "preparing"];
const LOADED = ["ready", "playing", "paused"];

/** Tells what becomes of titles. */
export class Reporter {
  buffering = false;
  switches: Switch[] = [];
  #loading: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(
    readonly to: EventTarget,
    readonly configured: Configured,
  ) {}

  /** Resolves once the title is known and its first media is there. */
  load(): Promise<void> {
    this.switches = [];
    this.tell("loading");
    return new Promise((resolve, reject) => (this.#loading = { resolve, reject }));
  }

  /** What loads is given up. */
  interrupt(): void {
    this.#loading?.reject(new ShakaError(Severity.CRITICAL, Category.PLAYER, Code.LOAD_INTERRUPTED));
    this.#loading = undefined;
  }

  hear(told: Told, title: Title): void {
    switch (told.type) {
      case "Loaded":
        for (const name of ["manifestparsed", "trackschanged", "streaming"]) this.tell(name);
        return this.#settle(title);
      case "State":
        return this.#state(title);
      case "Selected":
        if (told.kind === "text") {
          this.tell("textchanged");
        } else if (told.kind === "audio" && title.known) {
          this.tell("variantchanged", { oldTrack: null, newTrack: activeOf(title) });
          this.tell("audiotrackchanged");
        }
        return;
      case "Quality":
        return this.#adapted(told.kind, title);
      case "StallStarted":
        return this.tell("stalldetected");
      case "Error":
        return this.#failed(ShakaError.of(told.error));
      case "Ended":
        return this.tell("complete");
    }
  }

  tell(type: string, fields: object = {}): void {
    this.to.dispatchEvent(Object.assign(new Event(type), fields));
  }

  #state(title: Title): void {
    const { state } = title;
    const waits = WAITS.includes(state);
    if (waits !== this.buffering) {
      this.buffering = waits;
      this.tell("buffering", { buffering: waits });
    }
    this.#settle(title);
    if (state === "ready" || state === "playing") this.tell("loaded");
  }

  /** The load is done. */
  #settle({ known, state }: Title): void {
    if (!known || !LOADED.includes(state)) return;
    this.#loading?.resolve();
    this.#loading = undefined;
  }

  #failed(error: ShakaError): void {
    if (error.severity !== Severity.CRITICAL || !this.#loading) return this.tell("error", { detail: error });
    this.#loading.reject(error);
    this.#loading = undefined;
  }

  #adapted(kind: string, title: Title): void {
    if (kind !== title.ladderKind) return;
    const before = this.switches.at(-1);
    const active = activeOf(title);
    if (!active) return;
    const oldTrack = before === undefined ? null : (variantsOf(title)[before.id] ?? null);
    const { enabled } = this.configured.all.abr;
    this.switches.push({ timestamp: Date.now() / 1000, id: active.id, type: "variant", fromAdaptation: enabled, bandwidth: active.bandwidth });
    this.tell(enabled ? "adaptation" : "variantchanged", { oldTrack, newTrack: active });
  }
}

function activeOf(title: Title): Track | undefined {
  return variantsOf(title).find(({ active }) => active);
}
