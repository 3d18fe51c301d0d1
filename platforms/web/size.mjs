// What a page loads to play, of each build that there is: raw, gzip -9 and brotli 11, of each file, until pictures are shown: of a
// plain title ("first"), of any other ("more"), and together with what follows while it plays ("all"). Fails where that is more than budget.json allows; `--write`
// sets the budget to what there is.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } };
const place = path.join(here, "budget.json");
const budget = JSON.parse(readFileSync(place, "utf8"));
const row = (name, sizes) => console.log(`  ${name.padEnd(20)}${sizes.map((value) => (typeof value === "number" ? value.toLocaleString("en") : value).padStart(12)).join("")}`);
const sum = (sizes) => sizes.reduce((total, size) => total.map((value, n) => value + size[n]), [0, 0, 0]);

let failed = false;
for (const [name, { folder, aim, ...allowed }] of Object.entries(budget.builds)) {
  if (!existsSync(path.join(here, folder, "telecine.wasm"))) continue;
  const measured = (file) => {
    const bytes = readFileSync(path.join(here, folder, file));
    const sizes = [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, brotli).length];
    row(file, sizes);
    return sizes;
  };
  console.log(`${name}`);
  row("", ["raw", "gzip", "brotli"]);
  const first = sum(["telecine.js", "worker.js", "telecine.wasm"].map(measured));
  const more = sum([first, measured("telecine.more.wasm")]);
  const all = sum([more, measured("telecine.rest.wasm")]);
  const sizes = { first, more, all };
  for (const [what, size] of Object.entries(sizes)) row(what, size);
  const gzip = Object.fromEntries(Object.entries(sizes).map(([what, size]) => [what, size[1]]));
  if (process.argv.includes("--write")) Object.assign(budget.builds[name], gzip);
  for (const what of Object.keys(sizes)) {
    const most = budget.builds[name][what];
    if (gzip[what] <= most) continue;
    failed = true;
    console.error(`  ${what}: ${gzip[what]} bytes of gzip, ${most} are allowed (budget.json)`);
  }
  console.log(`  the budget is ${allowed.first?.toLocaleString("en")} of gzip at first, ${allowed.more?.toLocaleString("en")} with more and ${allowed.all?.toLocaleString("en")} in all, the aim ${aim.toLocaleString("en")}`);
}
if (process.argv.includes("--write")) writeFileSync(place, `${JSON.stringify(budget, null, 2)}\n`);
if (failed) process.exit(1);
