// However a module is cut, it does what it did.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse, Reader, Section } from "../module/binary.mjs";
import { decode, points } from "../module/body.mjs";
import { dataOf } from "../module/data.mjs";
import { shape } from "../module/outline.mjs";
import { parsed, told } from "../module/ran.mjs";
import { split } from "../module/split.mjs";

/** Ways to leave code: to fall through, to break to one block or another, once or in a loop, to return, with a value and
 *  without; locals that are read, written, both, and kept from one turn of a loop to the next. */
const MODULE = `(module
  (memory 1)
  (table 3 3 funcref)
  (elem (i32.const 1) $twice $ways)
  (global $depth (mut i32) (i32.const 0))
  (data (i32.const 8) "\\07\\00\\00\\00")
  ;; One that names another, in which the first number is 5; one of which code names a place inside, and one that it names by a
  ;; place in front of it.
  (data (i32.const 20000) "\\f0\\55\\00\\00")
  (data (i32.const 22000) "\\05\\00\\00\\00")
  (data (i32.const 24000) "\\01\\02\\03\\04")
  (data (i32.const 26000) "\\0a\\0b\\0c\\0d")
  (data (i32.const 28000) "nobody names this")
  (export "memory" (memory 0))
  (export "ways" (func $ways))
  (export "loops" (func $loops))
  (export "table" (func $through))
  (export "values" (func $values))
  (export "maybe" (func $maybe))
  (export "turns" (func $turns))
  (export "data" (func $data))
  (func $twice (param $x i32) (result i32)
    (if (result i32) (i32.gt_s (local.get $x) (i32.const 50))
      (then (i32.add (i32.load (i32.const 8)) (i32.mul (local.get $x) (i32.const 2))))
      (else (i32.shl (local.get $x) (i32.const 1)))))
  (func $through (param $which i32) (param $x i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get $x) (i32.add (i32.const 1) (i32.and (local.get $which) (i32.const 1)))))
  (func $ways (param $x i32) (result i32)
    (local $a i32) (local $b i32) (local $c i32)
    (block $out
      (block $third
        (block $second
          (br_if $second (i32.eq (i32.rem_u (local.get $x) (i32.const 5)) (i32.const 1)))
          (local.set $a (i32.add (local.get $a) (call $twice (local.get $x))))
          (if (i32.eq (i32.rem_u (local.get $x) (i32.const 7)) (i32.const 3))
            (then
              (local.set $b (i32.mul (local.get $a) (i32.const 3)))
              (local.set $c (i32.xor (local.get $b) (i32.const 12345)))
              (br_if $third (i32.and (local.get $c) (i32.const 4)))
              (if (i32.and (local.get $c) (i32.const 8)) (then (return (i32.add (local.get $c) (local.get $b)))))
              (global.set $depth (i32.add (global.get $depth) (local.get $b)))
              (br $out)))
          (local.set $c (i32.add (local.get $c) (i32.const 11)))
          (br_if $out (i32.eq (i32.rem_u (local.get $x) (i32.const 3)) (i32.const 0))))
        (local.set $b (i32.add (i32.add (local.get $a) (local.get $c)) (i32.const 1000)))
        (local.set $a (i32.sub (local.get $b) (local.get $x)))
        (if (i32.gt_u (local.get $b) (i32.const 1500)) (then (return (local.get $b)))))
      (local.set $c (i32.add (i32.mul (local.get $c) (i32.const 5)) (local.get $a)))
      (local.set $a (i32.rotl (local.get $c) (local.get $x)))
      (global.set $depth (i32.add (global.get $depth) (i32.const 1))))
    (i32.add (i32.add (local.get $a) (i32.mul (local.get $b) (i32.const 31))) (i32.add (local.get $c) (global.get $depth))))
  (func $loops (param $n i32) (result i64)
    (local $i i32) (local $sum i64) (local $kept i64)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.and (local.get $i) (i32.const 1))
          (then
            (if (i64.eqz (local.get $kept))
              (then (local.set $kept (i64.extend_i32_u (call $ways (local.get $i)))))
              (else (local.set $sum (i64.add (local.get $sum) (i64.mul (local.get $kept) (i64.extend_i32_u (local.get $i))))) (local.set $kept (i64.shr_u (local.get $kept) (i64.const 1)))))
            (br_if $done (i64.gt_u (local.get $sum) (i64.const 900000000000))))
          (else
            (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $twice (local.get $i)))))
            (if (i32.eq (i32.rem_u (local.get $i) (i32.const 6)) (i32.const 4))
              (then
                (local.set $i (i32.add (local.get $i) (i32.const 2)))
                (local.set $sum (i64.xor (local.get $sum) (i64.const 99)))
                (br $again)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (i64.add (local.get $sum) (local.get $kept)))
  (func $maybe (param $x i32) (result i32)
    (local $a i32) (local $b i32)
    (local.set $a (i32.const 77))
    (local.set $b (i32.const 5))
    (block $out
      (if (i32.and (local.get $x) (i32.const 1))
        (then
          (if (i32.and (local.get $x) (i32.const 2)) (then (local.set $a (i32.const 1000))))
          (br_if $out (i32.and (local.get $x) (i32.const 8)))
          (local.set $b (i32.add (local.get $x) (i32.const 3)))
          (global.set $depth (i32.add (global.get $depth) (i32.const 1))))))
    (i32.add (local.get $a) (i32.mul (local.get $b) (i32.const 100))))
  (func $turns (param $n i32) (result i32)
    (local $i i32) (local $only i32) (local $sum i32)
    (loop $again
      (if (i32.and (local.get $i) (i32.const 1))
        (then
          (if (local.get $only)
            (then (local.set $sum (i32.add (local.get $sum) (local.get $only))))
            (else (local.set $only (i32.add (local.get $n) (i32.const 3)))))
          (local.set $only (i32.sub (local.get $only) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum))
  (func $data (param $x i32) (result i32)
    (local $sum i32)
    (if (i32.and (local.get $x) (i32.const 1))
      (then (local.set $sum (i32.load (i32.load (i32.const 20000))))
            (i32.store (i32.const 200) (i32.add (i32.load (i32.const 200)) (local.get $sum)))))
    (if (i32.and (local.get $x) (i32.const 2))
      (then (local.set $sum (i32.add (local.get $sum) (i32.load8_u offset=24002 (i32.and (local.get $x) (i32.const 1)))))
            (i32.store (i32.const 204) (i32.add (i32.load (i32.const 204)) (i32.const 1)))))
    (if (i32.and (local.get $x) (i32.const 4))
      (then (local.set $sum (i32.add (local.get $sum) (i32.load8_u offset=25952 (i32.add (i32.const 48) (i32.and (local.get $x) (i32.const 3))))))
            (i32.store (i32.const 208) (i32.add (i32.load (i32.const 204)) (i32.const 3)))))
    (i32.add (local.get $sum) (i32.add (i32.load (i32.const 200)) (i32.add (i32.load (i32.const 204)) (i32.load (i32.const 208))))))
  (func $values (param $x f64) (result f64)
    (local $y f64)
    (local.set $y (f64.mul (local.get $x) (f64.const 0.5)))
    (if (f64.gt (local.get $y) (f64.const 10))
      (then
        (local.set $y (f64.sqrt (f64.add (local.get $y) (f64.mul (local.get $y) (f64.const 1.25)))))
        (if (f64.lt (local.get $y) (f64.const 7)) (then (return (f64.neg (local.get $y)))))
        (local.set $x (f64.add (local.get $x) (f64.const 1)))))
    (f64.sub (local.get $x) (local.get $y))))`;

