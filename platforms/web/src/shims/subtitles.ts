// Subtitles as tracks of the page's own element, which browsers draw and list: as the peers' pages expect them.

import type { CueChange, CueNode } from "../boundary/told.js";
import { nameOf, type Track } from "./tracks.js";

/** The longest that a cue without an end is shown, seconds. */
const OPEN = 3600 * 24;

/** The text tracks of an element. */
export class Subtitles {
  #elements = new Map<string, HTMLTrackElement>();
  #cues = new Map<number, VTTCue>();
  #chosen: string | undefined;
  #display = true;
  #listening = new AbortController();

  /** `asked` is told what a viewer chose in the browser's own menu; null for none. */
  constructor(
    readonly video: HTMLVideoElement,
    readonly asked: (track: string | null) => void,
  ) {
    video.textTracks.addEventListener("change", () => this.#asked(), { signal: this.#listening.signal });
  }

  get display(): boolean {
    return this.#display;
  }

  set display(display: boolean) {
    this.#display = display;
    this.#mode();
  }

  /** There are these tracks now. */
  show(tracks: Track[], chosen: string | undefined): void {
    this.#clear();
    for (const track of tracks) {
      const element = document.createElement("track");
      element.kind = track.roles.includes("caption") ? "captions" : "subtitles";
      element.label = nameOf(track);
      if (track.language) element.srclang = track.language;
      this.#elements.set(track.id, element);
      this.video.append(element);
    }
    this.choose(chosen);
  }

  /** This one is played. */
  choose(track: string | undefined): void {
    this.#chosen = track;
    this.#mode();
  }

  change(changes: CueChange[]): void {
    const track = this.#chosen === undefined ? undefined : this.#elements.get(this.#chosen)?.track;
    for (const change of changes) {
      const { key } = change;
      const known = this.#cues.get(key);
      known?.track?.removeCue(known);
      this.#cues.delete(key);
      if (change.type === "Removed" || !track) continue;
      const { cue } = change;
      const shown = new VTTCue(cue.start, Math.min(cue.end, cue.start + OPEN), words(cue.text));
      track.addCue(shown);
      this.#cues.set(key, shown);
    }
  }

  close(): void {
    this.#listening.abort();
    this.#clear();
  }

  #clear(): void {
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
    this.#cues.clear();
  }

  #mode(): void {
    for (const [id, { track }] of this.#elements) {
      const mode = id === this.#chosen ? (this.#display ? "showing" : "hidden") : "disabled";
      if (track.mode !== mode) track.mode = mode;
    }
  }

  #asked(): void {
    const on = [...this.#elements].find(([id, { track }]) => track.mode !== "disabled" && id !== this.#chosen);
    const off = this.#chosen !== undefined && this.#elements.get(this.#chosen)?.track.mode === "disabled";
    if (on) this.asked(on[0]);
    else if (off) this.asked(null);
  }
}

/** The words of a cue, its lines apart. */
function words(nodes: CueNode[]): string {
  return nodes.map(({ value }) => (typeof value === "string" ? escaped(value) : typeof value === "object" ? words(value.children) : "")).join("");
}

const escaped = (text: string) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign);
