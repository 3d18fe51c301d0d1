// Starting a worker, in place of core/started.ts: its script is no module.

/** A worker, if the browser has any and lets the page have one; of another origin by way of one of this origin. */
export function started(url: URL): Worker | undefined {
  try {
    if (url.origin === location.origin) return new Worker(url.href);
    const text = `importScripts(${JSON.stringify(url.href)});`;
    return new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  } catch {
    return undefined;
  }
}
