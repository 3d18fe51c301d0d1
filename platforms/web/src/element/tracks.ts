// What can be chosen: `audioTracks`, `videoTracks` and `textTracks` of HTML (4.8.11.10, 4.8.11.11), and `videoRenditions` as
// control sets know them. What is chosen goes to the engine, and comes back as what it says that it plays.

import type { Cue, Node } from "../captions/cue.js";
import type { Player } from "../player.js";
import type { Presentation, Track } from "../boundary/told.js";

/** What a page sets in place of adding a listener. */
type Handler = ((event: Event) => void) | null;

/** A list that tells when it changes. */
class List<Item extends { id: string }> extends EventTarget implements Iterable<Item> {
  [index: number]: Item;
  #items: Item[] = [];
  onchange: Handler = null;
  onaddtrack: Handler = null;
  onremovetrack: Handler = null;
  onaddrendition: Handler = null;
  onremoverendition: Handler = null;

  /** `what` its events are about: `addtrack`, `removetrack`. */
  constructor(readonly what: "track" | "rendition") {
    super();
    for (const name of ["change", `add${what}`, `remove${what}`] as const) this.addEventListener(name, (event) => this[`on${name}`]?.(event));
  }

  get length(): number {
    return this.#items.length;
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]();
  }

  getTrackById(id: string): Item | null {
    return this.#items.find((item) => item.id === id) ?? null;
  }

  /** @internal Holds these from now on; those that stay keep their identity. */
  hold(items: Item[]): void {
    const before = this.#items;
    for (let index = items.length; index < before.length; index += 1) delete this[index];
    this.#items = items;
    items.forEach((item, index) => (this[index] = item));
    for (const item of before) if (!items.includes(item)) this.#tell("remove", item);
    for (const item of items) if (!before.includes(item)) this.#tell("add", item);
  }

  /** @internal */
  changed(): void {
    this.dispatchEvent(new Event("change"));
  }

  #tell(how: "add" | "remove", item: Item): void {
    this.dispatchEvent(Object.assign(new Event(`${how}${this.what}`), { [this.what]: item }));
  }
}

/** What a track is for, in the words of HTML, from those of DASH. */
function kindOf({ kind, roles }: Track): string {
  const is = (role: string) => roles.includes(role);
  if (kind === "text") return is("caption") ? "captions" : "subtitles";
  if (is("description")) return "descriptions";
  if (is("commentary")) return "commentary";
  if (is("dub")) return "translation";
  if (is("alternate") || is("supplementary")) return "alternative";
  return is("main") || roles.length === 0 ? "main" : "";
}

const named = new Intl.DisplayNames([], { type: "language", fallback: "code" });

/** How a track is called in a menu. */
export function labelOf({ id, label, language }: { id: string; label: string; language: string }): string {
  if (label) return label;
  try {
    return language ? (named.of(language) ?? language) : id;
  } catch {
    // No tag of a language.
    return language;
  }
}

/** One that a viewer chooses among others of its kind. */
class Choice {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly language: string;

  constructor(track: Track) {
    this.id = track.id;
    this.kind = kindOf(track);
    this.label = track.label ?? "";
    this.language = track.language ?? "";
  }
}

export class AudioTrack extends Choice {
  /** @internal */
  on = false;

  constructor(
    track: Track,
    readonly choose: (on: boolean) => void,
  ) {
    super(track);
  }

  get enabled(): boolean {
    return this.on;
  }

  set enabled(on: boolean) {
    if (on !== this.on) this.choose(on);
  }
}

export class VideoTrack extends Choice {
  /** @internal */
  on = false;

  constructor(
    track: Track,
    readonly choose: (on: boolean) => void,
  ) {
    super(track);
  }

  get selected(): boolean {
    return this.on;
  }

  set selected(on: boolean) {
    if (on !== this.on) this.choose(on);
  }
}

/** A cue that is on the screen, as text. */
export interface ShownCue {
  id: string;
  startTime: number;
  endTime: number;
  text: string;
}

/** `cuechange` tells that other cues are on the screen. */
export class TextTrack extends EventTarget {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly language: string;
  readonly inBandMetadataTrackDispatchType = "";
  /** Cues are the engine's; those that are shown are in `activeCues`. */
  readonly cues = null;
  activeCues: ShownCue[] = [];
  oncuechange: Handler = null;
  /** @internal */
  on = false;

  constructor(
    track: Track,
    readonly choose: (on: boolean) => void,
  ) {
    super();
    this.addEventListener("cuechange", (event) => this.oncuechange?.(event));
    const { id, kind, label, language } = new Choice(track);
    [this.id, this.kind, this.label, this.language] = [id, kind, label, language];
  }

  /** `showing` or `disabled`: what is hidden is not fetched. */
  get mode(): TextTrackMode {
    return this.on ? "showing" : "disabled";
  }

  set mode(mode: TextTrackMode) {
    const on = mode === "showing";
    if (on !== this.on) this.choose(on);
  }
}

/** One encoding of the picture; its fields are its own, so that it can be copied. */
export interface VideoRendition {
  readonly id: string;
  readonly src: undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** Bits a second. */
  readonly bitrate: number;
  readonly frameRate: number | undefined;
  readonly codec: string;
  /** `SDR`, `PQ`, `HLG`; undefined where the title does not say. */
  readonly range: string | undefined;
}

