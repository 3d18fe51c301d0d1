// What an application changes of requests for manifests and media. The oracle is what servers were asked for.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, root, stage, TOPOLOGIES } from "./harness.mjs";
import { front } from "./service.mjs";

let here;
before(async () => {
  here = await stage(["--folder", `media=${path.join(root, "conformance/media/demo")}`]);
  await here.chromium.context.addCookies([{ name: "viewer", value: "7", url: here.url }]);
});
const servers = [];
after(async () => {
  servers.forEach((server) => server.close());
  await here?.close();
});

/** Another origin in front of the origin. */
async function other(options) {
  servers.push(await front(here.url, options));
  return servers.at(-1);
}

/** A page with a player; `request` is a value, or a function of the page. */
async function changing(request, { given, options = {} } = {}) {
  const { page, lines } = await open(here);
  await page.evaluate(
    ({ request, code, given, options }) => {
      player.destroy();
      window.given = given;
      window.begin({ remember: false, ...options, request: code ? new Function(`return (${code})`)() : request });
    },
    { request: typeof request === "function" ? undefined : request, code: typeof request === "function" ? String(request) : undefined, given, options },
  );
  return { page, lines };
}

/** Plays the end of a title; what was told. */
const plays = (page, url, start = 20) =>
  page.evaluate(
    async ({ url, start }) => {
      watch.told.length = 0;
      player.load(url, { start });
      player.play();
      await watch.state("ended", 40_000);
      return watch.told;
    },
    { url, start },
  );

