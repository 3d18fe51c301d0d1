// The rest of the module: what does not run until pictures are shown is a module of its own (module/split.mjs), which is loaded
// while they are. Where something of it is called earlier, the call waits for it, in a worker; in a page nothing may wait, and
// both are loaded before anything is called.

import { part, Unavailable } from "../faults.js";

/** A module that exports the function that it imports: what is in a table has to be of a module. */
const PASSED_ON = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 5, 1, 0, 0, 0, 0, 7, 4, 1, 0, 0, 0];

/** What of a module is not there yet. */
export class Rest {
  readonly #first: WebAssembly.Exports;
  readonly #url: string;
  #asked = false;
  #there: boolean;

  /** Of a module whose first part is running. One that is whole has no table under this name, and no rest. */
  constructor(first: WebAssembly.Exports, url: string) {
    this.#first = first;
    this.#url = url;
    const table = first["$table"] as WebAssembly.Table | undefined;
    this.#there = !table;
    const passedOn = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(PASSED_ON)), { "": { "": () => this.#now() } });
    // The last place is that of the function that loads.
    table?.set(table.length - 1, passedOn.exports[""]);
  }

  /** Loads it while other things go on, once. Where that fails it is tried again when it is needed. */
  async load(): Promise<void> {
    if (this.#there || this.#asked) return;
    this.#asked = true;
    const response = await part(this.#url, { priority: "low" });
    const module = await WebAssembly.compile(await response.arrayBuffer());
    if (!this.#there) this.#begin(module);
  }

  /** Something of it is called. */
  #now(): void {
    if (this.#there) return;
    const request = new XMLHttpRequest();
    request.open("GET", this.#url, false);
    request.responseType = "arraybuffer";
    try {
      request.send();
      if (request.status !== 200) throw new Error(`the answer is ${request.status}`);
      this.#begin(new WebAssembly.Module(request.response as ArrayBuffer));
    } catch (error) {
      throw new Unavailable(`the rest of the engine does not start, ${this.#url}: ${String(error)}`);
    }
  }

  /** It puts its functions into the places of the table by itself, and keeps nothing of its own. */
  #begin(module: WebAssembly.Module): void {
    new WebAssembly.Instance(module, { "": this.#first });
    this.#there = true;
  }
}
