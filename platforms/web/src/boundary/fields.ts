// Letters: records that go by themselves, field by field, little-endian. What is in them may be secret: whoever has read or
// sent one overwrites it.

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads fields one behind the other. */
export class FieldReader {
  #at = 0;
  #view: DataView;

  constructor(readonly letter: Uint8Array) {
    this.#view = new DataView(letter.buffer, letter.byteOffset, letter.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  f64(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  /** A copy of bytes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#piece());
  }

  text(): string {
    return decoder.decode(this.#piece());
  }

  texts(): string[] {
    return Array.from({ length: this.u32() }, () => this.text());
  }

  #piece(): Uint8Array {
    const length = this.u32();
    this.#at += length;
    return this.letter.subarray(this.#at - length, this.#at);
  }
}

/** Writes fields one behind the other. */
export class FieldWriter {
  #parts: Uint8Array[] = [];

  u8(value: number): this {
    this.#parts.push(Uint8Array.of(value));
    return this;
  }

  u32(value: number): this {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value, true);
    return this.#put(view);
  }

  f64(value: number): this {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value, true);
    return this.#put(view);
  }

  text(text: string): this {
    const bytes = encoder.encode(text);
    this.u32(bytes.length).#parts.push(bytes);
    return this;
  }

  /** A copy of bytes. */
  blob(source: BufferSource): this {
    const bytes = bytesOf(source).slice();
    this.u32(bytes.length).#parts.push(bytes);
    return this;
  }

  /** The letter; what it was made of is overwritten. */
  take(): Uint8Array<ArrayBuffer> {
    const letter = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      letter.set(part, at);
      at += part.length;
      part.fill(0);
    }
    this.#parts = [];
    return letter;
  }

  #put({ buffer }: DataView): this {
    this.#parts.push(new Uint8Array(buffer));
    return this;
  }
}

/** Bytes as such, of whatever view they come in. */
export function bytesOf(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
}
