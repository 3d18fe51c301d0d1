// What takes the place of globals in every file of this build (`inject` of esbuild): what old browsers do not have, or not so.
// The page's own globals stay as they are. What is missing of the language is added to it (standard.ts), before all else.

import "./standard.js";

export { AbortController } from "./abort.js";
export { CustomEvent, EventTarget } from "./events.js";
export { fetch, Headers } from "./request.js";
export { TextDecoder, TextEncoder } from "./text.js";

/** Old browsers have it in the page alone, and do not let anybody make one. */
export function DOMException(message: string, name: string): DOMException {
  try {
    return new known(message, name);
  } catch {
    const value = (value: unknown) => ({ value });
    return Object.create(known.prototype, { name: value(name), message: value(message) }) as DOMException;
  }
}
const known = self.DOMException ?? (Error as unknown as typeof self.DOMException);
DOMException.prototype = known.prototype;

/** Bodies are handed over to nobody while they come: what asks finds none. */
export const ReadableStream = undefined;

/** Chance; where the browser has none of its own to give, it is for spreading retries, and no secret. */
export const crypto = self.crypto ?? {
  getRandomValues(array: Uint32Array): Uint32Array {
    for (let index = 0; index < array.length; index += 1) array[index] = Math.random() * 2 ** 32;
    return array;
  },
};

/** Tells of an error that nobody caught. */
export function reportError(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}
