// The players' own parsers, each loaded the way its package allows without a browser.
//
// `parse` takes the manifest's text and gives what the player keeps of it; `segments` counts what it found, so that a
// parser that read nothing cannot win. Neither decodes UTF-8: JavaScript starts from a string, which is in its favour.

import { createRequire } from 'node:module';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const modules = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
const version = (name) => JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
const url = 'https://cdn.example/vod/manifest';
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

// What these modules look for when they are loaded. Nothing of it is called while they parse.
function pretendBrowser() {
  globalThis.self ??= globalThis;
  globalThis.window ??= globalThis;
  globalThis.document ??= {
    createElement: () => ({ canPlayType: () => '', style: {} }),
    addEventListener() {},
    documentElement: { style: {} },
    baseURI: url,
  };
  globalThis.location ??= new URL(url);
  globalThis.MediaSource ??= class {
    static isTypeSupported = () => true;
  };
}

async function hls() {
  const { M3U8Parser } = await import('hls.js');
  return {
    version: version('hls.js'),
    parse: (text) => M3U8Parser.parseLevelPlaylist(text, url, 0, 'main', 0, null),
    segments: (details) => details.fragments.length,
  };
}

async function m3u8() {
  const { Parser } = require('m3u8-parser');
  return {
    version: version('m3u8-parser'),
    parse: (text) => {
      const parser = new Parser();
      parser.push(text);
      parser.end();
      return parser.manifest;
    },
    segments: (manifest) => manifest.segments.length,
  };
}

async function mpd() {
  const { parse } = require('mpd-parser');
  return {
    version: version('mpd-parser'),
    parse: (text) => parse(text, { manifestUri: url }),
    segments: (manifest) =>
      sum(
        Object.values(manifest.mediaGroups.AUDIO.audio).map((group) => group.playlists[0].segments.length),
      ),
  };
}

// rx-player reads timelines when they are first asked for. `all` asks for all of them.
async function rx(all) {
  const dash = join(modules, 'rx-player/dist/commonjs/parsers/manifest/dash/js-parser/index.js');
  const { default: parse } = require(dash);
  const sets = (manifest) => manifest.periods.flatMap((period) => Object.values(period.adaptations).flat());
  return {
    version: version('rx-player'),
    parse: (text) => {
      const answer = parse(text, { url, referenceDateTime: undefined, externalClockOffset: 0 });
      if (answer.type !== 'done') throw new Error('rx-player wants more than the manifest');
      const manifest = answer.value.parsed;
      if (all) {
        for (const set of sets(manifest)) {
          for (const representation of set.representations) representation.index.getLastAvailablePosition();
        }
      }
      return manifest;
    },
    segments: (manifest) =>
      sum(sets(manifest).map((set) => set.representations[0].index.getSegments(0, 1e9).length)),
  };
}

// dash.js exports its player, not its parser: this adds the export to a copy of its own unminified build.
async function dashjs() {
  pretendBrowser();
  const build = join(modules, 'dashjs/dist/modern/esm/dash.all.debug.js');
  const folder = mkdtempSync(join(tmpdir(), 'dashjs-'));
  const copy = join(folder, 'dash.mjs');
  const name = '"./src/dash/parser/DashParser.js"';
  writeFileSync(copy, `${readFileSync(build, 'utf8')}\nexport const DashParser = __webpack_require__(${name}).default;\n`);
  const { DashParser } = await import(pathToFileURL(copy));
  rmSync(folder, { recursive: true });
  const silent = { info() {}, warn() {}, error() {}, debug() {}, fatal() {} };
  const parser = DashParser({}).create({ debug: { getLogger: () => silent } });
  return {
    version: version('dashjs'),
    parse: (text) => parser.parse(text),
    segments: (manifest) =>
      sum(
        manifest.Period.flatMap((period) => period.AdaptationSet).map(
          (set) => set.SegmentTemplate.SegmentTimeline.S.length,
        ),
      ),
  };
}

// Shaka's parsers are public, and fetch for themselves: from a network that has the text at hand.
async function shaka(kind) {
  pretendBrowser();
  const { default: shaka } = await import(
    pathToFileURL(join(modules, 'shaka-player/dist/shaka-player.compiled.js'))
  );
  const { configure, text: answer } = shakaFace(shaka);
  const streams = (manifest) => [
    ...new Set(manifest.variants.flatMap((variant) => [variant.audio, variant.video])),
  ].filter((stream) => stream);
  return {
    version: version('shaka-player'),
    parse: async (text) => {
      const parser = new shaka[kind === 'hls' ? 'hls' : 'dash'][kind === 'hls' ? 'HlsParser' : 'DashParser']();
      parser.configure(configure());
      const manifest = await parser.start(url, answer(text));
      for (const stream of streams(manifest)) await stream.createSegmentIndex();
      return manifest;
    },
    segments: (manifest) => {
      const seen = new Map();
      for (const stream of streams(manifest)) seen.set(stream.groupId ?? stream.id, stream.segmentIndex);
      return sum([...seen.values()].map((index) => index.getNumReferences()));
    },
  };
}
export const peers = {
  'hls.js': { load: hls },
  'm3u8-parser': { load: m3u8 },
  'mpd-parser': { load: mpd },
  'rx-player': { load: () => rx(false) },
  'rx-player-all': { load: () => rx(true) },
  dashjs: { load: dashjs },
};
