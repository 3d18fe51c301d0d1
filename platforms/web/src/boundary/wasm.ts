// Loads the module.

import start, * as exports from "../../wasm/telecine.js";

/** What the module exports. */
export type Exports = typeof exports;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: WebAssembly.Memory;
}

/** Compiles as the bytes come in where the server names their type, else when all are there. */
export async function instantiate(url: string): Promise<Instance> {
  const { memory } = await start({ module_or_path: url });
  return { exports, memory };
}
