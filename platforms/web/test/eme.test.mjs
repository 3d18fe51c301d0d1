// Protected titles that the key system of the browser decrypts: Chromium's org.w3.clearkey, and key systems of other names whose
// own part is a double over it.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, RATE, root, stage } from "./harness.mjs";
import { asked, keyOf, licence, pssh, rewritten, service } from "./service.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "telecine-eme-"));
const log = path.join(folder, "log");
const KID = "74656c6563696e650000000000000000";
const CLEARKEY = "org.w3.clearkey";

/** By so many frames a picture that is held may be off the clock of the sound, on a busy machine. */
const LATE = 5;

let here;
/** A licence server that gives every key. */
let server;
before(async () => {
  here = await stage(["--log", log, "--folder", `golden=${folder}`]);
  server = await service(({ body }) => ({ body: licence(Object.fromEntries(asked(body).map((kid) => [kid, keyOf(kid)]))) }));
});
after(async () => {
  await here?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the origin was asked for keys in the folder of a manifest. */
function keysAsked(manifest) {
  const folder = new URL(manifest, here.url).pathname.replace(/[^/]*$/, "");
  const entries = readFileSync(log, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return entries.filter(({ path, keys }) => keys && path.startsWith(folder));
}

/** A page whose key systems are watched, with a player that decrypts nothing itself. */
async function emePage(drm = {}, pretended) {
  const { page, lines } = await open(here, {});
  await page.evaluate(
    async ({ drm, pretended }) => {
      player.destroy();
      const { watchKeySystems, pretendKeySystems } = await import("./keysystems.mjs");
      window.seen = watchKeySystems();
      if (pretended) pretendKeySystems(seen, pretended.names, pretended);
      if (drm.certificates) for (const [name, bytes] of Object.entries(drm.certificates)) drm.certificates[name] = new Uint8Array(bytes);
      const licenceRequest = ({ kind, system }) => void (seen.requests ??= []).push([kind, system]);
      window.begin({ drm: { software: false, licenceRequest, ...drm } });
    },
    { drm, pretended },
  );
  return { page, lines };
}

/** Plays a title from a start to its end; what is on the screen on the way is the frame of its time. */
async function plays(page, url, { start = 19, errors = () => false, moments = 3 } = {}) {
  await page.evaluate(
    async ({ url, start }) => {
      watch.told.length = 0;
      player.load(url, { start });
      player.play();
      await watch.state("playing", 20_000);
    },
    { url, start },
  );
  for (let moment = 0; moment < moments; moment += 1) await isShown(page);
  const told = await page.evaluate(async () => {
    await watch.state("ended", 30_000);
    return watch.told;
  });
  assert.deepEqual(told.filter(({ type, error }) => (type === "Error" && !errors(error)) || type === "StallStarted"), []);
  return told;
}

/** After a while the picture is held: the strip on the screen is the frame of the element's time. Canvases are not given
 *  pictures of a key system, so it is read off a photograph of the page. */
async function isShown(page) {
  const from = await page.evaluate(async () => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const [from, late] = [watch.video.currentTime, performance.now() + 10_000];
    while (watch.video.currentTime < from + 0.5 && performance.now() < late) await wait(50);
    player.pause();
    await wait(400);
    return from;
  });
  const photograph = (await page.locator("video").screenshot()).toString("base64");
  const { strip, currentTime } = await page.evaluate(async (photograph) => {
    const { readStrip } = await import("./watch.mjs");
    const image = new Image();
    image.src = `data:image/png;base64,${photograph}`;
    await image.decode();
    const { currentTime } = watch.video;
    player.play();
    return { strip: readStrip(Object.assign(image, { videoWidth: image.width, videoHeight: image.height }), document.createElement("canvas")), currentTime };
  }, photograph);
  assert.ok(currentTime > from, `it stands at ${currentTime} s`);
  assert.ok(strip && Math.abs(strip.frame - currentTime * RATE) <= LATE, `${JSON.stringify(strip)} at ${currentTime} s`);
}

/** What was seen of key systems. */
const keySystems = (page) =>
  page.evaluate(() => ({ ...seen, sessions: seen.sessions.map(({ type, closed }) => ({ type, closed })), keys: !!watch.video.mediaKeys }));

for (const [what, path, servers] of [
  ["DASH under cenc", "dash/prot_cenc/demo/time.mpd"],
  ["DASH under cbcs", "dash/prot_cbcs/demo/time.mpd"],
  ["DASH with a key for sound and one for pictures", "dash/prot_cenc/keys_kinds/demo/time.mpd"],
  ["DASH with a clear beginning", "dash/prot_cenc/lead_10/demo/time.mpd"],
  ["HLS under cenc", "hls/prot_cenc/kf_pssh/demo/main.m3u8", true],
  ["HLS under cbcs", "hls/prot_cbcs/kf_pssh/demo/main.m3u8", true],
]) {
  test(`${what} is decrypted by the browser's key system`, async () => {
    server.seen.length = 0;
    const { page, lines } = await emePage(servers ? { servers: { [CLEARKEY]: server.url } } : {});
    await plays(page, `${here.url}/${path}`);
    const seen = await keySystems(page);
    await page.close();
    assert.deepEqual(lines, []);
    assert.ok(seen.keys, "the element has the keys");
    assert.deepEqual([...new Set(seen.accesses.map(({ name }) => name))], [CLEARKEY]);
    assert.ok(seen.sessions.length > 0 && seen.sessions.every(({ type }) => type === "temporary"));
    // The element cries for keys for each initialisation; nobody listens.
    assert.ok(seen.encrypted > 0, "the element was given what is protected");
    assert.ok(seen.messages <= seen.sessions.length, `${seen.messages} messages of ${seen.sessions.length} sessions`);
    const licences = servers ? server.seen.length : keysAsked(path).length;
    assert.equal(licences, seen.messages);
  });
}

// Of the demo title, whose keys change, the initialisation says that nothing is protected (`tenc`, ISO/IEC 23001-7, 12.2), and
// fragments say what is: Chromium does not take that. The packager's says it in both.
for (const name of ["rotation", "rotation-in-band"]) {
  test(`a file whose key changes (${name}) is decrypted by the browser's key system, with a licence for each`, async () => {
    const bytes = readFileSync(path.join(root, `conformance/media/golden/${name}.v.mp4`));
    writeFileSync(path.join(folder, `${name}.mp4`), bytes);
    writeFileSync(path.join(folder, `${name}.m3u8`), playlist(bytes, `${name}.mp4`));
    const turned = (hex, by) => hex.slice(2 * by) + hex.slice(0, 2 * by);
    // The packager's keys are turned on by a byte each.
    const keys = Object.fromEntries(Array.from({ length: 8 }, (_, by) => [turned("00112233445566778899aabbccddeeff", by), turned("0123456789abcdef0123456789abcdef", by)]));
    const known = await service(({ body }) => ({ body: licence(Object.fromEntries(asked(body).map((kid) => [kid, keys[kid]]))) }));
    const { page, lines } = await emePage({ servers: { [CLEARKEY]: known.url } });
    const told = await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      await watch.state("ended", 20_000);
      const { totalVideoFrames, corruptedVideoFrames } = watch.video.getVideoPlaybackQuality();
      return { errors: watch.told.filter(({ type }) => type === "Error" || type === "StallStarted"), totalVideoFrames, corruptedVideoFrames };
    }, `${here.url}/files/golden/${name}.m3u8`);
    const seen = await keySystems(page);
    await page.close();
    known.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(told.errors, []);
    assert.ok(seen.keys && told.totalVideoFrames > 90 && told.corruptedVideoFrames === 0, JSON.stringify(told));
    const kids = new Set(known.seen.flatMap(({ body }) => asked(body)));
    assert.ok(kids.size > 1, `${[...kids]}`);
  });
}

