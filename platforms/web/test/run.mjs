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

/** All of them, so many at a time; what was said of those that failed, by their names. */
async function all(files, atOnce) {
  const waiting = [...files];
  const failed = new Map();
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const { said, passed } = await run(file);
      console.log(`${file}\n${said}`);
      if (!passed) failed.set(file, said);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failed;
}

/** The messages of failures, which the reporter repeats at its end. */
function messages(said) {
  const list = said.split("✖ failing tests:")[1] ?? said;
  return list.split("\n").filter((line) => line.trim() && !/^\s+at |^test at /.test(line)).slice(0, 12);
}

const files = readdirSync(folder).filter((name) => name.endsWith(".test.mjs")).sort();
const failed = await all(files, 2);
const still = failed.size ? await all([...failed.keys()], 1) : new Map();
const late = [...failed.keys()].filter((file) => !still.has(file));
console.log(`${files.length} files, ${files.length - still.size} passed${late.length ? `, of which on a second try, alone: ${late.join(", ")}` : ""}`);
for (const file of late) console.log(`at first of ${file}:\n${messages(failed.get(file)).join("\n")}`);
for (const [file, said] of still) console.log(`failed twice: ${file}\n${messages(said).join("\n")}`);
process.exit(still.size ? 1 : 0);
