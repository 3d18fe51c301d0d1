// What requests leave behind. In Chromium each leaves some 20 KB outside of V8's heap, which go when V8 collects it. In a page that is
// often enough. In a worker V8 goes by the size of its own heap, which hardly grows, as media goes into the module: behind a hundred titles
// 58 MB waited. It also goes by the size of buffers. One that is let go at once, and was never written to and so never in memory, has it
// mark what is in use, in small steps beside what runs, and collect.

/** So many requests may leave what they leave. */
const REQUESTS = 100;
/** V8 looks where buffers have grown by 64 MB. */
const WEIGHT = 65 << 20;

/** Other engines weigh, and write, in other ways. */
const isV8 = typeof Intl === "object" && "v8BreakIterator" in Intl;

let waiting = 0;

/** A request has ended. */
export function left(): void {
  if (!isV8 || "document" in globalThis) return;
  waiting += 1;
  if (waiting < REQUESTS) return;
  waiting = 0;
  try {
    new ArrayBuffer(WEIGHT);
  } catch {
    // Where there is no room for it V8 has collected to find some.
  }
}
