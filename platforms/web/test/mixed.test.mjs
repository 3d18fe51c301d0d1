// A page of https may not ask for http: it is told as that, and something good plays after it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

const SECURE = "https://secure.example";
/** Lines that the browser itself writes of requests that it blocks. */
const ofTheBrowser = (line) => /^(error|warning): (Mixed Content|Failed to load resource|Access to fetch at)/.test(line);

let here;
before(async () => {
  here = await stage();
  // The origin under a name of https: what it answers, Chromium takes for that host's.
  await here.chromium.context.route(`${SECURE}/**`, async (route) => {
    const response = await route.fetch({ url: route.request().url().replace(SECURE, here.url) });
    await route.fulfill({ response });
  });
});
after(async () => here?.close());

test("what a page of https may not ask for fails with 1009, and something good plays after it", async () => {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${SECURE}/files/web/test/page.html`);
  await page.waitForFunction(() => window.ready);
  const { error, played } = await page.evaluate(async (good) => {
    window.begin();
    player.load("http://media.example/main.m3u8");
    player.play();
    await watch.state("failed");
    const { error } = watch.told.find(({ type, error }) => type === "Error" && error.fatal);
    watch.told.length = 0;
    player.load(good);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 700));
    return { error, played: watch.pictures.filter(({ strip }) => strip).length };
  }, `${SECURE}/hls/demo/main.m3u8`);
  assert.deepEqual([error.code, error.name, error.domain], [1009, "SchemeForbidden", "network"]);
  assert.match(error.message, /mixed content/);
  assert.match(error.meaning, /^[A-Z].*\.$/);
  assert.ok(played > 3, `${played} pictures`);
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  await page.close();
});
