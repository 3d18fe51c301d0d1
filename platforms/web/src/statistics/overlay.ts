// What the engine does and why, for engineers: over the picture, in small plots. Loaded where an element has the attribute
// `statistics`.

import type { TelecinePlayer } from "../element/telecine-player.js";
import type { Told, Value } from "../messages.js";
import { Plot } from "./plot.js";

/** Between two looks, milliseconds. */
const LOOK = 500;
/** Decisions that are listed. */
const LISTED = 6;

const STYLE = `
.statistics { position: absolute; left: 8px; top: 8px; max-width: calc(100% - 16px); max-height: calc(100% - 60px); overflow: auto; box-sizing: border-box; padding: 8px; font: 11px/1.35 ui-monospace, monospace; color: #ddd; background: rgba(0, 0, 0, 0.78); border-radius: 6px; pointer-events: auto; }
.statistics figure { margin: 4px 0; }
.statistics canvas { display: block; width: 300px; height: 36px; background: rgba(255, 255, 255, 0.06); }
.statistics dl { display: grid; grid-template-columns: auto 1fr; gap: 0 8px; margin: 0; }
.statistics dt { color: #999; }
.statistics dd { margin: 0; }
.statistics ol { margin: 4px 0 0; padding: 0; list-style: none; max-width: 46em; }
.statistics li { border-top: 1px solid #444; padding: 2px 0; }
`;

interface Stream {
  kind: string;
  rendition: string | null;
  bitrate: number;
  height: number | null;
  buffered: number;
}

const mega = (bits: number) => `${(bits / 1e6).toFixed(2)} Mbit/s`;
const seconds = (value: number) => `${value.toFixed(1)} s`;

/** The overlay. */
export class Statistics {
  readonly element = document.createElement("div");
  #facts = document.createElement("dl");
  #decisions = document.createElement("ol");
  #buffer = new Plot("buffer", [{ name: "picture", color: "#6cf" }, { name: "sound", color: "#fc6" }], seconds);
  #network = new Plot(
    "network",
    [
      { name: "estimate", color: "#8e8" },
      { name: "chosen", color: "#f88", steps: true },
    ],
    mega,
  );
  #frames = new Plot("frames dropped", [{ name: "each second", color: "#f6f" }], (value) => value.toFixed(0));
  #latency = new Plot(
    "latency",
    [
      { name: "now", color: "#6cf" },
      { name: "target", color: "#888", steps: true },
    ],
    seconds,
  );
  #timer: ReturnType<typeof setInterval>;
  #dropped: { at: number; count: number } | undefined;
  #pathway = "";
  #hear = (event: Event) => this.#told((event as CustomEvent<Told>).detail);

  constructor(readonly owner: TelecinePlayer) {
    const { element } = this;
    element.className = "statistics";
    element.part.add("statistics");
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", "Statistics");
    owner.dress(STYLE);
    this.#latency.element.hidden = true;
    element.append(this.#facts, this.#buffer.element, this.#network.element, this.#latency.element, this.#frames.element, this.#decisions);
    owner.recent.forEach((told) => this.#told(told));
    owner.addEventListener("told", this.#hear);
    this.#timer = setInterval(() => void this.#look(), LOOK);
    void this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
    this.owner.removeEventListener("told", this.#hear);
    this.element.remove();
  }

  async #look(): Promise<void> {
    const { owner } = this;
    // Looking makes no engine.
    if (owner.networkState === owner.NETWORK_EMPTY || !owner.currentSrc || owner.error) return;
    const { player } = owner;
    const [snapshot, qoe] = await Promise.all([player.snapshot(), player.qoe()]).catch(() => []);
    if (!snapshot) return;
    const streams = snapshot.streams as unknown as Stream[];
    const of = (kind: string) => streams.find((stream) => stream.kind === kind);
    const [picture, sound] = [of("video"), of("audio")];
    const at = performance.now() / 1000;
    this.#buffer.add(at, picture?.buffered, sound?.buffered);
    this.#network.add(at, (snapshot.throughput as number | null) ?? undefined, picture?.bitrate);
    const edge = snapshot.edge as { latency: number | null; target: number } | null | undefined;
    this.#latency.element.hidden = !edge;
    if (edge) this.#latency.add(at, edge.latency ?? undefined, edge.target);
    const { totalVideoFrames, droppedVideoFrames } = owner.getVideoPlaybackQuality();
    const before = this.#dropped;
    this.#dropped = { at, count: droppedVideoFrames };
    if (before && before.count <= droppedVideoFrames) this.#frames.add(at, (droppedVideoFrames - before.count) / (at - before.at));
    this.#say({
      state: String(snapshot.state),
      position: `${seconds(snapshot.position as number)} of ${snapshot.duration === null ? "–" : seconds(snapshot.duration as number)}, ${(snapshot.rate_milli as number) / 1000}×`,
      picture: picture ? `${picture.rendition ?? "–"}, ${owner.videoWidth}×${owner.videoHeight}, ${mega(picture.bitrate)}` : "–",
      sound: sound ? `${sound.rendition ?? "–"}, ${mega(sound.bitrate)}` : "–",
      frames: `${droppedVideoFrames} of ${totalVideoFrames} dropped`,
      pathway: this.#pathways(qoe?.by_pathway ?? {}),
    });
  }

  /** Where requests go now, and how many went where. */
  #pathways(pathways: { [name: string]: number }): string {
    const now = this.#pathway || new URL(this.owner.currentSrc).host;
    const counted = Object.entries(pathways).map(([name, count]) => `${name} ${count}`);
    return counted.length ? `${now} (requests: ${counted.join(", ")})` : now;
  }

  #say(facts: { [name: string]: string }): void {
    this.#facts.replaceChildren(
      ...Object.entries(facts).flatMap(([name, value]) => {
        const [term, description] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = name;
        description.textContent = value;
        return [term, description];
      }),
    );
  }

  #told(told: Told): void {
    const text = (value: Value | undefined) => (value === null || value === undefined ? "–" : String(value));
    if (told.type === "Decision") {
      if (told.what === "pathway") this.#pathway = text(told.to);
      this.#list(`${seconds(told.position as number)} ${text(told.what)} ${text(told.kind)}: ${text(told.from)} → ${text(told.to)}. ${(told.why as string[]).join("; ")}`);
    } else if (told.type === "StallStarted") {
      this.#list(`${seconds(told.position as number)} stall: ${text(told.cause)}`);
    } else if (told.type === "NetworkChanged") {
      this.#list(`network of ${text(told.host)}: ${mega(told.before as number)} → ${mega(told.after as number)}`);
    } else if (told.type === "Error") {
      const { code, name, message } = told.error as unknown as { [name: string]: Value };
      this.#list(`error ${text(code)} ${text(name)}: ${text(message)}`);
    }
  }

  #list(text: string): void {
    const item = document.createElement("li");
    item.textContent = text;
    this.#decisions.prepend(item);
    while (this.#decisions.childElementCount > LISTED) this.#decisions.lastElementChild?.remove();
  }
}
