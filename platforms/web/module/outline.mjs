// Takes out of functions what of them runs later than the rest, or never: runs of their code become functions of their own, which
// can be of a later part of the module. Such a run is of whole instructions of one block and needs nothing of the operand stack. The
// locals that it reads are arguments, those that it writes results; where it may leave in several ways, a number says which.

import { joined, leb, sleb } from "./binary.mjs";
import { decode, Op } from "./body.mjs";

const [I32, I64, F32, F64, NOTHING] = [0x7f, 0x7e, 0x7d, 0x7c, -64];
const VALUES = { [-1]: I32, [-2]: I64, [-3]: F32, [-4]: F64 };
const ZERO = { [I32]: [0x41, 0], [I64]: [0x42, 0], [F32]: [0x43, 0, 0, 0, 0], [F64]: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };
/** What of a function is of part `from` of the module or a later one, as functions of their own. `levels` has the part that each of
 *  its instructions is of. Gives the new body and those functions, all with their levels; their types are put into `types`, and
 *  `next` numbers them. What is taken out is longer than what stands in its place by `worth`. */
export function outlined(module, { body, type: number, levels }, from, types, next, worth) {
  const { locals, start, code } = decode(body);
  const type = signature(types[number]);
  const localTypes = [...type.parameters, ...locals.flatMap(({ count, type }) => Array(count).fill(type))];
  const cold = levels.map((level) => level >= from);
  const uses = new Map();
  for (const { code: op, index } of code) if (op >= Op.localGet && op <= Op.localTee) uses.set(index, (uses.get(index) ?? 0) + 1);
  const context = { module, body, code, levels, cold, localTypes, parameters: type.parameters.length, result: type.results[0], uses, types, worth, added: [] };
  const pieces = [];
  const parts = [];
  const found = (part) => {
    // What is inside of it is not looked at one by one.
    parts.push({ ...part, levels: part.levels.map((level) => Math.max(level, from)) });
    return next + parts.length - 1;
  };
  level(context, 0, code.length - 1, [{ arity: type.results.length, loop: false }], found, pieces);
  if (!parts.length) return undefined;
  pieces.sort((a, b) => a.at - b.at);
  const groups = [...locals.map(({ count, type }) => [...leb(count), type]), ...context.added.map((type) => [1, type])];
  const out = [{ bytes: joined([leb(groups.length), ...groups]) }];
  let at = 0;
  for (const { at: begin, upto, ...piece } of pieces) {
    out.push(copied(context, at, begin), piece);
    at = upto;
  }
  out.push(copied(context, at, code.length));
  return { ...woven(out), parts };
}

/** Instructions as they are. */
function copied({ body, code, levels }, from, to) {
  const begin = from < code.length ? code[from].from : body.length;
  const end = to < code.length ? code[to].from : body.length;
  return { bytes: body.subarray(begin, end), levels: levels.slice(from, to) };
}

/** A body of pieces, and the level of each of its instructions: a piece has one for each, or one for all. */
function woven(pieces) {
  const body = joined(pieces.map(({ bytes }) => bytes));
  const { code } = decode(body);
  const levels = [];
  let end = 0;
  for (const { bytes, levels: own, level } of pieces) {
    end += bytes.length;
    for (let n = 0; levels.length < code.length && code[levels.length].from < end; n++) levels.push(own ? own[n] : level);
  }
  return { body, levels };
}

/** The two lists of a function's type. */
export function signature(bytes) {
  const parameters = [...bytes.subarray(2, 2 + bytes[1])];
  return { parameters, results: [...bytes.subarray(3 + bytes[1])] };
}

/** Looks through the instructions of a block, from one up to its end, for what is to be taken out. `labels` are the blocks around. */
function level(context, from, end, labels, found, pieces) {
  const { code, cold, module } = context;
  let height = 0;
  /** Where such a run may begin or end: the operand stack is as at the start of the block. */
  let places = [];
  const close = () => {
    take(context, places, labels, found, pieces);
    places = [];
  };
  for (let at = from; at <= end; ) {
    const one = code[at];
    if (at === end || !cold[at]) {
      if (places.length) {
        // The last instruction of a block may leave its value behind.
        if (height === 0 || at === end) places.push({ at, height });
        close();
      }
      if (at === end) return;
    } else if (height === 0) {
      places.push({ at, height });
    }
    const opens = one.close !== undefined;
    if (opens && !cold[at]) {
      const inner = [...labels, { arity: one.code === Op.loop ? 0 : arity(one.type), loop: one.code === Op.loop, result: VALUES[one.type] }];
      // A block that takes operands is left alone: its start has a height of its own.
      if (one.type < 0) {
        level(context, at + 1, one.otherwise ?? one.close, inner, found, pieces);
        if (one.otherwise !== undefined) level(context, one.otherwise + 1, one.close, inner, found, pieces);
      }
    }
    if (isEnd(one)) {
      // What follows up to the end of the block is never reached.
      if (places.length) {
        places.push({ at: end, height: 0, dead: true });
        close();
      }
      return;
    }
    height += effect(module, one);
    at = opens ? one.close + 1 : at + 1;
  }
}

