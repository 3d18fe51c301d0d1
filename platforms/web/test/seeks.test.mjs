// The playhead is moved, held, and made faster; the title is played again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, RATE, stage, TOPOLOGIES } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Loads and plays; resolves when it plays. */
async function playing(options) {
  const opened = await open(here, options);
  await opened.page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
  }, `${here.url}/hls/demo/main.m3u8`);
  return opened;
}

/** What is on the screen now, and where the element says it is. */
const shown = (page) =>
  page.evaluate(async () => {
    const { readStrip } = await import("./watch.mjs");
    return { strip: readStrip(watch.video, document.createElement("canvas")), currentTime: watch.video.currentTime };
  });

for (const topology of TOPOLOGIES) {
  test(`after a seek the picture is the target's (${topology})`, async () => {
    const { page, lines } = await playing({ topology });
    for (const target of [20, 3.5, 12.04, 0]) {
      const ended = await page.evaluate(async (target) => {
        const before = watch.told.length;
        player.seek(target);
        const { position } = await watch.until((event) => event.type === "SeekEnded" && watch.told.indexOf(event) >= before, 10_000);
        await new Promise((resolve) => setTimeout(resolve, 400));
        return position;
      }, target);
      assert.ok(Math.abs(ended - target) < 0.1, `it ended at ${ended} s`);
      const { strip, currentTime } = await shown(page);
      assert.ok(strip && Math.abs(strip.frame - currentTime * RATE) <= 3, `${JSON.stringify(strip)} at ${currentTime} s`);
      assert.ok(currentTime >= target && currentTime < target + 2, `${currentTime} s, sought ${target} s`);
    }
    assert.deepEqual(lines, []);
    await page.close();
  });

  test(`of fifty seeks in five seconds the last is where it plays on (${topology})`, async () => {
    const { page, lines } = await playing({ topology });
    const told = await page.evaluate(async () => {
      let target = 0;
      for (let count = 0; count < 50; count += 1) {
        target = (count * 7.3) % 22;
        player.seek(target);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const last = watch.told.findLastIndex(({ type }) => type === "SeekStarted");
      await watch.until((event) => event.type === "SeekEnded" && watch.told.indexOf(event) > last, 10_000);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { target, state: (await player.snapshot()).state, told: watch.told.map(({ type }) => type), errors: watch.told.filter(({ type }) => type === "Error") };
    });
    const count = (name) => told.told.filter((type) => type === name).length;
    assert.equal(count("SeekStarted"), 50);
    assert.deepEqual(told.errors, []);
    assert.equal(told.state, "playing");
    const { strip, currentTime } = await shown(page);
    assert.ok(currentTime >= told.target && currentTime < told.target + 2.5, `${currentTime} s, sought ${told.target} s`);
    assert.ok(strip && Math.abs(strip.frame - currentTime * RATE) <= 3, `${JSON.stringify(strip)} at ${currentTime} s`);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("a pause holds the picture, a speed is kept, and what ended plays again from its beginning", async () => {
  const { page, lines } = await playing();
  const held = await page.evaluate(async () => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    player.pause();
    await watch.state("paused");
    const { currentTime } = watch.video;
    await wait(600);
    const moved = watch.video.currentTime - currentTime;
    const { paused } = watch.video;
    player.setRate(2);
    player.play();
    const [from, began] = [watch.video.currentTime, performance.now()];
    await wait(1500);
    const speed = (watch.video.currentTime - from) / ((performance.now() - began) / 1000);
    player.seek(22);
    await watch.state("ended");
    const before = watch.told.length;
    player.seek(0);
    player.play();
    await watch.until((event) => event.type === "State" && event.state === "playing" && watch.told.indexOf(event) >= before, 10_000);
    await wait(800);
    return { moved, paused, speed, again: watch.video.currentTime, ended: watch.video.ended, rate: watch.video.playbackRate };
  });
  assert.ok(Math.abs(held.moved) < 0.05, `it moved by ${held.moved} s while it was held`);
  assert.ok(held.paused);
  assert.ok(held.speed > 1.5 && held.speed < 2.3, `it played ${held.speed} times as fast`);
  assert.ok(!held.ended && held.again > 0.2 && held.again < 4, `again at ${held.again} s`);
  assert.equal(held.rate, 2);
  const { strip, currentTime } = await shown(page);
  assert.ok(strip && Math.abs(strip.frame - currentTime * RATE) <= 4, `${JSON.stringify(strip)} at ${currentTime} s`);
  assert.deepEqual(lines, []);
  await page.close();
});

test("who pauses while it opens is where the title was to begin, at whatever moment", async () => {
  for (const delay of [0, 10, 20, 40]) {
    const { page, lines } = await open(here);
    const position = await page.evaluate(
      async ({ url, delay }) => {
        watch.video.addEventListener("seeking", () => setTimeout(() => player.pause(), delay), { once: true });
        player.load(url, { start: 19 });
        player.play();
        await watch.until(({ state }) => ["ready", "paused"].includes(state), 20_000);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return (await player.snapshot()).position;
      },
      { url: `${here.url}/dash/demo/time.mpd`, delay },
    );
    const { strip, currentTime } = await shown(page);
    await page.close();
    assert.deepEqual(lines, []);
    assert.ok(Math.abs(currentTime - 19) < 0.5 && Math.abs(position - 19) < 0.5, `the element at ${currentTime} s, the engine at ${position} s`);
    assert.ok(strip && Math.abs(strip.frame - currentTime * RATE) <= 3, `${JSON.stringify(strip)} at ${currentTime} s`);
  }
});

test("what is paused stays paused over a seek to where nothing is buffered", async () => {
  const { page, lines } = await playing({ bufferGoal: 3 });
  const held = await page.evaluate(async () => {
    player.pause();
    await watch.state("paused");
    player.seek(18);
    await watch.until(({ type }) => type === "SeekEnded", 10_000);
    await new Promise((resolve) => setTimeout(resolve, 600));
    return { paused: watch.video.paused, currentTime: watch.video.currentTime, state: (await player.snapshot()).state };
  });
  assert.deepEqual(held, { paused: true, currentTime: 18, state: "paused" });
  const { strip } = await shown(page);
  assert.ok(strip && Math.abs(strip.frame - 18 * RATE) <= 1, JSON.stringify(strip));
  assert.deepEqual(lines, []);
  await page.close();
});

for (const [what, seek] of [
  ["a player", () => player.seek(watch.video.duration)],
  ["a seek beyond it", () => player.seek(1000)],
]) {
  test(`the end of a title is sought where it is not buffered: it is as long as before, and ended (${what})`, async () => {
    const { page, lines } = await open(here);
    await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      await watch.state("playing");
    }, `${here.url}/hls/dur_120/demo/main.m3u8`);
    await page.evaluate(seek);
    const seen = await page.evaluate(async () => {
      await watch.until(({ type }) => type === "Ended", 10_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { duration, currentTime, ended } = watch.video;
      return { duration, currentTime, ended };
    });
    assert.ok(Math.abs(seen.duration - 120) < 0.2, `${seen.duration} s long`);
    assert.ok(seen.duration - seen.currentTime < 0.2 && seen.ended, `at ${seen.currentTime} s`);
    assert.deepEqual(lines, []);
    await page.close();
  });
}
