// The media element event task source of HTML: what the algorithms queue, one after the other, each a task of its own.

/** Tasks in the order in which they were queued. */
export class Tasks {
  #waiting: { act: () => void; settles: boolean }[] = [];
  #channel = new MessageChannel();

  constructor() {
    this.#channel.port1.onmessage = () => this.#waiting.shift()?.act();
  }

  /** Queues one. Those that settle promises are not lost by `clear`. */
  queue(act: () => void, settles = false): void {
    this.#waiting.push({ act, settles });
    this.#channel.port2.postMessage(0);
  }

  /** As a load begins: settles what is to be settled now, and forgets the rest. */
  clear(): void {
    for (const { act, settles } of this.#waiting.splice(0)) if (settles) act();
  }
}