const isEnd = ({ code }) => code === Op.unreachable || code === Op.br || code === Op.brTable || code === Op.return;
const arity = (type) => (type === NOTHING ? 0 : 1);

/** Takes out the longest run between two of these places, if that is worth it. */
function take(context, places, labels, found, pieces) {
  const first = places[0];
  const last = places.at(-1);
  if (places.length < 2) return;
  // What leaves a value at the end of its block can be taken out only without it.
  const upto = last.height === 0 || last.dead ? last : places.filter(({ height }) => height === 0).at(-1);
  if (upto.at <= first.at) return;
  const part = made(context, first.at, upto.at, !upto.dead, labels);
  if (!part) return;
  const number = found(part.function);
  const bytes = joined([part.before, [Op.call], leb(number), part.after]);
  pieces.push({ at: first.at, upto: upto.at, bytes, level: Math.min(...context.levels.slice(first.at, upto.at)) });
}

function made(context, from, to, fallsThrough, labels) {
  const { code, levels, localTypes, parameters, result, uses, types, worth, added } = context;
  const inLoop = labels.some(({ loop }) => loop);
  const depth = code[from].depth;
  // What it does with locals.
  const inside = new Map();
  const written = new Set();
  const needed = new Set();
  const set = new Set();
  let mayLeave = false;
  for (let at = from; at < to; at++) {
    const { code: op, index, depth: own } = code[at];
    if (op === Op.brIf || op === Op.br || op === Op.brTable || op === Op.return) mayLeave = true;
    if (op < Op.localGet || op > Op.localTee) continue;
    inside.set(index, (inside.get(index) ?? 0) + 1);
    if (op !== Op.localGet) written.add(index);
    // Written before all else, whatever happens: what it was does not matter. What is written only at times is needed, to be given
    // back as it was.
    if (op !== Op.localGet && own === depth && !mayLeave && !needed.has(index)) set.add(index);
    else if (!set.has(index)) needed.add(index);
  }
  const isOwn = (index) => !inLoop && index >= parameters && inside.get(index) === uses.get(index);
  const outward = [...written].filter((index) => !isOwn(index)).sort((a, b) => a - b);
  const given = [...needed].filter((index) => !isOwn(index)).sort((a, b) => a - b);
  const owned = [...inside.keys()].filter((index) => !given.includes(index)).sort((a, b) => a - b);

  // In which ways it is left. A label's number counts from the function outwards: 0 is to return.
  const ways = fallsThrough ? ["on"] : [];
  const way = (name) => (ways.includes(name) ? ways.indexOf(name) : ways.push(name) - 1);
  const leaving = new Map();
  for (let at = from; at < to; at++) {
    const { code: op, index, depth: own, labels: table } = code[at];
    const target = (label) => labels.length - 1 - (label - (own - depth));
    if (op === Op.return) leaving.set(at, way(0));
    if (op === Op.brTable && table.some((label) => label >= own - depth)) return undefined;
    if ((op === Op.br || op === Op.brIf) && index >= own - depth) {
      const to = target(index);
      if (to === 0 ? op === Op.brIf && result !== undefined : labels[to].arity) return undefined;
      leaving.set(at, way(to));
    }
  }
  const valued = result !== undefined && ways.includes(0);
  const numbered = ways.length > 1;

  // The function.
  const numbers = new Map([...given, ...owned].map((index, number) => [index, number]));
  const held = given.length + owned.length;
  const leave = (number, value) => [
    ...(value ? [0x21, ...leb(held)] : []),
    ...(numbered ? [0x41, ...sleb(number)] : []),
    ...(valued ? (value ? [0x20, ...leb(held)] : ZERO[result]) : []),
    ...outward.flatMap((index) => [0x20, ...leb(numbers.get(index))]),
  ];
  const pieces = [];
  let taken = from;
  for (let at = from; at < to; at++) {
    const { code: op, index } = code[at];
    let instead;
    if (op >= Op.localGet && op <= Op.localTee) instead = [op, ...leb(numbers.get(index))];
    else if (leaving.has(at)) {
      const number = leaving.get(at);
      const out = [...leave(number, ways[number] === 0 && result !== undefined), Op.return];
      instead = op === Op.brIf ? [Op.if, 0x40, ...out, Op.end] : out;
    }
    if (instead) {
      pieces.push(copied(context, taken, at), { bytes: instead, level: levels[at] });
      taken = at + 1;
    }
  }
  pieces.push(copied(context, taken, to));
  const ends = fallsThrough ? leave(0, false) : [Op.unreachable];
  const own = [...owned.map((index) => localTypes[index]), ...(valued ? [result] : [])];
  const results = [...(numbered ? [I32] : []), ...(valued ? [result] : []), ...outward.map((index) => localTypes[index])];
  const function_ = {
    type: typeIndex(types, [0x60, ...leb(given.length), ...given.map((index) => localTypes[index]), ...leb(results.length), ...results]),
    ...woven([{ bytes: joined([leb(own.length), ...own.map((type) => [1, type])]) }, ...pieces, { bytes: [...ends, Op.end], level: levels[to - 1] }]),
  };

  // What stands in its place. New locals of the caller come behind those that it has.
  const local = (type) => localTypes.push(type) - 1;
  const before = given.flatMap((index) => [0x20, ...leb(index)]);
  const after = [...outward].reverse().flatMap((index) => [0x21, ...leb(index)]);
  const size = code[to].from - code[from].from;
  if (size < before.length + after.length + 12 * ways.length + worth) return undefined;
  let value;
  if (valued) {
    added.push(result);
    value = local(result);
    after.push(0x21, ...leb(value));
  }
  const goes = (name) => (name === 0 ? [...(valued ? [0x20, ...leb(value)] : []), Op.return] : [Op.br, ...leb(labels.length - 1 - name)]);
  const goesIf = (name) => (name === 0 ? [Op.if, 0x40, ...goes(0), Op.end] : [Op.brIf, ...leb(labels.length - 1 - name)]);
  if (ways.length === 0) after.push(Op.unreachable);
  else if (!numbered) after.push(...(ways[0] === "on" ? [] : goes(ways[0])));
  else if (ways.length === 2) after.push(...goesIf(ways[1]), ...(ways[0] === "on" ? [] : goes(ways[0])));
  else {
    added.push(I32);
    const which = local(I32);
    after.push(0x21, ...leb(which));
    for (let number = ways.length - 1; number > 0; number--) after.push(0x20, ...leb(which), 0x41, ...sleb(number), 0x46, ...goesIf(ways[number]));
    if (ways[0] !== "on") after.push(...goes(ways[0]));
  }
  return { function: function_, before, after };
}