/** Loads what does not play: its fatal error. */
const fails = (page, url) =>
  page.evaluate(async (url) => {
    watch.told.length = 0;
    player.load(url);
    player.play();
    await watch.state("failed", 60_000);
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, url);

const errors = (told) => told.filter(({ type }) => type === "Error");

/** Lines that the browser itself writes of requests that failed. */
const ofTheBrowser = (line) => /^error: (Failed to load resource|Access to fetch)/.test(line);

/** Which kinds of things were asked for. */
function kinds(seen) {
  const all = { manifest: /main\.m3u8|\.mpd/, playlist: /\/(?!main)[^/]*\.m3u8/, init: /init/, segment: /\.m4s|\.mp4$/ };
  return Object.keys(all).filter((kind) => seen.some(({ url }) => all[kind].test(url.split("?")[0])));
}

for (const topology of TOPOLOGIES) {
  test(`${topology}: a function of the page changes each request: headers, cookies and query`, async () => {
    const server = await other();
    const { page, lines } = await changing(
      async (request) => {
        (window.requests ??= []).push({ ...request, headers: { ...request.headers } });
        await new Promise((resolve) => setTimeout(resolve, 5));
        request.headers.authorization = "Bearer secret41";
        return { ...request, url: `${request.url}?token=secret42`, credentials: "include" };
      },
      { options: { topology, record: true } },
    );
    const told = await plays(page, `${server.url}/hls/demo/main.m3u8`);
    const requests = await page.evaluate(() => requests);
    const recording = Buffer.from(await page.evaluate(async () => Array.from(await player.recording()))).toString("latin1");
    assert.equal(await page.evaluate(() => player.topology), topology);
    await page.close();
    assert.deepEqual(errors(told), []);
    assert.deepEqual(lines, []);
    assert.deepEqual(kinds(server.seen), ["manifest", "playlist", "init", "segment"], server.seen.map(({ url }) => url).join(" "));
    for (const { url, headers } of server.seen) {
      assert.equal(headers.authorization, "Bearer secret41", url);
      assert.equal(headers.cookie, "viewer=7", url);
      assert.ok(url.endsWith("?token=secret42") && url.split("?").length === 2, url);
    }
    // It was asked once about each, and of what was ordered.
    assert.deepEqual(requests.map(({ url }) => `${url}?token=secret42`).sort(), server.seen.map(({ url }) => server.url + url).sort());
    assert.ok(requests.every(({ headers, credentials, attempt }) => !Object.keys(headers).length && credentials === "same-origin" && attempt === 0));
    for (const { url, kind } of requests) assert.equal(kind, /m3u8$/.test(url) ? "manifest" : "media", url);
    for (const text of [JSON.stringify(told), recording]) assert.ok(!text.includes("secret4"), "a secret was told");
  });
}

test("headers and cookies for the origin of the title go to it, and to no other that the title names", async () => {
  const stranger = await other();
  const server = await other({ rewrite: (text) => text.replaceAll(/a-..\.m3u8/g, (path) => `${stranger.url}/hls/demo/${path}`) });
  const { page, lines } = await changing({ headers: { authorization: "Bearer secret41", "x-token": "secret42" }, credentials: "include" });
  const told = await plays(page, `${server.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  assert.deepEqual(kinds(server.seen), ["manifest", "playlist", "init", "segment"]);
  assert.deepEqual(kinds(stranger.seen), ["playlist", "init", "segment"], stranger.seen.map(({ url }) => url).join(" "));
  for (const { url, headers } of server.seen) assert.deepEqual([headers.authorization, headers["x-token"], headers.cookie], ["Bearer secret41", "secret42", "viewer=7"], url);
  for (const { url, headers } of stranger.seen) assert.deepEqual([headers.authorization, headers["x-token"], headers.cookie], [undefined, undefined, undefined], url);
});

for (const topology of ["worker", "page"]) {
  test(`${topology}: headers are taken as an object of Headers too`, async () => {
    const server = await other();
    const { page, lines } = await changing(undefined, { options: { topology } });
    const told = await page.evaluate(
      async ({ url, topology }) => {
        player.destroy();
        window.begin({ remember: false, topology, request: { headers: new Headers({ "x-token": "secret42" }) } });
        player.load(url, { start: 20 });
        player.play();
        await watch.state("ended", 40_000);
        return watch.told;
      },
      { url: `${server.url}/hls/demo/main.m3u8`, topology },
    );
    await page.close();
    assert.deepEqual([errors(told), lines], [[], []]);
    assert.ok(server.seen.length > 2 && server.seen.every(({ headers }) => headers["x-token"] === "secret42"));
  });
}

test("headers go to the origins that are listed, and to these alone", async () => {
  const listed = await other();
  const server = await other({ rewrite: (text) => text.replaceAll(/a-..\.m3u8/g, (path) => `${listed.url}/hls/demo/${path}`) });
  const { page, lines } = await changing({ headers: { "x-token": "secret42" }, origins: [`${listed.url}/any/place`] });
  const told = await plays(page, `${server.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  assert.ok(server.seen.length > 2 && server.seen.every(({ headers }) => headers["x-token"] === undefined));
  assert.ok(listed.seen.length > 2 && listed.seen.every(({ headers }) => headers["x-token"] === "secret42"));
});

for (const [what, request] of [
  ["that are always the same", { headers: { authorization: "Bearer secret41", "x-token": "secret42" } }],
  ["of a function", (request) => void Object.assign(request.headers, { authorization: "Bearer secret41", "x-token": "secret42" })],
]) {
  test(`headers ${what} do not follow a redirect to another origin, and do within one`, async () => {
    const stranger = await other();
    const server = await other({
      answer({ url }) {
        if (/\.m4s/.test(url)) return { status: 302, headers: { location: stranger.url + url } };
        if (/init/.test(url) && !/moved/.test(url)) return { status: 302, headers: { location: `${url}?moved` } };
        return undefined;
      },
    });
    // What a function says of a request to a stranger is its own affair; here it sees none.
    const { page, lines } = await changing(request);
    const told = await plays(page, `${server.url}/hls/demo/main.m3u8`);
    await page.close();
    assert.deepEqual([errors(told), lines], [[], []]);
    const media = stranger.seen.filter(({ url }) => /\.m4s/.test(url));
    assert.ok(media.length > 2);
    for (const { url, headers } of stranger.seen) assert.deepEqual([headers.authorization, headers["x-token"]], [undefined, undefined], url);
    const moved = server.seen.filter(({ url }) => /moved/.test(url));
    assert.ok(moved.some(({ headers }) => headers["x-token"] === "secret42" && headers.authorization === "Bearer secret41"), JSON.stringify(moved));
  });
}

test("all of a DASH title is asked for as the function says", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => void (request.headers["x-token"] = "1"));
  const told = await plays(page, `${server.url}/dash/bases_2/demo/time.mpd`);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  assert.deepEqual(kinds(server.seen).filter((kind) => kind !== "playlist"), ["manifest", "init", "segment"]);
  assert.ok(server.seen.every(({ headers }) => headers["x-token"] === "1"));
});

test("playlists of a live title are asked for again and again as the function says, beside what the player puts into their query", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => {
    const url = new URL(request.url);
    url.searchParams.set("token", "secret42");
    request.url = url.href;
  });
  const told = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return { told: watch.told, at: watch.video.currentTime, state: (await player.snapshot()).state };
  }, `${server.url}/hls/live_60/parts_334/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([errors(told.told), lines, told.state], [[], [], "playing"]);
  const reloads = server.seen.filter(({ url }) => /_HLS_msn/.test(url));
  assert.ok(reloads.length > 4, `${reloads.length} reloads`);
  for (const { url } of server.seen) assert.match(url, /token=secret42/);
  assert.ok(!JSON.stringify(told).includes("secret42"));
});

test("key files of whole segments are asked for as the function says, as what is no media", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => {
    if (/key/.test(request.url)) (window.kinds ??= []).push(request.kind);
    request.headers["x-token"] = "1";
  });
  const told = await plays(page, `${server.url}/hls/prot_aes128/demo/main.m3u8`);
  assert.deepEqual(new Set(await page.evaluate(() => kinds)), new Set(["manifest"]));
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  const keys = server.seen.filter(({ url }) => /key/.test(url));
  assert.ok(keys.length > 0 && keys.every(({ headers }) => headers["x-token"] === "1"));
});

test("where an address that was changed does not let the page read it, it is that what is told", async () => {
  const closed = createServer((request, response) => response.writeHead(200).end("#EXTM3U"));
  await new Promise((resolve) => closed.listen(0, "127.0.0.1", resolve));
  servers.push(closed);
  const { port } = closed.address();
  const { page } = await changing((request) => void (request.url = given), { given: `http://127.0.0.1:${port}/main.m3u8?token=secret42` });
  const error = await fails(page, `${here.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([error.name, error.message, error.facts.url], ["CrossOriginRefused", `127.0.0.1:${port} does not allow this page to read it`, `${here.url}/hls/demo/main.m3u8`]);
});

test("ranges are asked for as they were ordered, beside the headers of the application", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => void (request.headers["x-token"] = "1"));
  const told = await plays(page, `${server.url}/hls/bytes_1/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  const ranges = server.seen.filter(({ headers }) => headers.range);
  assert.ok(ranges.length > 4 && ranges.every(({ headers }) => /^bytes=\d+-\d+$/.test(headers.range) && headers["x-token"] === "1"));
});

