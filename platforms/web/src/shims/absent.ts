// What a facade does not have is there nevertheless, so that a page that was written for the other player goes on: it does nothing, and is
// told once by its name.

/** Something that a facade does not have. */
export class Unsupported extends Error {
  constructor(facade: string, what: string) {
    super(`${facade} has no ${what}`);
    this.name = "Unsupported";
  }
}

/** What a method gives that says by a promise what came of it: rejected with `Unsupported`. */
export const NOTHING_COMES = Symbol("nothing comes");

/** Tells of each name once for each facade. */
export function once<Facade extends object>(tell: (facade: Facade, error: Unsupported) => void, name: string): (facade: Facade, what: string) => Unsupported {
  const told = new WeakMap<Facade, Set<string>>();
  return (facade, what) => {
    const error = new Unsupported(name, what);
    const before = told.get(facade) ?? new Set();
    told.set(facade, before);
    if (!before.has(what)) {
      before.add(what);
      tell(facade, error);
    }
    return error;
  };
}

/** Puts methods and values into a class, by their names and what they give. */
export function absent<Facade extends object>(prototype: Facade, methods: { [name: string]: unknown }, values: { [name: string]: unknown }, tell: (facade: Facade, what: string) => Unsupported): void {
  const define = (name: string, property: PropertyDescriptor & ThisType<Facade>) => Object.defineProperty(prototype, name, { configurable: true, ...property });
  for (const [name, gives] of Object.entries(methods)) {
    define(name, {
      writable: true,
      value(this: Facade) {
        const error = tell(this, name);
        return gives === NOTHING_COMES ? Promise.reject(error) : gives;
      },
    });
  }
  for (const [name, is] of Object.entries(values)) {
    define(name, {
      get() {
        tell(this, name);
        return is;
      },
      set() {
        tell(this, name);
      },
    });
  }
}
