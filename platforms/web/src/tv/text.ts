// UTF-8, where the browser has no coder of its own.

/** Reads UTF-8; what is none becomes U+FFFD, as the Encoding standard has it. */
class Decoder {
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    let text = "";
    let point = 0;
    let left = 0;
    // Between what the next byte of a sign has to be: its second byte may not make it too long, a surrogate, or none at all.
    let [lower, upper] = [0x80, 0xbf];
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (left) {
        const good = byte >= lower && byte <= upper;
        [lower, upper] = [0x80, 0xbf];
        if (good) {
          point = (point << 6) | (byte & 63);
          left -= 1;
          if (!left) text += sign(point);
          continue;
        }
        text += "\ufffd";
        left = 0;
      }
      if (byte < 0x80) {
        text += String.fromCharCode(byte);
      } else if (byte >= 0xc2 && byte < 0xe0) {
        [point, left] = [byte & 31, 1];
      } else if (byte >= 0xe0 && byte < 0xf0) {
        [point, left] = [byte & 15, 2];
        if (byte === 0xe0) lower = 0xa0;
        if (byte === 0xed) upper = 0x9f;
      } else if (byte >= 0xf0 && byte < 0xf5) {
        [point, left] = [byte & 7, 3];
        if (byte === 0xf0) lower = 0x90;
        if (byte === 0xf4) upper = 0x8f;
      } else {
        text += "\ufffd";
      }
    }
    return left ? `${text}\ufffd` : text;
  }
}

function sign(point: number): string {
  if (point < 0x10000) return String.fromCharCode(point);
  return String.fromCharCode(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
}

/** Writes UTF-8. Half a pair has no code of its own: it becomes U+FFFD. */
class Encoder {
  encode(text = ""): Uint8Array {
    const bytes: number[] = [];
    for (let at = 0; at < text.length; at += 1) {
      let point = text.charCodeAt(at);
      if (point >= 0xd800 && point < 0xe000) {
        const next = text.charCodeAt(at + 1);
        const pair = point < 0xdc00 && next >= 0xdc00 && next < 0xe000;
        if (pair) at += 1;
        point = pair ? 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00) : 0xfffd;
      }
      if (point < 0x80) bytes.push(point);
      else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point));
      else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
      else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
    }
    return new Uint8Array(bytes);
  }
}

const tail = (bits: number) => 0x80 | (bits & 63);

const known = self as unknown as { TextDecoder?: typeof Decoder; TextEncoder?: typeof Encoder };

export const TextDecoder = known.TextDecoder ?? Decoder;
export const TextEncoder = known.TextEncoder ?? Encoder;
