// What hls.js lets a page do to requests: its functions get an object to write down what they want of an XMLHttpRequest or a Request.

import type { LicenceRequest, LicenceResponse, MediaRequest, Options } from "../../player.js";
import { Unsupported } from "../absent.js";
import type { HlsConfig } from "./config.js";

/** What a page may tell an XMLHttpRequest before it is sent. */
export interface SetupXhr {
  /** 0 before `open`, 1 behind it. */
  readonly readyState: number;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  withCredentials: boolean;
}

/** Of whom a licence is asked for. hls.js has its session there, too. */
export interface KeyContext {
  keySystem: string;
}

/** What a page may read of a licence's XMLHttpRequest that is done. */
export interface DoneXhr {
  readonly readyState: number;
  readonly status: number;
  readonly response: ArrayBuffer;
  readonly responseURL: string;
}

/** What is asked for, as loaders of hls.js know it. */
export interface LoaderContext {
  url: string;
  responseType: string;
  headers: { [name: string]: string };
}

type Setup<T> = (xhr: SetupXhr) => T | Promise<T>;

/** Has a function write down what it wants of a request with this method; gives what it gives. */
async function setUp<T>(request: LicenceRequest | MediaRequest, is: string, setup: Setup<T>): Promise<T> {
  let readyState = 0;
  const xhr: SetupXhr = {
    get readyState() {
      return readyState;
    },
    open(method, url) {
      if (method.toUpperCase() !== is) throw new Unsupported("telecine/hls", `${method} where it is ${is}`);
      readyState = 1;
      request.url = String(url);
    },
    setRequestHeader(name, value) {
      const { headers } = request;
      for (const known in headers) if (known.toLowerCase() === name.toLowerCase()) delete headers[known];
      headers[name] = String(value);
    },
    withCredentials: request.credentials === "include",
  };
  const given = await setup(xhr);
  if (xhr.withCredentials) request.credentials = "include";
  return given;
}

/** The page's say about requests for manifests, media and keys: `xhrSetup`, or else `fetchSetup`. */
export function requestOf({ xhrSetup, fetchSetup }: Pick<HlsConfig, "xhrSetup" | "fetchSetup">): ((request: MediaRequest) => Promise<MediaRequest>) | undefined {
  if (xhrSetup) {
    return async (request) => {
      await setUp(request, "GET", (xhr) => xhrSetup(xhr, request.url));
      return request;
    };
  }
  if (!fetchSetup) return undefined;
  return async (request) => {
    const { url, headers, credentials } = request;
    const init = { method: "GET", mode: "cors" as const, credentials, headers: new Headers(headers), signal: new AbortController().signal };
    const made = (await fetchSetup({ url, responseType: "", headers: {} }, init)) ?? new Request(url, init);
    if (made.method !== "GET") throw new Unsupported("telecine/hls", `${made.method} where it is GET`);
    return { ...request, url: made.url, credentials: made.credentials, headers: Object.fromEntries(made.headers) };
  };
}

/** The page's say about licences. Files that hls.js loads as it does media are changed as that. */
export function licencesOf(hls: object, { licenseXhrSetup, licenseResponseCallback }: Pick<HlsConfig, "licenseXhrSetup" | "licenseResponseCallback">, change: ReturnType<typeof requestOf>): NonNullable<Options["drm"]> {
  const isFile = ({ kind }: LicenceRequest) => kind === "key" || kind === "certificate";
  const contextOf = ({ system }: LicenceRequest): KeyContext => ({ keySystem: system });
  const licenceRequest = async (request: LicenceRequest) => {
    if (isFile(request) && change) return { ...request, ...(await change({ ...request, kind: "manifest" })), kind: request.kind };
    if (!licenseXhrSetup) return request;
    const challenge = bytesOf(request.body);
    const payload = await setUp(request, request.body === null ? "GET" : "POST", (xhr) => licenseXhrSetup.call(hls, xhr, request.url, contextOf(request), challenge));
    return payload ? { ...request, body: payload } : request;
  };
  const licenceResponse = (request: LicenceRequest, response: LicenceResponse) => {
    if (!licenseResponseCallback || isFile(request) || response.status !== 200) return response;
    const xhr: DoneXhr = { readyState: 4, status: response.status, response: bytesOf(response.body).buffer, responseURL: request.url };
    return { ...response, body: licenseResponseCallback.call(hls, xhr, request.url, contextOf(request)) };
  };
  return { ...(licenseXhrSetup || change ? { licenceRequest } : {}), ...(licenseResponseCallback ? { licenceResponse } : {}) };
}

/** Bytes of their own. */
function bytesOf(body: BufferSource | string | null): Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body === null) return new Uint8Array();
  return ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() : new Uint8Array(body).slice();
}
