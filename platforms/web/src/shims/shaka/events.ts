// What listeners of Shaka's player get.

import type { ShakaError } from "./errors.js";
import type { Track } from "./tracks.js";

/** What listeners get, by the name of the event. */
export interface PlayerEvents {
  error: Event & { detail: ShakaError };
  buffering: Event & { buffering: boolean };
  adaptation: Event & { oldTrack: Track | null; newTrack: Track };
  variantchanged: Event & { oldTrack: Track | null; newTrack: Track };
}

/** An event target whose events have types. */
export interface PlayerTarget extends EventTarget {
  addEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** The same as a class to derive from. */
export const Target = EventTarget as new () => PlayerTarget;
