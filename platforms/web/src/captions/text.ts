// A cue's text as elements: what its author says of it, and over that what the viewer wants.

import type { EdgeKind, FontFamily, Node, Rgba, Span, TextStyle } from "./cue.js";
import type { CaptionSettings } from "./settings.js";

const FAMILIES: { [name in FontFamily]: string } = {
  default: "system-ui, sans-serif",
  "monospace-serif": "'Courier New', Courier, monospace",
  "proportional-serif": "'Times New Roman', Times, serif",
  "monospace-sans-serif": "'DejaVu Sans Mono', Consolas, monospace",
  "proportional-sans-serif": "Arial, Helvetica, sans-serif",
  casual: "'Comic Sans MS', 'Comic Neue', casual, cursive",
  cursive: "'Snell Roundhand', 'Segoe Script', cursive",
  "small-capitals": "system-ui, sans-serif",
};

/** Behind letters, where nobody says otherwise (WebVTT, 8.1). */
const BEHIND: Rgba = { r: 0, g: 0, b: 0, a: 204 };

/** A colour as CSS has it. */
export function css({ r, g, b, a }: Rgba): string {
  return `rgba(${r}, ${g}, ${b}, ${+(a / 255).toFixed(3)})`;
}

/** A viewer's colour in place of the author's. */
export function over(color: string | undefined, opacity: number | undefined, author: Rgba | null): Rgba | null {
  if (color === undefined && opacity === undefined) return author;
  const { r, g, b, a } = author ?? BEHIND;
  const part = (at: number) => Number.parseInt((color as string).slice(at, at + 2), 16);
  const [red, green, blue] = color === undefined ? [r, g, b] : [part(1), part(3), part(5)];
  return { r: red, g: green, b: blue, a: opacity === undefined ? (author ? a : 255) : Math.round(opacity * 255) };
}

function shadow(kind: EdgeKind, color: string, thickness: number): string {
  const em = (share: number) => `${+(share * thickness).toFixed(4)}em`;
  switch (kind) {
    case "none":
      return "none";
    case "raised":
      return `${em(0.5)} ${em(0.5)} 0 ${color}, ${em(1)} ${em(1)} 0 ${color}`;
    case "depressed":
      return `${em(-0.5)} ${em(-0.5)} 0 ${color}, ${em(-1)} ${em(-1)} 0 ${color}`;
    case "uniform":
      return [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ]
        .map(([x = 0, y = 0]) => `${em(x)} ${em(y)} ${em(1)} ${color}`)
        .join(", ");
    case "shadow-left":
      return `${em(-2)} ${em(2)} ${em(2)} ${color}`;
    case "shadow-right":
      return `${em(2)} ${em(2)} ${em(2)} ${color}`;
  }
}

/** Writes a style. `outermost` is the whole text: what nobody says is by default there. */
export function dress(element: HTMLElement, author: TextStyle, wanted: CaptionSettings, outermost: boolean): void {
  const { style } = element;
  if (author.bold !== null) style.fontWeight = author.bold ? "bold" : "normal";
  if (author.italic !== null) style.fontStyle = author.italic ? "italic" : "normal";
  const lines = [author.underline && "underline", author.line_through && "line-through", author.overline && "overline"].filter(Boolean);
  if (lines.length) style.textDecoration = lines.join(" ");
  if (author.opacity !== null) style.opacity = String(author.opacity / 255);
  if (author.visible === false) style.visibility = "hidden";
  if (author.flash) style.animation = "flash 1s steps(2, start) infinite";
  if (author.script === "sub" || author.script === "super") {
    style.verticalAlign = author.script;
    style.fontSize = "0.7em";
  }
  if (author.font_size) {
    const { type, value } = author.font_size;
    style.fontSize = type === "ofvideo" ? `calc(var(--height) * ${value / 100} * var(--size))` : `${value / 100}em`;
  }
  if (wanted.family === undefined && author.font_family) {
    const family = author.font_family;
    // What the source names goes to the browser as it is: it sets this property and nothing else.
    style.fontFamily = typeof family === "string" ? FAMILIES[family] : family.value;
    if (family === "small-capitals") style.fontVariant = "small-caps";
  }
  const color = wanted.color === undefined && wanted.opacity === undefined ? author.color : outermost ? over(wanted.color, wanted.opacity, author.color ?? WHITE) : null;
  if (color) style.color = css(color);
  const said = outermost ? (author.background ?? BEHIND) : author.background;
  const behind = said && over(wanted.background, wanted.backgroundOpacity, said);
  if (behind) style.backgroundColor = css(behind);
  if (wanted.edge === undefined && author.edge) {
    const { kind, color, thickness } = author.edge;
    style.textShadow = shadow(kind, color ? css(color) : "currentColor", thickness === null ? 0.05 : thickness / 100);
  }
  if (!outermost) return;
  if (wanted.family !== undefined) {
    style.fontFamily = FAMILIES[wanted.family];
    if (wanted.family === "small-capitals") style.fontVariant = "small-caps";
  }
  if (wanted.edge !== undefined) style.textShadow = shadow(wanted.edge, "#000", 0.05);
}

const WHITE: Rgba = { r: 255, g: 255, b: 255, a: 255 };

/** Appends a text. What appears later than the cue has its time in `data-from`. */
export function write(into: HTMLElement, nodes: Node[], wanted: CaptionSettings): void {
  const writer = new Writer(wanted);
  writer.write(into, nodes);
}

class Writer {
  /** When what follows appears. */
  #from: number | undefined;

  constructor(readonly wanted: CaptionSettings) {}

  write(into: HTMLElement, nodes: Node[]): void {
    for (const node of nodes) {
      switch (node.type) {
        case "text":
          into.append(this.#timed(node.value));
          break;
        case "gap": {
          const gap = document.createElement("span");
          gap.className = "gap";
          gap.textContent = "\u00a0".repeat(node.value);
          into.append(gap);
          break;
        }
        case "time":
          this.#from = node.value;
          break;
        case "span":
          into.append(this.#span(node.value));
          break;
      }
    }
  }

  #timed(text: string): string | HTMLElement {
    if (this.#from === undefined) return text;
    const span = document.createElement("span");
    span.dataset.from = String(this.#from);
    span.textContent = text;
    return span;
  }

  #span({ kind, classes, style, children }: Span): HTMLElement {
    const element = document.createElement(kind === "ruby" ? "ruby" : kind === "ruby-text" ? "rt" : "span");
    element.classList.add(...classes.filter((name) => name && !/\s/.test(name)));
    if (typeof kind === "object") {
      if (kind.type === "voice") element.title = kind.value;
      else element.lang = kind.value;
    }
    dress(element, style, this.wanted, false);
    this.write(element, children);
    return element;
  }
}
