// What is obeyed of Shaka's configuration, and the options of the player that come of it.

import type { LicenceRequest, LicenceResponse, Options, Preferences } from "../../player.js";
import type { Networking } from "./networking.js";

/** What may be configured; the rest of Shaka's configuration is kept, and ignored where it tunes rules of its own. */
export interface Configuration {
  streaming: { bufferingGoal: number; bufferBehind: number; [name: string]: unknown };
  abr: { enabled: boolean; defaultBandwidthEstimate: number; restrictions: { maxHeight: number; maxBandwidth: number }; [name: string]: unknown };
  drm: { servers: { [system: string]: string }; clearKeys: { [kid: string]: string }; [name: string]: unknown };
  preferredAudioLanguage: string;
  preferredTextLanguage: string;
  restrictions: { maxHeight: number; maxBandwidth: number };
  [name: string]: unknown;
}

const defaults = (): Configuration => ({
  streaming: { bufferingGoal: 10, bufferBehind: 30 },
  abr: { enabled: true, defaultBandwidthEstimate: 1e6, restrictions: { maxHeight: Infinity, maxBandwidth: Infinity } },
  drm: { servers: {}, clearKeys: {} },
  preferredAudioLanguage: "",
  preferredTextLanguage: "",
  restrictions: { maxHeight: Infinity, maxBandwidth: Infinity },
});

/** A configuration, and what of it a page said: only that is obeyed, the rest stays as Telecine has it. */
export class Configured {
  all = defaults();
  #said: Record<string, unknown> = {};

  get said(): object {
    return merge({}, this.#said);
  }

  get copy(): Configuration {
    return merge({}, this.all) as Configuration;
  }

  add(said: Record<string, unknown>): void {
    merge(this.all, said);
    merge(this.#said, said);
  }

  reset(): void {
    this.all = defaults();
    this.#said = {};
  }

  get preferences(): Preferences {
    const { preferredAudioLanguage: audio, preferredTextLanguage: text } = this.#said as Partial<Configuration>;
    return { ...(audio ? { audioLanguages: [audio] } : {}), ...(text ? { textLanguages: [text] } : {}) };
  }

  get options(): Options {
    const { streaming, abr } = this.#said as Partial<Configuration>;
    return {
      ...(streaming?.bufferingGoal !== undefined ? { bufferGoal: streaming.bufferingGoal } : {}),
      ...(streaming?.bufferBehind !== undefined ? { backBuffer: streaming.bufferBehind } : {}),
      ...(abr?.defaultBandwidthEstimate !== undefined ? { initialThroughput: abr.defaultBandwidthEstimate } : {}),
      ...this.preferences,
    };
  }

  /** Keys, with the page's say in requests for them. */
  drm(networking: Networking): object | undefined {
    const { servers, clearKeys } = this.all.drm;
    const [request, response] = [networking.requests, networking.responses];
    if (!Object.keys(servers).length && !Object.keys(clearKeys).length && !request.length && !response.length) return undefined;
    return {
      servers,
      ...(Object.keys(clearKeys).length ? { keys: clearKeys } : {}),
      ...(request.length ? { licenceRequest: (one: LicenceRequest) => networking.ask(one) } : {}),
      ...(response.length ? { licenceResponse: (one: LicenceRequest, answer: LicenceResponse) => networking.answer(one, answer) } : {}),
    };
  }

  /** Whether something may be played, and be chosen by the player. */
  allows({ height, bitrate }: { height: number | null; bitrate: number }): boolean {
    const { abr, restrictions } = this.all;
    const most = (name: "maxHeight" | "maxBandwidth") => Math.min(restrictions[name] ?? Infinity, abr.enabled ? (abr.restrictions[name] ?? Infinity) : Infinity);
    return (height ?? 0) <= most("maxHeight") && bitrate <= most("maxBandwidth");
  }
}

/** A value at a path, as an object. */
export function nested(path: string[], value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = path;
  return { [first]: rest.length ? nested(rest, value) : value };
}

/** What is in both, the latter's before the former's. Functions may be among it. */
function merge(into: Record<string, unknown>, from: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(from)) {
    const plain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (plain) merge((into[name] ??= {}) as Record<string, unknown>, value as Record<string, unknown>);
    else into[name] = Array.isArray(value) ? [...value] : value;
  }
  return into;
}
