// Media Source: beside the engine, or in the page where the engine is in a worker.

import { Buffer, isLetGo, SAID_WITHIN } from "./buffer.js";
import { mediaSource } from "./media.js";
import { common, union, without, type Range } from "./ranges.js";
import { silence } from "./silence.js";
import type { Lent, Owner, Sink } from "./sink.js";

/** The number of sound: see `KINDS`. */
const SOUND = 1;
/** Longer silence is none that anybody fills, seconds. */
const LONGEST_SILENCE = 6 * 3600;

/** Spans that are so close to each other end alike, seconds. */
const CLOSE = 0.1;
/** A second failure within so many seconds of the first one's place is for good. */
const SAME_PLACE = 2;

/** A media source and its buffers, by the numbers of the engine. */
export class Source implements Sink {
  #media: MediaSource;
  #generation = 0;
  #buffers = new Map<number, Buffer>();
  /** Every configuration is there. */
  #complete = false;
  /** Source buffers were made. */
  #begun = false;
  #duration: number | undefined;
  #window: [from: number, to: number] | undefined;
  /** Nothing follows behind what there is. What is in the middle may still be appended anew. */
  #ended = false;
  /** No sound follows. */
  #over = false;
  /** Where the element failed last. */
  #crash: number | undefined;
  /** Where there is no sound to be had. */
  #silent: Range[] = [];
  #soon = false;
  #closed = false;

  constructor(readonly owner: Owner) {
    this.#media = this.#made(false);
  }

  configure(source: number, mime: string, init: Uint8Array<ArrayBuffer>): void {
    this.#buffer(source).configure({ mime, init });
    this.#wake();
  }

  open(): void {
    this.#complete = true;
    this.#wake();
  }

  append(source: number, offset: number, from: number, to: number, media: Lent): void {
    this.#buffer(source).append(offset, from, to, media);
    this.#wake();
  }

