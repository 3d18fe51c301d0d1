// The engine's errors in the words of hls.js.

import type { Failure } from "../title.js";

export const ErrorTypes = {
  NETWORK_ERROR: "networkError",
  MEDIA_ERROR: "mediaError",
  KEY_SYSTEM_ERROR: "keySystemError",
  MUX_ERROR: "muxError",
  OTHER_ERROR: "otherError",
} as const;

export const ErrorDetails = {
  KEY_SYSTEM_NO_KEYS: "keySystemNoKeys",
  KEY_SYSTEM_NO_ACCESS: "keySystemNoAccess",
  KEY_SYSTEM_NO_SESSION: "keySystemNoSession",
  KEY_SYSTEM_LICENSE_REQUEST_FAILED: "keySystemLicenseRequestFailed",
  KEY_SYSTEM_SERVER_CERTIFICATE_REQUEST_FAILED: "keySystemServerCertificateRequestFailed",
  KEY_SYSTEM_STATUS_OUTPUT_RESTRICTED: "keySystemStatusOutputRestricted",
  KEY_SYSTEM_STATUS_INTERNAL_ERROR: "keySystemStatusInternalError",
  MANIFEST_LOAD_ERROR: "manifestLoadError",
  MANIFEST_LOAD_TIMEOUT: "manifestLoadTimeOut",
  MANIFEST_PARSING_ERROR: "manifestParsingError",
  MANIFEST_INCOMPATIBLE_CODECS_ERROR: "manifestIncompatibleCodecsError",
  LEVEL_EMPTY_ERROR: "levelEmptyError",
  LEVEL_LOAD_ERROR: "levelLoadError",
  LEVEL_LOAD_TIMEOUT: "levelLoadTimeOut",
  LEVEL_PARSING_ERROR: "levelParsingError",
  FRAG_LOAD_ERROR: "fragLoadError",
  FRAG_LOAD_TIMEOUT: "fragLoadTimeOut",
  FRAG_DECRYPT_ERROR: "fragDecryptError",
  FRAG_PARSING_ERROR: "fragParsingError",
  BUFFER_APPEND_ERROR: "bufferAppendError",
  BUFFER_FULL_ERROR: "bufferFullError",
  BUFFER_STALLED_ERROR: "bufferStalledError",
  INTERNAL_EXCEPTION: "internalException",
  UNKNOWN: "unknown",
} as const;

/** What `Hls.Events.ERROR` carries. `telecine` is the engine's own error: its number, name, sentence and facts. */
export interface ErrorData {
  type: string;
  details: string;
  fatal: boolean;
  error: Error;
  reason?: string;
  url?: string;
  response?: { code: number; text: string; url: string };
  telecine?: Failure;
}

const DRM: { [code: number]: string } = {
  4002: ErrorDetails.FRAG_DECRYPT_ERROR,
  4011: ErrorDetails.KEY_SYSTEM_NO_ACCESS,
  4012: ErrorDetails.KEY_SYSTEM_LICENSE_REQUEST_FAILED,
  4013: ErrorDetails.KEY_SYSTEM_LICENSE_REQUEST_FAILED,
  4017: ErrorDetails.KEY_SYSTEM_STATUS_OUTPUT_RESTRICTED,
  4018: ErrorDetails.KEY_SYSTEM_STATUS_INTERNAL_ERROR,
  4020: ErrorDetails.KEY_SYSTEM_SERVER_CERTIFICATE_REQUEST_FAILED,
  4021: ErrorDetails.KEY_SYSTEM_NO_SESSION,
};

/** `known`: the manifest was read. `url`: of that. */
export function errorOf(failure: Failure, known: boolean, url: string): ErrorData {
  const { code, message, fatal, facts } = failure;
  const [type, details] = classOf(failure, known, url);
  const asked = facts["url"] ?? url;
  const status = Number(facts["status"]);
  return {
    type,
    details,
    fatal,
    error: new Error(message),
    reason: message,
    url: asked,
    // hls.js has the status there that the server gave; 0 where none came.
    ...(type === ErrorTypes.NETWORK_ERROR && isOfRequest(failure) ? { response: { code: Number.isNaN(status) ? 0 : status, text: message, url: asked } } : {}),
    telecine: failure,
  };
}

function classOf({ code, facts }: Pick<Failure, "code" | "facts">, known: boolean, url: string): [type: string, details: string] {
  const { NETWORK_ERROR, MEDIA_ERROR, KEY_SYSTEM_ERROR, OTHER_ERROR } = ErrorTypes;
  const late = code === 1004;
  const isPlaylist = /\.m3u8?(\?|$)/i.test(facts["url"] ?? "");
  if (isOfRequest({ code, facts })) {
    if (!known && (facts["url"] ?? url) === url) return [NETWORK_ERROR, late ? ErrorDetails.MANIFEST_LOAD_TIMEOUT : ErrorDetails.MANIFEST_LOAD_ERROR];
    if (isPlaylist || !known) return [NETWORK_ERROR, late ? ErrorDetails.LEVEL_LOAD_TIMEOUT : ErrorDetails.LEVEL_LOAD_ERROR];
    return [NETWORK_ERROR, late ? ErrorDetails.FRAG_LOAD_TIMEOUT : ErrorDetails.FRAG_LOAD_ERROR];
  }
  if (code === 2009) return [MEDIA_ERROR, ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR];
  if (code < 3000) return [NETWORK_ERROR, known ? ErrorDetails.LEVEL_PARSING_ERROR : ErrorDetails.MANIFEST_PARSING_ERROR];
  if (code < 4000) return [MEDIA_ERROR, ErrorDetails.FRAG_PARSING_ERROR];
  if (code < 5000) return [KEY_SYSTEM_ERROR, DRM[code] ?? ErrorDetails.KEY_SYSTEM_NO_KEYS];
  if (code === 5003) return [MEDIA_ERROR, ErrorDetails.BUFFER_FULL_ERROR];
  if (code === 5004) return [MEDIA_ERROR, ErrorDetails.BUFFER_STALLED_ERROR];
  if (code < 6000) return [MEDIA_ERROR, ErrorDetails.BUFFER_APPEND_ERROR];
  return [OTHER_ERROR, code < 9000 ? ErrorDetails.UNKNOWN : ErrorDetails.INTERNAL_EXCEPTION];
}

/** Whether a request failed: on its way, or by what the page did to it. */
function isOfRequest({ code, facts }: Pick<Failure, "code" | "facts">): boolean {
  return code < 2000 || (code === 7002 && facts["url"] !== undefined);
}
