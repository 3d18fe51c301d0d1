// How the viewer wants captions (47 CFR 79.103 has the list: size, letters, colours and opacity of text, background and window,
// edges).

import type { EdgeKind, FontFamily } from "../captions/cue.js";
import type { CaptionSettings } from "../captions/settings.js";
import type { TelecinePlayer } from "../element/telecine-player.js";
import type { Words } from "./words.js";

const SIZES = [0.5, 0.75, 1, 1.5, 2, 3];
const OPACITIES = [0, 0.25, 0.5, 0.75, 1];
const COLORS = { white: "#ffffff", black: "#000000", red: "#ff0000", green: "#00ff00", blue: "#0000ff", yellow: "#ffff00", magenta: "#ff00ff", cyan: "#00ffff" };
const FAMILIES: FontFamily[] = [
  "proportional-sans-serif",
  "proportional-serif",
  "monospace-sans-serif",
  "monospace-serif",
  "casual",
  "cursive",
  "small-capitals",
];
const EDGES: EdgeKind[] = ["none", "raised", "depressed", "uniform", "shadow-left", "shadow-right"];

/** A form over the picture. What is chosen shows at once. */
export function styleDialog(player: TelecinePlayer, words: Words): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", words.captionStyle);
  // Keys here are the form's.
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") dialog.close();
  });

  const row = <Name extends keyof CaptionSettings>(word: string, name: Name, options: [label: string, value: CaptionSettings[Name]][]) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.name = name;
    select.setAttribute("aria-label", word);
    select.append(new Option("—", ""), ...options.map(([text], index) => new Option(text, String(index))));
    const show = () => {
      const at = options.findIndex(([, value]) => value === player.captionSettings[name]);
      select.value = at < 0 ? "" : String(at);
    };
    show();
    player.addEventListener("captionsettingschange", show);
    select.addEventListener("change", () => {
      const settings = player.captionSettings;
      const chosen = select.value === "" ? undefined : options[Number(select.value)];
      if (chosen) settings[name] = chosen[1];
      else delete settings[name];
      player.captionSettings = settings;
    });
    label.append(word, select);
    return label;
  };
  const percent = (values: number[]) => values.map((value): [string, number] => [`${value * 100} %`, value]);
  const colors = Object.entries(COLORS);
  const named = <T extends string>(values: T[]) => values.map((value): [string, T] => [value.replaceAll("-", " "), value]);

  const button = (word: string, act: () => void) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = word;
    made.addEventListener("click", act);
    return made;
  };
  dialog.append(
    row(words.size, "size", percent(SIZES)),
    row(words.family, "family", named(FAMILIES)),
    row(words.color, "color", colors),
    row(`${words.color} (%)`, "opacity", percent(OPACITIES)),
    row(words.background, "background", colors),
    row(`${words.background} (%)`, "backgroundOpacity", percent(OPACITIES)),
    row(words.window, "window", colors),
    row(`${words.window} (%)`, "windowOpacity", percent(OPACITIES)),
    row(words.edge, "edge", named(EDGES)),
    button(words.reset, () => (player.captionSettings = {})),
    button(words.close, () => dialog.close()),
  );
  return dialog;
}
