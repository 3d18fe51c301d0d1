// What a media element tells, and what it says of itself at each moment. Runs in the page.

export { readStrip } from "./watch.mjs";

const EVENTS = `abort canplay canplaythrough durationchange emptied ended error loadeddata loadedmetadata loadstart pause play playing
  progress ratechange resize seeked seeking stalled suspend timeupdate volumechange waiting`.split(/\s+/);

/** The events of an element since this was made, with its state as each came. */
export class Record {
  all = [];

  constructor(element) {
    this.element = element;
    for (const name of EVENTS) {
      element.addEventListener(name, (event) => {
        const { currentTime, duration, ended, error, networkState, paused, readyState, seeking, playbackRate } = element;
        const { bubbles, cancelable } = event;
        this.all.push({ name, currentTime, duration, ended, code: error?.code, networkState, paused, readyState, seeking, playbackRate, bubbles, cancelable });
      });
    }
  }

  /** Their names, but for those that come at any time. */
  get names() {
    return this.all.map(({ name }) => name).filter((name) => !["progress", "suspend", "stalled", "resize", "timeupdate"].includes(name));
  }

  find(name) {
    return this.all.find((event) => event.name === name);
  }

  /** Forgets all. */
  clear() {
    this.all.length = 0;
  }

  /** Resolves as soon as one of this name was told, now or before. */
  async until(name, ms = 20_000) {
    const late = performance.now() + ms;
    while (!this.find(name)) {
      if (performance.now() > late) throw new Error(`no ${name} within ${ms} ms; told: ${this.all.map((event) => event.name).join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.find(name);
  }

  /** Resolves as soon as this holds. */
  async holds(is, ms = 20_000) {
    const late = performance.now() + ms;
    while (!is(this.element)) {
      if (performance.now() > late) throw new Error(`not within ${ms} ms: ${is}; told: ${this.all.map((event) => event.name).join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
