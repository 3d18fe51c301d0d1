// A server of pages for tests: the built player with headers as a deployment may have them, and pages that are strings.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { root } from "./harness.mjs";

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

/** Serves `files` (texts by their paths) and what is in `platforms/web/dist`, under `/dist/`. `headers` go with everything; `answer` may
 * answer a request itself, and says so by true. */
export async function host({ files = {}, headers = {}, answer = () => false }) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    if (answer(pathname, response)) return;
    const built = pathname.startsWith("/dist/") && readFile(path.join(root, "platforms/web", path.normalize(pathname))).catch(() => undefined);
    const body = files[pathname] ?? (await built);
    const type = TYPES[path.extname(pathname)] ?? "text/html";
    response.writeHead(body === undefined || body === false ? 404 : 200, { "content-type": type, ...headers }).end(body || undefined);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** A page that runs one script, of its own origin. */
export const pageOf = (script, body = "") => ({
  "/": `<!doctype html><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>${body}`,
  "/app.js": script,
});
