// Loads the module.

import make from "telecine:glue";
import { part } from "../faults.js";
import type { Module } from "./module.js";
import { Rest } from "./rest.js";

/** What the module exports. */
export type Exports = Omit<ReturnType<typeof make>, "default">;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: Pick<WebAssembly.Memory, "buffer">;
  /** The part of it that is loaded later. */
  rest: Pick<Rest, "load">;
}

/** Starts a module: compiled, or from its address where that failed in the page. Each time another instance. */
export async function instantiate({ first, rest: url }: Module): Promise<Instance> {
  const { default: start, ...exports } = make();
  const running = await start({ module_or_path: typeof first === "string" ? part(first).then((response) => response.arrayBuffer()) : first });
  const rest = new Rest(running as unknown as WebAssembly.Exports, url);
  // Only a worker may wait for it when it is needed.
  if ("document" in globalThis) await rest.load();
  return { exports, memory: running.memory, rest };
}
