// What is live in a page: how long after it was made it is seen, where one may go in it, and what happens to the page meanwhile.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, origin, RATE, stage, TOPOLOGIES } from "./harness.mjs";

/** The title begins anew every so many seconds, counted from 1970. */
const LOOP = 24;
const HLS = "hls/live_60/demo/main.m3u8";
let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Plays it for so long, and does this then. */
async function plays(page, url, ms = 4000) {
  await page.evaluate(
    async ({ url, ms }) => {
      player.load(url);
      player.play();
      await watch.state("playing");
      await new Promise((resolve) => setTimeout(resolve, ms));
    },
    { url, ms },
  );
}

/** How long ago the pictures of the last second were made, by the strip and the clock that the origin has too: the median. */
const latency = (page) =>
  page.evaluate(
    async ({ LOOP, RATE }) => {
      const { readStrip } = await import("./watch.mjs");
      const canvas = document.createElement("canvas");
      const ages = [];
      for (let count = 0; count < 10; count += 1) {
        const strip = readStrip(watch.video, canvas);
        if (strip) ages.push((((Date.now() / 1000 - (strip.frame + 1) / RATE) % LOOP) + LOOP) % LOOP);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return ages.sort((a, b) => a - b)[Math.floor(ages.length / 2)];
    },
    { LOOP, RATE },
  );

const troubles = (page) => page.evaluate(() => watch.told.filter(({ type }) => type === "Error" || type === "StallStarted"));

for (const [what, address, least, most] of [
  ["low-latency HLS", "hls/live_60/parts_334/demo/main.m3u8", 0.5, 3.5],
  ["low-latency DASH", "dash/live_60/chunk_500/ltgt_2000/ato_1500/demo/number.mpd", 0.5, 4],
  ["HLS", HLS, 3, 12],
]) {
  for (const topology of what === "HLS" ? TOPOLOGIES.slice(0, 1) : TOPOLOGIES) {
    test(`${what} is seen between ${least} and ${most} s after it was made (${topology})`, async () => {
      const { page, lines } = await open(here, { topology });
      await plays(page, `${here.url}/${address}`);
      const age = await latency(page);
      assert.ok(age > least && age < most, `${age} s`);
      assert.deepEqual(await troubles(page), []);
      assert.deepEqual(lines, []);
      await page.close();
    });
  }
}

test("one may go back as far as the window, and to the edge again", async () => {
  const { page, lines } = await open(here);
  await plays(page, `${here.url}/${HLS}`, 2500);
  const range = () => page.evaluate(() => [watch.video.seekable.start(0), watch.video.seekable.end(0), watch.video.currentTime, watch.video.duration]);
  const [from, to, at, duration] = await range();
  assert.equal(duration, Infinity);
  assert.ok(to - from > 40 && to - from < 70, `from ${from} s to ${to} s`);
  assert.ok(at > from + 30 && at <= to + 2, `at ${at} s, from ${from} s to ${to} s`);
  const before = await latency(page);
  const go = (position) =>
    page.evaluate(async (position) => {
      const told = watch.told.length;
      player.seek(position);
      await watch.until((event) => event.type === "SeekEnded" && watch.told.indexOf(event) >= told, 10_000);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }, position);
  await go(at - 15);
  const back = await latency(page);
  const off = (((back - before - 15) % LOOP) + LOOP) % LOOP;
  assert.ok(Math.min(off, LOOP - off) < 3, `${back} s old after a step of 15 s, ${before} s before`);
  await go(Infinity);
  const again = await latency(page);
  assert.ok(again < 12, `${again} s at the edge`);
  const [later] = await range();
  assert.ok(later > from + 2, `the window began at ${from} s and begins at ${later} s`);
  assert.deepEqual(await troubles(page), []);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a page that is hidden plays on, and is where it would be when it is seen again", async () => {
  const { page, lines } = await open(here);
  await plays(page, `${here.url}/${HLS}`, 1500);
  const before = await latency(page);
  await page.evaluate(async () => {
    let hidden = true;
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible"), configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    await new Promise((resolve) => setTimeout(resolve, 4000));
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  assert.ok(Math.abs((await latency(page)) - before) < 2);
  assert.deepEqual(await troubles(page), []);
  assert.deepEqual(lines, []);
  await page.close();
});

for (const topology of TOPOLOGIES) {
  test(`an element that is taken out while it plays stands, and what is destroyed leaves nothing (${topology})`, async () => {
    const { page, lines } = await open(here, { topology });
    await plays(page, `${here.url}/${HLS}`, 1000);
    const seen = await page.evaluate(async () => {
      watch.video.remove();
      await new Promise((resolve) => setTimeout(resolve, 4000));
      return { paused: watch.video.paused, state: (await player.snapshot()).state };
    });
    assert.deepEqual(seen, { paused: true, state: "paused" });
    assert.deepEqual(await troubles(page), []);
    const asked = [];
    await page.evaluate(() => player.destroy());
    await page.waitForTimeout(300);
    page.on("request", (request) => asked.push(request.url()));
    await page.waitForTimeout(3000);
    assert.equal(page.workers().length, 0);
    assert.equal(asked.length, 0, `${asked[0]}`);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("a page that is closed while it plays says nothing", async () => {
  const { page, lines } = await open(here);
  await plays(page, `${here.url}/${HLS}`, 500);
  const [worker] = page.workers();
  const ended = new Promise((resolve) => worker.on("close", resolve));
  await page.close({ runBeforeUnload: true });
  await ended;
  assert.deepEqual(lines, []);
});

test("a line that becomes slow brings the picture down, and it plays on", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "telecine-line-"));
  const file = path.join(folder, "line.json");
  const step = (seconds, kbps) => ({ duration_ms: seconds * 1000, bandwidth_kbps: kbps, latency_ms: 20 });
  writeFileSync(file, JSON.stringify([step(14, 8000), step(3600, 700)]));
  const slow = await origin("--network", file);
  const { page, lines } = await open({ url: slow.url, chromium: here.chromium });
  await plays(page, `${slow.url}/${HLS}`, 6000);
  const best = await page.evaluate(() => Math.max(...watch.pictures.slice(-50).map(({ strip }) => strip?.rendition ?? 0)));
  // As soon as what was had of the fast line was played.
  const after = await page.evaluate(async (best) => {
    const lowest = () => Math.min(...watch.pictures.slice(-10).map(({ strip }) => strip?.rendition ?? best));
    for (const began = performance.now(); performance.now() < began + 45_000 && lowest() === best; ) await new Promise((resolve) => setTimeout(resolve, 200));
    return lowest();
  }, best);
  assert.ok(best >= 2, `rendition ${best} on the fast line`);
  assert.ok(after < best, `rendition ${after} on the slow one, ${best} before`);
  assert.deepEqual((await troubles(page)).filter(({ type }) => type === "Error"), []);
  assert.deepEqual(lines, []);
  await page.close();
  slow.close();
  rmSync(folder, { recursive: true, force: true });
});
