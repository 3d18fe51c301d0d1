// The entry of the worker.

import { instantiate } from "../boundary/wasm.js";
import type { FromCore, ToCore } from "../messages.js";
import { Network } from "../net/fetch.js";
import { Core } from "./core.js";

/** The worker's side of what the page holds as `Worker`: the types of a page are in force here. */
interface Port {
  onmessage: ((event: MessageEvent<ToCore>) => void) | null;
  postMessage(message: FromCore, transfer: Transferable[]): void;
}

const port = globalThis as unknown as Port;
const tell = (message: FromCore, transfer: Transferable[] = []) => port.postMessage(message, transfer);

let core: Core | undefined;
/** What came before the module was there. */
const waiting: ToCore[] = [];

// Requests may begin before the module is there.
const network = new Network({
  head: (...answer) => core?.head(...answer),
  chunk: (...answer) => core?.chunk(...answer),
  end: (...answer) => core?.end(...answer),
  failed: (...answer) => core?.failed(...answer),
});

port.onmessage = ({ data }) => {
  if ("begin" in data) {
    const { module, settings } = data.begin;
    instantiate(module).then(
      (instance) => {
        core = new Core(instance, network, tell);
        core.begin(settings);
        waiting.splice(0).forEach((message) => take(core as Core, message));
      },
      (error: unknown) => tell({ orders: [], events: [], defect: `the module does not start: ${String(error)}` }),
    );
  } else if (core) {
    take(core, data);
  } else {
    if ("command" in data && data.command[0] === "load") network.early(data.command[1]);
    waiting.push(data);
  }
};

function take(core: Core, message: ToCore): void {
  if ("command" in message) core.command(message.command);
  else if ("report" in message) core.report(message.report);
  else if ("ask" in message) core.ask(message.ask, message.id);
}
