// The players' own parsers, each loaded the way its package allows without a browser.
//
// `parse` takes the manifest's text and gives what the player keeps of it; `segments` counts what it found, so that a
// parser that read nothing cannot win. In an MPD that is one representation of every adaptation set.

import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const modules = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
const version = (name) => JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
const url = 'https://cdn.example/vod/manifest';
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

// What these modules look for while they load. Nothing of it is called while they parse.
function pretendBrowser() {
  globalThis.self ??= globalThis;
  globalThis.window ??= globalThis;
  globalThis.getComputedStyle ??= () => ({});
  globalThis.location ??= new URL(url);
  globalThis.navigator ??= { userAgent: 'node', vendor: '', platform: '', maxTouchPoints: 0 };
  globalThis.document ??= {
    createElement: () => ({ canPlayType: () => '', style: {} }),
    addEventListener() {},
    documentElement: { style: {} },
  };
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
      sum(Object.values(manifest.mediaGroups.AUDIO.audio).map((group) => group.playlists[0].segments.length)),
  };
}

// rx-player reads a timeline when its representation is first asked for something: `all` asks every one.
async function rx(all) {
  const { default: parse } = require(join(modules, 'rx-player/dist/commonjs/parsers/manifest/dash/js-parser/index.js'));
  const sets = (manifest) => manifest.periods.flatMap((period) => Object.values(period.adaptations).flat());
  return {
    version: version('rx-player'),
    parse: (text) => {
      const answer = parse(text, { url, externalClockOffset: 0 });
      if (answer.type !== 'done') throw new Error('rx-player wants more than the manifest');
      const manifest = answer.value.parsed;
      if (all) {
        for (const set of sets(manifest)) {
          for (const { index } of set.representations) index.getLastAvailablePosition();
        }
      }
      return manifest;
    },
    segments: (manifest) => sum(sets(manifest).map((set) => set.representations[0].index.getSegments(0, 1e9).length)),
  };
}

// dash.js exports its player, not its parser: a copy of its own unminified build gets one more export.
async function dashjs() {
  pretendBrowser();
  const build = readFileSync(join(modules, 'dashjs/dist/modern/esm/dash.all.debug.js'), 'utf8');
  const parserModule = '"./src/dash/parser/DashParser.js"';
  const folder = mkdtempSync(join(tmpdir(), 'dashjs-'));
  const copy = join(folder, 'dash.mjs');
  writeFileSync(copy, `${build}\nexport const DashParser = __webpack_require__(${parserModule}).default;\n`);
  const { DashParser } = await import(pathToFileURL(copy));
  rmSync(folder, { recursive: true });
  const logger = { info() {}, warn() {}, error() {}, debug() {}, fatal() {} };
  const parser = DashParser({}).create({ debug: { getLogger: () => logger } });
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

// Shaka's parsers are public and fetch for themselves: here, from a network that has everything at hand.
async function shaka(kind) {
  pretendBrowser();
  // Newer than Node.js 20; browsers get it from Shaka's own polyfills.
  Map.prototype.getOrInsertComputed ??= function (key, make) {
    if (!this.has(key)) this.set(key, make(key));
    return this.get(key);
  };
  const { default: shaka } = await import(pathToFileURL(join(modules, 'shaka-player/dist/shaka-player.compiled.js')));
  const config = shaka.util.PlayerConfiguration.createDefault();
  const utf8 = (text) => new TextEncoder().encode(text).buffer;
  // A media playlist alone makes Shaka look into the media for codecs; a multivariant one tells them.
  const multivariant = utf8(
    '#EXTM3U\n#EXT-X-VERSION:7\n' +
      '#EXT-X-STREAM-INF:BANDWIDTH=6000000,CODECS="avc1.640028",RESOLUTION=1920x1080\nmedia.m3u8\n',
  );
  const nothing = () => {};
  const player = (manifest) => ({
    networkingEngine: {
      request: (type, request) => {
        const uri = request.uris[0];
        const data =
          kind === 'dash' || uri.endsWith('media.m3u8') ? manifest : uri === url ? multivariant : new ArrayBuffer(0);
        return shaka.util.AbortableOperation.completed({
          uri,
          originalUri: uri,
          data,
          headers: {},
          timeMs: 1,
          fromCache: false,
          status: 200,
          originalRequest: request,
        });
      },
    },
    filter: async () => {},
    makeTextStreamsForClosedCaptions: nothing,
    onTimelineRegionAdded: nothing,
    onEvent: nothing,
    onError: (error) => {
      throw error;
    },
    isLowLatencyMode: () => false,
    updateDuration: nothing,
    newDrmInfo: nothing,
    onManifestUpdated: nothing,
    getBandwidthEstimate: () => 1e6,
    onMetadata: async () => {},
    disableStream: nothing,
    addFont: nothing,
    getStreamingRetryParameters: () => config.streaming.retryParameters,
    onSegmentReceived: nothing,
  });
  const streams = (manifest) =>
    [...new Set(manifest.variants.flatMap((variant) => [variant.audio, variant.video]))].filter((stream) => stream);
  return {
    version: version('shaka-player'),
    prepare: utf8,
    parse: async (bytes) => {
      const parser = kind === 'hls' ? new shaka.hls.HlsParser() : new shaka.dash.DashParser();
      parser.configure(config.manifest, () => false);
      const manifest = await parser.start(url, player(bytes));
      await Promise.all(streams(manifest).map((stream) => stream.createSegmentIndex()));
      return { parser, manifest };
    },
    // Its timers would go on into the next run.
    release: ({ parser }) => parser.stop(),
    segments: ({ manifest }) => {
      const ofLanguage = new Map(streams(manifest).map((stream) => [stream.language, stream.segmentIndex]));
      return sum([...ofLanguage.values()].map((index) => index.getNumReferences()));
    },
  };
}

export const peers = {
  hls: {
    'hls.js': hls,
    'm3u8-parser': m3u8,
    'shaka-player': () => shaka('hls'),
  },
  dash: {
    'mpd-parser': mpd,
    dashjs,
    'shaka-player': () => shaka('dash'),
    'rx-player': () => rx(false),
    'rx-player (all timelines)': () => rx(true),
  },
};
