// Whether anybody sees the page. The engine knows nothing of it and goes on as before: what it would do otherwise is not known to
// be better. What follows is left to the page: pictures that nobody sees are not reported as dropped, and what was learnt is kept,
// as the page may never come back.

import { listen } from "../listen.js";

/** Whether the page is hidden: another tab is in front, or the window is away. */
export function isHidden(): boolean {
  return document.hidden;
}

/** Tells whenever the page is hidden, until the signal. */
export function onHidden(tell: () => void, signal: AbortSignal): void {
  listen(document, "visibilitychange", () => isHidden() && tell(), signal);
}
