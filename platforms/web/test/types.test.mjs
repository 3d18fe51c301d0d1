// The declarations are complete: an application that uses all of them compiles, and one that mistakes them does not.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

test("an application compiles against the declarations of the player", () => {
  const { status, stdout } = spawnSync(path.join(here, "../node_modules/.bin/tsc"), ["-p", path.join(here, "types/tsconfig.json")], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
