// Chapters, where a title names a list of them (Apple, "JSON chapters": `com.apple.hls.chapters`).

/** A part of a title with a name. */
export interface Chapter {
  title: string;
  /** Seconds. */
  start: number;
  end: number;
}

/** Reads a list; empty if there is none that can be read: a title plays without. */
export async function chapters(url: string, languages: readonly string[]): Promise<Chapter[]> {
  const answer = await fetch(url).catch(() => undefined);
  if (!answer?.ok) return [];
  return read(await answer.json().catch(() => undefined), languages);
}

function read(list: unknown, languages: readonly string[]): Chapter[] {
  if (!Array.isArray(list)) return [];
  const found: Chapter[] = [];
  for (const each of list as Record<string, unknown>[]) {
    const start = each?.["start-time"];
    const duration = each?.["duration"];
    const titles = each?.["titles"];
    if (typeof start !== "number" || !Array.isArray(titles)) continue;
    const said = titles.filter((one): one is { language: string; title: string } => typeof one?.title === "string");
    const of = (language: string) => said.find((one) => one.language?.split("-")[0] === language.split("-")[0]);
    const title = languages.map(of).find(Boolean) ?? said[0];
    if (title) found.push({ title: title.title, start, end: typeof duration === "number" ? start + duration : NaN });
  }
  found.sort((a, b) => a.start - b.start);
  // One without a duration lasts until the next.
  found.forEach((one, index) => {
    if (Number.isNaN(one.end)) one.end = found[index + 1]?.start ?? Infinity;
  });
  return found;
}
