// What an application can ask of a title that plays, and what it can have otherwise.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, root, stage } from "./harness.mjs";
import { trapping } from "./trap.mjs";

let here;
before(async () => {
  here = await stage();
});
after(async () => here?.close());

/** A page in which a title plays. */
async function playing(manifest, options) {
  const { page, lines } = await open(here, options);
  await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
  }, `${here.url}/${manifest}`);
  return { page, lines };
}

for (const [protocol, manifest] of [
  ["hls", "hls/demo/main.m3u8"],
  ["dash", "dash/demo/time.mpd"],
]) {
  test(`a title of ${protocol} is told with its tracks and their renditions`, async () => {
    const { page, lines } = await playing(manifest);
    const title = await page.evaluate(() => player.presentation());
    assert.equal(title.protocol, protocol);
    assert.deepEqual([title.live, title.chapters], [false, null]);
    assert.ok(Math.abs(title.duration - 24) < 0.1, `${title.duration} s`);
    const of = (kind) => title.tracks.filter((track) => track.kind === kind);
    const heights = of("video").flatMap(({ renditions }) => renditions.map(({ height }) => height));
    assert.deepEqual([...new Set(heights)].sort((a, b) => a - b), [180, 360, 480, 720]);
    for (const { width, height, bitrate, codecs } of of("video").flatMap(({ renditions }) => renditions)) {
      assert.ok(Math.abs(width / height - 16 / 9) < 0.01 && bitrate > 50_000, `${width} x ${height}, ${bitrate}`);
      assert.match(codecs, /^avc1\./);
    }
    assert.deepEqual(of("audio").map(({ language }) => language).sort(), ["en", "fr"]);
    assert.deepEqual(of("text").map(({ language }) => language).sort(), ["en", "fr"]);
    assert.equal(title.tracks.filter(({ selected }) => selected).length, 2, "picture and sound are played");
    assert.deepEqual(lines, []);
    await page.close();
  });
}

test("nothing is told of a title as long as none is loaded", async () => {
  const { page } = await open(here);
  assert.deepEqual(await page.evaluate(async () => [await player.presentation(), await player.interstitials()]), [null, []]);
  await page.close();
});

test("what a session is like adds up", async () => {
  const { page, lines } = await playing("hls/demo/main.m3u8");
  const { qoe, snapshot } = await page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    player.seek(12);
    await watch.until(({ type }) => type === "SeekEnded", 10_000);
    return { qoe: await player.qoe(), snapshot: await player.snapshot() };
  });
  assert.equal(qoe.state, "playing");
  assert.ok(qoe.startup > 0 && qoe.startup < 20, `${qoe.startup} s`);
  assert.ok(qoe.played > 1 && qoe.played < qoe.elapsed, `${qoe.played} s of ${qoe.elapsed} s`);
  assert.equal(qoe.seeks, 1);
  const sum = Object.values(qoe.states).reduce((total, spent) => total + spent, 0);
  assert.ok(Math.abs(sum - qoe.elapsed) < 0.001, `${sum} s of ${qoe.elapsed} s`);
  assert.ok(qoe.requests > 5 && qoe.requests_failed === 0 && qoe.bytes_fetched > 100_000);
  assert.ok(qoe.bytes_media <= qoe.bytes_fetched && qoe.mean_bitrate > 0);
  assert.equal(snapshot.edge, null);
  assert.deepEqual(snapshot.streams.map(({ kind }) => kind), ["video", "audio"]);
  assert.ok(snapshot.network.bits_per_second > 0 && snapshot.network.low > 0);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a rendition that is named is the one on the screen, and without a name it rises again", async () => {
  const { page, lines } = await playing("hls/demo/main.m3u8", { bufferGoal: 4, initialThroughput: 20_000_000 });
  const ids = await page.evaluate(async () => {
    const { tracks } = await player.presentation();
    const { renditions } = tracks.find(({ kind }) => kind === "video");
    return renditions.sort((a, b) => a.bitrate - b.bitrate).map(({ id }) => id);
  });
  const seen = async (rendition) => {
    await page.waitForFunction(
      (rendition) => watch.pictures.length > 10 && watch.pictures.slice(-10).every(({ strip }) => strip?.rendition === rendition),
      rendition,
      { timeout: 15_000 },
    );
  };
  await page.evaluate((id) => player.constrain({ renditions: [id] }), ids[1]);
  await seen(1);
  const told = await page.evaluate(async () => (await player.snapshot()).streams.find(({ kind }) => kind === "video").rendition);
  assert.equal(told, ids[1]);
  await page.evaluate(() => player.constrain({ minBitrate: 100_000_000 }));
  await seen(3);
  assert.deepEqual(lines, []);
  await page.close();
});

