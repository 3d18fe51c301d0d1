// The module is in parts. What needs a later one waits for it, and says so where it cannot be had.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** The error of a manifest that is none: what explains it is of the rest. */
async function refused(options) {
  const { page } = await open(here, options);
  const error = await page.evaluate(async (url) => {
    player.load(url);
    return (await watch.until(({ type }) => type === "Error", 20_000)).error;
  }, `${here.url}/bad/html.m3u8`);
  await page.close();
  return error;
}

test("what is called before the rest is there waits for it", async () => {
  const error = await refused({});
  assert.equal(error.code, 2001);
  assert.match(error.message, /HTML page/);
});

test("what needs the rest where that cannot be had fails with 7005 and says so", async () => {
  const error = await refused({ restUrl: `${here.url}/files/web/nothing.wasm` });
  assert.equal(error.code, 7005);
  assert.match(error.message, /nothing\.wasm.*404/);
});

test("a title of a kind that needs more of the engine to begin waits for that", async () => {
  const { page, lines } = await open(here, { moreUrl: `${here.url}/files/web/dist/telecine.more.wasm?here` });
  const asked = page.waitForEvent("requestfinished", { predicate: (request) => request.url().endsWith(".more.wasm?here"), timeout: 20_000 });
  await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
  }, `${here.url}/hls/live_60/demo/main.m3u8`);
  const response = await (await asked).response();
  assert.equal(response.status(), 200);
  assert.deepEqual(lines, []);
  await page.close();
});

test("what needs more of it where that cannot be had fails with 7005 and says so", async () => {
  const { page } = await open(here, { moreUrl: `${here.url}/files/web/nothing.wasm` });
  const error = await page.evaluate(async (url) => {
    player.load(url);
    return (await watch.until(({ type }) => type === "Error", 20_000)).error;
  }, `${here.url}/hls/live_60/demo/main.m3u8`);
  await page.close();
  assert.equal(error.code, 7005);
  assert.match(error.message, /nothing\.wasm.*404/);
});

test("a plain title begins with the first part alone", async () => {
  const { page } = await open(here, {});
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
  }, `${here.url}/hls/demo/main.m3u8`);
  const media = asked.findIndex((url) => url.endsWith(".m4s"));
  const later = asked.findIndex((url) => /more\.wasm|rest\.wasm/.test(url));
  assert.ok(media >= 0 && (later < 0 || later > media), `${asked}`);
  await page.close();
});

test("the rest comes while a title plays, from where the page says it is", async () => {
  const { page, lines } = await open(here, { restUrl: `${here.url}/files/web/dist/telecine.rest.wasm?here` });
  const asked = page.waitForEvent("requestfinished", { predicate: (request) => request.url().endsWith(".rest.wasm?here"), timeout: 20_000 });
  await page.evaluate((url) => {
    player.load(url);
    player.play();
  }, `${here.url}/hls/demo/main.m3u8`);
  const response = await (await asked).response();
  assert.equal(response.status(), 200);
  await page.evaluate(() => watch.state("playing"));
  assert.deepEqual(lines, []);
  await page.close();
});
