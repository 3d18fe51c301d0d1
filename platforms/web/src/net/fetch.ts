// Requests: what is ordered is asked for, what comes is handed on. Whether to try again, and what an answer is worth, the
// engine decides.

import type { FetchOrder } from "../boundary/decode.js";
import { Fault, failure } from "./failure.js";

/** Where answers go. */
export interface Answers {
  head(slot: number, status: number, url: string, headers: string, date: number): void;
  chunk(slot: number, bytes: Uint8Array): void;
  end(slot: number): void;
  failed(slot: number, code: number, message: string): void;
}

/** A reason to abort that is none of the network's. */
const UNWANTED = Symbol("unwanted");

/** All requests of a player. */
export class Network {
  #running = new Map<number, AbortController>();
  #early: { url: string; control: AbortController; answer: Promise<Response> } | undefined;

  constructor(readonly answers: Answers) {}

  /** Asks for a manifest before the engine is there to order it: its order, which is the first, takes the answer over. */
  early(url: string): void {
    this.#early?.control.abort(UNWANTED);
    const control = new AbortController();
    const answer = fetch(url, { priority: "high", signal: control.signal });
    // Whoever takes it over hears of it.
    answer.catch(() => {});
    this.#early = { url, control, answer };
  }

  start(order: FetchOrder): void {
    const early = this.#early;
    this.#early = undefined;
    const taken = early?.url === order.url && !order.head && !order.range ? early : undefined;
    if (!taken) early?.control.abort(UNWANTED);
    const control = taken?.control ?? new AbortController();
    this.#running.set(order.slot, control);
    void this.#run(order, control, taken?.answer).finally(() => this.#running.delete(order.slot));
  }

  /** Nothing more is wanted of it. */
  cancel(slot: number): void {
    this.#running.get(slot)?.abort(UNWANTED);
    this.#running.delete(slot);
  }

  async #run(order: FetchOrder, control: AbortController, early?: Promise<Response>): Promise<void> {
    const { slot } = order;
    const { signal } = control;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const within = (ms: number, message: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => control.abort(new Fault(1004, message)), ms);
    };
    let answered = false;
    try {
      within(order.headTimeout, `no answer within ${order.headTimeout} ms`);
      const response = await (early ?? ask(order, signal));
      answered = true;
      signal.throwIfAborted();
      const lines = Array.from(response.headers, ([name, text]) => `${name}: ${text}\n`).join("");
      this.answers.head(slot, response.status, response.url || order.url, lines, Date.parse(response.headers.get("date") ?? ""));
      const reader = order.head ? undefined : response.body?.getReader();
      const began = performance.now();
      let received = 0;
      while (reader && !signal.aborted) {
        within(order.idleTimeout, `no byte within ${order.idleTimeout} ms`);
        const { done, value } = await reader.read();
        if (done) break;
        received += value.byteLength;
        this.answers.chunk(slot, value);
        if (order.pace) {
          clearTimeout(timer);
          // What is not read is not sent for long: the windows of the connection fill.
          const due = began + (received * 8000) / order.pace;
          await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
        }
      }
      signal.throwIfAborted();
      this.answers.end(slot);
    } catch (error) {
      if (signal.reason === UNWANTED) return;
      const fault = signal.reason instanceof Fault ? signal.reason : await failure(order.url, answered, error);
      this.answers.failed(slot, fault.code, fault.message);
    } finally {
      clearTimeout(timer);
    }
  }
}

function ask(order: FetchOrder, signal: AbortSignal): Promise<Response> {
  return fetch(order.url, {
    method: order.head ? "HEAD" : "GET",
    headers: order.range ? { range: `bytes=${order.range.first}-${order.range.last}` } : {},
    priority: order.urgency <= 1 ? "high" : order.urgency >= 5 ? "low" : "auto",
    redirect: order.redirects ? "follow" : "error",
    signal,
  });
}
