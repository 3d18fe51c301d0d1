// Requests: what is ordered is asked for, what comes is handed on. Whether to try again, and what an answer is worth, the
// engine decides.

import { Alarm } from "../alarm.js";
import type { FetchOrder } from "../boundary/decode.js";
import { bytesOf } from "../boundary/fields.js";
import { Body } from "./body.js";
import type { Changes, MediaQuestion, MediaAnswer, Rule } from "./changes.js";
import type { Answer, Early } from "./early.js";
import { Fault, failure } from "./failure.js";
import { opened, wipe, type Letter, type LicenceRequest, type Licences } from "./licence.js";
import { left } from "./litter.js";
import { load } from "./part.js";
import { first, send, type Asked } from "./send.js";

/** Where answers go. */
export interface Answers {
  head(slot: number, status: number, url: string, headers: string, date: number): void;
  chunk(slot: number, bytes: Uint8Array): void;
  end(slot: number): void;
  lost(slot: number, code: number, message: string): void;
}

/** A reason to abort that is none of the network's. */
const UNWANTED = Symbol("unwanted");

/** All requests of a player. */
export class Network {
  #running = new Map<number, AbortController>();
  #early: { url: string; control: AbortController; answer: Promise<Answer> } | undefined;
  /** Where the page's answer goes when it comes. */
  #expected: { url: string; signal: AbortSignal; come: (answer: Answer | Promise<Answer>) => void } | undefined;

  /** Orders for media, where none is to be asked for yet. */
  #held: Map<number, FetchOrder> | undefined;
  /** What the application changes of requests, if it does. */
  #changes: Promise<Changes> | undefined;

  constructor(
    readonly answers: Answers,
    readonly licences: Licences,
    /** Asks the page how a request is to be made. */
    readonly question: (question: MediaQuestion) => void,
  ) {}

