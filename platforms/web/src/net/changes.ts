// What an application changes of requests for manifests and media: headers, cookies, addresses. A part of its own, for pages that do. It is
// at work where requests are made; functions of the page are asked by messages there, and called here.

import { refused } from "../checks.js";
import type { Answer } from "./early.js";
import { first, send, type Asked, type Changed } from "./send.js";

/** A request for a manifest or media. An application may change `url`, `headers` and `credentials`. */
export interface MediaRequest {
  url: string;
  /** Without the range, which is the player's. */
  headers: { [name: string]: string };
  /** Whether cookies go along: `include` for those of another origin. */
  credentials: RequestCredentials;
  /** `media`: segments, their initialisation and index. `manifest`: all else, which is MPDs and playlists, and besides them key files of whole
   * segments, clocks and lists. */
  kind?: "manifest" | "media";
  /** Tries of the same before this one, that failed. */
  attempt?: number;
}

/** Headers and cookies for some origins. */
export interface RequestRule {
  /** Whether cookies go along. Default `same-origin`. */
  credentials?: RequestCredentials;
  headers?: Headers | { [name: string]: string };
  /** Where they go, as `https://cdn.example`: to nobody else. Default the origin of what is loaded. */
  origins?: string[];
}

/** Changes a request before it is made, or gives another. Called for each. */
export type RequestFilter = (request: MediaRequest) => MediaRequest | void | Promise<MediaRequest | void>;

/** What is to be done to requests: `null` has the page asked. */
export type Rule = { origins: string[]; headers: { [name: string]: string }; credentials?: RequestCredentials } | null;

/** What the page is asked. */
export interface MediaQuestion {
  id: number;
  request: MediaRequest;
}

/** What it says: the request as it is to be made, or why there is none. */
export interface MediaAnswer {
  id: number;
  request?: MediaRequest;
  refused?: string;
}

/** The application's function failed, in the page. `name` is what others know it by, who have no such class. */
export class Refused extends Error {
  override name = "Refused";
}

/** Makes requests as the application wants them. */
export class Changes {
  #rule: Rule = null;
  #waiting = new Map<number, (answer: MediaAnswer) => void>();
  #last = 0;
  /** How often something failed, by where it is. */
  #failed = new Map<string, number>();

  constructor(
    readonly ask: (question: MediaQuestion) => void,
    /** The error of an application that refuses. */
    readonly refusal: (message: string) => Error,
    /** What made a request fail. */
    readonly failure: (url: string, answered: boolean, error: unknown) => Promise<Error>,
  ) {}

  /** Another title. */
  begin(rule: Rule): void {
    this.#rule = rule;
    this.#failed.clear();
  }

  /** The page has answered. */
  hear(answer: MediaAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
  }

  /** It is to be told of as one that failed before. */
  failed({ url, range }: Asked): void {
    const key = keyOf(url, range);
    this.#failed.set(key, (this.#failed.get(key) ?? 0) + 1);
  }

  async send(order: Asked, signal: AbortSignal): Promise<Answer> {
    const key = keyOf(order.url, order.range);
    try {
      const { changed, origins } = await this.#changed(order, this.#failed.get(key) ?? 0, signal);
      const { status, url, headers, body } = await sent(order, changed, origins, signal).catch(async (error: unknown) => {
        throw signal.aborted ? error : await this.failure(changed.url, false, error);
      });
      if (status >= 400) this.failed(order);
      else this.#failed.delete(key);
      return { status, url: known(url, changed.url, order.url), headers, body };
    } catch (error) {
      // What is not wanted any more has not failed.
      if (typeof signal.reason !== "symbol") this.failed(order);
      throw error;
    }
  }

  async #changed({ url, range, urgency }: Asked, attempt: number, signal: AbortSignal): Promise<{ changed: Changed; origins: string[] }> {
    const rule = this.#rule;
    const plain = { url, headers: {}, credentials: "same-origin" } as const;
    if (rule) {
      const { origins, headers, credentials = "same-origin" } = rule;
      const goes = origins.includes(new URL(url).origin);
      return { changed: goes ? { url, headers, credentials } : plain, origins };
    }
    const kind = urgency > 1 || range ? "media" : "manifest";
    const changed = await this.#asked({ ...plain, headers: {}, kind, attempt }, signal);
    return { changed, origins: [new URL(changed.url).origin] };
  }

  #asked(request: MediaRequest, signal: AbortSignal): Promise<MediaRequest> {
    const id = ++this.#last;
    return new Promise<MediaRequest>((resolve, reject) => {
      // Nothing is made of what is no longer wanted.
      signal.addEventListener("abort", () => reject(this.refusal("the application's `request` did not answer in time")));
      this.#waiting.set(id, ({ request, refused = "" }) => (request ? resolve(request) : reject(this.refusal(refused))));
      signal.throwIfAborted();
      this.ask({ id, request });
    }).finally(() => this.#waiting.delete(id));
  }
}

