// What HTML says of a media element (4.8.11), over the engine and an inner `<video>`.
//
// The inner element is the engine's: it stands at rate 0 where media is missing, goes where it is sent, and gets another source
// with each title. So its own `paused`, `playbackRate`, `seeking` and `ended` are not what a page may see: those are kept here, by
// the algorithms of the standard, and so are the events and their order. What the inner element knows best (size, volume, what is
// buffered, how much of it can be shown) is read from it.

import type { Player } from "../player.js";
import type { Told } from "../messages.js";
import { checkSpeed } from "../sink/speed.js";
import { mediaError, PlayerError, type TelecineError } from "./errors.js";
import { nearest, Ranges } from "./ranges.js";
import { Tasks } from "./tasks.js";

/** `networkState` (4.8.11.4). */
export const enum Network {
  Empty,
  Idle,
  Loading,
  NoSource,
}

/** `readyState` (4.8.11.7). */
export const enum Ready {
  Nothing,
  Metadata,
  CurrentData,
  FutureData,
  EnoughData,
}

/** What there is to know of the element around it. */
export interface Surroundings {
  /** The inner element. */
  readonly video: HTMLVideoElement;
  /** The engine; made when it is wanted first. */
  player(): Player;
  /** What the content attribute says. */
  attribute(name: string): string | null;
  /** Tells the page. */
  fire(name: string): void;
}

/** Errors of a player whose engine broke, or never was there. */
const ENGINELESS = new Set([7005, 9001]);

/** States of the engine in which it does not play for want of something, or has nothing to play. */
const WAITING = new Set(["idle", "loading", "preparing", "rebuffering", "seeking", "stopped", "failed"]);

interface Settling {
  resolve(): void;
  reject(error: DOMException): void;
}

/** The state of a media element, and its algorithms. */
export class Playback {
  readyState: Ready = Ready.Nothing;
  paused = true;
  seeking = false;
  ended = false;
  error: PlayerError | null = null;
  duration = NaN;
  currentSrc = "";
  /** Whether the title goes on. */
  live = false;
  /** Where a live title can be played, as the engine says. */
  window: readonly [number, number] | undefined;
  /** What the engine said last of its state. */
  state = "idle";
  #network: Network = Network.Empty;
  #rate = 1;
  #defaultRate = 1;
  #tasks = new Tasks();
  /** Promises of `play()` that are not settled. */
  #pending: Settling[] = [];
  /** "Can autoplay flag": nobody has played or held it yet. */
  #canAutoplay = true;
  /** "Official playback position". */
  #position = 0;
  /** "Default playback start position". */
  #start = 0;
  #loadedData = false;
  /** What the engine was told to do. */
  #wants: "play" | "pause" = "pause";
  /** Until the engine is asked, which may wait for a microtask, or for `play` where `preload` is none. */
  #selecting = 0;
  #awaitsPlay = false;
  /** It was let go of, and is loaded again when it is wanted. */
  #released = false;
  /** The title was given to the engine, and everything that is told is of it. */
  #fenced = false;
  #fence = 0;
  /** Seeks that the engine has not begun yet. */
  #seeks = 0;
  /** The last of them is to the end. */
  #toEnd = false;

