// What the network gave, kept from one visit to the next: a hundred bytes of the engine's, by the kind of network, without hosts
// or names. A store that is full, forbidden or damaged is none: then nothing is remembered.

const KEY = "telecine.throughput";

/** What was kept. */
export function remembered(): Uint8Array<ArrayBuffer> | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === null ? undefined : Uint8Array.from(atob(kept), (sign) => sign.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Keeps it for the next visit. */
export function remember(memory: Uint8Array): void {
  try {
    localStorage.setItem(KEY, btoa(String.fromCharCode(...memory)));
  } catch {
    // The next visit begins as the first did.
  }
}
