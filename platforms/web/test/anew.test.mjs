// What waits can be fetched anew, so that a rendition that somebody chose is on the screen in moments.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, open, stage, TOPOLOGIES } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Of the demo title, which is 24 s long and repeats. */
const isFrame = ({ strip, mediaTime }) => isFrameOf(strip, mediaTime % 24);

for (const topology of TOPOLOGIES) {
  for (const [protocol, path] of [["HLS", "hls/dur_120/demo/main.m3u8"], ["DASH", "dash/dur_120/demo/time.mpd"]]) {
    test(`another rendition is on the screen within 5 s, and every picture is the frame of its time (${protocol}, ${topology})`, async () => {
      const { page, lines } = await open(here, { topology, maxHeight: 180 });
      const seen = await page.evaluate(async (url) => {
        const { video } = watch;
        const until = async (is, what, ms = 20_000) => {
          for (const late = performance.now() + ms; !(await is()); await new Promise((resolve) => setTimeout(resolve, 20))) {
            if (performance.now() > late) throw new Error(`not within ${ms} ms: ${what}`);
          }
        };
        player.load(url);
        player.play();
        await until(() => video.videoHeight === 180 && video.buffered.length && video.buffered.end(0) > video.currentTime + 20, "it buffers");
        watch.pictures.length = 0;
        const { tracks } = await player.presentation();
        const { renditions } = tracks.find(({ kind }) => kind === "video");
        const began = performance.now();
        player.constrain({ renditions: renditions.filter(({ height }) => height === 720).map(({ id }) => id) });
        player.fetchAnew("video");
        await until(() => video.videoHeight === 720, "720 lines");
        const after = performance.now() - began;
        await new Promise((resolve) => setTimeout(resolve, 2000));
        const troubles = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
        return { after, troubles, pictures: watch.pictures.filter(({ strip }) => strip) };
      }, `${here.url}/${path}`);
      assert.ok(seen.after < 5000, `after ${seen.after} ms`);
      assert.deepEqual(seen.troubles, []);
      assert.ok(seen.pictures.length > 20, `${seen.pictures.length} pictures`);
      for (const picture of seen.pictures) assert.ok(isFrame(picture), `frame ${picture.strip.frame} at ${picture.mediaTime} s`);
      assert.deepEqual(lines, []);
      await page.close();
    });
  }
}

test("at the end of a title, and of a kind that it does not have, there is nothing to be fetched anew: it ends as it would", async () => {
  for (const topology of TOPOLOGIES) {
    const { page, lines } = await open(here, { topology });
    const seen = await page.evaluate(async (url) => {
      const { video } = watch;
      const until = async (is, what, ms = 20_000) => {
        for (const late = performance.now() + ms; !is(); await new Promise((resolve) => setTimeout(resolve, 20))) {
          if (performance.now() > late) throw new Error(`not within ${ms} ms: ${what}`);
        }
      };
      player.load(url);
      player.play();
      // The sound is in the picture's segments.
      player.fetchAnew("audio");
      await until(() => video.currentTime > 0.5, "it plays");
      player.fetchAnew("audio");
      player.seek(video.duration - 1.5);
      await until(() => video.currentTime > video.duration - 0.9, "it is near its end");
      player.fetchAnew("video");
      await until(() => video.ended, "the end");
      return watch.told.filter(({ type }) => type === "Error");
    }, `${here.url}/hls/ts_muxed/demo/main.m3u8`);
    assert.deepEqual(seen, [], topology);
    assert.deepEqual(lines, [], topology);
    await page.close();
  }
});
