// Measures one JavaScript parser on one manifest, in a process of its own: what another one left on the heap, or taught
// the compiler, is not its fault.
//
//   node run.mjs                                     lists the peers of each language, as JSON
//   node --expose-gc run.mjs LANGUAGE PEER FILE SECONDS
//
// The latter prints JSON: version, segments found, median, least and most of a run in nanoseconds, bytes retained.

import { readFileSync } from 'node:fs';
import { peers } from './peers.mjs';

const [language, name, file, seconds] = process.argv.slice(2);
if (name === undefined) {
  console.log(JSON.stringify(Object.fromEntries(Object.entries(peers).map(([key, of]) => [key, Object.keys(of)]))));
  process.exit(0);
}

const { version, prepare = (text) => text, parse, release, segments } = await peers[language][name]();
const input = prepare(readFileSync(file, 'utf8'));

async function runFor(duration, least) {
  const samples = [];
  const end = performance.now() + duration;
  while (samples.length < least || performance.now() < end) {
    const before = process.hrtime.bigint();
    let result = parse(input);
    // Only where the player gives a promise: waiting is not free.
    if (result instanceof Promise) result = await result;
    samples.push(Number(process.hrtime.bigint() - before));
    await release?.(result);
  }
  return samples.sort((a, b) => a - b);
}

// The warm-up gives the compiler its time.
await runFor(Number(seconds) * 500, 3);
const samples = await runFor(Number(seconds) * 1000, 5);

const settled = () => {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};
const before = settled();
// The text itself counts where the result keeps it, or pieces of it, alive: nothing else holds this copy.
const kept = await parse(prepare(readFileSync(file, 'utf8')));
const retained = settled() - before;

const result = {
  version,
  segments: segments(kept),
  median: samples[Math.floor(samples.length / 2)],
  least: samples[0],
  most: samples[samples.length - 1],
  retained,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
