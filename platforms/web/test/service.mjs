// A licence service of another origin, in front of the origin's own licence server: what it wants of requests and makes of
// answers is the test's. Pages may read it.

import { createServer } from "node:http";

/** Bytes in base64, as EME writes identifiers. */
export const base64url = (hex) => Buffer.from(hex, "hex").toString("base64url");

/** A ClearKey licence (W3C EME, 9.1.4) of keys by their identifiers, in hexadecimal digits. */
export function licence(keys, type = "temporary") {
  const all = Object.entries(keys).map(([kid, key]) => ({ kty: "oct", kid: base64url(kid), k: base64url(key) }));
  return JSON.stringify({ keys: all, type });
}

/** The key of an identifier of the origin's titles: every bit turned over. */
export const keyOf = (kid) => Buffer.from(Buffer.from(kid, "hex").map((byte) => ~byte)).toString("hex");

/** The identifiers that a ClearKey request names. */
export const asked = (body) => JSON.parse(body).kids.map((kid) => Buffer.from(kid, "base64url").toString("hex"));

/** A server whose answer, `{ status, body, headers }`, is given for each request. `seen` has the requests; ends with `close()`. */
export async function service(answer) {
  const seen = [];
  const server = createServer(async (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, OPEN).end();
    const { method, url, headers } = request;
    const it = { method, url, headers, body: (await bodyOf(request)).toString() };
    seen.push(it);
    const answered = answer(it, seen.length);
    response.writeHead(answered.status ?? 200, { ...OPEN, ...answered.headers }).end(answered.body ?? "");
  });
  return { ...(await listening(server)), seen };
}

/** What pages of other origins need to read. */
const OPEN = { "access-control-allow-origin": "*", "access-control-allow-headers": "*, authorization", "access-control-allow-methods": "*" };

/** Where a server listens; ends with `close()`. */
async function listening(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** The body of a request. */
async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** The origin with its manifests rewritten: `rewrite(text)`. Ends with `close()`. */
export async function rewritten(origin, rewrite) {
  const server = createServer(async (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, OPEN).end();
    const { method, url } = request;
    const answer = await fetch(origin + url, method === "POST" ? { method, body: await bodyOf(request) } : { method });
    const bytes = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { ...OPEN, "content-type": answer.headers.get("content-type") ?? "" });
    response.end(/\.(mpd|m3u8)$/.test(url) ? rewrite(bytes.toString()) : bytes);
  });
  return listening(server);
}

/** Another origin in front of the origin. `seen` has what it was asked for: method, address, headers. `answer(request)` may answer itself, with
 * `{ status, headers, body }`; `rewrite(text)` changes manifests. Pages may read it with their cookies. Ends with `close()`. */
export async function front(origin, { answer = () => undefined, rewrite = (text) => text } = {}) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const open = {
      "access-control-allow-origin": headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": "authorization, x-token, range",
      "access-control-expose-headers": "content-range, date",
    };
    if (method === "OPTIONS") return response.writeHead(204, open).end();
    const it = { method, url, headers };
    seen.push(it);
    const own = answer(it, seen.length);
    if (own) return response.writeHead(own.status ?? 200, { ...open, ...own.headers }).end(own.body ?? "");
    const given = await fetch(origin + url, { method, headers: headers.range ? { range: headers.range } : {} });
    const kept = ["content-type", "content-range", "date"].filter((name) => given.headers.has(name)).map((name) => [name, given.headers.get(name)]);
    response.writeHead(given.status, { ...open, ...Object.fromEntries(kept) });
    if (/\.(mpd|m3u8)(\?|$)/.test(url)) return response.end(rewrite(await given.text()));
    // As it comes: something live is still being made.
    for await (const part of given.body ?? []) response.write(part);
    response.end();
  });
  return { ...(await listening(server)), seen };
}

/** A `pssh` box (ISO/IEC 23001-7, 8.1) of a system, in base64. */
export function pssh(system, data) {
  const id = Buffer.from(system.replaceAll("-", ""), "hex");
  const box = Buffer.concat([Buffer.alloc(4), Buffer.from("pssh"), Buffer.alloc(4), id, Buffer.alloc(4), data]);
  box.writeUInt32BE(box.length, 0);
  box.writeUInt32BE(data.length, 28);
  return box.toString("base64");
}
