// Written from bindings/wasm/src/schema.rs by its test; not to be edited.

/** The first byte of a record. */
export const enum Tag {
  /** Make a request. slot u32, flags u8 (1: HEAD, 2: a byte range, 4: a letter about a licence follows, 8: no redirect is followed), urgency u8, url text, first f64, last f64, headTimeout f64 (ms), idleTimeout f64 (ms), pace f64 (bits a second, 0: none); with flag 4 handle u32, place u32, length u32. */
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
  /** Something for the key system of the page: a letter (`KeyOrder`). handle u32, place u32, length u32. */
  Cdm = 18,
  /** Nothing follows for one kind until the next seek, while others may go on. kind u8. */
  Ended = 19,
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

/** What an application brings of keys: a letter of any number of these. `system` is a name of EME, a UUID, or a name as `docs/drm.md` has it. */
export const enum KeyWish {
  /** A key of samples. identifier text (32 hexadecimal digits), key text (32). */
  Key = 1,
  /** The key of HLS segments that are encrypted whole. key text (32 or 64 hexadecimal digits). */
  SegmentKey = 2,
  /** A licence server, behind those that were named before. system text, url text. */
  Server = 3,
  /** The certificate of a licence service. system text, bytes. */
  Certificate = 4,
  /** Where that is. system text, url text. */
  CertificateUrl = 5,
  /** The least robustness of a key system. system text, video text, audio text; an empty one asks for nothing. */
  Robustness = 6,
  /** ClearKey is decrypted in the module (1, the default), or by the key system of the browser (0). u8. */
  Software = 7,
  /** The page has key systems. */
  Device = 8,
}

/** What the key system of the page is to do. Numbers of commands and of sessions are f64. */
export const enum KeyOrder {
  /** Open a key system. command, name text, then lists of texts: robustness of video, of audio, schemes, forms of initialisation data; persistent u8. */
  Access = 1,
  /** Take the certificate of the licence service. command, bytes. */
  Certificate = 2,
  /** Get provisioned. command. */
  Provision = 3,
  /** Make a session. session, kind text. */
  Create = 4,
  /** Ask for a licence. session, form text, bytes. */
  Generate = 5,
  /** Load a stored licence. session, name text. */
  Load = 6,
  /** Take the answer of a licence server. session, bytes. */
  Update = 7,
  /** Destroy the licence. session. */
  Remove = 8,
  /** Close the session. session. */
  Close = 9,
}

/** What the key system of the page reports. `exception` is the name of a DOMException. */
export const enum KeyReport {
  /** It is open. command, robustness of video text, of audio text. */
  Access = 1,
  /** It has the certificate. command. */
  Certificate = 2,
  /** It is provisioned. command. */
  Provisioned = 3,
  /** It did not do as it was told. command, order u8, exception text, message text. */
  Refused = 4,
  /** A session is there. session. */
  Created = 5,
  /** It can be loaded by this name. session, name text. */
  Named = 6,
  /** A stored licence was looked for. session, found u8. */
  Loaded = 7,
  /** Something for a server. session, kind text, bytes. */
  Message = 8,
  /** An answer was accepted. session. */
  Updated = 9,
  /** All keys of a session. session, count u32, of each: identifier bytes, status text. */
  Statuses = 10,
  /** How long its keys are good. session, milliseconds f64; infinite: for ever. */
  Expiration = 11,
  /** It is over. session, reason text. */
  Closed = 12,
  /** Its last order failed. session, exception text, message text. */
  Failed = 13,
}
