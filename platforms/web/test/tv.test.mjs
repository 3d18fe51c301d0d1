// The player for old televisions, in a Chromium without WebAssembly, and in one from which all is taken that came after 2014.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { saturated, script } from "../module/old.mjs";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { isFrameOf, stage, telecine } from "./harness.mjs";
import { front } from "./service.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-tv-"));
const old = readFileSync(new URL("old.js", import.meta.url), "utf8");

let modern;
let without;
before(async () => {
  modern = await stage();
  // Without a compiler V8 has no WebAssembly, in no thread. `--noexpose-wasm` does not keep it from Chromium 156. What is left runs
  // as slowly as on a television.
  without = await stage([], ["--js-flags=--jitless"]);
});
after(async () => {
  await modern?.close();
  await without?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A page with the player for televisions. With `aged` the browser is as old as it gets. */
async function open({ url, chromium }, { aged = false, ...options } = {}) {
  const page = await chromium.context.newPage();
  const lines = listen(page);
  if (aged) {
    await page.route(/\/dist\/tv\/(telecine|worker)\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${old}${await response.text()}` });
    });
  }
  await page.goto(`${url}/files/web/test/tv.html`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate((options) => window.begin(options), { remember: false, ...options });
  return { page, lines, url: (title) => `${url}/${title}` };
}

/** Plays from a start on, moves, and plays to the end; what was seen. */
async function plays({ page, lines }, url, { start = 4, to = 20, ...more } = {}) {
  const seen = await page.evaluate(
    async ({ url, start, to }) => {
      player.load(url, { start });
      player.play();
      await watch.state("playing", 40_000);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      // How many pictures a machine shows meanwhile is its own: the engine is interpreted in half of these.
      for (let turn = 0; turn < 20 && watch.pictures.filter(({ strip }) => strip).length <= 10; turn++) await new Promise((resolve) => setTimeout(resolve, 100));
      const before = watch.video.currentTime;
      player.seek(to);
      await watch.until(({ type }) => type === "SeekEnded", 20_000);
      await watch.state("ended", 40_000);
      const { duration, ended, currentTime } = watch.video;
      const asked = performance.getEntriesByType("resource").map(({ name }) => name.replace(/.*\//, ""));
      const pictures = watch.pictures.filter(({ strip }) => strip);
      return { before, duration, ended, currentTime, asked, pictures, told: watch.told, topology: player.topology, wasm: typeof WebAssembly };
    },
    { url, start, to },
  );
  const threads = await Promise.all(page.workers().map((worker) => worker.evaluate(() => typeof WebAssembly)));
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error"), []);
  assert.ok(seen.before > start + 0.3 && seen.before < start + 4, `at ${seen.before} s`);
  assert.ok(seen.ended && Math.abs(seen.duration - 24) < 0.1, `${seen.currentTime} of ${seen.duration} s`);
  // Every picture that was shown is the frame of its time, on both sides of the seek.
  for (const { mediaTime, strip } of seen.pictures) assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
  const [early, late] = [seen.pictures.filter(({ mediaTime }) => mediaTime < to), seen.pictures.filter(({ mediaTime }) => mediaTime >= to)];
  assert.ok(early.length > 10 && late.length > 40, `${early.length} pictures before ${to} s, ${late.length} behind`);
  return { ...seen, threads, ...more };
}

for (const [title, topology] of [
  ["hls/demo/main.m3u8", "worker"],
  ["dash/demo/time.mpd", "page"],
]) {
  test(`without WebAssembly ${title} plays, seeks and ends (${topology})`, async () => {
    const here = await open(without, { topology });
    const seen = await plays(here, here.url(title));
    assert.equal(seen.topology, topology);
    assert.equal(seen.wasm, "undefined");
    assert.deepEqual(seen.threads, topology === "worker" ? ["undefined"] : []);
    if (topology === "page") assert.ok(seen.asked.includes("telecine.wasm.js") && !seen.asked.includes("telecine.wasm"), `${seen.asked}`);
    await here.page.close();
  });
}

for (const [title, topology] of [
  ["hls/demo/main.m3u8", "worker-transfer"],
  ["dash/demo/number.mpd", "worker-transfer"],
  ["hls/demo/main.m3u8", "page"],
  // Decrypted by the engine: with a key file, and with a licence that it asks for.
  ["hls/prot_cbcs/demo/main.m3u8", "worker-transfer"],
  ["dash/prot_cenc/demo/time.mpd", "page"],
]) {
  test(`in a browser of 2014 ${title} plays, seeks and ends (${topology})`, async () => {
    // Such a browser has no Media Source in workers: nobody asks for that.
    const here = await open(modern, { aged: true, ...(topology === "page" && { topology }) });
    const seen = await plays(here, here.url(title));
    assert.equal(seen.topology, topology);
    assert.equal(seen.wasm, "undefined");
    assert.deepEqual(seen.threads, topology === "page" ? [] : ["undefined"]);
    assert.ok(seen.told.some(({ type }) => type === "Ended"));
    await here.page.close();
  });
}

for (const topology of ["worker-transfer", "page"]) {
  test(`in a browser of 2014 a function of the page changes each request: headers and query (${topology})`, async () => {
    // The page is of it, too: what makes the browser old here (Playwright's routes) has preflights of workers fail.
    const server = await front(modern.url);
    const here = await open({ ...modern, url: server.url }, { aged: true, topology });
    const told = await here.page.evaluate(
      async ({ url, topology }) => {
        player.destroy();
        const request = (request) => {
          request.headers.authorization = "Bearer of the day";
          request.url += "?token=1";
        };
        begin({ remember: false, topology, request });
        player.load(url, { start: 20 });
        player.play();
        await watch.state("ended", 40_000);
        return watch.told.filter(({ type }) => type === "Error");
      },
      { url: `${server.url}/hls/demo/main.m3u8`, topology },
    );
    await here.page.close();
    server.close();
    assert.deepEqual([told, here.lines], [[], []]);
    const media = server.seen.filter(({ url }) => url.startsWith("/hls/"));
    assert.ok(media.length > 4);
    for (const { url, headers } of media) assert.deepEqual([headers.authorization, url.split("?")[1]], ["Bearer of the day", "token=1"], url);
  });
}

test("in a browser of 2014 a title that is not there is told as such, and something good plays after it", async () => {
  const here = await open(modern, { aged: true });
  const told = await here.page.evaluate(
    async ([bad, good]) => {
      player.load(bad);
      player.play();
      await watch.state("failed");
      const { error } = watch.told.find(({ type, error }) => type === "Error" && error.fatal);
      watch.told.length = 0;
      player.load(good, { start: 22 });
      player.play();
      await watch.state("ended");
      return error;
    },
    [here.url("hls/none.m3u8"), here.url("hls/demo/main.m3u8")],
  );
  assert.equal(told.facts.status, "404", JSON.stringify(told));
  await here.page.close();
});

/** Stops a session that is recorded, and sees that the native engine decides all of it alike. */
async function decidedNatively({ page, lines }) {
  const { hash, recording } = await page.evaluate(async () => {
    player.stop();
    await watch.state("stopped");
    const bytes = await player.recording();
    return { hash: await player.actionHash(), recording: btoa(String.fromCharCode(...bytes)) };
  });
  const file = path.join(folder, "session.rec");
  writeFileSync(file, Buffer.from(recording, "base64"));
  // It fails where it is not equal.
  const told = JSON.parse(execFileSync(telecine, ["replay", "--json", file], { encoding: "utf8", maxBuffer: 1 << 28 }));
  assert.equal(told.verdict, "equal");
  assert.equal(hash, told.replayed_hash);
  assert.ok(told.actions > 40, `${told.actions} actions`);
  assert.deepEqual(lines, []);
  await page.close();
}

for (const [title, options] of [
  ["hls/demo/main.m3u8", {}],
  ["dash/demo/time.mpd", { aged: true, topology: "page" }],
]) {
  test(`what the engine in JavaScript decides over ${title} the native one decides, action for action`, async () => {
    const here = await open(options.aged ? modern : without, { ...options, record: true });
    await here.page.evaluate(async (url) => {
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      player.load(url);
      player.play();
      await watch.state("playing");
      await wait(3000);
      player.seek(15);
      await watch.until(({ type }) => type === "SeekEnded", 20_000);
      await wait(1000);
    }, here.url(title));
    await decidedNatively(here);
  });
}

// Media Source begins anew, and the engine is told that all is gone from minus infinity on: numbers that no integer holds.
test("in a browser of 2014 garbage within a segment that comes whole the next time does not end the title, as the native engine decides", async () => {
  const here = await open(modern, { aged: true, maxHeight: 180, record: true });
  let left = 1;
  await here.page.route("**/v180/4.m4s", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    if (left-- > 0) body.fill(0xff, body.indexOf("mdat") + 4);
    await route.fulfill({ response, body });
  });
  const seen = await here.page.evaluate(async (url) => {
    player.load(url, { start: 4 });
    player.play();
    await watch.state("playing");
    while (watch.video.currentTime < 11 && !watch.told.some(({ type }) => type === "Error")) await new Promise((resolve) => setTimeout(resolve, 50));
    return { dom: watch.dom, pictures: watch.pictures.filter(({ strip }) => strip), errors: watch.told.filter(({ type }) => type === "Error") };
  }, here.url("hls/demo/main.m3u8"));
  assert.ok(seen.dom.includes("error"), "the element failed");
  assert.deepEqual(seen.errors, []);
  for (const { mediaTime, strip } of seen.pictures) assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
  await decidedNatively(here);
});

test("where there is WebAssembly, and were it of 2017, the engine is a module of that", async () => {
  const here = await open(modern, { topology: "page" });
  const seen = await plays(here, here.url("hls/demo/main.m3u8"));
  assert.equal(seen.wasm, "object");
  assert.ok(seen.asked.includes("telecine.wasm") && !seen.asked.includes("telecine.wasm.js"), `${seen.asked}`);
  await here.page.close();
});

test("a policy that refuses WebAssembly has the script", async () => {
  const { url, chromium } = modern;
  const page = await chromium.context.newPage();
  await page.route("**/tv.html", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), "content-security-policy": "script-src 'self' 'unsafe-inline'" } });
  });
  await page.goto(`${url}/files/web/test/tv.html`);
  await page.waitForFunction(() => window.ready);
  const asked = await page.evaluate(async (url) => {
    window.begin({ remember: false, topology: "page" });
    player.load(url, { start: 22 });
    player.play();
    await watch.state("ended", 30_000);
    return performance.getEntriesByType("resource").map(({ name }) => name.replace(/.*\//, ""));
  }, `${url}/hls/demo/main.m3u8`);
  assert.ok(asked.includes("telecine.wasm.js"), `${asked}`);
  await page.close();
});

/** What a file of the build gives where the browser has nothing of the kind. */
async function bare(file) {
  const { outputFiles } = await build({ entryPoints: [fileURLToPath(new URL(`../src/tv/${file}`, import.meta.url))], bundle: true, write: false, format: "iife", globalName: "given" });
  return new Function("self", `${outputFiles[0].text}\nreturn given;`)({});
}

test("UTF-8 is read and written as the browser's own coders do it", async () => {
  const { TextDecoder: Decoder, TextEncoder: Encoder } = await bare("text.ts");
  const [decoder, encoder] = [new TextDecoder("utf-8", { ignoreBOM: true }), new TextEncoder()];
  let seed = 1;
  const draw = (below) => (seed = (seed * 48271) % 2147483647) % below;
  // Around the bounds of what there is, more often than elsewhere.
  const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff];
  const units = [0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Uint8Array.from({ length: draw(7) }, () => edges[draw(edges.length)]);
    assert.equal(new Decoder().decode(bytes), decoder.decode(bytes), `${bytes}`);
    const text = String.fromCharCode(...Array.from({ length: draw(5) }, () => units[draw(units.length)]));
    assert.deepEqual([...new Encoder().encode(text)], [...encoder.encode(text)], JSON.stringify(text));
  }
});

test("numbers become integers, and memory grows, is copied and filled, as in WebAssembly", () => {
  const types = ["i32", "i64"].flatMap((to) => ["f32", "f64"].flatMap((from) => ["s", "u"].map((sign) => ({ to, from, sign }))));
  // JavaScript has no integers of 64 bits: their halves.
  const conversions = types.map(({ to, from, sign }) => {
    const integer = (value) => `(${to}.trunc_sat_${from}_${sign} ${value})`;
    if (to === "i32") return `(func (export "${to}${from}${sign}") (param ${from}) (result i32) ${integer("(local.get 0)")})`;
    const half = (shift) => `(i32.wrap_i64 (i64.shr_u ${integer("(local.get 0)")} (i64.const ${shift})))`;
    const one = (name, shift) => `(func (export "${to}${from}${sign}${name}") (param ${from}) (result i32) ${half(shift)})`;
    return one("low", 0) + one("high", 32);
  });
  const text = `(module (import "./telecine_bg.js" "none" (func $none)) (func (export "none") (call $none)) (memory (export "memory") 1) (data (i32.const 8) "telecine")
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "put") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    ${conversions.join("\n")})`;
  const at = (name) => path.join(folder, name);
  const run = (command, ...args) => execFileSync(fileURLToPath(new URL(`../node_modules/.bin/${command}`, import.meta.url)), args);
  writeFileSync(at("new.wat"), text);
  run("wasm-opt", "-q", "-all", at("new.wat"), "-o", at("new.wasm"));
  writeFileSync(at("old.wat"), saturated(text));
  run("wasm-opt", "-q", "--mvp-features", "--enable-bulk-memory", at("old.wat"), "-o", at("old.wasm"));
  run("wasm2js", "-Oz", "--mvp-features", "--enable-bulk-memory", at("old.wasm"), "-o", at("old.js"));
  const imports = { "./telecine_bg.js": { none() {} } };
  const wanted = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(at("new.wasm"))), imports).exports;
  const make = new Function(`${script(readFileSync(at("old.js"), "utf8"))}\nreturn telecineEngine;`)();
  const [one, other] = [make(imports), make(imports)];

  const values = [0, 0.5, 0.999, 1, 1.5, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 2 ** 63 - 1024, 2 ** 63, 2 ** 64 - 2048, 2 ** 64, 1e30, Infinity];
  const names = Object.keys(wanted).filter((name) => name.startsWith("i"));
  assert.equal(names.length, 12);
  for (const name of names) {
    for (const value of [NaN, ...values, ...values.map((value) => -value)]) assert.equal(one[name](value) | 0, wanted[name](value), `${name} of ${value}`);
  }
  const bytes = ({ memory }) => Buffer.from(memory.buffer).subarray(0, 65536 * wanted.size());
  for (const [name, ...values] of [
    ["copy", 100, 8, 8],
    ["copy", 104, 100, 8],
    ["copy", 98, 100, 12],
    ["fill", 300, 7, 5],
    ["put", 399, 9],
    ["copy", 400, 0, 350],
    ["copy", 500, 400, 350],
    ["copy", 450, 500, 350],
    ["grow", 1],
    ["put", 65536 + 70, 3],
    ["copy", 65530, 40, 60],
    ["grow", 100],
    ["fill", 65536 * 60, 255, 70000],
    ["grow", 0],
  ]) {
    assert.equal(one[name](...values), wanted[name](...values), name);
    assert.equal(one.size(), wanted.size());
    assert.ok(bytes(one).equals(bytes(wanted)), `${name} ${values}`);
  }
  // Another instance has a memory of its own.
  assert.equal(other.size(), 1);
  assert.equal(Buffer.from(other.memory.buffer).subarray(8, 16).toString(), "telecine");
  assert.ok(!Buffer.from(other.memory.buffer).subarray(100, 65536).some(Boolean));
});
