// Errors that no engine tells, as there is none: it broke, or never was there.

import type { ErrorEvent, PlayerError } from "./boundary/told.js";

/** A part of the player does not load or start. Whoever serves the page can mend that. */
export class Unavailable extends Error {}

/** Asks for a file of the player. Throws `Unavailable`. */
export async function part(url: string, options?: RequestInit): Promise<Response> {
  const response = await fetch(url, options).catch((error: unknown) => {
    throw new Unavailable(`${url} cannot be read: ${String(error)}`);
  });
  if (!response.ok) throw new Unavailable(`the answer for ${url} is ${response.status}`);
  return response;
}

const MISSING = {
  code: 7005,
  name: "PartUnavailable",
  domain: "usage",
  blame: "app",
  meaning: "A part of the player does not load or start: its worker, or the engine.",
  advice:
    "serve worker.js and all .wasm files where the player looks for them, readable by the page (CORS), and allow them in its policy ('wasm-unsafe-eval', worker-src, connect-src)",
};
const BROKEN = { code: 9001, name: "InternalDefect", domain: "internal", blame: "us", meaning: "A defect of the player.", advice: "report it, with a recording if there is one" };

/** The event of a part that is not there, or else of a defect. */
export function fault(message: string, missing: boolean, fatal = true): ErrorEvent {
  const error: PlayerError = { ...(missing ? MISSING : BROKEN), fatal, handling: fatal ? "raised" : "replaced", message, facts: {} };
  return { type: "Error", at: performance.now() * 1000, error };
}
