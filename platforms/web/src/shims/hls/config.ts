// What is obeyed of hls.js' configuration, and the options of the player that come of it.

import type { Options } from "../../player.js";

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
  licenseXhrSetup: ((xhr: LicenceXhr, url: string) => void | Promise<void>) | undefined;
  [name: string]: unknown;
}

/** What a licence's XMLHttpRequest may be told. */
export interface LicenceXhr {
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  withCredentials: boolean;
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
  licenseXhrSetup: undefined,
};

/** How to play with a configuration, of which a page said this much: the rest stays as Telecine has it. */
export function optionsOf(config: HlsConfig, { maxBufferLength, backBufferLength, abrEwmaDefaultEstimate }: Partial<HlsConfig>): Options {
  const options: { -readonly [name in keyof Options]: Options[name] } = {};
  if (isFinite(maxBufferLength)) options.bufferGoal = maxBufferLength;
  if (isFinite(backBufferLength)) options.backBuffer = backBufferLength;
  if (abrEwmaDefaultEstimate !== undefined) options.initialThroughput = abrEwmaDefaultEstimate;
  if (config.emeEnabled) Object.assign(options, { drm: drmOf(config) });
  return options;
}

function isFinite(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

function drmOf({ drmSystems, licenseXhrSetup }: HlsConfig): object {
  const servers = Object.fromEntries(Object.entries(drmSystems).map(([system, { licenseUrl }]) => [system, licenseUrl]));
  if (!licenseXhrSetup) return { servers };
  const licenceRequest = async (request: { url: string; headers: { [name: string]: string }; credentials?: string }) => {
    const xhr: LicenceXhr = {
      open: (_, url) => (request.url = url),
      setRequestHeader: (name, value) => (request.headers[name] = value),
      withCredentials: false,
    };
    await licenseXhrSetup(xhr, request.url);
    if (xhr.withCredentials) request.credentials = "include";
    return request;
  };
  return { servers, licenceRequest };
}
