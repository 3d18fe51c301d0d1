// Times as people read and hear them.

import type { Words } from "./words.js";

/** `1:02:03`, `2:03`; behind the live edge with a minus. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "0:00";
  const whole = Math.floor(Math.abs(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  const text = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return seconds < 0 && whole > 0 ? `-${text}` : text;
}

/** As a screen reader says it: "1 minutes 5 seconds". */
export function spoken(seconds: number, words: Words): string {
  const whole = Number.isFinite(seconds) ? Math.floor(Math.abs(seconds)) : 0;
  const parts: [number, string][] = [
    [Math.floor(whole / 3600), words.hours],
    [Math.floor(whole / 60) % 60, words.minutes],
    [whole % 60, words.seconds],
  ];
  const said = parts.filter(([count]) => count > 0);
  return (said.length ? said : parts.slice(2)).map(([count, word]) => `${count} ${word}`).join(" ");
}
