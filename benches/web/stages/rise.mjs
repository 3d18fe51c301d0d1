// How soon the tallest picture is there that the line carries, and what stands on the way: the first half minute of a visit with
// warm caches.

import { begun, interleaved, NETWORKS, seen, serve, stalled, TITLES, wait } from "../stage.mjs";

export async function rise({ folder, runs, say, seconds = 30, networks = Object.keys(NETWORKS) }) {
  const rows = [];
  for (const network of networks) {
    const { spec, highest } = NETWORKS[network];
    const origin = await serve(folder, spec);
    try {
      const told = (row) => say({ network, ...row });
      const some = await interleaved({ runs, seconds: seconds + 90, say: told }, async ({ id, protocol }, chromium) => {
        const address = (title) => origin.page(id, `?url=${TITLES[protocol](title)}`);
        await (await begun(chromium, address("dur_61/"))).close();
        const page = await begun(chromium, address("dur_60/"));
        await wait(seconds * 1000);
        const found = await seen(page);
        const reached = found.heights.find(([, height]) => height >= highest);
        // Lines of the mean picture: what was on the screen, by how long it was.
        const spans = found.heights.map(([at, height], place) => [height, (found.heights[place + 1]?.[0] ?? found.first + seconds * 1000) - at]);
        const height = spans.reduce((sum, [lines, ms]) => sum + lines * ms, 0) / spans.reduce((sum, [, ms]) => sum + ms, 0);
        return { highestMs: reached ? reached[0] - found.loadAt : NaN, reached: Boolean(reached), height, ...stalled(found), errors: found.errors };
      });
      rows.push(...some.map((row) => ({ network, ...row })));
    } finally {
      origin.close();
    }
  }
  return rows;
}
