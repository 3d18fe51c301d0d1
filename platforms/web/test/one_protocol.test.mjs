// The builds of one protocol: they play it, and say of the other one that it is left out.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, root, stage } from "./harness.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

const TITLES = { hls: "hls/demo/main.m3u8", dash: "dash/demo/time.mpd" };

for (const [only, other] of [
  ["hls", "dash"],
  ["dash", "hls"],
]) {
  const skip = !existsSync(path.join(root, "platforms/web/dist", `only-${only}`, "telecine.wasm")) && `make web PROTOCOL=${only} builds it`;
  test(`the build of ${only} alone plays ${only}, and refuses ${other} by a code of its own`, { skip }, async () => {
    const { page, lines } = await open(here, {}, undefined, only);
    const { error, pictures } = await page.evaluate(
      async ([own, other]) => {
        player.load(other);
        const { error } = await watch.until(({ type }) => type === "Error", 20_000);
        watch.told.length = 0;
        player.load(own);
        player.play();
        await watch.state("playing");
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return { error, pictures: watch.pictures.filter(({ strip }) => strip).length };
      },
      [`${here.url}/${TITLES[only]}`, `${here.url}/${TITLES[other]}`],
    );
    await page.close();
    assert.equal(error.code, 2013);
    assert.match(error.message, new RegExp(`does not play ${other.toUpperCase()}`));
    assert.ok(pictures > 10, `${pictures} pictures`);
    assert.deepEqual(lines, []);
  });
}
