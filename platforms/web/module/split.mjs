// Cuts a module in parts by when they run. The first has what every title needs until pictures are shown; later ones are loaded
// when something of them is called, or before that.
//
// All are instances on one memory, one table and the same globals. A function of a later part has a place in the table, where its
// part puts it. From its own part and from later ones it is called as before; from earlier ones through its place, once its part is
// there: the first such call has it loaded, by a function at one of the last places of the table. Whatever is called too early is
// so only late; nothing is missing. Data is of the first part whose code names it.

import { callees, joined, Kind, leb, named, parse, rewritten, Section, section, sleb, vector } from "./binary.mjs";
import { decode, Op, points } from "./body.mjs";
import { dataOf, levelsOf, written as writtenData } from "./data.mjs";
import { outlined, shape, typeIndex } from "./outline.mjs";

/** Under these names parts export what is not exported anyway. */
const TABLE = "$table";
const REACHED = "$reached";
const FUNCTION = 0x60;

/** The parts, in their order: each needs those before it. `ran` has, by the shape of a function, for each of its points the part
 *  that it is of. Of a shape that it does not know nothing is known, and the function is of the first. What is taken out of
 *  functions is longer than what stands in its place by `worth` bytes. The last places of the table are for what loads the
 *  parts: the very last for the last. */
export function split(bytes, ran, { count = 3, worth = 24 } = {}) {
  const module = parse(bytes);
  const levels = sorted(module, ran, count, worth);
  const { imported, functions, codes } = module;
  const partOf = (index) => (index < imported ? 0 : levels[index - imported]);
  const typeOf = (index) => (index < imported ? module.imports[index].type : functions[index - imported]);
  const later = Array.from({ length: count - 1 }, (_, n) => n + 1);

  // Who names whom, over the cuts.
  const called = new Set();
  /** Functions, and the later parts that call them. */
  const lent = new Map();
  codes.forEach((body, own) => {
    for (const target of callees(body)) {
      if (partOf(target) > levels[own]) called.add(target);
      if (partOf(target) < levels[own]) lent.set(target, (lent.get(target) ?? new Set()).add(levels[own]));
    }
  });
  const exported = module.exports.filter(({ kind, index }) => kind === Kind.function && partOf(index)).map(({ index }) => index);
  // A function may be at several places: what was alike became one.
  const filled = module.elements.flatMap(({ offset, functions }) => functions.map((target, n) => [offset + n, target])).filter(([, target]) => partOf(target));
  const places = new Map(filled.map(([place, target]) => [target, place]));
  let top = module.tables[0].limits[0];
  for (const target of [...new Set([...called, ...exported])].filter((target) => !places.has(target)).sort((a, b) => a - b)) {
    filled.push([top, target]);
    places.set(target, top++);
  }
  const loaders = later.map(() => top++);

  // Behind the first part's own functions: those that wait for another part, and those that stand for functions of one whose
  // address is taken, or that are exported.
  const types = module.types;
  const plain = typeIndex(types, [FUNCTION, 0, 0]);
  const numbers = new Map();
  for (let index = 0; index < imported; index++) numbers.set(index, index);
  let next = imported;
  levels.forEach((part, own) => part || numbers.set(imported + own, next++));
  const waits = later.map(() => next++);
  const standIns = [...new Set([...filled.filter(([place]) => place < module.tables[0].limits[0]).map(([, target]) => target), ...exported])];
  for (const target of standIns) numbers.set(target, next++);
  const there = module.globals.length;
  const through = (target, waits) => joined([[Op.call], leb(waits[partOf(target) - 1]), [0x41], sleb(places.get(target)), [Op.callIndirect], leb(typeOf(target)), [0]]);
  const waitsFor = (part) =>
    joined([[0, 0x23], leb(there + part - 1), [0x45, Op.if, 0x40, 0x41], sleb(loaders[part - 1]), [Op.callIndirect], leb(plain), [0, 0x41, 1, 0x24], leb(there + part - 1), [Op.end, Op.end]]);
  const standsFor = (target) => {
    const given = Array.from({ length: types[typeOf(target)][1] }, (_, n) => [Op.localGet, ...leb(n)]).flat();
    return joined([[0], given, through(target, waits), [Op.end]]);
  };
  const calls = (part, numbers, waits) => ({ code, target }) => (partOf(target) > part && code === Op.call ? through(target, waits) : joined([[code], leb(numbers.get(target))]));
  const of = (part) => (_, own) => levels[own] === part;

  // What of each part others name.
  const exports = [...module.exports, { name: TABLE, kind: Kind.table, index: 0 }];
  const nameOf = (kind, index, name) => {
    const known = exports.find((one) => one.kind === kind && one.index === index);
    if (!known) exports.push({ name, kind, index });
    return known?.name ?? name;
  };
  const memoryName = nameOf(Kind.memory, 0, "$memory");
  const lentNames = new Map([...lent.keys()].sort((a, b) => a - b).map((index, n) => [index, partOf(index) ? `$${n.toString(36)}` : nameOf(Kind.function, index, `$${n.toString(36)}`)]));
  const globals = module.globals.map(({ type }, n) => ({ type, name: nameOf(Kind.global, n, `$global${n}`) }));
  const tableNames = module.tables.map((_, n) => (n === 0 ? TABLE : nameOf(Kind.table, n, `${TABLE}${n}`)));
  const tables = (write) => module.tables.map(({ type, limits: own }, n) => write(joined([[type], limitsOf(n === 0 ? [top, top] : own)]), n));
  const waitNames = later.map((part) => `$wait${part}`);
  const waitExports = later.slice(1).map((part) => ({ name: waitNames[part - 1], kind: Kind.function, index: waits[part - 1] }));

  const units = dataOf(module.datas);
  const data = levelsOf(units, codes, levels, count);
  const datas = (part) => writtenData(units, data, part);

  const first = written({
    ...module,
    functions: [...functions.filter(of(0)), ...later.map(() => plain), ...standIns.map(typeOf)],
    tables: tables((bytes) => bytes),
    globals: [...module.globals.map(({ type, init }) => joined([type, init])), ...later.map(() => [0x7f, 1, 0x41, 0, Op.end])],
    exports: [...exports.map(({ name, kind, index }) => ({ name, kind, index: kind === Kind.function ? numbers.get(index) : index })), ...waitExports],
    elements: module.elements.map(({ offset, functions }) => elementOf(offset, functions.map((target) => numbers.get(target)))),
    codes: [...codes.filter(of(0)).map((body) => rewritten(body, calls(0, numbers, waits))), ...later.map(waitsFor), ...standIns.map(standsFor)],
    datas: datas(0),
  });

  const importOf = (name, kind, what) => joined([named(""), named(name), [kind], what]);
  const rest = later.map((part) => {
    const lentHere = [...lentNames].filter(([index]) => lent.get(index).has(part));
    const waitsHere = later.filter((other) => other > part);
    const own = new Map(lentHere.map(([index], n) => [index, n]));
    const waits = later.map((other) => own.size + waitsHere.indexOf(other));
    let next = own.size + waitsHere.length;
    levels.forEach((level, at) => level === part && own.set(imported + at, next++));
    const given = [...lentNames].filter(([index]) => partOf(index) === part);
    const places = runs(filled.filter(([, target]) => partOf(target) === part));
    const datasHere = datas(part);
    return joined([
      HEADER,
      section(Section.type, vector(types)),
      section(
        Section.import,
        vector([
          ...lentHere.map(([index, name]) => importOf(name, Kind.function, leb(typeOf(index)))),
          ...waitsHere.map((other) => importOf(waitNames[other - 1], Kind.function, leb(plain))),
          ...tables((bytes, n) => importOf(tableNames[n], Kind.table, bytes)),
          importOf(memoryName, Kind.memory, limitsOf(module.memory)),
          ...globals.map(({ type, name }) => importOf(name, Kind.global, type)),
        ]),
      ),
      section(Section.function, vector(functions.filter(of(part)).map(leb))),
      section(Section.export, vector(given.map(([index, name]) => exportOf(name, Kind.function, own.get(index))))),
      section(Section.element, vector(places.map(([place, targets]) => elementOf(place, targets.map((target) => own.get(target)))))),
      section(Section.dataCount, new Uint8Array(leb(datasHere.length))),
      section(Section.code, vector(codes.filter(of(part)).map((body) => sized(rewritten(body, calls(part, own, waits)))))),
      section(Section.data, vector(datasHere)),
    ]);
  });
  return [first, ...rest].map(valid);
}

