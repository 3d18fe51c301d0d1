// The media element: carries out what the engine orders, and reports what happens.

import type { Order, Report } from "../messages.js";
import { isHidden } from "../world/visibility.js";

/** Between two reports of the position, milliseconds. */
const TICK = 250;

/** A media element under the engine's orders. */
export class Screen {
  /** The engine wants it to stand: for want of media, for a seek, or because the application wants it. */
  #held = true;
  #rate = 1;
  /** Seeks that are not answered yet. */
  #seeks = 0;
  /** Where to go as soon as there is a timeline to go on. */
  #target: number | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #counted = { due: 0, dropped: 0 };
  #listening = new AbortController();
  /** The application wants it to play. */
  wanted = false;

  constructor(
    readonly video: HTMLVideoElement,
    readonly report: (report: Report) => void,
    readonly refused: () => void,
  ) {
    const { signal } = this.#listening;
    const on = (name: string, act: () => void) => video.addEventListener(name, act, { signal });
    on("loadedmetadata", () => this.#go());
    on("seeked", () => this.#arrive());
    on("waiting", () => {
      if (this.#runs && video.readyState < 3) this.report(["starved", video.currentTime]);
    });
    on("ended", () => this.report(["ended"]));
    on("error", () => {
      const { code = 0, message = "" } = video.error ?? {};
      this.report(["sink_failed", code === MediaError.MEDIA_ERR_DECODE ? 5001 : 5002, message]);
    });
    this.#ticker = setInterval(() => this.#tick(), TICK);
  }

  /** Lets go of the element. */
  close(): void {
    clearInterval(this.#ticker);
    this.#listening.abort();
    this.#detach();
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
        this.#seeks = 0;
        this.#counted = { due: 0, dropped: 0 };
        this.video.srcObject = order[1];
        this.#hold();
        if (this.wanted) this.#start();
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
        if (this.video.readyState > 0) this.#go();
        break;
    }
  }

  get #runs(): boolean {
    const { video } = this;
    return !this.#held && !video.paused && !video.seeking && !video.ended;
  }

  /** A picture that is held stands at rate 0: `paused` is the application's. */
  #hold(): void {
    const rate = this.#held ? 0 : this.#rate;
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
  }

  #start(): void {
    this.video.play().catch((error: DOMException) => {
      // Loading something else interrupts it, which is nobody's fault.
      if (error.name === "NotAllowedError") this.refused();
    });
  }

  #go(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    if (target === this.video.currentTime && !this.video.seeking) this.#arrive();
    else this.video.currentTime = target;
  }

  /** One event of the browser answers all seeks before it. */
  #arrive(): void {
    for (; this.#seeks > 0; this.#seeks -= 1) this.report(["seeked", this.video.currentTime]);
  }

  #tick(): void {
    const { video } = this;
    if (!this.#runs) return;
    this.report(["position", video.currentTime, video.readyState >= 3]);
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
    if (this.video.srcObject) {
      this.video.srcObject = null;
      this.video.load();
    }
  }
}
