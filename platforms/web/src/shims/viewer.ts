// An element that belongs to the page: what the page, or a viewer through its controls, does with it is for the engine to hear.
// The engine's own orders change the same element, so they go through a stand-in that remembers what was theirs.

import type { Player } from "../player.js";

/** An element under two hands. */
export class Shared {
  /** What the player plays into. */
  readonly element: HTMLVideoElement;
  #listening = new AbortController();
  /** Seeks of the engine whose event is to come. */
  #ordered: number[] = [];
  #rate: number;

  constructor(
    readonly video: HTMLVideoElement,
    player: Player,
  ) {
    this.#rate = video.playbackRate;
    this.element = this.#standIn();
    const { signal } = this.#listening;
    const on = (name: string, act: () => void) => video.addEventListener(name, act, { signal });
    on("play", () => player.play());
    // An end pauses by itself, and a title that makes place for another does.
    on("pause", () => {
      if (!video.ended && video.readyState > 0) player.pause();
    });
    on("seeking", () => {
      const ordered = this.#ordered.indexOf(video.currentTime);
      if (ordered >= 0) this.#ordered.splice(0, ordered + 1);
      else player.seek(video.currentTime);
    });
    on("ratechange", () => {
      if (video.playbackRate === this.#rate) return;
      this.#rate = video.playbackRate;
      if (video.playbackRate > 0) player.setRate(video.playbackRate);
    });
    // What a page did before it came here.
    if (!video.paused || video.autoplay) player.play();
  }

  /** Hears nothing any more. */
  close(): void {
    this.#listening.abort();
  }

  #standIn(): HTMLVideoElement {
    const noted = (name: PropertyKey, value: unknown) => {
      if (name === "currentTime") {
        this.video.currentTime = value as number;
        // As the browser rounds it.
        this.#ordered.push(this.video.currentTime);
        return true;
      }
      if (name === "playbackRate") this.#rate = value as number;
      return Reflect.set(this.video, name, value, this.video);
    };
    return new Proxy(this.video, {
      get: (video, name) => {
        const value: unknown = Reflect.get(video, name, video);
        return typeof value === "function" ? (value as (...values: unknown[]) => unknown).bind(video) : value;
      },
      set: (_, name, value) => noted(name, value),
    });
  }
}
