// One source buffer and what waits for it. Operations are carried out one behind the other, as browsers want it.

import { common, rangesOf, union, without, type Range } from "./ranges.js";
import type { Lent } from "./sink.js";

/** What is missing of what was buffered is told if it is missing for so long, milliseconds: media that takes the place of
 * other media takes more than itself at first. */
const MISSED_FOR = 1000;
/** Less is nothing to tell, seconds: spans end where frames do. */
const LEAST_TOLD = 0.1;
/** An element that failed, or let go of its media source, says so within this time, milliseconds. */
export const SAID_WITHIN = 2000;

/** What a buffer needs of its surroundings. */
export interface Surroundings {
  /** The browser dropped media by itself. */
  evicted(from: number, to: number): void;
  failed(code: number, message: string): void;
  /** The type cannot be changed: all is to begin anew, with the new one. */
  unchangeable(): void;
  /** Nothing waits in this buffer. */
  idle(): void;
}

/** A type, and what decoders begin with. */
export interface Configuration {
  mime: string;
  init: Uint8Array<ArrayBuffer>;
}

type Operation =
  | { type: "configure"; to: Configuration }
  | { type: "append"; offset: number; from: number; to: number; media: Lent }
  | { type: "remove"; from: number; to: number };

/** A source buffer. */
export class Buffer {
  #buffer: SourceBuffer | undefined;
  #mime = "";
  #queue: Operation[] = [];
  /** How many pieces of the first operation are in. */
  #done = 0;
  /** What is there, and what was there and was not removed by order. */
  #ours: Range[] = [];
  /** What of it was missing when last looked at. */
  #missing: Range[] = [];
  #look: ReturnType<typeof setTimeout> | undefined;
  #stream: Configuration | undefined;
  /** What is appended was ordered before it was known that there is nothing any more. */
  deaf = false;
  /** How far its media goes, where it is known that nothing follows. */
  finish = 0;
  /** Why what was appended could not be read. */
  unreadable: string | undefined;

  constructor(readonly around: Surroundings) {}

  /** What the engine configured last. */
  get stream(): Configuration | undefined {
    return this.#stream;
  }

  /** There is something to begin with. */
  get isConfigured(): boolean {
    return this.#queue.some(({ type }) => type === "configure");
  }

  /** It has more than one kind of track. */
  get isMuxed(): boolean {
    return /codecs="[^"]*,/.test(this.#stream?.mime ?? "");
  }

  get isOpen(): boolean {
    return this.#buffer !== undefined;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && !this.#buffer?.updating;
  }

  /** Where its media ends; 0 without any. */
  get end(): number {
    return this.#spans?.at(-1)?.[1] ?? 0;
  }