function assembled(text) {
  const folder = mkdtempSync(path.join(tmpdir(), "telecine-split-"));
  try {
    const [source, module] = [path.join(folder, "m.wat"), path.join(folder, "m.wasm")];
    writeFileSync(source, text);
    execFileSync(fileURLToPath(new URL("../node_modules/.bin/wasm-as", import.meta.url)), [source, "-o", module]);
    return readFileSync(module);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the exports give for many arguments, in one order, so that what they leave behind counts. */
function answers(exports) {
  const out = [];
  for (let x = 0; x < 120; x++) out.push(exports.ways(x), exports.loops(x), exports.table(x, x * 3), exports.values(x * 0.7), exports.table(x + 1, x), exports.maybe(x), exports.turns(x), exports.data(x));
  return out.map(String);
}

/** The data of a part: later ones import what `parse` does not know. */
function datasOf(bytes) {
  const reader = new Reader(bytes, 8);
  while (reader.left) {
    const number = reader.byte();
    const section = reader.take(reader.u32());
    if (number === Section.data) return new Reader(section).list((r) => r.raw(() => (r.skipLeb(), r.byte(), r.skipLeb(), r.byte(), r.take(r.u32()))));
  }
  return [];
}

const PASSED_ON = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 5, 1, 0, 0, 0, 0, 7, 4, 1, 0, 0, 0]);

