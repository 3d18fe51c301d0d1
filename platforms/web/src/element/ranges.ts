// `TimeRanges` of our own: browsers make none for others.

/** Ranges of time in seconds, ascending. */
export class Ranges implements TimeRanges {
  #ranges: readonly (readonly [start: number, end: number])[];

  constructor(...ranges: [start: number, end: number][]) {
    this.#ranges = ranges;
  }

  get length(): number {
    return this.#ranges.length;
  }

  /** Where a range starts. Throws `IndexSizeError` if there is none of that number. */
  start(index: number): number {
    return this.#at(index)[0];
  }

  /** Where a range ends. Throws `IndexSizeError` if there is none of that number. */
  end(index: number): number {
    return this.#at(index)[1];
  }

  #at(index: number): readonly [number, number] {
    const range = this.#ranges[index];
    if (!range) throw new DOMException(`there are ${this.length} ranges`, "IndexSizeError");
    return range;
  }
}

/** The place within some ranges that is nearest to a time; the time itself where there are none. */
export function nearest(time: number, ranges: TimeRanges): number {
  let best = time;
  let distance = Infinity;
  for (let index = 0; index < ranges.length; index += 1) {
    const place = Math.min(Math.max(time, ranges.start(index)), ranges.end(index));
    if (Math.abs(place - time) < distance) [best, distance] = [place, Math.abs(place - time)];
  }
  return best;
}
