// What the network is reached over, as far as the browser tells (Network Information): few do, and then it is not known.

import { listen } from "../listen.js";

interface Connection extends EventTarget {
  readonly type?: string;
}

const KNOWN = ["ethernet", "wifi", "cellular"];

const connection = () => (navigator as Navigator & { connection?: Connection }).connection;

/** By the engine's name of its kind. */
export function networkType(): string {
  const type = connection()?.type ?? "";
  return KNOWN.includes(type) ? type : "unknown";
}

/** Tells of every change, until the signal. */
export function onNetworkType(tell: (type: string) => void, signal: AbortSignal): void {
  const known = connection();
  if (known) listen(known, "change", () => tell(networkType()), signal);
}
