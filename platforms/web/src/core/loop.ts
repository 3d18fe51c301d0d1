// What a worker and a page without one have in common: the module is loaded, requests begin before it is there, and what was
// said meanwhile is heard then.

import { instantiate } from "../boundary/wasm.js";
import { Unavailable } from "../faults.js";
import { mark } from "../marks.js";
import type { FromCore, Keys, ToCore, Topology } from "../messages.js";
import { Network } from "../net/fetch.js";
import { Licences } from "../net/licence.js";
import { canHandOver } from "../sink/media.js";
import { Core } from "./core.js";

/** The other end of what a page posts to. */
export class Loop {
  #core: Core | undefined;
  /** What came before the module was there. */
  #waiting: ToCore[] = [];
  #licences = new Licences((licence, transfer) => this.tell({ orders: [], events: [], licence }, transfer));
  #network = new Network(
    {
      head: (...answer) => this.#core?.head(...answer),
      chunk: (...answer) => this.#core?.chunk(...answer),
      end: (...answer) => this.#core?.end(...answer),
      lost: (...answer) => this.#core?.lost(...answer),
    },
    this.#licences,
    (question) => this.tell({ orders: [], events: [], question }, []),
  );

  constructor(
    readonly where: "worker" | "page",
    readonly tell: (message: FromCore, transfer: Transferable[]) => void,
  ) {}

  take(message: ToCore): void {
    if ("begin" in message) {
      const { module, settings, known, keys } = message.begin;
      const topology = this.#topology(message.begin.topology);
      this.tell({ orders: [], events: [], topology }, []);
      instantiate(module).then(
        (instance) => {
          mark("instantiated");
          this.#core = new Core(instance, this.#network, this.tell, topology);
          this.#core.begin(settings, known);
          if (keys) this.#keys(this.#core, keys);
          mark("ready");
          this.#waiting.splice(0).forEach((message) => this.take(message));
        },
        (error: unknown) => this.tell({ orders: [], events: [], defect: `the engine does not start: ${said(error)}`, missing: true }, []),
      );
    } else if ("early" in message) {
      this.#network.handOver(message.early);
    } else if ("change" in message) {
      this.#network.change(message.change, message.part);
    } else if ("changed" in message) {
      this.#network.answered(message.changed);
    } else if ("hold" in message) {
      this.#network.hold(message.hold);
    } else if (!this.#core) {
      if ("command" in message && message.command[0] === "load") this.#network.early(message.command[1], message.asked === true);
      this.#waiting.push(message);
    } else if ("command" in message) {
      this.#core.command(message.command);
    } else if ("report" in message) {
      this.#core.report(message.report);
    } else if ("word" in message) {
      this.#core.word(message.of, message.word);
    } else if ("fact" in message) {
      this.#core.fact(message.fact);
    } else if ("cdm" in message) {
      this.#core.reportKeys(message.cdm);
    } else if ("licence" in message) {
      this.#licences.hear(message.licence);
    } else if ("anew" in message) {
      this.#core.anew(...message.anew);
    } else if ("keys" in message) {
      this.#keys(this.#core, message.keys);
    } else {
      this.#core.ask(message.ask, message.id);
    }
  }

  #keys(core: Core, { letter, interest }: Keys): void {
    this.#licences.interest = interest;
    core.keys(letter);
  }

  /** Nothing more is done. */
  end(): void {
    this.#network.end();
    this.#core?.close();
  }

  #topology(wanted: Topology | undefined): Topology {
    if (this.where === "page") return "page";
    return wanted !== "worker-transfer" && canHandOver() ? "worker" : "worker-transfer";
  }
}

/** A browser's own errors have a name that says more. */
function said(error: unknown): string {
  return error instanceof Unavailable ? error.message : String(error);
}
