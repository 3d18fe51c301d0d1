// What of the module runs until pictures are shown, and in the seconds in which the rest is loaded. Plays titles of every common
// kind in Chromium with the module that is in wasm/, and writes what it found beside this file, for build.mjs:
//
//     node build.mjs CACHE [--only PROTOCOL] --watched
//     TELECINE=…/telecine node module/profile.mjs [PROTOCOL]
//
// The networks are good ones: on a bad one more runs, such as what explains a wait, and that may come later.

import { readFileSync } from "node:fs";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "../test/harness.mjs";
import { writeRan } from "./ran.mjs";
import { flagsOf } from "./split.mjs";

/** How long a title plays on until the rest is there, milliseconds. */
const LOADING = 2000;

/** What begins so needs nothing of the rest. Whatever else there is may. */
const TITLES = [
  "hls/demo/main.m3u8",
  "hls/ts_muxed/demo/main.m3u8",
  "hls/ts_demuxed/demo/main.m3u8",
  "hls/bytes_1/demo/main.m3u8",
  "hls/disc_5/demo/main.m3u8",
  "hls/prot_aes128/demo/main.m3u8",
  "hls/prot_cbcs/demo/main.m3u8",
  "hls/live_60/demo/main.m3u8",
  "hls/live_60/parts_334/demo/main.m3u8",
  "dash/demo/number.mpd",
  "dash/demo/time.mpd",
  "dash/demo/timeline-number.mpd",
  "dash/demo/list.mpd",
  "dash/demo/ondemand.mpd",
  "dash/periods_3/demo/time.mpd",
  "dash/live_60/demo/time.mpd",
  "dash/live_60/chunk_500/ltgt_2000/ato_1500/demo/number.mpd",
];

/** What lies between the origin and the page. */
const NETWORKS = ["rate=3Mbps,rtt=40ms", "rate=50Mbps,rtt=10ms"];

const only = process.argv[2] ?? "";
let all;
for (const network of NETWORKS) {
  const here = await stage(["--network", network]);
  for (const title of TITLES.filter((title) => title.startsWith(only))) await watch(here, title);
  await here.close();
}
const whole = readFileSync(new URL(`../dist/watched/${only ? `only-${only}/` : ""}whole.wasm`, import.meta.url));
writeRan(only, flagsOf(whole, all));

async function watch(here, title) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/module/page.html?only=${only}`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate((url) => {
    player.load(url);
    player.play();
  }, `${here.url}/${title}`);
  await page.waitForFunction(() => window.playing, undefined, { timeout: 60_000 });
  await page.waitForTimeout(LOADING);
  const reached = await page.evaluate(() => window.reached.join(""));
  await page.close();
  if (lines.length) throw new Error(`${title}: ${lines}`);
  all = Array.from(reached, (digit, n) => digit === "1" || !!all?.[n]);
  console.log(`${title.padEnd(60)} ${reached.replaceAll("0", "").length} points of ${reached.length}`);
}
