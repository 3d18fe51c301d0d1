// The module apart: from its request to its first call. Cold is a new profile, warm the visits after it.

import { withDeadline, browser } from "../../../conformance/suite/browser/chromium.mjs";
import { NETWORKS, serve } from "../stage.mjs";

/** Chromium keeps compiled code once it was asked for some times. */
const VISITS = 4;

export async function module({ folder, runs, say, networks = [...Object.keys(NETWORKS), "none"] }) {
  const rows = [];
  for (const network of networks) {
    const origin = await serve(folder, NETWORKS[network]?.spec);
    try {
      for (let turn = 0; turn < runs; turn += 1) {
        const chromium = await browser();
        try {
        for (let visit = 0; visit < VISITS; visit += 1) {
          const page = await chromium.context.newPage();
          await page.goto(origin.file("wasm.html"));
          await page.waitForFunction(() => window.measure);
          rows.push({ network, turn, visit, ...(await withDeadline(page.evaluate(() => measure()), 60_000)) });
          say(rows.at(-1));
          await page.close();
        }
        } finally {
          await chromium.close();
        }
      }
    } finally {
      origin.close();
    }
  }
  return rows;
}
