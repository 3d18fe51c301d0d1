// Data by the part of the module whose code names it first. A linker that was told so (--no-merge-data-segments) leaves each constant
// and each variable as a segment of its own; what code names is a place within one of them.

import { joined, leb, Reader, Section, section, sleb, vector } from "./binary.mjs";
import { decode, Op } from "./body.mjs";

/** How far before a table code may name it: to read a digit of a number, say, at its place less that of "0". */
const BEFORE = 1024;
/** What is between two segments and named by none costs less than a segment more. */
const GAP = 8;

/** The segments, by their places. */
export function dataOf(datas) {
  const units = datas.map((raw) => {
    const reader = new Reader(raw);
    if (reader.u32() !== 0 || reader.byte() !== Op.i32) throw new Error("data that are not at a place of their own from the start are not known");
    const at = reader.s32();
    reader.byte();
    return { at, bytes: reader.take(reader.u32()) };
  });
  return units.sort((a, b) => a.at - b.at);
}

/** The part that each segment is of, of `count`: the first whose code names it, itself or by way of others. `parts` has that of each
 *  body. What nobody names is of the last. */
export function levelsOf(units, codes, parts, count) {
  const levels = units.map(() => count - 1);
  if (!units.length) return levels;
  const end = ({ at, bytes }) => at + bytes.length;
  const low = units[0].at - BEFORE;
  const high = end(units.at(-1));
  /** The last that begins at a place or before it. */
  const before = (place) => {
    let [from, to] = [0, units.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (units[middle].at <= place) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  };
  const todo = [];
  const wanted = (n, part) => {
    if (n < 0 || levels[n] <= part) return;
    levels[n] = part;
    todo.push(n);
  };
  const named = (place, part) => {
    const n = before(place);
    wanted(n, part);
    // Not a beginning: it may be of one behind.
    if (n >= 0 && units[n].at === place) return;
    for (let next = n + 1; next < units.length && units[next].at <= place + BEFORE; next++) wanted(next, part);
  };
  for (let part = 0; part < count - 1; part++) {
    codes.forEach((body, own) => {
      if (parts[own] !== part) return;
      for (const place of numbers(body)) if (place >= low && place < high) named(place, part);
    });
    while (todo.length) {
      const { at, bytes } = units[todo.pop()];
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let place = (4 - (at % 4)) % 4; place + 4 <= bytes.length; place += 4) {
        const target = view.getUint32(place, true);
        if (target >= low && target < high) named(target, part);
      }
    }
  }
  return levels;
}

/** The numbers in a body that may be places in memory. */
function numbers(body) {
  const found = [];
  for (const { code, from } of decode(body).code) {
    const reader = new Reader(body, from + 1);
    if (code === Op.i32) found.push(reader.s32());
    else if (code >= 0x28 && code <= 0x3e) found.push((reader.u32(), reader.u32()));
  }
  return found;
}

/** The segments of one part: those that follow each other as one. */
export function written(units, levels, part) {
  const runs = [];
  units.forEach(({ at, bytes }, n) => {
    if (levels[n] !== part) return;
    const last = runs.at(-1);
    const gap = last && at - last.end;
    if (last && last.n === n - 1 && gap >= 0 && gap <= GAP) {
      last.pieces.push(new Uint8Array(gap), bytes);
      Object.assign(last, { n, end: at + bytes.length });
    } else runs.push({ at, n, end: at + bytes.length, pieces: [bytes] });
  });
  return runs.map(({ at, pieces }) => {
    const bytes = joined(pieces);
    return joined([[0, Op.i32], sleb(at), [Op.end], leb(bytes.length), bytes]);
  });
}

/** The same module with as few segments as other linkers would have left. */
export function merged(bytes) {
  const reader = new Reader(bytes, 8);
  const sections = [];
  while (reader.left) {
    const number = reader.byte();
    sections.push({ number, body: reader.take(reader.u32()) });
  }
  const data = sections.find(({ number }) => number === Section.data);
  if (!data) return bytes;
  const units = dataOf(new Reader(data.body).list((r) => r.raw(() => segment(r))));
  const datas = written(units, units.map(() => 0), 0);
  data.body = vector(datas);
  for (const one of sections) if (one.number === Section.dataCount) one.body = new Uint8Array(leb(datas.length));
  return Buffer.from(joined([bytes.subarray(0, 8), ...sections.map(({ number, body }) => section(number, body))]));
}

/** Goes over a segment at a place of its own. */
function segment(reader) {
  reader.u32();
  reader.byte();
  reader.skipLeb();
  reader.byte();
  reader.take(reader.u32());
}