test("playlists resolve against the place that an address was changed to", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => {
    (window.urls ??= []).push(request.url);
    request.url = request.url.replace("/title/7", "/hls/demo/main.m3u8") + (request.url.includes("?") ? "&" : "?") + "token=secret42";
  });
  const told = await plays(page, `${server.url}/title/7?quality=best`);
  const urls = await page.evaluate(() => urls);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  assert.equal(urls[0], `${server.url}/title/7?quality=best`);
  assert.ok(urls.length > 4 && urls.slice(1).every((url) => url.startsWith(`${server.url}/hls/demo/`) && !url.includes("?")), urls.join(" "));
  assert.ok(server.seen.every(({ url }) => url.includes("token=secret42")));
});

test("what a redirect keeps of a signed address is not told", async () => {
  const moved = ({ url }) => (/moved/.test(url) ? { status: 403 } : { status: 302, headers: { location: `${url.replace("main", "moved")}&again=secret42` } });
  const server = await other({ answer: moved });
  const { page } = await changing((request) => void (request.url += "?token=secret42"));
  const error = await fails(page, `${server.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.equal(server.seen.at(-1).url, "/hls/demo/moved.m3u8?token=secret42&again=secret42");
  assert.deepEqual([error.name, error.facts.url], ["HttpStatus", `${server.url}/hls/demo/moved.m3u8`]);
});

test("an error names the address that was ordered, and not what the application made of it", async () => {
  const server = await other({ answer: ({ url }) => (/main\.m3u8/.test(url) ? { status: 403 } : undefined) });
  const { page, lines } = await changing((request) => {
    (window.attempts ??= []).push(request.attempt);
    request.url += "?token=secret42";
  });
  const error = await fails(page, `${server.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([error.name, error.facts.status, error.facts.url], ["HttpStatus", "403", `${server.url}/hls/demo/main.m3u8`]);
  assert.ok(!JSON.stringify(error).includes("token="), JSON.stringify(error));
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
});

test("a function is told how often the same has failed before", async () => {
  const server = await other({ answer: ({ url }, count) => (/main\.m3u8/.test(url) && count <= 2 ? { status: 503 } : undefined) });
  const { page } = await changing((request) => {
    if (/main/.test(request.url)) (window.attempts ??= []).push(request.attempt);
  });
  await plays(page, `${server.url}/hls/demo/main.m3u8`, 22);
  const attempts = await page.evaluate(() => attempts);
  await page.close();
  assert.deepEqual(attempts, [0, 1, 2]);
});

for (const [what, request, message, said = []] of [
  ["throws", () => { throw new Error("no token today"); }, "the application's `request` failed", ["error: no token today"]],
  ["is rejected", () => Promise.reject(new Error("no token today")), "the application's `request` failed", ["error: no token today"]],
  ["gives a number", () => 7, "the application's `request`: its url is none"],
  ["gives an address that is none", (request) => ({ ...request, url: "http://[" }), "the application's `request`: its url is none"],
  ["gives an address with a password in it", (request) => ({ ...request, url: request.url.replace("//", "//viewer:secret42@") }), "the application's `request`: its url has a name or password in it"],
  ["gives credentials that there are not", (request) => ({ ...request, credentials: "all" }), "the application's `request`: its credentials are not \"omit\", \"same-origin\" or \"include\""],
  ["gives no headers", (request) => ({ ...request, headers: "secret42" }), "the application's `request`: its headers are no object"],
  ["sets a header that is the browser's", (request) => void (request.headers.Cookie = "secret42"), "the application's `request`: the header Cookie is the browser's own"],
  ["sets the range", (request) => void (request.headers.Range = "bytes=0-"), "the application's `request`: the header Range is the player's own"],
  ["sets a header to what is none", (request) => void (request.headers["x-token"] = "secret42\nx: y"), "the application's `request`: the header x-token is none, by its name or value"],
  ["sets a header to a number", (request) => void (request.headers["x-token"] = 42), "the application's `request`: the header x-token is no string"],
]) {
  test(`a function that ${what} fails its request by name, nothing is asked for, and something else plays afterwards`, async () => {
    const server = await other();
    const { page, lines } = await changing((request) => (request.url.includes("/refused/") ? window.refusing(request) : undefined));
    await page.evaluate((code) => (window.refusing = new Function(`return (${code})`)()), String(request));
    const error = await fails(page, `${server.url}/refused/main.m3u8`);
    assert.deepEqual(server.seen, []);
    assert.deepEqual([error.code, error.name, error.message, error.facts.url], [7002, "InvalidArgument", message, `${server.url}/refused/main.m3u8`]);
    assert.ok(!JSON.stringify(error).includes("secret"));
    const told = await plays(page, `${server.url}/hls/demo/main.m3u8`, 22);
    await page.close();
    assert.deepEqual(errors(told), []);
    assert.deepEqual([...new Set(lines)], said);
  });
}

test("a function that fails in the midst of a title ends it by name, and something else plays afterwards", async () => {
  const { page, lines } = await changing((request) => {
    if (window.refuses && request.kind === "media") throw new Error("no token today");
  });
  const url = `${here.url}/hls/dur_60/demo/main.m3u8`;
  const error = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    window.refuses = true;
    player.seek(50);
    await watch.state("failed", 60_000);
    window.refuses = false;
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, url);
  assert.deepEqual([error.code, error.name], [7002, "InvalidArgument"], JSON.stringify(error));
  assert.deepEqual(errors(await plays(page, url, 57)), []);
  await page.close();
  assert.deepEqual([...new Set(lines)], ["error: no token today"]);
});

test("a function that never answers fails its request in time, by name", async () => {
  const { page } = await changing((request) => (request.url.includes("/never/") ? new Promise(() => {}) : undefined));
  const error = await page.evaluate(async (url) => {
    // Of the first request of a page, which is the page's, the worker knows that it is late, and not why.
    await player.snapshot();
    player.load(url);
    return (await watch.until(({ type }) => type === "Error", 30_000)).error;
  }, `${here.url}/hls/never/main.m3u8`);
  assert.equal(error.facts.url, `${here.url}/hls/never/main.m3u8`);
  assert.deepEqual([error.code, error.message], [7002, "the application's `request` did not answer in time"]);
  assert.deepEqual(errors(await plays(page, `${here.url}/hls/demo/main.m3u8`, 22)), []);
  await page.close();
});

for (const [when, begun] of [["before the worker has begun", false], ["later", true]]) {
  test(`a manifest that is no longer wanted while the function is asked is not asked for (${when})`, async () => {
    const server = await other();
    const { page, lines } = await changing(async (request) => {
      if (!request.url.includes("unwanted")) return;
      window.asked = (window.asked ?? 0) + 1;
      await new Promise((resolve) => (window.answer = resolve));
    });
    if (begun) await page.evaluate(() => player.snapshot());
    await page.evaluate(async (url) => {
      player.load(`${url}/hls/unwanted/main.m3u8`);
      while (!window.asked) await new Promise((resolve) => setTimeout(resolve, 5));
      player.stop();
      await new Promise((resolve) => setTimeout(resolve, 50));
      window.answer();
    }, server.url);
    const told = await plays(page, `${server.url}/hls/demo/main.m3u8`, 22);
    assert.equal(await page.evaluate(() => asked), 1);
    await page.close();
    assert.deepEqual([errors(told), lines], [[], []]);
    assert.deepEqual(server.seen.filter(({ url }) => url.includes("unwanted")), []);
  });
}

test("media that is no longer wanted while the function is asked is not asked for", async () => {
  const server = await other();
  const { page, lines } = await changing(async (request) => {
    if (window.holds && request.kind === "media") await new Promise((resolve) => window.holds.push(resolve));
  });
  const held = await page.evaluate(async (url) => {
    window.holds = [];
    player.load(url);
    player.play();
    while (!holds.length) await new Promise((resolve) => setTimeout(resolve, 5));
    player.stop();
    await player.snapshot();
    const held = holds.splice(0);
    held.forEach((go) => go());
    window.holds = undefined;
    return held.length;
  }, `${server.url}/hls/demo/main.m3u8`);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  assert.ok(held > 0);
  assert.deepEqual(kinds(server.seen), ["manifest", "playlist"]);
  assert.deepEqual(errors(await plays(page, `${server.url}/hls/demo/main.m3u8`, 22)), []);
  await page.close();
  assert.deepEqual(lines, []);
});

test("where the part that changes requests is not there nothing is asked for without it, and that is told", async () => {
  const server = await other();
  const { page } = await changing({ headers: { "x-token": "1" } }, { options: { changesUrl: "/nothing.js" } });
  // By the worker.
  await page.evaluate(() => player.snapshot());
  const error = await fails(page, `${server.url}/hls/demo/main.m3u8`);
  await page.close();
  assert.deepEqual([error.code, error.name], [7005, "PartUnavailable"]);
  assert.match(error.message, /nothing\.js/);
  assert.deepEqual(server.seen, []);
});

test("headers may be of the browser's own kind", async () => {
  const server = await other();
  const { page, lines } = await changing((request) => ({ ...request, headers: new Headers({ "X-Token": "1" }) }));
  const told = await plays(page, `${server.url}/hls/demo/main.m3u8`, 22);
  await page.close();
  assert.deepEqual([errors(told), lines], [[], []]);
  assert.ok(server.seen.length > 2 && server.seen.every(({ headers }) => headers["x-token"] === "1"));
});

test("a player without one asks nobody, and loads nothing for it", async () => {
  const { page } = await open(here);
  const loaded = [];
  page.on("request", (request) => loaded.push(request.url()));
  await plays(page, `${here.url}/hls/demo/main.m3u8`, 22);
  await page.close();
  assert.ok(loaded.length > 4 && !loaded.some((url) => /changes/.test(url)));
});

test("where the browser plays by itself it is told once that requests cannot be changed", async () => {
  const { page } = await open(here, {}, (page) =>
    page.addInitScript(() => {
      delete self.MediaSource;
      HTMLMediaElement.prototype.canPlayType = () => "maybe";
    }),
  );
  const told = await page.evaluate(async (url) => {
    player.destroy();
    window.begin({ request: { headers: { "x-token": "secret42" } } });
    for (let time = 0; time < 2; time += 1) {
      player.load(url);
      player.play();
      await watch.state("playing");
      player.stop();
      watch.told = watch.told.filter(({ type }) => type === "Error");
    }
    return watch.told.map(({ error }) => [error.code, error.fatal, error.message]);
  }, `${here.url}/files/media/v180.mp4`);
  await page.close();
  assert.deepEqual(told, [[7002, false, "the browser plays by itself, and its requests cannot be changed: `request` is not applied"]]);
});
