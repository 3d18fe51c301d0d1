// A WebAssembly module as its sections, and the places in its code that name functions (WebAssembly Core 2.0, 5).

/** Sections by their numbers. */
export const Section = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 };
/** What is imported and exported, by its numbers. */
export const Kind = { function: 0, table: 1, memory: 2, global: 3 };

const text = new TextDecoder();

/** Reads numbers and vectors from a place on. */
export class Reader {
  constructor(bytes, at = 0, end = bytes.length) {
    Object.assign(this, { bytes, at, end });
  }
  get left() {
    return this.at < this.end;
  }
  byte() {
    return this.bytes[this.at++];
  }
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  skipLeb() {
    while (this.byte() > 127);
  }
  s32() {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && byte & 64 ? value | (-1 << shift) : value;
    }
  }
  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  name() {
    return text.decode(this.take(this.u32()));
  }
  list(read) {
    return Array.from({ length: this.u32() }, () => read(this));
  }
  /** What `read` goes over, as it is. */
  raw(read) {
    const from = this.at;
    read(this);
    return this.bytes.subarray(from, this.at);
  }
}

/** A number as the format has it. */
export function leb(value) {
  const out = [];
  do out.push((value % 128) | (value >= 128 ? 128 : 0));
  while ((value = Math.floor(value / 128)));
  return out;
}

/** A signed one: what `i32.const` takes. */
export function sleb(value) {
  const out = [];
  for (;;) {
    const byte = value & 127;
    value >>= 7;
    const last = (value === 0 && !(byte & 64)) || (value === -1 && byte & 64);
    out.push(last ? byte : byte | 128);
    if (last) return out;
  }
}

/** Pieces, each bytes or a list of numbers, as one. */
export function joined(pieces) {
  const out = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

export const named = (name) => joined([leb(new TextEncoder().encode(name).length), new TextEncoder().encode(name)]);
export const vector = (items) => joined([leb(items.length), ...items]);
export const section = (number, body) => joined([[number], leb(body.length), body]);

const limits = (reader) => (reader.byte() & 1 ? [reader.u32(), reader.u32()] : [reader.u32()]);
/** A constant expression. */
const expression = (reader) => reader.raw(() => walk(reader, () => {}));

/** A module, as far as cutting it needs. Whatever it does not know it refuses. */
export function parse(bytes) {
  const reader = new Reader(bytes, 8);
  const module = { types: [], imports: [], functions: [], tables: [], memory: undefined, globals: [], exports: [], elements: [], codes: [], datas: [], names: new Map() };
  while (reader.left) {
    const number = reader.byte();
    const length = reader.u32();
    const body = new Reader(bytes, reader.at, reader.at + length);
    reader.at += length;
    if (number === Section.type) module.types = body.list((r) => r.raw(() => (r.byte(), r.take(r.u32()), r.take(r.u32()))));
    else if (number === Section.import) module.imports = body.list(importOf);
    else if (number === Section.function) module.functions = body.list((r) => r.u32());
    else if (number === Section.table) module.tables = body.list((r) => ({ type: r.byte(), limits: limits(r) }));
    else if (number === Section.memory) module.memory = body.list(limits)[0];
    else if (number === Section.global) module.globals = body.list((r) => ({ type: r.take(2), init: expression(r) }));
    else if (number === Section.export) module.exports = body.list((r) => ({ name: r.name(), kind: r.byte(), index: r.u32() }));
    else if (number === Section.element) module.elements = body.list(elementOf);
    else if (number === Section.code) module.codes = body.list((r) => r.take(r.u32()));
    else if (number === Section.data) module.datas = body.list((r) => r.raw(() => dataOf(r)));
    else if (number === Section.custom && body.name() === "name") readNames(body, module.names);
    else if (number === Section.start) throw new Error("a module with a start function is not known");
  }
  module.imported = module.imports.filter(({ kind }) => kind === Kind.function).length;
  return module;
}

function importOf(reader) {
  const [module, name, kind] = [reader.name(), reader.name(), reader.byte()];
  if (kind !== Kind.function) throw new Error(`an import that is no function is not known: ${module} ${name}`);
  return { module, name, kind, type: reader.u32() };
}

function elementOf(reader) {
  const flags = reader.u32();
  if (flags !== 0) throw new Error(`elements of form ${flags} are not known`);
  const offset = new Reader(expression(reader));
  if (offset.byte() !== 0x41) throw new Error("elements at a place that is computed are not known");
  return { offset: offset.s32(), functions: reader.list((r) => r.u32()) };
}

function dataOf(reader) {
  const flags = reader.u32();
  if (flags === 2) reader.u32();
  if (flags !== 1) expression(reader);
  reader.take(reader.u32());
}

function readNames(reader, names) {
  while (reader.left) {
    const kind = reader.byte();
    const end = reader.u32() + reader.at;
    if (kind === 1) reader.list((r) => names.set(r.u32(), r.name()));
    reader.at = end;
  }
}

/** Goes over an expression up to its end, and tells of each instruction that names a function: its code, where it begins,
 *  where it ends, and the function. */
export function walk(reader, found) {
  for (let depth = 0; ; ) {
    const from = reader.at;
    const code = reader.byte();
    if (code === 0x02 || code === 0x03 || code === 0x04) {
      depth++;
      reader.skipLeb();
    } else if (code === 0x0b) {
      if (depth-- === 0) return;
    } else if (code === 0x10 || code === 0xd2) {
      const target = reader.u32();
      found({ code, from, to: reader.at, target });
    } else if (code === 0x0c || code === 0x0d || (code >= 0x20 && code <= 0x26) || code === 0x3f || code === 0x40 || code === 0x41 || code === 0x42 || code === 0xd0) {
      reader.skipLeb();
    } else if (code === 0x0e) {
      reader.list((r) => r.skipLeb());
      reader.skipLeb();
    } else if (code === 0x11) {
      reader.skipLeb();
      reader.skipLeb();
    } else if (code === 0x1c) {
      reader.take(reader.u32());
    } else if (code >= 0x28 && code <= 0x3e) {
      reader.skipLeb();
      reader.skipLeb();
    } else if (code === 0x43) {
      reader.take(4);
    } else if (code === 0x44) {
      reader.take(8);
    } else if (code === 0xfc) {
      const more = reader.u32();
      const operands = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1][more];
      if (operands === undefined) throw new Error(`the instruction 0xfc ${more} is not known`);
      for (let n = 0; n < operands; n++) reader.skipLeb();
    } else if (!(code <= 0x01 || code === 0x05 || code === 0x0f || code === 0x1a || code === 0x1b || (code >= 0x45 && code <= 0xc4) || code === 0xd1)) {
      throw new Error(`the instruction 0x${code.toString(16)} is not known`);
    }
  }
}

/** The functions that a body names. */
export function callees(body) {
  const reader = new Reader(body);
  locals(reader);
  const found = [];
  walk(reader, ({ target }) => found.push(target));
  return found;
}

/** A body with what `rewrite` gives in place of each instruction that names a function, and `first` in front of all. */
export function rewritten(body, rewrite, first = []) {
  const reader = new Reader(body);
  locals(reader);
  const pieces = [body.subarray(0, reader.at), first];
  let at = reader.at;
  walk(reader, (instruction) => {
    pieces.push(body.subarray(at, instruction.from), rewrite(instruction));
    at = instruction.to;
  });
  pieces.push(body.subarray(at));
  return joined(pieces);
}

function locals(reader) {
  reader.list((r) => (r.u32(), r.byte()));
}
