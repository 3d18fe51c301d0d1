// Reading a body. What is read goes into the module at once, so one piece of memory serves for all of a body, and the next one:
// browsers would else make a piece for each chunk and collect all of them late.

/** Enough for what comes between two turns of a fast line. */
const ROOM = 128 * 1024;

/** Pieces that nobody reads into. */
const spare: ArrayBuffer[] = [];

/** A body that is read. */
export class Body {
  #bytes: ReadableStreamBYOBReader | undefined;
  #chunks: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #room: ArrayBuffer | undefined;

  constructor(body: ReadableStream<Uint8Array>) {
    try {
      this.#bytes = body.getReader({ mode: "byob" });
    } catch {
      // Not every browser lets one choose where.
      this.#chunks = body.getReader();
    }
  }

  /** Nothing more is wanted of it. */
  cancel(): void {
    // What ended already needs no end.
    (this.#bytes ?? this.#chunks)?.cancel().catch(() => {});
  }

  /** What comes next, good until the next call; undefined behind the end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#chunks) return (await this.#chunks.read()).value;
    const room = this.#room ?? spare.pop() ?? new ArrayBuffer(ROOM);
    this.#room = undefined;
    const read = await this.#bytes?.read(new Uint8Array(room));
    this.#room = read?.value?.buffer as ArrayBuffer | undefined;
    if (read && !read.done) return read.value;
    if (this.#room?.byteLength) spare.push(this.#room);
    this.#room = undefined;
    return undefined;
  }
}
