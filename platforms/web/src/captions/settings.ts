// What a viewer wants of captions, over what their author says. Kept in this browser, for all players of an origin.

import type { EdgeKind, FontFamily } from "./cue.js";

/** What is not there is as the author says, or as it is by default. */
export interface CaptionSettings {
  /** Size of letters: 1 is normal. */
  size?: number;
  family?: FontFamily;
  /** `#rrggbb`. */
  color?: string;
  /** Of the letters, 0 to 1. */
  opacity?: number;
  /** Behind the letters, `#rrggbb`. */
  background?: string;
  /** 0 to 1. */
  backgroundOpacity?: number;
  /** Behind the whole text, `#rrggbb`. */
  window?: string;
  /** 0 to 1. */
  windowOpacity?: number;
  edge?: EdgeKind;
}

const KEY = "telecine.captions";

/** What was wanted last. */
export function kept(): CaptionSettings {
  try {
    return check(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    // No storage for this page, or something else is in it: nothing is wanted.
    return {};
  }
}

/** Keeps it. False where the browser keeps nothing for this page. */
export function keep(settings: CaptionSettings): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
    return true;
  } catch {
    return false;
  }
}

const EDGES = ["none", "raised", "depressed", "uniform", "shadow-left", "shadow-right"];
const FAMILIES = [
  "default",
  "monospace-serif",
  "proportional-serif",
  "monospace-sans-serif",
  "proportional-sans-serif",
  "casual",
  "cursive",
  "small-capitals",
];

/** What of it are settings. */
export function check(value: unknown): CaptionSettings {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const settings: Record<string, unknown> = {};
  const take = (names: (keyof CaptionSettings)[], is: (value: unknown) => boolean) => {
    for (const name of names) if (is(given[name])) settings[name] = given[name];
  };
  const between = (low: number, high: number) => (value: unknown) => typeof value === "number" && value >= low && value <= high;
  take(["size"], between(0.25, 4));
  take(["opacity", "backgroundOpacity", "windowOpacity"], between(0, 1));
  take(["color", "background", "window"], (value) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value));
  take(["family"], (value) => FAMILIES.includes(value as string));
  take(["edge"], (value) => EDGES.includes(value as string));
  return settings as CaptionSettings;
}
