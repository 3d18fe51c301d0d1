// Which engine it is to be, in place of boundary/module.ts: nothing is compiled ahead, as old browsers cannot hand it over.

export type { Module } from "../boundary/module.js";

/** Whether the engine can run here: it can be had as a script. */
export function canRun(): boolean {
  return true;
}

/** The address of the module, for who starts it. */
export function compiled(url: string): Promise<string> {
  return Promise.resolve(url);
}
