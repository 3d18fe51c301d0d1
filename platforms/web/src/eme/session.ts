// The key system of the browser, beside the media element: it does what the engine orders, and reports what happens (the table
// of `KeyOrder` and `KeyReport`). `encrypted` events of the element are not listened to: the engine reads the boxes itself.

import { FieldReader, FieldWriter } from "../boundary/fields.js";
import { KeyOrder, KeyReport } from "../boundary/schema.js";
import { open, type Wanted } from "./probe.js";

/** A session, and what was last said of when it expires. */
interface Held {
  session: MediaKeySession;
  persistent: boolean;
  expiration: number;
}

/** A key system under the engine's orders. */
export class Eme {
  #video: HTMLMediaElement | undefined;
  /** What is open, and how it was granted: a title that wants the same has the same. */
  #keys: MediaKeys | undefined;
  #granted = "";
  /** The title that is loaded has them. */
  #inUse = false;
  #sessions = new Map<number, Held>();
  /** Which command opens the key system: an older one that comes late is nothing any more. */
  #opening = 0;
  /** Elements take and lose keys one after the other. */
  #bound: Promise<void> = Promise.resolve();
  /** The element is about to lose its keys. */
  leaving: Promise<void> | undefined;

  /** `report` hands a letter on. */
  constructor(readonly report: (letter: Uint8Array<ArrayBuffer>) => void) {}

