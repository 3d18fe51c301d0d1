// Moments of the way to the first picture, for whoever looks at a profile: `performance.mark` in the thread where they are.

const marked = new Set<string>();

/** Marks a moment; of several of a name the first. */
export function mark(name: "player" | "compiled" | "worker" | "instantiated" | "ready" | "appended"): void {
  if (marked.has(name)) return;
  marked.add(name);
  performance.mark(`telecine:${name}`);
}
