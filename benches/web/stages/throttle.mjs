// A slow device. CDP's throttling stops the page's thread alone, as a probe in a worker shows: it would flatter whoever works
// there. So the same is measured with a share of one processor for the whole renderer, where the system lets us (cgroups).

import { cpu, hasQuota, perMinute, quota } from "../machine.mjs";
import { begun, first, interleaved, NETWORKS, seen, serve, stalled, TITLES, wait } from "../stage.mjs";
import { renderer } from "../trace.mjs";

/** A busy loop of 0.4 s, in the page and in a worker: how many turns, of what an unthrottled one does. */
const REACH = async () => {
  const turns = () => {
    let n = 0;
    for (const end = performance.now() + 400; performance.now() < end; n += 1) for (let i = 0, x = 1; i < 1000; i += 1) x = (x * 31 + i) | 0;
    return n;
  };
  const url = URL.createObjectURL(new Blob([`postMessage((${turns})())`], { type: "text/javascript" }));
  const worker = await new Promise((resolve) => (new Worker(url).onmessage = ({ data }) => resolve(data)));
  return { main: turns(), worker };
};

async function reach(page) {
  const session = await page.context().newCDPSession(page);
  const free = await page.evaluate(REACH);
  const found = {};
  for (const rate of [4, 6]) {
    await session.send("Emulation.setCPUThrottlingRate", { rate });
    const slow = await page.evaluate(REACH);
    found[`cdp ${rate}x`] = { main: slow.main / free.main, worker: slow.worker / free.worker };
  }
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await session.detach();
  return found;
}

export async function throttle({ folder, runs, say, seconds = 20 }) {
  const origin = await serve(folder, NETWORKS.fibre.spec);
  const kinds = [
    ["cdp 4x", (page) => throttled(page, 4)],
    ["cdp 6x", (page) => throttled(page, 6)],
    ...(hasQuota() ? [["quota 1/4", (_, pid) => quota(pid, 1 / 4)], ["quota 1/6", (_, pid) => quota(pid, 1 / 6)]] : []),
  ];
  const rows = [];
  try {
    for (const [kind, slow] of kinds) {
      const told = (row) => say({ kind, ...row });
      const some = await interleaved({ runs, seconds: seconds + 120, say: told }, async ({ id, protocol }, chromium) => {
        // The script is there and ran: what is slow from now on is the player.
        const page = await chromium.context.newPage();
        await page.goto(origin.page(id), { waitUntil: "load" });
        await page.waitForFunction(() => window.start);
        const reached = kind === "cdp 4x" ? await reach(page) : undefined;
        const pid = await renderer(page);
        const free = await slow(page, pid);
        const before = cpu(pid);
        await page.evaluate((url) => start(url), TITLES[protocol]("dur_600/"));
        await first(page);
        await wait(seconds * 1000);
        const used = perMinute(before, cpu(pid), seconds);
        const found = await seen(page);
        const quality = await page.evaluate(() => video.getVideoPlaybackQuality().droppedVideoFrames);
        await free();
        return { startMs: found.first - found.loadAt, cpuMs: used.all, cpuMainMs: used.main, cpuWorkerMs: used.workers, dropped: quality, shown: found.frames, height: found.state.height, ...stalled(found), reached, errors: found.errors };
      });
      rows.push(...some.map((row) => ({ kind, ...row })));
    }
  } finally {
    origin.close();
  }
  return rows;
}

async function throttled(page, rate) {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
  return () => session.detach();
}
