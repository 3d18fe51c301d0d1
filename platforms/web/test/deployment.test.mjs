// Whoever serves a player wrongly is told what is wrong: an error of its own (7005), with a sentence that says what to do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { open, stage } from "./harness.mjs";
import { host, pageOf } from "./host.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** What the browser itself writes of what it did not load or refused. */
const ofTheBrowser = (line) => /Failed to load resource|Content Security Policy|CORS policy/.test(line);

/** The first error of a player in a page of its own, and what its element does 4 s later at the latest. */
async function told(options, server = {}) {
  const script = `
    import { Player } from "/dist/telecine.js";
    const player = new Player(${JSON.stringify(options)});
    player.attach(document.querySelector("video"));
    player.addEventListener("error", ({ detail }) => (window.told ??= detail.error));
    player.load("${here.url}/hls/demo/main.m3u8");
    player.play();
    window.player = player;`;
  const served = await host({ files: pageOf(script, "<video muted></video>"), ...server });
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  try {
    await page.goto(served.url);
    await page.waitForFunction(() => window.told);
    const error = await page.evaluate(() => window.told);
    if (!error.fatal) await page.waitForFunction(() => document.querySelector("video").currentTime > 0.5);
    assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
    return { ...error, topology: await page.evaluate(() => player.topology) };
  } finally {
    await page.close();
    served.close();
  }
}

/** The table of errors, which is generated from the engine's: where there is no engine the page says the same. */
const ERRORS = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

function isUnavailable({ code, name, domain, blame, meaning, advice }) {
  assert.equal(code, 7005);
  assert.ok(ERRORS.includes(`| ${[code, name, domain, blame, meaning, advice].join(" | ")} |`), `${name}: ${meaning} ${advice}`);
}

test("a module that is not there", async () => {
  const error = await told({ wasmUrl: "/nothing.wasm" });
  isUnavailable(error);
  assert.equal(error.fatal, true);
  assert.match(error.message, /nothing\.wasm is 404/);
});

test("a page in place of the module", async () => {
  const error = await told({ wasmUrl: "/" });
  isUnavailable(error);
  assert.match(error.message, /the engine does not start: CompileError/);
});

test("a module of another origin that does not allow the page to read it", async () => {
  const other = await host({});
  const error = await told({ wasmUrl: `${other.url}/dist/telecine.wasm` });
  other.close();
  isUnavailable(error);
  assert.match(error.message, /telecine\.wasm cannot be read/);
});

test("a policy that lets nothing be compiled", async () => {
  const policy = `script-src 'self'; worker-src 'self'; connect-src 'self' ${here.url}; media-src blob:`;
  const error = await told({}, { headers: { "content-security-policy": policy } });
  isUnavailable(error);
  assert.match(error.message, /Content Security Policy/);
});

test("the second part of the module is not there", async () => {
  const error = await told({ restUrl: "/nothing.wasm", topology: "page" });
  isUnavailable(error);
  assert.match(error.message, /nothing\.wasm is 404/);
});

test("a worker that is not there: told as not fatal, and the title plays in the page", async () => {
  const error = await told({ workerUrl: "/nothing.js" });
  isUnavailable(error);
  assert.deepEqual([error.fatal, error.handling, error.topology], [false, "replaced", "page"]);
  assert.match(error.message, /nothing\.js does not load as a worker/);
});

test("what was destroyed loads nothing, starts nothing, and says so", async () => {
  const { page, lines } = await open(here);
  await page.waitForTimeout(500);
  const workers = [];
  const seen = await page.evaluate(() => {
    player.destroy();
    return ["load", "attach"].map((name) => {
      try {
        player[name](name === "load" ? "/hls/demo/main.m3u8" : watch.video);
        return "nothing";
      } catch ({ name }) {
        return name;
      }
    });
  });
  page.on("worker", (worker) => workers.push(worker.url()));
  await page.waitForTimeout(500);
  assert.deepEqual(seen, ["InvalidStateError", "InvalidStateError"]);
  assert.deepEqual([workers, page.workers().length], [[], 0]);
  assert.deepEqual(lines, []);
  await page.close();
});
