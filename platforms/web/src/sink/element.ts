// The media element: carries out what the engine orders, and reports what happens.

import { listen } from "../listen.js";
import type { Order, Report } from "../messages.js";
import { isHidden } from "../world/visibility.js";
import { isManaged } from "./media.js";
import { rangesOf } from "./ranges.js";
import { Speed } from "./speed.js";

/** Between two reports of the position, milliseconds. */
const TICK = 250;
/** Gaps that are shorter are none to a browser, seconds. */
const CLOSE = 0.1;
/** A browser that is farther from where it was sent, seconds, is not there. */
const ASTRAY = 0.5;
/** An element takes a media source within this time, if it takes it at all, milliseconds: less than the engine waits before it calls a
 * sink stuck. */
const OPENS_WITHIN = 1000;

/** A media element under the engine's orders. */
export class Screen {
  /** The engine wants it to stand: for want of media, for a seek, or because the application wants it. */
  #held = true;
  #rate = 1;
  /** Seeks that are not answered yet. */
  #seeks = 0;
  /** Where to go as soon as there is a timeline to go on. */
  #target: number | undefined;
  /** Where it was sent last, until it is there. */
  #sought: number | undefined;
  /** The last time it was where nothing is buffered. */
  #outside = false;
  #generation = 0;
  /** The address of a media source in the page. */
  #address: string | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #counted = { due: 0, dropped: 0 };
  #listening = new AbortController();
  /** The application wants it to play. */
  wanted = false;

