// Filters of requests: those of licences are asked. Media and manifests are fetched in a worker, where no function of the page is.

const LICENSE = 2;

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

interface Request {
  url: string;
  headers: { [name: string]: string };
  body: BufferSource | string | null;
  credentials?: string;
}

interface Response {
  status: number;
  body: BufferSource | string;
}

/** `getNetworkingEngine()`: filters of licences. */
export class Networking {
  readonly requests: Filter[] = [];
  readonly responses: Filter[] = [];

  /** To be registered before `load`. Called for requests of licences alone. */
  registerRequestFilter(filter: Filter): void {
    this.requests.push(filter);
  }

  unregisterRequestFilter(filter: Filter): void {
    this.requests.splice(this.requests.indexOf(filter) >>> 0, 1);
  }

  clearAllRequestFilters(): void {
    this.requests.length = 0;
  }

  registerResponseFilter(filter: Filter): void {
    this.responses.push(filter);
  }

  unregisterResponseFilter(filter: Filter): void {
    this.responses.splice(this.responses.indexOf(filter) >>> 0, 1);
  }

  clearAllResponseFilters(): void {
    this.responses.length = 0;
  }

  async ask(request: Request): Promise<Request> {
    const message = messageOf(request.url, request.headers, request.body);
    for (const filter of this.requests) await filter(LICENSE, message);
    const { uris, headers, body, allowCrossSiteCredentials } = message;
    return { ...request, url: uris[0] ?? request.url, headers, body, ...(allowCrossSiteCredentials ? { credentials: "include" } : {}) };
  }

  async answer(response: Response): Promise<Response> {
    const message = messageOf("", {}, response.body);
    for (const filter of this.responses) await filter(LICENSE, message);
    return { ...response, body: message.data ?? response.body };
  }
}

function messageOf(url: string, headers: { [name: string]: string }, body: BufferSource | string | null): Message {
  return { uris: [url], uri: url, method: "POST", headers: { ...headers }, body, data: body, allowCrossSiteCredentials: false };
}
