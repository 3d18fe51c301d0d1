// What listeners of a player get: every event of the engine under its name in lower case.

import type { Told } from "./boundary/told.js";
import type { Appetite } from "./messages.js";

/** Events by their names: `detail` is what the engine tells. */
export type PlayerEvents = {
  [Event in Told | Appetite as Lowercase<Event["type"]>]: CustomEvent<Event>;
} & {
  /** Each of them. */
  told: CustomEvent<Told | Appetite>;
  /** The browser does not let it play before the viewer does something; the player is paused. */
  autoplayblocked: CustomEvent<null>;
};

type Options = boolean | AddEventListenerOptions;

/** An event target whose events have types. */
export interface PlayerTarget {
  dispatchEvent(event: Event): boolean;
  addEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: Options): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: Options): void;
  removeEventListener<Name extends keyof PlayerEvents>(name: Name, listener: (event: PlayerEvents[Name]) => void, options?: Options): void;
  removeEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: Options): void;
}

/** The same as a class to derive from. */
export const Target = EventTarget as new () => PlayerTarget;