/** The parts as they run in a page: each is loaded behind those before it, when something of it is called. */
function joined([first, ...later]) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(first), {});
  const loads = [];
  const there = { ...exports };
  later.forEach((_, n) => {
    const load = () => {
      for (let part = loads.length; part <= n; part++) {
        loads.push(part);
        Object.assign(there, new WebAssembly.Instance(new WebAssembly.Module(later[part]), { "": there }).exports);
      }
    };
    exports.$table.set(exports.$table.length - later.length + n, new WebAssembly.Instance(new WebAssembly.Module(PASSED_ON), { "": { "": load } }).exports[""]);
  });
  return { exports, loads };
}

const module = assembled(MODULE);
const expected = answers(new WebAssembly.Instance(new WebAssembly.Module(module), {}).exports);

test("whatever is known of what runs when, the parts do together what the whole does, and each is loaded once", () => {
  let state = 1;
  const chance = () => (state = Math.imul(state, 1_103_515_245) + 12_345) >>> 16;
  const loaded = [0, 0, 0, 0];
  for (let turn = 0; turn < 300; turn++) {
    const often = 1 + (chance() % 6);
    const count = 2 + (chance() % 3);
    const ran = new Map(parse(module).codes.map((body) => [shape(body), points(decode(body).code).map(() => (chance() % often === 0 ? chance() % count : count - 1))]));
    const parts = split(module, ran, { count, worth: turn % 2 ? 24 : -100 });
    assert.equal(parts.length, count);
    const { exports, loads } = joined(parts);
    assert.deepEqual(answers(exports), expected, `turn ${turn}`);
    assert.deepEqual(loads, [...loads.keys()], `turn ${turn}`);
    loaded[loads.length]++;
  }
  assert.ok(loaded.slice(1).every((turns) => turns > 20), `${loaded} were loaded`);
});

test("of what nothing is known nothing is cut", () => {
  const { exports, loads } = joined(split(module, new Map()));
  assert.deepEqual(answers(exports), expected);
  assert.deepEqual(loads, []);
});

test("data that only a later part names come with it, and what nobody names with the last", () => {
  const bodies = parse(module).codes;
  const data = bodies.at(-2);
  const ran = new Map(bodies.map((body) => [shape(body), points(decode(body).code).map(() => (body === data ? 1 : 0))]));
  const datas = split(module, ran).map((bytes) => dataOf(datasOf(bytes)).map(({ at }) => at));
  assert.deepEqual(datas, [[8], [20000, 22000, 24000, 26000], [28000]]);
});

test("what is known of what runs is read as it was written", () => {
  const ran = new Map([
    ["0a0b0c0d", [2, 2, 2]],
    ["0a0b0c0e", [0, 1, 2, 0, 2, 2, 1]],
    ["0a0b0c0f", [0, 2, 0]],
    ["0a0b0c10", [2, 1, 2]],
  ]);
  const read = parsed(told(ran, 3), 3);
  for (const [shape, parts] of ran) {
    assert.deepEqual(parts.map((_, n) => read.get(shape)[n] ?? 2), parts, shape);
  }
});
