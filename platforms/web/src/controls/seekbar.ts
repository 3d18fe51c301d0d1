// Where the playhead is, what is buffered, and what there is to see elsewhere.

import type { TelecinePlayer } from "../element/telecine-player.js";
import { clock, spoken } from "./time.js";
import type { Words } from "./words.js";

/** A slider over what is seekable. */
export class SeekBar {
  readonly element = document.createElement("div");
  readonly input = document.createElement("input");
  #preview = document.createElement("div");
  #thumb = document.createElement("span");
  #time = document.createElement("span");
  /** The viewer has it in hand. */
  #held = false;

  constructor(
    readonly player: TelecinePlayer,
    readonly words: Words,
  ) {
    const { element, input } = this;
    element.className = "seek";
    Object.assign(input, { type: "range", min: "0", max: "0", step: "any", value: "0" });
    input.setAttribute("aria-label", words.seek);
    this.#preview.className = "preview";
    this.#preview.hidden = true;
    this.#thumb.className = "thumb";
    this.#preview.append(this.#thumb, this.#time);
    element.append(input, this.#preview);
    input.addEventListener("pointerdown", () => (this.#held = true));
    input.addEventListener("pointerup", () => (this.#held = false));
    input.addEventListener("input", () => {
      const to = Number(input.value);
      // The end of what is live is its edge.
      if (player.live && to >= Number(input.max) - 1) player.seekToLive();
      else player.currentTime = to;
    });
    element.addEventListener("pointermove", ({ clientX }) => this.#show(clientX));
    element.addEventListener("pointerleave", () => (this.#preview.hidden = true));
  }

  /** Shows where it is. */
  update(): void {
    const { player, input, words } = this;
    const { seekable, buffered } = player;
    const [from, to] = seekable.length ? [seekable.start(0), seekable.end(seekable.length - 1)] : [0, 0];
    const at = player.currentTime;
    input.min = String(from);
    input.max = String(to);
    input.disabled = to <= from;
    if (!this.#held) input.value = String(at);
    const place = player.live ? `-${spoken(to - at, words)}` : `${spoken(at, words)} ${words.of} ${spoken(to, words)}`;
    input.setAttribute("aria-valuetext", place);
    const percent = (time: number) => (to > from ? Math.min(100, Math.max(0, ((time - from) / (to - from)) * 100)) : 0);
    const stops = [`var(--accent) 0 ${percent(at)}%`];
    for (let index = 0; index < buffered.length; index += 1) {
      const [left, right] = [Math.max(at, buffered.start(index)), buffered.end(index)];
      if (right > at) stops.push(`rgba(255,255,255,.3) 0 ${percent(left)}%`, `rgba(255,255,255,.6) 0 ${percent(right)}%`);
    }
    input.style.setProperty("--track", `linear-gradient(90deg, ${stops.join()}, rgba(255,255,255,.3) 0)`);
  }

  #show(x: number): void {
    const { player, input } = this;
    const { left, width } = input.getBoundingClientRect();
    const [from, to] = [Number(input.min), Number(input.max)];
    if (to <= from) return;
    const share = Math.min(1, Math.max(0, (x - left) / width));
    const time = from + (to - from) * share;
    this.#time.textContent = clock(player.live ? time - to : time);
    const tile = thumbnail(player, time);
    this.#thumb.hidden = !tile;
    if (tile) Object.assign(this.#thumb.style, tile);
    this.#preview.hidden = false;
    const half = this.#preview.offsetWidth / 2;
    this.#preview.style.left = `${Math.min(width - half, Math.max(half, share * width))}px`;
  }
}

/** The tile of a moment, as a background. */
function thumbnail({ presentation, videoWidth, videoHeight }: TelecinePlayer, time: number): Partial<CSSStyleDeclaration> | undefined {
  for (const { columns, rows, images } of presentation?.thumbnails ?? []) {
    const image = images.find(({ start, duration }) => time >= start && time < start + duration);
    if (!image) continue;
    const tile = Math.floor(((time - image.start) / image.duration) * columns * rows);
    const place = (index: number, count: number) => `${count > 1 ? (index / (count - 1)) * 100 : 0}%`;
    return {
      backgroundImage: `url(${JSON.stringify(image.url)})`,
      backgroundSize: `${columns * 100}% ${rows * 100}%`,
      backgroundPosition: `${place(tile % columns, columns)} ${place(Math.floor(tile / columns), rows)}`,
      aspectRatio: `${videoWidth || 16} / ${videoHeight || 9}`,
    };
  }
  return undefined;
}
