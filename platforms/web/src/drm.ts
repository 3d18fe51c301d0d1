// What an application brings of keys: options, and the letter that they become.

import { FieldWriter, bytesOf } from "./boundary/fields.js";
import { KeyWish } from "./boundary/schema.js";
import { hasKeySystems } from "./eme/probe.js";
import type { LicenceInterest, LicenceRequest, LicenceResponse } from "./net/licence.js";

/** Something for each key system, by EME's names: `com.widevine.alpha`, `com.microsoft.playready.recommendation`, `com.apple.fps`, `org.w3.clearkey`. */
export type BySystem<T> = { [system: string]: T };

/** Keys, key systems and licence servers. */
export interface Drm {
  /** Keys of samples by their identifiers (KID), both 32 hexadecimal digits. Titles under them ask nobody. */
  keys?: { [kid: string]: string };
  /** The key of HLS segments that are encrypted whole (`METHOD=AES-128`), 32 hexadecimal digits, or 64: no key file is asked for. */
  segmentKey?: string;
  /** Licence servers, the first one first; they go before those that the title names. */
  servers?: BySystem<string | URL | (string | URL)[]>;
  /** Certificates of licence services, or where they are. */
  certificates?: BySystem<BufferSource | string | URL>;
  /** The least robustness, for picture and sound or for each: `HW_SECURE_ALL` of Widevine, `3000` of PlayReady. Default none: the strongest that there is is used. */
  robustness?: BySystem<string | { video?: string; audio?: string }>;
  /** Decrypt titles of ClearKey in software, whatever the browser has. Default true; false leaves them to the browser's `org.w3.clearkey`. */
  software?: boolean;
  /** Rewrites a request for a licence before it is sent: changes it, or gives another. Called for each try. */
  licenceRequest?: (request: LicenceRequest) => LicenceRequest | void | Promise<LicenceRequest | void>;
  /** Rewrites an answer, of whatever status, before the player sees it. */
  licenceResponse?: (request: LicenceRequest, response: LicenceResponse) => LicenceResponse | void | Promise<LicenceResponse | void>;
}

/** As it crosses to the module. */
export function letterOf(drm: Drm): Uint8Array<ArrayBuffer> {
  const out = new FieldWriter();
  const absolute = (url: string | URL) => new URL(url, document.baseURI).href;
  if (hasKeySystems()) out.u8(KeyWish.Device);
  if (drm.software !== undefined) out.u8(KeyWish.Software).u8(+drm.software);
  for (const [kid, key] of Object.entries(drm.keys ?? {})) out.u8(KeyWish.Key).text(kid).text(key);
  if (drm.segmentKey !== undefined) out.u8(KeyWish.SegmentKey).text(drm.segmentKey);
  for (const [system, urls] of Object.entries(drm.servers ?? {})) {
    for (const url of [urls].flat()) out.u8(KeyWish.Server).text(system).text(absolute(url));
  }
  for (const [system, certificate] of Object.entries(drm.certificates ?? {})) {
    if (typeof certificate === "string" || certificate instanceof URL) out.u8(KeyWish.CertificateUrl).text(system).text(absolute(certificate));
    else out.u8(KeyWish.Certificate).text(system).blob(bytesOf(certificate) as Uint8Array<ArrayBuffer>);
  }
  for (const [system, wanted] of Object.entries(drm.robustness ?? {})) {
    const { video = "", audio = "" } = typeof wanted === "string" ? { video: wanted, audio: wanted } : wanted;
    out.u8(KeyWish.Robustness).text(system).text(video).text(audio);
  }
  return out.take();
}

/** Which callbacks there are. */
export function interestOf({ licenceRequest, licenceResponse }: Drm): LicenceInterest {
  return { requests: !!licenceRequest, responses: !!licenceResponse };
}
