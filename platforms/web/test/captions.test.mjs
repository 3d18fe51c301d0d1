// Captions are drawn where their author wants them, over the picture and not beside it, and as the viewer wants them.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { root, stage } from "./harness.mjs";

let here;
let folder;
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "telecine-captions-"));
  here = await stage(["--folder", `captions=${folder}`]);
  for (const [name, type] of [
    ["places.vtt", "text/vtt"],
    ["imsc.ttml", "application/ttml+xml"],
  ]) {
    copyFileSync(path.join(root, "platforms/web/test/captions", name), path.join(folder, name));
    writeFileSync(path.join(folder, `${name}.mpd`), mpd(name, type));
  }
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The demo title's picture, with a file of texts. */
const mpd = (file, type) => `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT24S" minBufferTime="PT2S">
<Period><AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
<BaseURL>${here.url}/dash/demo/</BaseURL>
<SegmentTemplate timescale="90000" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/t$Time$.m4s"><SegmentTimeline><S t="0" d="180000" r="11"/></SegmentTimeline></SegmentTemplate>
<Representation id="v360" codecs="avc1.4d401e" bandwidth="468196" width="640" height="360" frameRate="25"/></AdaptationSet>
<AdaptationSet id="4" contentType="text" mimeType="${type}" lang="en"><Representation id="text" bandwidth="1000"><BaseURL>${file}</BaseURL></Representation></AdaptationSet></Period></MPD>`;

