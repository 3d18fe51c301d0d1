// What every stage needs: an origin over a shaped network with its log, a Chromium, and a page of a player in it.

import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { browser, withDeadline } from "../../conformance/suite/browser/chromium.mjs";
import { origin } from "../../platforms/web/test/harness.mjs";
import { pairs } from "./players.mjs";

/** With PLAYERS=telecine,hls only those. */
const WANTED = process.env.PLAYERS?.split(",");

/** Networks by name, as `telecine origin --network` takes them; `highest` is the tallest picture that each carries. */
export const NETWORKS = {
  fibre: { spec: "rate=20Mbps,rtt=20ms", highest: 720 },
  mobile: { spec: "rate=5Mbps,rtt=60ms", highest: 720 },
  slow: { spec: "rate=1500kbps,rtt=150ms", highest: 480 },
};

/** Where titles are. */
export const TITLES = {
  hls: (options = "") => `/hls/${options}demo/main.m3u8`,
  dash: (options = "") => `/dash/${options}demo/time.mpd`,
  // One file of the tallest rendition.
  file: (options = "") => `/hls/bytes_1/${options}demo/v720.mp4`,
};

/** A site does not ask each time for what has not changed. */
const KEPT = process.env.KEPT ?? "age_86400/";

/** An origin, and what it wrote of its requests. */
export async function serve(folder, network) {
  const kept = mkdtempSync(path.join(tmpdir(), "telecine-bench-"));
  const log = path.join(kept, "log.jsonl");
  const options = ["--folder", `bench=${folder}`, "--log", log, ...(network ? ["--network", network] : [])];
  const { url, close } = await origin(...options);
  const size = () => statSync(log).size;
  return {
    url,
    page: (id, query = "") => `${url}/files/${KEPT}bench/${id}/index.html${query}`,
    file: (name) => `${url}/files/${KEPT}bench/${name}`,
    mark: size,
    /** The requests that ended since a mark. */
    since(mark) {
      const bytes = Buffer.alloc(size() - mark);
      const file = openSync(log, "r");
      readSync(file, bytes, 0, bytes.length, mark);
      closeSync(file);
      return bytes.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
    },
    close() {
      close();
      rmSync(kept, { recursive: true, force: true });
    },
  };
}

/** Runs of a stage: every pair once, then every pair once more; what fails is kept with its reason, and nothing is left out. */
export async function interleaved({ runs, pairs: all = pairs, seconds, say, launch = browser }, run) {
  const some = all.filter(({ id }) => !WANTED || WANTED.includes(id));
  const rows = [];
  for (let turn = 0; turn < runs; turn += 1) {
    // Another order each time: nobody is always first behind a pause.
    for (let place = 0; place < some.length; place += 1) {
      const pair = some[(place + turn) % some.length];
      const label = { player: pair.id, protocol: pair.protocol, turn };
      const chromium = await launch("--disable-background-networking", "--disable-component-update");
      try {
        rows.push({ ...label, ...(await withDeadline(run(pair, chromium, turn), seconds * 1000)) });
      } catch (error) {
        rows.push({ ...label, failed: String(error?.message ?? error).split("\n")[0] });
      } finally {
        await chromium.close();
      }
      say(rows.at(-1));
    }
  }
  return rows;
}

/** A page that begins to play at once, when its first picture is there. */
export async function begun(chromium, address, timeout = 60_000) {
  const page = await chromium.context.newPage();
  await page.goto(address, { waitUntil: "commit" });
  await first(page, timeout);
  return page;
}

/** Resolves when a picture is there. */
export async function first(page, timeout = 60_000) {
  await page.waitForFunction(() => window.bench && !Number.isNaN(bench.first), undefined, { timeout, polling: 100 });
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the page saw. */
export const seen = (page) => page.evaluate(() => ({ ...bench, state: { at: video.currentTime, height: video.videoHeight } }));

/** Milliseconds that stalls took, and how many there were. */
export const stalled = ({ stalls }) => ({ stalls: stalls.length, stalledMs: stalls.reduce((sum, [from, to]) => sum + to - from, 0) });

