// Low latency: how far the picture on the screen is behind the origin's wall clock, by its strip, and what stands. The programme is
// the demo title over and over since 1970: its frame tells the time within 24 s.

import { begun, interleaved, NETWORKS, seen, serve, stalled, wait } from "../stage.mjs";
import { median } from "../statistics.mjs";

const LIVE = {
  hls: "/hls/live_60/parts_334/demo/main.m3u8",
  dash: "/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/demo/number.mpd",
};
/** Until the latency that a player wants is reached. */
const SETTLE_MS = 15_000;

export async function live({ folder, runs, say, seconds = 60, network = NETWORKS.mobile.spec }) {
  const origin = await serve(folder, network);
  try {
    return await interleaved({ runs, seconds: seconds + 90, say }, async ({ id, protocol }, chromium) => {
      const page = await begun(chromium, origin.page(id, `?low=1&url=${LIVE[protocol]}`));
      await wait(SETTLE_MS);
      // Page and origin are one machine: its clock is the origin's.
      const read = () =>
        page.evaluate(() => {
          const frame = strip(video);
          const own = Number(subject.latency?.() ?? NaN);
          return { latency: frame === null ? NaN : (((Date.now() / 1000 - frame / 25) % 24) + 24) % 24, own, rate: video.playbackRate };
        });
      const samples = [];
      for (const end = Date.now() + seconds * 1000; Date.now() < end; await wait(1000)) samples.push(await read());
      const found = await seen(page);
      const latencies = samples.map(({ latency }) => latency).filter(Number.isFinite).sort((a, b) => a - b);
      return {
        latency: latencies.reduce((sum, one) => sum + one, 0) / latencies.length,
        latency95: latencies[Math.floor(latencies.length * 0.95)],
        own: median(samples.map(({ own }) => own)),
        height: found.state.height,
        startMs: found.first - found.loadAt,
        ...stalled(found),
        errors: found.errors,
      };
    });
  } finally {
    origin.close();
  }
}
