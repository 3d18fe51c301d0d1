// What a facade does not have says so by its name, instead of doing nothing.

/** Puts properties into a class that throw when they are read, called or set. */
export function absent(facade: string, prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const missing = (): never => {
      throw new Error(`${facade} has no ${name}`);
    };
    Object.defineProperty(prototype, name, { configurable: true, get: missing, set: missing });
  }
}
