// The later parts of the module (module/split.mjs): what titles of some kinds need for their first picture and others do not, and
// what none needs until then. They are loaded while pictures are shown. Where something of them is called earlier, the call waits for
// it, in a worker; in a page nothing may wait, and all are loaded before anything is called.

import { part, Unavailable } from "../faults.js";

/** A module that exports the function that it imports: what is in a table has to be of a module. */
const PASSED_ON = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 5, 1, 0, 0, 0, 0, 7, 4, 1, 0, 0, 0];

/** What of a module is not there yet. */
export class Parts {
  /** What the parts that are there export. */
  readonly #exports: Record<string, WebAssembly.ExportValue>;
  /** Where the others are. */
  readonly #missing: string[];
  #asked = false;

  /** Of a module whose first part is running. One that is whole has no table under this name, and no other parts. */
  constructor(first: WebAssembly.Exports, urls: string[]) {
    const table = first["$table"] as WebAssembly.Table | undefined;
    this.#exports = { ...first };
    this.#missing = table ? [...urls] : [];
    const code = new WebAssembly.Module(new Uint8Array(PASSED_ON));
    // The last places are those of what loads them.
    this.#missing.forEach((_, n) => {
      const passedOn = new WebAssembly.Instance(code, { "": { "": () => this.#now(urls.length - n - 1) } });
      table?.set(table.length - urls.length + n, passedOn.exports[""]);
    });
  }

  /** Loads them while other things go on, once. Where that fails it is tried again when they are needed. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    for (const url of [...this.#missing]) {
      // A call may have had it loaded meanwhile.
      if (!this.#missing.includes(url)) continue;
      const response = await part(url, { priority: "low" });
      // What browsers compile as it comes they keep compiled for the next visit.
      const streams = response.headers.get("content-type") === "application/wasm";
      const module = await (streams ? WebAssembly.compileStreaming(response) : response.arrayBuffer().then((bytes) => WebAssembly.compile(bytes)));
      if (this.#missing[0] === url) this.#begin(module);
    }
  }

  /** Something is called of the part that has `behind` others behind it: it is loaded, with those before it. */
  #now(behind: number): void {
    while (this.#missing.length > behind) {
      const [url = ""] = this.#missing;
      const request = new XMLHttpRequest();
      request.open("GET", url, false);
      request.responseType = "arraybuffer";
      try {
        request.send();
        if (request.status !== 200) throw new Error(`the answer is ${request.status}`);
        this.#begin(new WebAssembly.Module(request.response as ArrayBuffer));
      } catch (error) {
        throw new Unavailable(`a part of the engine does not start, ${url}: ${String(error)}`);
      }
    }
  }

  /** It puts its functions into the places of the table by itself. */
  #begin(module: WebAssembly.Module): void {
    Object.assign(this.#exports, new WebAssembly.Instance(module, { "": this.#exports }).exports);
    this.#missing.shift();
  }
}
