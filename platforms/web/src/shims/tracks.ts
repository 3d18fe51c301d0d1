// What both peers say of a track, each in a shape of its own.

import type { Rendition, Track } from "../boundary/told.js";

export type { Rendition, Track };

/** How a track is called. */
export function nameOf({ label, language, id }: Track): string {
  return label ?? language ?? id;
}

/** Those of a rendition's codecs that are of a picture, and of a sound. */
export function codecsOf({ codecs }: Rendition): { video: string | undefined; audio: string | undefined } {
  const of = (pattern: RegExp) => codecs.split(",").find((codec) => pattern.test(codec.trim()));
  return { video: of(/^(avc|hvc|hev|av01|vp0?9|vp8|dv)/), audio: of(/^(mp4a|ac-3|ec-3|opus|flac|dts)/i) };
}
