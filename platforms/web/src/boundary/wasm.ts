// Loads the module.

import start, * as exports from "../../wasm/telecine.js";
import { Rest } from "./rest.js";

/** What the module exports. */
export type Exports = typeof exports;

/** Where its two parts are. */
export interface Module {
  first: string;
  rest: string;
}

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: WebAssembly.Memory;
  /** The part of it that is loaded later. */
  rest: Rest;
}

/** Compiles as the bytes come in where the server names their type, else when all are there. */
export async function instantiate(module: Module): Promise<Instance> {
  const running = await start({ module_or_path: module.first });
  const rest = new Rest(running as unknown as WebAssembly.Exports, module.rest);
  // Only a worker may wait for it when it is needed.
  if ("document" in globalThis) await rest.load();
  return { exports, memory: running.memory, rest };
}
