// What a page does in another order than expected, or with a wrong type, is dealt with at once and in words.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

test("a title that is loaded before there is an element waits for one, and begins there", async () => {
  const { page, lines } = await open(here);
  const asked = [];
  page.on("request", (request) => request.url().includes("/hls/") && asked.push(request.url()));
  await page.evaluate(async (url) => {
    player.detach();
    player.load(url, { start: 10 });
    player.play();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(asked, []);
  await page.evaluate(() => player.attach(watch.video));
  await page.waitForFunction(() => watch.video.currentTime > 10.5);
  assert.deepEqual(lines, []);
  await page.close();
});

test("what waits for an element is given up with stop", async () => {
  const { page } = await open(here);
  const state = await page.evaluate(async (url) => {
    player.detach();
    player.load(url);
    player.stop();
    player.attach(watch.video);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return [watch.video.currentSrc, watch.video.srcObject];
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(state, ["", null]);
  await page.close();
});

test("options and arguments of a wrong type are a TypeError that says what came and what is expected, and nothing is left behind", async () => {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/test/element.html`);
  await page.waitForFunction(() => window.ready);
  const seen = await page.evaluate(async () => {
    const { Player } = await import("../dist/telecine.js");
    const { TelecinePlayer } = await import("../dist/element.js");
    const player = new Player();
    const element = new TelecinePlayer();
    const made = [];
    const make = (options) => () => made.push(new Player(options));
    const calls = [
      make({ audioLanguages: "en" }),
      make({ textRoles: [1] }),
      make({ bufferGoal: "30" }),
      make({ maxHeight: NaN }),
      make({ backBuffer: -1 }),
      make({ strict: "no" }),
      make({ remember: 1 }),
      make({ rule: 1 }),
      make({ topology: "native" }),
      make({ workerUrl: 7 }),
      make({ drm: "key" }),
      make({ drm: { servers: "https://licence.example" } }),
      make({ drm: { segmentKey: Uint8Array.of(1, 2) } }),
      make({ request: "Bearer secret" }),
      make({ request: { headers: "Bearer secret" } }),
      make({ request: { credentials: "all" } }),
      make({ request: { origins: ["cdn.example"] } }),
      make({ request: { headers: { Host: "secret" } } }),
      make({ request: { headers: { range: "bytes=0-1" } } }),
      make({ request: { headers: { "x-token": "sec\nret" } } }),
      make({ request: { headers: { "x-token": 42 } } }),
      make("fast"),
      () => (element.options = { codecs: "avc1" }),
      () => player.setDrm({ licenceRequest: "Bearer secret" }),
      () => player.load(undefined),
      () => player.load("a.mpd", 10),
      () => player.load("a.mpd", { start: "10" }),
      () => player.load("a.mpd", { look: "no" }),
      () => player.seek("late"),
      () => player.seek(),
      () => player.seekToTime("2026-11-29"),
      () => player.select("sound", "1"),
      () => player.select("audio", 1),
      () => player.prefer({ textLanguages: "en" }),
      () => player.constrain({ maxHeight: "720" }),
      () => player.constrain({ maxBitrate: -1 }),
      () => player.constrain({ renditions: "v720" }),
      () => player.constrain(720),
      () => player.setDataSaver("1e9"),
      () => player.setPressure("hot"),
      () => player.fetchAnew("text"),
      () => player.fetchAnew("video", "1"),
    ];
    const thrown = calls.map((call) => {
      try {
        call();
        return `nothing of ${call}`;
      } catch (error) {
        return error instanceof TypeError ? error.message : String(error);
      }
    });
    // Not ours to word, and at once all the same.
    const others = [() => player.setRate("fast"), () => player.load("http://[")].map((call) => {
      try {
        return call();
      } catch ({ name }) {
        return name;
      }
    });
    player.destroy();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { thrown, others, made: made.length };
  });
  assert.deepEqual(seen.thrown, [
    "Player: audioLanguages is \"en\", an array of strings is expected",
    "Player: textRoles is 1, an array of strings is expected",
    "Player: bufferGoal is \"30\", a positive number or 0 is expected",
    "Player: maxHeight is NaN, a positive number or 0 is expected",
    "Player: backBuffer is -1, a positive number or 0 is expected",
    "Player: strict is \"no\", true or false is expected",
    "Player: remember is 1, true or false is expected",
    "Player: rule is 1, a string is expected",
    "Player: topology is \"native\", \"worker\" or \"worker-transfer\" or \"page\" is expected",
    "Player: workerUrl is 7, a string or a URL is expected",
    // Nothing of what may be a key.
    "drm: what is given is string, an object is expected",
    "drm: servers is string, an object is expected",
    "drm: segmentKey is object, a string is expected",
    "request: what is given is string, an object is expected",
    "request: headers is string, an object is expected",
    "request: credentials is string, \"omit\" or \"same-origin\" or \"include\" is expected",
    "request: origins is object, an array of origins is expected",
    "request: the header Host is the browser's own",
    "request: the header range is the player's own",
    "request: the header x-token is none, by its name or value",
    "request: the header x-token is no string",
    "Player: what is given is \"fast\", an object is expected",
    "Player: codecs is \"avc1\", an array of strings is expected",
    "drm: licenceRequest is string, a function is expected",
    "load: url is undefined, a string or a URL is expected",
    "load: what is given is 10, an object is expected",
    "load: start is \"10\", a number is expected",
    "load: look is \"no\", true or false is expected",
    "seek: position is \"late\", a number is expected",
    "seek: position is undefined, a number is expected",
    "seekToTime: time is \"2026-11-29\", a number is expected",
    "select: kind is \"sound\", \"video\" or \"audio\" or \"text\" is expected",
    "select: id is 1, a string is expected",
    "prefer: textLanguages is \"en\", an array of strings is expected",
    "constrain: maxHeight is \"720\", a positive number or 0 is expected",
    "constrain: maxBitrate is -1, a positive number or 0 is expected",
    "constrain: renditions is \"v720\", an array of strings is expected",
    "constrain: what is given is 720, an object is expected",
    "setDataSaver: bytesPerHour is \"1e9\", a positive number or 0 is expected",
    "setPressure: level is \"hot\", \"none\" or \"high\" or \"critical\" is expected",
    "fetchAnew: kind is \"text\", \"video\" or \"audio\" is expected",
    "fetchAnew: after is \"1\", a number is expected",
  ]);
  assert.deepEqual(seen.others, ["TypeError", "TypeError"]);
  assert.equal(seen.made, 0);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a wrong argument leaves what plays as it is; what is null or left out is the default, and names that there are not are left alone", async () => {
  const { page, lines } = await open(here, { bufferGoal: undefined, audioLanguages: null, workerUrl: null, topology: null, drm: null, codec: "avc1" });
  const seen = await page.evaluate(async (url) => {
    player.load(url, null);
    player.play();
    await watch.state("playing");
    const wrong = [
      () => player.load("other.m3u8", { start: "10" }),
      () => player.load(10),
      () => player.seek("5"),
      // The first of them is in order.
      () => player.constrain({ maxHeight: 180, maxBitrate: "1" }),
      () => player.prefer({ audioLanguages: ["fr"], codecs: [1] }),
      () => player.setDataSaver(NaN),
    ];
    const names = wrong.map((call) => {
      try {
        return call();
      } catch ({ name }) {
        return name;
      }
    });
    player.constrain({ maxHeight: null, renditions: undefined, height: "any" });
    player.constrain(null);
    player.prefer({ audioLanguages: null });
    player.setDataSaver(null);
    player.setPressure(null);
    player.setDrm(null);
    new player.constructor(null).destroy();
    const from = watch.video.currentTime;
    // Past what a height of 180 would have left.
    await watch.until(({ type, height }) => type === "Quality" && height === 720, 20_000);
    const { state, position } = await player.snapshot();
    return { names, state, moves: position > from, mistakes: watch.told.filter(({ type }) => type === "Error") };
  }, `${here.url}/hls/dur_60/demo/main.m3u8`);
  assert.deepEqual(seen, { names: Array(6).fill("TypeError"), state: "playing", moves: true, mistakes: [] });
  assert.deepEqual(lines, []);
  await page.close();
});