/** A page that shows captions of a title, in an element of this size. */
async function open(source, [width, height] = [640, 360]) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/web/test/element.html`);
  await page.waitForFunction(() => window.ready);
  await page.evaluate(
    ([source, width, height]) => {
      document.body.style.margin = "0";
      document.body.innerHTML = `<telecine-player muted style="width: ${width}px; height: ${height}px; aspect-ratio: auto"></telecine-player>`;
      window.el = document.querySelector("telecine-player");
      window.told = new Record(el);
      el.options = { textLanguages: ["en"] };
      el.src = source;
      const box = (node) => {
        const { left, top, right, bottom, width, height } = node.getBoundingClientRect();
        return { left, top, right, bottom, width, height };
      };
      /** What is drawn: the lines of each text, and its looks. */
      window.drawn = () =>
        [...el.shadowRoot.querySelectorAll(".captions .text")].map((text) => {
          const { color, backgroundColor, fontSize, fontFamily, textShadow } = getComputedStyle(text);
          return { text: text.innerText, box: box(text), color, backgroundColor, fontSize: parseFloat(fontSize), fontFamily, textShadow };
        });
      window.box = (selector) => box(el.shadowRoot.querySelector(selector));
    },
    [source, width, height],
  );
  const drawn = async (has) => {
    await page.waitForFunction((has) => drawn().some(({ text }) => text.includes(has)), has);
    return Object.fromEntries((await page.evaluate(() => drawn())).map((each) => [each.text.trim(), each]));
  };
  const done = async () => {
    assert.deepEqual(lines, []);
    await page.close();
  };
  return { page, drawn, done };
}

const near = (value, wanted, by, what) => assert.ok(Math.abs(value - wanted) <= by, `${what}: ${value}, not ${wanted}`);
const middle = ({ left, right }) => (left + right) / 2;

test("texts of the demo title come and go at their times, at the bottom, in the middle", async () => {
  const { page, drawn, done } = await open("/hls/demo/main.m3u8");
  const at = (time) =>
    page.evaluate(async (time) => {
      el.currentTime = time;
      await told.holds((el) => !el.seeking && el.readyState > 1);
    }, time);
  await page.evaluate(() => told.until("canplay"));
  await at(3);
  const { box, color, backgroundColor, fontSize } = (await drawn("A meadow"))["A meadow, just before sunrise."];
  near(middle(box), 320, 2, "its middle");
  assert.ok(box.bottom <= 360 && box.bottom > 340, `its lower edge is at ${box.bottom}`);
  assert.equal(color, "rgb(255, 255, 255)");
  assert.equal(backgroundColor, "rgba(0, 0, 0, 0.8)");
  near(fontSize, 18, 0.1, "letters are a twentieth of the picture's height");
  // Between two texts there is none.
  await at(2);
  await page.waitForFunction(() => drawn().length === 0);
  // `line:25% align:end position:95%`
  await at(7.5);
  const card = (await drawn("A test card"))["A test card:\nsharp edges, hard colours."].box;
  near(card.top, 90, 6, "its upper edge");
  near(card.right, 608, 8, "its right edge");
  await page.evaluate(() => el.player.select("text", null));
  await page.waitForFunction(() => drawn().length === 0);
  await done();
});

test("WebVTT: lines, positions, sizes, regions, directions; nothing covers anything else", async () => {
  const { page, drawn, done } = await open("/files/captions/places.vtt.mpd");
  const texts = await drawn("At the bottom");
  const of = (text) => texts[text].box;
  const line = of("Below it").height;
  // Both want the first line: the second goes below.
  near(of("On the first line").top, 0, 4, "the first line");
  assert.ok(of("On the first line too").top >= of("On the first line").bottom - 3);
  near(middle(of("On the first line too")), 320, 2, "its middle");
  // line:50% position:25% size:40% align:left
  near(of("Left and loud").left, 160, 6, "25 % of the width");
  near(of("Left and loud").top, 180, 4, "50 % of the height");
  // Lines without a place: the first at the bottom, the next above it.
  near(of("At the bottom").bottom, 360, 6, "the last line");
  near(of("Below it").bottom, of("At the bottom").top, 6, "the line above");
  // A region of 40 % whose upper right corner is at 95 %, 5 %; its text at its lower edge, in its middle.
  near(middle(of("In the corner")), 640 * (0.95 - 0.2), 4, "the region's middle");
  near(of("In the corner").bottom, 18 + 3 * 18 * 1.2, 4, "the region's lower edge");
  // vertical:rl line:20%
  assert.ok(of("Downwards").height > of("Downwards").width && of("Downwards").height > 2 * line);
  near(of("Downwards").left, 128, 6, "20 % of the width");
  near((of("Downwards").top + of("Downwards").bottom) / 2, 180, 6, "in the middle of the height");
  const boxes = Object.entries(texts);
  for (const [a, { box: one }] of boxes) {
    for (const [b, { box: other }] of boxes) {
      const apart = one.right <= other.left + 1 || other.right <= one.left + 1 || one.bottom <= other.top + 2 || other.bottom <= one.top + 2;
      assert.ok(a === b || apart, `"${a}" covers "${b}"`);
    }
  }
  const loud = await page.evaluate(() => {
    const { color, fontWeight } = getComputedStyle(el.shadowRoot.querySelector(".captions .loud"));
    return { color, fontWeight };
  });
  assert.deepEqual(loud, { color: "rgb(0, 255, 0)", fontWeight: "700" });
  await done();
});

test("IMSC: regions with their background, colours, sizes, families, alignment", async () => {
  const { page, drawn, done } = await open("/files/captions/imsc.ttml.mpd");
  const texts = await drawn("Above");
  const above = texts["Above"];
  near(above.fontSize, 24, 0.5, "a fifteenth of the picture's height");
  assert.equal(above.color, "rgb(255, 255, 0)");
  assert.match(above.fontFamily, /mono/i);
  near(above.box.top, 36, 6, "the upper edge of its region");
  near(middle(above.box), 320, 3, "the middle of its region");
  const below = texts["Below,\nin red"];
  near(below.box.left, 128, 8, "the start of its region");
  near(below.box.bottom, 0.9 * 360, 6, "the lower edge of its region");
  const looks = await page.evaluate(() => {
    const of = (node, name) => getComputedStyle(node)[name];
    const [top, low] = el.shadowRoot.querySelectorAll(".captions .region");
    const blue = top.querySelector(".text span");
    const red = low.querySelector(".text span");
    return { region: of(top, "backgroundColor"), blue: of(blue, "backgroundColor"), red: [of(red, "color"), of(red, "fontStyle"), of(red, "fontWeight")], box: box(".captions .region") };
  });
  assert.equal(looks.region, "rgba(0, 0, 0, 0.5)");
  assert.equal(looks.blue, "rgb(0, 0, 255)");
  assert.deepEqual(looks.red, ["rgb(255, 0, 0)", "italic", "700"]);
  near(looks.box.left, 64, 1, "10 %");
  near(looks.box.width, 512, 1, "80 %");
  near(looks.box.top, 36, 1, "10 %");
  near(looks.box.height, 72, 1, "20 %");
  await done();
});

test("captions are over the picture, not over the bars beside it, and follow the element's size", async () => {
  const { page, drawn, done } = await open("/files/captions/places.vtt.mpd", [800, 270]);
  const wide = await drawn("At the bottom");
  // 16:9 in 800 by 270 is 480 wide, with 160 of bar at each side.
  const box = await page.evaluate(() => box(".captions"));
  near(box.left, 160, 1, "left");
  near(box.width, 480, 1, "width");
  near(wide["Left and loud"].box.left, 160 + 120, 6, "25 % of the picture");
  near(wide["At the bottom"].fontSize, 13.5, 0.1, "letters");
  await page.evaluate(() => Object.assign(el.style, { width: "320px", height: "400px" }));
  await page.waitForFunction(() => Math.abs(box(".captions").top - 110) < 1 && Math.abs(box(".captions").height - 180) < 1);
  const high = await drawn("At the bottom");
  near(high["At the bottom"].box.bottom, 290, 4, "the lower edge of the picture");
  near(high["At the bottom"].fontSize, 9, 0.1, "letters");
  await done();
});

test("a viewer's size, colours, background, letters and edges are over the author's, and are kept", async () => {
  const first = await open("/files/captions/imsc.ttml.mpd");
  const before = (await first.drawn("Above"))["Above"];
  await first.page.evaluate(() => {
    el.captionSettings = { size: 2, color: "#00ffff", background: "#ff0000", backgroundOpacity: 0.5, family: "proportional-serif", edge: "uniform", nonsense: 1 };
  });
  const after = (await first.drawn("Above"))["Above"];
  near(after.fontSize, 2 * before.fontSize, 0.5, "twice as large");
  assert.equal(after.color, "rgb(0, 255, 255)");
  assert.equal(after.backgroundColor, "rgba(255, 0, 0, 0.5)");
  assert.match(after.fontFamily, /Times/);
  assert.notEqual(after.textShadow, "none");
  // What the author colours within the text is the viewer's too.
  assert.equal(await first.page.evaluate(() => getComputedStyle(el.shadowRoot.querySelectorAll(".captions .region")[1].querySelector("span span")).color), "rgb(0, 255, 255)");
  await first.done();

  const again = await open("/files/captions/imsc.ttml.mpd");
  assert.equal((await again.drawn("Above"))["Above"].color, "rgb(0, 255, 255)");
  assert.deepEqual(await again.page.evaluate(() => el.captionSettings), {
    size: 2,
    color: "#00ffff",
    background: "#ff0000",
    backgroundOpacity: 0.5,
    family: "proportional-serif",
    edge: "uniform",
  });
  await again.page.evaluate(() => (el.captionSettings = {}));
  assert.equal((await again.drawn("Above"))["Above"].color, "rgb(255, 255, 0)");
  await again.done();
});
