// Ten seeks, three seconds of watching behind each: bytes of media that the origin sent and nobody saw. A segment was of use if its
// time was played; one of each kind then, the one that was whole last.

import { begun, interleaved, NETWORKS, seen, serve, TITLES, wait } from "../stage.mjs";

/** Of ten minutes; forwards and back, one near to what is there. */
const TARGETS = [120, 300, 60, 480, 200, 206, 420, 30, 550, 250];
const SEGMENT_S = 2;
const MEDIA = /demo\/([av][^/]*)\/(\d+)\.m4s$/;

export async function seeks({ folder, runs, say }) {
  const origin = await serve(folder, NETWORKS.mobile.spec);
  try {
    return await interleaved({ runs, seconds: 180, say }, async ({ id, protocol }, chromium) => {
      const mark = origin.mark();
      // Numbered segments: their names tell their times.
      const title = protocol === "hls" ? TITLES.hls("dur_600/") : "/dash/dur_600/demo/number.mpd";
      const page = await begun(chromium, origin.page(id, `?url=${title}`));
      await page.evaluate(() => {
        window.played = new Set();
        setInterval(() => video.seeking || played.add(Math.floor(video.currentTime * 10)), 50);
      });
      await wait(3000);
      const took = [];
      for (const target of TARGETS) {
        took.push(
          await page.evaluate(async (target) => {
            const from = performance.now();
            subject.seek(target);
            // A picture behind the target, and not one before it.
            const near = () => !video.seeking && Math.abs(video.currentTime - target) < 8;
            await new Promise((resolve) => {
              const shown = (now, { mediaTime }) => (near() && Math.abs(mediaTime - target) < 8 ? resolve() : video.requestVideoFrameCallback(shown));
              video.requestVideoFrameCallback(shown);
            });
            return performance.now() - from;
          }, target),
        );
        await wait(3000);
      }
      const [times, { errors }] = [await page.evaluate(() => [...played]), await seen(page)];
      await page.close();
      // Answers that were broken off are in the log once the connection is closed.
      await wait(300);
      const watched = new Set(times.map((tenth) => Math.floor(tenth / 10 / SEGMENT_S)));
      const media = origin.since(mark).flatMap(({ path, bytes_sent: bytes, complete }) => {
        const found = MEDIA.exec(path);
        return found ? [{ kind: found[1][0], time: Number(found[2]), bytes, complete }] : [];
      });
      const useful = new Map();
      for (const { kind, time, bytes, complete } of media) if (complete && watched.has(time)) useful.set(kind + time, bytes);
      const fetched = media.reduce((sum, { bytes }) => sum + bytes, 0);
      const wasted = fetched - [...useful.values()].reduce((sum, bytes) => sum + bytes, 0);
      return { fetched, wasted, requests: media.length, seekMs: took.reduce((sum, one) => sum + one, 0) / took.length, slowestMs: Math.max(...took), errors };
    });
  } finally {
    origin.close();
  }
}
