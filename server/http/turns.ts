/**
 * Lets one request a turn of the event loop through. Requests that came together would be answered in one go, milliseconds each, and
 * the pictures' packets that came meanwhile would wait for all of them; so they wait for one.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves in a turn that is the caller's alone among all that take one. */
  take(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#waiting.push(resolve) === 1) setImmediate(this.#next);
    return promise;
  }

  // An immediate that is set during immediates runs in the next turn, after what has arrived until then.
  readonly #next = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#next);
  };
}
