// A browser that holds a megabyte of picture: what does not fit is made room for, and the title plays to its end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, RATE, stage, TOPOLOGIES } from "./harness.mjs";

const MEGABYTE = 1 << 20;
let here;
before(async () => {
  here = await stage([], ["--mse-video-buffer-size-limit-mb=1", "--mse-audio-buffer-size-limit-mb=1"]);
});
after(async () => here?.close());

for (const topology of TOPOLOGIES) {
  test(`a title of four megabytes plays where one has room (${topology})`, async () => {
    const { page, lines } = await open(here, { topology });
    const seen = await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      let most = 0;
      const looking = setInterval(async () => {
        const { streams } = await player.snapshot();
        const { bytes = 0 } = streams.find(({ kind }) => kind === "video") ?? {};
        most = Math.max(most, bytes);
      }, 100);
      await watch.state("ended", 60_000);
      clearInterval(looking);
      return { most, told: watch.told, pictures: watch.pictures.filter(({ strip }) => strip), ended: watch.video.ended };
    }, `${here.url}/hls/demo/main.m3u8`);
    assert.deepEqual(lines, []);
    assert.ok(seen.ended);
    assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
    // It was full, and it was not believed to hold what it cannot.
    assert.ok(seen.most > MEGABYTE / 2 && seen.most < 1.5 * MEGABYTE, `at most ${seen.most} bytes`);
    assert.ok(seen.pictures.length > 500, `${seen.pictures.length} pictures`);
    assert.ok(seen.pictures.some(({ strip }) => strip.rendition === 3), "of the best rendition too");
    // A page that is busy reads a picture when the next one is there already.
    const off = seen.pictures.map(({ mediaTime, strip }) => Math.abs(strip.frame - mediaTime * RATE));
    assert.ok(off.filter((frames) => frames > 1).length < off.length / 50 && Math.max(...off) < 6, `frames off: ${off.filter((frames) => frames > 1)}`);
    await page.close();
  });
}
