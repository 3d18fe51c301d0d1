// Sound with nothing in it, where a title has none for a while: AAC frames that are written here (ISO/IEC 14496-3, 4.4.2), in
// fragments (ISO/IEC 14496-12, 8.8) of the stream's own initialisation where that is of AAC-LC, else of one that is written here.

import type { Configuration } from "./buffer.js";

/** Samples of a frame of AAC. */
const FRAME = 1024;
/** At most so much at a time, seconds: each is appended as one. */
const PIECE = 30;
/** Frames that are lost to edit lists and rounding at either end; what is too much is cut off by the append window. */
const SPARE = 3;
/** ISO/IEC 14496-3, table 1.18. */
const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
/** What a frame consists of, by channel configuration (table 1.19): elements of one channel, of two, of low frequencies. */
const LAYOUTS: readonly (readonly Element[])[] = [
  [],
  ["one"],
  ["two"],
  ["one", "two"],
  ["one", "two", "one"],
  ["one", "two", "two"],
  ["one", "two", "two", "low"],
  ["one", "two", "two", "two", "low"],
];
type Element = "one" | "two" | "low";
const IDS: { [K in Element]: number } = { one: 0, two: 1, low: 3 };

/** Where silence is written to: a track of an initialisation. */
interface Track {
  id: number;
  timescale: number;
  rate: number;
  channels: number;
}

/** Silent fragments, and what they need to begin with. */
export interface Silence {
  /** None if the stream's own initialisation is theirs too. */
  configuration: Configuration | undefined;
  /** Fragments from zero on, and how long each is taken for. */
  pieces: { bytes: Uint8Array<ArrayBuffer>; seconds: number }[];
}

/** So many seconds of silence for a stream, or for none. */
export function silence(seconds: number, stream: Configuration | undefined): Silence {
  const own = stream && soundOf(stream.init);
  const track = own ?? { id: 1, timescale: 48000, rate: 48000, channels: 2 };
  const pieces = [];
  for (let left = seconds; left > 0; left -= PIECE) {
    const length = Math.min(left, PIECE);
    pieces.push({ bytes: fragment(track, Math.ceil((length * track.rate) / FRAME) + SPARE), seconds: length });
  }
  return { configuration: own ? undefined : { mime: 'audio/mp4; codecs="mp4a.40.2"', init: initialisation(track) }, pieces };
}

/** The silent frame of a channel configuration. */
function frame(channels: number): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  // reserved, window_sequence, window_shape, max_sfb of none, no prediction.
  const info = () => put(0, 1 + 2 + 1 + 6 + 1);
  // global_gain, then (info) neither sections nor scale factors, no pulses, no noise shaping, no gain control, no spectrum.
  const channel = (shared: boolean) => {
    put(0, 8);
    if (!shared) info();
    put(0, 3);
  };
  const tags = { one: 0, two: 0, low: 0 };
  for (const element of LAYOUTS[channels] ?? []) {
    put(IDS[element], 3);
    put(tags[element]++, 4);
    if (element === "two") {
      put(1, 1);
      info();
      put(0, 2);
      channel(true);
      channel(true);
    } else {
      channel(false);
    }
  }
  put(7, 3);
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => (bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (bit << (7 - (index & 7)))));
  return bytes;
}

type Part = number[] | Uint8Array;

