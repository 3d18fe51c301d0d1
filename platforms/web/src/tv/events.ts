// Events and what has them, where browsers let nobody make an `EventTarget` (before 2018).

type Listener = ((event: unknown) => void) | { handleEvent(event: unknown): void };

/** An event with something in it. */
export class CustomEvent {
  readonly detail: unknown;
  readonly cancelable: boolean;
  readonly timeStamp = Date.now();
  target: unknown = null;
  currentTarget: unknown = null;
  defaultPrevented = false;
  /** No further listener hears of it. */
  stopped = false;

  constructor(
    readonly type: string,
    { detail = null, cancelable = false }: { detail?: unknown; cancelable?: boolean } = {},
  ) {
    this.detail = detail;
    this.cancelable = cancelable;
  }

  preventDefault(): void {
    this.defaultPrevented = this.defaultPrevented || this.cancelable;
  }

  stopImmediatePropagation(): void {
    this.stopped = true;
  }

  /** There is nobody above. */
  stopPropagation(): void {}
}

/** What listeners are added to. */
export class EventTarget {
  #listeners = new Map<string, { listener: Listener; once: boolean }[]>();

  addEventListener(name: string, listener: Listener | null, options?: boolean | { once?: boolean; signal?: AbortSignal }): void {
    const { once = false, signal = undefined } = typeof options === "object" ? options : {};
    const all = this.#listeners.get(name) ?? [];
    if (!listener || signal?.aborted || all.some((one) => one.listener === listener)) return;
    // A list that is gone through stays as it is.
    this.#listeners.set(name, [...all, { listener, once }]);
    signal?.addEventListener("abort", () => this.removeEventListener(name, listener));
  }

  removeEventListener(name: string, listener: Listener | null): void {
    const left = (this.#listeners.get(name) ?? []).filter((one) => one.listener !== listener);
    this.#listeners.set(name, left);
  }

  dispatchEvent(event: CustomEvent): boolean {
    const { type } = event;
    try {
      event.target = event.currentTarget = this;
    } catch {
      // One of the browser's own says that for itself.
    }
    for (const { listener, once } of this.#listeners.get(type) ?? []) {
      // One before it may have removed it.
      if (event.stopped || !this.#listeners.get(type)?.some((one) => one.listener === listener)) continue;
      if (once) this.removeEventListener(type, listener);
      try {
        if (typeof listener === "function") listener.call(this, event);
        else listener.handleEvent(event);
      } catch (error) {
        // It is the listener's own, and none of the others'.
        reportError(error);
      }
    }
    return !event.defaultPrevented;
  }
}