/** A playlist over one file, with its fragments for segments. */
function playlist(bytes, name) {
  const boxes = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) boxes.push([bytes.toString("latin1", at + 4, at + 8), at]);
  const starts = boxes.filter(([type]) => type === "moof").map(([, at]) => at);
  const segments = starts.map((at, index) => `#EXTINF:2,\n#EXT-X-BYTERANGE:${(starts[index + 1] ?? bytes.length) - at}@${at}\n${name}\n`);
  const head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n";
  return `${head}#EXT-X-MAP:URI="${name}",BYTERANGE="${starts[0]}@0"\n${segments.join("")}#EXT-X-ENDLIST\n`;
}

test("key files are for the software alone: without it HLS that names nothing else fails, and something good plays after it", async () => {
  const { page, lines } = await emePage();
  const error = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("failed", 20_000);
    return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
  }, `${here.url}/hls/prot_cenc/demo/main.m3u8`);
  assert.deepEqual([error.code, error.name], [4011, "KeySystemUnavailable"], JSON.stringify(error));
  await plays(page, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await page.close();
  assert.deepEqual(lines, []);
});

test("one title after another: protected, clear, protected otherwise, then in software; sessions are closed with their title", async () => {
  const { page, lines } = await emePage();
  await plays(page, `${here.url}/dash/prot_cenc/demo/time.mpd`, { start: 20, moments: 1 });
  await plays(page, `${here.url}/hls/demo/main.m3u8`, { start: 20, moments: 1 });
  await plays(page, `${here.url}/dash/prot_cbcs/keys_kinds/demo/time.mpd`, { start: 20, moments: 1 });
  const between = await keySystems(page);
  await page.evaluate(() => player.setDrm({ software: true }));
  await plays(page, `${here.url}/dash/prot_cbcs/demo/time.mpd`, { start: 20, moments: 1 });
  await page.waitForFunction(() => seen.sessions.every(({ closed }) => closed));
  const { sessions } = await keySystems(page);
  assert.equal(sessions.length, between.sessions.length, "the software has no sessions of the browser");
  assert.ok(between.sessions.length >= 2);
  assert.deepEqual(new Set(sessions.map(({ closed }) => closed)), new Set(["closed-by-application"]));
  await page.close();
  assert.deepEqual(lines, []);
});

