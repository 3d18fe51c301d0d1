// The page that `make bench-abr` writes draws everything in Chromium, offline. Which page: TELECINE_BITRATE_REPORT, or the one
// that `make test-browser` has made of the traces in the repository.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { browser } from "./chromium.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const report = path.resolve(process.env.TELECINE_BITRATE_REPORT ?? path.join(root, "out/test-browser/report.html"));

let chromium;
let page;
const said = [];
const asked = [];
before(async () => {
  chromium = await browser();
  page = await chromium.context.newPage();
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(report).href);
});
after(async () => chromium?.close());

test("every plot and every trace is drawn when it comes into view", async () => {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  const cards = page.locator(".card:has(> script)");
  const count = await cards.count();
  assert.ok(count >= 6 * 2 + 6, `${count} cards`);
  for (let index = 0; index < count; index += 1) {
    const card = cards.nth(index);
    await card.scrollIntoViewIfNeeded();
    await page.waitForFunction((element) => element.dataset.drawn, await card.elementHandle());
    const drawn = await card.evaluate((element) => {
      const plots = [...element.querySelectorAll("figure > svg, :scope > svg")];
      const sound = (shape) => !/NaN|Infinity|undefined/.test(shape.outerHTML);
      return plots.map((svg) => ({
        shapes: svg.querySelectorAll("[data-rule]").length,
        sound: sound(svg),
        // The default rule is over all others.
        last: [...svg.querySelectorAll("path[data-rule]")].at(-1)?.dataset.rule ?? null,
        names: [...svg.querySelectorAll("text")].map((text) => text.textContent),
      }));
    });
    const id = await card.getAttribute("id");
    for (const plot of drawn) {
      assert.ok(plot.sound, id);
      const nothing = plot.names.some((name) => name.startsWith("nothing to be had"));
      assert.ok(plot.shapes >= 6 || nothing, `${id}: ${plot.shapes} shapes`);
      assert.match((plot.last ?? "foresight").toLowerCase(), /^foresight/, id);
      // Axes have names with their units.
      assert.ok(nothing || plot.names.some((name) => /, s\b|\bs$|kbit\/s|share of traces|mean quality/.test(name)), `${id}: ${plot.names}`);
    }
  }
});

test("each way of watching a trace is drawn, and names switch their lines", async () => {
  const card = page.locator(".trace").first();
  await card.scrollIntoViewIfNeeded();
  const views = card.locator(".views label");
  assert.equal(await views.count(), 4);
  for (let index = 0; index < 4; index += 1) {
    await views.nth(index).click();
    const name = card.locator(".legend button").first();
    const rule = await name.locator("span").textContent();
    const lines = () => card.locator(`path[data-rule="${rule}"]:not(.off)`).count();
    assert.equal(await lines(), 2, "one of choices and one of the buffer");
    await name.click();
    assert.equal(await lines(), 0);
    await name.click();
    assert.equal(await lines(), 2);
  }
});

test("nothing was asked for but the page, and nothing went wrong", () => {
  assert.deepEqual(asked, [pathToFileURL(report).href]);
  assert.deepEqual(said, []);
});
