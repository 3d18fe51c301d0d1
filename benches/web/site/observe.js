// What is seen of a video, the same for every player: nothing here asks the player itself. Times are performance.now(), which
// counts from the navigation.
window.bench = {
  loadAt: NaN,
  first: NaN,
  /** Heights that came on the screen, with when. */
  heights: [],
  /** Spans in which it should have played and stood: from the event to the next picture. */
  stalls: [],
  errors: [],
  frames: 0,
};
addEventListener("error", (event) => bench.errors.push(event.message));
addEventListener("unhandledrejection", (event) => bench.errors.push(String(event.reason?.message ?? event.reason)));

function observe(video) {
  let seeking = false;
  let standing = NaN;
  const end = (now) => {
    if (!Number.isNaN(standing)) bench.stalls.push([standing, now]);
    standing = NaN;
  };
  // A picture that ought to move and does not: `waiting` alone is not fired by a player that holds at speed 0.
  let [last, moved] = [0, 0];
  setInterval(() => {
    const now = performance.now();
    if (video.currentTime !== last || video.seeking || video.ended || video.paused || Number.isNaN(bench.first)) [last, moved] = [video.currentTime, now];
    if (video.seeking) seeking = true;
    else if (now - moved > 150 && Number.isNaN(standing) && !seeking) standing = moved;
    else if (now === moved && !video.seeking) {
      if (!seeking) end(now);
      seeking = false;
      standing = NaN;
    }
  }, 50);
  video.addEventListener("seeking", () => (seeking = true));
  const shown = (now) => {
    bench.frames += 1;
    if (Number.isNaN(bench.first)) {
      bench.first = now;
      performance.mark("bench:picture");
    }
    const height = video.videoHeight;
    if (bench.heights.at(-1)?.[1] !== height) bench.heights.push([now, height]);
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}

/** Begins anew for another title in the same page. */
function again() {
  Object.assign(bench, { loadAt: performance.now(), first: NaN, heights: [], stalls: [], frames: 0 });
}

/** The frame of the demo title that is on the screen: its strip, read from a canvas (conformance/media/README.md). */
const canvas = document.createElement("canvas");
function strip(video) {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width) return null;
  [canvas.width, canvas.height] = [width, 1];
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(video, 0, Math.floor(height / 20), width, 1, 0, 0, width, 1);
  const { data } = drawing.getImageData(0, 0, width, 1);
  let word = 0n;
  for (let block = 0; block < 32; block += 1) word = (word << 1n) | BigInt(data[4 * Math.floor((width * (block + 0.5)) / 32) + 1] >= 128);
  const payload = (word >> 5n) & 0x7fffffn;
  let check = 0n;
  for (let rest = payload; rest; rest >>= 5n) check += rest & 31n;
  if (word >> 28n !== 0b1010n || (word & 31n) !== (check & 31n)) return null;
  return Number(payload & 0xfffffn);
}
