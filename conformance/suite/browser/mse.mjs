// Chromium's Media Source plays CMAF files, and says what it made of them.
//
//     import { browser } from "./chromium.mjs";
//     import { play } from "./mse.mjs";
//     await using chromium = await browser();
//     const told = await play(chromium, [{ path: "v.mp4", mime: 'video/mp4; codecs="avc1.64001f"' }]);
//
// Each file gets a source buffer of its own. `told` has `error` (the media element's, or null), `ended`,
// `duration`, `buffered` (one list of [from, to] in seconds per file), `frames` (pictures presented, each by
// its media time as `requestVideoFrameCallback` has it, rounded to microseconds), `decoded`, `dropped` and
// `console` (everything that the page logged).

import { createServer } from "node:http";
import { createReadStream, statSync } from "node:fs";
import { listen, withDeadline } from "./chromium.mjs";

/**
 * Appends the files, each moved by `shift` seconds, and plays them from zero to the end, `rate` times as fast.
 */
export async function play({ context }, files, { rate = 4, shift = 0, timeout = 90_000 } = {}) {
  const server = await serve(files);
  const page = await context.newPage();
  const lines = listen(page);
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const told = await withDeadline(page.evaluate(playInPage, { mimes: files.map((file) => file.mime), rate, shift }), timeout);
    return { ...told, console: lines };
  } finally {
    await page.close();
    server.close();
  }
}

function serve(files) {
  const server = createServer((request, response) => {
    const file = files[Number(request.url.slice(1))];
    if (request.url === "/" || !file) {
      response.writeHead(request.url === "/" ? 200 : 404, { "content-type": "text/html" });
      return response.end('<!doctype html><link rel="icon" href="data:,"><video muted playsinline></video>');
    }
    response.writeHead(200, { "content-type": "video/mp4", "content-length": statSync(file.path).size });
    createReadStream(file.path).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// Runs in the page.
async function playInPage({ mimes, rate, shift }) {
  const video = document.querySelector("video");
  const told = { error: null, ended: false, duration: null, buffered: [], frames: [], decoded: 0, dropped: 0 };
  const unsupported = mimes.filter((mime) => !MediaSource.isTypeSupported(mime));
  if (unsupported.length) return { ...told, error: `not supported: ${unsupported.join(", ")}` };
  const event = (target, name) =>
    new Promise((resolve, reject) => {
      target.addEventListener(name, resolve, { once: true });
      video.addEventListener("error", () => reject(video.error), { once: true });
    });
  const source = new MediaSource();
  const seen = (_, { mediaTime }) => {
    told.frames.push(Math.round(mediaTime * 1e6));
    video.requestVideoFrameCallback(seen);
  };
  try {
    video.src = URL.createObjectURL(source);
    await event(source, "sourceopen");
    const buffers = mimes.map((mime) => source.addSourceBuffer(mime));
    for (const buffer of buffers) buffer.timestampOffset = shift;
    // As a player does: a piece at a time, sound and picture in turn.
    const bodies = await Promise.all(mimes.map(async (_, index) => (await fetch(`/${index}`)).arrayBuffer()));
    const piece = 1 << 18;
    for (let at = 0; bodies.some((body) => at < body.byteLength); at += piece) {
      for (const [index, body] of bodies.entries()) {
        if (at >= body.byteLength) continue;
        buffers[index].appendBuffer(body.slice(at, at + piece));
        await event(buffers[index], "updateend");
      }
    }
    source.endOfStream();
    const spans = ({ buffered }) => Array.from({ length: buffered.length }, (_, n) => [buffered.start(n), buffered.end(n)]);
    told.buffered = buffers.map(spans);
    told.duration = video.duration;
    video.requestVideoFrameCallback(seen);
    video.playbackRate = rate;
    await video.play();
    await event(video, "ended");
    told.ended = video.ended;
  } catch (fault) {
    told.error = fault?.message ? `${fault.code ?? fault.name}: ${fault.message}` : String(fault);
  }
  const quality = video.getVideoPlaybackQuality();
  [told.decoded, told.dropped] = [quality.totalVideoFrames, quality.droppedVideoFrames];
  return told;
}
