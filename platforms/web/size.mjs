// What a page loads to play: raw, gzip -9 and brotli 11, of each file and together. Fails where that is more than budget.json
// allows; `--write` sets the budget to what there is.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const files = ["telecine.wasm", "telecine.js", "worker.js"];
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } };
const sizes = files.map((name) => {
  const bytes = readFileSync(path.join(here, "dist", name));
  return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, brotli).length };
});
const sum = (of) => sizes.reduce((total, size) => total + size[of], 0);
const together = { name: "together", raw: sum("raw"), gzip: sum("gzip"), brotli: sum("brotli") };
const cell = (value) => (typeof value === "number" ? value.toLocaleString("en").padStart(12) : value.padStart(12));
console.log(`${"file".padEnd(16)}${["raw", "gzip", "brotli"].map(cell).join("")}`);
for (const { name, raw, gzip, brotli } of [...sizes, together]) console.log(`${name.padEnd(16)}${[raw, gzip, brotli].map(cell).join("")}`);

const place = path.join(here, "budget.json");
const budget = JSON.parse(readFileSync(place, "utf8"));
if (process.argv.includes("--write")) {
  writeFileSync(place, `${JSON.stringify({ ...budget, gzip: together.gzip }, null, 2)}\n`);
} else if (together.gzip > budget.gzip) {
  console.error(`together ${together.gzip} bytes of gzip, ${budget.gzip} are allowed (budget.json)`);
  process.exit(1);
}
console.log(`the budget today is ${cell(budget.gzip).trim()} bytes of gzip, the aim ${cell(budget.aim).trim()}`);
