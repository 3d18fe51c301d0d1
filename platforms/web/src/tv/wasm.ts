// Starts the engine, in place of boundary/wasm.ts: the whole module where there is WebAssembly, of whatever age, else what
// binaryen made of it, a script beside it. One glue is for both.

import make from "telecine:tv-glue";
import type { Module } from "../boundary/module.js";
import type { Instance } from "../boundary/wasm.js";
import { engine, Instance as Run, Module as Script } from "./engine.js";

/** Starts a module from its address. Each time another instance. */
export async function instantiate({ first }: Module): Promise<Instance> {
  const url = String(first);
  const running = (typeof WebAssembly === "object" && (await compiled(url))) || (await scripted(url));
  // It is there from the start.
  return { ...running, parts: { load: () => Promise.resolve() } };
}

type Running = Omit<Instance, "parts">;

/** Undefined where it cannot be had: an old WebAssembly, a policy against it, a file that is not there. */
async function compiled(url: string): Promise<Running | undefined> {
  try {
    const module = await WebAssembly.compile(await bytes(url));
    const exports = make(WebAssembly);
    const { memory } = await exports.default({ module_or_path: module });
    return { exports, memory };
  } catch {
    return undefined;
  }
}

async function scripted(url: string): Promise<Running> {
  const module = new Script(await engine(`${url}.js`));
  // What the glue knows as WebAssembly.
  const exports = make({ Module: Script, Instance: Run } as unknown as typeof WebAssembly);
  const { memory } = exports.initSync({ module: module as unknown as WebAssembly.Module });
  return { exports, memory };
}

function bytes(url: string): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "arraybuffer";
    request.onload = () => (request.status === 200 ? resolve(request.response as ArrayBuffer) : reject(new Error(`${request.status} of ${url}`)));
    request.onerror = () => reject(new Error(`no answer of ${url}`));
    request.send();
  });
}
