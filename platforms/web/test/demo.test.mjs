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
  const player = "document.querySelector('telecine-player')";
  await page.waitForFunction(`${player}.currentTime > 1`);
  await page.getByRole("slider", { name: "Position" }).focus();
  await page.keyboard.press("5");
  await page.waitForFunction(`${player}.currentTime > 12.2`);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.waitForFunction(`${player}.paused && ${player}.video.paused`);
  await page.locator("[name=url]").fill("/bad/html.mpd");
  await page.getByRole("button", { name: "Load" }).click();
  await page.waitForFunction(() => document.querySelector("output").textContent.includes("2001 NotAManifest"));
  await page.getByRole("alert").getByText("This video is damaged").waitFor();
  assert.deepEqual(lines, []);
  await page.close();
});

test("statistics are loaded when they are wanted, and show buffer, network, frames and decisions with their reasons", async () => {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/demo/index.html`);
  const loaded = () => page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/statistics.js")));
  assert.ok(!(await loaded()));
  await page.getByRole("checkbox", { name: "Statistics" }).check();
  await page.getByRole("button", { name: "Load" }).click();
  const overlay = page.getByRole("region", { name: "Statistics" });
  await overlay.getByText(/^playing$/).waitFor();
  assert.ok(await loaded());
  await overlay.getByRole("img", { name: /^buffer: picture [\d.]+ s, sound [\d.]+ s$/ }).waitFor();
  await overlay.getByRole("img", { name: /^network: estimate [\d.]+ Mbit\/s, chosen [\d.]+ Mbit\/s$/ }).waitFor();
  await overlay.getByRole("img", { name: /^frames dropped: each second \d+$/ }).waitFor();
  await overlay.getByRole("listitem").filter({ hasText: /bitrate video: .* → / }).first().waitFor();
  assert.match(await overlay.textContent(), /variant-\d, \d+×\d+, [\d.]+ Mbit\/s/);
  // A plot has a line in it.
  await page.waitForTimeout(1500);
  const drawn = await page.evaluate(() => {
    const canvas = document.querySelector("telecine-player").shadowRoot.querySelector(".statistics canvas");
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
  });
  assert.ok(drawn);
  await page.getByRole("checkbox", { name: "Statistics" }).uncheck();
  assert.equal(await overlay.count(), 0);
  assert.deepEqual(lines, []);
  await page.close();
});
