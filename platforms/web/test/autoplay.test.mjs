// What a browser allows without the viewer's wish: `play()` and `autoplay` where it allows nothing with sound.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage([], ["--autoplay-policy=document-user-activation-required"]);
});
after(async () => here?.close());

/**
 * A page with an element, and with a script of its own that says what it finds: what a test runs in a page, or asks of it, counts as
 * the viewer's wish.
 */
async function open(attributes, script) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  const body = `<!doctype html><title>-</title><link rel="icon" href="data:,">
    <telecine-player src="/hls/demo/main.m3u8" ${attributes}></telecine-player><button>play</button>
    <script type="module">
      import "/files/web/dist/element.js";
      import { Record } from "/files/web/test/record.mjs";
      const el = document.querySelector("telecine-player");
      const told = new Record(el);
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      document.querySelector("button").onclick = () => el.play().then(() => say("plays"), ({ name }) => say(name));
      Object.assign(window, { el });
      ${script}
    </script>`;
  const said = [];
  await page.exposeFunction("say", (words) => said.push(words));
  await page.route("**/autoplay.html", (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(`${here.url}/autoplay.html`);
  const hear = async () => {
    while (!said.length) await new Promise((resolve) => setTimeout(resolve, 50));
    return said.shift();
  };
  const done = async () => {
    assert.deepEqual(lines, []);
    await page.close();
  };
  return { page, hear, done };
}

test("play() is rejected with NotAllowedError, and the element stays paused; a click of the viewer plays", async () => {
  const { page, hear, done } = await open(
    "",
    `await told.until("canplay");
     const how = await el.play().catch(({ name }) => name);
     await wait(300);
     say(JSON.stringify({ how, paused: el.paused, names: told.names.filter((name) => ["play", "playing", "pause"].includes(name)) }));`,
  );
  assert.deepEqual(JSON.parse(await hear()), { how: "NotAllowedError", paused: true, names: [] });
  await page.getByRole("button").click();
  assert.equal(await hear(), "plays");
  await page.waitForFunction(() => el.currentTime > 0.5);
  await done();
});

test("a click before there is anything is enough", async () => {
  const { page, hear, done } = await open('preload="none"', "");
  await page.getByRole("button").click();
  assert.equal(await hear(), "plays");
  await page.waitForFunction(() => el.currentTime > 0.5);
  await done();
});

test("autoplay with sound stays paused, muted it plays", async () => {
  for (const [attributes, paused] of [
    ["autoplay", "true"],
    ["autoplay muted", "false"],
  ]) {
    const { hear, done } = await open(attributes, `await told.until("canplay"); await wait(800); say(String(el.paused));`);
    assert.equal(await hear(), paused, attributes);
    await done();
  }
});