/** `selectedIndex` is the one that the viewer wants, -1 where the engine chooses. */
export class VideoRenditionList extends List<VideoRendition> {
  #index = -1;
  /** The one that is on the screen: its id. */
  active: string | undefined;

  constructor(readonly choose: (rendition: VideoRendition | undefined) => void) {
    super("rendition");
  }

  get selectedIndex(): number {
    return this.#index;
  }

  set selectedIndex(index: number) {
    const wanted = index >= 0 && index < this.length ? Math.trunc(index) : -1;
    if (wanted === this.#index) return;
    this.#index = wanted;
    this.choose(this[wanted]);
    this.changed();
  }

  getRenditionById(id: string): VideoRendition | null {
    return this.getTrackById(id);
  }

  /** @internal Another title: nobody wanted one of its yet. */
  reset(): void {
    this.#index = -1;
    this.active = undefined;
  }
}

/** All that can be chosen of a title. */
export class Tracks {
  readonly audio = new List<AudioTrack>("track");
  readonly video = new List<VideoTrack>("track");
  readonly text = new List<TextTrack>("track");
  readonly renditions: VideoRenditionList;
  /** What is chosen, by kind; null for nothing. */
  #chosen = new Map<string, string | null>();
  #presentation: Presentation | undefined;

  constructor(readonly player: () => Player) {
    this.renditions = new VideoRenditionList((rendition) => {
      this.player().constrain({ renditions: rendition ? [rendition.id] : null });
      // Who chooses wants to see it, and not what waits first.
      if (rendition) this.player().fetchAnew("video");
    });
  }

  /** What the engine knows of the title. */
  get presentation(): Presentation | undefined {
    return this.#presentation;
  }

  /** Nothing is loaded. */
  clear(): void {
    this.#presentation = undefined;
    this.#chosen.clear();
    this.renditions.reset();
    for (const list of [this.audio, this.video, this.text, this.renditions]) (list as List<{ id: string }>).hold([]);
  }

  /** What there is to choose from, at the playhead. */
  fill(presentation: Presentation): void {
    this.#presentation = presentation;
    // What the viewer chose in between is newer, and what the engine chooses it tells.
    for (const { kind, id, selected } of presentation.tracks) if (selected && !this.#chosen.has(kind)) this.#chosen.set(kind, id);
    this.#hold("audio", this.audio, AudioTrack);
    this.#hold("video", this.video, VideoTrack);
    this.#hold("text", this.text, TextTrack);
    this.#renditions();
    this.#mark();
  }

  /** The engine chose. */
  selected(kind: string, id: string | null): void {
    this.#chosen.set(kind, id);
    if (kind === "video") this.#renditions();
    this.#mark();
  }

  /** Another rendition of the picture is on the screen. */
  shows(rendition: string): void {
    this.renditions.active = rendition;
  }

  /** Cues are on the screen. */
  cues(cues: Cue[]): void {
    for (const track of this.text) {
      if (!track.on && track.activeCues.length === 0) continue;
      track.activeCues = track.on ? cues.map(({ id, start, end, text }) => ({ id, startTime: start, endTime: end, text: plain(text) })) : [];
      track.dispatchEvent(new Event("cuechange"));
    }
  }

  #hold<Item extends AudioTrack | VideoTrack | TextTrack>(
    kind: "audio" | "video" | "text",
    list: List<Item>,
    make: new (track: Track, choose: (on: boolean) => void) => Item,
  ): void {
    const tracks = this.#presentation?.tracks.filter((track) => track.kind === kind) ?? [];
    list.hold(tracks.map((track) => list.getTrackById(track.id) ?? new make(track, (on) => this.#choose(kind, track.id, on))));
  }

  #renditions(): void {
    const id = this.#chosen.get("video");
    const tracks = this.#presentation?.tracks.filter(({ kind }) => kind === "video") ?? [];
    const track = tracks.find((track) => track.id === id) ?? tracks[0];
    const value = <T>(value: T | null) => value ?? undefined;
    const renditions = (track?.renditions ?? []).map(({ id, bitrate, width, height, frame_rate, codecs, hdr }) => {
      const known = this.renditions.getRenditionById(id);
      return known ?? { id, src: undefined, width: value(width), height: value(height), bitrate, frameRate: value(frame_rate), codec: codecs, range: value(hdr) };
    });
    this.renditions.hold(renditions);
  }

  #choose(kind: "audio" | "video" | "text", id: string, on: boolean): void {
    this.player().select(kind, on ? id : null);
    this.#chosen.set(kind, on ? id : null);
    this.#mark();
  }

  #mark(): void {
    for (const [kind, list] of [
      ["audio", this.audio],
      ["video", this.video],
      ["text", this.text],
    ] as const) {
      let changed = false;
      for (const track of list) {
        const on = this.#chosen.get(kind) === track.id;
        changed ||= on !== track.on;
        track.on = on;
      }
      if (changed) list.changed();
    }
  }
}

/** A text without styles and annotations. */
function plain(nodes: Node[]): string {
  return nodes.map((node) => (node.type === "text" ? node.value : node.type === "gap" ? " " : node.type === "span" && node.value.kind !== "ruby-text" ? plain(node.value.children) : "")).join("");
}