const keyOf = (url: string, range: Asked["range"]) => `${url} ${range?.first}`;

/** Asks the application's function. What it throws is its own, as with listeners of events. */
export async function filtered(filter: RequestRule | RequestFilter | undefined, { id, request }: MediaQuestion): Promise<MediaAnswer> {
  try {
    const given = (await (filter as RequestFilter)(request)) ?? request;
    // Of the page's kind of headers, too.
    const headers = isList(given.headers) ? Object.fromEntries(given.headers) : given.headers;
    const wrong = mistake({ ...given, headers });
    if (wrong !== undefined) return { id, refused: `the application's \`request\`: ${wrong}` };
    return { id, request: { url: new URL(given.url, document.baseURI).href, headers: { ...headers }, credentials: given.credentials } };
  } catch (error) {
    reportError(error);
    return { id, refused: "the application's `request` failed" };
  }
}

const isList = (headers: unknown): headers is Iterable<[string, string]> => headers instanceof Object && Symbol.iterator in headers;

/** Makes the first request of a title in the page. Of what is not wanted any more nothing comes; what came is the worker's. */
export function early(filter: RequestRule | RequestFilter, rule: Rule, title: string, wanted: AbortSignal): Promise<Answer> {
  const asked = async (question: MediaQuestion) => changes.hear(await filtered(filter, question));
  // Why there is no answer the worker finds out.
  const changes = new Changes(asked, (message) => new Refused(message), async () => new Error());
  changes.begin(rule);
  const control = new AbortController();
  return new Promise((resolve, reject) => {
    let done = false;
    const unwanted = () => done || control.abort();
    if (wanted.aborted) unwanted();
    wanted.addEventListener("abort", unwanted);
    const tell = <T>(to: (it: T) => void) => (it: T) => {
      done = true;
      if (!wanted.aborted) to(it);
    };
    changes.send(first(title), control.signal).then(tell(resolve), tell(reject));
  });
}

/** What is wrong with a request, without what may be secret in it. */
function mistake({ url, headers, credentials }: MediaRequest): string | undefined {
  let to: URL | undefined;
  try {
    if (typeof url === "string" || (url as URL) instanceof URL) to = new URL(url, document.baseURI);
  } catch {
    // Nor is it one of a page.
  }
  if (!to) return "its url is none";
  // Browsers refuse them, in words that have them in it.
  if (to.username || to.password) return "its url has a name or password in it";
  if (!["omit", "same-origin", "include"].includes(credentials)) return 'its credentials are not "omit", "same-origin" or "include"';
  if (typeof headers !== "object" || headers === null) return "its headers are no object";
  return refused(headers);
}

/** Makes a request whose headers go to these origins alone. Where another redirects to, browsers take `Authorization` away (Fetch, HTTP-redirect
 * fetch), and send all others along: they do not say where it leads before they are there. */
async function sent(order: Asked, changed: Changed, origins: string[], signal: AbortSignal): Promise<Response> {
  const names = Object.keys(changed.headers);
  const safe = names.filter((name) => name.toLowerCase() === "authorization");
  if (safe.length === names.length || !order.redirects) return send(order, signal, changed);
  const answer = await send(order, signal, changed, "manual");
  if (answer.type !== "opaqueredirect") return answer;
  const led = await send(order, signal, { ...changed, headers: Object.fromEntries(safe.map((name) => [name, changed.headers[name] ?? ""])) });
  if (!led.redirected || !origins.includes(new URL(led.url).origin)) return led;
  // It is where they may go.
  void led.body?.cancel();
  return send(order, signal, { ...changed, url: led.url }, "error");
}

/** The address that answered, without what the application had put into the query: the engine tells of addresses, and resolves others against them. */
function known(answered: string, asked: string, ordered: string): string {
  const [from, to, of] = [answered || asked, asked, ordered].map((url) => new URL(url)) as [URL, URL, URL];
  // What of no server comes leads nowhere.
  if (!/^https?:$/.test(from.protocol)) return ordered;
  const place = ({ origin, pathname }: URL) => origin + pathname;
  if (place(from) === place(to) && place(from) === place(of)) return ordered;
  // As they are written, by hand: what reads them for us writes them anew.
  const pairs = ({ search }: URL) => search.slice(1).split("&");
  const parts = (pair: string) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)] as const;
  const before = pairs(of);
  const added = pairs(to).filter((pair) => pair && !before.includes(pair)).map(parts);
  const isAdded = (pair: string) => added.some(([name, value]) => name === parts(pair)[0] || (value && value === parts(pair)[1]));
  from.search = pairs(from).filter((pair) => !isAdded(pair)).join("&");
  return from.href;
}
