// Loading the part that changes requests into a worker, by its address: a bundler may have moved it, and takes a worker's script as it is.

import type * as Part from "./changes.js";

export const load = (url: string): Promise<typeof Part> => import(url);