test("an element that is taken out of the page and put back plays on, and another element plays the next title", async () => {
  const { page, lines } = await emePage();
  await page.evaluate((url) => {
    player.load(url);
    player.play();
    return watch.state("playing");
  }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await isShown(page);
  const seen = await page.evaluate(async () => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const { video } = watch;
    video.remove();
    await wait(1000);
    const left = video.currentTime;
    document.body.append(video);
    player.play();
    await wait(1000);
    return { left, now: video.currentTime, errors: watch.told.filter(({ type }) => type === "Error") };
  });
  assert.deepEqual(seen.errors, []);
  assert.ok(seen.now > seen.left + 0.3, `from ${seen.left} to ${seen.now} s`);
  await isShown(page);
  // Another element, in the middle of the title.
  const other = await page.evaluate(async (url) => {
    const { Watch } = await import("./watch.mjs");
    const before = watch.video;
    const video = Object.assign(document.createElement("video"), { muted: true, width: 640, height: 360 });
    document.body.append(video);
    before.remove();
    player.attach(video);
    window.watch = new Watch(player, video);
    player.load(url, { start: 19 });
    player.play();
    await watch.state("playing", 20_000);
    return { before: !!before.mediaKeys, now: !!video.mediaKeys };
  }, `${here.url}/dash/prot_cbcs/demo/time.mpd`);
  assert.deepEqual(other, { before: false, now: true });
  await isShown(page);
  assert.deepEqual(await page.evaluate(() => watch.told.filter(({ type }) => type === "Error")), []);
  // At the end nothing is left open.
  await page.evaluate(() => player.destroy());
  await page.waitForFunction(() => seen.sessions.every(({ closed }) => closed) && !watch.video.mediaKeys, null, { timeout: 5000 });
  await page.close();
  assert.deepEqual(lines, []);
});

/** Lines that the browser itself writes of requests that failed; no page can keep it from that. */
const ofTheBrowser = (line) => /^error: Failed to load resource/.test(line);

