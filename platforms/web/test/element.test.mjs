// `<telecine-player>` behaves as HTML says of a media element (4.8.11); the names of tests are what it says there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { RATE, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Lines that the browser itself writes of requests that failed. */
const ofTheBrowser = (line) => /^error: Failed to load resource/.test(line);

/** A page with this in its body; its first element is `el`, and `told` is its record. */
async function page(body, url = `${here.url}/files/web/test/element.html`) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(url);
  await page.waitForFunction(() => window.ready);
  await page.evaluate((body) => {
    document.body.innerHTML = body;
    window.el = document.querySelector("telecine-player");
    window.told = new Record(el);
    window.wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    /** How a promise ends. */
    window.end = (promise, ms = 20_000) => Promise.race([promise.then(() => "resolved", (error) => error.name), wait(ms).then(() => "pending")]);
  }, body);
  return { page, lines };
}

const title = () => `${here.url}/hls/demo/main.m3u8`;
const player = (attributes = "") => `<telecine-player muted src="${title()}" ${attributes}></telecine-player>`;

/** The test's page is closed, and it said nothing. */
async function done({ page, lines }) {
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  await page.close();
}

test("an element without a source has nothing, and is paused", async () => {
  const at = await page("<telecine-player></telecine-player>");
  const seen = await at.page.evaluate(async () => {
    await wait(50);
    const { networkState, readyState, paused, ended, seeking, duration, currentTime, currentSrc, error, src, volume, muted, playbackRate, defaultPlaybackRate } = el;
    const ranges = [el.buffered, el.seekable, el.played].map(({ length }) => length);
    let thrown;
    try {
      el.buffered.start(0);
    } catch ({ name }) {
      thrown = name;
    }
    const state = { networkState, readyState, paused, ended, seeking, duration, currentTime, currentSrc, error, src, volume, muted, playbackRate, defaultPlaybackRate };
    return { state, ranges, thrown, told: told.names, asked: performance.getEntriesByType("resource").some(({ name }) => name.endsWith(".wasm")) };
  });
  assert.deepEqual(seen.state, {
    networkState: 0,
    readyState: 0,
    paused: true,
    ended: false,
    seeking: false,
    duration: NaN,
    currentTime: 0,
    currentSrc: "",
    error: null,
    src: "",
    volume: 1,
    muted: false,
    playbackRate: 1,
    defaultPlaybackRate: 1,
  });
  assert.deepEqual(seen.ranges, [0, 0, 0]);
  assert.equal(seen.thrown, "IndexSizeError");
  assert.deepEqual(seen.told, []);
  assert.ok(!seen.asked, "nothing is loaded for nothing");
  await done(at);
});

test("constants are there, of the class and of each element", async () => {
  const at = await page("<telecine-player></telecine-player>");
  const seen = await at.page.evaluate(() => {
    const names = "NETWORK_EMPTY NETWORK_IDLE NETWORK_LOADING NETWORK_NO_SOURCE HAVE_NOTHING HAVE_METADATA HAVE_CURRENT_DATA HAVE_FUTURE_DATA HAVE_ENOUGH_DATA".split(" ");
    const own = customElements.get("telecine-player");
    const standard = names.map((name) => HTMLMediaElement[name]);
    return [standard, names.map((name) => own[name]), names.map((name) => el[name])];
  });
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
  await done(at);
});

