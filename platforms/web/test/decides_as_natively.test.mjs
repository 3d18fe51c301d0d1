// What is recorded in a page is decided again by the engine of this machine, action for action.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, stage, telecine } from "./harness.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-web-"));
let here;
before(async () => {
  here = await stage(["--network", "rate=3Mbps,rtt=40ms"]);
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const manifest of ["hls/demo/main.m3u8", "dash/demo/time.mpd"]) {
  test(`a session of ${manifest} in a page is decided alike natively`, async () => {
    const { page, lines } = await open(here, { record: true });
    const { hash, recording } = await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      await watch.state("playing");
      await new Promise((resolve) => setTimeout(resolve, 4000));
      player.seek(15);
      await watch.until(({ type }) => type === "SeekEnded", 10_000);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      player.stop();
      await watch.state("stopped");
      const bytes = await player.recording();
      return { hash: await player.actionHash(), recording: btoa(String.fromCharCode(...bytes)) };
    }, `${here.url}/${manifest}`);
    const file = path.join(folder, "session.rec");
    writeFileSync(file, Buffer.from(recording, "base64"));
    // It fails where it is not equal.
    const told = JSON.parse(execFileSync(telecine, ["replay", "--json", file], { encoding: "utf8", maxBuffer: 1 << 28 }));
    assert.equal(told.verdict, "equal");
    assert.ok(told.actions > 50 && told.decisions.length > 5, `${told.actions} actions, ${told.decisions.length} decisions`);
    assert.equal(hash, told.replayed_hash);
    assert.equal(hash, told.recorded_hash);
    assert.deepEqual(lines, []);
    await page.close();
  });
}
