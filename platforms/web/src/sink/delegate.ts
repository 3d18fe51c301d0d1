// The page's side of Media Source where the engine is in a worker.

import type { Order } from "../messages.js";
import type { Carried, SinkOrder, Word } from "./away.js";
import type { Lent, Owner, Sink } from "./sink.js";
import { Source } from "./source.js";

/** Carries out what a worker orders. */
export class Delegate {
  #source: Source | undefined;
  #of = 0;

  constructor(
    readonly say: (of: number, word: Word) => void,
    readonly show: (order: Order) => void,
  ) {}

  obey([, of, name, ...values]: SinkOrder): void {
    if (of !== this.#of) this.close();
    if (name === "close") return this.close();
    this.#of = of;
    this.#source ??= new Source(this.#owner(of));
    const taken = (values as unknown[]).map((value) => (isCarried(value) ? this.#lent(of, value) : value));
    (this.#source[name] as (...values: unknown[]) => void)(...taken);
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #owner(of: number): Owner {
    return {
      attach: (media, generation, again) => this.show(["attach", URL.createObjectURL(media), generation, again]),
      evicted: (...values) => this.say(of, ["evicted", ...values]),
      forgotten: (...values) => this.say(of, ["forgotten", ...values]),
      failed: (...values) => this.say(of, ["failed", ...values]),
      appetite: (...values) => this.say(of, ["appetite", ...values]),
    };
  }

  #lent(of: number, { id, parts }: Carried): Lent {
    return {
      count: parts.length,
      piece: (index) => parts[index] ?? new Uint8Array(),
      giveBack: () => this.say(of, ["give_back", id]),
      full: () => this.say(of, ["full", id]),
    };
  }
}

/** The only values of orders that are objects, and not bytes. */
function isCarried(value: unknown): value is Carried {
  return typeof value === "object" && value !== null && "parts" in value;
}
