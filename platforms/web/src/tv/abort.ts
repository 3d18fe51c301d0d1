// `AbortController`, where signals have reasons: browsers between 2018 and 2022 have it without.

import { CustomEvent, EventTarget } from "./events.js";

/** Says that something is not wanted any more. */
export class AbortSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

/** Who can say so. */
export class AbortController {
  readonly signal = new AbortSignal();

  abort(reason: unknown = new Error("aborted")): void {
    const { signal } = this;
    if (signal.aborted) return;
    signal.aborted = true;
    signal.reason = reason;
    signal.dispatchEvent(new CustomEvent("abort"));
  }
}
