// What crosses `postMessage` between the page and the core, once a turn.

import type { Told } from "./boundary/told.js";
import type { Module } from "./boundary/module.js";
import type { MediaAnswer, MediaQuestion, Rule } from "./net/changes.js";
import type { Early } from "./net/early.js";
import type { LicenceAnswer, LicenceInterest, LicenceQuestion } from "./net/licence.js";
import type { SinkOrder, Word } from "./sink/away.js";
import type { Fact, Known } from "./world/world.js";

/** Where things are. `worker`: the engine and Media Source are in a worker; `worker-transfer`: Media Source is in the page, and
 * media is transferred to it; `page`: there is no worker; `native`: there is no Media Source, and the browser plays HLS by
 * itself. */
export type Topology = "worker" | "worker-transfer" | "page" | "native";

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
  /** It failed with what a generation of Media Source gave it. */
  | ["crashed", generation: number, code: number, message: string, at: number]
  /** It did not take a media source in time. */
  | ["unopened", generation: number];

/** What can be asked. */
export type Question = "snapshot" | "qoe" | "presentation" | "interstitials" | "learnt" | "recording" | "action_hash";

/** From the page. */
export type ToCore =
  | {
      begin: {
        module: Module;
        settings: [key: number, value: number | string][];
        known: Known;
        topology: Topology | undefined;
        keys?: Keys | undefined;
      };
    }
  | { fact: Fact }
  | { keys: Keys }
  | { licence: LicenceAnswer }
  /** A letter of `KeyReport`. */
  | { cdm: Uint8Array<ArrayBuffer> }
  // `asked`: of a `load`, whose manifest the page asked for already: `early` will come.
  | { command: Command; asked?: boolean }
  | { early: Early }
  /** Of the title that is loaded next: what is done to requests, and where the part is that does it. */
  | { change: Rule; part: string }
  | { changed: MediaAnswer }
  /** What a source has from a time on is to be fetched anew. */
  | { anew: [source: number, from: number] }
  /** No media is to be asked for, until it may be. */
  | { hold: boolean }
  | { report: Report }
  /** Of Media Source in the page. */
  | { word: Word; of: number }
  | { ask: Question; id: number };

/** What the application brings of keys: a letter of `KeyWish`, and which callbacks it has. */
export interface Keys {
  letter: Uint8Array;
  interest: LicenceInterest;
}

/** Orders to the media element. */
export type Order =
  /** A media source of a worker, or the address of one in the page; `again` in place of the one before. */
  | ["attach", source: MediaProvider | string, generation: number, again: boolean]
  | ["detach"]
  | ["play"]
  | ["pause"]
  | ["rate", rate: number]
  | ["seek", position: number];

/** ManagedMediaSource wants more, or has enough for now. */
export interface Appetite {
  type: "StartStreaming" | "EndStreaming";
  at: number;
}

/** To the page. */
export interface FromCore {
  orders: (Order | SinkOrder)[];
  events: (Told | Appetite)[];
  /** Where things are, as soon as it is known, and when it changes. */
  topology?: Topology;
  /** Letters of `KeyOrder`. They come behind the orders. */
  cdm?: Uint8Array<ArrayBuffer>[];
  /** What the application is to say about a licence. */
  licence?: LicenceQuestion;
  /** What it is to say about another request. */
  question?: MediaQuestion;
  /** The answer to a question. */
  answer?: { id: number; value: Value | Uint8Array };
  /** A defect ended the core: its words and place. */
  defect?: string;
  /** It is none: something of the player is not there. */
  missing?: boolean;
}
