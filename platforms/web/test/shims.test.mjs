// Pages that were written for hls.js and for Shaka play with another import.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFrameOf, stage, visit } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

const open = (name) => visit(here, name);

/** Plays for a while; the pictures of that while, by their strips. */
const pictures = (page, ms = 1500) =>
  page.evaluate(async (ms) => {
    watch.pictures.length = 0;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return watch.pictures.filter(({ strip }) => strip);
  }, ms);

/** Lines that the browser itself writes of requests that failed. */
const ofTheBrowser = (line) => /^error: Failed to load resource/.test(line);

function moves(read) {
  assert.ok(read.length > 10, `${read.length} pictures`);
  for (const { mediaTime, strip } of read) assert.ok(isFrameOf(strip, mediaTime % 24), `frame ${strip.frame} at ${mediaTime} s`);
}

test("the quick start of hls.js plays the demo title", async () => {
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  moves(await pictures(page));
  const { heard, levels, tracks } = await page.evaluate(() => ({ heard, levels: hls.levels, tracks: hls.audioTracks }));
  const order = ["MANIFEST_LOADING", "MEDIA_ATTACHING", "MEDIA_ATTACHED", "MANIFEST_LOADED", "MANIFEST_PARSED", "AUDIO_TRACKS_UPDATED", "LEVEL_LOADED", "LEVEL_SWITCHED"];
  const places = order.map((name) => heard.findIndex((one) => one.name === name));
  assert.deepEqual(places, [...places].sort((a, b) => a - b), JSON.stringify(heard.map(({ name }) => name)));
  assert.deepEqual(levels.map(({ height }) => height), [180, 360, 480, 720]);
  assert.ok(levels.every(({ bitrate }, index) => bitrate > (levels[index - 1]?.bitrate ?? 0)));
  assert.deepEqual(tracks.map(({ lang }) => lang).sort(), ["en", "fr"]);
  const parsed = heard.find(({ name }) => name === "MANIFEST_PARSED");
  assert.equal(parsed.type, "hlsManifestParsed");
  assert.equal(parsed.data.levels.length, 4);
  assert.ok(heard.some(({ name }) => name === "FRAG_BUFFERED"));
  assert.ok(!heard.some(({ name }) => name === "ERROR"), JSON.stringify(heard.filter(({ name }) => name === "ERROR")));
  assert.deepEqual(lines, []);
  await page.close();
});

/** What the origin was asked for from now on: manifests, and media. */
function requests(page) {
  const asked = { manifests: 0, media: 0 };
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith(".m3u8")) asked.manifests += 1;
    else if (pathname.startsWith("/hls/")) asked.media += 1;
  });
  return asked;
}

/** Something that listeners do once the manifest is known. */
const onParsed = (page, url, config, act) =>
  page.evaluate(
    ({ url, config, act }) => {
      window.hls = new Hls(config);
      window.heard = [];
      for (const [name, event] of Object.entries(Hls.Events)) hls.on(event, () => heard.push({ name }));
      hls.on(Hls.Events.MANIFEST_PARSED, new Function(act));
      hls.loadSource(url);
      if (!act.includes("attachMedia")) hls.attachMedia(video);
      void video.play();
    },
    { url, config, act },
  );
const count = (page, name) => page.evaluate((name) => heard.filter((one) => one.name === name).length, name);

test("hls.js: with autoStartLoad off the manifest is read, and media is asked for from startLoad on", async () => {
  const { page, lines } = await open("shim-hls.html");
  const asked = requests(page);
  await onParsed(page, `${here.url}/hls/dur_120/demo/main.m3u8`, { autoStartLoad: false }, "");
  await page.evaluate(() => told("MANIFEST_PARSED"));
  await page.waitForTimeout(1000);
  assert.ok(asked.manifests > 0);
  assert.equal(asked.media, 0);
  assert.equal(await page.evaluate(() => hls.levels.length), 4);
  await page.evaluate(() => hls.startLoad(60));
  await page.evaluate(() => until(() => video.currentTime > 60.5, "it plays at 60 s"));
  moves(await pictures(page));
  assert.equal(await count(page, "MANIFEST_PARSED"), 1);
  assert.deepEqual(lines, []);
  await page.close();
});

