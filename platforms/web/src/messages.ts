// What crosses `postMessage` between the page and the core, once a turn.

import type { Early } from "./net/early.js";
import type { LicenceAnswer, LicenceInterest, LicenceQuestion } from "./net/licence.js";
import type { SinkOrder, Word } from "./sink/away.js";

/** Where things are. `worker`: the engine and Media Source are in a worker; `worker-transfer`: Media Source is in the page, and
 * media is transferred to it; `page`: there is no worker; `native`: there is no Media Source, and the browser plays HLS by
 * itself. */
export type Topology = "worker" | "worker-transfer" | "page" | "native";

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
  /** It failed with what a generation of Media Source gave it. */
  | ["crashed", generation: number, code: number, message: string, at: number]
  /** It did not take a media source in time. */
  | ["unopened", generation: number];

/** What can be asked. */
export type Question = "snapshot" | "recording" | "action_hash";

/** From the page. */
export type ToCore =
  | {
      begin: {
        wasm: WebAssembly.Module | string;
        settings: [key: number, value: number | string][];
        topology: Topology | undefined;
        keys?: Keys | undefined;
      };
    }
  | { keys: Keys }
  | { licence: LicenceAnswer }
  /** A letter of `KeyReport`. */
  | { cdm: Uint8Array<ArrayBuffer> }
  // `asked`: of a `load`, whose manifest the page asked for already: `early` will come.
  | { command: Command; asked?: boolean }
  | { early: Early }
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

/** To the page. */
export interface FromCore {
  orders: (Order | SinkOrder)[];
  events: Told[];
  /** Where things are, as soon as it is known, and when it changes. */
  topology?: Topology;
  /** Letters of `KeyOrder`. They come behind the orders. */
  cdm?: Uint8Array<ArrayBuffer>[];
  /** What the application is to say about a licence. */
  licence?: LicenceQuestion;
  /** The answer to a question. */
  answer?: { id: number; value: Value | Uint8Array };
  /** A defect ended the core: its words and place. */
  defect?: string;
}
