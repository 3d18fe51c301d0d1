// Loads the module.

import make from "telecine:glue";
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

/** Starts a module: compiled, or from its address, as it comes in where the server names its type, else when all is there. Each
 * time another instance. */
export async function instantiate({ first, rest: url }: Module): Promise<Instance> {
  const { default: start, ...exports } = make();
  const running = await start({ module_or_path: first });
  const rest = new Rest(running as unknown as WebAssembly.Exports, url);
  // Only a worker may wait for it when it is needed.
  if ("document" in globalThis) await rest.load();
  return { exports, memory: running.memory, rest };
}
