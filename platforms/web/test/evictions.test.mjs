// What a browser drops of what was appended is noticed and fetched again, and no place is believed to have media that has none.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Every media source of a page can be told to drop something by itself; nothing is ordered. */
async function dropping(page) {
  await page.addInitScript(() => {
    const made = [];
    const { addSourceBuffer } = MediaSource.prototype;
    MediaSource.prototype.addSourceBuffer = function (type) {
      const buffer = addSourceBuffer.call(this, type);
      made.push({ type, buffer });
      return buffer;
    };
    /** As the browser drops: `remove` of its own. */
    self.drop = async (what, from, to) => {
      const { buffer } = made.find(({ type }) => type.startsWith(what));
      const idle = async () => {
        while (buffer.updating) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await idle();
      buffer.remove(from, to);
      await idle();
    };
    self.holds = (what, at) => {
      const { buffered = [] } = made.find(({ type }) => type.startsWith(what))?.buffer ?? {};
      return Array.from(buffered, (_, index) => index).some((index) => buffered.start(index) <= at && at < buffered.end(index));
    };
  });
}

/** How many seconds of a kind the engine believes to be ahead. */
const believed = (kind) => `player.snapshot().then(({ streams }) => streams.find((stream) => stream.kind === "${kind}").buffered)`;

for (const topology of ["worker-transfer", "page"]) {
  for (const kind of ["video", "audio"]) {
    test(`${kind} that the browser drops ahead of the playhead is there again when it is played (${topology})`, async () => {
      const { page, lines } = await open(here, { topology }, dropping);
      const seen = await page.evaluate(
        async ({ url, kind, believed }) => {
          const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
          player.load(url);
          player.play();
          await watch.state("playing");
          while ((await eval(believed)) < 18) await wait(100);
          player.pause();
          await drop(kind, 8, 16);
          const gone = !holds(kind, 12);
          // It is noticed, and fetched again though nothing plays.
          const isBack = () => holds(kind, 8.5) && holds(kind, 12) && holds(kind, 15);
          for (let count = 0; count < 200 && !isBack(); count += 1) await wait(50);
          const back = isBack();
          player.seek(10);
          player.play();
          await watch.until(({ type }) => type === "SeekEnded", 10_000);
          await wait(3000);
          const told = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
          return { gone, back, told, currentTime: watch.video.currentTime, pictures: watch.pictures.filter(({ strip }) => strip) };
        },
        { url: `${here.url}/hls/demo/main.m3u8`, kind, believed: believed(kind) },
      );
      assert.deepEqual(lines, []);
      assert.ok(seen.gone, "it was dropped");
      assert.ok(seen.back, "it is there again");
      assert.deepEqual(seen.told, []);
      assert.ok(seen.currentTime > 12, `at ${seen.currentTime} s`);
      for (const { mediaTime, strip } of seen.pictures) {
        assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
      }
      await page.close();
    });
  }
}

/** A browser with ManagedMediaSource alone: it opens where there is no remote playback, drops with an event, and says when it
 * wants nothing. */
async function managed(page) {
  await dropping(page);
  await page.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    const double = "self.ManagedMediaSource = self.MediaSource; delete MediaSource.prototype.handle; delete self.MediaSource;";
    await route.fulfill({ response, body: double + (await response.text()) });
  });
  await page.addInitScript(() => {
    const Media = self.MediaSource;
    delete self.MediaSource;
    self.managed = [];
    self.ManagedMediaSource = class ManagedMediaSource extends Media {
      constructor() {
        super();
        self.managed.push(this);
      }
    };
    const { set, get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
    Object.defineProperty(HTMLMediaElement.prototype, "src", {
      get,
      set(address) {
        if (this.disableRemotePlayback) set.call(this, address);
      },
    });
    // What the browser drops is told with an event of the buffer. No other event comes, and the order of things is another.
    const { drop } = self;
    self.drop = async (what, from, to) => {
      await drop(what, from, to);
      const last = self.managed.at(-1);
      for (const buffer of last.sourceBuffers) buffer.dispatchEvent(new Event("bufferedchange"));
    };
  });
}

