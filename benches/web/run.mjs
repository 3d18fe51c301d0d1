// Telecine beside hls.js, Shaka, dash.js and rx-player: the same Chromium, the same origin, the same shaped networks, in turn.
//
//     node run.mjs OUT
//
// Environment: STAGES=start,live (all without it), RUNS=10, QUICK=1 (two runs, short ones), MINUTES=10 of the memory stage,
// SECONDS of the stages that play for a time. What a stage found replaces what it found before in OUT/results.json; the report is
// written of all that is there.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { players } from "./players.mjs";
import { report } from "./report.mjs";
import { site } from "./site.mjs";
import { NETWORKS } from "./stage.mjs";
import { live } from "./stages/live.mjs";
import { main } from "./stages/main.mjs";
import { memory } from "./stages/memory.mjs";
import { module } from "./stages/module.mjs";
import { profile } from "./stages/profile.mjs";
import { rise } from "./stages/rise.mjs";
import { seeks } from "./stages/seeks.mjs";
import { start } from "./stages/start.mjs";
import { throttle } from "./stages/throttle.mjs";

const STAGES = { start, rise, main, seeks, live, module, profile, throttle, memory };
const { env } = process;
const out = path.resolve(process.argv[2] ?? "out/bench-web");
const quick = Boolean(env.QUICK);
const runs = Number(env.RUNS ?? (quick ? 2 : 10));
const minutes = Number(env.MINUTES ?? (quick ? 0.5 : 10));
const seconds = env.SECONDS ? Number(env.SECONDS) : quick ? 15 : undefined;
const networks = env.NETWORKS ? env.NETWORKS.split(",") : quick ? ["fibre"] : undefined;
const wanted = env.STAGES ? env.STAGES.split(",") : Object.keys(STAGES);
const unknown = wanted.filter((name) => !(name in STAGES));
if (unknown.length || networks?.some((name) => !(name in NETWORKS))) {
  console.error(`there is no ${unknown.join()}; stages are ${Object.keys(STAGES).join()}, networks ${Object.keys(NETWORKS).join()}`);
  process.exit(2);
}

mkdirSync(out, { recursive: true });
const place = path.join(out, "results.json");
const known = () => {
  try {
    return JSON.parse(readFileSync(place, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return { stages: {} };
    throw error;
  }
};
const folder = path.join(out, "site");
const sizes = await site(folder);
const word = (value) => (typeof value === "number" ? Math.round(value * 100) / 100 : value);
const short = (row) =>
  Object.entries(row)
    .filter(([, value]) => ["number", "string", "boolean"].includes(typeof value))
    .map(([name, value]) => `${name} ${word(value)}`)
    .join(", ");

for (const name of wanted) {
  const began = Date.now();
  const before = loadavg()[0];
  console.log(`${name}: ${runs} runs of each`);
  const options = { folder, sizes, runs, minutes, ...(seconds ? { seconds } : {}), ...(networks ? { networks } : {}) };
  const rows = await STAGES[name]({ ...options, say: (row) => console.log(`  ${short(row)}`) });
  const results = known();
  results.versions = Object.fromEntries(Object.values(players).filter(({ protocols }) => protocols.length).map(({ name, version }) => [name, version]));
  results.machine = { processors: cpus().length, model: cpus()[0]?.model };
  results.networks = NETWORKS;
  results.stages[name] = { date: new Date().toISOString(), tookS: Math.round((Date.now() - began) / 1000), load: [before, loadavg()[0]], runs, seconds, minutes, rows };
  writeFileSync(place, JSON.stringify(results, (_, value) => (Number.isNaN(value) ? null : value), 1));
  report(out, results);
}
console.log(`${path.join(out, "report.md")}, index.html beside it`);
