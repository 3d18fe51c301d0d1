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

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const dist = at("dist/tv");
const module = at("wasm/tv/telecine_bg.wasm");

/** One text for another, which has to be there so often. */
function replaced(text, before, after, times = 1) {
  const parts = text.split(before);
  if (parts.length !== times + 1) throw new Error(`${parts.length - 1} times and not ${times}: ${before}`);
  return parts.join(after);
}

/** What a module says of itself, in its last section: that it has these features becomes that it has them not. */
function plain(bytes) {
  for (const feature of ["reference-types", "multivalue"]) {
    const said = bytes.lastIndexOf(Buffer.from(`+${String.fromCharCode(feature.length)}${feature}`));
    if (said >= 0) bytes[said] = "-".charCodeAt(0);
  }
  return bytes;
}

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

/** A module, as text, in which numbers become integers by functions of its own: Rust wants the nearest of what is too large, 0 of what is
 * no number. Binaryen's own ways of doing it without that instruction give anything. */
function saturated(text) {
  const functions = [];
  const changed = text.replace(/\((i32|i64)\.trunc_sat_(f32|f64)_([su])(?=\s)/g, (_, to, from, sign) => `(call $${to}_${from}_${sign}`);
  for (const from of ["f32", "f64"]) {
    for (const to of ["i32", "i64"]) {
      const bits = Number(to.slice(1));
      const integer = (value) => `(${to}.const ${value})`;
      const fits = (bound) => `(${from}.lt (${from}.abs (local.get 0)) (${from}.const ${2 ** bound}))`;
      const positive = `(${from}.gt (local.get 0) (${from}.const 0))`;
      const truncated = (sign) => `(${to}.trunc_${from}_${sign} (local.get 0))`;
      const choice = (is, one, other) => `(if (result ${to}) ${is} (then ${one}) (else ${other}))`;
      const negative = `(${from}.lt (local.get 0) (${from}.const 0))`;
      const most = (1n << BigInt(bits - 1)) - 1n;
      const signed = choice(fits(bits - 1), truncated("s"), choice(positive, integer(most), choice(negative, integer(-most - 1n), integer(0))));
      const unsigned = choice(positive, choice(fits(bits), truncated("u"), integer(-1)), integer(0));
      functions.push(`(func $${to}_${from}_s (param ${from}) (result ${to}) ${signed})`, `(func $${to}_${from}_u (param ${from}) (result ${to}) ${unsigned})`);
    }
  }
  return `${changed.slice(0, changed.lastIndexOf(")"))}${functions.join("\n")}\n)`;
}

/** What binaryen writes is a module with one instance, whose parts share what is around them. As a function it gives one of its own
 * each time. */
function script(code) {
  const begins = code.indexOf("import * as");
  const ends = code.lastIndexOf("var retasmFunc = ");
  if (begins !== 0 || ends < 0) throw new Error("this is not how wasm2js begins and ends");
  let body = code.slice(code.indexOf("\n"), ends);
  // It grows by a few pages at a time, and would copy all of it each time: what there is is as large as what was asked for so far,
  // and some more, so that most of the times nothing is copied.
  body = replaced(body, "return buffer.byteLength >> 16;", "return pages;");
  body = replaced(body, "function __wasm_memory_size() {", "var pages = buffer.byteLength >> 16;\n function __wasm_memory_size() {");
  body = replaced(
    body,
    "var newBuffer = new ArrayBuffer(newPages << 16);",
    "pages = newPages;\n if (newPages << 16 <= buffer.byteLength) return oldPages;\n var newBuffer = new ArrayBuffer(newPages + Math_max(newPages >> 2, 64) << 16);",
  );
  // `copyWithin` is of 2015, and `set` minds what overlaps as well. Most of what is copied is small, and faster by hand.
  body = replaced(
    body,
    "bufferView.copyWithin(dest, source, source + size);",
    "if (size >>> 0 > 48) bufferView.set(bufferView.subarray(source, source + size), dest);\n" +
      "else if (source < dest) while (size--) bufferView[dest + size] = bufferView[source + size];\n" +
      "else for (var at = 0; at < size; at++) bufferView[dest + at] = bufferView[source + at];",
  );
  return `var telecineEngine = function (telecineImports) {\n${body}\nreturn asmFunc(telecineImports);\n};`;
}

/** The glue knows by views of no length that memory grew. Memory of JavaScript leaves the old bytes where they were. */
function growing(code) {
  const byLength = "cachedUint8ArrayMemory0.byteLength === 0";
  const byState = /cachedDataViewMemory0\.buffer\.detached === true \|\| \(.*\)\) \{/;
  if (!byState.test(code)) throw new Error("the glue looks after its views in another way");
  const changed = replaced(code, byLength, "cachedUint8ArrayMemory0.buffer !== wasm.memory.buffer");
  return changed.replace(byState, "cachedDataViewMemory0.buffer !== wasm.memory.buffer) {");
}

/** Files of this build in the place of others. */
const PLACES = { "src/boundary/module.ts": "src/tv/module.ts", "src/boundary/wasm.ts": "src/tv/wasm.ts", "src/core/started.ts": "src/tv/started.ts" };
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
  writeFileSync(to, plain(readFileSync(from)));
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
