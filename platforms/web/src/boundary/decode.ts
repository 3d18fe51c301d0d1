// Reads the outbox: a method of the handler for each record, with plain arguments.

import type { Told, Value } from "../messages.js";
import { Shape, Tag } from "./schema.js";

/** What is done about records. `spans` are places and lengths in turn, in the module's memory. */
export interface Handler {
  fetch(order: FetchOrder): void;
  cancel(slot: number): void;
  configure(source: number, mime: string, handle: number, spans: number[]): void;
  open(): void;
  append(source: number, handle: number, offset: number, from: number, to: number, spans: number[]): void;
  remove(source: number, from: number, to: number): void;
  silence(kind: number, from: number, to: number): void;
  ended(kind: number): void;
  endOfStream(): void;
  play(): void;
  pause(): void;
  rate(rate: number): void;
  seek(position: number): void;
  disable(source: number): void;
  stop(): void;
  duration(seconds: number): void;
  event(event: Told): void;
  /** Something for the key system. */
  cdm(letter: Loan): void;
  deadline(micros: number): void;
}

/** Bytes of the module's memory that are good until they are given back. */
export interface Loan {
  handle: number;
  place: number;
  length: number;
}

/** A request. */
export interface FetchOrder {
  slot: number;
  url: string;
  head: boolean;
  /** It may lead elsewhere. */
  redirects: boolean;
  /** The part that is wanted. */
  range: { first: number; last: number } | null;
  /** From 1, all else waits for it, to 6. */
  urgency: number;
  /** Milliseconds. */
  headTimeout: number;
  idleTimeout: number;
  /** Bits a second to read with at most; 0: any. */
  pace: number;
  /** Of a licence, or what belongs to one: how it is asked for. */
  letter: Loan | null;
}

const utf8 = new TextDecoder();

/** Reads what a turn left. */
export function decode(view: DataView, handler: Handler): void {
  const reader = new Reader(view);
  while (reader.left) reader.record(handler);
}

/** Reads a value that stands alone. */
export function value(view: DataView): Value {
  return new Reader(view).value();
}

class Reader {
  #at = 0;
  constructor(readonly view: DataView) {}

  get left(): boolean {
    return this.#at < this.view.byteLength;
  }

  #u8(): number {
    return this.view.getUint8(this.#at++);
  }

  #u32(): number {
    this.#at += 4;
    return this.view.getUint32(this.#at - 4, true);
  }

  #f64(): number {
    this.#at += 8;
    return this.view.getFloat64(this.#at - 8, true);
  }

  #blob(): Uint8Array {
    const length = this.#u32();
    const bytes = new Uint8Array(this.view.buffer, this.view.byteOffset + this.#at, length);
    this.#at += length;
    return bytes;
  }

  #text(): string {
    return utf8.decode(this.#blob());
  }

  #spans(): number[] {
    return Array.from({ length: 2 * this.#u32() }, () => this.#u32());
  }

  #lent(): Loan {
    return { handle: this.#u32(), place: this.#u32(), length: this.#u32() };
  }

  #order(): FetchOrder {
    const slot = this.#u32();
    const flags = this.#u8();
    const urgency = this.#u8();
    const url = this.#text();
    const range = { first: this.#f64(), last: this.#f64() };
    const [headTimeout, idleTimeout, pace] = [this.#f64(), this.#f64(), this.#f64()];
    const letter = flags & 4 ? this.#lent() : null;
    const [head, redirects] = [!!(flags & 1), !(flags & 8)];
    return { slot, url, head, redirects, range: flags & 2 ? range : null, urgency, headTimeout, idleTimeout, pace, letter };
  }

  // Arguments are read in their order: JavaScript evaluates them so.
  record(handler: Handler): void {
    const tag: Tag = this.#u8();
    switch (tag) {
      case Tag.Fetch:
        return handler.fetch(this.#order());
      case Tag.Cancel:
        return handler.cancel(this.#u32());
      case Tag.Configure:
        return handler.configure(this.#u8(), this.#text(), this.#u32(), this.#spans());
      case Tag.Open:
        return handler.open();
      case Tag.Append:
        return handler.append(this.#u8(), this.#u32(), this.#f64(), this.#f64(), this.#f64(), this.#spans());
      case Tag.Remove:
        return handler.remove(this.#u8(), this.#f64(), this.#f64());
      case Tag.Silence:
        return handler.silence(this.#u8(), this.#f64(), this.#f64());
      case Tag.EndOfStream:
        return handler.endOfStream();
      case Tag.Play:
        return handler.play();
      case Tag.Pause:
        return handler.pause();
      case Tag.Rate:
        return handler.rate(this.#f64());
      case Tag.Seek:
        return handler.seek(this.#f64());
      case Tag.Disable:
        return handler.disable(this.#u8());
      case Tag.Stop:
        return handler.stop();
      case Tag.Duration:
        return handler.duration(this.#f64());
      case Tag.Event:
        return handler.event(this.value() as unknown as Told);
      case Tag.Cdm:
        return handler.cdm(this.#lent());
      case Tag.Deadline:
        return handler.deadline(this.#f64());
      case Tag.Ended:
        return handler.ended(this.#u8());
      default:
        throw new Error(`no such record: ${tag satisfies never}`);
    }
  }

  value(shape: Shape = this.#u8()): Value {
    switch (shape) {
      case Shape.False:
      case Shape.True:
        return shape === Shape.True;
      case Shape.Number:
        return this.#f64();
      case Shape.Text:
        return this.#text();
      case Shape.Bytes:
        return this.#blob().slice();
      case Shape.List: {
        const list: Value[] = [];
        for (let next: Shape; (next = this.#u8()) !== Shape.End; ) list.push(this.value(next));
        return list;
      }
      case Shape.Map: {
        const map: { [name: string]: Value } = {};
        while (this.#u8() !== Shape.End) {
          const name = this.#text();
          map[name] = this.value();
        }
        return map;
      }
      default:
        return null;
    }
  }
}
