// Where the engine runs, and how the page talks to it: a worker where there is one, else the page itself. A worker that the
// page may not have (no such thing, another origin, a policy) is done without, and nobody has to know.

import { canRun } from "./boundary/module.js";
import { started } from "./core/started.js";
import type { FromCore, ToCore, Topology } from "./messages.js";
import { mediaSource } from "./sink/media.js";

/** What a page has to know of the core. */
interface Place {
  workerUrl: URL;
  topology: Topology | undefined;
  hear(message: FromCore): void;
  /** It ended by itself, or something of it is `missing`. */
  broken(message: string, missing: boolean): void;
  /** It is done without something. */
  lacks(message: string): void;
}

/** The core, at the other end. */
export class Link {
  #post: ((message: ToCore, transfer: Transferable[]) => void) | undefined;
  #close: (() => void) | undefined;
  /** What was said before there was an answer: for whoever comes in its place. */
  #unanswered: ToCore[] | undefined = [];
  #ended = false;

  constructor(readonly place: Place) {
    const worker = place.topology === "page" || !hasEngine() ? undefined : started(place.workerUrl);
    if (!hasEngine()) void this.#natively();
    else if (worker) this.#there(worker);
    else void this.#here();
  }

  /** Until there was an answer letters are copied: they may have to be said again, elsewhere. An answer that was handed over is asked
   * for again there. */
  post(message: ToCore, transfer: Transferable[] = []): void {
    const early = "early" in message;
    this.#unanswered?.push(early ? { early: { url: message.early.url } } : message);
    this.#post?.(message, this.#unanswered && !early ? [] : transfer);
  }

  end(): void {
    this.#ended = true;
    this.#close?.();
  }

  #there(worker: Worker): void {
    this.#post = (message, transfer) => worker.postMessage(message, transfer);
    this.#close = () => worker.terminate();
    worker.onmessage = ({ data }: MessageEvent<FromCore>) => {
      this.#unanswered = undefined;
      this.place.hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.#ended) return;
      if (!this.#unanswered) return this.place.broken(event.message || "the worker ended", false);
      // It never began.
      this.place.lacks(`${this.place.workerUrl.href} does not load as a worker, and the engine is in the page`);
      worker.terminate();
      this.#post = undefined;
      void this.#here();
    };
  }

  #here(): Promise<void> {
    return this.#within(async () => {
      const { Loop } = await import("./core/loop.js");
      const loop = new Loop("page", this.#hear);
      return { take: (message) => loop.take(message), end: () => loop.end() };
    });
  }

  #natively(): Promise<void> {
    return this.#within(async () => {
      const { Native } = await import("./native.js");
      const native = new Native(this.#hear);
      return { take: (message) => native.post(message), end: () => {} };
    });
  }

  /** Not before whoever says something is done with it, as with a worker. */
  #hear = (message: FromCore) => queueMicrotask(() => this.#ended || this.place.hear(message));

  /** Something in the page takes what is said. */
  async #within(made: () => Promise<{ take(message: ToCore): void; end(): void }>): Promise<void> {
    try {
      const { take, end } = await made();
      if (this.#ended) return end();
      this.#post = (message) => queueMicrotask(() => take(message));
      this.#close = end;
      this.#unanswered?.forEach((message) => this.#post?.(message, []));
      this.#unanswered = undefined;
    } catch (error) {
      if (!this.#ended) this.place.broken(`the player does not start: ${String(error)}`, true);
    }
  }
}

/** Whether the engine can run and be heard of: else the browser is left to itself. */
export function hasEngine(): boolean {
  return canRun() && mediaSource() !== undefined;
}

/** Whether this browser plays HLS by itself. */
export function playsNatively(): boolean {
  return document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
}
