// dist/: the player, its worker and the module in its two parts, each a file.
//
//     node build.mjs [CACHE] [--only PROTOCOL] [--watched]
//
// CACHE is a folder where the module that was made smaller is kept, for the same one the next time. A build of one protocol goes
// into a folder of dist/ of its name. With --watched the module is whole and tells what of it runs: see module/profile.mjs.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { readRan } from "./module/ran.mjs";
import { split, watched } from "./module/split.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const options = { only: { type: "string", default: "" }, watched: { type: "boolean", default: false } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const dist = at("dist", values.watched ? "watched" : "", values.only);
mkdirSync(dist, { recursive: true });

const module = at("wasm/telecine_bg.wasm");
const args = ["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-mutable-globals"];
args.push("--enable-reference-types", "--enable-multivalue", "--strip-producers", "--strip-target-features");
const { version } = JSON.parse(readFileSync(at("node_modules/binaryen/package.json"), "utf8"));
const digest = createHash("sha256").update(readFileSync(module)).update(args.join()).update(version).digest("hex").slice(0, 16);
// Minutes of work, and the same for the same module.
const cache = path.resolve(positionals[0] ?? at("wasm"));
mkdirSync(cache, { recursive: true });
const small = path.join(cache, `${digest}.wasm`);
if (!existsSync(small)) {
  execFileSync(at("node_modules/.bin/wasm-opt"), [...args, module, "-o", `${small}.part`], { stdio: "inherit" });
  // What is there is whole.
  renameSync(`${small}.part`, small);
}

const plugins = [];
rmSync(path.join(dist, "telecine.rest.wasm"), { force: true });
if (values.watched) {
  copyFileSync(small, path.join(dist, "whole.wasm"));
  writeFileSync(path.join(dist, "telecine.wasm"), watched(readFileSync(small)));
  // In place of what loads the rest is what tells what ran.
  const setup = ({ onResolve }) => onResolve({ filter: /\/rest\.js$/ }, () => ({ path: at("module/ran.ts") }));
  plugins.push({ name: "watched", setup });
} else {
  const { first, rest } = split(readFileSync(small), readRan(values.only));
  writeFileSync(path.join(dist, "telecine.wasm"), first);
  writeFileSync(path.join(dist, "telecine.rest.wasm"), rest);
}

await build({
  entryPoints: { telecine: at("src/player.ts"), worker: at("src/core/worker.ts") },
  outdir: dist,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
  plugins,
});
