// What a page may load beside the player: the element, what it loads on demand, and all of it for pages without modules.

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { glue } from "./glue.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const common = { bundle: true, target: "es2022", minify: true, sourcemap: true, legalComments: "none", logLevel: "warning" };

/** The files of `dist`, by their names, and the source of each. What one of them imports of another stays an import. */
const FILES = {
  telecine: "src/player.ts",
  element: "src/element/define.ts",
  controls: "src/controls/controls.ts",
  statistics: "src/statistics/overlay.ts",
  hls: "src/shims/hls.ts",
  shaka: "src/shims/shaka.ts",
};

/** Keeps imports of another file of `dist` as such, so that nothing is loaded twice. */
const apart = (own) => ({
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path: wanted, resolveDir }) => {
      const source = path.join(resolveDir, wanted).replace(/\.js$/, ".ts");
      const found = Object.entries(FILES).find(([name, file]) => name !== own && at(file) === source);
      return found && { path: `./${found[0]}.js`, external: true };
    });
  },
});

const modules = Object.entries(FILES).filter(([name]) => name !== "telecine");
await Promise.all([
  ...modules.map(([name, file]) => build({ ...common, entryPoints: { [name]: at(file) }, outdir: at("dist"), format: "esm", plugins: [apart(name)] })),
  build({
    ...common,
    entryPoints: { "telecine.classic": at("src/element/classic.ts") },
    outdir: at("dist"),
    format: "iife",
    globalName: "telecine",
    plugins: [glue(at("wasm/telecine.js"))],
    // Where the worker and the module are: beside the script.
    banner: { js: "var telecineScript = document.currentScript.src;" },
    define: { "import.meta.url": "telecineScript" },
  }),
]);

// Declarations for who writes TypeScript, and what a package needs beside it.
execFileSync(at("node_modules/.bin/tsc"), ["-p", at("tsconfig.types.json")], { stdio: "inherit" });
for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(at("../..", name), at(name));
