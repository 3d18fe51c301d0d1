// Media Source, where the engine is.

import { Buffer, type Surroundings } from "./buffer.js";

/** A media source and its buffers, by the numbers of the engine. */
export class Source {
  readonly media = new MediaSource();
  #buffers = new Map<number, Buffer>();
  /** Every configuration is there. */
  #complete = false;
  #duration: number | undefined;
  /** Nothing follows behind what there is. What is in the middle may still be appended anew. */
  #ended = false;

  constructor(readonly around: Omit<Surroundings, "idle">) {
    this.media.addEventListener("sourceopen", () => this.pump());
  }

  /** The buffer of a number. */
  buffer(number: number): Buffer {
    let buffer = this.#buffers.get(number);
    if (!buffer) {
      buffer = new Buffer({ ...this.around, idle: () => this.#settle() });
      this.#buffers.set(number, buffer);
    }
    return buffer;
  }

  /** Buffers are made before the first byte is appended: browsers refuse later ones. */
  open(): void {
    this.#complete = true;
  }

  duration(seconds: number): void {
    this.#duration = seconds;
  }

  /** Nothing follows until the next seek. */
  end(): void {
    this.#ended = true;
  }

  /** Something may follow. */
  goOn(): void {
    this.#ended = false;
  }

  disable(number: number): void {
    this.#buffers.get(number)?.remove(this.media);
    this.#buffers.delete(number);
  }

  /** Gives back all that is lent. */
  close(): void {
    for (const buffer of this.#buffers.values()) buffer.close();
    this.#buffers.clear();
  }

  /** Goes on where it can. */
  pump(): void {
    if (this.media.readyState === "closed") return;
    if (this.#complete) {
      try {
        for (const buffer of this.#buffers.values()) buffer.open(this.media);
      } catch (error) {
        const { name, message } = error as DOMException;
        return this.around.failed(name === "NotSupportedError" ? 5001 : 5002, message);
      }
      for (const buffer of this.#buffers.values()) buffer.pump();
    }
    this.#settle();
  }

  /** What can be done only while no buffer is at work. */
  #settle(): void {
    const buffers = [...this.#buffers.values()];
    if (this.media.readyState === "closed" || !buffers.every((buffer) => buffer.isIdle)) return;
    if (this.#duration !== undefined && this.media.readyState === "open") {
      // It cannot end before what is buffered.
      const duration = Math.max(this.#duration, ...buffers.map((buffer) => buffer.end));
      if (this.media.duration !== duration) this.media.duration = duration;
      this.#duration = undefined;
    }
    if (this.#ended && this.media.readyState === "open") this.media.endOfStream();
  }
}
