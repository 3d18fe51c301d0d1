// AES in WebAssembly beside WebCrypto, in Node.js: prints a Markdown table of MB/s.
//
//   node run.mjs MODULE.wasm [SECONDS]
//
// Both decrypt the same bytes; that they come to the same is checked first. WebCrypto gives a promise and a new buffer:
// one call after the other is waited for, as a player waits for a segment. `sample by sample` is what Common Encryption
// would ask of it: a call for each sample of a megabyte.

import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const seconds = Number(process.argv[3] ?? 1);
const { begin, decrypt, memory } = instance.exports;
const at = begin();
const MOST = 4 << 20;
const key = new Uint8Array(16).fill(0x2b);
const iv = new Uint8Array(16).fill(7);
const { subtle } = webcrypto;
const counterKey = await subtle.importKey('raw', key, 'AES-CTR', false, ['decrypt']);
const chainKey = await subtle.importKey('raw', key, 'AES-CBC', false, ['encrypt', 'decrypt']);
const input = webcrypto.getRandomValues(new Uint8Array(65_536));

const ctr = (bytes) => subtle.decrypt({ name: 'AES-CTR', counter: iv, length: 64 }, counterKey, bytes);
// Its CBC insists on padding: a block is added that decrypts to sixteen bytes of 16 (RFC 5652, 6.3).
async function withPadding(bytes) {
  const before = bytes.subarray(bytes.length - 16);
  const end = new Uint8Array(await subtle.encrypt({ name: 'AES-CBC', iv: before }, chainKey, new Uint8Array(0)));
  const out = new Uint8Array(bytes.length + 16);
  out.set(bytes);
  out.set(end, bytes.length);
  return out;
}
const cbc = (bytes) => subtle.decrypt({ name: 'AES-CBC', iv }, chainKey, bytes);

function view(length) {
  return new Uint8Array(memory.buffer, at, length);
}
function put(length) {
  const to = view(length);
  for (let offset = 0; offset < length; offset += input.length) to.set(input.subarray(0, Math.min(input.length, length - offset)), offset);
  return to.slice();
}
function ours(mode, length) {
  if (!decrypt(mode, length)) throw new Error('the module refuses');
}

// The same bytes come out.
for (const length of [16, 4096, MOST]) {
  const bytes = put(length);
  const expected = new Uint8Array(await ctr(bytes));
  ours(0, length);
  if (Buffer.compare(expected, view(length)) !== 0) throw new Error('counter mode differs');
  put(length);
  const chained = new Uint8Array(await cbc(await withPadding(bytes)));
  ours(1, length);
  if (Buffer.compare(chained, view(length)) !== 0) throw new Error('chained blocks differ');
}

async function speed(length, work) {
  const run = async (duration) => {
    const start = performance.now();
    let bytes = 0;
    while (performance.now() - start < duration) {
      for (let i = 0; i < 4; i += 1) {
        await work();
        bytes += length;
      }
    }
    return bytes / (performance.now() - start) / 1e3;
  };
  await run(seconds * 300);
  let best = 0;
  for (let i = 0; i < 3; i += 1) best = Math.max(best, await run((seconds * 1000) / 3));
  return best;
}

console.log('| bytes at once | wasm CTR | WebCrypto CTR | wasm CBC | WebCrypto CBC | wasm cbcs 1:9 |');
console.log('|---:|---:|---:|---:|---:|---:|');
for (const length of [1024, 16_384, 262_144, MOST]) {
  const bytes = put(length);
  const chained = await withPadding(bytes);
  const row = [
    await speed(length, () => ours(0, length)),
    await speed(length, () => ctr(bytes)),
    await speed(length, () => ours(1, length)),
    await speed(length, () => cbc(chained)),
    await speed(length, () => ours(2, length)),
  ];
  console.log(`| ${length.toLocaleString('en')} | ${row.map((mb) => Math.round(mb).toLocaleString('en')).join(' | ')} |`);
}
// A second of video at 8 Mb/s: 25 samples of 40 KB. Each needs a call, for each has its vector.
const sample = put(40_000);
const sequential = await speed(1_000_000, async () => {
  for (let i = 0; i < 25; i += 1) await ctr(sample);
});
const together = await speed(1_000_000, () => Promise.all(Array.from({ length: 25 }, () => ctr(sample))));
const module = await speed(1_000_000, () => {
  for (let i = 0; i < 25; i += 1) ours(0, 40_000);
});
console.log();
console.log(`cenc, 25 samples of 40,000 bytes: wasm ${Math.round(module)} MB/s, WebCrypto one by one ${Math.round(sequential)}, all at once ${Math.round(together)}.`);
