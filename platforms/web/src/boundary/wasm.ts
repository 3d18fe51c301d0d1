// Loads the module.

import start, * as exports from "../../wasm/telecine.js";

/** What the module exports. */
export type Exports = typeof exports;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: WebAssembly.Memory;
}

/** Starts a module, or what is at an address: compiled as it comes in where the server names its type, else when all is there. */
export async function instantiate(module: WebAssembly.Module | string): Promise<Instance> {
  const { memory } = await start({ module_or_path: module });
  return { exports, memory };
}
