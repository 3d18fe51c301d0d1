// How to play: what a page may say, of which kinds it has to be, and what of it the engine is told.

import { Setting } from "./boundary/schema.js";
import { ADDRESS, AMOUNT, BOOLEAN, check, FUNCTION, OBJECT, oneOf, refused, TEXT, TEXTS, type Kind } from "./checks.js";
import type { Drm } from "./drm.js";
import type { Topology } from "./messages.js";
import type { RequestFilter, RequestRule, Rule } from "./net/changes.js";

/** How to play. */
export interface Options {
  /** Media buffered ahead, seconds. Default 30. */
  bufferGoal?: number;
  /** Media kept behind the playhead, seconds. Default 20. */
  backBuffer?: number;
  /** Throughput assumed before anything was measured, bits a second. */
  initialThroughput?: number;
  /** Tallest picture, lines. */
  maxHeight?: number;
  /** Highest bitrate of a picture, bits a second. */
  maxBitrate?: number;
  /** Lowest bitrate of a picture, bits a second, as far as there is one within the rest. */
  minBitrate?: number;
  /** Languages of sound, best first. */
  audioLanguages?: string[];
  /** Languages of subtitles, best first; without any none are shown, but forced ones. */
  textLanguages?: string[];
  /** Roles that sound should have (`main`, `description`…), best first. */
  audioRoles?: string[];
  /** Roles that subtitles should have (`caption`, `subtitle`…), best first. */
  textRoles?: string[];
  /** Codecs in order of preference, as the beginnings of their names: `["av01", "hvc1"]`. */
  codecs?: string[];
  /** Bytes that may be spent for each hour that is watched. */
  dataSaver?: number;
  /** Play low-latency titles as such. Default true. */
  lowLatency?: boolean;
  /** How long after it is made something live is seen, seconds; default as the title says. */
  latencyTarget?: number;
  /** Something live that is seen later than this is left out, seconds. */
  latencyMax?: number;
  /** Media needed before playback starts or a seek ends, seconds. Default 1. */
  startBuffer?: number;
  /** What waits in a low rendition may be fetched again in a higher one. Default true. */
  fastSwitch?: boolean;
  /** Behind a healthy buffer media is read no faster than so many hundredths of its bitrate. Default as fast as it comes. */
  pacePercent?: number;
  /** Play what titles announce to be played in their midst. Default true. */
  interstitials?: boolean;
  /** Tell each choice of a rendition (`decision`), and not only those that change it. */
  explainEachChoice?: boolean;
  /** Refuse playlists that break a rule of theirs. */
  strict?: boolean;
  /** Bitrate rule by name. One that there is not is told as a mistake, and the default plays. */
  rule?: string;
  /** Keep a recording that `telecine replay` repeats. */
  record?: boolean;
  /** Keep what the network gave in `localStorage`, so that the next visit begins with that. Default true. */
  remember?: boolean;
  /** Where the engine and Media Source are; default what the browser can, the first that it can of the three. */
  topology?: Exclude<Topology, "native">;
  /** Keys, key systems and licence servers for protected titles. Default: ClearKey, with the key files and servers that titles name. */
  drm?: Drm;
  /** What requests for manifests and media have besides: headers and cookies for some origins, or a function of the page that is asked about each. */
  request?: RequestRule | RequestFilter;
  /** Where the worker is; default beside this file. */
  workerUrl?: string | URL;
  /** Where the first part of the module is; default beside this file. */
  wasmUrl?: string | URL;
  /** Where that part of it is which titles of some kinds need to begin (live, protected, transport streams); default beside this file. */
  moreUrl?: string | URL;
  /** Where the rest of it is, which is loaded while it plays; default beside this file. */
  restUrl?: string | URL;
  /** Where the part is that a worker changes requests with, if there is a `request`; default beside this file. */
  changesUrl?: string | URL;
}

/** What a viewer prefers. What is left out is left to the title. */
export type Preferences = Pick<Options, "audioLanguages" | "textLanguages" | "audioRoles" | "textRoles" | "codecs">;

/** What is not to be exceeded. What is left out, or null, is no bound. */
export interface Constraints {
  /** Tallest picture, lines. */
  maxHeight?: number | null;
  /** Highest bitrate of a picture, bits a second. */
  maxBitrate?: number | null;
  /** Lowest bitrate of a picture, bits a second, as far as there is one within the rest. */
  minBitrate?: number | null;
  /** Ids of renditions: of a track that has some of them no others are played. */
  renditions?: string[] | null;
}

