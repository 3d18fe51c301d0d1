// Written from bindings/wasm/src/schema.rs by its test; not to be edited.

/** The first byte of a record. */
export const enum Tag {
  /** Make a request. slot u32, flags u8 (1: HEAD, 2: a byte range), urgency u8, url text, first f64, last f64, headTimeout f64 (ms), idleTimeout f64 (ms), pace f64 (bits a second, 0: none). */
  Fetch = 1,
  /** Stop a request. slot u32. */
  Cancel = 2,
  /** What follows for a source needs this type and initialisation. source u8, mime text, handle u32, spans. */
  Configure = 3,
  /** Every source that is to come has its configuration: source buffers are made now, before the first byte. */
  Open = 4,
  /** Media. source u8, handle u32, offset f64, from f64, to f64 (the window), spans. */
  Append = 5,
  /** Drop what is buffered. source u8, from f64, to f64. */
  Remove = 6,
  /** There is nothing of a kind there. kind u8, from f64, to f64. */
  Silence = 7,
  /** Nothing follows until the next seek. */
  EndOfStream = 8,
  /** Let the playhead run. */
  Play = 9,
  /** Hold it. */
  Pause = 10,
  /** Its speed. rate f64 (1: normal). */
  Rate = 11,
  /** Move it. position f64. Each is answered. */
  Seek = 12,
  /** Nothing of a source is played from now on. source u8. */
  Disable = 13,
  /** Playback is over; let go of everything. */
  Stop = 14,
  /** How long the title is. seconds f64; infinite where it is live. */
  Duration = 15,
  /** Tell the application. value. */
  Event = 16,
  /** When to call `timer`, the last record of each turn. microseconds f64; infinite: not at all. */
  Deadline = 17,
  /** Nothing follows for one kind until the next seek, while others may go on. kind u8. */
  Ended = 18,
}

/** The first byte of a value. */
export const enum Shape {
  Null = 0,
  False = 1,
  True = 2,
  Number = 3,
  Text = 4,
  List = 5,
  Map = 6,
  End = 7,
}

/** The kinds of tracks, by their numbers. */
export const KINDS = ["video", "audio", "text", "image", "metadata"] as const;

/** What `set` and `set_text` know. */
export const enum Setting {
  /** Media buffered ahead, seconds. */
  BufferGoal = 1,
  /** Media kept behind the playhead, seconds. */
  BackBuffer = 2,
  /** Throughput assumed before anything was measured, bits a second. */
  InitialThroughput = 3,
  /** Keep a recording (1). */
  Record = 4,
  /** Tallest picture, lines. */
  MaxHeight = 5,
  /** Highest bitrate of a picture, bits a second. */
  MaxBitrate = 6,
  /** Play low-latency titles as such (1, the default) or as others (0). */
  LowLatency = 7,
  /** How long after it is made something live is seen, seconds. */
  LatencyTarget = 8,
  /** Bitrate rule (a text). */
  Rule = 20,
  /** Languages of sound, best first, with commas between (a text). */
  AudioLanguages = 21,
  /** Languages of subtitles (a text). */
  TextLanguages = 22,
}
