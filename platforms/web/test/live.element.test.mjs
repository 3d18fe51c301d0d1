// A title that goes on: how long it is, where it can be sought, and the button that leads to its edge.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

for (const source of ["/hls/live_60/demo/main.m3u8", "/dash/live_60/demo/number.mpd"]) {
  test(`${source}: its duration is infinite, its window is seekable, the live button leads to the edge`, async () => {
    const page = await here.chromium.context.newPage();
    const lines = listen(page);
    await page.goto(`${here.url}/files/web/test/element.html`);
    await page.waitForFunction(() => window.ready);
    await page.evaluate((source) => {
      document.body.innerHTML = `<telecine-player muted controls src="${source}" style="width: 640px"></telecine-player>`;
      window.el = document.querySelector("telecine-player");
      window.told = new Record(el);
    }, source);
    await page.evaluate(() => el.play());
    await page.waitForFunction(() => el.seekable.length === 1 && el.seekable.end(0) - el.seekable.start(0) > 30 && el.atLiveEdge);
    const seen = await page.evaluate(() => {
      const { duration, live, streamType, currentTime, seekable } = el;
      return { duration, live, streamType, behind: seekable.end(0) - currentTime };
    });
    assert.equal(seen.duration, Infinity);
    assert.deepEqual([seen.live, seen.streamType], [true, "live"]);
    assert.ok(seen.behind > -1 && seen.behind < 20, `${seen.behind} s behind what is seekable`);
    const button = page.getByRole("button", { name: "Live" });
    await page.waitForFunction(() => el.shadowRoot.querySelector(".live").getAttribute("aria-pressed") === "true");
    await page.evaluate(() => {
      told.clear();
      el.currentTime -= 25;
    });
    await page.evaluate(() => told.until("seeked"));
    await page.waitForFunction(() => el.shadowRoot.querySelector(".live").getAttribute("aria-pressed") === "false");
    const past = await page.evaluate(() => ({ behind: el.seekable.end(0) - el.currentTime, time: el.shadowRoot.querySelector(".time").textContent }));
    assert.ok(past.behind > 20, `${past.behind} s behind`);
    assert.match(past.time, /^-0:[2-4]\d$/);
    await button.click();
    await page.waitForFunction(() => !el.seeking && el.seekable.end(0) - el.currentTime < 20 && el.atLiveEdge);
    assert.equal(await page.evaluate(() => el.paused), false);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

for (const source of ["/dash/live_60/demo/time.mpd", "/hls/live_60/parts_334/demo/main.m3u8", "/dash/live_60/chunk_500/ltgt_2000/ato_1500/demo/number.mpd"]) {
  for (const [what, file] of [
    ["the element", "element.html"],
    ["a video with a player", "page.html"],
  ]) {
    test(`${source}: ${what} can be sought within the window as soon as there is metadata`, async () => {
      const page = await here.chromium.context.newPage();
      await page.goto(`${here.url}/files/web/test/${file}`);
      await page.waitForFunction(() => window.ready);
      const seen = await page.evaluate(async (source) => {
        const own = !window.begin;
        if (own) document.body.innerHTML = "<telecine-player muted autoplay></telecine-player>";
        else begin({ remember: false });
        const media = document.querySelector("telecine-player, video");
        const seen = [];
        const look = () => {
          const { seekable, currentTime } = media;
          const [from, to] = seekable.length === 1 ? [seekable.start(0), seekable.end(0)] : [NaN, NaN];
          seen.push({ from, to, currentTime });
        };
        const known = new Promise((resolve) => media.addEventListener("loadedmetadata", resolve));
        if (own) media.src = source;
        else {
          player.load(source);
          player.play();
        }
        await known;
        for (const end = performance.now() + 2000; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) look();
        return seen.map(({ from, to, currentTime }) => ({ wide: to - from, in: own || currentTime > 0 ? Math.min(currentTime - from, to - currentTime) : 0 }));
      }, `${here.url}${source}`);
      assert.ok(seen.length > 20);
      // HLS of this origin begins at 0, a minute before. What is buffered beyond the window is seekable in a video.
      for (const { wide, in: within } of seen) {
        assert.ok(wide > 30 && wide < 75, `${wide} s`);
        assert.ok(within > -0.05, `${-within} s out of it`);
      }
      await page.close();
    });
  }
}