for (const [what, act, from] of [
  ["startLoad in MANIFEST_PARSED begins what was read", "hls.startLoad()", 0],
  ["startLoad in MANIFEST_PARSED begins at a time", "hls.startLoad(40)", 40],
  ["an element that comes with MANIFEST_PARSED is played into", "hls.attachMedia(video); hls.startLoad(-1)", 0],
]) {
  test(`hls.js: ${what}`, async () => {
    const { page } = await open("shim-hls.html");
    await onParsed(page, `${here.url}/hls/dur_120/demo/main.m3u8`, { autoStartLoad: false }, act);
    await page.evaluate((from) => until(() => video.currentTime > from + 0.5, `it plays at ${from} s`), from);
    moves(await pictures(page));
    assert.equal(await count(page, "MANIFEST_PARSED"), 1);
    await page.close();
  });
}

test("hls.js: levels are held, capped and left to the player", async () => {
  const { page } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/dur_120/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  await page.evaluate(() => {
    hls.currentLevel = 1;
  });
  await page.evaluate(() => until(() => hls.currentLevel === 1, "level 1"));
  // What is on the screen says so too.
  await page.evaluate(() => until(() => video.videoHeight === 360, "360 lines", 40000));
  assert.equal(await page.evaluate(() => hls.autoLevelEnabled), false);
  await page.evaluate(() => {
    hls.currentLevel = -1;
    hls.autoLevelCapping = 0;
    video.currentTime = 60;
  });
  await page.evaluate(() => until(() => video.videoHeight === 180 && video.currentTime > 60, "180 lines"));
  assert.equal(await page.evaluate(() => hls.autoLevelEnabled), true);
  await page.close();
});

/** How long it takes from a command until so many lines are on the screen, seconds, and the pictures on the way. */
const shown = (page, lines, command) =>
  page.evaluate(
    async ({ lines, command }) => {
      await until(() => video.videoHeight === (lines === 180 ? 720 : 180), "the other level", 40000);
      await until(() => video.buffered.length && video.buffered.end(0) > video.currentTime + 15, "it buffers");
      watch.pictures.length = 0;
      const began = performance.now();
      new Function(command)();
      await until(() => video.videoHeight === lines, `${lines} lines`, 40000);
      const after = (performance.now() - began) / 1000;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return { after, read: watch.pictures.filter(({ strip }) => strip), stalls: heard.filter(({ name }) => name === "ERROR").map(({ data }) => data.error) };
    },
    { lines, command },
  );

