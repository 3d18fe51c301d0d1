// The players, each as the quick start of its own documentation sets it up: nothing is configured that it does not say.
// `set` runs in the page once its script is there and returns { load, seek, destroy }; `latency` is what a player says itself.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const version = (name) => {
  // What a package exports may leave its own description out.
  const [folder] = require.resolve.paths(name);
  return require(`${folder}/${name}/package.json`).version;
};

export const players = {
  telecine: {
    name: "Telecine",
    protocols: ["hls", "dash"],
    version: "this tree",
    files: ["telecine.js", "worker.js", "telecine.wasm", "telecine.more.wasm", "telecine.rest.wasm"],
    module: "telecine.js",
    set: `(video) => {
      const player = new library.Player();
      player.attach(video);
      return {
        load(url) { player.load(url); player.play(); },
        seek(at) { player.seek(at); },
        destroy() { player.destroy(); },
      };
    }`,
  },
  hls: {
    name: "hls.js",
    protocols: ["hls"],
    version: version("hls.js"),
    from: "hls.js/dist",
    // Its README: the file of the CDN's default, minified.
    files: ["hls.min.js"],
    script: "hls.min.js",
    set: `(video) => {
      const hls = new Hls();
      hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
      hls.attachMedia(video);
      return {
        load(url) { hls.loadSource(url); },
        seek(at) { video.currentTime = at; },
        latency: () => hls.latency,
        destroy() { hls.destroy(); },
      };
    }`,
  },
  shaka: {
    name: "Shaka Player",
    protocols: ["hls", "dash"],
    version: version("shaka-player"),
    from: "shaka-player/dist",
    files: ["shaka-player.compiled.js"],
    script: "shaka-player.compiled.js",
    set: `(video) => {
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      const attached = player.attach(video);
      return {
        async load(url) { await attached; await player.load(url); await video.play(); },
        seek(at) { video.currentTime = at; },
        latency: () => player.getStats().liveLatency,
        destroy() { return player.destroy(); },
      };
    }`,
  },
  dashjs: {
    name: "dash.js",
    protocols: ["dash"],
    version: version("dashjs"),
    from: "dashjs/dist/modern/umd",
    files: ["dash.all.min.js"],
    script: "dash.all.min.js",
    set: `(video) => {
      const player = dashjs.MediaPlayer().create();
      let begun = false;
      return {
        load(url) {
          if (begun) player.attachSource(url);
          else player.initialize(video, url, true);
          begun = true;
        },
        seek(at) { video.currentTime = at; },
        latency: () => player.getCurrentLiveLatency(),
        destroy() { player.destroy(); },
      };
    }`,
  },
  rx: {
    name: "rx-player",
    protocols: ["dash"],
    version: version("rx-player"),
    // It comes as modules: bundled and minified, as its documentation assumes.
    bundle: "export { default as RxPlayer } from 'rx-player';",
    files: ["rx-player.js"],
    script: "rx-player.js",
    set: `(video, { low }) => {
      const player = new rx.RxPlayer({ videoElement: video });
      return {
        // lowLatencyMode is what its documentation asks for with such titles.
        load(url) { player.loadVideo({ url, transport: "dash", autoPlay: true, ...(low ? { lowLatencyMode: true } : {}) }); },
        seek(at) { player.seekTo(at); },
        destroy() { player.dispose(); },
      };
    }`,
  },
};

/** What every player has in common: the element, with one rendition as a file. Nothing is compared with it. */
export const bare = { id: "bare", protocol: "file" };
players.bare = {
  name: "the element alone",
  protocols: [],
  version: "no player",
  files: [],
  set: `(video) => ({
    load(url) { video.src = url; return video.play(); },
    seek(at) { video.currentTime = at; },
    destroy() { video.removeAttribute("src"); },
  })`,
};

/** Every player with every protocol that it plays. */
export const pairs = Object.entries(players).flatMap(([id, player]) => player.protocols.map((protocol) => ({ id, protocol, player })));
