// `startLevel` of hls.js: the level of what is fetched first, and of nothing else. What is on the screen says it of itself.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { root, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage(["--folder", `media=${path.join(root, "conformance/media/demo")}`]);
});
after(async () => here?.close());

/** The numbers of the renditions in the strip, which are those of the levels, and their lines. */
const LINES = ["v180", "v360", "v480", "v720"];
const HLS = "/hls/dur_120/demo/main.m3u8";
/** A server that is not on the same machine: between manifest and first segment there is time to say something. */
const AFAR = "/hls/delay_150/dur_120/demo/main.m3u8";

/** Begins a title. `asked` are the renditions of the pictures that the origin was asked for, in that order. */
async function begin(path, config, parsed = () => {}) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  const [asked, manifests] = [[], []];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    const rendition = LINES.findIndex((name) => pathname.includes(`/${name}/`));
    if (rendition >= 0) asked.push(rendition);
    if (/main\.m3u8|\.mpd/.test(pathname)) manifests.push(pathname);
  });
  await page.goto(`${here.url}/files/web/test/shim-hls.html`);
  await page.waitForFunction(() => window.ready);
  // What another test learnt of the network would choose.
  await page.evaluate(
    ({ url, config, parsed }) => {
      localStorage.clear();
      begin(url, config);
      hls.on(Hls.Events.MANIFEST_PARSED, new Function(`(${parsed})()`));
    },
    { url: here.url + path, config, parsed: String(parsed) },
  );
  await page.evaluate(() => until(() => watch.pictures.some(({ strip }) => strip), "a picture"));
  const first = await page.evaluate(() => watch.pictures.find(({ strip }) => strip).strip.rendition);
  /** Waits for a picture of one of these renditions. */
  const shows = (renditions) => page.evaluate((renditions) => until(() => renditions.includes(watch.pictures.at(-1)?.strip?.rendition), `one of ${renditions}`, 60_000), renditions);
  const automatic = () => page.evaluate(() => [hls.autoLevelEnabled, hls.manualLevel, heard.filter(({ name }) => name === "MANIFEST_PARSED").length]);
  return { page, lines, asked, manifests, first, shows, automatic };
}

const AUTOMATIC = [true, -1, 1];

for (const [protocol, path, manifests] of [
  ["HLS", AFAR, 1],
  // Of an MPD all is known at once: by when the level is said another is asked for, and it begins anew.
  ["DASH", "/dash/dur_120/demo/time.mpd", 2],
]) {
  test(`${protocol} begins in the level that is configured, and goes on as the player chooses`, async () => {
    const { page, lines, asked, manifests: read, first, shows, automatic } = await begin(path, { startLevel: 1 });
    assert.equal(first, 1);
    if (protocol === "HLS") assert.equal(asked[0], 1, String(asked));
    assert.equal(read.length, manifests, String(read));
    assert.equal(await page.evaluate(() => hls.startLevel), 1);
    // Nothing is slow here.
    await shows([3]);
    assert.deepEqual(await automatic(), AUTOMATIC);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("a title that begins in its best level over a network that does not carry it goes down by itself", async () => {
  const { page, first, shows, automatic } = await begin("/hls/rate_300/dur_120/demo/main.m3u8", { startLevel: 3 });
  assert.equal(first, 3);
  await shows([0, 1]);
  assert.deepEqual(await automatic(), AUTOMATIC);
  await page.close();
});

test("a level that is said within MANIFEST_PARSED is begun in, too, and one behind the last is the last", async () => {
  const { page, lines, asked, first, shows, automatic } = await begin(AFAR, {}, () => (window.hls.startLevel = 2));
  assert.deepEqual([first, asked[0]], [2, 2]);
  await shows([3]);
  assert.deepEqual(await automatic(), AUTOMATIC);
  await page.evaluate(() => {
    watch.pictures.length = 0;
    hls.removeAllListeners(Hls.Events.MANIFEST_PARSED);
    hls.startLevel = 7;
    hls.loadSource(hls.url);
  });
  await page.evaluate(() => until(() => watch.pictures.some(({ strip, mediaTime }) => strip && mediaTime < 2), "a picture"));
  assert.equal(await page.evaluate(() => watch.pictures.find(({ strip, mediaTime }) => strip && mediaTime < 2).strip.rendition), 3);
  assert.deepEqual(lines.filter((line) => !/interrupted by a new load request/.test(line)), []);
  await page.close();
});

test("a level that is held from MANIFEST_PARSED on is begun in and stays, and the next title is the player's again", async () => {
  const { page, first, shows } = await begin(HLS, { startLevel: 3 }, () => (window.hls.currentLevel = 1));
  assert.equal(first, 1);
  await page.waitForTimeout(3000);
  const seen = await page.evaluate(() => [...new Set(watch.pictures.flatMap(({ strip }) => strip?.rendition ?? []))]);
  assert.deepEqual(seen, [1]);
  assert.deepEqual(await page.evaluate(() => [hls.autoLevelEnabled, hls.manualLevel, hls.currentLevel]), [false, 1, 1]);
  await page.evaluate((url) => {
    hls.removeAllListeners(Hls.Events.MANIFEST_PARSED);
    hls.startLevel = -1;
    hls.loadSource(url);
  }, here.url + HLS);
  assert.deepEqual(await page.evaluate(() => [hls.autoLevelEnabled, hls.manualLevel]), [true, -1]);
  await shows([3]);
  await page.close();
});

test("startLevel -1 is the player's choice, and firstLevel the first of the manifest", async () => {
  const { page, first, asked } = await begin(HLS, { startLevel: -1 });
  assert.equal(first, asked[0]);
  const { firstLevel, parsed } = await page.evaluate(() => ({ firstLevel: hls.firstLevel, parsed: heard.find(({ name }) => name === "MANIFEST_PARSED").data.firstLevel }));
  const text = await (await fetch(here.url + HLS)).text();
  const firstLine = /#EXT-X-STREAM-INF:[^\n]*RESOLUTION=\d+x(\d+)/.exec(text)?.[1];
  assert.deepEqual([firstLevel, parsed], Array(2).fill(LINES.indexOf(`v${firstLine}`)));
  await page.close();
});

test("what the browser plays by itself, which has no levels, waits for none", async () => {
  const page = await here.chromium.context.newPage();
  await page.addInitScript(() => {
    delete self.MediaSource;
    HTMLMediaElement.prototype.canPlayType = () => "maybe";
  });
  await page.goto(`${here.url}/files/web/test/shim-hls.html`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate((url) => {
    begin(url, { startLevel: 1 });
    void video.play();
  }, `${here.url}/files/media/v180.mp4`);
  await page.evaluate(() => until(() => video.currentTime > 0.5, "it plays"));
  assert.match(await page.evaluate(() => video.currentSrc), /v180\.mp4$/);
  await page.close();
});
