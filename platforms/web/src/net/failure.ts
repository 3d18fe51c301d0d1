// What browsers say of a request that failed is one sentence for all causes. What can be told from it, by the numbers of the
// engine's errors.

/** An error of the network, by its number. */
export class Fault extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** What made a request fail. `answered`: there was a head. */
export async function failure(url: string, answered: boolean, error: unknown): Promise<Fault> {
  const said = error instanceof Error ? error.message : String(error);
  if (answered) return new Fault(1005, said);
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    return new Fault(1015, said);
  }
  if (navigator.onLine === false) return new Fault(1002, "the device is offline");
  if (location.protocol === "https:" && target.protocol === "http:" && !loopback.test(target.hostname)) {
    return new Fault(1009, "a page of https may not ask for http (mixed content)");
  }
  return new Fault(1002, said);
}
