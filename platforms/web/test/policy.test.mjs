// A page under a strict policy (Content-Security-Policy) has a player that looks and plays as elsewhere.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen } from "../../../conformance/suite/browser/chromium.mjs";
import { host, pageOf } from "./host.mjs";
import { stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** The policy of the README: the least that a page with a player needs, with the titles on one other origin. */
const policy = (titles) =>
  [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `connect-src 'self' ${titles}`,
    "media-src blob:",
    // `data:` is for the icon of the page of this test.
    `img-src data: ${titles}`,
  ].join("; ");

/** What is seen of a page under that policy once its title plays. */
async function seen({ script, body, headers }, look) {
  const served = await host({ files: pageOf(script, body), headers: { "content-security-policy": policy(here.url), ...headers } });
  const page = await here.chromium.context.newPage();
  const lines = listen(page);
  try {
    await page.goto(served.url);
    await page.waitForFunction(() => document.querySelector("telecine-player, video")?.currentTime > 0.5);
    return { seen: await page.evaluate(look), lines };
  } finally {
    await page.close();
    served.close();
  }
}

const element = (more = "") => ({
  script: `import "/dist/element.js"; ${more}`,
  body: `<telecine-player muted autoplay controls statistics src="${here.url}/hls/demo/main.m3u8"></telecine-player>`,
});

/** The looks of an element and of what is drawn over it. */
const looks = () => {
  const player = document.querySelector("telecine-player");
  const root = player.shadowRoot;
  const of = (selector, name) => getComputedStyle(root.querySelector(selector))[name];
  return {
    topology: player.player.topology,
    width: getComputedStyle(player).width,
    places: ["video", ".captions", ".controls", ".statistics"].map((selector) => of(selector, "position")),
    row: of(".controls .row", "display"),
    letters: of(".statistics", "fontSize"),
  };
};
const LOOKS = { topology: "worker", width: "640px", places: ["absolute", "absolute", "absolute", "absolute"], row: "flex", letters: "11px" };

test("under a strict policy the element has its styles, plays, and nothing is said in the console", async () => {
  const { seen: is, lines } = await seen(element(), looks);
  assert.deepEqual(is, LOOKS);
  assert.deepEqual(lines, []);
});

test("where Media Source is in the page it plays under that policy, too", async () => {
  const { seen: is, lines } = await seen(
    {
      script: `import { Player } from "/dist/telecine.js"; const player = new Player({ topology: "worker-transfer" }); player.attach(document.querySelector("video")); player.load("${here.url}/hls/demo/main.m3u8"); player.play(); window.player = player;`,
      body: "<video muted></video>",
    },
    () => player.topology,
  );
  assert.equal(is, "worker-transfer");
  assert.deepEqual(lines, []);
});

test("in another document, and in a browser that makes no style sheets by script, the element looks the same", async () => {
  const moved = () =>
    new Promise((resolve) => {
      const frame = document.createElement("iframe");
      document.body.append(frame);
      const player = document.querySelector("telecine-player");
      frame.contentDocument.body.append(player);
      setTimeout(() => resolve([frame.contentWindow.getComputedStyle(player.video).position, frame.contentWindow.getComputedStyle(player.shadowRoot.querySelector(".controls")).position]), 100);
    });
  const { seen: elsewhere } = await seen(element(), moved);
  assert.deepEqual(elsewhere, ["absolute", "absolute"]);
  // By a style element, which such a policy refuses.
  const old = { ...element(), headers: { "content-security-policy": "" } };
  old.script = `delete window.CSSStyleSheet; delete Document.prototype.adoptedStyleSheets; delete ShadowRoot.prototype.adoptedStyleSheets; await import("/dist/element.js");`;
  const { seen: is } = await seen(old, looks);
  assert.deepEqual(is, LOOKS);
});

/** A page that takes no plain text where scripts come from (Trusted Types), and these policies of its own. */
const typed = (allowed) => ({ "content-security-policy": `${policy(here.url)}; require-trusted-types-for 'script'${allowed}` });

for (const [what, allowed] of [
  ["any policy", ""],
  ["the policy telecine", "; trusted-types telecine"],
]) {
  test(`where Trusted Types are required and ${what} is allowed, the element plays from its worker, and nothing is said in the console`, async () => {
    const { seen: is, lines } = await seen({ ...element(), headers: typed(allowed) }, looks);
    assert.deepEqual(is, LOOKS);
    assert.deepEqual(lines, []);
  });
}

test("two players of a page with Trusted Types share the one policy of that name", async () => {
  const script = `import { Player } from "/dist/telecine.js";
    const players = [...document.querySelectorAll("video")].map((video) => {
      const player = new Player();
      player.attach(video);
      player.load("${here.url}/hls/demo/main.m3u8");
      player.play();
      return player;
    });
    window.players = players;`;
  const { seen: is, lines } = await seen({ script, body: "<video muted></video><video muted></video>", headers: typed("; trusted-types telecine") }, async () => {
    while (![...document.querySelectorAll("video")].every(({ currentTime }) => currentTime > 0.5)) await new Promise((resolve) => setTimeout(resolve, 20));
    return players.map(({ topology }) => topology);
  });
  assert.deepEqual(is, ["worker", "worker"]);
  assert.deepEqual(lines, []);
});

test("a worker of another origin starts under Trusted Types, too", async () => {
  const other = await host({ headers: { "access-control-allow-origin": "*" } });
  try {
    const csp = `script-src 'self' ${other.url} 'wasm-unsafe-eval'; worker-src blob: ${other.url}; require-trusted-types-for 'script'; trusted-types telecine`;
    const { seen: is } = await seen(
      {
        script: `import { Player } from "/dist/telecine.js"; const player = new Player({ workerUrl: "${other.url}/dist/worker.js" }); player.attach(document.querySelector("video")); player.load("${here.url}/hls/demo/main.m3u8"); player.play(); window.player = player;`,
        body: "<video muted></video>",
        headers: { "content-security-policy": csp },
      },
      () => player.topology,
    );
    assert.equal(is, "worker");
  } finally {
    other.close();
  }
});

test("where another policy alone is allowed the engine is in the page, and it plays", async () => {
  const { seen: is } = await seen({ ...element(), headers: typed("; trusted-types 'none'") }, () => document.querySelector("telecine-player").player.topology);
  assert.equal(is, "page");
});
