// What pages that were written for hls.js and Shaka write, checked by the compiler of TypeScript. Nothing here runs.

import Hls, { ErrorTypes, Events, type ErrorData, type HlsListeners } from "../../src/shims/hls.js";
import shaka from "../../src/shims/shaka.js";

const hls = new Hls({ maxBufferLength: 10 });
hls.on(Hls.Events.MANIFEST_PARSED, (_, data) => {
  const lines: number[] = data.levels.map(({ height }) => height);
  console.log(lines, data.firstLevel);
  // @ts-expect-error: there is no such field
  console.log(data.frag);
});
hls.on(Hls.Events.ERROR, (name: string, data) => {
  if (data.fatal && data.type === ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
  console.log(name, data.response?.code, data.telecine?.advice);
});
hls.once(Events.LEVEL_SWITCHED, (event, { level }) => console.log(event === Events.LEVEL_SWITCHED, level.toFixed()));
// What never comes may be heard.
hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => console.log(frag.sn));
const listener: HlsListeners[Events.ERROR] = (_, data: ErrorData) => console.log(data.details);
hls.on(Events.ERROR, listener);
hls.off(Events.ERROR, listener);
// @ts-expect-error: there is no such event
hls.on(Events.NOTHING, () => {});

// Requests, with types of hls.js and without.
new Hls({ xhrSetup: (xhr, url) => xhr.setRequestHeader("authorization", url), licenseXhrSetup: (xhr, url, { keySystem }, challenge) => (xhr.open("POST", url + keySystem), challenge) });
new Hls({ xhrSetup: (xhr: XMLHttpRequest) => void (xhr.withCredentials = true), licenseResponseCallback: (xhr: XMLHttpRequest) => xhr.response });
new Hls({ fetchSetup: async (context, init) => new Request(context.url, { ...init, credentials: "include" }) });
new Hls({ fetchSetup: (context, init: RequestInit) => new Request(context.url, init) });
// @ts-expect-error: what it gives is no request
new Hls({ fetchSetup: () => 7 });

class Page {
  player: shaka.Player = new shaka.Player();

  choose(track: shaka.extern.Track): void {
    this.player.selectVariantTrack(track, true);
  }
}
const page = new Page();
page.player.getVariantTracks().forEach((track) => page.choose(track));
page.player.addEventListener("error", ({ detail }) => console.log(detail.code.toFixed(), detail.telecine?.name));
page.player.addEventListener("buffering", ({ buffering }) => console.log(buffering));
page.player.addEventListener("anything", (event) => console.log(event.type));
page.player.load("title.mpd").catch((error: shaka.util.Error) => console.log(error.severity, error.data));
page.player.getNetworkingEngine().registerRequestFilter((type, request) => {
  if (type === shaka.net.NetworkingEngine.RequestType.SEGMENT) request.uris[0] += "?token";
  request.headers["authorization"] = "Bearer token";
  request.allowCrossSiteCredentials = true;
});
