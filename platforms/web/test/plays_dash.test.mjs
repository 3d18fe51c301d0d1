// DASH in every addressing, over periods, and from one codec to another.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { isFrameOf, open, RATE, root, stage, TOPOLOGIES } from "./harness.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-codecs-"));
let here;
before(async () => {
  twoCodecs();
  here = await stage(["--folder", `codecs=${folder}`]);
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Four seconds of the demo title from a start on, as files of two seconds: without sound, and coded as these arguments say. */
function coded(name, start, ...how) {
  mkdirSync(path.join(folder, name));
  const source = path.join(root, "conformance/media/demo/v180.mp4");
  const files = ["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"];
  const args = ["-v", "error", "-nostdin", "-ss", String(start), "-t", "4", "-i", source, "-g", "50", "-bf", "0", ...how, ...files];
  execFileSync("ffmpeg", [...args, path.join(folder, name, "m.m3u8")]);
}

/** Plays a title from a start on to its end; what was seen. Frames of the strip are `shift` seconds ahead of the time. */
async function plays(manifest, { start, shift = 0, options } = {}) {
  const { page, lines } = await open(here, options);
  const seen = await page.evaluate(
    async ({ url, start }) => {
      player.load(url, { start });
      player.play();
      await watch.state("ended", 45_000);
      const { duration, ended } = watch.video;
      return { told: watch.told, pictures: watch.pictures, duration, ended };
    },
    { url: `${here.url}/${manifest}`, start },
  );
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
  assert.ok(seen.ended);
  for (const { mediaTime, strip } of seen.pictures.filter(({ strip }) => strip)) {
    assert.ok(isFrameOf(strip, mediaTime + shift), `frame ${strip.frame} at ${mediaTime} s`);
  }
  return seen;
}

for (const addressing of ["number", "time", "timeline-number", "list", "ondemand"]) {
  test(`segments addressed by ${addressing} play from a start in the middle to the end`, async () => {
    const seen = await plays(`dash/demo/${addressing}.mpd`, { start: 18 });
    const [first] = seen.pictures;
    assert.ok(first.mediaTime >= 17.9 && first.mediaTime < 19, `it began at ${first.mediaTime} s`);
    assert.ok(seen.pictures.filter(({ strip }) => strip).length > 60, "pictures were read");
  });
}

test("three periods play as one title", async () => {
  const seen = await plays("dash/periods_3/demo/time.mpd", { start: 5 });
  const frames = new Set(seen.pictures.map(({ strip }) => strip?.frame));
  // Around each boundary, at 8 and 16 s, nearly every frame was on the screen.
  for (const boundary of [8, 16]) {
    const near = Array.from({ length: 20 }, (_, index) => boundary * RATE - 10 + index);
    const missed = near.filter((frame) => !frames.has(frame));
    assert.ok(missed.length <= 6, `around ${boundary} s frames ${missed} were not seen`);
  }
});

/** A title whose picture is H.264 in its first period and VP9 in the second. */
function twoCodecs() {
  coded("h264", 8, "-c:v", "libx264", "-preset", "ultrafast");
  coded("vp9", 12, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k");
  const period = (id, codecs) =>
    `<Period id="${id}" duration="PT4S"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate timescale="1" duration="2"` +
    ` startNumber="0" initialization="${id}/init.mp4" media="${id}/m$Number$.m4s"/>` +
    `<Representation id="${id}" bandwidth="300000" width="320" height="180" codecs="${codecs}"/></AdaptationSet></Period>`;
  writeFileSync(
    path.join(folder, "main.mpd"),
    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011"` +
      ` minBufferTime="PT2S" mediaPresentationDuration="PT8S">${period("h264", "avc1.42c00d")}${period("vp9", "vp09.00.10.08")}</MPD>`,
  );
}

for (const topology of TOPOLOGIES) {
  test(`from one period to the next the codec changes, and the picture goes on (${topology})`, async () => {
    // What was cut out of the title keeps its frames: they are 8 s ahead.
    const seen = await plays("files/codecs/main.mpd", { shift: 8, options: { topology } });
    const frames = seen.pictures.filter(({ strip }) => strip).map(({ strip }) => strip.frame);
    assert.ok(frames.some((frame) => frame < 300) && frames.some((frame) => frame >= 300), `${frames.at(0)} to ${frames.at(-1)}`);
    assert.ok(frames.length > 120, `${frames.length} pictures of 200`);
  });
}
