// What the engine orders of Media Source, and what Media Source tells: the same wherever it is.

/** Something that is lent, in pieces, until it is given back. */
export interface Lent {
  readonly count: number;
  /** A piece, to be copied at once: what it lies in may move. */
  piece(index: number): Uint8Array<ArrayBuffer>;
  /** It is looked at no more. */
  giveBack(): void;
  /** There was no room for it. It is given back with that. */
  full(): void;
}

/** Orders. Sources are the engine's numbers of source buffers: that of the kind of track that each began with. */
export interface Sink {
  /** What follows for a source needs this type and initialisation. */
  configure(source: number, mime: string, init: Uint8Array<ArrayBuffer>): void;
  /** Every source that is to come has its configuration. */
  open(): void;
  append(source: number, offset: number, from: number, to: number, media: Lent): void;
  remove(source: number, from: number, to: number): void;
  /** Drops what will be there again: that nothing follows it holds as before. */
  drop(source: number, from: number): void;
  /** There is nothing of a kind of track there. */
  silence(kind: number, from: number, to: number): void;
  /** Nothing of a kind of track follows until the next seek, while others may go on. */
  ended(kind: number): void;
  /** Nothing follows of any until the next seek. */
  end(): void;
  /** Something may follow. */
  goOn(): void;
  /** Nothing of a source is played any more. */
  disable(source: number): void;
  duration(seconds: number): void;
  /** Where the playhead may go in what is live. */
  window(from: number, to: number): void;
  /** The element failed with what this generation of Media Source gave it, at a place. */
  crashed(generation: number, code: number, message: string, at: number): void;
  /** What was told with `forgotten` is known: what comes from now on was ordered after it. */
  resume(): void;
  close(): void;
}

/** What Media Source tells, and needs. */
export interface Owner {
  /** This is to be shown; `again` in place of the one before, at the same position. */
  attach(media: MediaSource, generation: number, again: boolean): void;
  /** The browser dropped media of a source by itself. */
  evicted(source: number, from: number, to: number): void;
  /** There is nothing of these sources any more. Answered by `resume`. */
  forgotten(sources: number[]): void;
  /** It failed for good, with the number of an error. */
  failed(code: number, message: string): void;
  /** A managed source wants media, or wants none for now. */
  appetite(wants: boolean): void;
}
