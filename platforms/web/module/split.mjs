// Cuts a module in two: what runs until pictures are shown, and the rest, which a page loads while it plays.
//
// Both are instances on one memory, one table and the same globals. A function of the rest has a place in the table, where the
// rest puts it. From its own module it is called as before; from the first it is called through its place, once the rest is
// there: the first such call has it loaded, by the function at the last place of the table. Whatever is called too early is so
// only late; nothing is missing.

import { callees, joined, Kind, leb, named, parse, rewritten, Section, section, sleb, vector } from "./binary.mjs";
import { decode, Op, points } from "./body.mjs";
import { outlined, shape } from "./outline.mjs";

/** Under these names the first module exports what is not exported anyway. */
const TABLE = "$table";
const REACHED = "$reached";
const FUNCTION = 0x60;

/** The two modules. `ran` has, by the shape of a function, a flag for each of its points that were reached. Of a shape that it
 *  does not know nothing is known, and the function stays in the first module. What is taken out of functions is longer than
 *  what stands in its place by `worth` bytes. */
export function split(bytes, ran, worth = 24) {
  const module = parse(bytes);
  const late = part(module, ran, worth);
  const { imported, functions, codes } = module;
  const isRest = (index) => index >= imported && late[index - imported];
  const typeOf = (index) => (index < imported ? module.imports[index].type : functions[index - imported]);

  // Who names whom, over the cut.
  const called = new Set();
  const shared = new Set();
  codes.forEach((body, own) => {
    for (const target of callees(body)) {
      if (isRest(target) && !late[own]) called.add(target);
      if (!isRest(target) && late[own]) shared.add(target);
    }
  });
  const exported = module.exports.filter(({ kind, index }) => kind === Kind.function && isRest(index)).map(({ index }) => index);
  // A function may be at several places: what was alike became one.
  const filled = module.elements.flatMap(({ offset, functions }) => functions.map((target, n) => [offset + n, target])).filter(([, target]) => isRest(target));
  const places = new Map(filled.map(([place, target]) => [target, place]));
  let top = module.tables[0].limits[0];
  for (const target of [...new Set([...called, ...exported])].filter((target) => !places.has(target)).sort((a, b) => a - b)) {
    filled.push([top, target]);
    places.set(target, top++);
  }
  const loader = top++;

  // The first. Behind its own functions: the one that waits, and those that stand for functions of the rest whose address is
  // taken, or that are exported.
  const types = module.types;
  const plain = typeIndex(types, [FUNCTION, 0, 0]);
  const numbers = new Map();
  for (let index = 0; index < imported; index++) numbers.set(index, index);
  let next = imported;
  late.forEach((is, own) => is || numbers.set(imported + own, next++));
  const wait = next++;
  const standIns = [...new Set([...filled.filter(([place]) => place < module.tables[0].limits[0]).map(([, target]) => target), ...exported])];
  for (const target of standIns) numbers.set(target, next++);
  const there = module.globals.length;
  const through = (target) => joined([[Op.call], leb(wait), [0x41], sleb(places.get(target)), [Op.callIndirect], leb(typeOf(target)), [0]]);
  const waits = joined([[0, 0x23], leb(there), [0x45, Op.if, 0x40, 0x41], sleb(loader), [Op.callIndirect], leb(plain), [0, 0x41, 1, 0x24], leb(there), [Op.end, Op.end]]);
  const standsFor = (target) => {
    const given = Array.from({ length: types[typeOf(target)][1] }, (_, n) => [Op.localGet, ...leb(n)]).flat();
    return joined([[0], given, through(target), [Op.end]]);
  };
  const call = (numbers) => ({ code, target }) => joined([[code], leb(numbers.get(target))]);
  const ownCall = (found) => (isRest(found.target) && found.code === Op.call ? through(found.target) : call(numbers)(found));
  const kept = codes.filter((_, own) => !late[own]).map((body) => rewritten(body, ownCall));

  const exports = [...module.exports, { name: TABLE, kind: Kind.table, index: 0 }];
  const nameOf = (kind, index, name) => {
    const known = exports.find((one) => one.kind === kind && one.index === index);
    if (!known) exports.push({ name, kind, index });
    return known?.name ?? name;
  };
  const memoryName = nameOf(Kind.memory, 0, "$memory");
  const lent = [...shared].sort((a, b) => a - b).map((index, n) => ({ index, name: nameOf(Kind.function, index, `$${n.toString(36)}`) }));
  const globals = module.globals.map(({ type }, n) => ({ type, name: nameOf(Kind.global, n, `$global${n}`) }));
  const tableNames = module.tables.map((_, n) => (n === 0 ? TABLE : nameOf(Kind.table, n, `${TABLE}${n}`)));
  const tables = (write) => module.tables.map(({ type, limits: own }, n) => write(joined([[type], limitsOf(n === 0 ? [top, top] : own)]), n));
  const first = written({
    ...module,
    functions: [...functions.filter((_, own) => !late[own]), plain, ...standIns.map(typeOf)],
    tables: tables((bytes) => bytes),
    globals: [...module.globals.map(({ type, init }) => joined([type, init])), [0x7f, 1, 0x41, 0, Op.end]],
    exports: exports.map(({ name, kind, index }) => ({ name, kind, index: kind === Kind.function ? numbers.get(index) : index })),
    elements: module.elements.map(({ offset, functions }) => elementOf(offset, functions.map((target) => numbers.get(target)))),
    codes: [...kept, waits, ...standIns.map(standsFor)],
  });

  // The rest.
  const own = new Map(lent.map(({ index }, n) => [index, n]));
  late.forEach((is, at) => is && own.set(imported + at, own.size));
  const importOf = (name, kind, what) => joined([named(""), named(name), [kind], what]);
  const rest = joined([
    HEADER,
    section(Section.type, vector(types)),
    section(
      Section.import,
      vector([
        ...lent.map(({ index, name }) => importOf(name, Kind.function, leb(typeOf(index)))),
        ...tables((bytes, n) => importOf(tableNames[n], Kind.table, bytes)),
        importOf(memoryName, Kind.memory, limitsOf(module.memory)),
        ...globals.map(({ type, name }) => importOf(name, Kind.global, type)),
      ]),
    ),
    section(Section.function, vector(functions.filter((_, at) => late[at]).map(leb))),
    section(Section.element, vector(runs(filled).map(([place, targets]) => elementOf(place, targets.map((target) => own.get(target)))))),
    section(Section.code, vector(codes.filter((_, at) => late[at]).map((body) => sized(rewritten(body, call(own)))))),
  ]);
  return { first: valid(first), rest: valid(rest) };
}

