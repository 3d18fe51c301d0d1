// The demo title plays from its first frame to its last: the engine, its requests and Media Source are in a worker, or Media
// Source is in the page, or all of it is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, open, RATE, stage, TOPOLOGIES } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

test("the demo title plays as HLS to its end, and every picture is the frame of its time", async () => {
  const { page, lines } = await open(here);
  await page.evaluate((url) => {
    player.load(url);
    player.play();
  }, `${here.url}/hls/demo/main.m3u8`);
  await page.evaluate(() => watch.state("ended", 60_000));
  const seen = await page.evaluate(() => ({
    topology: player.topology,
    told: watch.told,
    dom: watch.dom,
    pictures: watch.pictures,
    ended: watch.video.ended,
    duration: watch.video.duration,
    currentTime: watch.video.currentTime,
    asked: performance.getEntriesByType("resource").map(({ name }) => name),
  }));

  assert.deepEqual(lines, []);
  assert.ok(seen.ended);
  assert.equal(seen.topology, "worker");
  assert.ok(Math.abs(seen.duration - 24) < 0.1, `it is ${seen.duration} s long`);
  // The burnt-in strip is the frame of the browser's own clock, in each picture that was shown.
  const read = seen.pictures.filter(({ strip }) => strip);
  assert.ok(read.length > 200, `${read.length} of ${seen.pictures.length} pictures were read`);
  for (const { mediaTime, strip } of read) {
    assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
  }
  // Over the whole title, at no moment far from where the element says it is.
  for (let second = 1; second < 24; second += 1) {
    const near = read.find(({ currentTime }) => Math.abs(currentTime - second) < 0.25);
    assert.ok(near && Math.abs(near.strip.frame - near.currentTime * RATE) <= 3, `at ${second} s: ${JSON.stringify(near)}`);
  }
  // It begins with what the network is believed to give and rises.
  const renditions = new Set(read.map(({ strip }) => strip.rendition));
  assert.ok(renditions.size > 1, `renditions ${[...renditions]}`);
  const shown = seen.told.filter(({ type, kind }) => type === "Quality" && kind === "video");
  assert.ok(shown.length > 1, "the change was told");
  assert.ok(!seen.told.some(({ type }) => type === "Error"), JSON.stringify(seen.told.filter(({ type }) => type === "Error")));
  assert.ok(!seen.told.some(({ type }) => type === "StallStarted"));
  // The page itself asked for the player, for the manifest if the player was not there yet, and for no media.
  assert.ok(seen.asked.length > 0);
  assert.deepEqual(mediaOf(seen.asked), []);
  await page.close();
});

/** What is neither the player nor the title's manifest. */
function mediaOf(asked) {
  return asked.filter((url) => !url.includes("/files/web/") && url !== `${here.url}/hls/demo/main.m3u8`);
}

for (const topology of TOPOLOGIES.slice(1)) {
  test(`with the topology ${topology} its last seconds play, and every picture is the frame of its time`, async () => {
    const { page, lines } = await open(here, { topology });
    const seen = await page.evaluate(async (url) => {
      player.load(url, { start: 16 });
      player.play();
      await watch.state("ended", 30_000);
      const { ended, duration } = watch.video;
      const asked = performance.getEntriesByType("resource").map(({ name }) => name);
      return { topology: player.topology, told: watch.told, pictures: watch.pictures.filter(({ strip }) => strip), ended, duration, asked };
    }, `${here.url}/hls/demo/main.m3u8`);
    assert.deepEqual(lines, []);
    assert.equal(seen.topology, topology);
    assert.ok(seen.ended && Math.abs(seen.duration - 24) < 0.1, `it is ${seen.duration} s long`);
    assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
    assert.ok(seen.pictures.length > 100, `${seen.pictures.length} pictures`);
    for (const { mediaTime, strip } of seen.pictures) {
      assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
    }
    // Who asks for media is where the engine is.
    const media = mediaOf(seen.asked);
    assert.equal(media.length > 0, topology === "page", `${media}`);
    assert.equal(page.workers().length, topology === "page" ? 0 : 1);
    await page.evaluate(() => player.destroy());
    await page.waitForTimeout(200);
    assert.equal(page.workers().length, 0);
    await page.close();
  });
}