test("content attributes are reflected as those of a video", async () => {
  const at = await page("<telecine-player></telecine-player>");
  const differ = await at.page.evaluate(() => {
    const video = document.createElement("video");
    const differ = [];
    const names = ["autoplay", "controls", "loop", "muted", "defaultMuted", "playsInline", "preload", "poster", "crossOrigin", "width", "height", "disablePictureInPicture", "disableRemotePlayback"];
    const compare = (when) => {
      for (const name of names) if (el[name] !== video[name]) differ.push(`${name} ${when}: ${el[name]}, of a video ${video[name]}`);
    };
    compare("at first");
    for (const [name, value] of [["loop", ""], ["controls", ""], ["preload", "auto"], ["poster", "a.jpg"], ["crossorigin", "use-credentials"], ["width", "320"], ["playsinline", ""], ["disablepictureinpicture", ""], ["preload", "nonsense"], ["crossorigin", "x"], ["preload", ""]]) {
      for (const element of [el, video]) element.setAttribute(name, value);
      compare(`with ${name}="${value}"`);
    }
    for (const [name, value] of [["loop", false], ["defaultMuted", true], ["preload", "none"], ["crossOrigin", null], ["height", 180], ["autoplay", true]]) {
      for (const element of [el, video]) element[name] = value;
      // Of a video that a script made only its parser makes `muted` a state; no element can tell who made it.
      if (name === "defaultMuted") names.splice(names.indexOf("muted"), 1);
      compare(`with ${name} = ${value}`);
      if (el.getAttributeNames().filter((one) => one !== "style").sort().join() !== video.getAttributeNames().sort().join()) differ.push(`${el.outerHTML} ${video.outerHTML}`);
    }
    return differ;
  });
  assert.deepEqual(differ, []);
  await done(at);
});

test("a source is loaded: loadstart, durationchange, loadedmetadata, loadeddata, canplay, canplaythrough, in this order", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await told.until("canplaythrough");
    await wait(300);
    return { names: told.names, all: told.all, paused: el.paused, currentTime: el.currentTime, seekable: [el.seekable.start(0), el.seekable.end(0)], src: el.currentSrc };
  });
  const first = [...new Set(seen.names)].filter((name) => name !== "volumechange");
  assert.deepEqual(first, ["loadstart", "durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough"]);
  const of = (name) => seen.all.find((event) => event.name === name);
  assert.equal(of("loadstart").readyState, 0);
  assert.equal(of("loadstart").networkState, 2);
  assert.ok(Number.isNaN(of("loadstart").duration));
  assert.ok(Math.abs(of("durationchange").duration - 24) < 0.1);
  assert.ok(of("loadedmetadata").readyState >= 1);
  assert.ok(of("loadeddata").readyState >= 2);
  assert.ok(of("canplay").readyState >= 3);
  assert.ok(seen.all.every(({ bubbles, cancelable }) => !bubbles && !cancelable), "they do not bubble, and cannot be cancelled");
  assert.ok(seen.paused);
  assert.equal(seen.currentTime, 0);
  assert.ok(seen.seekable[0] === 0 && Math.abs(seen.seekable[1] - 24) < 0.1);
  assert.equal(seen.src, title());
  await done(at);
});

test("play() resolves as playing is told; play comes first, and waiting where there is nothing yet", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    const promise = el.play();
    const paused = el.paused;
    let resolved;
    promise.then(() => (resolved = told.all.map(({ name }) => name).includes("playing")));
    await promise;
    await told.holds((el) => el.currentTime > 0.5);
    return { paused, resolved, names: told.names, times: told.all.filter(({ name }) => name === "timeupdate").map(({ currentTime }) => currentTime) };
  });
  assert.equal(seen.paused, false);
  assert.ok(seen.resolved);
  const names = [...new Set(seen.names)].filter((name) => name !== "volumechange");
  assert.deepEqual(names, ["loadstart", "play", "waiting", "durationchange", "loadedmetadata", "loadeddata", "canplay", "playing", "canplaythrough"].filter((name) => names.includes(name) || name !== "canplaythrough"));
  assert.deepEqual(seen.times, [...seen.times].sort((a, b) => a - b));
  await done(at);
});

