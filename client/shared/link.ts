import { type ReadonlySignal, signal } from '@preact/signals';
import type { Connection } from './peer.ts';
import { Refusal, sentenceOf } from './problem.ts';

export type LinkStatus =
  | { phase: 'closed' }
  | { phase: 'opening' }
  | { phase: 'open' }
  /** Trying again at `retryAtMs` (performance.now()); `sentence` says why. */
  | { phase: 'waiting'; sentence: string; retryAtMs: number }
  /** Trying again cannot help. */
  | { phase: 'refused'; sentence: string };

const DELAYS_MS = [1_000, 2_000, 3_000, 5_000];

/**
 * Keeps one connection up: opens it, opens it again when it is lost or refused, and says what it is doing.
 * Owns the connection; `close()` ends it.
 */
export class Link<T extends Connection> {
  readonly #open: () => Promise<T>;
  readonly #status = signal<LinkStatus>({ phase: 'closed' });
  readonly #connection = signal<T | null>(null);
  #run = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  get status(): ReadonlySignal<LinkStatus> {
    return this.#status;
  }

  get connection(): ReadonlySignal<T | null> {
    return this.#connection;
  }

  /** Opens now; when already waiting, without waiting longer. Does nothing while opening or open. */
  start(): void {
    const { phase } = this.#status.peek();
    if (phase === 'opening' || phase === 'open') return;
    clearTimeout(this.#timer);
    void this.#attempt(++this.#run);
  }

  /** Gives the connection up, if there is one, and opens another at once. */
  restart(): void {
    this.close();
    this.start();
  }

  async #attempt(run: number): Promise<void> {
    this.#status.value = { phase: 'opening' };
    try {
      const connection = await this.#open();
      if (run !== this.#run) {
        connection.close();
        return;
      }
      this.#failures = 0;
      this.#connection.value = connection;
      this.#status.value = { phase: 'open' };
      const sentence = await connection.lost;
      if (run !== this.#run) return;
      this.#drop();
      this.#wait(sentence, null);
    } catch (error) {
      if (run !== this.#run) return;
      const refused = error instanceof Refusal ? error : null;
      if (refused?.final) this.#status.value = { phase: 'refused', sentence: refused.message };
      else this.#wait(sentenceOf(error), refused?.retryAfterMs ?? null);
    }
  }

  #wait(sentence: string, retryAfterMs: number | null): void {
    const delay = retryAfterMs ?? DELAYS_MS[Math.min(this.#failures, DELAYS_MS.length - 1)] ?? 5_000;
    this.#failures++;
    this.#status.value = { phase: 'waiting', sentence, retryAtMs: performance.now() + delay };
    this.#timer = setTimeout(() => this.start(), delay);
  }

  #drop(): void {
    this.#connection.peek()?.close();
    this.#connection.value = null;
  }

  close(): void {
    this.#run++;
    clearTimeout(this.#timer);
    this.#drop();
    this.#failures = 0;
    this.#status.value = { phase: 'closed' };
  }
}
