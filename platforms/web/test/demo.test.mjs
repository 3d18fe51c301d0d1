// The demo page plays what is typed into it, and says what it does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

test("the demo page plays, moves and tells", async () => {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/demo/index.html?url=/dash/demo/time.mpd`);
  await page.getByRole("button", { name: "Load" }).click();
  const output = page.locator("output");
  await page.waitForFunction(() => document.querySelector("video").currentTime > 1);
  await page.getByLabel("Position").fill("500");
  await page.waitForFunction(() => document.querySelector("video").currentTime > 12.2);
  await page.waitForFunction(() => /playing, 1\d\.\d of 24\.0 s, .*Mbit\/s\nvideo: /.test(document.querySelector("output").textContent));
  await page.getByRole("button", { name: "Pause" }).click();
  await page.waitForFunction(() => document.querySelector("output").textContent.startsWith("paused"));
  assert.ok(await page.evaluate(() => document.querySelector("video").paused), await output.textContent());
  await page.locator("[name=url]").fill("/bad/html.mpd");
  await page.getByRole("button", { name: "Load" }).click();
  await page.waitForFunction(() => document.querySelector("output").textContent.includes("2001 NotAManifest"));
  assert.deepEqual(lines, []);
  await page.close();
});
