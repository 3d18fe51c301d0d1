// DASH in every addressing, over periods, and from one codec to another.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, RATE, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Plays the last seconds of a title from a start on to its end; what was seen. */
async function plays(path, { start, options } = {}) {
  const { page, lines } = await open(here, options);
  const seen = await page.evaluate(
    async ({ url, start }) => {
      player.load(url, { start });
      player.play();
      await watch.state("ended", 45_000);
      const { duration, ended } = watch.video;
      return { told: watch.told, pictures: watch.pictures, duration, ended };
    },
    { url: `${here.url}/${path}`, start },
  );
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
  assert.ok(seen.ended);
  for (const { mediaTime, strip } of seen.pictures.filter(({ strip }) => strip)) {
    assert.ok(Math.abs(strip.frame - mediaTime * RATE) <= 1, `frame ${strip.frame} at ${mediaTime} s`);
  }
  return seen;
}

for (const addressing of ["number", "time", "timeline-number", "list", "ondemand"]) {
  test(`segments addressed by ${addressing} play from a start in the middle to the end`, async () => {
    const seen = await plays(`dash/demo/${addressing}.mpd`, { start: 18 });
    const [first] = seen.pictures;
    assert.ok(first.mediaTime >= 17.9 && first.mediaTime < 19, `it began at ${first.mediaTime} s`);
    assert.ok(seen.pictures.filter(({ strip }) => strip).length > 60, "pictures were read");
  });
}

test("three periods play as one title", async () => {
  const seen = await plays("dash/periods_3/demo/time.mpd", { start: 5 });
  const frames = new Set(seen.pictures.map(({ strip }) => strip?.frame));
  // Around each boundary, at 8 and 16 s, nearly every frame was on the screen.
  for (const boundary of [8, 16]) {
    const near = Array.from({ length: 20 }, (_, index) => boundary * RATE - 10 + index);
    const missed = near.filter((frame) => !frames.has(frame));
    assert.ok(missed.length <= 6, `around ${boundary} s frames ${missed} were not seen`);
  }
});
