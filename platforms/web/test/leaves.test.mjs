// What titles leave behind in a page that plays many.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** Counts in the worker, from before it is given a title. */
async function counted(page) {
  const worker = page.workers()[0] ?? (await page.waitForEvent("worker"));
  await worker.evaluate(() => {
    self.seen = { timers: 0, answers: [] };
    const { fetch, setTimeout } = self;
    self.fetch = async (...request) => {
      const answer = await fetch(...request);
      // Not held by that: it lives until this thread's heap is collected.
      seen.answers.push(new WeakRef(answer));
      return answer;
    };
    self.setTimeout = (...timer) => {
      seen.timers += 1;
      return setTimeout(...timer);
    };
  });
  return worker;
}

/** Loads and plays; resolves a moment behind the first picture. */
const played = (page, url) =>
  page.evaluate(async (url) => {
    watch.told.length = 0;
    player.load(url);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }, url);

for (const [protocol, of] of [["HLS", (length) => `hls/dur_${length}/demo/main.m3u8`], ["DASH", (length) => `dash/dur_${length}/demo/time.mpd`]]) {
  test(`a title sets a few timers for a request, however many pieces it comes in (${protocol})`, async () => {
    const { page, lines } = await open(here);
    const worker = await counted(page);
    await played(page, `${here.url}/${of(300)}`);
    const { timers, requests } = await worker.evaluate(() => ({ timers: seen.timers, requests: seen.answers.length }));
    assert.ok(requests > 10, `${requests} requests`);
    assert.ok(timers <= 3 * requests + 20, `${timers} timers for ${requests} requests`);
    assert.deepEqual(lines, []);
    await page.close();
  });

  test(`what requests leave in a worker is collected while titles follow each other (${protocol})`, async () => {
    const { page, lines } = await open(here);
    const worker = await counted(page);
    const requests = () => worker.evaluate(() => seen.answers.length);
    for (let title = 0; title < 60 && (await requests()) < 400; title += 1) await played(page, `${here.url}/${of(100 + title)}`);
    const [all, alive] = await worker.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return [seen.answers.length, seen.answers.filter((answer) => answer.deref()).length];
    });
    assert.ok(all >= 400, `${all} requests`);
    assert.ok(alive < 250, `of ${all} answers ${alive} are there still`);
    assert.deepEqual(lines, []);
    await page.close();
  });
}
