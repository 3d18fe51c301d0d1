// The WebAssembly side of `decisions`, in Node.js:
//
//   node run.mjs MODULE.wasm hash TRACES [faithful|player]
//   node run.mjs MODULE.wasm cost TRACES
//
// Prints what the native one prints: the fingerprints have to be the same, line by line.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [path, what, traces, world] = process.argv.slice(2);
const host = { now: () => performance.now() * 1000 };
const { instance } = await WebAssembly.instantiate(readFileSync(path), { host });
const module = instance.exports;

const SETS = [['4g', 'bbb4k.json'], ['3g', 'bbb.json'], ['fcc-hd', 'bbb4k.json'], ['fcc-sd', 'bbb.json']];
const MODES = ['vod', 'live', 'live'];
const COLUMNS = [
  ['choices', 0], ['calls', 0], ['first choice µs', 1], ['choice, mean µs', 2], ['choice, 99 % µs', 2], ['call, mean µs', 2],
  ['any but the first, most µs', 1], ['session, all µs', 0],
];

function give(file, as) {
  const bytes = readFileSync(file);
  const at = module.text(bytes.length);
  new Uint8Array(module.memory.buffer, at, bytes.length).set(bytes);
  const read = module[as]();
  if (!read) throw new Error(`${file}: not a ${as}`);
  return read;
}

function rules(player) {
  const names = [];
  for (;;) {
    const length = module.name(player, names.length);
    if (length === 0) return names;
    const at = module.text(length);
    names.push(Buffer.from(module.memory.buffer, at, length).toString());
  }
}

const networks = (set) => readdirSync(join(traces, set)).sort().map((name) => join(traces, set, name));

function hash() {
  let all = module.nothing();
  const hex = (sum) => BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
  // Every rule over networks, each of which is put in place by a call.
  const watch = (set, live, places) => {
    for (const player of [0, 1]) {
      const name = player ? 'player' : 'faithful';
      if ((world ?? name) !== name) continue;
      const names = rules(player);
      const sums = names.map(() => module.nothing());
      for (const place of places) {
        place();
        names.forEach((one, rule) => {
          const session = module.session(player, rule, live);
          if (session === 0n) throw new Error(`${set} ${MODES[live]} ${name} ${one}: a session failed`);
          sums[rule] = module.and(sums[rule], session);
        });
      }
      names.forEach((rule, index) => {
        console.log(`${set} ${MODES[live]} ${name} ${rule} ${places.length} ${hex(sums[index])}`);
        all = module.and(all, sums[index]);
      });
    }
  };
  for (const [set, movie] of SETS) {
    give(join(traces, 'movies', movie), 'movie');
    for (const live of [0, 1]) watch(set, live, networks(set).map((file) => () => give(file, 'network')));
  }
  if (existsSync(join(traces, 'low-latency'))) {
    const places = networks('low-latency').filter((file) => file.endsWith('.json')).flatMap((file) => {
      const count = give(file, 'profiles');
      return Array.from({ length: count }, (_, index) => () => {
        give(file, 'profiles');
        module.profile(index);
      });
    });
    watch('low-latency', 2, places);
  }
  console.log(`all ${hex(all)}`);
}

function cost() {
  console.log(`| WebAssembly | ${COLUMNS.map(([name]) => name).join(' | ')} |`);
  console.log(`|---|${COLUMNS.map(() => '---:|').join('')}`);
  for (const live of [0, 1]) {
    rules(1).forEach((name, rule) => {
      for (const [set, movie] of SETS) {
        give(join(traces, 'movies', movie), 'movie');
        for (const file of networks(set)) {
          give(file, 'network');
          if (!module.measure(rule, live)) throw new Error(`${name} failed over ${file}`);
        }
      }
      module.figures();
      console.log(`| ${name}, ${MODES[live]} | ${COLUMNS.map(([, digits], column) => module.figure(column).toFixed(digits)).join(' | ')} |`);
    });
  }
}

if (what === 'hash') hash();
else if (what === 'cost') cost();
else throw new Error('hash or cost');
