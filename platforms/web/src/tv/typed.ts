// Methods of typed arrays that came in 2015. Bytes alone are asked for them, and by the player alone: they do what it asks.

/** Adds a method where there is none. */
function add(to: object, name: string, method: unknown): void {
  if (!(name in to)) Object.defineProperty(to, name, { value: method, configurable: true, writable: true });
}

type List<T> = ArrayLike<T> | Iterable<T>;

const list = <T>(items: List<T>): T[] => Array.from(items as Iterable<T>);

add(Uint8Array, "from", (items: List<unknown>, map?: (item: unknown, index: number) => number) => {
  const all = list(items);
  return new Uint8Array(map ? all.map(map) : (all as number[]));
});
add(Uint8Array, "of", (...items: number[]) => new Uint8Array(items));
add(Uint8Array.prototype, "slice", function (this: Uint8Array, from?: number, to?: number) {
  return new Uint8Array(this.subarray(from ?? 0, to ?? this.length));
});
for (const { prototype } of [Uint8Array, Uint32Array]) {
  add(prototype, "fill", function (this: Uint8Array, value: number, from = 0, to = this.length) {
    for (let at = from; at < to; at += 1) this[at] = value;
    return this;
  });
  add(prototype, Symbol.iterator as unknown as string, Array.prototype[Symbol.iterator]);
}
