// Starting a worker.

/** A worker, if the browser has any and lets the page have one; of another origin by way of one of this origin. */
export function started(url: URL): Worker | undefined {
  try {
    if (url.origin === location.origin) return new Worker(url, { type: "module" });
    const text = `import ${JSON.stringify(url.href)};`;
    return new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
  } catch {
    return undefined;
  }
}