for (const [level, least, most] of [
  ["currentLevel", 0, 5],
  ["nextLevel", 2, 9],
]) {
  test(`hls.js: ${level} is on the screen within ${most} s, though more is buffered`, async () => {
    const { page, lines } = await open("shim-hls.html");
    await page.evaluate((url) => begin(url, { startLevel: 3 }), `${here.url}/hls/dur_120/demo/main.m3u8`);
    await page.evaluate(() => told("LEVEL_SWITCHED"));
    const seen = await shown(page, 180, `hls.${level} = 0`);
    assert.ok(seen.after > least && seen.after < most, `after ${seen.after} s`);
    assert.deepEqual(seen.stalls, []);
    moves(seen.read);
    // And up again, to the end of a title that was all fetched.
    await page.evaluate(() => (video.currentTime = 100));
    await page.evaluate(() => until(() => video.buffered.length && video.buffered.end(video.buffered.length - 1) > 119.5, "all is there"));
    const again = await shown(page, 720, `hls.${level} = 3`);
    assert.ok(again.after < most, `after ${again.after} s`);
    moves(again.read);
    if (level === "currentLevel") await page.evaluate(() => until(() => video.ended, "the end", 40000));
    assert.ok(Math.abs(await page.evaluate(() => video.duration) - 120) < 0.2);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("hls.js: what the page does with its element is heard", async () => {
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/dur_120/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  await page.evaluate(() => {
    video.currentTime = 90;
  });
  await page.evaluate(() => until(() => video.currentTime > 90.5 && !video.seeking, "it plays at 90 s"));
  moves(await pictures(page));
  await page.evaluate(() => video.pause());
  assert.equal((await pictures(page, 800)).length < 5, true);
  const at = await page.evaluate(() => video.currentTime);
  await page.evaluate(() => video.play());
  await page.evaluate((at) => until(() => video.currentTime > at + 0.3, "it goes on"), at);
  await page.evaluate(() => {
    video.playbackRate = 2;
  });
  const [from, to] = await page.evaluate(async () => {
    const from = video.currentTime;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return [from, video.currentTime];
  });
  assert.ok(to - from > 2, `${to - from} s in 1.5 s`);
  assert.deepEqual(lines, []);
  await page.close();
});

test("hls.js: the sound is switched", async () => {
  const { page } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/dur_120/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  const wanted = await page.evaluate(() => {
    const wanted = hls.audioTracks.findIndex(({ lang }) => lang === "fr");
    hls.audioTrack = wanted;
    return wanted;
  });
  await page.evaluate((wanted) => told("AUDIO_TRACK_SWITCHED", ({ id }) => id === wanted), wanted);
  assert.equal(await page.evaluate(() => hls.audioTrack), wanted);
  moves(await pictures(page));
  await page.close();
});

test("hls.js: subtitles are text tracks of the element", async () => {
  const { page } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/dur_120/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  const languages = await page.evaluate(() => {
    hls.subtitleTrack = 0;
    return [...video.textTracks].map(({ language }) => language);
  });
  assert.deepEqual(languages.sort(), ["en", "fr"]);
  const words = await page.evaluate(async () => {
    const showing = () => [...video.textTracks].find(({ mode }) => mode === "showing");
    await until(() => showing()?.cues?.length > 0, "cues");
    return showing().cues[0].text;
  });
  assert.ok(words.length > 0);
  await page.close();
});

test("hls.js: a manifest that is not there is a fatal network error, and another title plays after it", async () => {
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/files/web/nothing.m3u8`);
  await page.evaluate(() => told("ERROR", ({ fatal }) => fatal));
  const { data } = await page.evaluate(() => heard.find(({ name, data }) => name === "ERROR" && data.fatal));
  assert.deepEqual([data.type, data.details, data.response.code], ["networkError", "manifestLoadError", 404]);
  assert.equal(data.telecine.name, "HttpStatus");
  await page.evaluate((url) => hls.loadSource(url), `${here.url}/hls/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  moves(await pictures(page));
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  await page.close();
});

test("hls.js: an element is used again after destroy, and by another instance", async () => {
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => begin(url), `${here.url}/hls/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  // Browsers reject a play() that is interrupted, whichever player lets go of the element, and this page does not listen.
  await page.evaluate(() => until(() => video.currentTime > 0, "it moves"));
  await page.evaluate(() => hls.destroy());
  assert.deepEqual(await page.evaluate(() => [video.readyState, video.textTracks.length]), [0, 0]);
  await page.evaluate((url) => begin(url), `${here.url}/hls/dur_60/demo/main.m3u8`);
  await page.evaluate(() => told("LEVEL_SWITCHED"));
  moves(await pictures(page));
  assert.deepEqual(lines, []);
  await page.close();
});

test("hls.js: what is not there does nothing, and is told once by its name; loaders of the page are refused", async () => {
  const { page, lines } = await open("shim-hls.html");
  const seen = await page.evaluate(async (url) => {
    let thrown;
    try {
      new Hls({ loader: class {} });
    } catch ({ name, message }) {
      thrown = `${name}: ${message}`;
    }
    begin(url, { cmcd: {} });
    hls.removeLevel(1);
    hls.removeLevel(1);
    hls.capLevelToPlayerSize = true;
    const gives = [hls.removeLevel(1), hls.interstitialsManager, hls.pathways];
    hls.on(Hls.Events.FRAG_PARSED, () => {});
    // As pages do when media fails.
    hls.swapAudioCodec();
    await told("LEVEL_SWITCHED");
    const errors = heard.filter(({ name }) => name === "ERROR").map(({ data }) => [data.error, data.type, data.fatal]);
    const option = hls.setAudioOption({ lang: "fr" });
    await told("AUDIO_TRACK_SWITCHED", ({ lang }) => lang === "fr");
    return { thrown, gives, errors, option: option.lang, none: hls.setSubtitleOption({ lang: "xx" }), goal: hls.maxBufferLength, mode: hls.lowLatencyMode };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.equal(seen.thrown, "Unsupported: telecine/hls has no config.loader");
  assert.deepEqual(seen.gives, [undefined, null, []]);
  const names = ["config.cmcd", "removeLevel", "capLevelToPlayerSize", "interstitialsManager", "pathways"];
  assert.deepEqual(seen.errors.map(([message]) => message).sort(), names.map((name) => `telecine/hls has no ${name}`).sort());
  assert.ok(seen.errors.every(([, type, fatal]) => type === "otherError" && fatal === false));
  assert.deepEqual([seen.option, seen.none, seen.goal, seen.mode], ["fr", null, 30, true]);
  assert.deepEqual(lines, []);
  await page.close();
});

for (const [protocol, path] of [["DASH", "/dash/demo/time.mpd"], ["HLS", "/hls/demo/main.m3u8"]]) {
  test(`the first tutorial of Shaka plays the demo title as ${protocol}`, async () => {
    const { page, lines } = await open("shim-shaka.html");
    await page.evaluate((url) => begin(url), here.url + path);
    await page.evaluate(() => until(() => video.currentTime > 0.5, "it plays"));
    moves(await pictures(page));
    const { variants, stats, range, type, live, audio } = await page.evaluate(() => ({
      variants: player.getVariantTracks(),
      stats: player.getStats(),
      range: player.seekRange(),
      type: player.getManifestType(),
      live: player.isLive(),
      audio: player.getAudioLanguages(),
    }));
    assert.deepEqual([...new Set(variants.map(({ height }) => height))], [180, 360, 480, 720]);
    assert.equal(variants.length, 8);
    assert.equal(variants.filter(({ active }) => active).length, 1);
    assert.ok(stats.width > 0 && stats.decodedFrames > 0 && stats.switchHistory.length > 0, JSON.stringify(stats));
    assert.ok(Math.abs(range.end - 24) < 0.1 && range.start === 0);
    assert.deepEqual([type, live], [protocol, false]);
    assert.deepEqual(audio.sort(), ["en", "fr"]);
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("Shaka: variants, languages and texts are chosen", async () => {
  const { page } = await open("shim-shaka.html");
  await page.evaluate((url) => begin(url), `${here.url}/dash/dur_120/demo/time.mpd`);
  await page.evaluate(() => {
    player.configure("abr.enabled", false);
    player.selectVariantTrack(player.getVariantTracks().find(({ height, language }) => height === 360 && language === "fr"), true);
  });
  // The buffer is cleared for it.
  await page.evaluate(() => until(() => player.getVariantTracks().find(({ active }) => active)?.height === 360, "360 lines", 6000));
  await page.evaluate(() => until(() => video.videoHeight === 360, "360 lines on the screen", 8000));
  await page.evaluate(() => until(() => player.getAudioTracks().find(({ active }) => active)?.language === "fr", "French"));
  await page.evaluate(() => player.selectAudioLanguage("en"));
  await page.evaluate(() => until(() => player.getAudioTracks().find(({ active }) => active)?.language === "en", "English"));
  await page.evaluate(() => player.selectTextTrack(player.getTextTracks().find(({ language }) => language === "fr")));
  await page.evaluate(() => until(() => player.isTextTrackVisible(), "text"));
  moves(await pictures(page));
  await page.close();
});

test("Shaka: what may not be played is not fetched first, either", async () => {
  const { page, lines } = await open("shim-shaka.html");
  const asked = new Set();
  page.on("request", (request) => asked.add(/\/(v\d+)\//.exec(new URL(request.url()).pathname)?.[1]));
  // Of a server that is not on the same machine, and of a network of which much is thought.
  await page.evaluate((url) => {
    localStorage.clear();
    return begin(url, { abr: { defaultBandwidthEstimate: 50e6 }, restrictions: { maxHeight: 360 } });
  }, `${here.url}/hls/delay_150/dur_120/demo/main.m3u8`);
  await page.evaluate(() => until(() => video.currentTime > 3, "it plays"));
  moves(await pictures(page));
  assert.deepEqual([...asked].filter(Boolean), ["v360"]);
  assert.deepEqual(lines, []);
  await page.close();
});

test("Shaka: load rejects with its error, and another title plays after it", async () => {
  const { page, lines } = await open("shim-shaka.html");
  const error = await page.evaluate((url) => begin(url).then(() => null, ({ severity, category, code, data }) => ({ severity, category, code, data })), `${here.url}/files/web/nothing.mpd`);
  assert.deepEqual([error.severity, error.category, error.code, error.data[1]], [2, 1, 1001, 404]);
  await page.evaluate((url) => player.load(url), `${here.url}/dash/demo/time.mpd`);
  await page.evaluate(() => until(() => video.currentTime > 0.5, "it plays"));
  moves(await pictures(page));
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  await page.close();
});

test("Shaka: unload and destroy give the element back", async () => {
  const { page, lines } = await open("shim-shaka.html");
  await page.evaluate((url) => begin(url), `${here.url}/dash/demo/time.mpd`);
  await page.evaluate(() => player.unload());
  await page.evaluate(() => until(() => video.readyState === 0, "the element is empty"));
  assert.equal(await page.evaluate(() => player.getAssetUri()), null);
  await page.evaluate((url) => player.load(url, 10), `${here.url}/hls/dur_60/demo/main.m3u8`);
  await page.evaluate(() => until(() => video.currentTime > 10.5, "it plays from 10 s"));
  await page.evaluate(() => player.destroy());
  assert.equal(await page.evaluate(() => video.readyState), 0);
  await page.evaluate((url) => begin(url), `${here.url}/dash/demo/time.mpd`);
  await page.evaluate(() => until(() => video.currentTime > 0.5, "it plays"));
  assert.deepEqual(lines, []);
  await page.close();
});

test("Shaka: what is not there does nothing, and is told once by its name", async () => {
  const { page, lines } = await open("shim-shaka.html");
  const seen = await page.evaluate(async (url) => {
    const video = document.querySelector("video");
    const player = new shaka.Player();
    const told = [];
    player.addEventListener("error", ({ detail }) => told.push([detail.message, detail.severity]));
    player.configure({ textDisplayFactory() {}, streaming: { bufferingGoal: 12, failureCallback() {} } });
    const { streaming } = player.getConfiguration();
    const gives = [player.getAdManager(), player.getAdManager(), player.getImageTracks(), await player.preload("x").catch(({ name }) => name)];
    await player.attach(video);
    const before = player.getLoadMode();
    await player.load(url);
    void video.play();
    player.trickPlay(2);
    const fast = video.playbackRate;
    player.cancelTrickPlay();
    const is = { fast, rate: video.playbackRate, mode: [before, player.getLoadMode()], again: player.retryStreaming() };
    player.selectVariantsByLabel("nothing");
    await until(() => video.currentTime > 0.3, "it plays");
    const fullness = player.getBufferFullness();
    await player.destroy();
    return { gives, told, goal: streaming.bufferingGoal, fullness, ...is };
  }, `${here.url}/dash/demo/time.mpd`);
  assert.deepEqual(seen.gives, [null, null, [], "Unsupported"]);
  assert.deepEqual(seen.told, ["configuration textDisplayFactory", "getAdManager", "getImageTracks", "preload"].map((name) => [`telecine/shaka has no ${name}`, 1]));
  assert.deepEqual([seen.goal, seen.fast, seen.rate, seen.mode, seen.again], [12, 2, 1, [1, 2], false]);
  assert.ok(seen.fullness > 0 && seen.fullness <= 1, JSON.stringify(seen));
  assert.deepEqual(lines, []);
  await page.close();
});
