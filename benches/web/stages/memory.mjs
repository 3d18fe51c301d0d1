// What is held: the page's heap after a collection, and the whole renderer (proportional set size, workers and decoders
// included), after some minutes of one title and after twenty titles in a page.

import { pss } from "../machine.mjs";
import { begun, first, interleaved, NETWORKS, seen, serve, TITLES, wait } from "../stage.mjs";
import { renderer } from "../trace.mjs";

async function held(page, pid) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await wait(500);
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return { heap: usedSize, renderer: pss(pid) };
}

export async function memory({ folder, runs, say, minutes = 10, loads = 20 }) {
  const origin = await serve(folder, NETWORKS.fibre.spec);
  try {
    return await interleaved({ runs, seconds: minutes * 60 + 240, say }, async ({ id, protocol }, chromium) => {
      const page = await begun(chromium, origin.page(id, `?url=${TITLES[protocol]("dur_3600/")}`));
      const pid = await renderer(page);
      let peak = 0;
      for (const end = Date.now() + minutes * 60_000; Date.now() < end; await wait(5000)) peak = Math.max(peak, pss(pid));
      const played = await held(page, pid);
      const { errors } = await seen(page);
      await page.close();
      const other = await begun(chromium, origin.page(id, `?url=${TITLES[protocol]("dur_60/")}`));
      const again = await renderer(other);
      const once = await held(other, again);
      for (let turn = 1; turn < loads; turn += 1) {
        await other.evaluate((url) => start(url), TITLES[protocol](`dur_${60 + turn}/`));
        await first(other);
        await wait(500);
      }
      return { played, peak, once, loaded: await held(other, again), minutes, loads, errors };
    });
  } finally {
    origin.close();
  }
}
