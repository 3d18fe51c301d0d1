// Draws what the engine says is to be on the screen, over the picture itself: not over the bars beside it.

import type { Cue, Region, Rgba } from "./cue.js";
import { across, along, type Box } from "./place.js";
import type { CaptionSettings } from "./settings.js";
import { css, dress, over, write } from "./text.js";

/** Size of letters where nobody says otherwise, of the height of the picture (WebVTT, 7.4). */
const LETTERS = 0.05;
/** Distance of lines, of the size of letters. */
const LINES = 1.2;

export const STYLE = `
.captions { position: absolute; overflow: hidden; pointer-events: none; color: #fff; font-family: system-ui, sans-serif; line-height: ${LINES}; font-size: calc(var(--height) * ${LETTERS} * var(--size)); text-wrap: balance; }
.captions .cue { position: absolute; box-sizing: border-box; overflow-wrap: break-word; }
.captions .text { white-space: pre-line; box-decoration-break: clone; -webkit-box-decoration-break: clone; padding: 0 0.2em; }
.captions .text.unbroken { white-space: pre; }
.captions .region { position: absolute; box-sizing: border-box; display: flex; flex-direction: column; }
.captions .region .cue { position: static; flex: none; }
.captions .gap { background: none; }
.captions [data-from] { visibility: hidden; }
.captions [data-from].due { visibility: inherit; }
@keyframes flash { to { visibility: hidden; } }
`;

/** The picture within an element, as CSS' `object-fit: contain` puts it. */
export function picture(video: HTMLVideoElement): Box {
  const { clientWidth, clientHeight, videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight) return { left: 0, top: 0, width: clientWidth, height: clientHeight };
  const scale = Math.min(clientWidth / videoWidth, clientHeight / videoHeight);
  const [width, height] = [videoWidth * scale, videoHeight * scale];
  return { left: (clientWidth - width) / 2, top: (clientHeight - height) / 2, width, height };
}

/** The captions of a video. */
export class CaptionView {
  readonly element = document.createElement("div");
  #cues: Cue[] = [];
  #settings: CaptionSettings;
  #below = 0;
  #sizes = new ResizeObserver(() => this.#fit());

