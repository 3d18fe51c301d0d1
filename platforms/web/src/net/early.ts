// The manifest is asked for by the page, while the worker that will read it and the module start: what comes is handed over.

/** An answer, as far as a request needs it. */
export interface Answer {
  status: number;
  /** Where it came from, redirects followed. */
  url: string;
  headers: Headers;
  body: ReadableStream<Uint8Array> | null;
  /** When it came, in milliseconds since 1970 by this device's clock, where it had to wait. */
  came?: number;
}

/** An answer on its way to the worker; without one the worker asks itself. */
export interface Early {
  url: string;
  answer?: { status: number; url: string; headers: [name: string, value: string][]; body: ReadableStream<Uint8Array> | null; came: number };
  /** The application did not let it be asked for, and why: nor does the worker. */
  refused?: string;
}

/** Whether a body can be handed to another thread while it comes. */
const canHandOver = (() => {
  let known: boolean | undefined;
  return () => {
    if (known !== undefined) return known;
    const { port1 } = new MessageChannel();
    try {
      const stream = new ReadableStream();
      port1.postMessage(stream, [stream as unknown as Transferable]);
      known = true;
    } catch {
      known = false;
    }
    port1.close();
    return known;
  };
})();

/** Asks, by itself or as is said. What came is told with what is to be transferred; false where this browser cannot hand it over. */
export function ask(url: string, how: (() => Promise<Answer>) | undefined, told: (early: Early, transfer: Transferable[]) => void): boolean {
  if (!canHandOver()) return false;
  (how?.() ?? fetch(url, { priority: "high" })).then(
    ({ status, url: from, headers, body }) => told({ url, answer: { status, url: from, headers: [...headers], body, came: Date.now() } }, body ? [body as unknown as Transferable] : []),
    // Why it failed the worker finds out, which asks again.
    ({ name, message }: Error) => told(name === "Refused" ? { url, refused: message } : { url }, []),
  );
  return true;
}
