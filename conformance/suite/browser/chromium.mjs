// A Chromium to judge by, and what is said in its pages.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** A headless Chromium with a profile of its own, and these arguments besides; closes with `await using` or `close()`. */
export async function browser(...more) {
  const profile = mkdtempSync(path.join(tmpdir(), "telecine-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required", ...more],
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close, [Symbol.asyncDispose]: close };
}

/** Everything that a page says from now on: lines of its console, and errors that nobody caught. */
export function listen(page) {
  const lines = [];
  page.on("console", (message) => lines.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => lines.push(`error: ${error.message}`));
  return lines;
}

/** What comes of a promise, unless it takes longer than so many milliseconds. */
export function withDeadline(promise, timeout) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it in ${timeout / 1000} s`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