test("pause() tells timeupdate and pause, and what waits for play() is rejected with AbortError", async () => {
  const at = await page(player('preload="none"'));
  const seen = await at.page.evaluate(async () => {
    const promise = end(el.play());
    el.pause();
    const before = told.all.map(({ name }) => name);
    const early = await promise;
    await el.play();
    told.clear();
    el.pause();
    const { paused } = el;
    const at = el.currentTime;
    await told.until("pause");
    await wait(400);
    return { early, before, paused, names: told.all.map(({ name }) => name).filter((name) => !/progress|canplaythrough/.test(name)), moved: el.currentTime - at };
  });
  assert.equal(seen.early, "AbortError");
  assert.deepEqual(seen.before.filter((name) => name === "pause"), [], "events are tasks of their own");
  assert.ok(seen.paused);
  assert.deepEqual(seen.names.slice(0, 2), ["timeupdate", "pause"]);
  assert.ok(!seen.names.includes("playing") && !seen.names.includes("ratechange"));
  assert.ok(Math.abs(seen.moved) < 0.1, `it moved by ${seen.moved} s`);
  await done(at);
});

test("preload=none loads nothing until play(), and says suspend", async () => {
  const at = await page(player('preload="none"'));
  const seen = await at.page.evaluate(async () => {
    await told.until("suspend");
    await wait(300);
    const asked = () => performance.getEntriesByType("resource").filter(({ name }) => /\.(m3u8|wasm)$/.test(name)).length;
    const before = { networkState: el.networkState, readyState: el.readyState, asked: asked(), player: el.video.srcObject };
    await el.play();
    return { before, after: el.networkState, names: told.names };
  });
  assert.deepEqual(seen.before, { networkState: 1, readyState: 0, asked: 0, player: null });
  assert.equal(seen.after, 2);
  assert.deepEqual(seen.names.filter((name) => name !== "volumechange").slice(0, 3), ["loadstart", "play", "waiting"]);
  await done(at);
});

test("autoplay plays as soon as it can, and paused tells it", async () => {
  const at = await page(player("autoplay"));
  const seen = await at.page.evaluate(async () => {
    const before = el.paused;
    await told.until("playing");
    return { before, paused: el.paused, names: told.names };
  });
  assert.ok(seen.before && !seen.paused);
  assert.ok(seen.names.indexOf("canplay") < seen.names.indexOf("play") && seen.names.indexOf("play") < seen.names.indexOf("playing"), seen.names.join(" "));
  await done(at);
});

test("a seek: seeking is true at once, seeking and seeked are told once each, and the picture is the target's", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await told.until("canplaythrough");
    told.clear();
    el.currentTime = 13;
    const at = { seeking: el.seeking, currentTime: el.currentTime };
    await told.until("seeked");
    await wait(500);
    const canvas = document.createElement("canvas");
    return { at, names: told.all.map(({ name }) => name), strip: readStrip(el.video, canvas), currentTime: el.currentTime, seeked: told.find("seeked"), paused: el.paused };
  });
  assert.deepEqual(seen.at, { seeking: true, currentTime: 13 });
  const names = seen.names.filter((name) => ["seeking", "seeked", "timeupdate", "playing", "waiting", "pause"].includes(name));
  assert.deepEqual(names, ["seeking", "timeupdate", "seeked"]);
  assert.equal(seen.seeked.seeking, false);
  assert.equal(seen.currentTime, 13);
  assert.ok(seen.paused);
  assert.ok(Math.abs(seen.strip.frame - 13 * RATE) <= 1, JSON.stringify(seen.strip));
  await done(at);
});

test("a seek while it plays: waiting, then canplay and playing once more", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await el.play();
    told.clear();
    el.currentTime = 18;
    await told.until("seeked");
    await told.until("playing");
    await told.holds((el) => el.currentTime > 18.3);
    return { names: told.names, paused: el.paused };
  });
  assert.deepEqual(seen.names.filter((name) => !/canplaythrough|durationchange/.test(name)), ["seeking", "waiting", "seeked", "canplay", "playing"]);
  assert.equal(seen.paused, false);
  await done(at);
});

test("of several seeks each tells seeking, and the last one seeked", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await told.until("canplaythrough");
    told.clear();
    for (const time of [4, 20, 9]) {
      el.currentTime = time;
      await wait(10);
    }
    await told.holds((el) => !el.seeking);
    await wait(500);
    return { names: told.names.filter((name) => /^seek/.test(name)), currentTime: el.currentTime };
  });
  assert.deepEqual(seen.names, ["seeking", "seeking", "seeking", "seeked"]);
  assert.equal(seen.currentTime, 9);
  await done(at);
});

