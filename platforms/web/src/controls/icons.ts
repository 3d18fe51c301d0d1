// Pictures on buttons: paths in a square of 24.

export const ICONS = {
  play: "M7 4v16l13-8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  replay: "M12 5V1L6 6l6 5V7a6 6 0 1 1-6 6H4a8 8 0 1 0 8-8z",
  sound: "M3 9v6h4l6 5V4L7 9zM15 8v8a4 4 0 0 0 0-8zM15 3v2a7 7 0 0 1 0 14v2a9 9 0 0 0 0-18z",
  silent: "M3 9v6h4l6 5V4L7 9zM21 9l-1-1-2 2-2-2-1 1 2 2-2 2 1 1 2-2 2 2 1-1-2-2z",
  captions: "M3 5h18v14H3zM6 10v4h5v-2H9v-0h2v-2zM13 10v4h5v-2h-2v-0h2v-2z",
  quality: "M3 6h18v2H3zM3 11h12v2H3zM3 16h7v2H3z",
  audio: "M9 4v10.6A3.5 3.5 0 1 0 11 18V8h7V4z",
  speed: "M12 4a9 9 0 0 0-9 9 9 9 0 0 0 2.6 6.4l1.4-1.4A7 7 0 1 1 17 18l1.4 1.4A9 9 0 0 0 12 4zM17 8l-6 4a2 2 0 1 0 2.500 2.500z",
  chapters: "M4 5h3v3H4zM9 5h11v3H9zM4 10.500h3v3H4zM9 10.500h11v3H9zM4 16h3v3H4zM9 16h11v3H9z",
  pip: "M3 5h18v14H3V5zm2 2v10h14V7zM12 11.500h6v4.500h-6z",
  remote: "M3 5h18v14h-7v-2h5V7H5v2H3zM3 11a8 8 0 0 1 8 8H9a6 6 0 0 0-6-6zM3 15a4 4 0 0 1 4 4H3z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  leaveFull: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
} as const;

export type Icon = keyof typeof ICONS;

const SVG = "http://www.w3.org/2000/svg";

/** A picture that screen readers pass over. */
export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/** Shows another picture, and says another word. */
export function label(button: HTMLButtonElement, name: Icon, word: string): void {
  if (button.dataset.icon !== name) {
    button.dataset.icon = name;
    button.replaceChildren(icon(name));
  }
  button.setAttribute("aria-label", word);
  button.title = word;
}

/** A button with a picture. */
export function button(name: Icon, word: string, act: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  label(made, name, word);
  made.addEventListener("click", act);
  return made;
}
