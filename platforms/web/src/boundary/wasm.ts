// Loads the module.

import make from "telecine:glue";

/** What the module exports. */
export type Exports = Omit<ReturnType<typeof make>, "default">;

/** A module that runs. */
export interface Instance {
  exports: Exports;
  memory: WebAssembly.Memory;
}

/** Compiles as the bytes come in where the server names their type, else when all are there. Each time another instance. */
export async function instantiate(url: string): Promise<Instance> {
  const { default: start, ...exports } = make();
  const { memory } = await start({ module_or_path: url });
  return { exports, memory };
}