test("a seek beyond what is seekable goes to the nearest place", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await told.until("canplaythrough");
    el.currentTime = -5;
    const low = el.currentTime;
    el.currentTime = 1000;
    const high = el.currentTime;
    let thrown;
    try {
      el.currentTime = NaN;
    } catch (error) {
      thrown = error.constructor.name;
    }
    return { low, high, duration: el.duration, thrown };
  });
  assert.equal(seen.low, 0);
  assert.equal(seen.high, seen.duration);
  assert.equal(seen.thrown, "TypeError");
  await done(at);
});

test("a time that is set before there is metadata is where it starts", async () => {
  const at = await page("<telecine-player muted></telecine-player>");
  const seen = await at.page.evaluate(async (url) => {
    el.src = url;
    el.currentTime = 10;
    const { currentTime, seeking } = el;
    await told.until("loadeddata");
    await told.holds((el) => !el.seeking && el.readyState > 2);
    return { currentTime, seeking, then: el.currentTime };
  }, title());
  assert.deepEqual(seen, { currentTime: 10, seeking: false, then: 10 });
  await done(at);
});

test("the end: timeupdate, pause, ended; play() begins again", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await el.play();
    el.currentTime = 23.2;
    await told.until("seeked");
    told.clear();
    await told.until("ended");
    await wait(300);
    const names = told.all.map(({ name }) => name).filter((name) => ["timeupdate", "pause", "ended"].includes(name)).slice(-3);
    const at = { ended: el.ended, paused: el.paused, currentTime: el.currentTime, duration: el.duration };
    told.clear();
    await el.play();
    await told.holds((el) => el.currentTime > 0.3 && el.currentTime < 5);
    return { names, at, again: told.names, ended: el.ended };
  });
  assert.deepEqual(seen.names, ["timeupdate", "pause", "ended"]);
  assert.ok(seen.at.ended && seen.at.paused);
  assert.ok(Math.abs(seen.at.currentTime - seen.at.duration) < 0.1);
  assert.deepEqual(seen.again.slice(0, 2), ["seeking", "play"]);
  assert.equal(seen.ended, false);
  await done(at);
});

for (const [how, paused, order] of [
  ["while it plays", false, ["seeking", "seeked", "pause", "ended"]],
  ["while it is paused", true, ["seeking", "seeked", "ended"]],
]) {
  test(`a seek to the end ${how}: ${order.join(", ")}, and the last picture is there`, async () => {
    const at = await page(player().replace("/demo/", "/dur_120/demo/"));
    const seen = await at.page.evaluate(async (paused) => {
      await el.play();
      if (paused) el.pause();
      await wait(300);
      told.clear();
      el.currentTime = el.duration;
      await told.until("ended");
      await wait(300);
      const names = told.names.filter((name) => ["seeking", "seeked", "pause", "ended"].includes(name));
      const { currentTime, duration, ended } = el;
      const strip = readStrip(el.video, document.createElement("canvas"));
      await el.play();
      await told.holds((el) => el.currentTime > 0.3 && el.currentTime < 5);
      return { names, currentTime, duration, ended, paused: el.paused, strip };
    }, paused);
    assert.deepEqual(seen.names, order);
    assert.deepEqual([seen.currentTime, seen.duration, seen.ended, seen.paused], [120, 120, true, false]);
    // The demo title is 24 s long, and repeats.
    assert.ok(seen.strip.frame > 24 * 25 - 5, `frame ${seen.strip.frame}`);
    await done(at);
  });
}

test("who goes back from the end stays paused", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await el.play();
    el.currentTime = 23.2;
    await told.until("ended");
    told.clear();
    el.currentTime = 5;
    await told.until("seeked");
    await wait(600);
    return { currentTime: el.currentTime, ended: el.ended, paused: el.paused };
  });
  assert.deepEqual(seen, { currentTime: 5, ended: false, paused: true });
  await done(at);
});

