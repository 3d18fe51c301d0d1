// What Media Source does not take is not asked for, and a screen is not given more than it shows.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Plays what a playlist of two variants lists: which of them were asked for, and what was told. */
async function asked(lines) {
  const { page, lines: said } = await open(here);
  const urls = [];
  page.on("request", (request) => urls.push(new URL(request.url()).pathname));
  await page.route("**/made/main.m3u8", (route) => route.fulfill({ contentType: "application/vnd.apple.mpegurl", body: lines.join("\n") }));
  const errors = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    return watch.told.filter(({ type }) => type === "Error").map(({ error }) => error);
  }, `${here.url}/made/main.m3u8`);
  const pictures = await page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return watch.pictures.filter(({ strip }) => strip).length;
  });
  assert.ok(pictures > 3, `${pictures} pictures`);
  assert.deepEqual(said, []);
  await page.close();
  return { urls, errors };
}

const variant = (codecs, uri, size = "640x360") => `#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=${size},CODECS="${codecs}"\n${uri}`;

test("a variant that no decoder takes is left out", async () => {
  const { urls, errors } = await asked(["#EXTM3U", variant("dvh1.05.06", "/none/dolby.m3u8"), variant("avc1.4d401e", "/hls/demo/v360.m3u8")]);
  assert.ok(!urls.includes("/none/dolby.m3u8"), urls.join(" "));
  assert.ok(urls.includes("/hls/demo/v360.m3u8"));
  assert.deepEqual(errors, []);
});

test("the facts that a page gathers reach a recording", async () => {
  const { page } = await open(here, { record: true });
  const recording = await page.evaluate(async () => {
    // They come when they are known.
    const bytes = [];
    for (let tries = 0; tries < 50 && !new TextDecoder().decode(new Uint8Array(bytes)).includes("avc1"); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      bytes.push(...(await player.recording()));
    }
    return new TextDecoder("latin1").decode(new Uint8Array(bytes));
  });
  assert.ok(recording.includes("avc1") && recording.includes("mp4a.40.2"), "what Chromium takes");
  assert.ok(!recording.includes("dvh1"), "and not what it does not");
  await page.close();
});
