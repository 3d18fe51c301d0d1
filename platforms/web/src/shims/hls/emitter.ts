// Who hears what, as hls.js' emitter has it.

import type { Events, HlsData, HlsListeners } from "./events.js";

type Listener = (event: never, data: never) => void;

/** What tells events to listeners. */
export class Emitter {
  #all = new Map<Events, { listener: Listener; context: unknown; once: boolean }[]>();

  on<Event extends Events>(event: Event, listener: HlsListeners[Event], context?: unknown): void {
    this.#add(event, listener, context, false);
  }

  once<Event extends Events>(event: Event, listener: HlsListeners[Event], context?: unknown): void {
    this.#add(event, listener, context, true);
  }

  off<Event extends Events>(event: Event, listener?: HlsListeners[Event]): void {
    this.#all.set(event, listener ? this.#of(event).filter((one) => one.listener !== listener) : []);
  }

  removeAllListeners(event?: Events): void {
    if (event === undefined) this.#all.clear();
    else this.#all.delete(event);
  }

  listeners<Event extends Events>(event: Event): HlsListeners[Event][] {
    return this.#of(event).map(({ listener }) => listener as HlsListeners[Event]);
  }

  listenerCount(event: Events): number {
    return this.#of(event).length;
  }

  /** @internal Calls who listens. */
  announce<Event extends keyof HlsData>(event: Event, data: HlsData[Event]): void {
    for (const one of this.#of(event)) {
      if (one.once) this.#all.set(event, this.#of(event).filter((other) => other !== one));
      one.listener.call(one.context, event as never, data as never);
    }
  }

  #add(event: Events, listener: Listener, context: unknown, once: boolean): void {
    if (event === undefined) throw new Error("telecine/hls has no event of that name");
    this.#all.set(event, [...this.#of(event), { listener, context: context ?? this, once }]);
  }

  #of(event: Events) {
    return this.#all.get(event) ?? [];
  }
}
