// What is known of what runs: ran.txt, or that of a build of one protocol. A line for each shape of functions, and behind it a bit
// for each of its points, four to a digit, the first the lowest; none behind shapes that did not run.

import { existsSync, readFileSync, writeFileSync } from "node:fs";

const place = (only) => new URL(only ? `ran.${only}.txt` : "ran.txt", import.meta.url);

/** Flags by shape. Without a file nothing is known, and nothing is cut. */
export function readRan(only) {
  if (!existsSync(place(only))) return new Map();
  const lines = readFileSync(place(only), "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(0, 8), [...line.slice(8).trim()].flatMap((digit) => [1, 2, 4, 8].map((bit) => !!(parseInt(digit, 16) & bit)))]));
}

/** Keeps flags by shape. */
export function writeRan(only, flags) {
  const line = ([shape, reached]) => {
    const digits = [];
    reached.forEach((flag, n) => flag && (digits[n >> 2] = (digits[n >> 2] ?? 0) | (1 << (n & 3))));
    return `${shape} ${Array.from(digits, (digit) => (digit ?? 0).toString(16)).join("")}`.trim();
  };
  writeFileSync(place(only), `${[...flags].map(line).sort().join("\n")}\n`);
}
