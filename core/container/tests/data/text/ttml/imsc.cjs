// Asks imsc.js what every document here shows and when, and writes imsc.json.
//
// The results are committed: tests never run this. `npm install imsc@1.1.5` anywhere, then
// NODE_PATH=there/node_modules node imsc.cjs
const fs = require('fs'), path = require('path');
// Without its renderer, which wants a browser.
const {fromXML} = require('imsc/src/main/js/doc.js'), {generateISD} = require('imsc/src/main/js/isd.js');
const TTS = 'http://www.w3.org/ns/ttml#styling ';
const get = (element, name) => element.styleAttrs[TTS + name];
const share = length => length && Math.round(length.toUsedLength(1e6, 1e6)) / 1e4;

const corner = region => get(region, 'position') || get(region, 'origin');

function runs(element, out, ruby) {
  for (const child of element.contents || []) {
    const kind = get(child, 'ruby') || ruby;
    if (child.kind === 'br') out.push({text: '\n'});
    else if ('text' in child) out.push({
      text: child.text, color: get(child, 'color'), italic: get(child, 'fontStyle') !== 'normal',
      bold: get(child, 'fontWeight') === 'bold', decoration: get(child, 'textDecoration'),
      size: share(get(child, 'fontSize')), visible: get(child, 'visibility') === 'visible', ruby: kind,
    });
    else runs(child, out, kind);
  }
  return out;
}

function paragraphs(element, out) {
  for (const child of element.contents || []) {
    if (child.kind === 'p') out.push({
      id: child.id || '', align: get(child, 'textAlign'), direction: get(child, 'direction'), background: get(child, 'backgroundColor'), runs: runs(child, []),
    });
    else paragraphs(child, out);
  }
  return out;
}

const out = {imsc: require('imsc/package.json').version, documents: {}};
for (const name of fs.readdirSync(__dirname).filter(name => name.endsWith('.ttml')).sort()) {
  const faults = {info: () => false, warn: () => false, error: text => { console.error(name, text); return false; },
                  fatal: text => { throw new Error(name + ': ' + text); }};
  const document = fromXML(fs.readFileSync(path.join(__dirname, name), 'utf8'), faults);
  const times = document.getMediaTimeEvents();
  out.documents[name] = times.map((from, at) => {
    const to = at + 1 < times.length ? times[at + 1] : from + 10;
    const isd = generateISD(document, (from + to) / 2, faults);
    const regions = isd.contents.map(region => ({
      id: region.id, x: share(corner(region).w), y: share(corner(region).h),
      width: share(get(region, 'extent').w), height: share(get(region, 'extent').h), align: get(region, 'displayAlign'),
      writing: get(region, 'writingMode'), background: get(region, 'backgroundColor'), opacity: get(region, 'opacity'),
      padding: get(region, 'padding').map(share), paragraphs: paragraphs(region, []),
    })).filter(region => region.paragraphs.some(p => p.runs.some(run => run.text.trim())));
    return {from, to, regions};
  });
}
fs.writeFileSync(path.join(__dirname, 'imsc.json'), JSON.stringify(out, null, 1) + '\n');
