// Where there is no Media Source the browser may play HLS by itself (Safari on older iPhones): the last resort. The element gets
// the address; nothing is chosen, measured or decrypted here.

import type { FromCore, Order, Report, ToCore, Told } from "./messages.js";

/** In place of the engine's loop. */
export class Native {
  #state = "idle";
  #position = 0;
  #started = false;
  #generation = 0;
  #wanted = false;
  #seeking = false;
  #unchanged = false;

  constructor(readonly hear: (message: FromCore) => void) {}

  post(message: ToCore): void {
    if ("begin" in message) this.hear({ orders: [], events: [], topology: "native" });
    else if ("change" in message) this.#unchangeable();
    else if ("command" in message) this.#command(message.command);
    else if ("report" in message) this.#report(message.report);
    else if ("ask" in message) this.#answer(message.ask, message.id);
  }

  #command([name, ...values]: readonly [name: string, ...values: unknown[]]): void {
    switch (name) {
      case "load": {
        const [url, start] = values as [string, number];
        [this.#started, this.#seeking, this.#wanted] = [false, false, false];
        this.#generation += 1;
        this.#order(["attach", url, this.#generation, false]);
        if (!Number.isNaN(start)) this.#order(["seek", start]);
        return this.#enter("preparing");
      }
      case "play":
        this.#wanted = true;
        return this.#order(["play"]);
      case "pause":
        this.#wanted = false;
        if (this.#state === "playing" || this.#state === "rebuffering") this.#enter("paused");
        return;
      case "seek":
        this.#seeking = true;
        this.#tell("SeekStarted", { to: values[0] as number });
        this.#enter("seeking");
        return this.#order(["seek", values[0] as number]);
      case "rate":
        return this.#order(["rate", (values[0] as number) / 1000]);
      case "stop":
        this.#order(["detach"]);
        return this.#enter("stopped");
    }
  }

  #report(report: Report): void {
    if (this.#state === "stopped" || this.#state === "failed") return;
    switch (report[0]) {
      case "position":
        this.#position = report[1];
        if (report[2] && this.#wanted && !this.#seeking) this.#run();
        return;
      case "starved":
        return this.#state === "playing" ? this.#enter("rebuffering") : undefined;
      case "seeked":
        this.#position = report[1];
        if (!this.#seeking) return;
        this.#seeking = false;
        this.#tell("SeekEnded", { position: report[1], took_us: 0 });
        return this.#enter(this.#wanted ? "rebuffering" : "paused");
      case "ended":
        this.#wanted = false;
        this.#enter("ended");
        return this.#tell("Ended", {});
      case "crashed":
        return this.#fail(report[2], report[3]);
    }
  }

  #run(): void {
    if (this.#state === "playing") return;
    this.#enter("playing");
    if (!this.#started) this.#tell("Started", { position: this.#position });
    this.#started = true;
  }

  #fail(code: number, message: string): void {
    const name = code === 5001 ? "DecodeFailed" : "SinkFailed";
    const meaning = "The browser failed to play it by itself.";
    const advice = "look at the browser's own message; only HLS is played without Media Source";
    this.#tell("Error", { error: { code, name, domain: "device", blame: "device", fatal: true, message, meaning, advice, facts: {} } });
    this.#enter("failed");
  }

  /** Says once that the browser's own requests are as they are. */
  #unchangeable(): void {
    if (this.#unchanged) return;
    this.#unchanged = true;
    const message = "the browser plays by itself, and its requests cannot be changed: `request` is not applied";
    const [meaning, advice] = ["An argument is outside its range.", "use cookies, or addresses that need no header, where there is no Media Source"];
    this.#tell("Error", { error: { code: 7002, name: "InvalidArgument", domain: "usage", blame: "app", fatal: false, handling: "skipped", message, meaning, advice, facts: {} } });
  }

  #answer(what: string, id: number): void {
    const snapshot = { state: this.#state, position: this.#position, duration: null, live: false, streams: [] };
    const value = what === "snapshot" ? snapshot : what === "recording" ? new Uint8Array() : null;
    this.hear({ orders: [], events: [], answer: { id, value } });
  }

  #order(order: Order): void {
    this.hear({ orders: [order], events: [] });
  }

  #enter(state: string): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell("State", { state });
  }

  #tell(type: string, fields: Omit<Told, "type" | "at">): void {
    this.hear({ orders: [], events: [{ type, at: performance.now() * 1000, ...fields } as Told] });
  }
}