  /** Another element plays from now on, or none. */
  attach(video: HTMLMediaElement | undefined): void {
    const before = this.#video;
    if (before === video) return;
    this.#video = video;
    if (!this.#keys || !this.#inUse) return;
    if (before) void this.#bind(before, null).catch(() => {});
    if (video) void this.#bind(video, this.#keys).catch(() => this.#lose());
  }

  /** The element has let go of its title. Keys can be taken from it now, and no more once another title is attached: that has
   *  to wait for `leaving`. */
  leave(): void {
    const video = this.#video;
    this.#inUse = false;
    if (!video?.mediaKeys) return;
    const leaving = this.#bind(video, null)
      // One that does not let go of them refuses others, which is told then.
      .catch(() => {})
      .finally(() => {
        if (this.leaving === leaving) this.leaving = undefined;
      });
    this.leaving = leaving;
  }

  /** Closes everything. */
  close(): void {
    this.#opening = 0;
    for (const { session } of this.#sessions.values()) session.close().catch(() => {});
    this.#sessions.clear();
    this.#keys = undefined;
    this.leave();
  }

  /** Does what a letter orders. */
  obey(letter: Uint8Array): void {
    const reader = new FieldReader(letter);
    const order: KeyOrder = reader.u8();
    const id = reader.f64();
    switch (order) {
      case KeyOrder.Access: {
        const name = reader.text();
        const [videoRobustness, audioRobustness, schemes, initData] = [reader.texts(), reader.texts(), reader.texts(), reader.texts()];
        void this.#access(id, { name, videoRobustness, audioRobustness, schemes, initData, persistent: !!reader.u8() });
        break;
      }
      case KeyOrder.Certificate:
        void this.#certificate(id, reader.bytes());
        break;
      case KeyOrder.Provision:
        // Browsers see to it by themselves.
        this.#say(KeyReport.Provisioned, id);
        break;
      case KeyOrder.Create:
        this.#create(id, reader.text() as MediaKeySessionType);
        break;
      case KeyOrder.Generate: {
        const [form, bytes] = [reader.text(), reader.bytes()];
        void this.#ordered(id, (session) => session.generateRequest(form, bytes), ({ session, persistent }) => {
          if (persistent) this.#say(KeyReport.Named, id, (out) => out.text(session.sessionId));
        });
        break;
      }
      case KeyOrder.Load: {
        const name = reader.text();
        let found = false;
        const load = async (session: MediaKeySession) => void (found = await session.load(name));
        void this.#ordered(id, load, () => this.#say(KeyReport.Loaded, id, (out) => out.u8(+found)));
        break;
      }
      case KeyOrder.Update: {
        const bytes = reader.bytes();
        void this.#ordered(
          id,
          (session) => session.update(bytes).finally(() => bytes.fill(0)),
          () => this.#say(KeyReport.Updated, id),
        );
        break;
      }
      case KeyOrder.Remove:
        void this.#ordered(id, (session) => session.remove());
        break;
      case KeyOrder.Close:
        this.#close(id);
        break;
      default:
        throw new Error(`no such order: ${order satisfies never}`);
    }
    letter.fill(0);
  }

  async #access(id: number, wanted: Wanted): Promise<void> {
    this.#opening = id;
    try {
      const access = await open(wanted);
      const configuration = access.getConfiguration();
      const granted = wanted.name + JSON.stringify(configuration);
      const keys = (granted === this.#granted && this.#keys) || (await access.createMediaKeys());
      if (this.#opening !== id) return;
      if (this.#video) await this.#bind(this.#video, keys);
      if (this.#opening !== id) return;
      [this.#keys, this.#granted, this.#inUse] = [keys, granted, true];
      const { videoCapabilities, audioCapabilities } = configuration;
      const level = (all?: MediaKeySystemMediaCapability[]) => all?.[0]?.robustness ?? "";
      this.#say(KeyReport.Access, id, (out) => out.text(level(videoCapabilities)).text(level(audioCapabilities)));
    } catch (error) {
      this.#refused(id, KeyOrder.Access, error);
    }
  }

  async #certificate(id: number, certificate: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const taken = await this.#opened().setServerCertificate(certificate);
      if (!taken) throw new DOMException("the key system takes no certificate", "NotSupportedError");
      this.#say(KeyReport.Certificate, id);
    } catch (error) {
      this.#refused(id, KeyOrder.Certificate, error);
    }
  }

  #create(id: number, type: MediaKeySessionType): void {
    let session: MediaKeySession;
    try {
      session = this.#opened().createSession(type);
    } catch (error) {
      return this.#failed(id, error);
    }
    const held = { session, persistent: type !== "temporary", expiration: NaN };
    this.#sessions.set(id, held);
    session.addEventListener("message", ({ messageType, message }) => {
      this.#say(KeyReport.Message, id, (out) => out.text(messageType).blob(message));
    });
    session.addEventListener("keystatuseschange", () => {
      const { keyStatuses } = session;
      this.#say(KeyReport.Statuses, id, (out) => {
        out.u32(keyStatuses.size);
        // Until 2015 their places were the other way round; no browser has that any more.
        keyStatuses.forEach((status, kid) => out.blob(kid).text(status));
      });
      this.#expire(id, held);
    });
    void session.closed.then((reason) => {
      if (this.#sessions.get(id) !== held) return;
      this.#sessions.delete(id);
      // What broke is not used again.
      if (reason === "internal-error") this.#granted = "";
      // Older browsers give no reason.
      this.#say(KeyReport.Closed, id, (out) => out.text(reason ?? ""));
    });
    this.#say(KeyReport.Created, id);
  }

  /** One order to a session: done, or failed. */
  async #ordered(id: number, act: (session: MediaKeySession) => Promise<void>, then?: (held: Held) => void): Promise<void> {
    const held = this.#sessions.get(id);
    try {
      if (!held) throw new DOMException("there is no such session", "InvalidStateError");
      await act(held.session);
    } catch (error) {
      return this.#failed(id, error);
    }
    if (this.#sessions.get(id) !== held) return;
    then?.(held);
    this.#expire(id, held);
  }

  #close(id: number): void {
    const held = this.#sessions.get(id);
    const over = () => {
      // `closed` says so, unless nothing was ever asked for in it.
      if (held && this.#sessions.get(id) !== held) return;
      this.#sessions.delete(id);
      this.#say(KeyReport.Closed, id, (out) => out.text("closed-by-application"));
    };
    if (held) held.session.close().then(() => held.session.closed).then(over, over);
    else over();
  }

  /** There is no event for it: it is looked at whenever it may have changed. */
  #expire(id: number, held: Held): void {
    const { expiration } = held.session;
    if (Object.is(expiration, held.expiration)) return;
    held.expiration = expiration;
    const left = Number.isNaN(expiration) ? Infinity : Math.max(0, expiration - Date.now());
    this.#say(KeyReport.Expiration, id, (out) => out.f64(left));
  }

  #opened(): MediaKeys {
    if (!this.#keys) throw new DOMException("no key system is open", "InvalidStateError");
    return this.#keys;
  }

  #bind(video: HTMLMediaElement, keys: MediaKeys | null): Promise<void> {
    const bound = this.#bound.then(() => video.setMediaKeys(keys));
    this.#bound = bound.catch(() => {});
    return bound;
  }

  /** An element does not take the keys: nothing of them is of use. */
  #lose(): void {
    for (const [id, { session }] of this.#sessions) {
      this.#sessions.delete(id);
      session.close().catch(() => {});
      this.#say(KeyReport.Closed, id, (out) => out.text("internal-error"));
    }
  }

  #refused(id: number, order: KeyOrder, error: unknown): void {
    const { name, message } = named(error);
    this.#say(KeyReport.Refused, id, (out) => out.u8(order).text(name).text(message));
  }

  #failed(id: number, error: unknown): void {
    const { name, message } = named(error);
    this.#say(KeyReport.Failed, id, (out) => out.text(name).text(message));
  }

  #say(report: KeyReport, id: number, fields?: (out: FieldWriter) => void): void {
    const out = new FieldWriter().u8(report).f64(id);
    fields?.(out);
    this.report(out.take());
  }
}

function named(error: unknown): { name: string; message: string } {
  return error instanceof Error ? error : { name: "", message: String(error) };
}
