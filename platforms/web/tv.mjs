// dist/tv/: the player for old televisions, in scripts of ES5, and its engine as a script and as a module of the first WebAssembly.
//
//     node tv.mjs [CACHE]
//     node tv.mjs --plain MODULE FILE
//
// CACHE is a folder where what binaryen made is kept, for the same module the next time. With --plain what the compiler made is written to a
// file, without a word of what wasm-bindgen would make use of: then its glue asks for nothing that is newer than WebAssembly itself.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { transformSync } from "@swc/core";
import { parse } from "acorn";
import { build, transform } from "esbuild";
import { glue } from "./glue.mjs";
import { merged } from "./module/data.mjs";
import { growing, plain, saturated, script } from "./module/old.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const dist = at("dist/tv");
const module = at("wasm/tv/telecine_bg.wasm");

/** Nothing but ES5, and no number that ES5 does not have. */
function checked(name, code) {
  try {
    parse(code, { ecmaVersion: 5, sourceType: "script" });
  } catch (error) {
    throw new Error(`${name} is not ES5: ${error.message}: ${code.slice(Math.max(0, error.pos - 80), error.pos + 80)}`);
  }
  if (/\bBig(U?Int64Array\b|Int\()/.test(code)) throw new Error(`${name} asks for BigInt`);
  return code;
}

/** The engine as a module without newer features, and as binaryen writes it in JavaScript: minutes of work, and the same for the same
 * module. */
function engine(cache) {
  const few = ["--mvp-features", "--enable-bulk-memory"];
  const all = [...few, "--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-mutable-globals"];
  const steps = (module, text, saturating, old, wasm, js) => [
    ["wasm-opt", "-Oz", ...all, "--signext-lowering", "--strip-producers", "--strip-target-features", module, "-S", "-o", text],
    ["wasm-opt", "-q", ...few, saturating, "-o", old],
    // Copies of memory are the browser's in the script, and loops in the module, which then has to be of the first WebAssembly.
    ["wasm-opt", ...few, "--llvm-memory-copy-fill-lowering", old, "-o", wasm],
    ["wasm-opt", "-q", "--mvp-features", wasm, "-o", wasm],
    ["wasm2js", "-Oz", ...few, old, "-o", js],
  ];
  const { version } = JSON.parse(readFileSync(at("node_modules/binaryen/package.json"), "utf8"));
  const digest = createHash("sha256").update(readFileSync(module)).update(steps().join()).update(saturated("()")).update(version).digest("hex").slice(0, 16);
  const [text, saturating, old, wasm, part, js] = ["text.wat", "wat", "old.wasm", "wasm", "part", "js"].map((ending) => path.join(cache, `${digest}.tv.${ending}`));
  mkdirSync(cache, { recursive: true });
  if (!existsSync(js)) {
    const run = ([command, ...args]) => execFileSync(at("node_modules/.bin", command), args, { stdio: "inherit" });
    const [first, ...others] = steps(module, text, saturating, old, wasm, part);
    run(first);
    writeFileSync(saturating, saturated(readFileSync(text, "utf8")));
    others.forEach(run);
    // What is there is whole.
    renameSync(part, js);
    for (const file of [text, saturating, old]) rmSync(file);
  }
  return { wasm, js };
}

/** Files of this build in the place of others. */
const PLACES = { "src/boundary/module.ts": "src/tv/module.ts", "src/boundary/wasm.ts": "src/tv/wasm.ts", "src/core/started.ts": "src/tv/started.ts", "src/net/part.ts": "src/net/within.ts" };
const places = {
  name: "places",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path: wanted, resolveDir }) => {
      const other = PLACES[path.relative(here, path.join(resolveDir, wanted.replace(/\.js$/, ".ts")))];
      return other && { path: at(other) };
    });
  },
};

/** A script of ES5. */
async function bundled(name, entry, options) {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    // What the package says of its files holds for those of dist.
    ignoreAnnotations: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    entryPoints: [at(entry)],
    inject: [at("src/tv/globals.ts")],
    plugins: [places, glue(at("wasm/tv/telecine.js"), { name: "telecine:tv-glue", takes: "WebAssembly", changed: growing })],
    ...options,
  });
  const { code } = transformSync(outputFiles[0].text, {
    isModule: false,
    // Private members are members whose names nobody guesses: old engines have no fast maps for them.
    jsc: { target: "es5", parser: { syntax: "ecmascript" }, assumptions: { privateFieldsAsProperties: true, setPublicClassFields: true }, minify: { compress: true, mangle: true } },
    minify: true,
  });
  writeFileSync(path.join(dist, name), checked(name, code));
}

const [first, from, to] = process.argv.slice(2);
if (first === "--plain") {
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, plain(merged(readFileSync(from))));
} else {
  mkdirSync(dist, { recursive: true });
  const { wasm, js } = engine(path.resolve(first ?? at("wasm")));
  copyFileSync(wasm, path.join(dist, "telecine.wasm"));
  const { code } = await transform(script(readFileSync(js, "utf8")), { minify: true, target: "es5", legalComments: "none" });
  writeFileSync(path.join(dist, "telecine.wasm.js"), checked("telecine.wasm.js", code));
  // Of what is in these scripts and is not ours.
  copyFileSync(at("node_modules/core-js/LICENSE"), path.join(dist, "LICENSE-core-js"));
  copyFileSync(at("node_modules/@swc/core/LICENSE"), path.join(dist, "LICENSE-swc"));
  // Where the worker and the engine are: beside the script.
  const beside = { banner: { js: "var telecineScript = document.currentScript.src;" }, define: { "import.meta.url": "telecineScript" } };
  await bundled("telecine.js", "src/tv/page.ts", { globalName: "telecine", ...beside });
  await bundled("worker.js", "src/core/worker.ts", {});
  for (const name of ["telecine.js", "worker.js", "telecine.wasm.js", "telecine.wasm"]) {
    const bytes = readFileSync(path.join(dist, name));
    const sizes = [bytes.length, gzipSync(bytes, { level: 9 }).length];
    console.log(`  tv/${name.padEnd(20)}${sizes.map((size) => size.toLocaleString("en").padStart(12)).join("")}`);
  }
}
