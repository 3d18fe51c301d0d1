// From the navigation, and from load(), to the first picture; cold (a new profile, everything over the same line) and warm (the
// second visit of the same profile). What was fetched of the player itself is what is downloaded to play.

import { begun, interleaved, NETWORKS, seen, serve, TITLES } from "../stage.mjs";

export async function start({ folder, sizes, runs, say, networks = Object.keys(NETWORKS) }) {
  const rows = [];
  for (const network of networks) {
    const origin = await serve(folder, NETWORKS[network].spec);
    try {
      const told = (row) => say({ network, ...row });
      const some = await interleaved({ runs, seconds: 90, say: told }, async ({ id, protocol }, chromium) => {
        // Another title each time: what is warm is the player, and no media come from a cache.
        const visit = async (title) => {
          const mark = origin.mark();
          const page = await begun(chromium, origin.page(id, `?url=${TITLES[protocol](title)}`));
          const { first, loadAt, errors } = await seen(page);
          // What is under way ends with the page, and is in the log then.
          await page.close();
          return { navigation: first, load: first - loadAt, errors, requests: origin.since(mark) };
        };
        const [cold, warm] = [await visit("dur_60/"), await visit("dur_61/")];
        const files = cold.requests.map(({ path }) => /\/bench\/(.+)$/.exec(path)?.[1]).filter((name) => name && !name.endsWith("index.html"));
        const weight = Object.fromEntries(["raw", "gzip", "brotli"].map((of) => [of, files.reduce((sum, name) => sum + (sizes[name]?.[of] ?? 0), 0)]));
        return {
          coldNavigation: cold.navigation,
          coldLoad: cold.load,
          warmNavigation: warm.navigation,
          warmLoad: warm.load,
          files,
          weight,
          errors: [...cold.errors, ...warm.errors],
        };
      });
      rows.push(...some.map((row) => ({ network, ...row })));
    } finally {
      origin.close();
    }
  }
  return rows;
}
