// Loads the module.

import make from "telecine:glue";
import { part } from "../faults.js";
import type { Module } from "./module.js";
import { Parts } from "./parts.js";

/** What the module exports. */
export type Exports = Omit<ReturnType<typeof make>, "default">;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: Pick<WebAssembly.Memory, "buffer">;
  /** What of it is loaded later. */
  parts: Pick<Parts, "load">;
}

/** Starts a module: compiled, or from its address where that failed in the page. Each time another instance. */
export async function instantiate({ first, later }: Module): Promise<Instance> {
  const { default: start, ...exports } = make();
  const running = await start({ module_or_path: typeof first === "string" ? part(first).then((response) => response.arrayBuffer()) : first });
  const parts = new Parts(running as unknown as WebAssembly.Exports, later);
  // Only a worker may wait for them when they are needed.
  if ("document" in globalThis) await parts.load();
  return { exports, memory: running.memory, parts };
}
