// What the engine tells of a title, in the events of hls.js.

import type { Title, Told } from "../title.js";
import type { Emitter } from "./emitter.js";
import { errorOf, ErrorDetails, ErrorTypes } from "./errors.js";
import { Events } from "./events.js";
import type { Levels } from "./levels.js";
import type { Loading } from "./loading.js";
import type { Tracks } from "./tracks.js";

/** How often it is looked whether the element has more, milliseconds. */
const LOOK = 250;

/** Announces what becomes of a title. */
export class Reporter {
  /** How far the element has media, seconds. */
  buffered = 0;
  /** That the manifest is known was announced. */
  #parsed = false;
  #ticker = setInterval(() => this.#look(), LOOK);

  constructor(
    readonly to: Emitter,
    readonly title: Title,
    readonly levels: Levels,
    readonly audio: Tracks,
    readonly text: Tracks,
    readonly loading: Loading,
  ) {}

  /** Another title is loaded. */
  reset(): void {
    this.buffered = 0;
    this.#parsed = false;
  }

  close(): void {
    clearInterval(this.#ticker);
  }

  hear(told: Told): void {
    switch (told.type) {
      case "Loaded":
        return this.#loaded();
      case "State":
        // Of what the browser plays by itself nothing is known.
        if (told.state === "preparing") this.title.known ? this.#prepared() : this.loading.decided();
        if (told.state === "ready") this.levels.begin();
        return;
      case "Selected":
        return this.#selected(told.kind);
      case "Quality":
        if (told.kind === this.title.ladderKind) this.to.announce(Events.LEVEL_SWITCHED, { level: this.levels.shown });
        return;
      case "Decision":
        return this.#decided(told.kind, told.to);
      case "StallStarted":
        return this.to.announce(Events.ERROR, {
          type: ErrorTypes.MEDIA_ERROR,
          details: ErrorDetails.BUFFER_STALLED_ERROR,
          fatal: false,
          error: new Error(`playback stands: ${told.cause}`),
        });
      case "Error":
        return this.to.announce(Events.ERROR, errorOf(told.error, this.title.known, this.loading.url ?? ""));
      case "Ended":
        return this.to.announce(Events.MEDIA_ENDED, { stalled: false });
    }
  }

  /** The manifest is known. */
  #prepared(): void {
    const { title, loading, levels } = this;
    levels.constrain();
    // Of what is known all at once segments are asked for already.
    if (title.loaded && levels.beginsWrong) return loading.load();
    if (!this.#parsed) {
      this.#parsed = true;
      const [audioTracks, subtitleTracks] = [this.audio.all, this.text.all];
      const all = { levels: levels.all, audioTracks, subtitleTracks, url: loading.url ?? "", sessionData: null, sessionKeys: null, stats: this.#stats };
      this.to.announce(Events.MANIFEST_LOADED, { ...all, subtitles: subtitleTracks });
      const has = { video: title.of("video").length > 0, audio: audioTracks.length > 0, altAudio: audioTracks.length > 1 };
      this.to.announce(Events.MANIFEST_PARSED, { ...all, iframeVariants: [], firstLevel: levels.first, ...has });
      this.to.announce(Events.AUDIO_TRACKS_UPDATED, { audioTracks });
      this.to.announce(Events.SUBTITLE_TRACKS_UPDATED, { subtitleTracks });
    }
    // Listeners may have done anything: begun it, or loaded something else.
    if (title.known && loading.url !== null) loading.read();
  }

  /** It is known how long it is. */
  #loaded(): void {
    const { title, loading } = this;
    // What came too late to be said before the first segment was asked for.
    if (this.levels.beginsWrong) return loading.load();
    loading.decided();
    const level = Math.max(0, this.levels.chosen);
    const { live, duration } = title;
    const details = { live, totalduration: duration, url: loading.url ?? "" };
    this.to.announce(Events.LEVEL_LOADED, { level, id: level, levelInfo: this.levels.all[level], stats: this.#stats, details });
    this.levels.constrain();
  }

  get #stats() {
    return { loaded: 0, total: 0, loading: { start: this.title.loadedAt, first: 0, end: performance.now() } };
  }

  #selected(kind: string): void {
    if (!this.title.known) return;
    if (kind === "audio") {
      const playlist = this.audio.playedPlaylist;
      if (playlist) this.to.announce(Events.AUDIO_TRACK_SWITCHED, playlist);
    } else if (kind === "text") {
      this.to.announce(Events.SUBTITLE_TRACK_SWITCH, this.text.playedPlaylist ?? { id: -1 });
    }
  }

  #decided(kind: string | null, to: string | null): void {
    const level = this.levels.place(to);
    const chosen = this.levels.all[level];
    if (this.title.known && kind === this.title.ladderKind && chosen) this.to.announce(Events.LEVEL_SWITCHING, { ...chosen, level });
  }

  /** The engine tells of no single segment: that more is there is seen by the element. */
  #look(): void {
    const { video } = this.loading;
    if (!video || !this.title.known) return;
    const { buffered } = video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    if (end > this.buffered) {
      const level = Math.max(0, this.levels.chosen);
      this.to.announce(Events.FRAG_BUFFERED, { id: "main", part: null, frag: { type: "main", level, start: this.buffered, end, duration: end - this.buffered } });
    }
    this.buffered = end;
  }
}
