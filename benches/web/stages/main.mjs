// A minute of playing at the tallest picture: how busy the page's thread is, its longest task, and what the whole renderer takes,
// so that work which only moved to another thread is seen.

import { cpu, perMinute } from "../machine.mjs";
import { bare, pairs } from "../players.mjs";
import { begun, interleaved, NETWORKS, seen, serve, stalled, TITLES, wait } from "../stage.mjs";
import { busy, renderer, traced } from "../trace.mjs";

/** What goes on before: the tallest picture is there, and nothing of the start is counted. */
const SETTLE_MS = 8000;

export async function main({ folder, runs, say, seconds = 60 }) {
  const origin = await serve(folder, NETWORKS.fibre.spec);
  try {
    return await interleaved({ runs, pairs: [...pairs, bare], seconds: seconds + 90, say }, async ({ id, protocol }, chromium) => {
      const page = await begun(chromium, origin.page(id, `?url=${TITLES[protocol]("dur_600/")}`));
      await wait(SETTLE_MS);
      const pid = await renderer(page);
      const before = cpu(pid);
      const events = await traced(page, ["disabled-by-default-devtools.timeline"], () => wait(seconds * 1000));
      const used = perMinute(before, cpu(pid), seconds);
      const { main, workers } = busy(events);
      const found = await seen(page);
      return {
        mainBusyMs: (main.busyMs * 60) / seconds,
        mainLongestMs: main.longestMs,
        workerBusyMs: (workers.busyMs * 60) / seconds,
        workerLongestMs: workers.longestMs,
        cpuMs: used.all,
        cpuMainMs: used.main,
        cpuWorkerMs: used.workers,
        height: found.state.height,
        ...stalled(found),
        errors: found.errors,
      };
    });
  } finally {
    origin.close();
  }
}