/** Takes out of the functions what is of later parts, and tells of each, by its number, the part that it is of. */
function sorted(module, ran, count, worth) {
  module.types = [...module.types];
  let all = module.codes.map((body, own) => ({ body, type: module.functions[own], levels: spread(body, ran.get(shape(body)), count - 1) }));
  const partOf = ({ levels }) => Math.min(...levels);
  // Those of the last first: what is of one before it leaves with what stands for it.
  for (let from = count - 1; from > 0; from--) {
    const taken = [];
    all = all.map((one) => {
      if (partOf(one) >= from) return one;
      const cut = outlined(module, one, from, module.types, module.imported + all.length + taken.length, worth);
      if (!cut) return one;
      taken.push(...cut.parts);
      return { ...one, body: cut.body, levels: cut.levels };
    });
    all = [...all, ...taken];
    module.functions = all.map(({ type }) => type);
  }
  module.codes = all.map(({ body }) => body);
  return all.map(partOf);
}

/** The part that each instruction of a body is of, by that of its points; that of points of which nothing is told is the last. */
function spread(body, parts, last) {
  const { code } = decode(body);
  if (!parts) return code.map(() => 0);
  const starts = points(code);
  let point = -1;
  return code.map((_, at) => {
    if (starts[point + 1] === at) point++;
    return parts[point] ?? last;
  });
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

/** What watched modules left in their memory, as the part of each point by the shape of functions: `reached` has the first for
 *  each point, or is longer than any of them where it never ran. */
export function partsOf(bytes, reached, never) {
  const parts = new Map();
  let at = 0;
  for (const body of parse(bytes).codes) {
    const own = points(decode(body).code).map(() => reached[at++] ?? never);
    const name = shape(body);
    const known = parts.get(name);
    parts.set(name, known ? known.map((part, n) => Math.min(part, own[n])) : own);
  }
  return parts;
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const sized = (bytes) => joined([leb(bytes.length), bytes]);
const limitsOf = (limits) => joined([[limits.length - 1], ...limits.map(leb)]);
const elementOf = (offset, functions) => joined([[0, 0x41], sleb(offset), [Op.end], vector(functions.map(leb))]);
const exportOf = (name, kind, index) => joined([named(name), [kind], leb(index)]);

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
    section(Section.export, vector(exports.map(({ name, kind, index }) => exportOf(name, kind, index)))),
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
