// What is made of the module and its glue for engines that do not have all that these ask for: see tv.mjs.

/** One text for another, which has to be there so often. */
function replaced(text, before, after, times = 1) {
  const parts = text.split(before);
  if (parts.length !== times + 1) throw new Error(`${parts.length - 1} times and not ${times}: ${before}`);
  return parts.join(after);
}

/** What a module says of itself, in its last section: that it has these features becomes that it has them not. */
export function plain(bytes) {
  for (const feature of ["reference-types", "multivalue"]) {
    const said = bytes.lastIndexOf(Buffer.from(`+${String.fromCharCode(feature.length)}${feature}`));
    if (said >= 0) bytes[said] = "-".charCodeAt(0);
  }
  return bytes;
}

/** A module, as text, in which numbers become integers by functions of its own: Rust wants the nearest of what is too large, 0 of what is
 * no number. Binaryen's own ways of doing it without that instruction give anything. */
export function saturated(text) {
  const functions = [];
  const changed = text.replace(/\((i32|i64)\.trunc_sat_(f32|f64)_([su])(?=\s)/g, (_, to, from, sign) => `(call $${to}_${from}_${sign}`);
  for (const from of ["f32", "f64"]) {
    for (const to of ["i32", "i64"]) {
      const bits = Number(to.slice(1));
      const integer = (value) => `(${to}.const ${value})`;
      const fits = (bound) => `(${from}.lt (${from}.abs (local.get 0)) (${from}.const ${2 ** bound}))`;
      const positive = `(${from}.gt (local.get 0) (${from}.const 0))`;
      const truncated = (sign) => `(${to}.trunc_${from}_${sign} (local.get 0))`;
      const choice = (is, one, other) => `(if (result ${to}) ${is} (then ${one}) (else ${other}))`;
      const negative = `(${from}.lt (local.get 0) (${from}.const 0))`;
      const most = (1n << BigInt(bits - 1)) - 1n;
      const signed = choice(fits(bits - 1), truncated("s"), choice(positive, integer(most), choice(negative, integer(-most - 1n), integer(0))));
      const unsigned = choice(positive, choice(fits(bits), truncated("u"), integer(-1)), integer(0));
      functions.push(`(func $${to}_${from}_s (param ${from}) (result ${to}) ${signed})`, `(func $${to}_${from}_u (param ${from}) (result ${to}) ${unsigned})`);
    }
  }
  return `${changed.slice(0, changed.lastIndexOf(")"))}${functions.join("\n")}\n)`;
}

/** What binaryen writes is a module with one instance, whose parts share what is around them. As a function it gives one of its own
 * each time. */
export function script(code) {
  const begins = code.indexOf("import * as");
  const ends = code.lastIndexOf("var retasmFunc = ");
  if (begins !== 0 || ends < 0) throw new Error("this is not how wasm2js begins and ends");
  let body = code.slice(code.indexOf("\n"), ends);
  // It grows by a few pages at a time, and would copy all of it each time: what there is is as large as what was asked for so far,
  // and some more, so that most of the times nothing is copied.
  body = replaced(body, "return buffer.byteLength >> 16;", "return pages;");
  body = replaced(body, "function __wasm_memory_size() {", "var pages = buffer.byteLength >> 16;\n function __wasm_memory_size() {");
  body = replaced(
    body,
    "var newBuffer = new ArrayBuffer(newPages << 16);",
    "pages = newPages;\n if (newPages << 16 <= buffer.byteLength) return oldPages;\n var newBuffer = new ArrayBuffer(newPages + Math_max(newPages >> 2, 64) << 16);",
  );
  // `copyWithin` is of 2015, and `set` minds what overlaps as well. Most of what is copied is small, and faster by hand.
  body = replaced(
    body,
    "bufferView.copyWithin(dest, source, source + size);",
    "if (size >>> 0 > 48) bufferView.set(bufferView.subarray(source, source + size), dest);\n" +
      "else if (source < dest) while (size--) bufferView[dest + size] = bufferView[source + size];\n" +
      "else for (var at = 0; at < size; at++) bufferView[dest + at] = bufferView[source + at];",
  );
  return `var telecineEngine = function (telecineImports) {\n${body}\nreturn asmFunc(telecineImports);\n};`;
}

/** The glue knows by views of no length that memory grew. Memory of JavaScript leaves the old bytes where they were. */
export function growing(code) {
  const byLength = "cachedUint8ArrayMemory0.byteLength === 0";
  const byState = /cachedDataViewMemory0\.buffer\.detached === true \|\| \(.*\)\) \{/;
  if (!byState.test(code)) throw new Error("the glue looks after its views in another way");
  const changed = replaced(code, byLength, "cachedUint8ArrayMemory0.buffer !== wasm.memory.buffer");
  return changed.replace(byState, "cachedDataViewMemory0.buffer !== wasm.memory.buffer) {");
}
