// Media Source that is in the page while the engine is in a worker: orders go there, media by transfer.

import type { Lent, Owner, Sink } from "./sink.js";

/** Something lent on its way: the bytes, and the number by which they are given back. */
export interface Carried {
  id: number;
  parts: Uint8Array<ArrayBuffer>[];
}

type Sent<T extends unknown[]> = { [I in keyof T]: T[I] extends Lent ? Carried : T[I] };

/** An order to one of them: a method's name and its arguments. */
export type SinkOrder = { [Name in keyof Sink]: ["sink", of: number, name: Name, ...values: Sent<Parameters<Sink[Name]>>] }[keyof Sink];

type Say = Omit<Owner, "attach">;

/** What it tells, in the same way; and what becomes of what is lent. */
export type Word =
  | { [Name in keyof Say]: [name: Name, ...values: Parameters<Say[Name]>] }[keyof Say]
  | ["give_back", id: number]
  | ["full", id: number];

let count = 0;

/** The worker's side. */
export class Away implements Sink {
  /** Words about another one are not for this one. */
  readonly number = (count += 1);
  #lent = new Map<number, Lent>();
  #next = 0;

  constructor(
    readonly owner: Owner,
    readonly send: (order: SinkOrder) => void,
  ) {
    // An order that changes nothing: it is made, and opens, before there is anything for it.
    this.goOn();
  }

  configure(source: number, mime: string, init: Uint8Array<ArrayBuffer>): void {
    this.send(["sink", this.number, "configure", source, mime, init]);
  }

  open(): void {
    this.send(["sink", this.number, "open"]);
  }

  append(source: number, offset: number, from: number, to: number, media: Lent): void {
    const id = (this.#next += 1);
    this.#lent.set(id, media);
    const parts = Array.from({ length: media.count }, (_, index) => media.piece(index).slice());
    this.send(["sink", this.number, "append", source, offset, from, to, { id, parts }]);
  }

  remove(source: number, from: number, to: number): void {
    this.send(["sink", this.number, "remove", source, from, to]);
  }

  drop(source: number, from: number): void {
    this.send(["sink", this.number, "drop", source, from]);
  }

  silence(kind: number, from: number, to: number): void {
    this.send(["sink", this.number, "silence", kind, from, to]);
  }

  ended(kind: number): void {
    this.send(["sink", this.number, "ended", kind]);
  }

  end(): void {
    this.send(["sink", this.number, "end"]);
  }

  goOn(): void {
    this.send(["sink", this.number, "goOn"]);
  }

  disable(source: number): void {
    this.send(["sink", this.number, "disable", source]);
  }

  duration(seconds: number): void {
    this.send(["sink", this.number, "duration", seconds]);
  }

  window(from: number, to: number): void {
    this.send(["sink", this.number, "window", from, to]);
  }

  crashed(generation: number, code: number, message: string, at: number): void {
    this.send(["sink", this.number, "crashed", generation, code, message, at]);
  }

  resume(): void {
    this.send(["sink", this.number, "resume"]);
  }

  /** What was lent is not waited for: whoever has it lets go of it. */
  close(): void {
    for (const lent of this.#lent.values()) lent.giveBack();
    this.#lent.clear();
    this.send(["sink", this.number, "close"]);
  }

  /** What the page's side says. */
  hear(of: number, word: Word): void {
    if (of !== this.number) return;
    if (word[0] === "give_back" || word[0] === "full") {
      const lent = this.#lent.get(word[1]);
      this.#lent.delete(word[1]);
      if (word[0] === "full") lent?.full();
      else lent?.giveBack();
    } else {
      const [name, ...values] = word;
      (this.owner[name] as (...values: unknown[]) => void)(...values);
    }
  }
}
