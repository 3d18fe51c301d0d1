// An element that belongs to the page: what the page, or a viewer through its controls, does with it is for the engine to hear.
// The engine sends the same element elsewhere, and says where to.

import type { Player } from "../player.js";

/** An element under two hands. */
export class Shared {
  #listening = new AbortController();
  /** Seeks of the engine whose event is to come. */
  #ordered: number[] = [];

  constructor(
    readonly video: HTMLVideoElement,
    player: Player,
  ) {
    player.attach(video, (to) => this.#ordered.push(to));
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
    // What a page did before it came here.
    if (!video.paused || video.autoplay) player.play();
  }

  /** Hears nothing any more. */
  close(): void {
    this.#listening.abort();
  }
}
