// Where the time goes from the navigation to the first picture: marks of Telecine's page and worker, and requests, out of
// Chromium's trace. Milliseconds since the navigation.

import { pairs } from "../players.mjs";
import { first, interleaved, NETWORKS, serve, TITLES } from "../stage.mjs";
import { traced } from "../trace.mjs";

/** Requests by what they are for. */
const REQUESTS = [
  ["page's script", /\/telecine\.js$/],
  ["worker's script", /\/worker\.js$/],
  ["module", /\/telecine\.wasm$/],
  ["manifest", /main\.m3u8$|\.mpd$/],
  ["list", /demo\/[va][^/]*\.m3u8$/],
  ["initialisation", /init\.mp4$/],
  ["segment", /\.m4s$/],
];

function moments(events) {
  const found = {};
  const begun = events.find(({ name, args }) => name === "navigationStart" && args?.data?.documentLoaderURL?.includes("/bench/"))?.ts;
  const at = (name, ts) => (found[name] ??= (ts - begun) / 1000);
  const urls = new Map();
  for (const { name, ts, args } of [...events].sort((one, other) => one.ts - other.ts)) {
    if (/^(telecine|bench):/.test(name)) at(name.split(":")[1], ts);
    const { requestId, url } = args?.data ?? {};
    if (name === "ResourceSendRequest") {
      const kind = REQUESTS.find(([, is]) => is.test(url.split("?")[0]))?.[0];
      if (!kind) continue;
      urls.set(requestId, kind);
      at(`${kind} asked`, ts);
    } else if (name === "ResourceReceiveResponse" && urls.has(requestId)) {
      at(`${urls.get(requestId)} answered`, ts);
    } else if (name === "ResourceFinish" && urls.has(requestId)) {
      at(`${urls.get(requestId)} there`, ts);
    }
  }
  return found;
}

export async function profile({ folder, runs, say, networks = Object.keys(NETWORKS) }) {
  const rows = [];
  for (const network of networks) {
    const origin = await serve(folder, NETWORKS[network].spec);
    try {
      const ours = pairs.filter(({ id }) => id === "telecine");
      const some = await interleaved({ runs, pairs: ours, seconds: 120, say: (row) => say({ network, ...row }) }, async ({ id, protocol }, chromium) => {
        const visit = async (title) => {
          const page = await chromium.context.newPage();
          const events = await traced(page, ["blink.user_timing", "devtools.timeline"], async () => {
            await page.goto(origin.page(id, `?url=${TITLES[protocol](title)}`), { waitUntil: "commit" });
            await first(page);
          });
          await page.close();
          return moments(events);
        };
        return { cold: await visit("dur_60/"), warm: await visit("dur_61/") };
      });
      rows.push(...some.map((row) => ({ network, ...row })));
    } finally {
      origin.close();
    }
  }
  return rows;
}