function joined(parts: Part[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const u16 = (value: number) => [(value >> 8) & 255, value & 255];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];
const text = (name: string) => Array.from(name, (letter) => letter.charCodeAt(0));
const zeros = (count: number) => new Array<number>(count).fill(0);

function box(name: string, ...parts: Part[]): Uint8Array<ArrayBuffer> {
  const inside = joined(parts);
  return joined([u32(8 + inside.length), text(name), inside]);
}

const full = (name: string, version: number, flags: number, ...parts: Part[]) => box(name, u32((version << 24) | flags), ...parts);

/** A fragment of so many silent frames from zero on. */
function fragment({ id, timescale, rate, channels }: Track, frames: number): Uint8Array<ArrayBuffer> {
  const one = frame(channels);
  const duration = Math.round((FRAME * timescale) / rate);
  // default-base-is-moof, and the duration, the size and the flags of every sample.
  const head = full("tfhd", 0, 0x020038, u32(id), u32(duration), u32(one.length), u32(0x02000000));
  const movie = (offset: number) =>
    box("moof", full("mfhd", 0, 0, u32(1)), box("traf", head, full("tfdt", 0, 0, u32(0)), full("trun", 0, 1, u32(frames), u32(offset))));
  const data = new Uint8Array(one.length * frames);
  for (let index = 0; index < frames; index += 1) data.set(one, index * one.length);
  const { length } = movie(0);
  return joined([movie(length + 8), box("mdat", data)]);
}

/** An initialisation for AAC-LC. */
function initialisation({ id, timescale, rate, channels }: Track): Uint8Array<ArrayBuffer> {
  const unity = [...u32(0x10000), ...zeros(12), ...u32(0x10000), ...zeros(12), ...u32(0x40000000)];
  const specific = u16((2 << 11) | (RATES.indexOf(rate) << 7) | (channels << 3));
  const descriptor = (tag: number, ...parts: Part[]) => {
    const inside = joined(parts);
    return joined([[tag, inside.length], inside]);
  };
  const decoder = descriptor(4, [0x40, 0x15], zeros(3 + 4 + 4), descriptor(5, specific));
  const esds = full("esds", 0, 0, descriptor(3, u16(id), [0], decoder, descriptor(6, [2])));
  const entry = box("mp4a", zeros(6), u16(1), zeros(8), u16(channels), u16(16), zeros(4), u32(rate * 65536), esds);
  const tables = ["stts", "stsc", "stco"].map((name) => full(name, 0, 0, u32(0)));
  const table = box("stbl", full("stsd", 0, 0, u32(1), entry), ...tables, full("stsz", 0, 0, u32(0), u32(0)));
  const information = box("minf", full("smhd", 0, 0, u32(0)), box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1))), table);
  const media = box(
    "mdia",
    full("mdhd", 0, 0, zeros(8), u32(timescale), u32(0), u16(0x55c4), u16(0)),
    full("hdlr", 0, 0, u32(0), text("soun"), zeros(12), [0]),
    information,
  );
  const track = box("trak", full("tkhd", 0, 3, zeros(8), u32(id), zeros(4 + 4 + 8 + 2 + 2), u16(0x100), u16(0), unity, zeros(8)), media);
  const movie = full("mvhd", 0, 0, zeros(8), u32(timescale), u32(0), u32(0x10000), u16(0x100), zeros(10), unity, zeros(24), u32(id + 1));
  const extends_ = box("mvex", full("trex", 0, 0, u32(id), u32(1), zeros(12)));
  return joined([box("ftyp", text("iso5"), u32(0), text("iso5")), box("moov", movie, track, extends_)]);
}

/** The track of AAC-LC (or what says it is built on that) in an initialisation; undefined where there is none. */
function soundOf(init: Uint8Array<ArrayBuffer>): Track | undefined {
  const view = new DataView(init.buffer, init.byteOffset, init.byteLength);
  for (const track of within(view, "moov").flatMap((movie) => within(movie, "trak"))) {
    const media = within(track, "mdia")[0];
    const head = within(track, "tkhd")[0];
    const time = media && within(media, "mdhd")[0];
    const table = media && within(media, "minf").flatMap((inside) => within(inside, "stbl"))[0];
    const entries = table && within(table, "stsd")[0];
    const entry = entries && within(shifted(entries, 8), "mp4a")[0];
    // QuickTime's versions have more fields in between; none of them comes from here.
    const esds = entry && entry.byteLength > 28 ? within(shifted(entry, 28), "esds")[0] : undefined;
    const sound = esds && specificOf(shifted(esds, 4));
    if (!head || !time || !sound) continue;
    const id = head.getUint32(head.getUint8(0) === 1 ? 20 : 12);
    const timescale = time.getUint32(time.getUint8(0) === 1 ? 20 : 12);
    return { id, timescale, ...sound };
  }
  return undefined;
}

const shifted = (view: DataView, by: number) => new DataView(view.buffer, view.byteOffset + by, view.byteLength - by);

/** The boxes of a name that lie directly in this. What is broken ends it. */
function within(view: DataView, name: string): DataView[] {
  const found = [];
  for (let at = 0; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > view.byteLength) break;
    const letters = String.fromCharCode(...[4, 5, 6, 7].map((index) => view.getUint8(at + index)));
    if (letters === name) found.push(new DataView(view.buffer, view.byteOffset + at + 8, size - 8));
    at += size;
  }
  return found;
}

/** What decoders begin with (AudioSpecificConfig), by the descriptors around it. */
function specificOf(view: DataView): { rate: number; channels: number } | undefined {
  let at = 0;
  const open = () => {
    const tag = view.getUint8(at++);
    for (let length = 0; ; ) {
      const byte = view.getUint8(at++);
      length = (length << 7) | (byte & 127);
      if (byte < 128) return { tag, length };
    }
  };
  try {
    if (open().tag !== 3) return undefined;
    const flags = view.getUint8(at + 2);
    at += 3 + (flags & 0x80 ? 2 : 0);
    if (flags & 0x40) at += 1 + view.getUint8(at);
    if (flags & 0x20) at += 2;
    if (open().tag !== 4) return undefined;
    at += 13;
    if (open().tag !== 5) return undefined;
    const bits = view.getUint16(at);
    const [type, rate, channels] = [bits >> 11, RATES[(bits >> 7) & 15], (bits >> 3) & 15];
    // AAC-LC, and what has bands or stereo on top of it: its frames may be without those.
    if (![2, 5, 29].includes(type) || !rate || !LAYOUTS[channels]?.length) return undefined;
    return { rate, channels };
  } catch (error) {
    // It ends too early.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
