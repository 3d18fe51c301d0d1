// The entry of the worker.

import { mark } from "../marks.js";
import type { FromCore, ToCore } from "../messages.js";
import { Loop } from "./loop.js";

/** The worker's side of what the page holds as `Worker`: the types of a page are in force here. */
interface Port {
  onmessage: ((event: MessageEvent<ToCore>) => void) | null;
  postMessage(message: FromCore, transfer: Transferable[]): void;
}

mark("worker");
const port = globalThis as unknown as Port;
const loop = new Loop("worker", (message, transfer) => port.postMessage(message, transfer));
port.onmessage = ({ data }) => loop.take(data);
