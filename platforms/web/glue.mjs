// The glue that wasm-bindgen writes is a module, and of a module there is one instance in a page. As a function it makes
// another one each time: a player of its own for each `Player`, and a new one after a defect.

import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

/** Resolves `telecine:glue`, or another name, to a function that gives what the glue exports. It may take arguments, which stand for
 * globals in it, and the code may be changed on its way. */
export const glue = (file, { name = "telecine:glue", takes = "", changed = (code) => code } = {}) => ({
  name: "glue",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: file, namespace: "glue" }));
    build.onLoad({ filter: /./, namespace: "glue" }, () => {
      // Where the module is is always said: nothing is asked of the place of this file.
      const define = { "import.meta.url": '""' };
      const { code } = transformSync(changed(readFileSync(file, "utf8")), { format: "iife", globalName: "exported", target: "es2022", define });
      return { contents: `export default function (${takes}) {\n${code}\nreturn exported;\n}`, loader: "js" };
    });
  },
});
