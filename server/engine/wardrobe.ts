import type { Replacer } from '../double/replacer.ts';
import type { FaceStage } from './face-stage.ts';

/** Looks that one feed may have open at once: each holds a network and its memory. */
export const MAX_LOOKS = 4;

export interface WardrobeParts {
  faces: FaceStage;
  /** A look that is at hand; it is the caller's then. */
  take(name: string): Replacer | null;
  /** Opens a look; it is the caller's. @throws Error with a sentence. */
  open(name: string): Promise<Replacer>;
  /** Opening keeps this thread from reporting: said before and after. */
  busy(loading: boolean): void;
  trouble(sentence: string): void;
}

/**
 * The looks that a feed's faces wear: opens what is missing off the picture's way, one after the other, and lets go of what nobody wears.
 * Open looks belong to the face stage, which closes them between two pictures.
 */
export class Wardrobe {
  readonly #parts: WardrobeParts;
  readonly #open: Map<string, Replacer>;
  /** The feed's own look that is worn: the one before, until the one that is wanted is open. */
  #own: string;
  #wanted: { own: string; names: readonly string[] };
  /** Looks that could not be opened, until something else is wanted. */
  readonly #failed = new Set<string>();
  #loading = false;
  #closed = false;

  /** @param look the feed's own, open already. */
  constructor(parts: WardrobeParts, own: string, look: Replacer) {
    this.#parts = parts;
    this.#own = own;
    this.#open = new Map([[own, look]]);
    this.#wanted = { own, names: [own] };
    this.#apply();
  }

  /** @param own the feed's own look. @param cast those of its castings. */
  wear(own: string, cast: readonly string[]): void {
    const names = [...new Set([own, ...cast])];
    const changed = names.join('\n') !== this.#wanted.names.join('\n');
    if (!changed && own === this.#own) return;
    if (changed) this.#failed.clear();
    if (changed && names.length > MAX_LOOKS) {
      this.#parts.trouble(
        `A feed can wear ${MAX_LOOKS} looks at once: faces cast for ${names.slice(MAX_LOOKS).join(', ')} are covered. Use a look twice, or another feed.`,
      );
    }
    this.#wanted = { own, names: names.slice(0, MAX_LOOKS) };
    for (const name of this.#missing()) {
      const look = this.#parts.take(name);
      if (look) this.#open.set(name, look);
    }
    this.#apply();
    if (!this.#loading) void this.#load();
  }

  /** What is still being opened is closed as soon as it is open. */
  close(): void {
    this.#closed = true;
  }

  #missing(): string[] {
    return this.#wanted.names.filter((name) => !this.#open.has(name) && !this.#failed.has(name));
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    this.#loading = true;
    for (let [name] = this.#missing(); name !== undefined && !this.#closed; [name] = this.#missing()) {
      this.#parts.busy(true);
      try {
        const look = await this.#parts.open(name);
        if (this.#closed || !this.#wanted.names.includes(name)) look.close();
        else this.#open.set(name, look);
      } catch (error) {
        this.#failed.add(name);
        const kept = name === this.#wanted.own ? ', the one before stays' : ': faces cast for it are covered';
        const why = error instanceof Error ? error.message : String(error);
        this.#parts.trouble(`The look ${name} could not be opened${kept}: ${why}`);
      } finally {
        this.#parts.busy(false);
      }
      if (!this.#closed) this.#apply();
    }
    this.#loading = false;
  }

  #apply(): void {
    if (this.#open.has(this.#wanted.own)) this.#own = this.#wanted.own;
    for (const name of this.#open.keys())
      if (name !== this.#own && !this.#wanted.names.includes(name)) this.#open.delete(name);
    this.#parts.faces.wear({ looks: new Map(this.#open), own: this.#own });
  }
}