  remove(source: number, from: number, to: number): void {
    this.#buffer(source).remove(from, to);
    if (this.#buffer(source) === this.#sounding()) this.#silent = without(this.#silent, [[from, to]]);
    this.#wake();
  }

  drop(source: number, from: number): void {
    // Of what is not there, or behind the end, Media Source drops nothing.
    if (!this.#buffers.get(source)?.isOpen || !(from < this.#media.duration)) return;
    this.#keepFinish();
    const silent = this.#silent;
    this.remove(source, from, Infinity);
    // Of sound that there is none of the engine knows it as filled.
    this.#silent = silent;
    this.#fill(common([[from, Infinity]], silent));
  }

  /** Of sound it is filled. Of pictures there is none that could be made up: the playhead waits for what comes behind. */
  silence(kind: number, from: number, to: number): void {
    const range: Range = [Math.max(from, 0), to];
    if (kind !== SOUND || !(range[0] < to && to - range[0] < LONGEST_SILENCE)) return;
    this.#silent = union(this.#silent, [range]);
    this.#fill([range]);
  }

  ended(kind: number): void {
    this.#over = this.#over || kind === SOUND;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  goOn(): void {
    this.#ended = false;
    this.#over = false;
    for (const buffer of this.#buffers.values()) buffer.finish = 0;
  }

  disable(source: number): void {
    if (this.#buffers.get(source) === this.#sounding()) this.#silent = [];
    this.#attached(() => this.#buffers.get(source)?.leave(this.#media));
    this.#buffers.delete(source);
    this.#wake();
  }

  duration(seconds: number): void {
    this.#duration = seconds;
    this.#wake();
  }

  window(from: number, to: number): void {
    this.#window = [from, to];
    this.#wake();
  }

  crashed(generation: number, code: number, message: string, at: number): void {
    // What is said of one that is no more is old.
    if (generation !== this.#generation) return;
    const unreadable = [...this.#buffers.values()].find((buffer) => buffer.unreadable)?.unreadable;
    const again = this.#crash !== undefined && Math.abs(at - this.#crash) < SAME_PLACE;
    this.#crash = at;
    if (!again) return this.#rebuild();
    this.owner.failed(unreadable ? 5001 : code, [unreadable, message].filter(Boolean).join(": "));
  }

  resume(): void {
    for (const buffer of this.#buffers.values()) buffer.deaf = false;
    // The engine knows it as filled.
    this.#fill(this.#silent);
  }

  /** Gives back all that is lent. */
  close(): void {
    this.#closed = true;
    for (const buffer of this.#buffers.values()) buffer.close();
    this.#buffers.clear();
  }

  /** Whether the element took it. */
  isOpen(generation: number): boolean {
    return generation !== this.#generation || this.#media.readyState !== "closed";
  }

  /** Hands on what was ordered, and was not begun: the element did not take it. */
  handOver(to: Sink): void {
    for (const [source, buffer] of this.#buffers) {
      for (const operation of buffer.handOver()) {
        if (operation.type === "configure") to.configure(source, operation.to.mime, operation.to.init);
        else if (operation.type === "remove") to.remove(source, operation.from, operation.to);
        else to.append(source, operation.offset, operation.from, operation.to, operation.media);
      }
    }
    if (this.#complete) to.open();
    if (this.#duration !== undefined) to.duration(this.#duration);
    if (this.#window) to.window(...this.#window);
    if (this.#ended) to.end();
    this.close();
  }

  #made(again: boolean): MediaSource {
    const Media = mediaSource();
    if (!Media) throw new Error("there is no Media Source here");
    const media = new Media();
    this.#generation += 1;
    const on = (name: string, act: () => void) => media.addEventListener(name, () => media === this.#media && !this.#closed && act());
    on("sourceopen", () => this.#attached(() => this.#pump()));
    on("startstreaming", () => this.owner.appetite(true));
    on("endstreaming", () => this.owner.appetite(false));
    this.owner.attach(media, this.#generation, again);
    return media;
  }

  #buffer(number: number): Buffer {
    let buffer = this.#buffers.get(number);
    if (!buffer) {
      buffer = new Buffer({
        evicted: (from, to) => this.#evicted(number, from, to),
        failed: (code, message) => this.owner.failed(code, message),
        unchangeable: () => this.#rebuild(),
        idle: () => this.#attached(() => this.#settle()),
      });
      this.#buffers.set(number, buffer);
    }
    return buffer;
  }

  #evicted(source: number, from: number, to: number): void {
    const silent = this.#buffers.get(source) === this.#sounding() ? common([[from, to]], this.#silent) : [];
    this.#fill(silent);
    for (const range of without([[from, to]], silent)) this.owner.evicted(source, ...range);
  }

  /** The buffer that has the sound, its own or with the picture. */
  #sounding(): Buffer | undefined {
    return this.#buffers.get(SOUND) ?? [...this.#buffers.values()].find((buffer) => buffer.isMuxed);
  }

  #fill(ranges: Range[]): void {
    for (const [from, to] of ranges) {
      const buffer = this.#sounding() ?? this.#buffer(SOUND);
      const { configuration, pieces } = silence(to - from, buffer.stream);
      // Beside pictures there can be no other sound than theirs.
      if (configuration && buffer.isMuxed) continue;
      if (configuration) buffer.lend(configuration);
      let at = from;
      for (const { bytes, seconds } of pieces) {
        buffer.append(at, at, at + seconds, this.#own(bytes));
        at += seconds;
      }
      if (configuration) buffer.back();
    }
    if (ranges.length) this.#wake();
  }

  #own(bytes: Uint8Array<ArrayBuffer>): Lent {
    const full = () => this.owner.failed(5003, "there is no room for silence");
    return { count: 1, piece: () => bytes, giveBack: () => {}, full };
  }

  /** Another media source in place of this one, at the same position: the engine fills it again. */
  #rebuild(): void {
    const lost = [...this.#buffers].filter(([, buffer]) => buffer.isOpen).map(([number]) => number);
    this.#keepFinish();
    for (const buffer of this.#buffers.values()) if (buffer.isOpen) buffer.restart();
    this.#begun = false;
    this.#media = this.#made(true);
    this.owner.forgotten(lost);
  }

  /** That nothing follows is said once: it holds when all is there again. */
  #keepFinish(): void {
    if (!this.#ended) return;
    for (const buffer of this.#buffers.values()) if (buffer.isOpen) buffer.finish = Math.max(buffer.finish, buffer.end);
  }

  /** Goes on when what is ordered now was ordered. */
  #wake(): void {
    if (this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      if (!this.#closed) this.#attached(() => this.#pump());
    });
  }

  /** Between an element's letting go of a source of a worker and the worker's knowing of it the source refuses everything. It is no
   *  failure if that is what follows. */
  #attached(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!isLetGo(error)) throw error;
      const { message } = error;
      const media = this.#media;
      setTimeout(() => media === this.#media && !this.#closed && media.readyState !== "closed" && this.owner.failed(5002, message), SAID_WITHIN);
    }
  }

  /** Goes on where it can. */
  #pump(): void {
    if (this.#media.readyState === "closed") return;
    const buffers = [...this.#buffers.values()];
    // Before there is metadata: an element goes nowhere beyond the end.
    if (!this.#begun) this.#measure();
    if (this.#complete) {
      // Browsers make no source buffer any more once they were given bytes.
      if (this.#begun && buffers.some((buffer) => !buffer.isOpen && buffer.isConfigured)) return this.#rebuild();
      try {
        for (const buffer of buffers) buffer.open(this.#media);
      } catch (error) {
        if (isLetGo(error)) throw error;
        const { name, message } = error as DOMException;
        return this.owner.failed(name === "NotSupportedError" ? 5001 : 5002, message);
      }
      this.#begun ||= buffers.some((buffer) => buffer.isOpen);
      for (const buffer of buffers) buffer.pump();
    }
    this.#settle();
  }

  /** What can be done only while no buffer is at work. */
  #settle(): void {
    const media = this.#media;
    if (media.readyState === "closed" || ![...this.#buffers.values()].every((buffer) => buffer.isIdle)) return;
    if (this.#over) this.#outlast();
    if (this.#ended) {
      const full = [...this.#buffers.values()].every((buffer) => buffer.end >= buffer.finish - CLOSE);
      if (full && media.readyState === "open") media.endOfStream();
    } else {
      this.#measure();
    }
  }

  /** Pictures that go on where the sound is over do not wait for it. */
  #outlast(): void {
    const sound = this.#buffers.get(SOUND);
    const reach = Math.max(0, ...[...this.#buffers.values()].map((buffer) => buffer.end));
    if (!sound || this.#ended || sound.end === 0 || reach - sound.end < CLOSE) return;
    this.silence(SOUND, sound.end, reach);
  }

  /** How long it is, and where one may go in it. */
  #measure(): void {
    const media = this.#media;
    if (media.readyState !== "open" || this.#duration === undefined) return;
    // It cannot end before what is buffered.
    const duration = Math.max(this.#duration, ...[...this.#buffers.values()].map((buffer) => buffer.end));
    if (media.duration !== duration) media.duration = duration;
    if (this.#window && duration === Infinity) media.setLiveSeekableRange?.(...this.#window);
  }
}
