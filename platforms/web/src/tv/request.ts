// `fetch`, by XMLHttpRequest where the browser's cannot be stopped or gives no body while it comes: then a body comes as a whole.

import { AbortController } from "./abort.js";

type Signal = AbortController["signal"];

/** What is asked of a request, as far as the player asks it. */
interface Options {
  method?: string;
  headers?: { [name: string]: string };
  body?: BodyInit | null;
  credentials?: RequestCredentials;
  mode?: RequestMode;
  redirect?: RequestRedirect;
  priority?: RequestPriority;
  signal?: Signal;
}

/** What the player looks at of an answer. */
interface Answer {
  status: number;
  url: string;
  headers: Iterable<[name: string, value: string]> & { get(name: string): string | null };
  body: { getReader(options?: object): Whole | ReadableStreamDefaultReader<Uint8Array> } | null;
}

const inStreams = typeof self.fetch === "function" && typeof self.AbortController === "function" && "body" in self.Response.prototype;

export const fetch: (url: string | URL, options?: Options) => Promise<Answer> = inStreams ? native : asked;

/** The browser's, whose signals know no reasons. */
function native(url: string | URL, { signal, ...options }: Options = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const control = new self.AbortController();
    const stop = () => {
      control.abort();
      reject(signal?.reason);
    };
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop);
    self.fetch(String(url), { ...options, signal: control.signal }).then((answer) => resolve(answer as unknown as Answer), reject);
  });
}

function asked(url: string | URL, { method = "GET", headers = {}, body = null, credentials, mode, redirect, signal }: Options = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    // What may not be read is not asked for here.
    if (mode === "no-cors") return reject(new TypeError("not to be had"));
    const request = new XMLHttpRequest();
    request.open(method, String(url));
    request.responseType = "arraybuffer";
    request.withCredentials = credentials === "include";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    const whole = new Whole(request);
    request.onreadystatechange = () => {
      if (request.readyState !== 2) return;
      const from = request.responseURL || String(url);
      // That it was led elsewhere is seen when it was.
      if (redirect === "error" && from !== String(url).split("#")[0]) {
        request.abort();
        reject(new TypeError("it leads elsewhere, and may not"));
      }
      resolve({ status: request.status, url: from, headers: new Headers(request.getAllResponseHeaders()), body: { getReader: (options) => whole.only(options) } });
    };
    const failed = () => {
      const error = signal?.aborted ? signal.reason : new TypeError("Failed to fetch");
      reject(error);
      whole.fail(error);
    };
    request.onerror = failed;
    request.onabort = failed;
    signal?.addEventListener("abort", () => {
      request.abort();
      // One that was not sent yet says nothing.
      failed();
    });
    request.send(body as XMLHttpRequestBodyInit | null);
  });
}

/** What a reader gives. */
type Read = { done: false; value: Uint8Array<ArrayBuffer> } | { done: true; value: undefined };

/** A body that comes as a whole. Until then it gives pieces of nothing, as a sign that something comes. */
class Whole {
  #waiting: { resolve(read: Read): void; reject(error: unknown): void } | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #failed: { error: unknown } | undefined;
  #done = false;

  constructor(readonly request: XMLHttpRequest) {
    request.onprogress = () => this.#give({ done: false, value: new Uint8Array(0) });
    request.onload = () => {
      this.#bytes = new Uint8Array((request.response as ArrayBuffer | null) ?? new ArrayBuffer(0));
      this.#give();
    };
  }

  /** Its only reader, who cannot say where to read to. */
  only(options: object | undefined): this {
    if (options) throw new TypeError("it comes as a whole");
    return this;
  }

  read(): Promise<Read> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#failed) reject(this.#failed.error);
      else if (this.#bytes || this.#done) this.#give();
    });
  }

  cancel(): Promise<void> {
    this.request.abort();
    return Promise.resolve();
  }

  fail(error: unknown): void {
    this.#failed = { error };
    this.#waiting?.reject(error);
  }

  /** To who waits: a sign, or else what there is, and then the end. */
  #give(sign?: Read): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    const value = this.#bytes;
    if (sign) return waiting.resolve(sign);
    this.#done = true;
    this.#bytes = undefined;
    waiting.resolve(value ? { done: false, value } : { done: true, value: undefined });
  }
}

/** Headers of an answer, names in lower case as `fetch` has them. */
export class Headers {
  #all: [name: string, value: string][] = [];

  constructor(lines = "") {
    for (const line of lines.split("\r\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) this.#all.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
    }
  }

  get(name: string): string | null {
    const found = this.#all.find(([one]) => one === name.toLowerCase());
    return found ? found[1] : null;
  }

  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return this.#all[Symbol.iterator]();
  }
}