test("loop goes back to the beginning and tells no end", async () => {
  const at = await page(player("loop"));
  const seen = await at.page.evaluate(async () => {
    await el.play();
    el.currentTime = 23.2;
    await told.until("seeked");
    told.clear();
    await told.until("seeking");
    await told.holds((el) => el.currentTime > 0.3 && el.currentTime < 5);
    return { names: told.names, paused: el.paused };
  });
  assert.ok(!seen.names.includes("ended") && !seen.names.includes("pause"), seen.names.join(" "));
  assert.equal(seen.paused, false);
  await done(at);
});

test("speeds: ratechange once each, the default at each load, NotSupportedError beyond; holds of the engine are not told", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async (url) => {
    await el.play();
    told.clear();
    el.playbackRate = 2;
    el.playbackRate = 2;
    const from = [el.currentTime, performance.now()];
    await wait(1500);
    const speed = (el.currentTime - from[0]) / ((performance.now() - from[1]) / 1000);
    el.defaultPlaybackRate = 1.5;
    await wait(50);
    const changes = told.names.filter((name) => name === "ratechange").length;
    let thrown;
    try {
      el.playbackRate = 5;
    } catch ({ name }) {
      thrown = name;
    }
    el.currentTime = 15;
    await told.until("seeked");
    const { playbackRate } = el;
    told.clear();
    el.src = url;
    await told.until("canplay");
    return { speed, changes, thrown, playbackRate, then: el.playbackRate, told: told.names.filter((name) => name === "ratechange").length };
  }, title());
  assert.ok(seen.speed > 1.5 && seen.speed < 2.3, `it played ${seen.speed} times as fast`);
  assert.equal(seen.changes, 2);
  assert.equal(seen.thrown, "NotSupportedError");
  assert.equal(seen.playbackRate, 2);
  assert.equal(seen.then, 1.5);
  assert.equal(seen.told, 1);
  await done(at);
});

test("want of media: timeupdate and waiting, then canplay and playing; paused stays false, and no rate is told", async () => {
  const at = await page("<telecine-player muted></telecine-player>");
  const seen = await at.page.evaluate(async (url) => {
    el.options = { bufferGoal: 2, maxHeight: 180 };
    el.src = url;
    await el.play();
    told.clear();
    const waiting = await told.until("waiting", 15_000);
    const held = { paused: el.paused, rate: el.playbackRate, ready: el.readyState };
    told.clear();
    await told.until("playing", 30_000);
    return { waiting, held, names: told.names, ended: el.ended };
  }, `${here.url}/hls/rate_60/demo/main.m3u8`);
  assert.deepEqual(seen.held, { paused: false, rate: 1, ready: 2 });
  assert.ok(seen.waiting.currentTime > 0.5, `it waits at ${seen.waiting.currentTime} s`);
  assert.deepEqual(seen.names.filter((name) => name !== "canplaythrough"), ["canplay", "playing"]);
  await done(at);
});

test("volume and muted tell volumechange", async () => {
  const at = await page("<telecine-player></telecine-player>");
  const seen = await at.page.evaluate(async () => {
    el.volume = 0.5;
    await told.until("volumechange");
    told.clear();
    el.muted = true;
    await told.until("volumechange");
    let thrown;
    try {
      el.volume = 2;
    } catch ({ name }) {
      thrown = name;
    }
    return { volume: el.volume, muted: el.muted, attribute: el.hasAttribute("muted"), thrown };
  });
  assert.deepEqual(seen, { volume: 0.5, muted: true, attribute: false, thrown: "IndexSizeError" });
  await done(at);
});

