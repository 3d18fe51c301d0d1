// The engine as a script: loading it, and the two classes of WebAssembly that the glue asks for.

/** What the script leaves: gives an engine for what it imports. */
export type Make = (imports: object) => WebAssembly.Exports;

const scope = self as unknown as { telecineEngine?: Make; importScripts?(url: string): void };
let loading: Promise<Make> | undefined;

/** Loads the script, once. */
export function engine(url: string): Promise<Make> {
  loading ??= script(url).then(() => {
    if (!scope.telecineEngine) throw new Error(`there is no engine in ${url}`);
    return scope.telecineEngine;
  });
  // Another one may be luckier.
  loading.catch(() => (loading = undefined));
  return loading;
}

function script(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (scope.importScripts) {
      scope.importScripts(url);
      return resolve();
    }
    const element = document.createElement("script");
    element.onload = () => resolve();
    element.onerror = () => reject(new Error(`the engine does not load: ${url}`));
    element.src = url;
    document.head.appendChild(element);
  });
}

/** In place of `WebAssembly.Module`. */
export class Module {
  constructor(readonly make: Make) {}
}

/** In place of `WebAssembly.Instance`. */
export class Instance {
  readonly exports: WebAssembly.Exports;
  constructor({ make }: Module, imports: object) {
    this.exports = make(imports);
  }
}
