// What an application may write, checked by the compiler of TypeScript. Nothing here runs.

import { Player, type MediaRequest, type RequestRule, type Appetite, type Cue, type Interstitial, type Presentation, type Qoe, type Snapshot, type Told } from "../../src/player.js";

const player = new Player({ maxHeight: 720, audioLanguages: ["de", "en"], remember: false });
player.attach(document.createElement("video"));
player.load(new URL("https://cdn.example/title.mpd"), { start: 12 });

// Each event has its own fields.
player.addEventListener("quality", ({ detail }) => {
  const bits: number = detail.bitrate;
  const lines: number | null = detail.height;
  console.log(detail.kind, bits, lines);
  // @ts-expect-error: it is no text
  const text: string = detail.bitrate;
  // @ts-expect-error: there is no such field
  console.log(detail.latency, text);
});
player.addEventListener("error", ({ detail: { error } }) => console.log(error.code.toFixed(), error.message, error.facts.url));
player.addEventListener("cuesshown", ({ detail }) => detail.cues.forEach((cue: Cue) => console.log(cue.text, cue.layout.line)));
player.addEventListener("timedmetadata", ({ detail }) => {
  const { payload } = detail.event;
  if (payload.type === "Bytes") console.log(payload.value.byteLength);
  else if (payload.type === "Attributes") console.log(payload.value["X-AD"]);
});
player.addEventListener("interstitial", ({ detail: { phase } }) => {
  if (phase.type === "ended") console.log(phase.resume, phase.reason === "skipped");
});
player.addEventListener("autoplayblocked", () => player.play());
// Others are events of any kind.
player.addEventListener("anything", (event) => console.log(event.type));
const target: EventTarget = player;
console.log(target);

// All of them, told apart by their type.
player.addEventListener("told", ({ detail }) => console.log(words(detail)));
function words(told: Told | Appetite): string {
  switch (told.type) {
    case "State":
      return told.state;
    case "StallStarted":
      return told.cause;
    case "Decision":
      return told.candidates.map(({ standing }) => (standing.type === "excluded" ? standing.by : standing.takes_ms)).join();
    case "Asset":
      return words(told.event);
    default:
      return told.type;
  }
}

player.prefer({ textLanguages: ["en"] });
player.constrain({ maxBitrate: 3_000_000, renditions: null });
player.setDataSaver(null);
player.setPressure("high");
// @ts-expect-error: there is no such level
player.setPressure("hot");
player.seekToTime(new Date());
player.select("text", null);
player.skip();

// What requests have besides.
const rule: RequestRule = { headers: { authorization: "Bearer token" }, credentials: "include", origins: ["https://cdn.example"] };
new Player({ request: rule });
new Player({ request: (request) => void (request.headers["authorization"] = `Bearer ${request.attempt}`) });
new Player({ request: async ({ url, headers }): Promise<MediaRequest> => ({ url: `${url}?token`, headers, credentials: "omit" }) });
// @ts-expect-error: there are no such credentials
new Player({ request: { credentials: "all" } });
// @ts-expect-error: what it gives is no request
new Player({ request: () => 7 });

async function asked(): Promise<void> {
  const snapshot: Snapshot = await player.snapshot();
  console.log(snapshot.edge?.latency, snapshot.streams[0]?.buffered);
  const title: Presentation | null = await player.presentation();
  console.log(title?.tracks.flatMap(({ renditions }) => renditions.map(({ bitrate }) => bitrate)), title?.thumbnails[0]?.images);
  const qoe: Qoe = await player.qoe();
  console.log(qoe.startup, qoe.states["playing"]);
  const breaks: Interstitial[] = await player.interstitials();
  console.log(breaks[0]?.resume);
}
void asked();
player.detach();
player.destroy();
