// What the network gave is kept from one visit to the next, by the kind of network, and a store that cannot be used is none.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser } from "../../../conformance/suite/browser/chromium.mjs";
import { open, origin } from "./harness.mjs";

let url;
let served;
before(async () => {
  served = await origin("--network", "rate=20Mbps,rtt=40ms");
  url = served.url;
});
after(() => served?.close());

/** A browser with nothing kept in it, as long as a test lasts. */
async function fresh(t) {
  const chromium = await browser();
  t.after(() => chromium.close());
  return chromium;
}

/** Kinds of networks as the engine writes them. */
const KINDS = ["unknown", "ethernet", "wifi", "cellular"];
/** Before the entries: a name, a version, and how many there are. */
const HEAD = "TELECINE-THROUGHPUT ".length + 2;
const ENTRY = 25;

/** What a page keeps: bits a second by the kind of network. */
const kept = (page) =>
  page.evaluate(
    ([kinds, head, entry]) => {
      const text = localStorage.getItem("telecine.throughput");
      if (text === null) return null;
      const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      const entries = Array.from({ length: bytes[head - 1] }, (_, i) => head + i * entry);
      return Object.fromEntries(entries.map((at) => [kinds[bytes[at]], Number(view.getBigUint64(at + 9, true))]));
    },
    [KINDS, HEAD, ENTRY],
  );

/** Plays from the beginning for a while. The renditions on the screen in its first second, by the strip. */
async function plays(chromium, options = {}) {
  const { page, lines } = await open({ url, chromium }, { remember: true, ...options });
  const first = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 5000));
    player.pause();
    await watch.state("paused");
    await player.actionHash();
    return watch.pictures.filter(({ mediaTime, strip }) => strip && mediaTime < 1).map(({ strip }) => strip.rendition);
  }, `${url}/hls/demo/main.m3u8`);
  assert.ok(first.length > 5, `${first.length} pictures`);
  assert.deepEqual(lines, []);
  return { page, first: Math.max(...first) };
}

test("the second visit begins with what the first one learnt", async (t) => {
  const chromium = await fresh(t);
  const before = await plays(chromium, { initialThroughput: 300_000 });
  assert.ok(before.first < 2, `it began with ${before.first}`);
  await before.page.waitForFunction(() => localStorage.getItem("telecine.throughput"));
  const { unknown, ...others } = await kept(before.page);
  assert.deepEqual(others, {});
  assert.ok(unknown > 2_000_000 && unknown < 40_000_000, `${unknown} bits a second`);
  await before.page.close();

  const behind = await plays(chromium, { initialThroughput: 300_000 });
  assert.equal(behind.first, 3, "the best from the first picture on");
  await behind.page.close();

  const without = await plays(chromium, { initialThroughput: 300_000, remember: false });
  assert.ok(without.first < 2, `it began with ${without.first}`);
  await without.page.close();
});

/** The browser tells that the network is reached over something. */
const over = (context, type) =>
  context.addInitScript((type) => {
    Object.defineProperty(navigator, "connection", { configurable: true, value: Object.assign(new EventTarget(), { type }) });
  }, type);

test("what was learnt on one kind of network is not believed on another", async (t) => {
  const chromium = await fresh(t);
  await over(chromium.context, "wifi");
  const wifi = await plays(chromium, { initialThroughput: 300_000 });
  await wifi.page.waitForFunction(() => localStorage.getItem("telecine.throughput"));
  assert.deepEqual(Object.keys(await kept(wifi.page)), ["wifi"]);
  await wifi.page.close();
  await over(chromium.context, "cellular");
  const cellular = await plays(chromium, { initialThroughput: 300_000 });
  assert.ok(cellular.first < 2, `it began with ${cellular.first}`);
  await cellular.page.close();
});

test("each kind of network is kept by itself where it changes in the midst of a title", async (t) => {
  const chromium = await fresh(t);
  await over(chromium.context, "wifi");
  const { page } = await plays(chromium, { initialThroughput: 300_000, bufferGoal: 4 });
  await page.evaluate(async () => {
    navigator.connection.type = "cellular";
    navigator.connection.dispatchEvent(new Event("change"));
    player.play();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    player.pause();
  });
  await page.waitForFunction((head) => atob(localStorage.getItem("telecine.throughput")).charCodeAt(head - 1) === 2, HEAD);
  assert.deepEqual(Object.keys(await kept(page)), ["wifi", "cellular"]);
  await page.close();
});

for (const [what, script] of [
  ["throws", () => Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("it is forbidden", "SecurityError"); } })],
  ["has nonsense in it", () => localStorage.setItem("telecine.throughput", "no base64!")],
  ["was damaged", () => localStorage.setItem("telecine.throughput", btoa("TELECINE-THROUGHPUT \u0001\u0001"))],
  ["is full", () => (Storage.prototype.setItem = () => { throw new DOMException("it is full", "QuotaExceededError"); })],
]) {
  test(`a store that ${what} is none, and it plays`, async (t) => {
    const chromium = await fresh(t);
    await chromium.context.addInitScript(script);
    const { page, first } = await plays(chromium, { initialThroughput: 300_000 });
    assert.ok(first < 2, `it began with ${first}`);
    assert.deepEqual(await page.evaluate(() => watch.told.filter(({ type }) => type === "Error")), []);
    await page.close();
  });
}
