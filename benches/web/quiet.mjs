// A Chromium that nothing is recorded in. Playwright listens to every page's requests, and while somebody does the renderer keeps what they
// brought, up to 100 MB: of a player that is most of what its renderer would be said to hold.

import { spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required", "--no-first-run", "--hide-scrollbars"];

/** Starts one; `open` gives a session of a page, with its workers. Ends with `close()`. */
export async function quiet(...more) {
  const profile = mkdtempSync(path.join(tmpdir(), "telecine-chromium-"));
  const args = [...ARGS, ...more, "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(EXECUTABLE, args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const [, , , input, output] = child.stdio;
  const asked = new Map();
  const sessions = new Map();
  let said = "";
  output.setEncoding("utf8");
  output.on("data", (text) => {
    const messages = (said + text).split("\0");
    said = messages.pop();
    for (const { id, result, error, method, params, sessionId } of messages.map((message) => JSON.parse(message))) {
      if (method) sessions.get(sessionId)?.emit(method, params);
      else if (error) asked.get(id)?.reject(new Error(error.message));
      else asked.get(id)?.resolve(result);
      asked.delete(id);
    }
  });
  let count = 0;
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      count += 1;
      asked.set(count, { resolve, reject });
      input.write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`);
    });
  void ended.then(() => asked.forEach(({ reject }) => reject(new Error("Chromium ended"))));

  async function open(url) {
    const { targetId } = await send("Target.createTarget", { url: "about:blank", newWindow: true });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const page = Object.assign(new EventEmitter(), {
      url,
      workers: new Set(),
      send: (method, params) => send(method, params, sessionId),
      /** To the page and each of its workers. */
      sendToAll: (method) => Promise.all([sessionId, ...page.workers].map((session) => send(method, {}, session))),
      async evaluate(expression) {
        const { result, exceptionDetails } = await page.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
      },
      async close() {
        await send("Target.closeTarget", { targetId });
        sessions.delete(sessionId);
      },
    });
    sessions.set(sessionId, page);
    page.on("Target.attachedToTarget", ({ sessionId }) => page.workers.add(sessionId));
    page.on("Target.detachedFromTarget", ({ sessionId }) => page.workers.delete(sessionId));
    await page.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    // As Playwright has it: players choose by the screen, which would be one of 800 by 600.
    const size = { width: 1280, height: 720 };
    await page.send("Emulation.setDeviceMetricsOverride", { ...size, screenWidth: size.width, screenHeight: size.height, deviceScaleFactor: 1, mobile: false });
    // Of a page that nobody sees no pictures are told.
    await page.send("Page.bringToFront");
    await page.send("Page.navigate", { url });
    return page;
  }

  async function close() {
    await send("Browser.close");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  }

  return { open, close };
}
