// What HLS may be made of besides fragments of their own files: parts of one file, discontinuities, transport streams, packed
// sound, protection that the module takes off; and titles that go on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, open, RATE, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

for (const [what, options] of [
  ["parts of one file", "bytes_1"],
  ["segments with discontinuities", "disc_5"],
  ["a transport stream of picture and sound", "ts_muxed"],
  ["transport streams apart", "ts_demuxed"],
  ["packed sound", "ts_packed"],
  ["segments under cbcs", "prot_cbcs"],
  ["segments under AES-128", "prot_aes128"],
]) {
  test(`${what} (${options}) play from a start in the middle to the end`, async () => {
    const { page, lines } = await open(here);
    const seen = await page.evaluate(async (url) => {
      player.load(url, { start: 19 });
      player.play();
      await watch.state("ended", 20_000);
      const { ended, duration } = watch.video;
      return { told: watch.told, pictures: watch.pictures.filter(({ strip }) => strip), ended, duration };
    }, `${here.url}/hls/${options}/demo/main.m3u8`);
    await page.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
    assert.ok(seen.ended && Math.abs(seen.duration - 24) < 0.1, `it is ${seen.duration} s long`);
    assert.ok(seen.pictures.length > 60, `${seen.pictures.length} pictures`);
    for (const { mediaTime, strip } of seen.pictures) {
      assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
    }
  });
}

for (const [what, path] of [
  ["HLS", "hls/live_60/demo/main.m3u8"],
  ["low-latency HLS", "hls/live_60/parts_334/demo/main.m3u8"],
  ["low-latency DASH", "dash/live_60/chunk_500/ltgt_2000/ato_1500/demo/number.mpd"],
]) {
  test(`live ${what} plays without a stall`, async () => {
    const { page, lines } = await open(here);
    const seen = await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      await watch.state("playing");
      await new Promise((resolve) => setTimeout(resolve, 6000));
      const { duration } = watch.video;
      const told = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
      return { told, pictures: watch.pictures.filter(({ strip }) => strip), endless: duration === Infinity, live: (await player.snapshot()).live };
    }, `${here.url}/${path}`);
    await page.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(seen.told, []);
    assert.ok(seen.live && seen.endless);
    assert.ok(seen.pictures.length > 60, `${seen.pictures.length} pictures`);
    // Frames go on with the clock of the title, which begins anew every 24 s.
    const [first] = seen.pictures;
    for (const { mediaTime, strip } of seen.pictures) {
      const frames = (mediaTime - first.mediaTime) * RATE;
      const off = (strip.frame - first.strip.frame - frames) % 600;
      assert.ok(Math.min(Math.abs(off), 600 - Math.abs(off)) <= 3, `frame ${strip.frame} ${frames} frames behind ${first.strip.frame}`);
    }
  });
}