  /** From now on requests are changed so, by a part that is there. */
  change(rule: Rule, part: string): void {
    this.#changes ??= load(part).then(
      ({ Changes }) => new Changes(this.question, (message) => new Fault(7002, message), failure),
      (error: unknown) => Promise.reject(new Fault(7005, String(error))),
    );
    // Each request tells that there is none.
    this.#changes.then((changes) => changes.begin(rule), () => {});
  }

  /** The page says how a request is to be made. */
  answered(answer: MediaAnswer): void {
    void this.#changes?.then((changes) => changes.hear(answer));
  }

  /** A manifest is wanted before the engine is there to order it: its order, which is the first, takes the answer over. The page asks for
   * it, or else this does. */
  early(url: string, byPage: boolean): void {
    this.#early?.control.abort(UNWANTED);
    const control = new AbortController();
    const { signal } = control;
    let come: ((answer: Answer | Promise<Answer>) => void) | undefined;
    const answer = byPage
      ? new Promise<Answer>((resolve, reject) => {
          come = resolve;
          signal.addEventListener("abort", () => reject(signal.reason));
        })
      : this.#ask(first(url), signal).then(({ status, url, headers, body }) => ({ status, url, headers, body, came: Date.now() }));
    // Whoever takes it over hears of it.
    answer.catch(() => {});
    this.#early = { url, control, answer };
    this.#expected = come ? { url, signal, come } : undefined;
  }

  /** What the page asked for is there. */
  handOver({ url, answer, refused }: Early): void {
    const expected = this.#expected;
    if (expected?.url !== url) return void answer?.body?.cancel();
    this.#expected = undefined;
    if (answer && answer.status >= 400) this.#changes?.then((changes) => changes.failed(first(url)), () => {});
    if (answer) expected.come({ ...answer, headers: new Headers(answer.headers) });
    else expected.come(refused === undefined ? this.#ask(first(url), expected.signal) : Promise.reject(new Fault(7002, refused)));
  }

  /** Asks for no media while it is on: only for what all else waits for. */
  hold(on: boolean): void {
    const held = this.#held;
    this.#held = on ? (held ?? new Map()) : undefined;
    if (!on) held?.forEach((order) => this.start(order));
  }

  /** With a letter it is a licence that is asked for, as that says. */
  start(order: FetchOrder, letter?: Uint8Array): void {
    if (this.#held && order.urgency > 1) return void this.#held.set(order.slot, order);
    const early = this.#early;
    this.#early = undefined;
    const taken = early?.url === order.url && !order.head && !order.range ? early : undefined;
    if (!taken) {
      early?.control.abort(UNWANTED);
      this.#expected = undefined;
    }
    const control = taken?.control ?? new AbortController();
    this.#running.set(order.slot, control);
    void this.#run(order, control, taken?.answer, letter && opened(letter)).finally(() => {
      this.#running.delete(order.slot);
      left();
    });
  }

  /** Nothing more is wanted of it. */
  cancel(slot: number): void {
    this.#running.get(slot)?.abort(UNWANTED);
    this.#running.delete(slot);
    this.#held?.delete(slot);
  }

  /** Nothing more is wanted of any. */
  end(): void {
    this.#early?.control.abort(UNWANTED);
    for (const control of this.#running.values()) control.abort(UNWANTED);
    this.#running.clear();
  }

  async #run(order: FetchOrder, control: AbortController, early?: Promise<Answer>, letter?: Letter): Promise<void> {
    const { slot } = order;
    const { signal } = control;
    let answered = false;
    const patience = new Alarm(() => {
      const message = answered ? `no byte within ${order.idleTimeout} ms` : `no answer within ${order.headTimeout} ms`;
      control.abort(new Fault(1004, message));
    });
    const goesOn = () => patience.set(order.idleTimeout);
    let licence: LicenceRequest | undefined;
    try {
      if (letter) {
        licence = await this.licences.request(letter.request);
        signal.throwIfAborted();
      }
      patience.set(order.headTimeout);
      const response: Answer = await (early ?? (licence ? askLicence(licence, signal) : this.#ask(order, signal)));
      answered = true;
      signal.throwIfAborted();
      if (letter && licence && this.licences.interest.responses) {
        const body = await whole(response, letter.maxBytes, goesOn);
        patience.off();
        const answer = await this.licences.response(licence, { status: response.status, body });
        signal.throwIfAborted();
        const bytes = typeof answer.body === "string" ? new TextEncoder().encode(answer.body) : bytesOf(answer.body);
        this.#head(slot, answer.status, response, licence.url, ["content-length", "content-encoding"]);
        if (bytes.byteLength) this.answers.chunk(slot, bytes);
        bytes.fill(0);
        return this.answers.end(slot);
      }
      this.#head(slot, response.status, response, order.url);
      const body = order.head || !response.body ? undefined : new Body(response.body);
      // What the page handed over does not end by itself.
      if (body && early) signal.addEventListener("abort", () => body.cancel());
      const began = performance.now();
      let received = 0;
      while (body && !signal.aborted) {
        goesOn();
        const value = await body.read();
        if (!value) break;
        received += value.byteLength;
        this.answers.chunk(slot, value);
        if (licence) value.fill(0);
        if (order.pace) {
          patience.off();
          // What is not read is not sent for long: the windows of the connection fill.
          const due = began + (received * 8000) / order.pace;
          await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
        }
      }
      signal.throwIfAborted();
      this.answers.end(slot);
    } catch (error) {
      if (signal.reason === UNWANTED) return;
      const fault = [error, signal.reason].find((one) => one instanceof Fault) ?? await failure(licence?.url ?? order.url, answered, error);
      this.answers.lost(slot, fault.code, fault.message);
    } finally {
      patience.off();
      if (licence) wipe(licence.body);
    }
  }

  async #ask(order: Asked, signal: AbortSignal): Promise<Answer> {
    return this.#changes ? (await this.#changes).send(order, signal) : send(order, signal);
  }

  #head(slot: number, status: number, answer: Answer, asked: string, without: string[] = []): void {
    const lines = Array.from(answer.headers, ([name, text]) => (without.includes(name) ? "" : `${name}: ${text}\n`)).join("");
    this.answers.head(slot, status, answer.url || asked, lines, clock(answer));
  }
}

function askLicence({ url, headers, body, credentials }: LicenceRequest, signal: AbortSignal): Promise<Response> {
  // All else waits for it.
  return fetch(url, { method: body === null ? "GET" : "POST", headers, body, credentials, priority: "high", signal });
}

/** The whole of an answer, up to so many bytes. */
async function whole(response: Answer, most: number, waits: () => void): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader) {
    waits();
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.byteLength;
    if (length > most) throw new Fault(1010, `more than ${most} bytes`);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
    part.fill(0);
  }
  return all;
}

/** What the server's clock says now, by what it said as it answered; NaN if it did not. */
function clock({ headers, came }: Answer): number {
  return Date.parse(headers.get("date") ?? "") + (came === undefined ? 0 : Date.now() - came);
}