  constructor(
    readonly video: HTMLVideoElement,
    readonly report: (report: Report) => void,
    readonly refused: () => void,
    readonly stopped: () => void,
    readonly speed: Speed,
    /** Told of each place that the engine sends it to, as the browser has it. */
    readonly sent: (to: number) => void,
  ) {
    // What was asked for without an element holds in this one.
    this.#rate = speed.asked;
    const { signal } = this.#listening;
    const on = (name: string, act: () => void) => listen(video, name, act, signal);
    for (const name of ["loadedmetadata", "durationchange", "progress", "canplay"]) on(name, () => this.#go());
    on("seeked", () => this.#isAstray() || this.#arrive());
    on("waiting", () => {
      if (this.#runs && video.readyState < 3) this.report(["starved", video.currentTime]);
    });
    on("ended", () => this.report(["ended"]));
    on("pause", () => {
      // Of those that nobody ordered: it was taken out of the page, or the browser has its reasons.
      if (this.wanted && this.#generation && video.paused && !video.ended && !video.error) this.stopped();
    });
    on("error", () => {
      const { code = 0, message = "" } = video.error ?? {};
      const failure = code === MediaError.MEDIA_ERR_DECODE ? 5001 : 5002;
      this.report(["crashed", this.#generation, failure, message, this.#target ?? video.currentTime]);
    });
    this.#ticker = setInterval(() => this.#tick(), TICK);
  }

  /** Lets go of the element. */
  close(): void {
    clearInterval(this.#ticker);
    this.#listening.abort();
    this.#detach();
    this.speed.close();
  }

  /** The application wants to play: said within what a viewer does, so that the browser allows it. */
  play(): void {
    this.wanted = true;
    this.#hold();
    this.#start();
  }

  /** The application wants it to stand. */
  pause(): void {
    this.wanted = false;
    this.video.pause();
  }

  obey(order: Order): void {
    switch (order[0]) {
      case "attach":
        this.#attach(order[1], order[2], order[3]);
        break;
      case "detach":
        this.#detach();
        break;
      case "play":
        this.#held = false;
        this.#hold();
        this.#start();
        break;
      case "pause":
        this.#held = true;
        this.#hold();
        break;
      case "rate":
        this.#rate = order[1];
        this.#hold();
        break;
      case "seek":
        this.#seeks += 1;
        this.#target = order[1];
        this.#go();
        break;
    }
  }

  get #runs(): boolean {
    const { video } = this;
    return !this.#held && !video.paused && !video.seeking && !video.ended && this.#target === undefined;
  }

  #attach(source: MediaProvider | string, generation: number, again: boolean): void {
    const { video } = this;
    if (again) {
      // Seeks that are not answered are answered from there.
      this.#target ??= video.currentTime;
    } else {
      this.#seeks = 0;
      this.#target = undefined;
    }
    this.#counted = { due: 0, dropped: 0 };
    this.#generation = generation;
    this.#sought = undefined;
    this.#forget();
    // Without that a managed source stays closed.
    if (isManaged()) video.disableRemotePlayback = true;
    if (typeof source === "string") {
      video.srcObject = null;
      video.src = this.#address = source;
    } else {
      video.srcObject = source;
      setTimeout(() => {
        if (this.#generation === generation && video.readyState === 0) this.report(["unopened", generation]);
      }, OPENS_WITHIN);
    }
    this.#hold();
    if (this.wanted) this.#start();
  }

  /** A picture that is held stands at rate 0: `paused` is the application's. */
  #hold(): void {
    this.speed.give(this.#held ? 0 : this.#rate);
  }

  #start(): void {
    // Older browsers give no promise.
    this.video.play()?.catch((error: DOMException) => {
      // Loading something else interrupts it, which is nobody's fault.
      if (error.name === "NotAllowedError") this.refused();
    });
  }

  /** Goes where it is to be, as soon as the element knows of that place: without an end it goes no further than there is media. */
  #go(): void {
    const { video } = this;
    const target = this.#target;
    if (target === undefined || video.readyState === 0) return;
    const { seekable } = video;
    const reach = seekable.length ? seekable.end(seekable.length - 1) : 0;
    if (video.duration === Infinity && reach < target - CLOSE) return;
    this.#target = undefined;
    if (target === video.currentTime && !video.seeking) this.#arrive();
    else this.#send((this.#sought = target));
  }

  #send(to: number): void {
    this.video.currentTime = to;
    this.sent(this.video.currentTime);
  }

  /** Chromium that is paused on its way says afterwards that it is where its pipeline was then, at 0 as a title opens, and shows the
   * picture of the target. Sent once more it is there. */
  #isAstray(): boolean {
    const { video } = this;
    const sought = this.#sought;
    this.#sought = undefined;
    if (sought === undefined || !video.paused || Math.abs(video.currentTime - sought) < ASTRAY) return false;
    this.#send(sought);
    return true;
  }

  /** One event of the browser answers all seeks before it. */
  #arrive(): void {
    for (; this.#seeks > 0; this.#seeks -= 1) this.report(["seeked", this.video.currentTime]);
  }

  #tick(): void {
    const { video } = this;
    this.#go();
    if (!this.#runs) return;
    // Where one kind of track has a hole browsers play the other on for seconds, and are at a loss behind it. What is buffered in
    // a worker is known here a little later: once is no hole.
    const within = rangesOf(video.buffered).some(([from, to]) => from - CLOSE <= video.currentTime && video.currentTime <= to + CLOSE);
    const twice = this.#outside;
    this.#outside = !within;
    // Without any metadata it is not in a hole: it has not begun.
    if (within || !twice || video.readyState === 0) this.report(["position", video.currentTime, video.readyState >= 3]);
    else this.report(["starved", video.currentTime]);
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    const [due, dropped] = [totalVideoFrames - this.#counted.due, droppedVideoFrames - this.#counted.dropped];
    this.#counted = { due: totalVideoFrames, dropped: droppedVideoFrames };
    // What nobody sees is not drawn: that says nothing of what the device can do.
    if (due > 0 && !isHidden()) this.report(["frames", due, dropped]);
  }

  #detach(): void {
    this.#target = undefined;
    this.#seeks = 0;
    this.#held = true;
    this.#generation = 0;
    const { video } = this;
    if (video.srcObject || this.#address) {
      video.srcObject = null;
      video.removeAttribute("src");
      video.load();
    }
    // Nothing is held any more.
    this.speed.give(this.speed.asked);
    this.#forget();
  }

  #forget(): void {
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = undefined;
  }
}
