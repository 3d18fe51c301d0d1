// A request of what is ordered, as the browser makes it.

import type { FetchOrder } from "../boundary/decode.js";

/** What is asked for. */
export type Asked = Pick<FetchOrder, "url" | "head" | "range" | "urgency" | "redirects">;

/** What an application has made of it. */
export interface Changed {
  url: string;
  headers: { [name: string]: string };
  credentials: RequestCredentials;
}

/** The order of a manifest that is asked for before the engine is there to order it. */
export const first = (url: string): Asked => ({ url, head: false, range: null, urgency: 1, redirects: true });

export function send(order: Asked, signal: AbortSignal, changed: Partial<Changed> = {}, redirect: RequestRedirect = "follow"): Promise<Response> {
  const { head, range, urgency, redirects } = order;
  const { url = order.url, headers = {}, credentials = "same-origin" } = changed;
  return fetch(url, {
    method: head ? "HEAD" : "GET",
    headers: range ? { ...headers, range: `bytes=${range.first}-${range.last}` } : headers,
    credentials,
    priority: urgency <= 1 ? "high" : urgency >= 5 ? "low" : "auto",
    redirect: redirects ? redirect : "error",
    signal,
  });
}
