// The module's code: asked for and compiled by the page while its worker starts, and once, however many players there are.

import { mark } from "../marks.js";

/** The first part of a module, or where that is, and where the later ones are. */
export interface Module {
  first: WebAssembly.Module | string;
  later: string[];
}

/** Whether the engine can run here. */
export function canRun(): boolean {
  return typeof WebAssembly === "object";
}

const known = new Map<string, Promise<WebAssembly.Module | string>>();

/** The module, compiled as its bytes come in; where that cannot be its address, so that who starts it finds out why. */
export function compiled(url: string): Promise<WebAssembly.Module | string> {
  let module = known.get(url);
  if (!module) {
    // A browser may have neither.
    module = Promise.resolve(url).then((url) => WebAssembly.compileStreaming(fetch(url))).then(
      (module) => {
        mark("compiled");
        return module;
      },
      () => {
        known.delete(url);
        return url;
      },
    );
    known.set(url, module);
  }
  return module;
}
