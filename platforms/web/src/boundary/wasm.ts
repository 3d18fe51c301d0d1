// Loads the module.

import make from "telecine:glue";

/** What the module exports. */
export type Exports = Omit<ReturnType<typeof make>, "default">;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: WebAssembly.Memory;
}

/** Starts a module, or what is at an address: compiled as it comes in where the server names its type, else when all is there. Each
 * time another instance. */
export async function instantiate(module: WebAssembly.Module | string): Promise<Instance> {
  const { default: start, ...exports } = make();
  const { memory } = await start({ module_or_path: module });
  return { exports, memory };
}
