// Runs every test file, two at a time, each in a process of its own. What fails is run once more, alone: decoders, key systems and
// timers of a browser that shares two cores with another one are sometimes late. What passes only then is named.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const folder = path.dirname(fileURLToPath(import.meta.url));
// One that hangs ends with its file.
const ARGUMENTS = ["--test", "--test-force-exit", "--test-timeout=480000", "--test-reporter=spec"];

/** The output of a file's tests, and whether they passed. */
function run(file) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...ARGUMENTS, path.join(folder, file)], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ said, passed: code === 0 }));
  });
}

/** All of them, so many at a time; those that failed. */
async function all(files, atOnce) {
  const waiting = [...files];
  const failed = [];
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const { said, passed } = await run(file);
      console.log(`${file}\n${said}`);
      if (!passed) failed.push(file);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failed;
}

const files = readdirSync(folder).filter((name) => name.endsWith(".test.mjs")).sort();
const failed = await all(files, 2);
const still = failed.length ? await all(failed, 1) : [];
const late = failed.filter((file) => !still.includes(file));
console.log(`${files.length} files, ${files.length - still.length} passed${late.length ? `, of which on a second try, alone: ${late.join(", ")}` : ""}`);
for (const file of still) console.log(`failed twice: ${file}`);
process.exit(still.length ? 1 : 0);
