// Media Source: beside the engine, or in the page where the engine is in a worker.

import { Buffer, type Configuration } from "./buffer.js";
import { mediaSource } from "./media.js";
import type { Lent, Owner, Sink } from "./sink.js";

/** Spans that are so close to each other end alike, seconds. */
const CLOSE = 0.1;
/** A second failure within so many seconds of the first one's place is for good. */
const SAME_PLACE = 2;

/** A media source and its buffers, by the numbers of the engine. */
export class Source implements Sink {
  #media: MediaSource;
  #generation = 0;
  #buffers = new Map<number, Buffer>();
  /** Every configuration is there. */
  #complete = false;
  /** Source buffers were made. */
  #begun = false;
  #duration: number | undefined;
  #window: [from: number, to: number] | undefined;
  /** Nothing follows behind what there is. What is in the middle may still be appended anew. */
  #ended = false;
  /** Where the element failed last. */
  #crash: number | undefined;
  #soon = false;
  #closed = false;

  constructor(readonly owner: Owner) {
    this.#media = this.#made(false);
  }

  configure(source: number, mime: string, init: Uint8Array<ArrayBuffer>): void {
    this.#buffer(source).configure({ mime, init });
    this.#wake();
  }

  open(): void {
    this.#complete = true;
    this.#wake();
  }

  append(source: number, offset: number, from: number, to: number, media: Lent): void {
    this.#buffer(source).append(offset, from, to, media);
    this.#wake();
  }

  remove(source: number, from: number, to: number): void {
    this.#buffer(source).remove(from, to);
    this.#wake();
  }

  silence(): void {
    // A gap in one of the buffers: not filled yet.
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  goOn(): void {
    this.#ended = false;
    for (const buffer of this.#buffers.values()) buffer.finish = 0;
  }

  disable(source: number): void {
    this.#buffers.get(source)?.leave(this.#media);
    this.#buffers.delete(source);
    this.#wake();
  }

  duration(seconds: number): void {
    this.#duration = seconds;
    this.#wake();
  }

  window(from: number, to: number): void {
    this.#window = [from, to];
    this.#wake();
  }

  crashed(generation: number, code: number, message: string, at: number): void {
    // What is said of one that is no more is old.
    if (generation !== this.#generation) return;
    const unreadable = [...this.#buffers.values()].find((buffer) => buffer.unreadable)?.unreadable;
    const again = this.#crash !== undefined && Math.abs(at - this.#crash) < SAME_PLACE;
    this.#crash = at;
    if (!again) return this.#rebuild();
    this.owner.failed(unreadable ? 5001 : code, [unreadable, message].filter(Boolean).join(": "));
  }

  resume(): void {
    for (const buffer of this.#buffers.values()) buffer.deaf = false;
  }

  /** Gives back all that is lent. */
  close(): void {
    this.#closed = true;
    for (const buffer of this.#buffers.values()) buffer.close();
    this.#buffers.clear();
  }

  /** Whether the element took it. */
  isOpen(generation: number): boolean {
    return generation !== this.#generation || this.#media.readyState !== "closed";
  }

  /** Hands on what was ordered, and was not begun: the element did not take it. */
  handOver(to: Sink): void {
    for (const [source, buffer] of this.#buffers) {
      for (const operation of buffer.handOver()) {
        if (operation.type === "configure") to.configure(source, operation.to.mime, operation.to.init);
        else if (operation.type === "remove") to.remove(source, operation.from, operation.to);
        else to.append(source, operation.offset, operation.from, operation.to, operation.media);
      }
    }
    if (this.#complete) to.open();
    if (this.#duration !== undefined) to.duration(this.#duration);
    if (this.#window) to.window(...this.#window);
    if (this.#ended) to.end();
    this.close();
  }

  #made(again: boolean): MediaSource {
    const Media = mediaSource();
    if (!Media) throw new Error("there is no Media Source here");
    const media = new Media();
    this.#generation += 1;
    const on = (name: string, act: () => void) => media.addEventListener(name, () => media === this.#media && !this.#closed && act());
    on("sourceopen", () => this.#pump());
    on("startstreaming", () => this.owner.appetite(true));
    on("endstreaming", () => this.owner.appetite(false));
    this.owner.attach(media, this.#generation, again);
    return media;
  }

  #buffer(number: number): Buffer {
    let buffer = this.#buffers.get(number);
    if (!buffer) {
      buffer = new Buffer({
        evicted: (from, to) => this.owner.evicted(number, from, to),
        failed: (code, message) => this.owner.failed(code, message),
        unchangeable: () => this.#rebuild(),
        idle: () => this.#settle(),
      });
      this.#buffers.set(number, buffer);
    }
    return buffer;
  }

  /** Another media source in place of this one, at the same position: the engine fills it again. */
  #rebuild(): void {
    const lost = [...this.#buffers].filter(([, buffer]) => buffer.isOpen).map(([number]) => number);
    for (const buffer of this.#buffers.values()) {
      if (!buffer.isOpen) continue;
      // That nothing follows is said once: it holds when all is there again.
      if (this.#ended) buffer.finish = Math.max(buffer.finish, buffer.end);
      buffer.restart();
    }
    this.#begun = false;
    this.#media = this.#made(true);
    this.owner.forgotten(lost);
  }

  /** Goes on when what is ordered now was ordered. */
  #wake(): void {
    if (this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      if (!this.#closed) this.#pump();
    });
  }

  /** Goes on where it can. */
  #pump(): void {
    if (this.#media.readyState === "closed") return;
    const buffers = [...this.#buffers.values()];
    // Before there is metadata: an element goes nowhere beyond the end.
    if (!this.#begun) this.#measure();
    if (this.#complete) {
      // Browsers make no source buffer any more once they were given bytes.
      if (this.#begun && buffers.some((buffer) => !buffer.isOpen && buffer.stream)) return this.#rebuild();
      try {
        for (const buffer of buffers) buffer.open(this.#media);
      } catch (error) {
        const { name, message } = error as DOMException;
        return this.owner.failed(name === "NotSupportedError" ? 5001 : 5002, message);
      }
      this.#begun ||= buffers.some((buffer) => buffer.isOpen);
      for (const buffer of buffers) buffer.pump();
    }
    this.#settle();
  }

  /** What can be done only while no buffer is at work. */
  #settle(): void {
    const media = this.#media;
    if (media.readyState === "closed" || ![...this.#buffers.values()].every((buffer) => buffer.isIdle)) return;
    if (this.#ended) {
      const full = [...this.#buffers.values()].every((buffer) => buffer.end >= buffer.finish - CLOSE);
      if (full && media.readyState === "open") media.endOfStream();
    } else {
      this.#measure();
    }
  }

  /** How long it is, and where one may go in it. */
  #measure(): void {
    const media = this.#media;
    if (media.readyState !== "open" || this.#duration === undefined) return;
    // It cannot end before what is buffered.
    const duration = Math.max(this.#duration, ...[...this.#buffers.values()].map((buffer) => buffer.end));
    if (media.duration !== duration) media.duration = duration;
    if (this.#window && duration === Infinity) media.setLiveSeekableRange(...this.#window);
  }
}