  constructor(readonly around: Surroundings) {
    const { video } = around;
    const on = (names: string, act: () => void) => {
      for (const name of names.split(" ")) video.addEventListener(name, () => this.#attached && act());
    };
    on("loadedmetadata loadeddata canplay canplaythrough playing waiting emptied", () => this.#look());
    on("durationchange", () => this.#measure());
    on("timeupdate", () => this.#move());
    on("pause", () => {
      // Not by us: a key of the keyboard, the window of picture-in-picture, a headset taken off.
      if (video.paused && !video.ended && !this.paused && !this.ended) this.pause();
    });
    on("play", () => {
      if (!video.paused && this.paused && !this.ended && this.state === "paused") this.play().catch(() => {});
    });
    for (const name of ["progress", "suspend", "resize"]) video.addEventListener(name, () => this.#attached && this.#fire(name));
    for (const name of ["volumechange", "enterpictureinpicture", "leavepictureinpicture"]) video.addEventListener(name, () => around.fire(name));
  }

  // Loading (4.8.11.5).

  /** The media element load algorithm. */
  load(): void {
    this.#tasks.clear();
    this.#abandon();
    if (this.#network === Network.Loading || this.#network === Network.Idle) this.#fire("abort");
    if (this.#network !== Network.Empty) {
      this.#fire("emptied");
      this.#fenced = false;
      this.#fence += 1;
      this.#network = Network.Empty;
      this.readyState = Ready.Nothing;
      if (!this.paused) {
        this.paused = true;
        this.#reject("AbortError", "another load began");
      }
      this.#command("pause");
      this.seeking = false;
      if (this.#position !== 0) this.#fire("timeupdate");
      this.#position = 0;
      this.#start = 0;
      this.duration = NaN;
      this.ended = false;
      this.live = false;
      this.window = undefined;
    }
    this.playbackRate = this.#defaultRate;
    this.error = null;
    this.#canAutoplay = true;
    this.#loadedData = false;
    this.#select();
  }

  /** The resource selection algorithm. */
  #select(): void {
    this.#network = Network.NoSource;
    const selecting = ++this.#selecting;
    queueMicrotask(() => {
      if (selecting !== this.#selecting) return;
      const src = this.around.attribute("src");
      if (src === null) {
        this.#network = Network.Empty;
        return;
      }
      this.#network = Network.Loading;
      this.#fire("loadstart");
      let url;
      try {
        url = src && new URL(src, document.baseURI).href;
      } catch {
        url = "";
      }
      if (!url) return this.#unsuitable(new PlayerError(PlayerError.MEDIA_ERR_SRC_NOT_SUPPORTED, `there is nothing at "${src}"`));
      this.currentSrc = url;
      // The resource fetch algorithm.
      if (this.around.attribute("preload") !== "none" || this.around.attribute("autoplay") !== null || !this.paused) return this.#fetch();
      this.#awaitsPlay = true;
      this.#network = Network.Idle;
      this.#fire("suspend");
    });
  }

  /** `preload` changed: what was to wait for `play` may come now. */
  preload(): void {
    if (this.#awaitsPlay && this.around.attribute("preload") !== "none") this.#fetch();
  }

  #fetch(): void {
    this.#awaitsPlay = false;
    this.#released = false;
    this.#network = Network.Loading;
    const player = this.around.player();
    const fence = ++this.#fence;
    this.#seeks = 0;
    this.state = "loading";
    // Answered in order: what is told before is of another title. A player that ended with a defect has none.
    const passed = () => {
      if (fence !== this.#fence) return;
      this.#fenced = true;
    };
    player.snapshot().then(passed, passed);
    player.load(this.currentSrc, this.#start > 0 ? { start: this.#start } : {});
    player.setRate(this.#rate);
    if (!this.paused) this.#command("play");
  }

  /** Lets go of the title without a word, as where the element is gone. What was played is where it would go on. */
  release(): void {
    const position = this.live ? 0 : this.currentTime;
    this.#abandon();
    this.#fence += 1;
    this.#fenced = false;
    this.#wants = "pause";
    this.readyState = Ready.Nothing;
    this.seeking = false;
    this.#loadedData = false;
    this.#start = position;
    this.#released = this.#network === Network.Idle || this.#network === Network.Loading;
    if (this.#released) this.#network = Network.Idle;
  }

  /** Loads again what was let go of. */
  resume(): void {
    if (this.#released && !this.error) this.#fetch();
  }

  #abandon(): void {
    this.#selecting += 1;
    this.#awaitsPlay = false;
    this.#released = false;
  }

  /** The dedicated media source failure steps. */
  #unsuitable(error: PlayerError): void {
    this.#queue(() => {
      this.error = error;
      this.#network = Network.NoSource;
      this.around.fire("error");
      this.#reject("NotSupportedError", error.message);
    });
  }

  #failed(told: TelecineError): void {
    const error = mediaError(told, this.readyState !== Ready.Nothing);
    if (error.code === PlayerError.MEDIA_ERR_SRC_NOT_SUPPORTED) return this.#unsuitable(error);
    this.error = error;
    this.#network = Network.Idle;
    this.seeking = false;
    this.#fire("error");
    // The standard leaves them open; nothing would ever settle them.
    this.#reject("AbortError", error.message);
  }

  // What the engine tells.

  /** False if it is of a title before. */
  hear(told: Told): boolean {
    // Where there is no engine any more that ends whatever there is, and what was asked for just now with it.
    if (told.type === "Error" && ENGINELESS.has(told.error.code) && told.error.fatal) this.#fenced ||= this.#network === Network.Loading;
    if (this.#fenced && !this.error) this.#follow(told);
    return this.#fenced;
  }

  #follow(told: Told): void {
    switch (told.type) {
      case "State":
        // Of before the seek, which the engine has not heard of.
        if (this.#seeks > 0) break;
        this.state = told.state as string;
        if (this.seeking && /playing|paused|ready|ended/.test(this.state)) this.#arrive();
        this.#look();
        break;
      case "Loaded":
        this.live = told.live as boolean;
        break;
      case "LiveEnded":
        this.live = false;
        this.#measure();
        break;
      case "SeekStarted":
        this.#seeks = Math.max(0, this.#seeks - 1);
        break;
      case "SeekEnded":
        if (this.seeking && this.#seeks === 0) this.#arrive();
        break;
      case "Ended":
        this.#end();
        break;
      case "Error": {
        const error = told.error as unknown as TelecineError;
        if (error.fatal) this.#failed(error);
        break;
      }
    }
  }

  /** The browser allows no playback unless the viewer asks for it. */
  refused(): void {
    this.#wants = "pause";
    if (this.paused) return;
    this.paused = true;
    this.#reject("NotAllowedError", "the browser allows no playback before the viewer asks for it");
    this.#fire("pause");
  }

  /** What is fetched: the inner element knows whether all is there. */
  get networkState(): Network {
    return this.#network === Network.Loading && this.#attached ? this.around.video.networkState : this.#network;
  }

  // The ready states (4.8.11.7).

  /** The inner element has the media of this title: it gets them before the engine has anything to prepare. */
  get #attached(): boolean {
    const { srcObject, src } = this.around.video;
    return this.#fenced && Boolean(srcObject ?? src) && !/^(idle|loading|stopped|failed)$/.test(this.state);
  }

  #look(): void {
    if (this.error || !this.#attached) return;
    const { video } = this.around;
    // Something live is not at 0: where it is is known with its first picture.
    if (this.live && this.readyState === Ready.Nothing && video.readyState < Ready.CurrentData) return;
    const most = WAITING.has(this.state) ? Ready.CurrentData : Ready.EnoughData;
    // A Media Source that is made anew in the middle of a title takes nothing back that was known.
    const least = this.readyState === Ready.Nothing ? Ready.Nothing : Ready.Metadata;
    const ready = Math.max(least, Math.min(most, video.readyState));
    if (ready !== this.readyState) this.#become(ready);
    this.#autoplay();
  }

  #become(ready: Ready): void {
    const before = this.readyState;
    if (before === Ready.Nothing && ready > before) {
      this.#measure();
      this.readyState = Ready.Metadata;
      this.#position = this.around.video.currentTime;
      this.#fire("loadedmetadata");
      if (this.#start > 0) this.#jumped();
      this.#start = 0;
    }
    this.readyState = ready;
    if (ready >= Ready.CurrentData && !this.#loadedData) {
      this.#loadedData = true;
      this.#fire("loadeddata");
    }
    if (before >= Ready.FutureData && ready <= Ready.CurrentData && !this.paused && !this.ended) {
      this.#fire("timeupdate");
      this.#fire("waiting");
    }
    if (before <= Ready.CurrentData && ready >= Ready.FutureData) {
      this.#fire("canplay");
      if (!this.paused) this.#notifyPlaying();
    }
    if (before < Ready.EnoughData && ready === Ready.EnoughData) this.#fire("canplaythrough");
  }

  /** A start that was wanted before there was metadata: the engine begins there, or is sent there now. */
  #jumped(): void {
    if (Math.abs(this.around.video.currentTime - this.#start) < 0.5) return;
    this.currentTime = this.#start;
  }

  #autoplay(): void {
    if (!this.#canAutoplay || !this.paused || this.readyState < Ready.FutureData) return;
    if (this.around.attribute("autoplay") === null) return;
    // Once: what the browser refuses it will refuse again.
    this.#canAutoplay = false;
    this.play().catch(() => {});
  }

  #measure(): void {
    const duration = this.live ? Infinity : this.around.video.duration;
    if (Number.isNaN(duration) || Object.is(duration, this.duration)) return;
    this.duration = duration;
    this.#fire("durationchange");
  }

  #move(): void {
    if (this.seeking || this.ended || this.readyState === Ready.Nothing) return;
    const { currentTime } = this.around.video;
    if (currentTime === this.#position) return;
    this.#position = currentTime;
    this.#fire("timeupdate");
  }

  // Playing (4.8.11.8).

  /** Plays. Rejects with `NotAllowedError`, `NotSupportedError` or `AbortError`, as HTML has it. */
  async play(): Promise<void> {
    if (this.error?.code === PlayerError.MEDIA_ERR_SRC_NOT_SUPPORTED) throw new DOMException(this.error.message, "NotSupportedError");
    if (!this.#allowed()) throw new DOMException("the browser allows no playback before the viewer asks for it", "NotAllowedError");
    const settled = new Promise<void>((resolve, reject) => this.#pending.push({ resolve, reject }));
    if (this.#network === Network.Empty) this.#select();
    if (this.ended) {
      this.#seek(this.seekable.length ? this.seekable.start(0) : 0);
    }
    if (this.paused) {
      this.paused = false;
      this.#fire("play");
      if (this.readyState <= Ready.CurrentData) this.#fire("waiting");
      else this.#notifyPlaying();
    } else if (this.readyState >= Ready.FutureData) {
      this.#settle((promise) => promise.resolve());
    }
    this.#canAutoplay = false;
    if (this.#awaitsPlay || this.#released) this.#fetch();
    else if (this.#isGiven) this.#command("play");
    return settled;
  }

  /** The title was given to the engine. */
  get #isGiven(): boolean {
    return this.currentSrc !== "" && !this.#awaitsPlay && !this.#released && !this.error && this.#network !== Network.Empty && this.#network !== Network.NoSource;
  }

  #command(what: "play" | "pause"): void {
    // Whoever is paused need not hear it twice; whoever plays may have been stopped by the browser.
    if (what === "pause" && this.#wants === what) return;
    this.#wants = what;
    this.around.player()[what]();
  }

  /** Asks the browser, which says no at once by leaving the inner element as it is. */
  #allowed(): boolean {
    const { video } = this.around;
    if (!video.paused) return true;
    // What becomes of it is known when there is a source.
    video.play().catch(() => {});
    return !video.paused;
  }

  pause(): void {
    if (this.#network === Network.Empty) this.#select();
    this.#canAutoplay = false;
    if (this.paused) return;
    this.paused = true;
    const pending = this.#take();
    this.#queue(() => {
      this.around.fire("timeupdate");
      this.around.fire("pause");
      for (const promise of pending) promise.reject(new DOMException("it was paused", "AbortError"));
    }, pending.length > 0);
    if (this.#isGiven) this.#command("pause");
    else this.around.video.pause();
    if (!this.seeking && this.#attached) this.#position = this.around.video.currentTime;
  }

  #notifyPlaying(): void {
    const pending = this.#take();
    this.#queue(() => {
      this.around.fire("playing");
      for (const promise of pending) promise.resolve();
    }, pending.length > 0);
  }

  #end(): void {
    if (this.ended) return;
    if (this.around.attribute("loop") !== null && !this.live) {
      this.#seek(this.seekable.length ? this.seekable.start(0) : 0);
      this.around.player().play();
      return;
    }
    this.ended = true;
    this.#position = Number.isFinite(this.duration) ? this.duration : this.around.video.currentTime;
    this.#queue(() => {
      this.around.fire("timeupdate");
      if (!this.paused) {
        this.paused = true;
        this.around.fire("pause");
        this.#reject("AbortError", "it was played to its end");
      }
      this.around.fire("ended");
    });
    // Who goes back from the end stands there until it is told to play.
    this.#command("pause");
  }

  get playbackRate(): number {
    return this.#rate;
  }

  set playbackRate(rate: number) {
    checkSpeed(rate);
    if (rate === this.#rate) return;
    this.#rate = rate;
    this.#fire("ratechange");
    if (this.#isGiven) this.around.player().setRate(rate);
  }

  get defaultPlaybackRate(): number {
    return this.#defaultRate;
  }

  set defaultPlaybackRate(rate: number) {
    checkSpeed(rate);
    if (rate === this.#defaultRate) return;
    this.#defaultRate = rate;
    this.#fire("ratechange");
  }

  // Offsets and seeking (4.8.11.6, 4.8.11.9).

  get currentTime(): number {
    if (this.readyState === Ready.Nothing && !this.error) return this.#start;
    if (!this.seeking && this.#attached && !this.ended) return this.around.video.currentTime;
    return this.#position;
  }

  set currentTime(time: number) {
    if (this.readyState === Ready.Nothing) this.#start = time;
    else this.#seek(time);
  }

  /** What is buffered. */
  get buffered(): TimeRanges {
    return this.#attached ? this.around.video.buffered : new Ranges();
  }

  /** What was played. */
  get played(): TimeRanges {
    return this.#attached ? this.around.video.played : new Ranges();
  }

  /** Where the playhead can go. */
  get seekable(): TimeRanges {
    if (this.readyState === Ready.Nothing) return new Ranges();
    if (Number.isFinite(this.duration)) return new Ranges([0, this.duration]);
    // It was looked at a moment ago, and has moved since.
    if (this.window) return new Ranges([this.window[0], Math.max(this.window[1], this.currentTime)]);
    return this.#attached ? this.around.video.seekable : new Ranges();
  }

  /** Goes to the live edge. */
  seekToEdge(): void {
    if (!this.live || this.readyState === Ready.Nothing) return;
    const { seekable } = this;
    this.#seek(seekable.length ? seekable.end(seekable.length - 1) : this.currentTime, Infinity);
  }

  #seek(time: number, target = nearest(time, this.seekable)): void {
    this.ended = false;
    this.seeking = true;
    this.#toEnd = Number.isFinite(this.duration) && target >= this.duration;
    this.#position = Number.isFinite(target) ? target : time;
    this.#fire("seeking");
    // What is there is known when the engine has been asked.
    this.state = "seeking";
    this.#become(Math.min(this.readyState, Ready.Metadata));
    this.#seeks += 1;
    // At the very end there is no media to show: its last moment is asked for.
    this.around.player().seek(target);
  }

  #arrive(): void {
    this.seeking = false;
    this.#position = this.around.video.currentTime;
    this.#fire("timeupdate");
    this.#fire("seeked");
    // Its last moment is on the screen.
    if (this.#toEnd) this.#end();
  }

  // Tasks and promises.

  #queue(act: () => void, settles = false): void {
    this.#tasks.queue(act, settles);
  }

  #fire(name: string): void {
    this.#queue(() => this.around.fire(name));
  }

  #take(): Settling[] {
    return this.#pending.splice(0);
  }

  #settle(how: (promise: Settling) => void): void {
    const pending = this.#take();
    this.#queue(() => pending.forEach(how), true);
  }

  #reject(name: string, message: string): void {
    for (const promise of this.#take()) promise.reject(new DOMException(message, name));
  }
}