/** Takes out of the functions what did not run, and tells of each, by its number, whether it is late. */
function part(module, ran, worth) {
  const late = module.codes.map((body) => ran.get(shape(body))?.every((flag) => !flag) ?? false);
  module.types = [...module.types];
  const parts = [];
  module.codes = module.codes.map((body, own) => {
    const reached = late[own] ? undefined : ran.get(shape(body));
    const taken = reached && outlined(module, own, reached, module.types, module.imported + module.functions.length + parts.length, worth);
    if (!taken) return body;
    parts.push(...taken.parts);
    return taken.body;
  });
  module.functions = [...module.functions, ...parts.map(({ type }) => type)];
  module.codes = [...module.codes, ...parts.map(({ body }) => body)];
  return [...late, ...parts.map(() => true)];
}

/** The same module with a second memory, of a byte for each point of each function, which is set where it was reached. */
export function watched(bytes) {
  const module = parse(bytes);
  let count = 0;
  const codes = module.codes.map((body) => {
    const { start, code } = decode(body);
    const pieces = [body.subarray(0, start)];
    let at = start;
    for (const point of points(code)) {
      // i32.const 0, i32.const 1, i32.store8 of memory 1 at the byte of this point.
      pieces.push(body.subarray(at, code[point].from), [0x41, 0, 0x41, 1, 0x3a, 0x40, 1], leb(count++));
      at = code[point].from;
    }
    return joined([...pieces, body.subarray(at)]);
  });
  const tables = module.tables.map(({ type, limits }) => joined([[type], limitsOf(limits)]));
  const globals = module.globals.map(({ type, init }) => joined([type, init]));
  const exports = [...module.exports, { name: REACHED, kind: Kind.memory, index: 1 }];
  const elements = module.elements.map(({ offset, functions }) => elementOf(offset, functions));
  return written({ ...module, tables, globals, exports, elements, codes, reached: Math.ceil(count / 65_536) });
}

/** What a watched module left in its memory, as flags by the shape of functions. */
export function flagsOf(bytes, reached) {
  const flags = new Map();
  let at = 0;
  for (const body of parse(bytes).codes) {
    const own = points(decode(body).code).map(() => !!reached[at++]);
    const name = shape(body);
    const known = flags.get(name);
    flags.set(name, known ? known.map((flag, n) => flag || own[n]) : own);
  }
  return flags;
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const sized = (bytes) => joined([leb(bytes.length), bytes]);
const limitsOf = (limits) => joined([[limits.length - 1], ...limits.map(leb)]);
const elementOf = (offset, functions) => joined([[0, 0x41], sleb(offset), [Op.end], vector(functions.map(leb))]);

function typeIndex(types, wanted) {
  const known = types.findIndex((type) => type.length === wanted.length && type.every((byte, n) => byte === wanted[n]));
  return known < 0 ? types.push(new Uint8Array(wanted)) - 1 : known;
}

/** Places that follow each other, and what belongs there. */
function runs(filled) {
  const out = [];
  for (const [place, target] of filled.sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && last[0] + last[1].length === place) last[1].push(target);
    else out.push([place, [target]]);
  }
  return out;
}

function written({ types, imports, functions, tables, memory, reached, globals, exports, elements, codes, datas }) {
  return joined([
    HEADER,
    section(Section.type, vector(types)),
    section(Section.import, vector(imports.map(({ module, name, kind, type }) => joined([named(module), named(name), [kind], leb(type)])))),
    section(Section.function, vector(functions.map(leb))),
    section(Section.table, vector(tables)),
    section(Section.memory, vector([limitsOf(memory), ...(reached ? [limitsOf([reached])] : [])])),
    section(Section.global, vector(globals)),
    section(Section.export, vector(exports.map(({ name, kind, index }) => joined([named(name), [kind], leb(index)])))),
    section(Section.element, vector(elements)),
    section(Section.dataCount, new Uint8Array(leb(datas.length))),
    section(Section.code, vector(codes.map(sized))),
    section(Section.data, vector(datas)),
  ]);
}

function valid(bytes) {
  // It says what is wrong.
  new WebAssembly.Module(bytes);
  return bytes;
}
