// An element that belongs to the page: what the page, or a viewer through its controls, does with it is for the engine to hear.
// The engine sends the same element elsewhere, and says where to.

import type { Player } from "../player.js";
import { Subtitles } from "./subtitles.js";
import type { Title, Told } from "./title.js";

/** An element under two hands, with the title's subtitles as tracks of its own. */
export class Shared {
  readonly subtitles: Subtitles;
  #listening = new AbortController();
  /** Seeks of the engine whose event is to come. */
  #ordered: number[] = [];

  constructor(
    readonly video: HTMLVideoElement,
    player: Player,
  ) {
    this.subtitles = new Subtitles(video, (track) => player.select("text", track));
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
    player.addEventListener("autoplayblocked", () => video.pause(), { signal });
    // What a page did before it came here.
    if (!video.paused || video.autoplay) player.play();
  }

  /** The title told something. */
  hear(told: Told, title: Title): void {
    if (told.type === "Loaded") this.subtitles.show(title.of("text"), title.selected("text")?.id);
    else if (told.type === "Selected" && told.kind === "text") this.subtitles.choose(title.selected("text")?.id);
    else if (told.type === "Cues") this.subtitles.change(told.changes);
  }

  /** Hears nothing any more. */
  close(): void {
    this.#listening.abort();
    this.subtitles.close();
  }
}
