// The speed of an element: a page reads what it asked for, also where the engine holds the picture, and sets it as of any other element.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Looks at an element's speed as the page reads it and as the browser has it, every few milliseconds, and counts events. */
const watched = () => {
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "playbackRate");
  window.native = (video) => get.call(video);
  /** As a viewer does it in the browser's own controls. */
  window.byViewer = (video, rate) => set.call(video, rate);
  window.look = (video) => {
    const seen = { read: new Set(), real: new Set(), events: 0 };
    video.addEventListener("ratechange", () => (seen.events += 1));
    setInterval(() => {
      seen.read.add(video.playbackRate);
      seen.real.add(native(video));
    }, 2);
    return seen;
  };
  window.until = async (is, what) => {
    for (const late = performance.now() + 20000; !is(); await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (performance.now() > late) throw new Error(`not within 20 s: ${what}`);
    }
  };
  window.advances = async (video, ms = 2000) => {
    const [from, began] = [video.currentTime, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ((video.currentTime - from) / (performance.now() - began)) * 1000;
  };
};

/** A page whose bare video plays the demo title with a player. */
async function playing() {
  const { page, lines } = await open(here);
  await page.evaluate(watched);
  await page.evaluate(async (url) => {
    window.video = watch.video;
    window.seen = look(video);
    player.load(url);
    player.play();
    await until(() => video.currentTime > 0.5, "it plays");
  }, `${here.url}/hls/dur_120/demo/main.m3u8`);
  return { page, lines };
}

test("an element that the engine holds has the speed that was asked for", async () => {
  const { page, lines } = await playing();
  const seen = await page.evaluate(async () => {
    player.seek(80);
    await until(() => video.currentTime > 80.5, "it plays at 80 s");
    return { read: [...seen.read], held: seen.real.has(0), events: seen.events };
  });
  assert.deepEqual(seen, { read: [1], held: true, events: 0 });
  assert.deepEqual(lines, []);
  await page.close();
});

test("a page sets the speed of its element, and is told once; what is not played is refused", async () => {
  const { page } = await playing();
  const { same, speed, events, thrown, rate } = await page.evaluate(async () => {
    video.playbackRate = 2;
    const same = video.playbackRate;
    const thrown = [0, -1, 4.5, NaN].map((rate) => {
      try {
        video.playbackRate = rate;
        return "none";
      } catch ({ name }) {
        return name;
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const speed = await advances(video);
    return { same, speed, events: seen.events, thrown, rate: video.playbackRate };
  });
  assert.equal(same, 2);
  assert.ok(speed > 1.7, `${speed} seconds a second`);
  assert.deepEqual({ events, thrown, rate }, { events: 1, thrown: ["NotSupportedError", "NotSupportedError", "NotSupportedError", "TypeError"], rate: 2 });
  await page.close();
});

test("what a viewer sets in the browser's controls is heard, and told once", async () => {
  const { page } = await playing();
  const { speed, events, rate } = await page.evaluate(async () => {
    byViewer(video, 1.5);
    await until(() => video.playbackRate === 1.5, "it is read");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const speed = await advances(video);
    player.seek(80);
    await until(() => video.currentTime > 81, "it plays at 80 s");
    return { speed, events: seen.events, rate: video.playbackRate };
  });
  assert.ok(speed > 1.3 && speed < 1.7, `${speed} seconds a second`);
  assert.deepEqual({ events, rate }, { events: 1, rate: 1.5 });
  await page.close();
});

test("an element that is let go of is as it was, and plays on at its speed", async () => {
  const { page } = await playing();
  const seen = await page.evaluate(() => {
    player.setRate(2);
    const own = Object.hasOwn(video, "playbackRate");
    player.detach();
    return { own, then: Object.hasOwn(video, "playbackRate"), real: native(video) };
  });
  assert.deepEqual(seen, { own: true, then: false, real: 2 });
  await page.close();
});

for (const [what, file, begin] of [
  ["the facade of hls.js", "shim-hls.html", (url) => window.begin(url)],
  ["the element", "element.html", (url) => { document.body.innerHTML = `<telecine-player muted autoplay src="${url}"></telecine-player>`; }],
]) {
  test(`${what} shows no speed but the page's`, async () => {
    const page = await here.chromium.context.newPage();
    const lines = listen(page);
    await page.goto(`${here.url}/files/web/test/${file}`);
    await page.waitForFunction(() => window.ready);
    await page.evaluate(watched);
    await page.evaluate(begin, `${here.url}/hls/dur_120/demo/main.m3u8`);
    const seen = await page.evaluate(async () => {
      const player = document.querySelector("telecine-player");
      const video = player?.video ?? document.querySelector("video");
      const seen = look(video);
      await until(() => video.currentTime > 0.5, "it plays");
      (player ?? video).currentTime = 80;
      await until(() => video.currentTime > 80.5, "it plays at 80 s");
      return { read: [...seen.read], held: seen.real.has(0), events: seen.events };
    });
    assert.deepEqual(seen, { read: [1], held: true, events: 0 });
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("a speed that was set before there was an element is played in it", async () => {
  const { page, lines } = await open(here);
  await page.evaluate(watched);
  const seen = await page.evaluate(async (url) => {
    const { video } = watch;
    player.detach();
    player.load(url);
    player.setRate(2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    player.attach(video);
    player.play();
    await until(() => video.currentTime > 0.5, "it plays");
    return { read: video.playbackRate, real: native(video), advances: await advances(video) };
  }, `${here.url}/hls/dur_120/demo/main.m3u8`);
  assert.deepEqual([seen.read, seen.real], [2, 2]);
  assert.ok(Math.abs(seen.advances - 2) < 0.3, `${seen.advances}`);
  assert.deepEqual(lines, []);
  await page.close();
});
