// Protected titles that the module decrypts itself: with key files, given keys and licences, and what becomes of those that
// are not to be had. That they play to their end without an error, each picture with the strip of its time, proves that they were
// decrypted: under a wrong key they do not (there is a test of that).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { open, RATE, stage } from "./harness.mjs";
import { asked, keyOf, licence, service } from "./service.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-keys-"));
const log = path.join(folder, "log");
/** Identifier and key of titles of the origin with one key. */
const KID = "74656c6563696e650000000000000000";
const KEY = keyOf(KID);

/** A picture is read when the page gets to it: by so many frames a busy machine may be late. */
const LATE = 5;

let here;
before(async () => {
  here = await stage(["--log", log]);
});
after(async () => {
  await here?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the origin was asked for keys in the folder of a manifest. */
function keysAsked(manifest) {
  const folder = new URL(manifest, here.url).pathname.replace(/[^/]*$/, "");
  const entries = readFileSync(log, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return entries.filter(({ path, keys }) => keys && path.startsWith(folder));
}

/** Servers of tests, which end with them. */
const servers = [];
async function serve(answer) {
  servers.push(await service(answer));
  return servers.at(-1);
}
after(() => servers.forEach((server) => server.close()));

/** A page with a player; `drm` is a function of the page that makes the options. */
async function protectedPage(drm, given, options = {}) {
  const { page, lines } = await open(here, {});
  await page.evaluate(
    ({ drm, given, options }) => {
      player.destroy();
      // What is made here may have functions in it.
      window.begin({ ...options, drm: new Function("given", `return (${drm})(given)`)(given) });
    },
    { drm: String(drm), given, options },
  );
  return { page, lines };
}

/** Plays a title from a start to its end, and sees that each picture is the frame of its time. */
async function plays(page, url, { start = 19, errors = () => false } = {}) {
  const seen = await page.evaluate(
    async ({ url, start }) => {
      watch.told.length = watch.pictures.length = 0;
      player.load(url, { start });
      player.play();
      await watch.state("ended", 30_000);
      return { told: watch.told, pictures: watch.pictures.filter(({ strip }) => strip) };
    },
    { url, start },
  );
  assert.deepEqual(seen.told.filter(({ type, error }) => (type === "Error" && !errors(error)) || type === "StallStarted"), []);
  assert.ok(seen.pictures.length > (24 - start) * 12, `${seen.pictures.length} pictures`);
  for (const { mediaTime, strip } of seen.pictures) {
    assert.ok(Math.abs(strip.frame - mediaTime * RATE) <= LATE, `frame ${strip.frame} at ${mediaTime} s`);
  }
  return seen;
}

/** Loads what cannot be played: its fatal error. Something good plays after it. */
async function fails(page, url) {
  const error = await page.evaluate(async (url) => {
    watch.told.length = 0;
    player.load(url);
    player.play();
    await watch.state("failed", 40_000);
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, url);
  await plays(page, `${here.url}/hls/demo/main.m3u8`, { start: 22 });
  return error;
}

/** Lines that the browser itself writes of requests that failed; no page can keep it from that. */
const ofTheBrowser = (line) => /^error: Failed to load resource/.test(line);

for (const [what, path] of [
  ["HLS under cenc", "hls/prot_cenc/demo/main.m3u8"],
  ["HLS under cbcs, with a clear beginning", "hls/prot_cbcs/lead_10/demo/main.m3u8"],
  ["HLS under cenc, with a key for sound and one for pictures", "hls/prot_cenc/keys_kinds/demo/main.m3u8"],
  ["HLS under cbcs, whose keys change", "hls/prot_cbcs/krot_1/demo/main.m3u8"],
  ["segments under AES-128", "hls/prot_aes128/demo/main.m3u8"],
  ["transport streams under AES-128, whose keys change", "hls/ts_muxed/prot_aes128/krot_1/iv_implicit/demo/main.m3u8"],
  ["transport streams under SAMPLE-AES", "hls/ts_muxed/prot_sampleaes/demo/main.m3u8"],
  ["packed sound under SAMPLE-AES", "hls/ts_packed/prot_sampleaes/demo/main.m3u8"],
]) {
  test(`${what} plays with the key files that it names`, async () => {
    const { page, lines } = await open(here);
    await plays(page, `${here.url}/${path}`);
    await page.close();
    assert.deepEqual(lines, []);
    const files = keysAsked(path);
    assert.ok(files.length > 0 && files.every(({ path, keys }) => path.includes("/key/") && keys.given.length === 1), JSON.stringify(files));
  });
}

for (const [what, path] of [
  ["DASH under cenc", "dash/prot_cenc/demo/time.mpd"],
  ["DASH under cbcs, with a key for each rendition", "dash/prot_cbcs/keys_each/demo/number.mpd"],
  ["DASH under cenc, whose keys change", "dash/prot_cenc/krot_2/demo/time.mpd"],
  ["DASH under cens", "dash/prot_cens/demo/time.mpd"],
]) {
  test(`${what} plays with licences of the server that it names`, async () => {
    const { page, lines } = await open(here);
    await plays(page, `${here.url}/${path}`);
    await page.close();
    assert.deepEqual(lines, []);
    const licences = keysAsked(path);
    assert.ok(licences.length > 0);
    for (const { path, method, keys } of licences) {
      assert.match(path, /\/license$/);
      assert.equal(method, "POST");
      assert.deepEqual(keys.given, keys.asked);
    }
  });
}

for (const [what, path] of [
  ["DASH under cenc", "dash/prot_cenc/base_1/demo/time.mpd"],
  ["HLS under cbcs", "hls/prot_cbcs/kf_all/demo/main.m3u8"],
]) {
  test(`${what} plays with a key that is given, and nobody is asked`, async () => {
    // A token that nobody has: who asked for a key would get none.
    const url = `${here.url}/${path.replace("base_1", "ktoken_given").replace("kf_all", "kf_all/ktoken_given")}`;
    const { page, lines } = await protectedPage(({ KID, KEY }) => ({ keys: { [KID]: KEY } }), { KID: KID.toUpperCase(), KEY });
    await plays(page, url);
    await page.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(keysAsked(url), []);
  });
}

test("segments under AES-128 play with the key that is given in place of their files", async () => {
  const { page, lines } = await protectedPage((key) => ({ segmentKey: key }), KEY);
  await plays(page, `${here.url}/hls/prot_aes128/kauth_given/demo/main.m3u8`);
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(keysAsked("hls/prot_aes128/kauth_given/demo/main.m3u8"), []);
});

test("a licence server of the application goes before the title's, and HLS without one plays by it", async () => {
  const server = await serve(({ body }) => ({ body: licence(Object.fromEntries(asked(body).map((kid) => [kid, keyOf(kid)]))) }));
  const { page, lines } = await protectedPage((url) => ({ servers: { "org.w3.clearkey": url } }), `${server.url}/l?id=7`);
  await plays(page, `${here.url}/hls/prot_cbcs/kf_pssh/demo/main.m3u8`);
  await plays(page, `${here.url}/dash/prot_cbcs/kauth_none/demo/time.mpd`);
  await page.close();
  assert.deepEqual(lines, []);
  assert.ok(server.seen.length >= 2 && server.seen.every(({ method, url }) => method === "POST" && url === "/l?id=7"));
  assert.deepEqual(asked(server.seen[0].body), [KID]);
  assert.deepEqual(keysAsked("dash/prot_cbcs/kauth_none/demo/time.mpd"), []);
});

test("an application rewrites requests and answers: address, headers, body, status", async () => {
  const server = await serve(({ headers, body }, count) => {
    if (headers.authorization !== "Bearer of the day") return { status: 401 };
    // This service says 200 whatever happens, and what happened within; it packs what it sends.
    const wrapped = JSON.stringify(count === 1 ? { busy: true } : { licence: licence({ [asked(JSON.parse(body).challenge)[0]]: KEY }) });
    return { body: gzipSync(wrapped), headers: { "content-encoding": "gzip", "content-type": "application/json" } };
  });
  const { page, lines } = await protectedPage(
    (service) => ({
      async licenceRequest(request) {
        (window.requests ??= []).push({ ...request, body: new TextDecoder().decode(request.body) });
        // As one who fetches a token first.
        await new Promise((resolve) => setTimeout(resolve, 50));
        return {
          ...request,
          url: service,
          headers: { ...request.headers, authorization: "Bearer of the day" },
          body: JSON.stringify({ challenge: new TextDecoder().decode(request.body) }),
        };
      },
      licenceResponse(request, response) {
        const said = JSON.parse(new TextDecoder().decode(response.body));
        (window.answers ??= []).push([request.url, response.status, Object.keys(said)[0]]);
        if (said.busy) response.status = 503;
        else response.body = said.licence;
      },
    }),
    server.url,
  );
  await plays(page, `${here.url}/dash/prot_cenc/kauth_nobody/demo/time.mpd`, { errors: ({ fatal, facts }) => !fatal && facts.status === "503" });
  const { requests, answers } = await page.evaluate(() => ({ requests, answers }));
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(requests.map(({ kind, system, attempt }) => [kind, system, attempt]), [0, 1].map((attempt) => ["license-request", "org.w3.clearkey", attempt]));
  assert.ok(requests.every(({ url }) => url.endsWith("/license")), "it was told of the title's server");
  assert.deepEqual(asked(requests[0].body), [KID]);
  assert.equal(requests[0].headers["Content-Type"] ?? requests[0].headers["content-type"], "application/json");
  assert.deepEqual(answers, [[server.url, 200, "busy"], [server.url, 200, "licence"]]);
  assert.equal(server.seen.length, 2);
});

test("key files of samples are rewritten, too, and are got", async () => {
  const { page, lines } = await protectedPage(() => ({
    licenceRequest(request) {
      (window.requests ??= []).push([request.kind, request.body]);
      request.headers.authorization = "Bearer file";
    },
  }));
  await plays(page, `${here.url}/hls/prot_cenc/kauth_file/demo/main.m3u8`);
  const requests = await page.evaluate(() => requests);
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(requests, [["key", null]]);
});

test("a licence server that always fails is asked four times, and then it is a failed licence", async () => {
  const { page, lines } = await open(here);
  const under = "/dash/prot_cenc/statuscode_[{obj:k,code:500}]/";
  const error = await fails(page, `${here.url}${under}demo/time.mpd`);
  await page.close();
  assert.deepEqual([error.code, error.name, error.facts.status, error.facts.attempts], [4012, "LicenceFailed", "500", "4"]);
  assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
});

for (const [what, answer, code, name] of [
  ["nonsense", { body: "<html>sign in</html>" }, 4014, "LicenceInvalid"],
  ["nothing", { body: "" }, 4014, "LicenceInvalid"],
  ["a licence without the key", { body: licence({ ["ff".repeat(16)]: KEY }) }, 4016, "KeyNotInLicence"],
  ["no to this viewer", { status: 403 }, 6001, "NotEntitled"],
  ["a status that makes no sense", { status: 418 }, 4013, "LicenceRefused"],
]) {
  test(`a licence server that answers ${what} is told as ${name}`, async () => {
    const server = await serve(() => answer);
    const { page, lines } = await protectedPage((url) => ({ servers: { "org.w3.clearkey": url } }), server.url);
    const error = await fails(page, `${here.url}/dash/prot_cenc/demo/time.mpd`);
    await page.close();
      assert.deepEqual([error.code, error.name], [code, name], JSON.stringify(error));
    assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  });
}

test("a callback that throws fails the licence, and its error is the page's own", async () => {
  const { page, lines } = await protectedPage(() => ({
    licenceRequest() {
      throw new Error("no token today");
    },
  }));
  const error = await fails(page, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await page.close();
  assert.deepEqual([error.code, error.facts.cause], [4012, "InvalidArgument"]);
  assert.deepEqual(new Set(lines), new Set(["error: no token today"]));
});

test("a callback that never answers holds up its title, and no other", async () => {
  const { page, lines } = await protectedPage(() => ({ licenceRequest: () => new Promise(() => {}) }));
  const state = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.until(({ type }) => type === "Loaded", 5000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return (await player.snapshot()).state;
  }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  assert.equal(state, "preparing");
  await plays(page, `${here.url}/hls/demo/main.m3u8`, { start: 21 });
  await page.close();
  assert.deepEqual(lines, []);
});

test("a wrong key ends in an error: what of the first picture is in the clear is all that is seen", async () => {
  const { page } = await protectedPage(({ KID, KEY }) => ({ keys: { [KID]: KEY } }), { KID, KEY: "00".repeat(16) });
  const seen = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("failed", 40_000);
    return { read: watch.pictures.filter(({ strip }) => strip), error: watch.told.findLast(({ type, error }) => type === "Error" && error.fatal).error };
  }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await page.close();
  // The strip's own bytes come before the first that are encrypted: it proves nothing without the rest of the picture.
  assert.deepEqual(seen.read.filter(({ strip }) => strip.frame > 1), []);
  assert.deepEqual([seen.error.code, seen.error.name], [4002, "DecryptFailed"], JSON.stringify(seen.error));
});

test("what is no key is told, and no word of it", async () => {
  const { page, lines } = await protectedPage(({ KID }) => ({ keys: { [KID]: "5ec2e7" } }), { KID });
  const error = await page.evaluate(async () => (await watch.until(({ type }) => type === "Error", 5000)).error);
  assert.deepEqual([error.code, error.name], [7002, "InvalidArgument"]);
  assert.ok(!JSON.stringify(error).includes("5ec2e7"));
  // It may be put right before a title is loaded.
  await page.evaluate(({ KID, KEY }) => player.setDrm({ keys: { [KID]: KEY } }), { KID, KEY });
  await plays(page, `${here.url}/dash/prot_cenc/ktoken_right/demo/time.mpd`);
  await page.close();
  assert.deepEqual(lines, []);
});

test("no event and no recording has a key, a token or a header's value in it", async () => {
  const server = await serve(() => ({ body: licence({ [KID]: KEY }) }));
  const drm = (url) => ({
    servers: { "org.w3.clearkey": url },
    keys: { ["11".repeat(16)]: "feedfacefeedfacefeedfacefeedface" },
    licenceRequest: (request) => void (request.headers["x-token"] = "secret43"),
  });
  const { page, lines } = await protectedPage(drm, `${server.url}/l?token=secret42`, { record: true });
  const { told } = await plays(page, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  const recording = Buffer.from(await page.evaluate(async () => Array.from(await player.recording())));
  await page.close();
  assert.deepEqual(lines, []);
  assert.equal(server.seen[0].headers["x-token"], "secret43");
  assert.ok(recording.length > 1000 && told.length > 5);
  const key = Buffer.from(KEY, "hex");
  const secrets = [KEY, key.toString("base64url"), "feedface", "secret42", "secret43", key, Buffer.from("feedface", "hex")];
  for (const secret of secrets) {
    assert.ok(!recording.includes(secret), `${secret} was recorded`);
    assert.ok(!JSON.stringify(told).includes(secret.toString("latin1")), `${secret} was told`);
  }
});
