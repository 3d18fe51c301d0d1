// Filters of requests, and of answers with licences.

import type { LicenceRequest, LicenceResponse, MediaRequest } from "../../player.js";
import { Unsupported } from "../absent.js";

/** Shaka's types of requests. */
export const RequestType = { MANIFEST: 0, SEGMENT: 1, LICENSE: 2, APP: 3, TIMING: 4, SERVER_CERTIFICATE: 5, KEY: 6 };

/** As Shaka calls it. */
export type Filter = (type: number, message: Message, context?: object) => void | Promise<void>;

interface Message {
  uris: string[];
  uri: string;
  method: string;
  headers: { [name: string]: string };
  body: BufferSource | string | null;
  data: BufferSource | string | null;
  allowCrossSiteCredentials: boolean;
}

/** `getNetworkingEngine()`. */
export class Networking {
  readonly requests: Filter[] = [];
  readonly responses: Filter[] = [];

  /** The first has to be registered before `load`. */
  registerRequestFilter(filter: Filter): void {
    this.requests.push(filter);
  }

  unregisterRequestFilter(filter: Filter): void {
    this.requests.splice(this.requests.indexOf(filter) >>> 0, 1);
  }

  clearAllRequestFilters(): void {
    this.requests.length = 0;
  }

  /** To be registered before `load`. Called for answers with licences alone. */
  registerResponseFilter(filter: Filter): void {
    this.responses.push(filter);
  }

  unregisterResponseFilter(filter: Filter): void {
    this.responses.splice(this.responses.indexOf(filter) >>> 0, 1);
  }

  clearAllResponseFilters(): void {
    this.responses.length = 0;
  }

  /** Of a manifest, media, or what belongs to them. */
  async change(request: MediaRequest): Promise<MediaRequest> {
    const { url, headers, kind } = request;
    const message = await this.#filtered(kind === "media" ? RequestType.SEGMENT : RequestType.MANIFEST, messageOf(url, headers, null, "GET"));
    if (message.method !== "GET" || message.body !== null) throw new Unsupported("telecine/shaka", "method or body of requests for media");
    return { ...request, ...changed(message, url) };
  }

  async ask(request: LicenceRequest): Promise<LicenceRequest> {
    const { kind, url, headers, body } = request;
    const type = kind === "key" ? RequestType.KEY : kind === "certificate" ? RequestType.SERVER_CERTIFICATE : RequestType.LICENSE;
    const message = await this.#filtered(type, messageOf(url, headers, body, body === null ? "GET" : "POST"));
    return { ...request, body: message.method === "GET" ? null : message.body, ...changed(message, url) };
  }

  async answer({ url }: LicenceRequest, response: LicenceResponse): Promise<LicenceResponse> {
    const message = messageOf(url, {}, response.body, "POST");
    for (const filter of this.responses) await filter(RequestType.LICENSE, message);
    return { ...response, body: message.data ?? response.body };
  }

  async #filtered(type: number, message: Message): Promise<Message> {
    for (const filter of [...this.requests]) await filter(type, message, {});
    return message;
  }
}

function messageOf(url: string, headers: { [name: string]: string }, body: BufferSource | string | null, method: string): Message {
  return { uris: [url], uri: url, method, headers: { ...headers }, body, data: body, allowCrossSiteCredentials: false };
}

/** What filters made of a request. */
function changed({ uris, headers, allowCrossSiteCredentials }: Message, url: string): Pick<MediaRequest, "url" | "headers"> & { credentials?: RequestCredentials } {
  return { url: uris[0] ?? url, headers, ...(allowCrossSiteCredentials ? { credentials: "include" } : {}) };
}