  /** What is buffered; nothing is known of it where the element let go of the source, and the worker does not know yet. */
  get #spans(): Range[] | undefined {
    try {
      return this.#buffer && rangesOf(this.#buffer.buffered);
    } catch (error) {
      if (isLetGo(error)) return undefined;
      throw error;
    }
  }

  configure(to: Configuration): void {
    this.#stream = to;
    this.#queue.push({ type: "configure", to });
  }

  /** As `configure`, for what is not the stream's: `back` returns to that. */
  lend(to: Configuration): void {
    this.#queue.push({ type: "configure", to });
  }

  back(): void {
    if (this.#stream) this.#queue.push({ type: "configure", to: this.#stream });
  }

  append(offset: number, from: number, to: number, media: Lent): void {
    if (this.deaf) media.giveBack();
    else this.#queue.push({ type: "append", offset, from, to, media });
  }

  remove(from: number, to: number): void {
    if (!this.deaf) this.#queue.push({ type: "remove", from, to });
  }

  /** Makes the source buffer, for the first configuration that waits. */
  open(source: MediaSource): void {
    const first = this.#queue.find((operation) => operation.type === "configure");
    if (this.#buffer || !first) return;
    this.#mime = first.to.mime;
    const buffer = source.addSourceBuffer(first.to.mime);
    this.#buffer = buffer;
    const on = (name: string, act: () => void) => buffer.addEventListener(name, () => buffer === this.#buffer && act());
    on("updateend", () => {
      this.#compare();
      this.pump();
    });
    // Of a managed source.
    on("bufferedchange", () => this.#compare());
    // The element fails with it, and says where.
    on("error", () => (this.unreadable = `the browser cannot read what is appended as ${this.#mime}`));
  }

  /** Lets go of the source buffer, and has the stream's configuration ready for another one. */
  restart(): void {
    const had = this.#buffer !== undefined;
    this.close();
    // What was never given anything has lost nothing, but all that waited was ordered for the one before.
    this.deaf = had || this.deaf;
    if (this.#stream) this.#queue.push({ type: "configure", to: this.#stream });
  }

  /** Gives back what was lent to it, and takes no more. */
  close(): void {
    clearTimeout(this.#look);
    this.#look = undefined;
    for (const operation of this.#queue) if (operation.type === "append") operation.media.giveBack();
    this.#queue = [];
    this.#done = 0;
    this.#ours = [];
    this.#missing = [];
    this.unreadable = undefined;
    this.#buffer = undefined;
  }

  /** Ends it, while others go on. */
  leave(source: MediaSource): void {
    const buffer = this.#buffer;
    this.close();
    if (buffer && source.readyState !== "closed") source.removeSourceBuffer(buffer);
  }

  /** Hands all that waits to somebody else. */
  *handOver(): Generator<Operation> {
    yield* this.#queue;
    this.#queue = [];
  }

  /** Goes on where it can. */
  pump(): void {
    const buffer = this.#buffer;
    while (buffer && buffer === this.#buffer && !buffer.updating) {
      const operation = this.#queue[0];
      if (!operation) return this.around.idle();
      try {
        if (this.#step(buffer, operation)) this.#queue.shift();
      } catch (error) {
        if (!this.#refused(buffer, operation, error as DOMException)) return;
      }
    }
  }

  /** One call of the browser's; true if it was the operation's last. */
  #step(buffer: SourceBuffer, operation: Operation): boolean {
    switch (operation.type) {
      case "remove":
        this.#ours = without(this.#ours, [[operation.from, operation.to]]);
        buffer.remove(operation.from, operation.to);
        return true;
      case "configure": {
        const { mime, init } = operation.to;
        // Older browsers cannot change it, and mind nothing but another codec.
        if (mime !== this.#mime && (buffer.changeType || kindOf(mime) !== kindOf(this.#mime))) buffer.changeType(mime);
        this.#mime = mime;
        buffer.appendBuffer(init);
        return true;
      }
      case "append": {
        const { offset, from, to, media } = operation;
        if (this.#done === 0) {
          if (buffer.timestampOffset !== offset) buffer.timestampOffset = offset;
          // The start has to be before the end at any time.
          if (buffer.appendWindowStart !== from || buffer.appendWindowEnd !== to) {
            buffer.appendWindowStart = 0;
            buffer.appendWindowEnd = to;
            buffer.appendWindowStart = from;
          }
        }
        if (this.#done < media.count) {
          // The browser copies at the call.
          buffer.appendBuffer(media.piece(this.#done));
          this.#done += 1;
        }
        if (this.#done < media.count) return false;
        this.#done = 0;
        media.giveBack();
        return true;
      }
    }
  }

  /** False if nothing more can be done for now. */
  #refused(buffer: SourceBuffer, operation: Operation, error: DOMException): boolean {
    const { name, message } = error;
    if (isLetGo(error)) {
      // The element failed, with a word about it that is on its way: the operation waits for what follows from that.
      setTimeout(() => buffer === this.#buffer && this.around.failed(5002, message), SAID_WITHIN);
      return false;
    }
    const begun = this.#done > 0;
    this.#done = 0;
    this.#queue.shift();
    if (operation.type === "configure" && operation.to.mime !== this.#mime) {
      this.around.unchangeable();
      return false;
    }
    if (operation.type === "append" && name === "QuotaExceededError") {
      if (begun) buffer.abort();
      operation.media.full();
      return true;
    }
    if (operation.type === "append") operation.media.giveBack();
    this.around.failed(name === "NotSupportedError" ? 5001 : 5002, message);
    return false;
  }

  /** Browsers drop what they want without a word. */
  #compare(): void {
    const there = this.#spans;
    if (!there) return;
    this.#ours = union(this.#ours, there);
    this.#missing = without(this.#ours, there).filter(([from, to]) => to - from > LEAST_TOLD);
    if (this.#missing.length && this.#look === undefined) {
      const missing = this.#missing;
      this.#look = setTimeout(() => this.#miss(missing), MISSED_FOR);
    }
  }

  /** Tells what is missing still. */
  #miss(then: Range[]): void {
    this.#look = undefined;
    this.#compare();
    const gone = common(then, this.#missing);
    this.#ours = without(this.#ours, gone);
    for (const [from, to] of gone) this.around.evicted(from, to);
  }
}

/** Whether the browser refuses because the element failed, or let go of the source, with a word about it that is on its way. */
export function isLetGo(error: unknown): error is DOMException {
  return (error as Partial<DOMException> | null)?.name === "InvalidStateError";
}

/** A type without the profiles of its codecs. */
function kindOf(mime: string): string {
  return mime.replace(/\.[^",]*/g, "");
}
