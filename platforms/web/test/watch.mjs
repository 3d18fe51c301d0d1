// What is seen and told in a page while something plays. Runs in the page.

/** Bits of the strip at the top of every picture of the demo title: see conformance/media/README.md. */
const BLOCKS = 32;

/** Reads the strip of the picture that a video shows: its rendition and frame; null if there is none. */
export function readStrip(video, canvas) {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width) return null;
  [canvas.width, canvas.height] = [width, 1];
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  // The middle of the strip, which is a tenth of the height.
  drawing.drawImage(video, 0, Math.floor(height / 20), width, 1, 0, 0, width, 1);
  const { data } = drawing.getImageData(0, 0, width, 1);
  let word = 0n;
  for (let block = 0; block < BLOCKS; block += 1) {
    const [left, right] = [Math.floor((width * block) / BLOCKS), Math.floor((width * (block + 1)) / BLOCKS)];
    const quarter = Math.floor((right - left) / 4);
    let sum = 0;
    for (let x = left + quarter; x < right - quarter; x += 1) sum += data[4 * x + 1];
    word = (word << 1n) | BigInt(sum / (right - left - 2 * quarter) >= 128);
  }
  const payload = (word >> 5n) & 0x7fffffn;
  let check = 0n;
  for (let rest = payload; rest; rest >>= 5n) check += rest & 31n;
  if (word >> 28n !== 0b1010n || (word & 31n) !== (check & 31n)) return null;
  return { rendition: Number(payload >> 20n), frame: Number(payload & 0xfffffn) };
}

/** Watches a player and its video. */
export class Watch {
  told = [];
  dom = [];
  /** Pictures: the media time that the browser says, and what the strip says. */
  pictures = [];
  #canvas = document.createElement("canvas");

  constructor(player, video) {
    this.video = video;
    player.addEventListener("told", ({ detail }) => this.told.push(detail));
    player.addEventListener("autoplayblocked", () => this.told.push({ type: "autoplayblocked" }));
    for (const name of ["playing", "pause", "waiting", "seeking", "seeked", "ended", "error"]) video.addEventListener(name, () => this.dom.push(name));
    const seen = (_, { mediaTime }) => {
      const strip = readStrip(video, this.#canvas);
      this.pictures.push({ mediaTime, currentTime: video.currentTime, strip });
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  /** Resolves with the first event, from now on or before, for which this is true. */
  until(is, ms) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.told.find(is);
        if (found) resolve(found);
        else if (performance.now() > late) reject(new Error(`not told within ${ms} ms: ${is}; last: ${JSON.stringify(this.told.slice(-5))}`));
        else setTimeout(look, 20);
      };
      const late = performance.now() + ms;
      look();
    });
  }

  state(state, ms = 20_000) {
    return this.until((event) => event.type === "State" && event.state === state, ms);
  }
}