for (const [what, answer, code, name] of [
  ["always fails", { status: 500 }, 4012, "LicenceFailed"],
  ["answers nonsense", { body: "<html>" }, 4014, "LicenceInvalid"],
  ["gives another key", { body: licence({ ["ff".repeat(16)]: "ee".repeat(16) }) }, 4016, "KeyNotInLicence"],
]) {
  test(`a licence server that ${what} is told as ${name}, and something good plays after it`, async () => {
    const bad = await service(() => answer);
    const { page, lines } = await emePage({ servers: { [CLEARKEY]: bad.url } });
    const error = await page.evaluate(async (url) => {
      player.load(url);
      player.play();
      await watch.state("failed", 40_000);
      return watch.told.find(({ type, error }) => type === "Error" && error.fatal).error;
    }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
    assert.deepEqual([error.code, error.name], [code, name], JSON.stringify(error));
    await page.evaluate((url) => player.setDrm({ software: false, servers: { "org.w3.clearkey": url } }), server.url);
    await plays(page, `${here.url}/dash/prot_cenc/demo/time.mpd`, { start: 20, moments: 1 });
    await page.close();
    bad.close();
    assert.deepEqual(lines.filter((line) => !ofTheBrowser(line)), []);
  });
}

const WIDEVINE = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
const PLAYREADY = "9a04f079-9840-4286-ab92-e65be0885f95";
/** Widevine's data with a key identifier: field 2 of its message. */
const WIDEVINE_BOX = pssh(WIDEVINE, Buffer.concat([Buffer.from([0x12, 16]), Buffer.from(KID, "hex")]));

/** An MPD with a descriptor of a key system beside the others. */
function withSystem(mpd, system, box) {
  const descriptor = `<ContentProtection schemeIdUri="urn:uuid:${system}"><cenc:pssh>${box}</cenc:pssh></ContentProtection>`;
  return mpd.replaceAll('<ContentProtection schemeIdUri="urn:uuid:e2719d58', `${descriptor}\n<ContentProtection schemeIdUri="urn:uuid:e2719d58`);
}

test("a key system that the browser does not have gives way to the next, in software", async () => {
  const widevine = await rewritten(here.url, (text) => withSystem(text, WIDEVINE, WIDEVINE_BOX));
  const { page, lines } = await emePage({ software: true, servers: { "com.widevine.alpha": "https://nobody.invalid/" } });
  const told = await plays(page, `${widevine.url}/dash/prot_cenc/demo/time.mpd`, { errors: ({ fatal }) => !fatal });
  const { accesses, keys } = await keySystems(page);
  await page.close();
  widevine.close();
  assert.deepEqual(lines, []);
  // By the name that the application has for it first, with one configuration for each pair of levels, the strongest first.
  assert.deepEqual(accesses.map(({ name }) => name), ["com.widevine.alpha", "com.widevine.alpha.experiment"]);
  const levels = accesses[0].configurations.map(({ videoCapabilities, audioCapabilities }) => [videoCapabilities[0].robustness, audioCapabilities[0].robustness]);
  assert.equal(levels.length, 25);
  assert.deepEqual([levels[0], levels[1]], [["HW_SECURE_ALL", "HW_SECURE_ALL"], ["HW_SECURE_ALL", "HW_SECURE_DECODE"]]);
  assert.deepEqual(levels.at(-1), ["SW_SECURE_CRYPTO", "SW_SECURE_CRYPTO"]);
  assert.ok(!keys);
  assert.ok(told.some(({ type, error }) => type === "Error" && error.code === 4011 && !error.fatal), "it was told");
});

test("Widevine by its name: the least robustness that is asked for, a certificate, and the licence server of the application", async () => {
  server.seen.length = 0;
  const widevine = await rewritten(here.url, (text) => withSystem(text, WIDEVINE, WIDEVINE_BOX));
  const drm = {
    servers: { "com.widevine.alpha": server.url },
    certificates: { "com.widevine.alpha": [1, 2, 3] },
    robustness: { "com.widevine.alpha": { video: "SW_SECURE_DECODE" } },
  };
  const { page, lines } = await emePage(drm, { names: ["com.widevine.alpha"], levels: ["SW_SECURE_DECODE", "SW_SECURE_CRYPTO"], kids: [KID] });
  await plays(page, `${widevine.url}/dash/prot_cbcs/demo/time.mpd`);
  const seen = await keySystems(page);
  await page.close();
  widevine.close();
  assert.deepEqual(lines, []);
  const [{ name, configurations }] = seen.accesses;
  assert.equal(name, "com.widevine.alpha");
  const video = new Set(configurations.map(({ videoCapabilities }) => videoCapabilities[0].robustness));
  assert.deepEqual([...video], ["HW_SECURE_ALL", "HW_SECURE_DECODE", "HW_SECURE_CRYPTO", "SW_SECURE_DECODE"]);
  assert.deepEqual(seen.certificates, [[1, 2, 3]]);
  assert.equal(seen.generated[0].form, "cenc");
  assert.equal(Buffer.from(seen.generated[0].bytes).toString("base64"), WIDEVINE_BOX);
  assert.ok(server.seen.length > 0);
});

test("PlayReady by the names that browsers have for it, one after another", async () => {
  const box = pssh(PLAYREADY, playReadyObject());
  const playready = await rewritten(here.url, (text) => withSystem(text, PLAYREADY, box));
  const { page, lines } = await emePage(
    { servers: { "com.microsoft.playready.recommendation": server.url } },
    { names: ["com.microsoft.playready"], levels: ["2000", "150", ""], kids: [KID] },
  );
  await plays(page, `${playready.url}/dash/prot_cenc/demo/time.mpd`, { errors: ({ fatal }) => !fatal });
  const { accesses, requests } = await keySystems(page);
  await page.close();
  playready.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(requests[0], ["license-request", "com.microsoft.playready"]);
  // What the double itself asks the browser for is not one of them.
  const names = accesses.map(({ name }) => name).filter((name) => name !== CLEARKEY);
  assert.equal(names[0], "com.microsoft.playready.recommendation");
  assert.equal(names.at(-1), "com.microsoft.playready");
  assert.equal(new Set(names).size, names.length, `${names}`);
});

/** PlayReady's object with a header that names the key (its format is Microsoft's, version 4.0): in GUID order, base64. */
function playReadyObject() {
  const kid = Buffer.from(KID, "hex");
  const guid = Buffer.concat([kid.subarray(0, 4).reverse(), kid.subarray(4, 6).reverse(), kid.subarray(6, 8).reverse(), kid.subarray(8)]);
  const header =
    '<WRMHEADER xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader" version="4.0.0.0"><DATA><PROTECTINFO><KEYLEN>16</KEYLEN>' +
    `<ALGID>AESCTR</ALGID></PROTECTINFO><KID>${Buffer.from(guid).toString("base64")}</KID></DATA></WRMHEADER>`;
  const text = Buffer.from(header, "utf16le");
  const object = Buffer.alloc(10 + text.length);
  object.writeUInt32LE(object.length, 0);
  object.writeUInt16LE(1, 4);
  object.writeUInt16LE(1, 6);
  object.writeUInt16LE(text.length, 8);
  text.copy(object, 10);
  return object;
}

test("FairPlay by its names: the key's URI, and no request without a certificate", async () => {
  const key = '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://asset-7",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"';
  const fairplay = await rewritten(here.url, (text) => text.replaceAll(/#EXT-X-KEY:.*/g, key));
  const url = `${fairplay.url}/hls/prot_cbcs/demo/main.m3u8`;
  const pretended = { names: ["com.apple.fps"], kids: [KID] };
  const bare = await emePage({ servers: { "com.apple.fps": server.url } }, pretended);
  const error = await bare.page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("failed", 20_000);
    return watch.told.findLast(({ type, error }) => type === "Error" && error.fatal).error;
  }, url);
  assert.equal((await keySystems(bare.page)).sessions.length, 0);
  await bare.page.close();
  assert.ok([4011, 4020].includes(error.code), JSON.stringify(error));

  const { page, lines } = await emePage({ servers: { "com.apple.fps": server.url }, certificates: { "com.apple.fps": [9, 9] } }, pretended);
  await plays(page, url);
  const seen = await keySystems(page);
  await page.close();
  fairplay.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.certificates, [[9, 9]]);
  assert.deepEqual(seen.requests[0], ["license-request", "com.apple.fps"]);
  assert.deepEqual([seen.generated[0].form, Buffer.from(seen.generated[0].bytes).toString()], ["skd", "skd://asset-7"]);
});

