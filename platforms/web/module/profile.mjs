// What of the module runs until pictures are shown, and in the seconds in which later parts of it are loaded. Plays titles of every
// common kind in Chromium with the module that is in wasm/, and writes what it found beside this file, for build.mjs:
//
//     node build.mjs CACHE [--only PROTOCOL] --watched
//     TELECINE=…/telecine node module/profile.mjs [PROTOCOL]
//
// The networks are good ones: on a bad one more runs, such as what explains a wait, and that may come later.

import { readFileSync } from "node:fs";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "../test/harness.mjs";
import { writeRan } from "./ran.mjs";
import { partsOf } from "./split.mjs";

/** How long a title plays on until the later parts are there, milliseconds. */
const LOADING = 2000;

/** What begins with the first part alone, what needs the second for it; whatever else there is may need all. */
const TITLES = [
  ["hls/demo/main.m3u8", "hls/bytes_1/demo/main.m3u8", "dash/demo/number.mpd", "dash/demo/time.mpd", "dash/demo/timeline-number.mpd", "dash/demo/ondemand.mpd"],
  [
    "hls/ts_muxed/demo/main.m3u8",
    "hls/ts_demuxed/demo/main.m3u8",
    "hls/disc_5/demo/main.m3u8",
    "hls/prot_aes128/demo/main.m3u8",
    "hls/prot_cbcs/demo/main.m3u8",
    "hls/live_60/demo/main.m3u8",
    "hls/live_60/parts_334/demo/main.m3u8",
    "dash/demo/list.mpd",
    "dash/periods_3/demo/time.mpd",
    "dash/live_60/demo/time.mpd",
    "dash/live_60/chunk_500/ltgt_2000/ato_1500/demo/number.mpd",
  ],
];

/** On a small screen fewer renditions are worth anything: the choice is another one. */
const SCREENS = [
  { width: 1280, height: 720 },
  { width: 640, height: 360 },
];

/** What lies between the origin and the page. */
const NETWORKS = ["rate=3Mbps,rtt=40ms", "rate=50Mbps,rtt=10ms"];

const only = process.argv[2] ?? "";
const count = TITLES.length + 1;
/** The first part in which each point was reached. */
const all = [];
for (const network of NETWORKS) {
  const here = await stage(["--network", network]);
  for (const [part, titles] of TITLES.entries()) {
    for (const title of titles.filter((title) => title.startsWith(only))) {
      for (const screen of SCREENS) await watch(here, title, part, screen);
    }
  }
  await here.close();
}
const whole = readFileSync(new URL(`../dist/watched/${only ? `only-${only}/` : ""}whole.wasm`, import.meta.url));
writeRan(only, partsOf(whole, all, count - 1), count);

async function watch(here, title, part, screen) {
  const page = await here.chromium.context.newPage();
  await page.setViewportSize(screen);
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
  [...reached].forEach((digit, n) => {
    if (digit === "1") all[n] = Math.min(all[n] ?? part, part);
  });
  console.log(`${`${title} ${screen.height}`.padEnd(64)} ${reached.replaceAll("0", "").length} points of ${reached.length}`);
}
