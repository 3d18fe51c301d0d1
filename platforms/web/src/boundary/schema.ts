// Written from bindings/wasm/src/schema.rs by its test; not to be edited.

/** The first byte of a record. */
export const enum Tag {
  /** Make a request. slot u32, flags u8 (1: HEAD, 2: a byte range, 8: no redirect is followed), urgency u8, url text, first f64, last f64, headTimeout f64 (ms), idleTimeout f64 (ms), pace f64 (bits a second, 0: none). */
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
  Bytes = 8,
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
  /** Bytes for each hour that is watched, at most. */
  DataSaver = 9,
  /** Lowest bitrate of a picture, bits a second. */
  MinBitrate = 10,
  /** Tell each choice of a rendition with all that it was chosen from (1). */
  ExplainEachChoice = 11,
  /** Media needed before playback starts or a seek ends, seconds. */
  StartBuffer = 12,
  /** What is read faster than so many hundredths of its bitrate behind a healthy buffer is held back. */
  PacePercent = 13,
  /** Something live that is seen later than this is left out, seconds. */
  LatencyMax = 14,
  /** Interstitials are played (1, the default) or not (0). */
  Interstitials = 15,
  /** What waits in a low rendition may be fetched again in a higher one (1, the default) or not (0). */
  FastSwitch = 16,
  /** Playlists that break a rule of theirs are refused (1). */
  Strict = 17,
  /** Bitrate rule (a text). */
  Rule = 20,
  /** Languages of sound, best first, with commas between (a text). */
  AudioLanguages = 21,
  /** Languages of subtitles (a text). */
  TextLanguages = 22,
  /** Roles that sound should have (a text). */
  AudioRoles = 23,
  /** Roles that subtitles should have (a text). */
  TextRoles = 24,
  /** Codecs in order of preference, as the beginnings of their names (a text). */
  Codecs = 25,
}