test("another source while it plays: abort, emptied, loadstart; what waits is rejected with AbortError; nothing of before is left", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async (url) => {
    await el.play();
    await told.holds((el) => el.currentTime > 1);
    el.currentTime = 15;
    const waits = end(el.play());
    told.clear();
    el.src = url;
    const at = { paused: el.paused, readyState: el.readyState, currentTime: el.currentTime, duration: el.duration, seeking: el.seeking };
    const how = await waits;
    await Promise.race([told.until("canplay"), told.until("error")]);
    if (el.error) throw new Error(JSON.stringify(el.error));
    return { at, how, names: told.names, all: told.all, currentTime: el.currentTime, paused: el.paused };
  }, `${here.url}/dash/demo/time.mpd`);
  assert.deepEqual(seen.at, { paused: true, readyState: 0, currentTime: 0, duration: NaN, seeking: false });
  assert.equal(seen.how, "AbortError");
  assert.deepEqual(seen.names.slice(0, 7), ["abort", "emptied", "loadstart", "durationchange", "loadedmetadata", "loadeddata", "canplay"]);
  assert.equal(seen.currentTime, 0);
  assert.ok(seen.paused);
  await done(at);
});

test("what cannot be played: error with code 4, the network state is NO_SOURCE, play() is rejected with NotSupportedError; something good plays after it", async () => {
  const at = await page("<telecine-player muted></telecine-player>");
  const seen = await at.page.evaluate(async (good) => {
    el.src = "/bad/html.mpd";
    const first = end(el.play());
    await told.until("error");
    const { code, message, telecine } = el.error;
    const { networkState, readyState } = el;
    const results = [await first, await end(el.play())];
    told.clear();
    el.src = good;
    const { error } = el;
    await el.play();
    await told.holds((el) => el.currentTime > 0.3);
    return { code, message, telecine, networkState, readyState, results, error };
  }, title());
  assert.equal(seen.code, 4);
  assert.equal(seen.telecine.code, 2001);
  assert.equal(seen.telecine.name, "NotAManifest");
  assert.match(seen.telecine.meaning, /^[A-Z].*\.$/);
  assert.ok(seen.telecine.advice.length > 10 && seen.telecine.facts.url.endsWith("/bad/html.mpd"));
  assert.match(seen.message, /^2001 NotAManifest: /);
  assert.deepEqual([seen.networkState, seen.readyState], [3, 0]);
  assert.deepEqual(seen.results, ["NotSupportedError", "NotSupportedError"]);
  assert.equal(seen.error, null);
  await done(at);
});

test("a module that does not start is an error, and not for ever", async () => {
  const at = await page("<telecine-player muted></telecine-player>");
  const seen = await at.page.evaluate(async (url) => {
    el.options = { wasmUrl: "/files/web/nothing.wasm" };
    el.src = url;
    const how = await end(el.play());
    const { code, telecine } = el.error;
    el.destroy();
    el.options = {};
    el.src = url;
    await el.play();
    return { how, code, number: telecine.code, then: el.error };
  }, title());
  assert.deepEqual(seen, { how: "NotSupportedError", code: 4, number: 7005, then: null });
  await done(at);
});

test("an empty source is an error with code 4", async () => {
  const at = await page('<telecine-player src=""></telecine-player>');
  const seen = await at.page.evaluate(async () => {
    await told.until("error");
    return { names: told.names, code: el.error.code, telecine: el.error.telecine, state: el.networkState };
  });
  assert.deepEqual(seen, { names: ["loadstart", "error"], code: 4, telecine: null, state: 3 });
  await done(at);
});

const LATER = [3, 4, 5, 6, 7, 8, 9, 10, 11];

for (const [what, fault, code, name] of [
  ["media that are garbage from their middle on", LATER.map((number) => `flip_${number}@4000`).join("/"), 3, "ContainerSyntax"],
  ["media that are not there from their middle on", `statuscode_[${LATER.map((number) => `{rsq:${number},code:404}`).join()}]`, 2, "HttpStatus"],
]) {
  test(`${what}: error with code ${code}, and what was played stays`, async () => {
    const at = await page(`<telecine-player muted src="${here.url}/hls/${fault}/demo/main.m3u8"></telecine-player>`);
    const seen = await at.page.evaluate(async () => {
      await el.play();
      await told.until("error");
      const state = { networkState: el.networkState, moved: el.currentTime > 1, code: el.error.code, name: el.error.telecine.name };
      el.removeAttribute("src");
      el.load();
      await wait(100);
      return { state, after: el.error, names: told.names.slice(-2) };
    });
    assert.deepEqual(seen.state, { networkState: 1, moved: true, code, name });
    assert.equal(seen.after, null);
    assert.deepEqual(seen.names, ["abort", "emptied"]);
    await done(at);
  });
}

