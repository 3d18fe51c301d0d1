// Spans of time, in order and apart: what is in a buffer.

/** From and to, seconds. */
export type Range = [from: number, to: number];

/** How long before its end a title is sought at least, as there is nothing to show at it, seconds: a little more than what the engine takes
 * for the end itself, so that the element comes to it. */
export const LAST = 0.15;

/** What a browser says is buffered. */
export function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, index) => [buffered.start(index), buffered.end(index)]);
}

/** All that is in one of both. */
export function union(one: readonly Range[], other: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const [from, to] of [...one, ...other].sort(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

/** What is in the one and not in the other. */
export function without(one: readonly Range[], other: readonly Range[]): Range[] {
  let left: Range[] = [...one];
  for (const [from, to] of other) {
    left = left.flatMap(([a, b]): Range[] => {
      if (b <= from || a >= to) return [[a, b]];
      const parts: Range[] = [
        [a, from],
        [to, b],
      ];
      return parts.filter(([start, end]) => start < end);
    });
  }
  return left;
}

/** What is in both. */
export function common(one: readonly Range[], other: readonly Range[]): Range[] {
  return without(one, without(one, other));
}
