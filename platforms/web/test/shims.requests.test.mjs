// What pages that were written for hls.js and Shaka change of requests arrives at servers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stage, visit } from "./harness.mjs";
import { asked, front, keyOf, licence, service } from "./service.mjs";

let here;
before(async () => {
  here = await stage();
  await here.chromium.context.addCookies([{ name: "viewer", value: "7", url: here.url }]);
});
const servers = [];
after(async () => {
  servers.forEach((server) => server.close());
  await here?.close();
});

async function serve(server) {
  servers.push(await server);
  return servers.at(-1);
}

const open = (name) => visit(here, name);

const moves = (page, from = 0.5) => page.evaluate((from) => until(() => video.currentTime > from && !video.paused, "it plays"), from);

/** What there is of all kinds of requests was asked for as the page wanted. */
function arrived(seen, token) {
  assert.ok(seen.some(({ url }) => /main\.m3u8/.test(url)) && seen.some(({ url }) => /\.m4s/.test(url)));
  for (const { url, headers } of seen) {
    assert.deepEqual([headers.authorization, headers.cookie], ["Bearer of the day", "viewer=7"], url);
    assert.equal(url.split("?")[1], token, url);
  }
}

test("hls.js: xhrSetup sets headers, cookies and the address of all requests", async () => {
  const server = await serve(front(here.url));
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => {
    begin(url, {
      xhrSetup(xhr, url) {
        if (!xhr.readyState) xhr.open("GET", `${url}?token=1`, true);
        xhr.withCredentials = true;
        xhr.setRequestHeader("Authorization", "Bearer of yesterday");
        xhr.setRequestHeader("authorization", "Bearer of the day");
      },
    });
  }, `${server.url}/hls/demo/main.m3u8`);
  await moves(page);
  await page.close();
  arrived(server.seen, "token=1");
  assert.deepEqual(lines, []);
});

for (const [what, title] of [["whole segments", "prot_aes128"], ["samples", "prot_cbcs"]]) {
  test(`hls.js: key files of ${what} go through xhrSetup`, async () => {
    const server = await serve(front(here.url));
    const { page, lines } = await open("shim-hls.html");
    await page.evaluate((url) => begin(url, { xhrSetup: (xhr) => xhr.setRequestHeader("x-token", "1") }), `${server.url}/hls/${title}/demo/main.m3u8`);
    await moves(page);
    await page.close();
    const keys = server.seen.filter(({ url }) => /key/.test(url));
    assert.ok(keys.length > 0 && keys.every(({ method, headers }) => method === "GET" && headers["x-token"] === "1"), JSON.stringify(keys));
    assert.deepEqual(lines, []);
  });
}

test("hls.js: fetchSetup gives the requests that are made, or changes what they are made of", async () => {
  const server = await serve(front(here.url));
  const { page, lines } = await open("shim-hls.html");
  await page.evaluate((url) => {
    begin(url, {
      async fetchSetup(context, init) {
        init.headers.set("Authorization", "Bearer of the day");
        init.credentials = "include";
        if (context.url.includes("main.m3u8")) return undefined;
        return new Request(`${context.url}?token=1`, init);
      },
    });
  }, `${server.url}/hls/demo/main.m3u8?token=1`);
  await moves(page);
  await page.close();
  arrived(server.seen, "token=1");
  assert.deepEqual(lines, []);
});

test("hls.js: an xhrSetup that throws, or wants to post, is a fatal error of the manifest, and another title plays after it", async () => {
  const { page, lines } = await open("shim-hls.html");
  const seen = await page.evaluate(async (url) => {
    begin(url.replace("/demo/", "/refused/"), {
      xhrSetup(xhr, url) {
        if (url.includes("refused")) throw new Error("no token today");
        if (url.includes("posted")) xhr.open("POST", url);
      },
    });
    await told("ERROR", ({ fatal }) => fatal);
    const { type, details, response, url: failed, telecine } = heard.find(({ name, data }) => name === "ERROR" && data.fatal).data;
    heard.length = 0;
    hls.loadSource(url.replace("/demo/", "/posted/"));
    await told("ERROR", ({ fatal }) => fatal);
    hls.loadSource(url);
    return { type, details, response: response.code, failed, code: telecine.code };
  }, `${here.url}/hls/demo/main.m3u8`);
  assert.deepEqual(seen, { type: "networkError", details: "manifestLoadError", response: 0, failed: `${here.url}/hls/refused/main.m3u8`, code: 7002 });
  await moves(page);
  await page.close();
  assert.deepEqual(new Set(lines), new Set(["error: no token today", "error: telecine/hls has no POST where it is GET"]));
});

