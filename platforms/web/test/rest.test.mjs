// The module is in two parts. What needs the second waits for it, and says so where it cannot be had.

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
