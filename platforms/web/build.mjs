// dist/: the player, its worker and the module, each a file.
//
//     node build.mjs [CACHE]    a folder where the module that was made smaller is kept, for the same one the next time
//     node build.mjs --quick    the module as the compiler left it

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { build } from "esbuild";
import { glue } from "./glue.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
// Some parts have names that change.
rmSync(at("dist/parts"), { recursive: true, force: true });
mkdirSync(at("dist"), { recursive: true });

const module = at("wasm/telecine_bg.wasm");
/** The module made smaller: minutes of work, and the same for the same module. */
function smaller(cache) {
  const args = ["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-mutable-globals"];
  args.push("--enable-reference-types", "--enable-multivalue", "--strip-producers", "--strip-target-features");
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

const quick = process.argv[2] === "--quick";
copyFileSync(quick ? module : smaller(path.resolve(process.argv[2] ?? at("wasm"))), at("dist/telecine.wasm"));

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
};
const glued = glue(at("wasm/telecine.js"));
/** What is imported when it is wanted is a file of its own, and shares none with what is there from the start. */
const apart = {
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path: name, kind }) => (kind === "dynamic-import" ? { path: `./parts/${path.basename(name)}`, external: true } : undefined));
  },
};
await build({ ...common, outdir: at("dist"), entryPoints: { telecine: at("src/player.ts"), worker: at("src/core/worker.ts") }, plugins: [apart, glued] });
// What only some browsers need of the page: Media Source, the engine's loop, and what is done without both.
const parts = { loop: at("src/core/loop.ts"), delegate: at("src/sink/delegate.ts"), native: at("src/native.ts") };
await build({ ...common, outdir: at("dist/parts"), entryPoints: parts, plugins: [glued], splitting: true, chunkNames: "[name]-[hash]" });
// What a page may load beside it.
await import("./bundles.mjs");