test("hls.js: licenseXhrSetup gets key system and challenge, and posts what it gives; licenseResponseCallback gives the licence", async () => {
  const server = await serve(
    service(({ headers, body }) => {
      const challenge = JSON.parse(body).wrapped;
      if (!challenge || headers["x-token"] !== "1") return { status: 400 };
      return { body: JSON.stringify({ licence: licence(Object.fromEntries(asked(challenge).map((kid) => [kid, keyOf(kid)]))) }) };
    }),
  );
  const { page, lines } = await open("shim-hls.html");
  const seen = await page.evaluate(
    async ({ title, licenseUrl }) => {
      const seen = {};
      begin(title, {
        emeEnabled: true,
        drmSystems: { "org.w3.clearkey": { licenseUrl } },
        async licenseXhrSetup(xhr, url, keyContext, challenge) {
          seen.setup = [this === hls, url, keyContext.keySystem, challenge instanceof Uint8Array, Object.keys(JSON.parse(new TextDecoder().decode(challenge)))];
          xhr.open("POST", url);
          xhr.setRequestHeader("x-token", "1");
          return new TextEncoder().encode(JSON.stringify({ wrapped: new TextDecoder().decode(challenge) }));
        },
        licenseResponseCallback(xhr, url, keyContext) {
          seen.response = [this === hls, xhr.status, xhr.response instanceof ArrayBuffer, url, keyContext.keySystem];
          return new TextEncoder().encode(JSON.parse(new TextDecoder().decode(xhr.response)).licence).buffer;
        },
      });
      await until(() => video.currentTime > 0.5, "it plays");
      return seen;
    },
    { title: `${here.url}/dash/prot_cenc/kauth_none/demo/time.mpd`, licenseUrl: `${server.url}/licence` },
  );
  await page.close();
  assert.deepEqual(seen.setup, [true, `${server.url}/licence`, "org.w3.clearkey", true, ["kids", "type"]]);
  assert.deepEqual(seen.response, [true, 200, true, `${server.url}/licence`, "org.w3.clearkey"]);
  assert.deepEqual(lines, []);
});

test("Shaka: request filters see manifests, media and licences by their types, and change address, headers and cookies", async () => {
  const server = await serve(front(here.url));
  const { page, lines } = await open("shim-shaka.html");
  const types = await page.evaluate(async (url) => {
    const types = [];
    const player = (window.player = new shaka.Player());
    await player.attach(video);
    const networking = player.getNetworkingEngine();
    networking.registerRequestFilter(async (type, request) => {
      types.push([type, request.method, new URL(request.uris[0]).pathname]);
      request.headers.Authorization = "Bearer of the day";
      request.allowCrossSiteCredentials = true;
    });
    networking.registerRequestFilter((_, request) => void (request.uris[0] += "?token=1"));
    await player.load(url);
    void video.play();
    return types;
  }, `${server.url}/hls/demo/main.m3u8`);
  await moves(page);
  await page.close();
  arrived(server.seen, "token=1");
  assert.deepEqual(types[0], [0, "GET", "/hls/demo/main.m3u8"]);
  for (const [type, method, path] of types) assert.deepEqual([type, method], [/m3u8$/.test(path) ? 0 : 1, "GET"], path);
  assert.deepEqual(lines, []);
});

test("Shaka: filters of licences are called as such, for request and response", async () => {
  const server = await serve(service(({ headers, body }) => (headers["x-token"] === "1" ? { body: `)]}'${licence(Object.fromEntries(asked(body).map((kid) => [kid, keyOf(kid)])))}` } : { status: 400 })));
  const { page, lines } = await open("shim-shaka.html");
  const seen = await page.evaluate(
    async ({ title, server }) => {
      const seen = [];
      const player = (window.player = new shaka.Player());
      await player.attach(video);
      player.configure({ drm: { servers: { "org.w3.clearkey": server } } });
      player.getNetworkingEngine().registerRequestFilter((type, request) => {
        if (type !== shaka.net.NetworkingEngine.RequestType.LICENSE) return;
        seen.push([request.method, request.uris[0]]);
        request.headers["x-token"] = "1";
      });
      player.getNetworkingEngine().registerResponseFilter((type, response) => {
        seen.push([type, response.uri]);
        response.data = new TextEncoder().encode(new TextDecoder().decode(response.data).slice(4));
      });
      await player.load(title);
      void video.play();
      await until(() => video.currentTime > 0.5, "it plays");
      return seen;
    },
    { title: `${here.url}/dash/prot_cenc/kauth_none/demo/time.mpd`, server: `${server.url}/licence` },
  );
  await page.close();
  assert.deepEqual(seen, [["POST", `${server.url}/licence`], [2, `${server.url}/licence`]]);
  assert.deepEqual(lines, []);
});

test("Shaka: filters that are registered or cleared hold from the next load on, and one that fails is an error of the network", async () => {
  const server = await serve(front(here.url));
  const { page, lines } = await open("shim-shaka.html");
  // Another title each time: of the one before something may still be on its way.
  const tokens = (title) => server.seen.filter(({ url }) => url.includes(title)).map(({ headers }) => headers["x-token"]);
  await page.evaluate((url) => begin(url), `${server.url}/hls/dur_30/demo/main.m3u8`);
  const failed = await page.evaluate(async (url) => {
    const networking = player.getNetworkingEngine();
    networking.registerRequestFilter((_, request) => void (request.headers["x-token"] = "1"));
    await player.load(`${url}/hls/dur_40/demo/main.m3u8`);
    const failing = (_, request) => {
      request.method = "POST";
    };
    networking.registerRequestFilter(failing);
    const failed = await player.load(`${url}/hls/dur_50/demo/main.m3u8`).catch(({ category, code, telecine }) => [category, code, telecine.code]);
    networking.clearAllRequestFilters();
    await player.load(`${url}/hls/dur_60/demo/main.m3u8`);
    return failed;
  }, server.url);
  await moves(page);
  await page.close();
  assert.deepEqual(failed, [1, 1006, 7002]);
  for (const [title, token] of [["dur_30", undefined], ["dur_40", "1"], ["dur_60", undefined]]) {
    assert.ok(tokens(title).length > 2 && tokens(title).every((one) => one === token), `${title}: ${tokens(title)}`);
  }
  assert.deepEqual(tokens("dur_50"), []);
  assert.deepEqual([...new Set(lines)], ["error: telecine/shaka has no method or body of requests for media"]);
});