test("what was set holds for the worker that takes the place of one that broke", async () => {
  const module = trapping(readFileSync(path.join(root, "platforms/web/dist/telecine.wasm")), "pause");
  await here.chromium.context.route("**/made/trap.wasm", (route) => route.fulfill({ contentType: "application/wasm", body: Buffer.from(module) }));
  const { page, lines } = await open(here, { initialThroughput: 50_000_000, wasmUrl: `${here.url}/made/trap.wasm` });
  await page.evaluate(() => player.constrain({ maxHeight: 200 }));
  const renditions = () =>
    page.evaluate(async (url) => {
      watch.told.length = 0;
      player.load(url);
      player.play();
      await watch.state("playing");
      watch.pictures.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return [...new Set(watch.pictures.flatMap(({ strip }) => strip?.rendition ?? []))];
    }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(await renditions(), [0]);
  await page.evaluate(async () => {
    player.pause();
    await watch.state("failed");
  });
  assert.deepEqual(await renditions(), [0]);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a language that is preferred is the one of the next title", async () => {
  const { page, lines } = await playing("hls/demo/main.m3u8");
  const chosen = await page.evaluate(async (url) => {
    player.prefer({ audioLanguages: ["fr"], textLanguages: ["en"] });
    watch.told.length = 0;
    player.load(url);
    await watch.until(({ type, kind }) => type === "Selected" && kind === "text", 10_000);
    const { tracks } = await player.presentation();
    return tracks.filter(({ selected, kind }) => selected && kind !== "video").map(({ kind, language }) => [kind, language]);
  }, `${here.url}/dash/demo/time.mpd`);
  assert.deepEqual(chosen.sort(), [["audio", "fr"], ["text", "en"]]);
  assert.deepEqual(lines, []);
  await page.close();
});

test("a device that is to be spared gets small pictures, and so does who saves data", async () => {
  for (const spare of ["player.setPressure('critical')", "player.setDataSaver(100_000_000)"]) {
    const { page, lines } = await open(here, { initialThroughput: 50_000_000, bufferGoal: 4 });
    await page.evaluate(
      async ([url, spare]) => {
        eval(spare);
        player.load(url);
        player.play();
        await watch.state("playing");
        await new Promise((resolve) => setTimeout(resolve, 3000));
      },
      [`${here.url}/hls/demo/main.m3u8`, spare],
    );
    const renditions = await page.evaluate(() => watch.pictures.flatMap(({ strip }) => strip?.rendition ?? []));
    assert.ok(renditions.length > 20, `${renditions.length} pictures`);
    assert.ok(Math.max(...renditions) < 3, `${spare}: ${[...new Set(renditions)]}`);
    assert.deepEqual(lines, []);
    await page.close();
  }
});

test("an element that it lets go of is as it was, and can be taken again", async () => {
  const { page, lines } = await playing("hls/demo/main.m3u8");
  const { gone, empty, again } = await page.evaluate(async (url) => {
    const { video } = watch;
    const own = player.video === video;
    player.detach();
    await watch.state("stopped");
    const gone = own && player.video === undefined;
    const empty = video.srcObject === null && video.readyState === 0;
    player.attach(video);
    watch.told.length = 0;
    player.load(url);
    player.play();
    await watch.state("playing");
    return { gone, empty, again: player.video === video };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual([gone, empty, again], [true, true, true]);
  assert.deepEqual(lines, []);
  await page.close();
});

test("what there is to skip or to release is told as a mistake where there is nothing", async () => {
  const { page } = await playing("hls/demo/main.m3u8");
  const errors = await page.evaluate(async () => {
    player.skip();
    player.releaseLicence({ system: "no-such", name: "n", key_ids: [], expires: null, releasing: false });
    await watch.until(({ type, error }) => type === "Error" && error.name === "InvalidArgument", 5000);
    return watch.told.filter(({ type }) => type === "Error").map(({ error }) => [error.name, error.fatal, error.handling]);
  });
  assert.deepEqual(errors, [["InvalidState", false, "skipped"], ["InvalidArgument", false, "skipped"]]);
  await page.close();
});

test("a rule that is not there is told with those that are, and the default plays", async () => {
  const { page, lines } = await open(here, { rule: "pensieve" });
  const errors = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    return watch.told.filter(({ type }) => type === "Error").map(({ error }) => error);
  }, `${here.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(errors.map(({ name, fatal, handling }) => [name, fatal, handling]), [["InvalidArgument", false, "skipped"]]);
  assert.match(errors[0].message, /'pensieve'.*foresight/);
});
