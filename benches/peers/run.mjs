// Measures one JavaScript parser on one manifest, in a process of its own: what another one left on the heap, or taught
// the compiler, is not its fault.
//
//   node --expose-gc run.mjs PEER FILE SECONDS
//
// Prints one line of JSON: version, segments found, median/min/max of a run in nanoseconds, runs, bytes retained.

import { readFileSync } from 'node:fs';
import { peers } from './peers.mjs';

const [peerName, file, seconds] = process.argv.slice(2);
const peer = peers[peerName];
const { version, parse, segments } = await peer.load();
const text = readFileSync(file, 'utf8');

const found = segments(await parse(text));

// Warm-up: until the compiler had its time, but at least three runs.
const samples = [];
async function runFor(duration, least) {
  const end = performance.now() + duration;
  samples.length = 0;
  for (let run = 0; run < least || performance.now() < end; run++) {
    const before = process.hrtime.bigint();
    const result = parse(text);
    // A promise only where the player gives one: waiting is not free.
    if (result instanceof Promise) await result;
    samples.push(Number(process.hrtime.bigint() - before));
  }
}
await runFor(Number(seconds) * 500, 3);
await runFor(Number(seconds) * 1000, 5);
samples.sort((a, b) => a - b);

// A copy of the text that nothing else holds: parsers keep pieces of it alive, and that is theirs.
globalThis.gc();
globalThis.gc();
const before = process.memoryUsage().heapUsed;
const kept = await parse(readFileSync(file, 'utf8'));
globalThis.gc();
globalThis.gc();
const retained = process.memoryUsage().heapUsed - before;

console.log(
  JSON.stringify({
    version,
    segments: found,
    median: samples[Math.floor(samples.length / 2)],
    min: samples[0],
    max: samples[samples.length - 1],
    runs: samples.length,
    retained,
    kept: kept !== undefined,
  }),
);
process.exit(0);
