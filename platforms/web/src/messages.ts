// What crosses `postMessage` between the page and the core, once a turn.

import type { Module } from "./boundary/wasm.js";

/** A value that the engine tells: see `Shape`. */
export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };

/** An event of the engine: its name under `type`, the time of the host under `at` (microseconds), and its fields. */
export interface Told {
  type: string;
  at: number;
  [name: string]: Value;
}

/** Commands of the application. */
export type Command =
  | ["load", url: string, start: number]
  | ["play"]
  | ["pause"]
  | ["stop"]
  | ["seek", position: number]
  | ["rate", milli: number]
  | ["select", kind: number, id: string]
  | ["disable", kind: number]
  | ["skip"];

/** Reports of the media element. */
export type Report =
  | ["position", at: number, advancing: boolean]
  | ["starved", at: number]
  | ["seeked", at: number]
  | ["ended"]
  | ["frames", due: number, dropped: number]
  | ["sink_failed", code: number, message: string];

/** What can be asked. */
export type Question = "snapshot" | "recording" | "action_hash";

/** From the page. */
export type ToCore =
  | { begin: { module: Module; settings: [key: number, value: number | string][] } }
  | { command: Command }
  | { report: Report }
  | { ask: Question; id: number };

/** Orders to the media element. */
export type Order =
  | ["attach", source: MediaProvider]
  | ["detach"]
  | ["play"]
  | ["pause"]
  | ["rate", rate: number]
  | ["seek", position: number];

/** To the page. */
export interface FromCore {
  orders: Order[];
  events: Told[];
  /** The answer to a question. */
  answer?: { id: number; value: Value | Uint8Array };
  /** A defect ended the core: its words and place. */
  defect?: string;
}
