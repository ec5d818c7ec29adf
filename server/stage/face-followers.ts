import type { FaceInfo } from '../wire/messages.ts';

type Listener = (faces: readonly FaceInfo[]) => void;

/** Who wants to know where a feed's faces are more often than its other news; an engine says it only while somebody does. */
export class FaceFollowers {
  readonly #listeners = new Set<Listener>();
  readonly #tellEngine: (on: boolean) => void;

  /** @param tellEngine told when the first begins and when the last ends. */
  constructor(tellEngine: (on: boolean) => void) {
    this.#tellEngine = tellEngine;
  }

  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns the unsubscriber. */
  add(listener: Listener): () => void {
    // One of its own each time: a listener that comes twice is told twice, and ends twice.
    const own: Listener = (faces) => listener(faces);
    if (!this.wanted) this.#tellEngine(true);
    this.#listeners.add(own);
    return () => {
      if (this.#listeners.delete(own) && !this.wanted) this.#tellEngine(false);
    };
  }

  heard(faces: readonly FaceInfo[]): void {
    for (const listener of this.#listeners) listener(faces);
  }
}
