// Asks mux.js what captions are in pictures.json, which the test cea_mux writes with TELECINE_BLESS=1, and writes
// mux.json.
//
// The results are committed: tests never run this. `npm install mux.js@7.1.0` anywhere, then
// NODE_PATH=there/node_modules node mux.cjs
const fs = require('fs'), path = require('path');
const {CaptionStream} = require('mux.js/lib/m2ts/caption-stream.js');

const stream = new CaptionStream({captionServices: {SERVICE1: {}, SERVICE2: {}, SERVICE5: {}}});
const captions = [];
stream.on('data', caption => {
  // CEA-608 comes row by row, CEA-708 as one text.
  const text = caption.text || (caption.content || []).map(row => row.text).join('\n');
  if (text) captions.push({stream: caption.stream, text, start: caption.startPts, end: caption.endPts});
});
for (const {pts, sei} of JSON.parse(fs.readFileSync(path.join(__dirname, 'pictures.json')))) {
  stream.push({nalUnitType: 'sei_rbsp', escapedRBSP: new Uint8Array(Buffer.from(sei, 'hex')), pts, dts: pts});
}
stream.flush();
const out = {mux: require('mux.js/package.json').version, captions};
fs.writeFileSync(path.join(__dirname, 'mux.json'), JSON.stringify(out, null, 1) + '\n');
