// Listening until a signal says that it is enough. Older browsers know no signal among the options of listeners, and some take any
// options for the phase of an event.

/** Calls for each event of this name, until the signal is aborted. */
export function listen(target: EventTarget, name: string, act: () => void, signal: AbortSignal): void {
  target.addEventListener(name, act);
  signal.addEventListener("abort", () => target.removeEventListener(name, act));
}