test("an element that is taken out of the document is paused, one that is moved plays on", async () => {
  const at = await page(`<div id="a">${player()}</div><div id="b"></div>`);
  const seen = await at.page.evaluate(async () => {
    await el.play();
    document.querySelector("#b").append(el);
    await wait(200);
    const moved = el.paused;
    el.remove();
    await wait(50);
    const removed = el.paused;
    const { currentTime } = el;
    await wait(1500);
    const source = el.video.srcObject;
    document.querySelector("#a").append(el);
    await told.holds((el) => el.readyState > 2 && !el.seeking);
    return { moved, removed, source, back: el.currentTime - currentTime };
  });
  assert.equal(seen.moved, false);
  assert.equal(seen.removed, true);
  assert.equal(seen.source, null, "it lets go of what it has loaded");
  assert.ok(Math.abs(seen.back) < 0.1, `put back, it stands where it stood: ${seen.back} s`);
  await done(at);
});

test("what was let go of plays on where it stood", async () => {
  const at = await page(player());
  const seen = await at.page.evaluate(async () => {
    await el.play();
    await told.holds((el) => el.currentTime > 1);
    const { currentTime } = el;
    const waits = end(el.play());
    el.destroy();
    const gone = { paused: el.paused, readyState: el.readyState, source: el.video.srcObject };
    await waits;
    await el.play();
    return { gone, moved: el.currentTime - currentTime };
  });
  assert.deepEqual(seen.gone, { paused: true, readyState: 0, source: null });
  assert.ok(seen.moved >= -0.1 && seen.moved < 1.5, `it plays on ${seen.moved} s further`);
  await done(at);
});

test("properties that were set before the element was defined are heard", async () => {
  const at = await here.chromium.context.newPage();
  const lines = listen(at);
  await at.goto(`${here.url}/files/web/test/bare.html`);
  const seen = await at.evaluate(async (url) => {
    const el = document.createElement("telecine-player");
    document.body.append(el);
    el.muted = true;
    el.src = url;
    el.loop = true;
    await import("/files/web/dist/element.js");
    await el.play();
    return { src: el.currentSrc, muted: el.muted, loop: el.hasAttribute("loop"), own: Object.keys(el).sort() };
  }, title());
  assert.deepEqual(seen, { src: title(), muted: true, loop: true, own: ["recent", "video"] });
  assert.deepEqual(lines, []);
  await at.close();
});

test("one tag and one script play, as a module and as a classic script", async () => {
  for (const script of ['<script type="module" src="/files/web/dist/element.js"></script>', '<script src="/files/web/dist/telecine.classic.js"></script>']) {
    const at = await here.chromium.context.newPage();
    const lines = listen(at);
    await at.route("**/one.html", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><link rel="icon" href="data:,">${script}<telecine-player src="${title()}" autoplay muted></telecine-player>` }));
    await at.goto(`${here.url}/one.html`);
    await at.waitForFunction(() => document.querySelector("telecine-player").currentTime > 1);
    assert.deepEqual(lines, []);
    await at.close();
  }
});

test("canPlayType says maybe of playlists and MPDs", async () => {
  const at = await page("<telecine-player></telecine-player>");
  const seen = await at.page.evaluate(() =>
    ["application/vnd.apple.mpegurl", "application/x-mpegURL; codecs=avc1.4d401e", "application/dash+xml", 'video/mp4; codecs="avc1.4d401e"', "text/html", "video/nonsense"].map((type) => el.canPlayType(type)),
  );
  assert.deepEqual(seen, ["maybe", "maybe", "maybe", "probably", "", ""]);
  await done(at);
});
