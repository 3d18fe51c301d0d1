// What cannot be played fails with the number and the words of its error, and something good plays after it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, root, stage, TOPOLOGIES } from "./harness.mjs";
import { trapping } from "./trap.mjs";

let here;
/** A server that allows no page to read it, but for the module. */
let other;
let elsewhere;
before(async () => {
  here = await stage();
  const module = trapping(readFileSync(path.join(root, "platforms/web/dist/telecine.wasm")), "pause");
  other = createServer((request, response) => {
    if (request.url === "/trap.wasm") {
      response.writeHead(200, { "content-type": "application/wasm", "access-control-allow-origin": "*" });
      return response.end(module);
    }
    response.writeHead(200, { "content-type": "application/vnd.apple.mpegurl" });
    response.end("#EXTM3U\n");
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  elsewhere = `http://127.0.0.1:${other.address().port}`;
});
after(async () => {
  await here?.close();
  other?.close();
  other?.closeAllConnections();
});

/** Loads what fails, then what does not. The fatal error, and what the page said. */
async function fails(page, url) {
  const error = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("failed", 40_000);
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, url);
  await plays(page);
  return error;
}

/** Something good plays, and nothing of what was before is left. */
async function plays(page) {
  const after = await page.evaluate(async (url) => {
    watch.told.length = 0;
    watch.pictures.length = 0;
    player.load(url);
    player.play();
    await watch.state("playing");
    const read = () => watch.pictures.filter(({ strip }) => strip).length;
    for (const late = performance.now() + 10_000; read() <= 3 && performance.now() < late; ) await new Promise((resolve) => setTimeout(resolve, 50));
    return { errors: watch.told.filter(({ type }) => type === "Error"), read: read() };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(after.errors, []);
  assert.ok(after.read > 3, `${after.read} pictures`);
}

/** Lines that the browser itself writes of requests that failed; no page can keep it from that. */
const ofTheBrowser = (line) => /^error: (Failed to load resource|Access to fetch at)/.test(line);

for (const [what, url, code, name] of [
  ["a page of HTML", () => `${here.url}/bad/html.m3u8`, 2001, "NotAManifest"],
  ["a manifest that is not there", () => `${here.url}/files/web/nothing.m3u8`, 1007, "HttpStatus"],
  ["a server that allows no page to read it", () => `${elsewhere}/main.m3u8`, 1017, "CrossOriginRefused"],
  ["a server that is not there", () => "http://127.0.0.1:9/main.m3u8", 1002, "ConnectFailed"],
]) {
  test(`${what} fails with ${code}, and something good plays after it`, async () => {
    const { page, lines } = await open(here);
    const error = await fails(page, url());
    assert.equal(error.code, code);
    assert.equal(error.name, name);
    assert.match(error.meaning, /^[A-Z].*\.$/);
    assert.ok(error.message.length > 5 && error.advice.length > 10, JSON.stringify(error));
    assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
    await page.close();
  });
}

for (const topology of TOPOLOGIES) {
  test(`segments that are garbage fail with an error of the media, and something good plays after them (${topology})`, async () => {
    const { page, lines } = await open(here, { topology });
    const error = await fails(page, `${here.url}/hls/flip_*@4000/demo/main.m3u8`);
    assert.equal(error.domain, "media", JSON.stringify(error));
    assert.ok(error.code >= 3001 && error.code < 4000);
    assert.deepEqual(lines, []);
    await page.close();
  });

  test(`a defect ends the engine with 9001, and the next title has another (${topology})`, async () => {
    const { page, lines } = await open(here, { topology, wasmUrl: `${elsewhere}/trap.wasm` });
    await plays(page);
    const error = await page.evaluate(async () => {
      player.pause();
      return (await watch.until(({ type }) => type === "Error", 5000)).error;
    });
    assert.equal(error.code, 9001);
    assert.match(error.message, /unreachable/);
    await plays(page);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("a module that is not there is told", async () => {
  const { page, lines } = await open(here, { wasmUrl: `${here.url}/files/web/nothing.wasm` });
  const error = await page.evaluate(async () => (await watch.until(({ type }) => type === "Error", 5000)).error);
  assert.equal(error.code, 7005);
  assert.match(error.message, /does not start/);
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  await page.close();
});
