// What went wrong: in the four words of HTML, in the number and words of Telecine, and in a sentence for who watches.

import type { Value } from "../messages.js";

/** An error of the engine: docs/errors.md has the list. */
export interface TelecineError {
  /** Its stable number. */
  code: number;
  /** Its stable name. */
  name: string;
  /** What it is about: network, manifest, media, drm, device, service, usage, internal. */
  domain: string;
  /** Who can mend it: content, network, server, device, app, us. */
  blame: string;
  /** Whether playback ended because of it. */
  fatal: boolean;
  /** What happened. */
  message: string;
  /** What the number means, in a sentence. */
  meaning: string;
  /** What can be done. */
  advice: string;
  /** URL without secrets, status, segment, time… */
  facts: { [name: string]: Value };
}

/** A `MediaError`, which only browsers can make, with what the engine knows. */
export class PlayerError {
  static readonly MEDIA_ERR_ABORTED = 1;
  static readonly MEDIA_ERR_NETWORK = 2;
  static readonly MEDIA_ERR_DECODE = 3;
  static readonly MEDIA_ERR_SRC_NOT_SUPPORTED = 4;
  readonly MEDIA_ERR_ABORTED = 1;
  readonly MEDIA_ERR_NETWORK = 2;
  readonly MEDIA_ERR_DECODE = 3;
  readonly MEDIA_ERR_SRC_NOT_SUPPORTED = 4;

  constructor(
    /** 1 to 4, as HTML counts. */
    readonly code: number,
    /** What happened, in a sentence. */
    readonly message: string,
    /** What the engine says; null where it was not asked. */
    readonly telecine: TelecineError | null = null,
  ) {}
}

/**
 * HTML, "media data processing steps": what fails before the metadata is known was not suitable, whatever the reason; behind
 * that the network or the data is to blame.
 */
export function mediaError(error: TelecineError, hasMetadata: boolean): PlayerError {
  const { MEDIA_ERR_SRC_NOT_SUPPORTED, MEDIA_ERR_NETWORK, MEDIA_ERR_DECODE } = PlayerError;
  const late = error.domain === "network" || error.domain === "service" ? MEDIA_ERR_NETWORK : MEDIA_ERR_DECODE;
  return new PlayerError(hasMetadata ? late : MEDIA_ERR_SRC_NOT_SUPPORTED, `${error.code} ${error.name}: ${error.message}`, error);
}

/** What is told to who watches, who can do little and wants to know whether to wait, to check something, or to leave it. */
export function forViewers({ code, telecine }: PlayerError): string {
  const status = telecine?.facts.status;
  if (status === "404" || status === "410") return "This video is not here any more.";
  if (status === "401" || status === "403") return "You are not allowed to watch this video here.";
  switch (telecine?.domain) {
    case "network":
      if (telecine.blame === "server") return "This video cannot be reached at the moment. Please try again later.";
      return "The connection was lost. Please check your network and try again.";
    case "service":
      return "This video cannot be played for you now.";
    case "drm":
      return "This video is protected and could not be unlocked on this device.";
    case "device":
      return "This device cannot play this video.";
    case "manifest":
    case "media":
      return "This video is damaged or is of a kind that cannot be played.";
    case undefined:
      return code === PlayerError.MEDIA_ERR_SRC_NOT_SUPPORTED ? "There is no video to play." : "Something went wrong.";
    default:
      return "Something went wrong. Please try again.";
  }
}