/** The number of a type, which is put behind those that there are if it is not one of them. */
export function typeIndex(types, wanted) {
  const known = types.findIndex((type) => type.length === wanted.length && type.every((byte, n) => byte === wanted[n]));
  return known < 0 ? types.push(new Uint8Array(wanted)) - 1 : known;
}

/** What an instruction, with all that it opens, does to the height of the operand stack. */
function effect(module, one) {
  const { code: op, type, index, more } = one;
  const called = (number) => signature(module.types[number]);
  const change = ({ parameters, results }) => results.length - parameters.length;
  if (op === Op.block || op === Op.loop || op === Op.if) return (type >= 0 ? change(called(type)) : arity(type)) - (op === Op.if ? 1 : 0);
  if (op === Op.call) return change(called(index < module.imported ? module.imports[index].type : module.functions[index - module.imported]));
  if (op === Op.callIndirect) return change(called(index)) - 1;
  if (op === Op.brIf || op === Op.drop || op === Op.localSet || op === 0x24) return -1;
  if (op === Op.select || op === 0x1c) return -2;
  if (op === Op.localGet || op === 0x23 || op === 0x3f || (op >= 0x41 && op <= 0x44) || op === 0xd0 || op === 0xd2) return 1;
  if (op >= 0x36 && op <= 0x3e) return -2;
  if (op === 0x26) return -2;
  const binary = (op >= 0x46 && op <= 0x4f) || (op >= 0x51 && op <= 0x66) || (op >= 0x6a && op <= 0x78) || (op >= 0x7c && op <= 0x8a) || (op >= 0x92 && op <= 0x98) || (op >= 0xa0 && op <= 0xa6);
  if (binary) return -1;
  if (op === 0xfc) return more < 8 ? 0 : [-3, 0, -3, -3, -3, 0, -3, -1, 1, -3][more - 8];
  return 0;
}

/** A function by what it is made of, whatever it is called and whatever places it names. */
export function shape(body) {
  let hash = 0x811c9dc5;
  const mix = (byte) => (hash = Math.imul(hash ^ byte, 0x01000193));
  for (const { code, index, more } of decode(body).code) {
    mix(code);
    if (code >= Op.localGet && code <= Op.localTee) mix(index);
    if (code === 0xfc) mix(more);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
