// What a page gives is looked at before anything comes of it: something of a wrong type is a `TypeError` that says what came, and what
// is expected. What is left out, or null, is the default; names that there are not are left alone, as those of HTML's dictionaries.

/** What something has to be: in words, and whether it is. */
export type Kind = readonly [words: string, is: (value: unknown) => boolean];

const typed = (words: string, type: string): Kind => [words, (value) => typeof value === type];
const ofNumbers = (words: string, is: (value: number) => boolean): Kind => [words, (value) => typeof value === "number" && is(value)];

export const NUMBER = ofNumbers("a number", (value) => !Number.isNaN(value));
export const AMOUNT = ofNumbers("a positive number or 0", (value) => value >= 0);
export const BOOLEAN = typed("true or false", "boolean");
export const FUNCTION = typed("a function", "function");
export const OBJECT = typed("an object", "object");
export const TEXT = typed("a string", "string");
export const TEXTS: Kind = ["an array of strings", (value) => Array.isArray(value) && value.every(TEXT[1])];
/** A URL may be of another window. */
export const ADDRESS: Kind = ["a string or a URL", (value) => TEXT[1](value) || (value as URL | null)?.href !== undefined];

export const oneOf = (names: readonly string[]): Kind => [names.map((name) => `"${name}"`).join(" or "), (value) => names.includes(value as string)];

/** Throws of a value that is none of a kind. */
export function expect(where: string, name: string, value: unknown, [words, is]: Kind): void {
  if (is(value)) return;
  // What is wrong in `drm` may be a key, in `request` a token.
  const shown = where === "drm" || where === "request" ? typeof value : typeof value === "string" ? `"${value}"` : String(value);
  throw new TypeError(`${where}: ${name} is ${shown}, ${words} is expected`);
}

/** Throws of the first of these names that is given as something else than its kind, or than the kind of them all. */
export function check(where: string, given: object | null | undefined, names: { readonly [name: string]: unknown }, kind?: Kind): void {
  const all = (given ?? {}) as { [name: string]: unknown };
  expect(where, "what is given", all, OBJECT);
  for (const name in names) {
    const value = all[name] ?? undefined;
    if (value !== undefined) expect(where, name, value, kind ?? (names[name] as Kind));
  }
}

/** Why a page may not set headers to this; undefined if it may. Which names a browser keeps to itself it shows: they are not there. */
export function refused(headers: { [name: string]: unknown }): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    let why = TEXT[1](value) ? "" : "no string";
    if (/^range$/i.test(name)) why = "the player's own";
    try {
      if (self.Request && !new Request("data:,", { headers: { [name]: value as string } }).headers.has(name)) why = "the browser's own";
    } catch {
      why = "none, by its name or value";
    }
    if (why) return `the header ${name} is ${why}`;
  }
  return undefined;
}
