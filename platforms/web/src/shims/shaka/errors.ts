// The engine's errors in the words of Shaka.

import type { Failure } from "../title.js";

export const Severity = { RECOVERABLE: 1, CRITICAL: 2 } as const;

export const Category = { NETWORK: 1, TEXT: 2, MEDIA: 3, MANIFEST: 4, STREAMING: 5, DRM: 6, PLAYER: 7, CAST: 8, STORAGE: 9, ADS: 10 } as const;

export const Code = {
  UNSUPPORTED_SCHEME: 1000,
  BAD_HTTP_STATUS: 1001,
  HTTP_ERROR: 1002,
  TIMEOUT: 1003,
  REQUEST_FILTER_ERROR: 1006,
  UNABLE_TO_GUESS_MANIFEST_TYPE: 4000,
  DASH_INVALID_XML: 4001,
  CONTENT_UNSUPPORTED_BY_BROWSER: 4032,
  HLS_PLAYLIST_HEADER_MISSING: 4015,
  MEDIA_SOURCE_OPERATION_FAILED: 3014,
  VIDEO_ERROR: 3016,
  QUOTA_EXCEEDED_ERROR: 3017,
  TRANSMUXING_FAILED: 3018,
  REQUESTED_KEY_SYSTEM_CONFIG_UNAVAILABLE: 6001,
  FAILED_TO_CREATE_SESSION: 6005,
  LICENSE_REQUEST_FAILED: 6007,
  LICENSE_RESPONSE_REJECTED: 6008,
  NO_LICENSE_SERVER_GIVEN: 6012,
  EXPIRED: 6014,
  SERVER_CERTIFICATE_REQUEST_FAILED: 6017,
  LOAD_INTERRUPTED: 7000,
  OPERATION_ABORTED: 7001,
  NO_VIDEO_ELEMENT: 7002,
} as const;

/** `shaka.util.Error`; `telecine` is the engine's own error: its number, name, sentence and facts. */
export class ShakaError extends Error {
  readonly handled = false;
  telecine: Failure | undefined;

  constructor(
    readonly severity: number,
    readonly category: number,
    readonly code: number,
    ...data: unknown[]
  ) {
    super(`Shaka Error ${code}${data.length ? ` (${data.join(",")})` : ""}`);
    this.name = "Error";
    this.data = data;
  }

  readonly data: unknown[];

  static of(failure: Failure): ShakaError {
    const { code, fatal, message, facts } = failure;
    const [category, number, ...data] = classOf(code, facts);
    const error = new ShakaError(fatal ? Severity.CRITICAL : Severity.RECOVERABLE, category, number, ...data);
    error.message = `Shaka Error ${number}: ${message}`;
    error.telecine = failure;
    return error;
  }
}

function classOf(code: number, facts: Failure["facts"]): [category: number, code: number, ...data: unknown[]] {
  const url = facts["url"] ?? "";
  if (code === 1007) return [Category.NETWORK, Code.BAD_HTTP_STATUS, url, Number(facts["status"]), "", {}, 0];
  if (code === 1004) return [Category.NETWORK, Code.TIMEOUT, url];
  if (code === 1009 || code === 1015) return [Category.NETWORK, Code.UNSUPPORTED_SCHEME, url];
  if (code < 2000) return [Category.NETWORK, Code.HTTP_ERROR, url];
  if (code === 7002 && url) return [Category.NETWORK, Code.REQUEST_FILTER_ERROR, url];
  if (code === 2001) return [Category.MANIFEST, Code.UNABLE_TO_GUESS_MANIFEST_TYPE, url];
  if (code === 2009) return [Category.MANIFEST, Code.CONTENT_UNSUPPORTED_BY_BROWSER];
  if (code < 3000) return [Category.MANIFEST, /\.mpd/i.test(url) ? Code.DASH_INVALID_XML : Code.HLS_PLAYLIST_HEADER_MISSING, url];
  if (code < 4000) return [Category.MEDIA, Code.TRANSMUXING_FAILED, url];
  if (code < 5000) return [Category.DRM, DRM[code] ?? Code.LICENSE_REQUEST_FAILED];
  if (code === 5003) return [Category.MEDIA, Code.QUOTA_EXCEEDED_ERROR];
  if (code === 5001) return [Category.MEDIA, Code.VIDEO_ERROR];
  if (code < 6000) return [Category.MEDIA, Code.MEDIA_SOURCE_OPERATION_FAILED];
  return [Category.PLAYER, Code.OPERATION_ABORTED];
}

const DRM: { [code: number]: number } = {
  4001: Code.NO_LICENSE_SERVER_GIVEN,
  4011: Code.REQUESTED_KEY_SYSTEM_CONFIG_UNAVAILABLE,
  4014: Code.LICENSE_RESPONSE_REJECTED,
  4015: Code.EXPIRED,
  4020: Code.SERVER_CERTIFICATE_REQUEST_FAILED,
  4021: Code.FAILED_TO_CREATE_SESSION,
};
