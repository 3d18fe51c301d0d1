// The part that changes requests, in place of part.ts where it belongs to the same scripts.

import type * as Part from "./changes.js";

export const load = (): Promise<typeof Part> => import("./changes.js");
