// What is held: the page's heap, and the whole renderer (proportional set size, workers and decoders included), after some minutes of one
// title and after twenty titles in a page; `waiting` is the renderer as it is found, with what is only waiting to be collected, in the
// page or a worker of it.

import { pss } from "../machine.mjs";
import { quiet } from "../quiet.mjs";
import { interleaved, NETWORKS, serve, TITLES, wait } from "../stage.mjs";
import { rendererBy } from "../trace.mjs";

/** A page that begins to play at once, when its first picture is there. */
async function begun(chromium, address) {
  const page = await chromium.open(address);
  await first(page);
  return { page, pid: await rendererBy(page, address) };
}

async function first(page) {
  for (const end = Date.now() + 60_000; !(await page.evaluate("!!window.bench && !Number.isNaN(bench.first)")); await wait(100)) {
    if (Date.now() > end) throw new Error("no picture within a minute");
  }
}

async function held({ page, pid }) {
  const waiting = pss(pid);
  // What only the first one let go of is collected by the second.
  for (let turn = 0; turn < 2; turn += 1) {
    await page.sendToAll("HeapProfiler.collectGarbage");
    await wait(500);
  }
  const { usedSize } = await page.send("Runtime.getHeapUsage");
  return { heap: usedSize, renderer: pss(pid), waiting, height: await page.evaluate("video.videoHeight") };
}

export async function memory({ folder, runs, say, minutes = 10, loads = 20 }) {
  const origin = await serve(folder, NETWORKS.fibre.spec);
  try {
    return await interleaved({ runs, seconds: minutes * 60 + 240, say, launch: quiet }, async ({ id, protocol }, chromium) => {
      const one = await begun(chromium, origin.page(id, `?url=${TITLES[protocol]("dur_3600/")}`));
      let peak = 0;
      for (const end = Date.now() + minutes * 60_000; Date.now() < end; await wait(1000)) peak = Math.max(peak, pss(one.pid));
      const played = await held(one);
      const errors = await one.page.evaluate("bench.errors");
      await one.page.close();
      const many = await begun(chromium, origin.page(id, `?url=${TITLES[protocol]("dur_60/")}`));
      await wait(500);
      const once = await held(many);
      let most = 0;
      for (let turn = 1; turn < loads; turn += 1) {
        await many.page.evaluate(`start(${JSON.stringify(TITLES[protocol](`dur_${60 + turn}/`))})`);
        await first(many.page);
        await wait(500);
        most = Math.max(most, pss(many.pid));
      }
      return { played, peak, once, most, loaded: await held(many), minutes, loads, errors };
    });
  } finally {
    origin.close();
  }
}
