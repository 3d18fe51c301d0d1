// Where a title has no sound, or not all of its pictures, it plays on.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { isFrameOf, open, root, stage, TOPOLOGIES } from "./harness.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-gaps-"));
let here;
before(async () => {
  for (const start of [0, 4, 8]) cut(`v${start}`, "v180", start, 4, ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-bf", "0"]);
  for (const start of [0, 4, 8]) cut(`a${start}`, "a-en", start, 4, ["-c:a", "aac"]);
  for (const start of [0, 8]) cut(`o${start}`, "a-en", start, 4, ["-c:a", "libopus"]);
  here = await stage(["--folder", `gaps=${folder}`]);
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Seconds of a file of the demo title from a start on, as files of two seconds. */
function cut(name, file, start, seconds, how) {
  mkdirSync(path.join(folder, name));
  const source = path.join(root, `conformance/media/demo/${file}.mp4`);
  const files = ["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-strict", "experimental"];
  const args = ["-v", "error", "-nostdin", "-ss", String(start), "-t", String(seconds), "-i", source, ...how, ...files];
  execFileSync("ffmpeg", [...args, path.join(folder, name, "m.m3u8")]);
}

/** An MPD of periods of four seconds, each of which has these. */
function title(name, periods) {
  const codecs = { v: 'contentType="video" mimeType="video/mp4" codecs="avc1.42c00d"', a: 'contentType="audio" mimeType="audio/mp4" codecs="mp4a.40.2"', o: 'contentType="audio" mimeType="audio/mp4" codecs="opus"' };
  const set = (of) =>
    `<AdaptationSet ${codecs[of[0]]}><SegmentTemplate timescale="1" duration="2" startNumber="0" initialization="${of}/init.mp4" media="${of}/m$Number$.m4s"/>` +
    `<Representation id="${of}" bandwidth="${of[0] === "v" ? 300000 : 64000}"/></AdaptationSet>`;
  const text = periods.map((sets, index) => `<Period id="p${index}" duration="PT4S">${sets.map(set).join("")}</Period>`).join("");
  writeFileSync(
    path.join(folder, `${name}.mpd`),
    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011"` +
      ` minBufferTime="PT2S" mediaPresentationDuration="PT${4 * periods.length}S">${text}</MPD>`,
  );
}

/** Plays it to its end; all pictures were seen and nothing stood. */
async function plays(name, options = {}) {
  const { page, lines } = await open(here, options);
  const seen = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("ended", 30_000).catch((error) => watch.told.push({ type: "Error", late: String(error) }));
    return { told: watch.told, pictures: watch.pictures.filter(({ strip }) => strip), ended: watch.video.ended, heard: watch.video.webkitAudioDecodedByteCount };
  }, `${here.url}/files/gaps/${name}.mpd`);
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
  assert.ok(seen.ended);
  for (const { mediaTime, strip } of seen.pictures) {
    assert.ok(isFrameOf(strip, mediaTime), `frame ${strip.frame} at ${mediaTime} s`);
  }
  return seen;
}

for (const topology of TOPOLOGIES) {
  test(`a period without sound between two with it plays (${topology})`, async () => {
    title("middle", [["v0", "a0"], ["v4"], ["v8", "a8"]]);
    const { pictures, heard } = await plays("middle", { topology });
    assert.ok(pictures.length > 200, `${pictures.length} of 300 pictures`);
    assert.ok(heard > 40_000, `${heard} bytes of sound`);
  });
}

for (const [what, periods] of [
  ["sound that begins with the second period", [["v0"], ["v4", "a4"], ["v8", "a8"]]],
  ["sound that ends with the first period", [["v0", "a0"], ["v4"], ["v8"]]],
  ["another kind of sound behind a period without any", [["v0", "a0"], ["v4"], ["v8", "o8"]]],
  ["Opus, then nothing", [["v0", "o0"], ["v4"]]],
]) {
  test(`${what}: it plays from its beginning to its end`, async () => {
    title("other", periods);
    const { told } = await plays("other");
    assert.ok(told);
  });
}

test("where pictures are missing the playhead goes over it without a wait", async () => {
  const { page, lines } = await open(here, { maxHeight: 180 });
  const seen = await page.evaluate(async (url) => {
    player.load(url, { start: 3 });
    player.play();
    await watch.state("playing");
    const began = performance.now();
    while (watch.video.currentTime < 10 && performance.now() < began + 15_000) await new Promise((resolve) => setTimeout(resolve, 50));
    return { told: watch.told, took: performance.now() - began, pictures: watch.pictures.filter(({ strip }) => strip) };
  }, `${here.url}/hls/flip_3@200:v180/demo/main.m3u8`);
  assert.deepEqual(lines, []);
  const errors = seen.told.filter(({ type }) => type === "Error");
  assert.ok(errors.length > 0 && errors.every(({ error }) => !error.fatal), JSON.stringify(errors));
  assert.deepEqual(seen.told.filter(({ type }) => type === "StallStarted"), []);
  assert.ok(seen.told.some(({ type, what }) => type === "Decision" && what === "gap"), "the engine went over it");
  // Five seconds of pictures, and half a second to see that there are none.
  assert.ok(seen.took < 6500, `${seen.took} ms`);
  const frames = seen.pictures.map(({ strip }) => strip.frame);
  assert.ok(!frames.some((frame) => frame > 151 && frame < 199) && frames.some((frame) => frame >= 210), `${frames}`);
  await page.close();
});

test("sound that is over long before the picture does not hold the picture", async () => {
  cut("v", "v180", 0, 14, ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-bf", "0"]);
  writeFileSync(
    path.join(folder, "short.m3u8"),
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="a0/m.m3u8",DEFAULT=YES\n' +
      '#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c00d,mp4a.40.2",AUDIO="a"\nv/m.m3u8\n',
  );
  const { page, lines } = await open(here, { bufferGoal: 4 });
  const seen = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("ended", 30_000).catch((error) => watch.told.push({ type: "Error", late: String(error) }));
    return { told: watch.told, at: watch.video.currentTime, pictures: watch.pictures.filter(({ strip }) => strip) };
  }, `${here.url}/files/gaps/short.m3u8`);
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
  assert.ok(seen.at > 13.8, `it ended at ${seen.at} s`);
  await page.close();
});
