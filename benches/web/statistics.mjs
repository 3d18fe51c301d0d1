// Medians, and how sure they are.

/** The median of numbers; NaN of none. */
export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Numbers from a seed: the same report of the same figures. */
function* draws(seed) {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

const RESAMPLES = 2000;

/** The median with the bootstrap's 95 % interval, and how many there were. */
export function summary(values) {
  const known = values.filter(Number.isFinite);
  const random = draws(20_261_129);
  const medians = Array.from({ length: known.length ? RESAMPLES : 0 }, () => median(known.map(() => known[Math.floor(random.next().value * known.length)])));
  medians.sort((a, b) => a - b);
  return { median: median(known), low: medians[Math.floor(0.025 * RESAMPLES)] ?? NaN, high: medians[Math.ceil(0.975 * RESAMPLES) - 1] ?? NaN, runs: known.length };
}
