// What a viewer chooses: sound, captions, quality, chapters; through HTML's lists and through the controls.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

let here;
let folder;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "telecine-tracks-"));
  here = await stage(["--folder", `tracks=${folder}`]);
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(source, attributes = "") {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/test/element.html`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate(
    ([source, attributes]) => {
      document.body.innerHTML = `<telecine-player muted ${attributes} src="${source}" style="width: 640px"></telecine-player>`;
      window.el = document.querySelector("telecine-player");
      window.told = new Record(el);
      window.drawn = () => [...el.shadowRoot.querySelectorAll(".captions .text")].map((text) => text.innerText).join("\n");
      window.shown = () => readStrip(el.video, document.createElement("canvas"))?.rendition;
      window.changes = [];
      for (const list of ["audioTracks", "textTracks", "videoRenditions"]) for (const name of ["change", "addtrack", "removetrack", "addrendition"]) el[list].addEventListener(name, () => changes.push(`${list} ${name}`));
    },
    [source, attributes],
  );
  await page.evaluate(() => told.until("canplay"));
  await page.waitForFunction(() => el.videoRenditions.length > 0);
  const done = async () => {
    assert.deepEqual(lines, []);
    await page.close();
  };
  return { page, done };
}

for (const source of ["/hls/demo/main.m3u8", "/dash/demo/time.mpd"]) {
  test(`lists of ${source}: two of sound, two of text, one of pictures with four renditions`, async () => {
    const { page, done } = await open(source);
    const lists = await page.evaluate(() => ({
      audio: [...el.audioTracks].map(({ kind, label, language, enabled }) => ({ kind, label, language, enabled })),
      text: [...el.textTracks].map(({ kind, label, language, mode }) => ({ kind, label, language, mode })),
      video: [...el.videoTracks].map(({ selected }) => selected),
      renditions: [...el.videoRenditions].map(({ width, height, frameRate }) => ({ width, height, frameRate })).sort((a, b) => a.height - b.height),
      codec: el.videoRenditions[0].codec,
      wanted: el.videoRenditions.selectedIndex,
      changes: [...changes],
      same: el.audioTracks.getTrackById(el.audioTracks[1].id) === el.audioTracks[1],
    }));
    assert.deepEqual(lists.audio, [
      { kind: "main", label: "English", language: "en", enabled: true },
      { kind: source.includes("dash") ? "translation" : "main", label: "Français", language: "fr", enabled: false },
    ]);
    assert.deepEqual(lists.text, [
      { kind: "subtitles", label: "English", language: "en", mode: "disabled" },
      { kind: "subtitles", label: "Français", language: "fr", mode: "disabled" },
    ]);
    assert.deepEqual(lists.video, [true]);
    assert.deepEqual(lists.renditions, [
      { width: 320, height: 180, frameRate: 25 },
      { width: 640, height: 360, frameRate: 25 },
      { width: 854, height: 480, frameRate: 25 },
      { width: 1280, height: 720, frameRate: 25 },
    ]);
    assert.match(lists.codec, /^avc1\./);
    assert.equal(lists.wanted, -1);
    assert.equal(lists.changes.filter((change) => change === "audioTracks addtrack").length, 2);
    assert.equal(lists.changes.filter((change) => change === "videoRenditions addrendition").length, 4);
    assert.ok(lists.same);
    await done();
  });
}

test("another sound: the lists change, and the engine plays it", async () => {
  const { page, done } = await open("/hls/demo/main.m3u8");
  await page.evaluate(() => el.play());
  const seen = await page.evaluate(async () => {
    changes.length = 0;
    el.audioTracks[1].enabled = true;
    const at = [...el.audioTracks].map(({ enabled }) => enabled);
    await told.holds((el) => el.readyState > 2 && !el.seeking);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { streams } = await el.player.snapshot();
    return { at, changes: [...changes], plays: streams.find(({ kind }) => kind === "audio").track, id: el.audioTracks[1].id, paused: el.paused, names: told.names };
  });
  assert.deepEqual(seen.at, [false, true]);
  assert.ok(seen.changes.includes("audioTracks change"));
  assert.equal(seen.plays, seen.id);
  assert.equal(seen.paused, false);
  assert.ok(!seen.names.includes("error"));
  await done();
});

test("a text track that shows is drawn, tells its cues, and goes when it is disabled", async () => {
  const { page, done } = await open("/hls/demo/main.m3u8");
  await page.evaluate(() => {
    window.cues = [];
    el.textTracks[1].addEventListener("cuechange", () => cues.push(el.textTracks[1].activeCues.map(({ text }) => text).join()));
    el.textTracks[1].mode = "showing";
    el.currentTime = 3;
  });
  await page.waitForFunction(() => drawn() !== "");
  const french = await page.evaluate(() => ({ drawn: drawn(), modes: [...el.textTracks].map(({ mode }) => mode), cue: cues.at(-1) }));
  assert.match(french.drawn, /^\S.*\.$/);
  assert.ok(!french.drawn.includes("meadow"));
  assert.equal(french.cue, french.drawn);
  assert.deepEqual(french.modes, ["disabled", "showing"]);
  await page.evaluate(() => (el.textTracks[0].mode = "showing"));
  await page.waitForFunction(() => drawn() === "A meadow, just before sunrise.");
  assert.deepEqual(await page.evaluate(() => [...el.textTracks].map(({ mode }) => mode)), ["showing", "disabled"]);
  await page.evaluate(() => (el.textTracks[0].mode = "disabled"));
  await page.waitForFunction(() => drawn() === "");
  await done();
});

test("a rendition that is wanted is what comes on the screen; without a wish the engine chooses again", async () => {
  // Longer than what is buffered: what is there is not fetched again.
  const { page, done } = await open("/hls/dur_240/demo/main.m3u8");
  await page.evaluate(() => el.play());
  await page.waitForFunction(() => shown() === 3, null, { timeout: 15_000 });
  await page.evaluate(() => {
    el.videoRenditions.selectedIndex = [...el.videoRenditions].findIndex(({ height }) => height === 180);
    el.currentTime = 100;
  });
  await page.waitForFunction(() => shown() === 0, null, { timeout: 20_000 });
  assert.equal(await page.evaluate(() => el.videoRenditions.getRenditionById(el.videoRenditions.active).height), 180);
  await page.evaluate(() => {
    el.videoRenditions.selectedIndex = -1;
    el.currentTime = 180;
  });
  await page.waitForFunction(() => shown() === 3, null, { timeout: 30_000 });
  await done();
});

test("the controls' menus: quality, sound, captions; c shows and hides them; their style is a form", async () => {
  const { page, done } = await open("/hls/demo/main.m3u8", "controls");
  await page.getByRole("button", { name: "Quality" }).click();
  assert.deepEqual(await page.getByRole("menuitemradio").allTextContents(), ["Automatic", "720p", "480p", "360p", "180p"]);
  await page.getByRole("menuitemradio", { name: "360p" }).click();
  assert.equal(await page.evaluate(() => el.videoRenditions[el.videoRenditions.selectedIndex].height), 360);
  await page.getByRole("button", { name: "Sound", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "Français" }).click();
  assert.equal(await page.evaluate(() => el.audioTracks[1].enabled), true);
  await page.evaluate(() => (el.currentTime = 3));
  const captions = page.getByRole("button", { name: "Captions", exact: true });
  assert.equal(await captions.getAttribute("aria-pressed"), "false");
  await captions.focus();
  await page.keyboard.press("c");
  await page.waitForFunction(() => drawn() === "A meadow, just before sunrise.");
  assert.equal(await captions.getAttribute("aria-pressed"), "true");
  // Controls that are there cover no captions.
  const covered = await page.evaluate(() => {
    const of = (selector) => el.shadowRoot.querySelector(selector).getBoundingClientRect();
    return of(".captions .text").bottom - of(".bottom").top;
  });
  assert.ok(covered <= 4, `captions are ${covered} px below the upper edge of the controls`);
  await page.getByRole("button", { name: "Captions: Style…" }).click();
  await page.getByRole("menuitem", { name: "Style…" }).click();
  const form = page.getByRole("dialog", { name: "Style of captions" });
  await form.getByLabel("Colour", { exact: true }).selectOption({ label: "yellow" });
  await page.waitForFunction(() => getComputedStyle(el.shadowRoot.querySelector(".captions .text")).color === "rgb(255, 255, 0)");
  await form.getByRole("button", { name: "As the author wants it" }).click();
  await page.waitForFunction(() => getComputedStyle(el.shadowRoot.querySelector(".captions .text")).color === "rgb(255, 255, 255)");
  await form.getByRole("button", { name: "Close" }).click();
  await captions.focus();
  await page.keyboard.press("c");
  await page.waitForFunction(() => drawn() === "");
  await done();
});

test("over the seek bar is the thumbnail of the moment", async () => {
  const { page, done } = await open("/dash/demo/time.mpd", "controls");
  await page.waitForFunction(() => el.presentation?.thumbnails.length > 0);
  const { x, y, width, height } = await page.getByRole("slider", { name: "Position" }).boundingBox();
  // 13 s: the seventh tile of four columns and three rows.
  await page.mouse.move(x + (width * 13) / 24, y + height / 2);
  const thumb = await page.evaluate(() => {
    const { backgroundImage, backgroundPosition, backgroundSize, width } = getComputedStyle(el.shadowRoot.querySelector(".preview .thumb"));
    return { backgroundImage, backgroundPosition, backgroundSize, width, time: el.shadowRoot.querySelector(".preview").innerText };
  });
  assert.match(thumb.backgroundImage, /\.jpg/);
  assert.equal(thumb.backgroundSize, "400% 300%");
  assert.match(thumb.backgroundPosition, /^66\.6\d*% 50%$/);
  assert.match(thumb.time, /0:1[23]/);
  await done();
});

test("chapters are in a menu, and lead to where they begin", async () => {
  const list = await (await fetch(`${here.url}/hls/demo/main.m3u8`)).text();
  const absolute = list.replace(/^(?!#)(.+)$/gm, `${here.url}/hls/demo/$1`).replace(/URI="/g, `URI="${here.url}/hls/demo/`);
  writeFileSync(path.join(folder, "main.m3u8"), absolute.replace("#EXTM3U\n", '#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"\n'));
  writeFileSync(
    path.join(folder, "chapters.json"),
    JSON.stringify([
      { chapter: 1, "start-time": 0, duration: 9, titles: [{ language: "en", title: "The meadow" }, { language: "fr", title: "Le pré" }] },
      { chapter: 2, "start-time": 9, titles: [{ language: "en", title: "The set's edge" }] },
      { chapter: 3, "start-time": 15, titles: [{ language: "en", title: "Bars" }] },
    ]),
  );
  const { page, done } = await open("/files/tracks/main.m3u8", "controls");
  await page.getByRole("button", { name: "Chapters" }).click();
  assert.deepEqual(await page.getByRole("menuitemradio").allTextContents(), ["0:00 The meadow", "0:09 The set's edge", "0:15 Bars"]);
  await page.getByRole("menuitemradio", { name: "Bars" }).click();
  await page.waitForFunction(() => !el.seeking && el.currentTime === 15);
  assert.deepEqual(await page.evaluate(() => el.chapters.map(({ end }) => end)), [9, 15, Infinity]);
  await done();
});
