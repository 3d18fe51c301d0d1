// What is known of what runs when: ran.txt, or that of a build of one protocol. A line for each shape of functions. Behind it, for
// each part of the module but the last, a bit for each point that runs in it or before, four to a digit, the first the lowest; "-"
// for none, and nothing for what is as in the part before.

import { existsSync, readFileSync, writeFileSync } from "node:fs";

const place = (only) => new URL(only ? `ran.${only}.txt` : "ran.txt", import.meta.url);

/** The part of each point by shape, of `count`. Without a file nothing is known, and nothing is cut. */
export const readRan = (only, count) => (existsSync(place(only)) ? parsed(readFileSync(place(only), "utf8"), count) : new Map());

/** Keeps the parts of points by shape. */
export const writeRan = (only, ran, count) => writeFileSync(place(only), told(ran, count));

/** Of the text of such a file. Points at the end of which nothing is told are of the last part. */
export function parsed(text, count) {
  const line = (line) => {
    const [shape, ...told] = line.split(" ");
    const parts = [];
    for (let part = 0, digits = "-"; part < count - 1; part++) {
      digits = told[part] ?? digits;
      if (digits === "-") continue;
      [...digits].forEach((digit, n) => [0, 1, 2, 3].forEach((bit) => (parts[4 * n + bit] ??= parseInt(digit, 16) & (1 << bit) ? part : undefined)));
    }
    return [shape, Array.from(parts, (part) => part ?? count - 1)];
  };
  return new Map(text.split("\n").filter(Boolean).map(line));
}

/** As the text of such a file. */
export function told(ran, count) {
  const line = ([shape, parts]) => {
    const told = Array.from({ length: count - 1 }, (_, part) => {
      const digits = [];
      parts.forEach((own, n) => own <= part && (digits[n >> 2] = (digits[n >> 2] ?? 0) | (1 << (n & 3))));
      return Array.from(digits, (digit) => (digit ?? 0).toString(16)).join("") || "-";
    });
    while (told.length && told.at(-1) === (told.at(-2) ?? "-")) told.pop();
    return [shape, ...told].join(" ");
  };
  return `${[...ran].map(line).sort().join("\n")}\n`;
}
