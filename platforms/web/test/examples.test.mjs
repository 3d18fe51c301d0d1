// The examples of the repository, each as somebody would open it; the one with Vite from the package as it would be published.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { root, stage } from "./harness.mjs";

const run = promisify(execFile);
const npm = (cwd, ...args) => run("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, maxBuffer: 1 << 26 });

let here;
let built;
before(async () => {
  built = mkdtempSync(path.join(tmpdir(), "telecine-examples-"));
  here = await stage(["--folder", `repository=${root}`, "--folder", `built=${built}`]);
});
after(async () => {
  await here?.close();
  rmSync(built, { recursive: true, force: true });
});

async function open(address) {
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  await page.goto(`${here.url}/files/${address}`);
  return { page, lines };
}

test("a plain page is five lines of HTML, and plays", async () => {
  const { page, lines } = await open("repository/examples/web-plain/index.html");
  const text = readFileSync(path.join(root, "examples/web-plain/index.html"), "utf8");
  assert.equal(text.trim().split("\n").length, 5);
  await page.evaluate(() => document.querySelector("telecine-player").play());
  await page.waitForFunction(() => document.querySelector("telecine-player").currentTime > 1);
  assert.deepEqual(lines, []);
  await page.close();
});

test("media-chrome's controls play, hold, move and show the time of the element", async () => {
  await npm(path.join(root, "examples/web-media-chrome"), "ci", "--ignore-scripts");
  const { page, lines } = await open("repository/examples/web-media-chrome/index.html");
  await page.locator("media-play-button").click();
  await page.waitForFunction(() => document.querySelector("telecine-player").currentTime > 1);
  assert.match(await page.evaluate(() => document.querySelector("media-time-display").shadowRoot.querySelector("time, #container, slot").textContent), /0:0\d\s*\/\s*0:24/);
  await page.locator("media-play-button").click();
  await page.waitForFunction(() => document.querySelector("telecine-player").paused);
  // A click in the middle of its range is a seek to the middle of the title.
  const range = await page.locator("media-time-range").boundingBox();
  await page.mouse.click(range.x + range.width / 2, range.y + range.height / 2);
  await page.waitForFunction(() => Math.abs(document.querySelector("telecine-player").currentTime - 12) < 1.5);
  await page.locator("media-mute-button").click();
  assert.equal(await page.evaluate(() => document.querySelector("telecine-player").muted), false);
  await page.locator("media-playback-rate-button").click();
  assert.ok((await page.evaluate(() => document.querySelector("telecine-player").playbackRate)) > 1);
  assert.deepEqual(lines, []);
  await page.close();
});

test("the package from npm pack installs into Vite and React, its types are complete, and it plays", async () => {
  const app = path.join(built, "app");
  const example = path.join(root, "examples/web-vite-react");
  cpSync(example, app, { recursive: true, filter: (file) => !/node_modules|dist$/.test(file) });
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", built], { cwd: path.join(root, "platforms/web") });
  const [{ filename, files }] = JSON.parse(stdout);
  const packed = files.map(({ path }) => path);
  for (const name of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/telecine.js", "dist/element.js", "dist/worker.js", "dist/telecine.wasm", "dist/telecine.more.wasm", "dist/telecine.rest.wasm", "dist/telecine.classic.js", "dist/types/player.d.ts", "dist/types/element/define.d.ts"]) {
    assert.ok(packed.includes(name), `${name} is missing in ${packed}`);
  }
  await npm(app, "ci", "--ignore-scripts");
  await npm(app, "install", "--no-save", "--ignore-scripts", path.join(built, filename));
  await npm(app, "run", "build");

  const { page, lines } = await open("built/app/dist/index.html");
  await page.getByRole("button", { name: "Play", exact: true }).last().click();
  await page.waitForFunction(() => /^[1-9]\.\d s$/.test(document.querySelector("output").textContent));
  assert.deepEqual(lines, []);
  await page.close();
});
