// The body of a function as its instructions, and the points at which control may come to it from elsewhere.

import { Reader } from "./binary.mjs";

export const Op = { unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f, call: 0x10, callIndirect: 0x11, drop: 0x1a, select: 0x1b, localGet: 0x20, localSet: 0x21, localTee: 0x22, i32: 0x41 };

/** The instructions of a body: code, where each begins and ends, and what it names. What opens a block has `close`, the number of
 *  its end, and `otherwise`, that of its else. */
export function decode(body) {
  const reader = new Reader(body);
  const locals = reader.list((r) => ({ count: r.u32(), type: r.byte() }));
  const start = reader.at;
  const code = [];
  const open = [-1];
  while (open.length) {
    const one = { from: reader.at, to: 0, code: reader.byte(), depth: open.length };
    const at = code.push(one) - 1;
    const { code: op } = one;
    if (op === Op.block || op === Op.loop || op === Op.if) {
      one.type = reader.s32();
      open.push(at);
    } else if (op === Op.else) {
      one.depth--;
      code[open.at(-1)].otherwise = at;
    } else if (op === Op.end) {
      one.depth--;
      one.opens = open.pop();
      if (one.opens >= 0) code[one.opens].close = at;
    } else if (op === Op.brTable) {
      one.labels = reader.list((r) => r.u32());
      one.labels.push(reader.u32());
    } else if (op === Op.callIndirect) {
      one.index = reader.u32();
      reader.skipLeb();
    } else if (op === 0x1c) {
      reader.take(reader.u32());
    } else if (op >= 0x28 && op <= 0x3e) {
      reader.skipLeb();
      reader.skipLeb();
    } else if (op === 0x43) reader.take(4);
    else if (op === 0x44) reader.take(8);
    else if (op === 0x41 || op === 0x42) reader.skipLeb();
    else if (op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x26) || op === 0x3f || op === 0x40 || op === 0xd0 || op === 0xd2) one.index = reader.u32();
    else if (op === 0xfc) {
      one.more = reader.u32();
      const operands = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1][one.more];
      if (operands === undefined) throw new Error(`the instruction 0xfc ${one.more} is not known`);
      for (let n = 0; n < operands; n++) reader.skipLeb();
    } else if (!(op <= 0x01 || op === 0x0f || op === 0x1a || op === 0x1b || (op >= 0x45 && op <= 0xc4) || op === 0xd1)) {
      throw new Error(`the instruction 0x${op.toString(16)} is not known`);
    }
    one.to = reader.at;
  }
  return { locals, start, code };
}

/** The numbers of the instructions to which control comes not only from the one before. */
export function points(code) {
  const out = [0];
  for (let at = 0; at + 1 < code.length; at++) {
    const { code: op } = code[at];
    if (op === Op.if || op === Op.else || op === Op.end || op === Op.brIf) out.push(at + 1);
  }
  return out;
}
