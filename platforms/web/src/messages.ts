// What crosses `postMessage` between the page and the core, once a turn.

import type { Told } from "./boundary/told.js";
import type { Fact, Known } from "./world/world.js";

export type { Told } from "./boundary/told.js";

/** A value that the engine tells: see `Shape`. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | { [name: string]: Value };

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
  | ["skip"]
  | ["seek_to_time", millis: number]
  | ["prefer", audioLanguages: string, textLanguages: string, audioRoles: string, textRoles: string, codecs: string]
  | ["constrain", maxHeight: number, maxBitrate: number, minBitrate: number, renditions: string]
  | ["data_saver", bytesPerHour: number]
  | ["release_licence", system: string, name: string, keyIds: string, expires: number, releasing: boolean];

/** Reports of the media element. */
export type Report =
  | ["position", at: number, advancing: boolean]
  | ["starved", at: number]
  | ["seeked", at: number]
  | ["ended"]
  | ["frames", due: number, dropped: number]
  | ["sink_failed", code: number, message: string];

/** What can be asked. */
export type Question = "snapshot" | "qoe" | "presentation" | "interstitials" | "memory" | "recording" | "action_hash";

/** From the page. */
export type ToCore =
  | { begin: { wasm: string; settings: [key: number, value: number | string][]; known: Known } }
  | { fact: Fact }
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