const AMOUNTS = {
  bufferGoal: Setting.BufferGoal,
  backBuffer: Setting.BackBuffer,
  startBuffer: Setting.StartBuffer,
  initialThroughput: Setting.InitialThroughput,
  maxHeight: Setting.MaxHeight,
  maxBitrate: Setting.MaxBitrate,
  minBitrate: Setting.MinBitrate,
  dataSaver: Setting.DataSaver,
  pacePercent: Setting.PacePercent,
  latencyTarget: Setting.LatencyTarget,
  latencyMax: Setting.LatencyMax,
} as const;
const SWITCHES = {
  lowLatency: Setting.LowLatency,
  fastSwitch: Setting.FastSwitch,
  interstitials: Setting.Interstitials,
  explainEachChoice: Setting.ExplainEachChoice,
  strict: Setting.Strict,
  record: Setting.Record,
} as const;
/** In the order in which the engine is told them. */
const LISTS = {
  audioLanguages: Setting.AudioLanguages,
  textLanguages: Setting.TextLanguages,
  audioRoles: Setting.AudioRoles,
  textRoles: Setting.TextRoles,
  codecs: Setting.Codecs,
} as const;

/** What the engine is told, by kinds. */
const SETTINGS: [Kind, { readonly [name: string]: Setting }][] = [
  [AMOUNT, AMOUNTS],
  [BOOLEAN, SWITCHES],
  [TEXTS, LISTS],
  [TEXT, { rule: Setting.Rule }],
];
/** What the page keeps to itself. */
const OWN = { remember: BOOLEAN, topology: oneOf(["worker", "worker-transfer", "page"]), workerUrl: ADDRESS, wasmUrl: ADDRESS, moreUrl: ADDRESS, restUrl: ADDRESS, changesUrl: ADDRESS };
type Preferred = [audioLanguages: string, textLanguages: string, audioRoles: string, textRoles: string, codecs: string];
const OF_DRM = { keys: OBJECT, segmentKey: TEXT, servers: OBJECT, certificates: OBJECT, robustness: OBJECT, software: BOOLEAN, licenceRequest: FUNCTION, licenceResponse: FUNCTION };
const ORIGINS: Kind = ["an array of origins", (value) => Array.isArray(value) && value.every((one) => originOf(one) !== undefined)];
const OF_REQUEST = { credentials: oneOf(["omit", "same-origin", "include"]), headers: OBJECT, origins: ORIGINS };
const BOUNDS = { maxHeight: AMOUNT, maxBitrate: AMOUNT, minBitrate: AMOUNT, renditions: TEXTS };

/** Throws `TypeError` of an option that is of a wrong type. */
export function checkOptions(options: Options | null): void {
  for (const [kind, names] of SETTINGS) check("Player", options, names, kind);
  check("Player", options, OWN);
  checkDrm(options?.drm);
  const request = options?.request;
  if (typeof request === "function") return;
  check("request", request, OF_REQUEST);
  const wrong = refused(plain(request?.headers));
  if (wrong) throw new TypeError(`request: ${wrong}`);
}

function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}

/** Headers as what can be posted. */
const plain = (headers: RequestRule["headers"]) => (headers instanceof Headers ? Object.fromEntries(headers) : (headers ?? {}));

/** What is done to the requests of a title. */
export function ruleOf(request: RequestRule | RequestFilter, title: string): Rule {
  if (typeof request === "function") return null;
  return { ...request, headers: plain(request.headers), origins: (request.origins ?? [title]).map((url) => originOf(url) ?? "") };
}

export function checkDrm(drm: Drm | undefined): void {
  check("drm", drm, OF_DRM);
}

/** Preferences as the engine is told them. Throws `TypeError` of one that is of a wrong type. */
export function preferred(preferences: Preferences): Preferred {
  check("prefer", preferences, LISTS, TEXTS);
  return Object.keys(LISTS).map((name) => (preferences?.[name as keyof Preferences] ?? []).join()) as Preferred;
}

export function checkConstraints(constraints: Constraints): void {
  check("constrain", constraints, BOUNDS);
}

/** Options for the engine. */
export function settings(options: Options): [Setting, number | string][] {
  const all: [Setting, number | string][] = [];
  for (const [, names] of SETTINGS) {
    for (const [name, key] of Object.entries(names)) {
      const value = options[name as keyof Options] as number | boolean | string | string[] | null | undefined;
      if (value === undefined || value === null) continue;
      all.push([key, typeof value === "boolean" ? +value : Array.isArray(value) ? value.join() : value]);
    }
  }
  return all;
}
