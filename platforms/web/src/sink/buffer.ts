// One source buffer and what waits for it. Operations are carried out one behind the other, as browsers want it.

/** What a buffer needs of its surroundings. */
export interface Surroundings {
  /** Bytes of the module's memory, as it is now. */
  bytes(place: number, length: number): Uint8Array<ArrayBuffer>;
  /** What a handle lends is looked at no more. */
  giveBack(handle: number): void;
  /** There is no room for what a handle lends; it is given back with that. */
  full(handle: number): void;
  failed(code: number, message: string): void;
  /** Nothing waits in this buffer. */
  idle(): void;
}

type Operation =
  | { type: "configure"; mime: string; handle: number; spans: number[] }
  | { type: "append"; handle: number; offset: number; from: number; to: number; spans: number[] }
  | { type: "remove"; from: number; to: number };

/** A source buffer. */
export class Buffer {
  #buffer: SourceBuffer | undefined;
  #mime = "";
  #queue: Operation[] = [];
  /** How far the spans of the first operation are. */
  #done = 0;

  constructor(readonly around: Surroundings) {}

  get isIdle(): boolean {
    return this.#queue.length === 0 && !this.#buffer?.updating;
  }

  /** Where its media ends; 0 without any. */
  get end(): number {
    const spans = this.#buffer?.buffered;
    return spans?.length ? spans.end(spans.length - 1) : 0;
  }


  push(operation: Operation): void {
    this.#queue.push(operation);
  }

  /** Makes the source buffer, for the first configuration that waits. */
  open(source: MediaSource): void {
    const first = this.#queue.find((operation) => operation.type === "configure");
    if (this.#buffer || !first) return;
    this.#mime = first.mime;
    this.#buffer = source.addSourceBuffer(first.mime);
    this.#buffer.addEventListener("updateend", () => this.pump());
    this.#buffer.addEventListener("error", () => this.around.failed(5001, `the browser cannot read what is appended as ${this.#mime}`));
  }

  /** Gives back what was lent to it, and takes no more. */
  close(): void {
    for (const operation of this.#queue) if (operation.type !== "remove") this.around.giveBack(operation.handle);
    this.#queue = [];
    this.#buffer = undefined;
  }

  /** Ends it, while others go on. */
  remove(source: MediaSource): void {
    const buffer = this.#buffer;
    this.close();
    if (buffer && source.readyState !== "closed") source.removeSourceBuffer(buffer);
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
        this.#queue.shift();
        this.#refused(buffer, operation, error);
      }
    }
  }

  /** One call of the browser's; true if it was the operation's last. */
  #step(buffer: SourceBuffer, operation: Operation): boolean {
    if (operation.type === "remove") {
      buffer.remove(operation.from, operation.to);
      return true;
    }
    if (this.#done === 0) {
      if (operation.type === "configure") {
        if (operation.mime !== this.#mime) buffer.changeType(operation.mime);
        this.#mime = operation.mime;
      } else {
        if (buffer.timestampOffset !== operation.offset) buffer.timestampOffset = operation.offset;
        // The start has to be before the end at any time.
        if (buffer.appendWindowStart !== operation.from || buffer.appendWindowEnd !== operation.to) {
          buffer.appendWindowStart = 0;
          buffer.appendWindowEnd = operation.to;
          buffer.appendWindowStart = operation.from;
        }
      }
    }
    const [place, length] = [operation.spans[this.#done], operation.spans[this.#done + 1]];
    if (place !== undefined && length !== undefined) {
      // The browser copies at the call.
      buffer.appendBuffer(this.around.bytes(place, length));
      this.#done += 2;
    }
    if (this.#done < operation.spans.length) return false;
    this.#done = 0;
    this.around.giveBack(operation.handle);
    return true;
  }

  #refused(buffer: SourceBuffer, operation: Operation, error: unknown): void {
    const { name, message } = error as DOMException;
    const begun = this.#done > 0;
    this.#done = 0;
    if (operation.type === "remove") return this.around.failed(5002, message);
    if (name === "QuotaExceededError") {
      if (begun) buffer.abort();
      return this.around.full(operation.handle);
    }
    this.around.giveBack(operation.handle);
    this.around.failed(name === "NotSupportedError" ? 5001 : 5002, message);
  }
}
