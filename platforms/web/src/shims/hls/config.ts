// What is obeyed of hls.js' configuration, and the options of the player that come of it.

import type { Options } from "../../player.js";
import { licencesOf, requestOf, type DoneXhr, type KeyContext, type LoaderContext, type SetupXhr } from "./requests.js";

/** The part of hls.js' configuration that is obeyed. Numbers that tune its own rules are taken and ignored. */
export interface HlsConfig {
  autoStartLoad: boolean;
  startPosition: number;
  startLevel: number | undefined;
  maxBufferLength: number;
  backBufferLength: number;
  abrEwmaDefaultEstimate: number;
  lowLatencyMode: boolean;
  emeEnabled: boolean;
  drmSystems: { [system: string]: { licenseUrl: string } };
  // Methods, so that pages may name the types of hls.js.
  /** Asked about each request for a manifest, media or key before it is made. */
  xhrSetup?(xhr: SetupXhr, url: string): void | Promise<void>;
  /** The same where there is no `xhrSetup`. */
  fetchSetup?(context: LoaderContext, initParams: any): Request | void | Promise<Request | void>;
  /** What it gives is posted in place of the challenge. */
  licenseXhrSetup?(xhr: SetupXhr, url: string, keyContext: KeyContext, licenseChallenge: Uint8Array<ArrayBuffer>): void | Uint8Array<ArrayBuffer> | Promise<void | Uint8Array<ArrayBuffer>>;
  /** What it gives is the licence. */
  licenseResponseCallback?(xhr: DoneXhr, url: string, keyContext: KeyContext): ArrayBuffer;
  [name: string]: unknown;
}

export const DEFAULTS: HlsConfig = {
  autoStartLoad: true,
  startPosition: -1,
  startLevel: undefined,
  maxBufferLength: 30,
  backBufferLength: 20,
  abrEwmaDefaultEstimate: 500_000,
  lowLatencyMode: true,
  emeEnabled: false,
  drmSystems: {},
};

/** How to play with a configuration, of which a page said this much: the rest stays as Telecine has it. */
export function optionsOf(hls: object, config: HlsConfig, { maxBufferLength, backBufferLength, abrEwmaDefaultEstimate }: Partial<HlsConfig>): Options {
  const options: { -readonly [name in keyof Options]: Options[name] } = {};
  if (isFinite(maxBufferLength)) options.bufferGoal = maxBufferLength;
  if (isFinite(backBufferLength)) options.backBuffer = backBufferLength;
  if (abrEwmaDefaultEstimate !== undefined) options.initialThroughput = abrEwmaDefaultEstimate;
  const request = requestOf(config);
  if (request) options.request = request;
  // Key files are asked for as media is, whether or not licences may be.
  if (!config.emeEnabled && request) options.drm = licencesOf(hls, {}, request);
  const servers = Object.fromEntries(Object.entries(config.drmSystems).map(([system, { licenseUrl }]) => [system, licenseUrl]));
  if (config.emeEnabled) options.drm = { servers, ...licencesOf(hls, config, request) };
  return options;
}

function isFinite(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}
