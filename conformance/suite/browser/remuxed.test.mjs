// What `telecine remux` writes of transport streams and packed audio plays in Chromium's Media Source:
// each picture is decoded, nothing is missing in the buffers, sound and picture lie as ffprobe found them
// in the source. ffmpeg makes the sources from the demo title.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browser } from "./chromium.mjs";
import { play } from "./mse.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const telecine = process.env.TELECINE ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "debug/telecine");
const demo = (name) => path.join(root, "conformance/media/demo", name);
const folder = mkdtempSync(path.join(tmpdir(), "telecine-remux-"));
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
const ffmpeg = (...args) => run("ffmpeg", "-v", "error", "-nostdin", "-y", ...args);

let chromium;
before(async () => {
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Remuxes a source; the file for Media Source, which needs to be told its codecs. */
function remux(source) {
  const out = `${source}.mp4`;
  run(telecine, "remux", source, out);
  const { tracks } = JSON.parse(run(telecine, "probe", out, "--json"));
  const kind = tracks.some((track) => track.kind === "video") ? "video" : "audio";
  return { path: out, mime: `${kind}/mp4; codecs="${tracks.map((track) => track.codec).join(",")}"` };
}

/** Packets of a stream by ffprobe, of sources and of what is made of them: times in seconds, and which are keys. */
function probed(file, stream) {
  const args = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time,flags", "-of", "json", file];
  const packets = JSON.parse(run("ffprobe", ...args)).packets.map(({ pts_time, flags }) => ({ pts: Number(pts_time), key: flags.startsWith("K") }));
  return { packets, first: Math.min(...packets.map(({ pts }) => pts)) };
}

/** How many pictures Media Source keeps of those from `start` on: all behind the first key that is not before it. */
function kept({ packets }, start) {
  const begin = packets.findIndex(({ pts, key }) => key && pts >= start);
  return packets.length - begin;
}

function assertPlayed(told, pictures) {
  assert.equal(told.error, null);
  assert.deepEqual(told.console, []);
  assert.ok(told.ended);
  for (const spans of told.buffered) assert.equal(spans.length, 1, `one span without holes: ${JSON.stringify(spans)}`);
  assert.equal(told.decoded, pictures);
}

async function muxedPlays(name, { input, delay = 0 }) {
  const ts = path.join(folder, name);
  ffmpeg(...input, "-output_ts_offset", String(delay), "-muxdelay", "0", "-f", "mpegts", ts);
  const [picture, sound] = [probed(ts, "v:0"), probed(ts, "a:0")];
  const file = remux(ts);
  const [video, audio] = [probed(file.path, "v:0"), probed(file.path, "a:0")];
  assert.equal(video.packets.length, picture.packets.length);
  assert.equal(audio.packets.length, sound.packets.length);
  const apart = audio.first - video.first - (sound.first - picture.first);
  assert.ok(Math.abs(apart) < 0.001, `sound is ${apart} s from where it was`);
  // From the later of the two beginnings on both are there.
  const start = Math.max(video.first, audio.first);
  assertPlayed(await play(chromium, [file], { shift: -start }), kept(video, start));
}

const copied = ["-i", demo("v360.mp4"), "-i", demo("a-en.mp4"), "-c", "copy"];

test("H.264 and AAC of one transport stream play", async () => {
  await muxedPlays("muxed.ts", { input: copied });
});

test("a stream whose clock wraps in its middle plays", async () => {
  // 2^33 / 90000 = 95443.7 s.
  await muxedPlays("wrap.ts", { input: copied, delay: 95_430 });
});

test("sound that begins late stays late", async () => {
  const input = ["-i", demo("v180.mp4"), "-itsoffset", "0.48", "-i", demo("a-en.mp4"), "-c", "copy"];
  await muxedPlays("late.ts", { input });
});

test("packed AAC plays alone", async () => {
  const aac = path.join(folder, "sound.aac");
  ffmpeg("-i", demo("a-en.mp4"), "-c", "copy", "-f", "adts", aac);
  const file = remux(aac);
  assert.equal(probed(file.path, "a:0").packets.length, probed(aac, "a:0").packets.length);
  assertPlayed(await play(chromium, [file]), 0);
});
