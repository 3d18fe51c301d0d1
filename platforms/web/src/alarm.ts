// Ringing after a time that is put off again and again: with each piece of a body, and with each turn of the engine. A timer for each of
// these would be hundreds a second while a title begins, and what browsers keep of a timer in a worker is collected late.

/** Browsers know no longer wait, milliseconds: some 24 days are the most, and this is enough. */
const LONGEST = 3_600_000;

/** Rings once it is due. */
export class Alarm {
  #due = Infinity;
  /** When the timer that runs ends: not a millisecond behind what is due. */
  #ends = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly ring: () => void) {}

  /** Is to ring after so many milliseconds, in place of what was set before; `Infinity` is never. */
  set(wait: number): void {
    this.#due = performance.now() + wait;
    // It is found out then that there is time left. Timers count whole milliseconds.
    if (this.#ends < this.#due + 1) return;
    clearTimeout(this.#timer);
    this.#wait();
  }

  /** Does not ring any more, and keeps nothing. */
  off(): void {
    clearTimeout(this.#timer);
    this.#due = this.#ends = Infinity;
  }

  #wait(): void {
    const wait = Math.min(Math.ceil(Math.max(0, this.#due - performance.now())), LONGEST);
    this.#ends = performance.now() + wait;
    this.#timer = setTimeout(() => {
      this.#ends = Infinity;
      if (this.#due === Infinity) return;
      if (performance.now() < this.#due) return this.#wait();
      this.#due = Infinity;
      this.ring();
    }, wait);
  }
}
