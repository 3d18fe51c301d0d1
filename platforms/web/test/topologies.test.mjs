// What a browser does not have or a page may not have is done without, and the page does not notice.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { isFrameOf, open, root, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage(["--folder", `media=${path.join(root, "conformance/media/demo")}`]);
});
after(async () => here?.close());

/** Plays a little, moves, plays a little; where it was. Nothing goes wrong but errors of these numbers. */
async function plays(options, prepared, expected = []) {
  const { page, lines } = await open(here, options, prepared);
  const seen = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 500));
    player.seek(15);
    await watch.until(({ type }) => type === "SeekEnded", 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const told = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
    return { topology: player.topology, told, pictures: watch.pictures.filter(({ strip }) => strip), currentTime: watch.video.currentTime };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(seen.told.map(({ type, error }) => error?.code ?? type), expected);
  assert.ok(seen.currentTime > 15.2, `at ${seen.currentTime} s`);
  assert.ok(seen.pictures.length > 15, `${seen.pictures.length} pictures`);
  for (const { mediaTime, strip } of seen.pictures) {
    assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
  }
  const workers = page.workers().length;
  await page.close();
  return { ...seen, workers, lines };
}

/** The browser's own words about what a policy refuses. */
const ofThePolicy = (line) => /Content Security Policy/.test(line);

test("a browser without workers plays in the page", async () => {
  const seen = await plays({}, (page) => page.addInitScript("delete self.Worker"));
  assert.equal(seen.topology, "page");
  assert.deepEqual(seen.lines, []);
});

test("a policy that refuses workers lets it play in the page", async () => {
  const seen = await plays({}, (page) =>
    page.route("**/page.html", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), "content-security-policy": "worker-src 'none'" } });
    }),
    [7005],
  );
  assert.equal(seen.topology, "page");
  assert.equal(seen.workers, 0);
  assert.deepEqual(seen.lines.filter((line) => !ofThePolicy(line)), []);
});

test("a worker of another origin is started by way of one of the page's", async () => {
  const elsewhere = here.url.replace("127.0.0.1", "localhost");
  const seen = await plays({ workerUrl: `${elsewhere}/files/web/dist/worker.js` });
  assert.equal(seen.topology, "worker");
  assert.deepEqual(seen.lines, []);
});

test("a worker that has no handle of a media source transfers media to the page", async () => {
  const seen = await plays({}, (page) =>
    page.route("**/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `delete MediaSource.prototype.handle;${await response.text()}` });
    }),
  );
  assert.equal(seen.topology, "worker-transfer");
  assert.equal(seen.workers, 1);
  assert.deepEqual(seen.lines, []);
});

test("a media source of the worker that the element does not open is replaced by one in the page", async () => {
  const seen = await plays({}, (page) =>
    page.addInitScript("Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', { get: () => null, set: () => {} })"),
  );
  assert.equal(seen.topology, "worker-transfer");
  assert.deepEqual(seen.lines, []);
});

test("a browser is supported with WebAssembly and any kind of Media Source", async () => {
  const { page } = await open(here);
  const supported = await page.evaluate(async () => {
    const { Player } = await import("../dist/telecine.js");
    HTMLMediaElement.prototype.canPlayType = () => "";
    const said = [Player.isSupported];
    const [Media, Wasm] = [self.MediaSource, self.WebAssembly];
    delete MediaSource.canConstructInDedicatedWorker;
    said.push(Player.isSupported);
    delete self.MediaSource;
    said.push(Player.isSupported);
    self.ManagedMediaSource = Media;
    said.push(Player.isSupported);
    delete self.WebAssembly;
    said.push(Player.isSupported);
    HTMLMediaElement.prototype.canPlayType = (type) => (type === "application/vnd.apple.mpegurl" ? "maybe" : "");
    said.push(Player.isSupported);
    self.WebAssembly = Wasm;
    return said;
  });
  assert.deepEqual(supported, [true, true, false, true, false, true]);
  await page.close();
});

/** A browser without Media Source that says that it plays HLS. */
const resigned = (page) =>
  page.addInitScript(() => {
    delete self.MediaSource;
    HTMLMediaElement.prototype.canPlayType = () => "maybe";
  });

test("without Media Source the element gets the address, and plays, moves, holds and ends by itself", async () => {
  const { page, lines } = await open(here, {}, resigned);
  // What such a browser plays is HLS; here it is a file that this one plays by itself.
  const seen = await page.evaluate(async (url) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    player.load(url, { start: 4 });
    player.play();
    await watch.state("playing");
    await wait(800);
    const began = watch.video.currentTime;
    player.pause();
    await watch.state("paused");
    const held = watch.video.paused;
    player.seek(20);
    await watch.until(({ type }) => type === "SeekEnded", 5000);
    const { currentTime } = watch.video;
    player.setRate(2);
    player.play();
    await watch.state("ended", 10_000);
    const { state } = await player.snapshot();
    return { began, held, currentTime, state, topology: player.topology, src: watch.video.currentSrc, rate: watch.video.playbackRate, types: watch.told.map(({ type }) => type) };
  }, `${here.url}/files/media/v180.mp4`);
  assert.deepEqual(lines, []);
  assert.ok(seen.began > 4.2 && seen.began < 8, `at ${seen.began} s`);
  assert.ok(seen.held && Math.abs(seen.currentTime - 20) < 0.1, `at ${seen.currentTime} s`);
  assert.deepEqual([seen.state, seen.topology, seen.rate], ["ended", "native", 2]);
  assert.match(seen.src, /v180\.mp4$/);
  assert.ok(seen.types.includes("Started") && seen.types.includes("Ended") && !seen.types.includes("Error"), `${seen.types}`);
  assert.equal(page.workers().length, 0);
  await page.close();
});

test("what the browser cannot play by itself either fails with an error of the device, and something good plays after it", async () => {
  const { page, lines } = await open(here, {}, resigned);
  const seen = await page.evaluate(async (url) => {
    player.load(`${url}/bad/html.m3u8`);
    player.play();
    await watch.state("failed", 10_000);
    const { error } = watch.told.find(({ type }) => type === "Error");
    watch.told.length = 0;
    player.load(`${url}/files/media/v180.mp4`);
    player.play();
    await watch.state("playing");
    return { error, after: watch.told.filter(({ type }) => type === "Error") };
  }, here.url);
  assert.deepEqual([seen.error.code, seen.error.fatal, seen.after.length], [5002, true, 0]);
  assert.deepEqual(lines, []);
  await page.close();
});
