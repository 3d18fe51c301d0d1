// What a page does in another order than expected, or with a wrong type, is dealt with at once and in words.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

test("a title that is loaded before there is an element waits for one, and begins there", async () => {
  const { page, lines } = await open(here);
  const asked = [];
  page.on("request", (request) => request.url().includes("/hls/") && asked.push(request.url()));
  await page.evaluate(async (url) => {
    player.detach();
    player.load(url, { start: 10 });
    player.play();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(asked, []);
  await page.evaluate(() => player.attach(watch.video));
  await page.waitForFunction(() => watch.video.currentTime > 10.5);
  assert.deepEqual(lines, []);
  await page.close();
});

test("what waits for an element is given up with stop", async () => {
  const { page } = await open(here);
  const state = await page.evaluate(async (url) => {
    player.detach();
    player.load(url);
    player.stop();
    player.attach(watch.video);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return [watch.video.currentSrc, watch.video.srcObject];
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(state, ["", null]);
  await page.close();
});

test("options and arguments of a wrong type are a TypeError at once, and nothing is left behind", async () => {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/test/element.html`);
  await page.waitForFunction(() => window.ready);
  const thrown = await page.evaluate(async () => {
    const { Player } = await import("../dist/telecine.js");
    const { TelecinePlayer } = await import("../dist/element.js");
    const player = new Player();
    const element = new TelecinePlayer();
    const made = [];
    const calls = {
      audioLanguages: () => made.push(new Player({ audioLanguages: "en" })),
      textRoles: () => made.push(new Player({ textRoles: [1] })),
      bufferGoal: () => made.push(new Player({ bufferGoal: "30" })),
      maxHeight: () => made.push(new Player({ maxHeight: NaN })),
      strict: () => made.push(new Player({ strict: "no" })),
      rule: () => made.push(new Player({ rule: 1 })),
      element: () => (element.options = { codecs: "avc1" }),
      select: () => player.select("sound", "1"),
      seek: () => player.seek("late"),
      setRate: () => player.setRate("fast"),
      prefer: () => player.prefer({ textLanguages: "en" }),
      load: () => player.load("http://["),
    };
    const thrown = Object.entries(calls).map(([name, call]) => {
      try {
        call();
        return [name, "nothing"];
      } catch (error) {
        return [name, error.name];
      }
    });
    // What is left out is left out by any name.
    new Player({ bufferGoal: undefined, audioLanguages: null }).destroy();
    player.destroy();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { thrown, made: made.length };
  });
  assert.deepEqual(thrown.thrown.filter(([, name]) => name !== "TypeError"), []);
  assert.equal(thrown.made, 0);
  assert.deepEqual(lines, []);
  await page.close();
});
