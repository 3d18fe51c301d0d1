// The speed of an element under two hands. The engine holds a picture at speed 0, as `paused` is the application's, and plays a little
// faster or slower at a live edge. A page is to read what was asked for, as of any other element, and hear `ratechange` of that alone: so
// while the element is played into it has a `playbackRate` of its own before that of the browser.

/** Speeds that the engine plays at. */
const SLOWEST = 0.1;
const FASTEST = 4;

/** Throws what HTML has for a speed that is none, and for one that is not played. */
export function checkSpeed(rate: number): void {
  if (!Number.isFinite(rate)) throw new TypeError(`${rate} is no speed`);
  if (rate < SLOWEST || rate > FASTEST) throw new DOMException(`${rate} is not between ${SLOWEST} and ${FASTEST}`, "NotSupportedError");
}

/** A speed that is asked for, and the one that there is. */
export class Speed {
  #asked: number;
  /** What the element was given last. */
  #given: number;
  /** The browser's own property. Browsers of before 2015 have it on each element, and it stays seen there. */
  #native = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "playbackRate");
  #own: PropertyDescriptor;

  /** `wanted` is told of what a page sets, or a viewer by the browser's controls. */
  constructor(
    readonly video: HTMLVideoElement,
    asked: number,
    readonly wanted: (rate: number) => void,
  ) {
    this.#asked = asked;
    this.#given = this.#rate;
    this.#own = {
      configurable: true,
      enumerable: true,
      get: () => this.#asked,
      set: (rate: unknown) => this.#want(Number(rate)),
    };
    if (!this.#native) return;
    Object.defineProperty(video, "playbackRate", this.#own);
    // Before listeners of the page.
    video.addEventListener("ratechange", this.#changed, true);
  }

  /** What was asked for. */
  get asked(): number {
    return this.#asked;
  }

  set asked(rate: number) {
    if (rate === this.#asked) return;
    this.#asked = rate;
    setTimeout(() => this.video.dispatchEvent(new Event("ratechange")));
  }

  /** Gives the element this speed. */
  give(rate: number): void {
    this.#given = rate;
    if (this.#rate !== rate) this.#rate = rate;
  }

  /** The element is the page's again, at the speed that was asked for. */
  close(): void {
    const { video } = this;
    video.removeEventListener("ratechange", this.#changed, true);
    // It may be another's by now.
    if (this.#native && Object.getOwnPropertyDescriptor(video, "playbackRate")?.get !== this.#own.get) return;
    if (this.#native) delete (video as Partial<HTMLVideoElement>).playbackRate;
    this.give(this.#asked);
  }

  get #rate(): number {
    const { video } = this;
    return this.#native ? (this.#native.get?.call(video) as number) : video.playbackRate;
  }

  set #rate(rate: number) {
    const { video } = this;
    if (this.#native) this.#native.set?.call(video, rate);
    else video.playbackRate = rate;
  }

  #want(rate: number): void {
    checkSpeed(rate);
    if (rate !== this.#asked) this.wanted(rate);
  }

  #changed = (event: Event): void => {
    // What was asked for is told by `asked`.
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    const rate = this.#rate;
    if (rate === this.#given) return;
    // A viewer did that.
    this.give(this.#given);
    if (rate >= SLOWEST && rate <= FASTEST) this.#want(rate);
  };
}
