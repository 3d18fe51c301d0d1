// An origin with the demo title and the built player, and a page of it in Chromium.

import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { browser, listen } from "../../../conformance/suite/browser/chromium.mjs";

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const telecine = process.env.TELECINE ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "debug/telecine");

/** An origin on a free port; ends with `close()`. */
export async function origin(...options) {
  const args = ["origin", "--listen", "127.0.0.1:0", "--folder", `web=${path.join(root, "platforms/web")}`, ...options];
  const child = spawn(telecine, args, { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
      const found = /http:\/\/[^/\s]+/.exec(said);
      if (found) resolve(found[0]);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the origin ended: ${code}`)));
  });
  return { url, close: () => child.kill("SIGINT") };
}

/** Chromium, started with these arguments, and an origin with those. */
export async function stage(options = [], args = []) {
  const [served, chromium] = await Promise.all([origin(...options), browser(...args)]);
  const close = async () => {
    await chromium.close();
    served.close();
  };
  return { url: served.url, chromium, close };
}

/** One of the pages beside the tests, once it is ready. `lines` is what it says. */
export async function visit({ url, chromium }, name) {
  const page = await chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${url}/files/web/test/${name}`);
  await page.waitForFunction(() => window.ready);
  return { page, lines };
}

/** A page with a player in it, of the build of one protocol if it is named. `lines` is what it says. `before` is done with the page
 * before it is loaded. */
export async function open({ url, chromium }, options = {}, before = async () => {}, only = "") {
  const page = await chromium.context.newPage();
  await before(page);
  const lines = listen(page);
  await page.goto(`${url}/files/web/test/page.html${only && `?only=${only}`}`);
  await page.waitForFunction(() => window.ready);
  // What one test learnt of the network is nothing to the next.
  await page.evaluate((options) => window.begin(options), { remember: false, ...options });
  return { page, lines };
}

/** Where the engine and Media Source may be: see `Topology`. The first is what Chromium gets. */
export const TOPOLOGIES = ["worker", "worker-transfer", "page"];

/** Frames of the demo title a second. */
export const RATE = 25;

/** Whether a picture that was told of is the frame of its time. By when it is read a busy machine may show up to three later ones, and
 *  no earlier one. */
export function isFrameOf(strip, mediaTime) {
  const late = strip.frame - mediaTime * RATE;
  return late >= -1 && late <= 3;
}
