// dist/: the player, its worker and the module in its parts, each a file.
//
//     node build.mjs [CACHE] [--only PROTOCOL] [--watched] [--quick]
//
// CACHE is a folder where the module that was made smaller is kept, for the same one the next time. A build of one protocol goes
// into a folder of dist/ for it. With --watched the module is whole and tells what of it runs: see module/profile.mjs. With --quick
// it is as the compiler left it.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { glue } from "./glue.mjs";
import { readRan } from "./module/ran.mjs";
import { split, watched } from "./module/split.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const flag = { type: "boolean", default: false };
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string", default: "" }, watched: flag, quick: flag } });
const dist = at("dist", values.watched ? "watched" : "", values.only && `only-${values.only}`);
const within = (...parts) => path.join(dist, ...parts);
// Some parts have names that change.
rmSync(within("parts"), { recursive: true, force: true });
const [FIRST, ...LATER] = ["telecine.wasm", "telecine.more.wasm", "telecine.rest.wasm"];
for (const name of LATER) rmSync(within(name), { force: true });
mkdirSync(dist, { recursive: true });

const module = at("wasm/telecine_bg.wasm");
/** The module made smaller: minutes of work, and the same for the same module. */
function smaller(cache) {
  const args = ["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-mutable-globals"];
  args.push("--enable-reference-types", "--enable-multivalue", "--strip-producers", "--strip-target-features");
  // Segments of data are what the linker made of each constant: they are cut too, and joined then.
  args.push("--skip-pass=memory-packing");
  const { version } = JSON.parse(readFileSync(at("node_modules/binaryen/package.json"), "utf8"));
  const digest = createHash("sha256").update(readFileSync(module)).update(args.join()).update(version).digest("hex").slice(0, 16);
  mkdirSync(cache, { recursive: true });
  const small = path.join(cache, `${digest}.wasm`);
  if (!existsSync(small)) {
    execFileSync(at("node_modules/.bin/wasm-opt"), [...args, module, "-o", `${small}.part`], { stdio: "inherit" });
    // What is there is whole.
    renameSync(`${small}.part`, small);
  }
  return small;
}

const plugins = [glue(at("wasm/telecine.js"))];
if (values.quick) {
  copyFileSync(module, within(FIRST));
} else {
  const small = smaller(path.resolve(positionals[0] ?? at("wasm")));
  if (values.watched) {
    copyFileSync(small, within("whole.wasm"));
    writeFileSync(within(FIRST), watched(readFileSync(small)));
    // In place of what loads the later parts is what tells what ran.
    const setup = ({ onResolve }) => onResolve({ filter: /\/parts\.js$/ }, () => ({ path: at("module/ran.ts") }));
    plugins.push({ name: "watched", setup });
  } else {
    const names = [FIRST, ...LATER];
    const count = names.length;
    split(readFileSync(small), readRan(values.only, count), { count }).forEach((part, n) => writeFileSync(within(names[n]), part));
  }
}

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
};
/** What is imported when it is wanted is a file of its own, and shares none with what is there from the start. */
const apart = {
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path: name, kind }) => (kind === "dynamic-import" ? { path: `./parts/${path.basename(name)}`, external: true } : undefined));
  },
};
await build({ ...common, outdir: dist, entryPoints: { telecine: at("src/player.ts"), worker: at("src/core/worker.ts") }, plugins: [apart, ...plugins] });
// What only some browsers need of the page: Media Source, the engine's loop, and what is done without both. And what only some pages need.
const parts = { loop: at("src/core/loop.ts"), delegate: at("src/sink/delegate.ts"), native: at("src/native.ts"), changes: at("src/net/changes.ts") };
const ofPage = { name: "within", setup: ({ onResolve }) => onResolve({ filter: /\/part\.js$/ }, () => ({ path: at("src/net/within.ts") })) };
await build({ ...common, outdir: within("parts"), entryPoints: parts, plugins: [ofPage, ...plugins], splitting: true, chunkNames: "[name]-[hash]" });
// The same for a worker. It shares nothing: bundlers copy it as it is. What is no larger than 4096 bytes they put into the address, where a
// policy may refuse it: its names are left as they are.
await build({ ...common, outdir: dist, entryPoints: { changes: at("src/net/changes.ts") }, minifyIdentifiers: false });
// What a page may load beside it.
if (!values.only && !values.watched) await import("./bundles.mjs");
