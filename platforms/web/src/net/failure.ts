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
  // What no browser asks for it never will.
  if (!/^(https?|blob|data|file):$/.test(target.protocol)) return new Fault(1015, `no way to fetch from '${target.protocol}'`);
  if (navigator.onLine === false) return new Fault(1002, "the device is offline");
  if (location.protocol === "https:" && target.protocol === "http:" && !loopback.test(target.hostname)) {
    return new Fault(1009, "a page of https may not ask for http (mixed content)");
  }
  if (target.origin !== location.origin && (await answers(target))) {
    return new Fault(1017, `${target.host} does not allow this page to read it`);
  }
  return new Fault(1002, said);
}

/** Whether a server answers those who may not read that: by origin, asked once. */
const answering = new Map<string, Promise<boolean>>();

function answers(target: URL): Promise<boolean> {
  let answer = answering.get(target.origin);
  if (!answer) {
    const control = new AbortController();
    const asked = fetch(target, { mode: "no-cors", credentials: "omit", signal: control.signal });
    answer = asked.then(
      () => {
        // Nobody reads it.
        control.abort();
        return true;
      },
      () => false,
    );
    answering.set(target.origin, answer);
    // An answer is for ever; that there was none may pass.
    void answer.then((is) => is || answering.delete(target.origin));
  }
  return answer;
}
