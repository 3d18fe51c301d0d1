// The controls of `<telecine-player controls>`: by pointer, by keyboard, and as a screen reader has them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

const ofTheBrowser = (line) => /^error: Failed to load resource/.test(line);

/** A page with controls, and the title loaded. */
async function open(source = "/hls/demo/main.m3u8", attributes = "muted") {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/test/element.html`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate(
    ([source, attributes]) => {
      document.body.innerHTML = `<button>before</button><telecine-player controls ${attributes} src="${source}" style="width: 800px"></telecine-player><button>after</button>`;
      window.el = document.querySelector("telecine-player");
      window.told = new Record(el);
    },
    [source, attributes],
  );
  await page.getByRole("group", { name: "Video player" }).waitFor();
  const done = async () => {
    assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
    await page.close();
  };
  const value = (name) => page.evaluate((name) => el[name], name);
  const is = (name, value) => page.waitForFunction(([name, value]) => el[name] === value, [name, value]);
  return { page, done, value, is };
}

test("controls come and go with the attribute, and say nothing where there are none", async () => {
  const { page, done } = await open();
  await page.evaluate(() => (el.controls = false));
  assert.equal(await page.getByRole("button", { name: "Play", exact: true }).count(), 0);
  await page.evaluate(() => (el.controls = true));
  await page.getByRole("button", { name: "Play", exact: true }).waitFor();
  await done();
});

test("buttons play, hold and silence, and change their names as they do", async () => {
  const { page, done, is } = await open("/hls/demo/main.m3u8", "");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await is("paused", false);
  await page.waitForFunction(() => el.currentTime > 0.3);
  await page.getByRole("button", { name: "Pause" }).click();
  await is("paused", true);
  await page.getByRole("button", { name: "Mute" }).click();
  await is("muted", true);
  await page.getByRole("button", { name: "Unmute" }).click();
  await is("muted", false);
  await done();
});

test("the seek bar is a slider with the position in words; a click on it moves there", async () => {
  const { page, done } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  const slider = page.getByRole("slider", { name: "Position" });
  await page.waitForFunction(() => el.shadowRoot.querySelector(".seek input").getAttribute("aria-valuetext") === "0 seconds of 24 seconds");
  const { x, y, width, height } = await slider.boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  await page.waitForFunction(() => !el.seeking && Math.abs(el.currentTime - 12) < 0.5);
  await page.waitForFunction(() => /^1[12] seconds of/.test(el.shadowRoot.querySelector(".seek input").getAttribute("aria-valuetext")));
  await done();
});

test("keys: space and k, m, arrows, j and l, home and end, digits", async () => {
  const { page, done, is, value } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  await page.getByRole("slider", { name: "Position" }).focus();
  const at = (time) => page.waitForFunction((time) => !el.seeking && Math.abs(el.currentTime - time) < 0.3, time);
  await page.keyboard.press("ArrowRight");
  await at(5);
  await page.keyboard.press("l");
  await at(15);
  await page.keyboard.press("ArrowLeft");
  await at(10);
  await page.keyboard.press("j");
  await at(0);
  await page.keyboard.press("5");
  await at(12);
  await page.keyboard.press("Home");
  await at(0);
  await page.keyboard.press("k");
  await is("paused", false);
  await page.keyboard.press(" ");
  await is("paused", true);
  await page.keyboard.press("m");
  await is("muted", false);
  await page.keyboard.press("ArrowDown");
  await is("volume", 0.9);
  await page.keyboard.press("ArrowUp");
  await is("volume", 1);
  await page.keyboard.press("End");
  await at(await value("duration"));
  // Keys with a modifier are the browser's.
  await page.keyboard.press("Control+k");
  assert.equal(await value("paused"), true);
  await done();
});

test("the focus goes through the controls in their order, and out again", async () => {
  const { page, done } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  await page.getByRole("button", { name: "before" }).focus();
  const names = [];
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const deep = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
      return deep.getAttribute("aria-label") ?? deep.textContent;
    });
    names.push(name);
    if (name === "after") break;
  }
  assert.deepEqual(names.slice(0, 4), ["Position", "Play", "Unmute", "Volume"]);
  assert.equal(names.at(-1), "after");
  assert.ok(names.includes("Speed") && names.includes("Full screen"), names.join());
  assert.ok(names.every(Boolean), "every one has a name");
  await done();
});

test("the menu of speeds: radio items, arrows, Escape gives the focus back", async () => {
  const { page, done, is } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  const button = page.getByRole("button", { name: "Speed" });
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  assert.equal(await page.getByRole("menuitemradio", { checked: true }).textContent(), "Normal");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await is("playbackRate", 1.5);
  assert.equal(await button.getAttribute("aria-expanded"), "false");
  await button.click();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("menu").count(), 0);
  assert.equal(await page.evaluate(() => el.shadowRoot.activeElement.getAttribute("aria-label")), "Speed");
  // Who plays with an open menu's keys moves nothing else.
  assert.equal(await page.evaluate(() => el.currentTime), 0);
  await done();
});

test("full screen takes the controls along; f leaves it", async () => {
  const { page, done } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  await page.getByRole("button", { name: "Full screen" }).click();
  await page.waitForFunction(() => document.fullscreenElement === el);
  await page.getByRole("button", { name: "Leave full screen" }).waitFor();
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.fullscreenElement === null);
  await done();
});

test("picture in picture goes and comes back, and is told", async () => {
  const { page, done } = await open();
  await page.waitForFunction(() => el.readyState > 2);
  await page.evaluate(() => {
    window.pip = [];
    for (const name of ["enterpictureinpicture", "leavepictureinpicture"]) el.addEventListener(name, () => pip.push(name));
  });
  const button = page.getByRole("button", { name: "Picture in picture" });
  await button.click();
  await page.waitForFunction(() => el.shadowRoot.pictureInPictureElement === el.video && pip.length === 1);
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  await button.click();
  await page.waitForFunction(() => el.shadowRoot.pictureInPictureElement === null && pip.length === 2);
  assert.deepEqual(await page.evaluate(() => pip), ["enterpictureinpicture", "leavepictureinpicture"]);
  await done();
});

test("controls go while it plays and nobody touches them, and come back", async () => {
  const { page, done } = await open();
  await page.mouse.move(400, 200);
  await page.evaluate(() => el.play());
  await page.waitForFunction(() => el.shadowRoot.querySelector(".controls").classList.contains("idle"), null, { timeout: 8000 });
  await page.mouse.move(410, 210);
  await page.waitForFunction(() => !el.shadowRoot.querySelector(".controls").classList.contains("idle"));
  await done();
});

test("an error is told in words for who watches, with its number, and can be tried again", async () => {
  const { page, done } = await open("/bad/html.m3u8");
  const alert = page.getByRole("alert");
  await alert.getByText("This video is damaged or is of a kind that cannot be played.").waitFor();
  await alert.getByText("2001 NotAManifest").waitFor();
  await page.evaluate(() => told.clear());
  await page.getByRole("button", { name: "Try again" }).click();
  await page.evaluate(() => told.until("error"));
  await page.evaluate(() => (el.src = "/hls/demo/main.m3u8"));
  await alert.waitFor({ state: "hidden" });
  await page.evaluate(() => el.play());
  await done();
});

test("a title that is not there is told as such", async () => {
  const { page, done } = await open("/files/web/nothing.m3u8");
  await page.getByRole("alert").getByText("This video is not here any more.").waitFor();
  await done();
});

test("controls speak the language of the page", async () => {
  const { page, done } = await open();
  await page.evaluate(() => {
    el.controls = false;
    customElements.get("telecine-player").words = { play: "Abspielen" };
    el.controls = true;
  });
  await page.getByRole("button", { name: "Abspielen" }).waitFor();
  await done();
});
