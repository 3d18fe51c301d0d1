// The folder that is served: a page for each player, what it loads, and gzip of every file beside it, as a site would have it.
// The origin sends that to whoever accepts it, to all players alike.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { players } from "./players.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, "../..");

/** Builds the folder; what each of its files weighs, by its path in it. */
export async function site(folder) {
  rmSync(folder, { recursive: true, force: true });
  const sizes = {};
  const put = (name, bytes) => {
    const place = path.join(folder, name);
    mkdirSync(path.dirname(place), { recursive: true });
    const gzip = gzipSync(bytes, { level: 9 });
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
    writeFileSync(place, bytes);
    writeFileSync(`${place}.gz`, gzip);
    sizes[name] = { raw: bytes.length, gzip: gzip.length, brotli: brotli.length };
  };
  for (const [id, player] of Object.entries(players)) {
    for (const file of player.files) put(`${id}/${file}`, await bytesOf(player, file));
    put(`${id}/index.html`, Buffer.from(page(player)));
  }
  put("wasm.html", readFileSync(path.join(here, "site/wasm.html")));
  put("telecine/glue.js", readFileSync(path.join(root, "platforms/web/wasm/telecine.js")));
  return sizes;
}

async function bytesOf(player, file) {
  if (player.bundle) {
    const stdin = { contents: player.bundle, resolveDir: here };
    const { outputFiles } = await build({ stdin, bundle: true, minify: true, write: false, format: "iife", globalName: "rx", target: "es2022", legalComments: "none" });
    return Buffer.from(outputFiles[0].contents);
  }
  const place = player.from ? path.join(here, "node_modules", player.from, file) : path.join(root, "platforms/web/dist", file);
  return readFileSync(place);
}

function page(player) {
  const observe = readFileSync(path.join(here, "site/observe.js"), "utf8");
  const library = player.module ? `import * as library from "./${player.module}";` : "";
  return `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>${player.name}</title>
<video muted playsinline width="1280" height="720"></video>
<script>${observe}</script>
${player.script ? `<script src="${player.script}"></script>` : ""}
<script type="module">
${library}
const video = document.querySelector("video");
const query = new URLSearchParams(location.search);
observe(video);
const set = ${player.set};
const player = set(video, { low: query.has("low") });
window.subject = player;
window.video = video;
window.start = (url) => {
  again();
  Promise.resolve(player.load(new URL(url, location).href)).catch((error) => bench.errors.push(String(error?.message ?? error?.code ?? error)));
};
if (query.has("url")) {
  start(query.get("url"));
}
</script>
`;
}
