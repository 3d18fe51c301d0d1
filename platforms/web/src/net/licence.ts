// Requests for licences, and what the application does to them and to their answers. Its callbacks are in the page, and asked
// by messages: they may take their time, which is the time of the request.

import { FieldReader } from "../boundary/fields.js";
import { Fault } from "./failure.js";

/** A request for a licence, or for what belongs to one. An application may rewrite all of it but `kind`, `system` and `attempt`. */
export interface LicenceRequest {
  /** What it asks for: EME's message types, or `key` (a file with a key in it), `certificate`, `provisioning`. */
  kind: "license-request" | "license-renewal" | "license-release" | "individualization-request" | "key" | "certificate" | "provisioning";
  /** EME's name of the key system, `com.widevine.alpha`. */
  system: string;
  url: string;
  headers: { [name: string]: string };
  /** What is posted; null to get. */
  body: BufferSource | string | null;
  /** Tries before this one. */
  attempt: number;
  /** Whether cookies go along. Default `same-origin`. */
  credentials: RequestCredentials;
}

/** A server's answer, of whatever status. */
export interface LicenceResponse {
  /** The HTTP status. A service that says 200 and then no can be made to mean what it says. */
  status: number;
  /** The licence, as the key system is to see it. */
  body: BufferSource | string;
}

/** What the page is asked: about a request, or about the answer to it. */
export interface LicenceQuestion {
  id: number;
  request: LicenceRequest;
  response?: LicenceResponse | undefined;
}

/** What it says: the same rewritten, or nothing if a callback failed. */
export interface LicenceAnswer {
  id: number;
  request?: LicenceRequest | undefined;
  response?: LicenceResponse | undefined;
}

/** What the page wants to be asked. */
export interface LicenceInterest {
  requests: boolean;
  responses: boolean;
}

/** A request as it came out of the module, and how long its answer may be. */
export interface Letter {
  request: LicenceRequest;
  maxBytes: number;
}

/** Opens a letter, and overwrites it. */
export function opened(letter: Uint8Array): Letter {
  const reader = new FieldReader(letter);
  const [kind, system, url] = [reader.text() as LicenceRequest["kind"], reader.text(), reader.text()];
  const [attempt, maxBytes, posted, bytes] = [reader.u32(), reader.f64(), reader.u8(), reader.bytes()];
  const headers = Object.fromEntries(Array.from({ length: reader.u32() }, () => [reader.text(), reader.text()]));
  letter.fill(0);
  const body = posted ? bytes : null;
  return { request: { kind, system, url, headers, body, attempt, credentials: "same-origin" }, maxBytes };
}

/** Overwrites what is posted or answered, where it is bytes of ours. */
export function wipe(body: BufferSource | string | null): void {
  // What went to another thread has no bytes any more.
  if (body instanceof Uint8Array && body.byteLength) body.fill(0);
}

/** The application's callbacks, as the network asks them. */
export class Licences {
  #waiting = new Map<number, { resolve(answer: LicenceAnswer): void; reject(fault: Fault): void }>();
  #last = 0;
  interest: LicenceInterest = { requests: false, responses: false };

  constructor(readonly ask: (question: LicenceQuestion, transfer: Transferable[]) => void) {}

  /** The request as the application wants it. */
  async request(request: LicenceRequest): Promise<LicenceRequest> {
    if (!this.interest.requests) return request;
    return (await this.#asked(request)).request ?? request;
  }

  /** The answer as the application wants it. */
  async response(request: LicenceRequest, response: LicenceResponse): Promise<LicenceResponse> {
    if (!this.interest.responses) return response;
    return (await this.#asked(request, response)).response ?? response;
  }

  /** The page has answered. */
  hear(answer: LicenceAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.request || answer.response) waiting?.resolve(answer);
    else waiting?.reject(new Fault(7002, "the application's callback failed"));
  }

  #asked(request: LicenceRequest, response?: LicenceResponse): Promise<LicenceAnswer> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.ask({ id, request, response }, transferable(request.body, response?.body));
    });
  }
}

/** Buffers that go along without leaving a copy behind. */
export function transferable(...bodies: (BufferSource | string | null | undefined)[]): Transferable[] {
  return bodies.flatMap((body) => (body instanceof Uint8Array && body.byteLength === body.buffer.byteLength ? [body.buffer as ArrayBuffer] : []));
}