  constructor(
    readonly video: HTMLVideoElement,
    settings: CaptionSettings,
  ) {
    this.#settings = settings;
    this.element.className = "captions";
    this.element.part.add("captions");
    // Read out it would speak over the sound.
    this.element.setAttribute("aria-live", "off");
    this.#sizes.observe(video);
    video.addEventListener("resize", () => this.#fit());
    video.addEventListener("timeupdate", () => this.#appear());
    this.#fit();
  }

  /** Shows these, and nothing else. */
  show(cues: Cue[]): void {
    this.#cues = cues;
    this.#draw();
  }

  set settings(settings: CaptionSettings) {
    this.#settings = settings;
    this.#draw();
  }

  /** Pixels at the bottom of the element that are covered: texts that may be anywhere stay above. */
  set below(pixels: number) {
    if (this.#below === pixels) return;
    this.#below = pixels;
    this.#draw();
  }

  #fit(): void {
    const { left, top, width, height } = picture(this.video);
    const { style } = this.element;
    Object.assign(style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    style.setProperty("--height", `${height}px`);
    this.#draw();
  }

  #draw(): void {
    const { element } = this;
    element.textContent = "";
    element.style.setProperty("--size", String(this.#settings.size ?? 1));
    const regions = new Map<string, HTMLElement>();
    const free: { cue: Cue; box: HTMLElement; text: HTMLElement }[] = [];
    for (const cue of this.#cues) {
      const { box, text } = this.#cue(cue);
      if (cue.region) {
        const { id } = cue.region;
        let region = regions.get(id);
        if (!region) {
          region = this.#region(cue.region);
          regions.set(id, region);
          element.append(region);
        }
        region.append(box);
      } else {
        element.append(box);
        free.push({ cue, box, text });
      }
    }
    this.#place(free);
    this.#appear();
  }

  #cue(cue: Cue): { box: HTMLElement; text: HTMLElement } {
    const { text, style, layout } = cue;
    const box = document.createElement("div");
    box.className = "cue";
    const inner = document.createElement("span");
    inner.className = layout.wrap ? "text" : "text unbroken";
    dress(inner, style, this.#settings, true);
    write(inner, text, this.#settings);
    box.append(inner);
    const { from, size } = along(layout);
    const vertical = layout.writing !== "horizontal";
    if (vertical) box.style.writingMode = layout.writing;
    Object.assign(box.style, vertical ? { top: `${from}%`, height: `${size}%`, maxWidth: "100%" } : { [cue.region ? "marginLeft" : "left"]: `${from}%`, width: `${size}%` });
    box.style.textAlign = layout.align;
    if (layout.direction === "auto") box.dir = "auto";
    else box.dir = layout.direction;
    if (layout.line_height !== null) box.style.lineHeight = String(layout.line_height / 100);
    // The lines are as high as their letters, not as those around them would be.
    box.style.fontSize = inner.style.fontSize;
    inner.style.fontSize = "";
    const behind = this.#window(layout.background);
    if (behind) box.style.backgroundColor = behind;
    return { box, text: inner };
  }

  /** Behind a whole text. */
  #window(author: Rgba | null): string | null {
    const { window: color, windowOpacity } = this.#settings;
    const behind = color === undefined && windowOpacity === undefined ? author : over(color, windowOpacity, author);
    return behind && css(behind);
  }

  #region({ anchor, position, width, height, align, background, opacity, padding, overflows, border, z_index }: Region): HTMLElement {
    const region = document.createElement("div");
    region.className = "region";
    const wide = width.type === "percent" ? `${width.value}%` : `${width.value}ch`;
    const high = height.type === "percent" ? `${height.value}%` : `${height.value * LINES}em`;
    const [above = 0, right = 0, below = 0, left = 0] = padding;
    Object.assign(region.style, {
      width: wide,
      height: high,
      left: `calc(${position.x}% - ${wide} * ${anchor.x / 100})`,
      top: `calc(${position.y}% - ${high} * ${anchor.y / 100})`,
      justifyContent: { before: "flex-start", center: "center", after: "flex-end" }[align],
      // Percents of a padding are of the width, whatever its side is.
      padding: `calc(var(--height) * ${above / 100}) ${right}% calc(var(--height) * ${below / 100}) ${left}%`,
      overflow: overflows ? "visible" : "hidden",
      opacity: String(opacity / 255),
      zIndex: String(z_index),
    });
    const behind = this.#window(background);
    if (behind) region.style.backgroundColor = behind;
    if (border) {
      const shape = border.kind === "raised" ? "outset" : border.kind === "depressed" ? "inset" : "solid";
      region.style.border = `0.1em ${shape} ${css(border.color)}`;
    }
    return region;
  }

  /** Puts what has no region to its line, where nothing is yet. */
  #place(free: { cue: Cue; box: HTMLElement; text: HTMLElement }[]): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!height) return;
    const bars = this.video.clientHeight - height;
    const room = { width, height: height - Math.max(0, this.#below - bars / 2) };
    const taken: Box[] = [];
    for (const { cue, box } of free) {
      const { layout } = cue;
      const vertical = layout.writing !== "horizontal";
      const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = box;
      const place: Box = { left: offsetLeft, top: offsetTop, width: offsetWidth, height: offsetHeight };
      const extent = vertical ? offsetWidth : offsetHeight;
      let at;
      if (layout.line !== "auto" && layout.line.type === "percent") {
        const total = vertical ? width : height;
        const share = { start: 0, center: 0.5, end: 1 }[layout.line_align];
        at = (total * layout.line.value) / 100 - extent * share;
      } else {
        const line = Number.parseFloat(getComputedStyle(box).lineHeight);
        at = across(layout, place, line, room, taken);
      }
      if (vertical) place.left = at;
      else place.top = at;
      box.style[vertical ? "left" : "top"] = `${at}px`;
      taken.push(place);
    }
  }

  /** Shows what is due of a text that comes piece by piece. */
  #appear(): void {
    for (const piece of this.element.querySelectorAll<HTMLElement>("[data-from]")) {
      piece.classList.toggle("due", Number(piece.dataset.from) <= this.video.currentTime + 0.05);
    }
  }
}
