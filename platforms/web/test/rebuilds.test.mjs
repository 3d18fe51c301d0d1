// Media Source begins anew at the same position where it cannot go on: for a kind of track that comes later or comes back, for
// a type that it cannot change to, after what a decoder choked on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, open, RATE, stage, TOPOLOGIES } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** No picture is another than that of its time; those that are read late on a busy machine are the next. */
function inTime(pictures) {
  assert.ok(pictures.length > 20, `${pictures.length} pictures`);
  for (const { mediaTime, strip } of pictures) assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
}

for (const topology of TOPOLOGIES) {
  test(`sound that is switched off and on again is heard again (${topology})`, async () => {
    const { page, lines } = await open(here, { topology });
    const seen = await page.evaluate(async (url) => {
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const { video } = watch;
      player.load(url);
      player.play();
      await watch.state("playing");
      const { track } = watch.told.find(({ type, kind }) => type === "Selected" && kind === "audio");
      await wait(1000);
      player.select("audio", null);
      await wait(1000);
      const silent = [video.webkitAudioDecodedByteCount, video.currentTime];
      await wait(1000);
      silent.push(video.webkitAudioDecodedByteCount, video.currentTime);
      const at = video.currentTime;
      const before = watch.told.length;
      player.select("audio", track);
      await watch.until((event) => event.type === "State" && event.state === "playing" && watch.told.indexOf(event) >= before, 10_000);
      const back = video.currentTime;
      const from = video.webkitAudioDecodedByteCount;
      await wait(2000);
      const heard = video.webkitAudioDecodedByteCount - from;
      const { state, streams } = await player.snapshot();
      const kinds = streams.map(({ kind, buffered }) => buffered > 1 && kind).filter(Boolean);
      return { silent, at, back, heard, state, kinds, currentTime: video.currentTime, pictures: watch.pictures.filter(({ strip }) => strip), errors: watch.told.filter(({ type }) => type === "Error") };
    }, `${here.url}/hls/demo/main.m3u8`);
    assert.deepEqual(lines, []);
    assert.deepEqual(seen.errors, []);
    const [bytes, time, later, then] = seen.silent;
    assert.ok(then > time + 0.5, "the picture went on without sound");
    assert.ok(later - bytes < 2000, `${later - bytes} bytes of sound were decoded without any`);
    assert.ok(Math.abs(seen.back - seen.at) < 0.7, `it went on at ${seen.back} s, it was at ${seen.at} s`);
    assert.ok(seen.heard > 10_000, `${seen.heard} bytes of sound were decoded`);
    assert.equal(seen.state, "playing");
    assert.deepEqual(seen.kinds.filter((kind) => kind !== "text").sort(), ["audio", "video"]);
    assert.ok(seen.currentTime > seen.back + 1, `at ${seen.currentTime} s`);
    inTime(seen.pictures);
    await page.close();
  });
}

/** A page in which types cannot be changed, so often. */
const unchanging = (times) => (page) =>
  page.addInitScript((times) => {
    const { changeType } = SourceBuffer.prototype;
    self.refused = 0;
    SourceBuffer.prototype.changeType = function (type) {
      if (self.refused++ < times) throw new DOMException("not this one", "NotSupportedError");
      return changeType.call(this, type);
    };
  }, times);

/** A page whose network brings garbage in place of the pictures of a segment, once. */
const garbled = (times) => (page) => {
  let left = times;
  return page.route("**/v180/4.m4s", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    if (left-- > 0) body.fill(0xff, body.indexOf("mdat") + 4);
    await route.fulfill({ response, body });
  });
};

for (const topology of TOPOLOGIES) {
  test(`garbage within a segment that comes whole the next time does not end the title (${topology})`, async () => {
    const { page, lines } = await open(here, { topology, maxHeight: 180 }, garbled(1));
    const seen = await page.evaluate(async (url) => {
      player.load(url, { start: 2 });
      player.play();
      await watch.until(({ type, state }) => type === "State" && state === "playing", 10_000);
      while (watch.video.currentTime < 11 && !watch.told.some(({ type }) => type === "Error")) await new Promise((resolve) => setTimeout(resolve, 50));
      return { dom: watch.dom, currentTime: watch.video.currentTime, pictures: watch.pictures.filter(({ strip }) => strip), errors: watch.told.filter(({ type }) => type === "Error") };
    }, `${here.url}/hls/demo/main.m3u8`);
    assert.deepEqual(lines, []);
    assert.ok(seen.dom.includes("error"), "the element failed");
    assert.deepEqual(seen.errors, []);
    assert.ok(seen.currentTime >= 11);
    inTime(seen.pictures);
    // Nothing was left out.
    const frames = new Set(seen.pictures.map(({ strip }) => strip.frame));
    for (let second = 3; second < 11; second += 1) {
      assert.ok(Array.from({ length: 15 }, (_, frame) => frame).some((frame) => frames.has(second * RATE + frame)), `nothing was seen of second ${second}`);
    }
    await page.close();
  });
}

test("garbage that comes again and again ends the title with the decoder's error, and something good plays after it", async () => {
  const { page, lines } = await open(here, { maxHeight: 180 }, garbled(Infinity));
  const error = await page.evaluate(async (url) => {
    player.load(url, { start: 5 });
    player.play();
    await watch.state("failed", 10_000);
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.equal(error.code, 5001, JSON.stringify(error));
  assert.ok(error.message.length > 5);
  const after = await page.evaluate(async (url) => {
    watch.told.length = 0;
    player.load(url);
    player.play();
    await watch.state("playing");
    return watch.told.filter(({ type }) => type === "Error");
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(after, []);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a type that cannot be changed to is begun with anew", async () => {
  const { page, lines } = await open(here, { topology: "page" }, unchanging(1));
  const seen = await page.evaluate(async (url) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    player.load(url);
    player.play();
    await watch.state("playing");
    // Another rendition is another type: the level is part of the codec's name.
    for (let count = 0; count < 1000 && !self.refused; count += 1) await wait(20);
    await wait(4000);
    const errors = watch.told.filter(({ type }) => type === "Error");
    return { refused: !!self.refused, errors, currentTime: watch.video.currentTime, pictures: watch.pictures.filter(({ strip }) => strip) };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(lines, []);
  assert.ok(seen.refused, "another type came");
  assert.deepEqual(seen.errors, []);
  assert.ok(seen.currentTime > 2, `at ${seen.currentTime} s`);
  inTime(seen.pictures);
  await page.close();
});

test("an element that lets go of a title while media are appended is no defect, whenever it does", async () => {
  const { page, lines } = await open(here, { bufferGoal: 60 });
  const defects = await page.evaluate(async (url) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const { video } = watch;
    for (let count = 0; count < 40; count += 1) {
      player.load(url);
      player.play();
      await watch.until((event) => event.type === "Loaded", 10_000);
      await wait(count * 5);
      // The element before the worker knows of it.
      video.srcObject = null;
      video.removeAttribute("src");
      video.load();
      await wait(30);
      player.stop();
      watch.told.splice(0, watch.told.length, ...watch.told.filter(({ type }) => type === "Error"));
    }
    return watch.told.filter(({ error }) => error?.name === "InternalDefect");
  }, `${here.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual(defects, []);
  assert.deepEqual(lines, []);
});