for (const topology of [undefined, "page"]) {
  test(`a managed media source plays, and what it drops comes again (${topology ?? "as found out"})`, async () => {
    const { page, lines } = await open(here, topology ? { topology } : {}, managed);
    const seen = await page.evaluate(async (url) => {
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const { Player } = await import("../dist/telecine.js");
      const appetite = [];
      for (const name of ["startstreaming", "endstreaming"]) player.addEventListener(name, () => appetite.push(name));
      player.load(url);
      player.play();
      await watch.state("playing");
      while (!holds("video", 12)) await wait(100);
      for (const name of ["endstreaming", "startstreaming"]) managed.at(-1).dispatchEvent(new Event(name));
      await drop("video", 8, 16);
      const gone = !holds("video", 12);
      while (!holds("video", 12)) await wait(50);
      player.seek(11);
      await watch.until(({ type }) => type === "SeekEnded", 10_000);
      await wait(1500);
      const told = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
      const { disableRemotePlayback, currentTime } = watch.video;
      return { supported: Player.isSupported, appetite, gone, told, disableRemotePlayback, currentTime, topology: player.topology };
    }, `${here.url}/hls/demo/main.m3u8`);
    assert.deepEqual(lines, []);
    assert.ok(seen.supported && seen.disableRemotePlayback && seen.gone);
    assert.deepEqual(seen.appetite, ["endstreaming", "startstreaming"]);
    assert.deepEqual(seen.told, []);
    assert.ok(seen.currentTime > 12, `at ${seen.currentTime} s`);
    assert.equal(seen.topology, topology ?? "worker-transfer");
    await page.close();
  });
}

test("what is dropped in a worker is there again when it is played", async () => {
  // The worker's buffers drop what the page says over a channel.
  const double = `{
    const channel = new BroadcastChannel("drop");
    const { addSourceBuffer } = MediaSource.prototype;
    MediaSource.prototype.addSourceBuffer = function (type) {
      const buffer = addSourceBuffer.call(this, type);
      const idle = async () => { while (buffer.updating) await new Promise((resolve) => setTimeout(resolve, 5)); };
      channel.addEventListener("message", async ({ data: { what, from, to } }) => {
        if (!type.startsWith(what)) return;
        await idle();
        buffer.remove(from, to);
        await idle();
        channel.postMessage("dropped");
      });
      return buffer;
    };
  }`;
  const { page, lines } = await open(here, {}, (page) =>
    page.route("**/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: double + (await response.text()) });
    }),
  );
  const seen = await page.evaluate(async (url) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const { video } = watch;
    const holds = (at) => Array.from(video.buffered, (_, index) => index).some((index) => video.buffered.start(index) <= at && at < video.buffered.end(index));
    player.load(url);
    player.play();
    await watch.state("playing");
    while (!holds(16)) await wait(50);
    player.pause();
    const channel = new BroadcastChannel("drop");
    const dropped = new Promise((resolve) => (channel.onmessage = resolve));
    channel.postMessage({ what: "video", from: 8, to: 16 });
    await dropped;
    let gone = false;
    const isBack = () => gone && holds(8.5) && holds(12) && holds(15);
    for (let count = 0; count < 200 && !isBack(); count += 1) {
      gone ||= !holds(12);
      await wait(50);
    }
    const back = isBack();
    player.seek(10);
    player.play();
    await watch.until(({ type }) => type === "SeekEnded", 10_000);
    await wait(2000);
    const told = watch.told.filter(({ type }) => type === "Error" || type === "StallStarted");
    return { gone, back, told, currentTime: video.currentTime, topology: player.topology };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(lines, []);
  assert.equal(seen.topology, "worker");
  assert.ok(seen.gone && seen.back, JSON.stringify(seen));
  assert.deepEqual(seen.told, []);
  assert.ok(seen.currentTime > 11, `at ${seen.currentTime} s`);
  await page.close();
});
