// A transport stream through mux.js, as a player feeds it: segments of two megabytes, each pushed in pieces and flushed.
// What comes out is counted and dropped.
//
//   node muxjs.mjs FILE
//
// Prints JSON: version, bytes out.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Transmuxer } = require('mux.js').mp4;
const version = JSON.parse(readFileSync(require.resolve('mux.js/package.json'), 'utf8')).version;

const PACKET = 188;
const PIECE = PACKET * 348;
const SEGMENT = 2_000_000;

// Where a segment of about so many bytes ends: at the tables in front of a key frame, as a packager cuts. Elsewhere
// mux.js would hand the pictures before the key frame out twice.
function cut(bytes) {
  for (let at = SEGMENT - (SEGMENT % PACKET); at + 3 * PACKET <= bytes.length; at += PACKET) {
    const pid = ((bytes[at + 1] & 0x1f) << 8) | bytes[at + 2];
    const third = at + 2 * PACKET;
    const key = bytes[third + 3] & 0x20 && bytes[third + 4] > 0 && bytes[third + 5] & 0x40;
    if (pid === 0 && key) return at;
  }
  return bytes.length;
}

const file = openSync(process.argv[2], 'r');
const transmuxer = new Transmuxer({ keepOriginalTimestamps: true });
let bytes = 0;
transmuxer.on('data', (segment) => {
  bytes += segment.initSegment.byteLength + segment.data.byteLength;
});
let held = new Uint8Array(0);
for (;;) {
  const bytes = new Uint8Array(held.length + 2 * SEGMENT);
  bytes.set(held);
  const filled = held.length + readSync(file, bytes, held.length, 2 * SEGMENT);
  if (filled === 0) break;
  const last = filled < bytes.length;
  const end = last && filled <= SEGMENT ? filled : cut(bytes.subarray(0, filled));
  for (let at = 0; at < end; at += PIECE) transmuxer.push(bytes.subarray(at, Math.min(at + PIECE, end)));
  transmuxer.flush();
  held = bytes.slice(end, filled);
}
closeSync(file);
console.log(JSON.stringify({ version, bytes }));