test("a licence that is about to expire is made new while the title plays on", async () => {
  server.seen.length = 0;
  const { page, lines } = await emePage({ servers: { [CLEARKEY]: server.url } });
  const seen = await page.evaluate(async (url) => {
    // ClearKey's licences do not expire: the first session says that its own does, in four seconds.
    const { createSession } = MediaKeys.prototype;
    let first = true;
    MediaKeys.prototype.createSession = function (type) {
      const session = createSession.call(this, type);
      const expiration = first ? Date.now() + 4000 : NaN;
      first = false;
      Object.defineProperty(session, "expiration", { get: () => expiration });
      return session;
    };
    player.load(url);
    player.play();
    await watch.state("playing");
    await new Promise((resolve) => setTimeout(resolve, 5000));
    return { told: watch.told };
  }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await isShown(page);
  const { sessions } = await keySystems(page);
  await page.close();
  assert.deepEqual(lines, []);
  assert.deepEqual(seen.told.filter(({ type }) => type === "Error" || type === "StallStarted"), []);
  assert.ok(sessions.length >= 2 && server.seen.length >= 2, `${sessions.length} sessions, ${server.seen.length} licences`);
});

test("keys whose status is expired end the title, with that error", async () => {
  const { page, lines } = await emePage({ servers: { [CLEARKEY]: server.url } });
  const error = await page.evaluate(async (url) => {
    player.load(url);
    player.play();
    await watch.state("playing");
    // Every session that there is and will be says the same from now on.
    const kid = Uint8Array.from(atob("dGVsZWNpbmUAAAAAAAAAAA=="), (letter) => letter.charCodeAt(0)).buffer;
    const statuses = new Map([["expired", kid]]);
    const expired = { size: 1, forEach: (see) => statuses.forEach((id, status) => see(status, id)) };
    Object.defineProperty(MediaKeySession.prototype, "keyStatuses", { get: () => expired });
    seen.sessions.forEach(({ session }) => session.dispatchEvent(new Event("keystatuseschange")));
    await watch.state("failed", 40_000);
    return watch.told.findLast(({ type, error }) => type === "Error" && error.fatal).error;
  }, `${here.url}/dash/prot_cenc/demo/time.mpd`);
  await page.close();
  assert.deepEqual([error.code, error.name], [4015, "LicenceExpired"], JSON.stringify(error));
  assert.deepEqual(lines, []);
});
