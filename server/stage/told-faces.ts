import type { FeedSettings } from '../channel/messages.ts';
import type { NeutralFace } from '../wire/casting.ts';

/**
 * Which neutral faces a feed's engine has. One takes some twenty kilobytes on the channel, and a dial that is turned says the settings
 * many times a second: a face is said once to each engine, and again only when it is another one.
 */
export class ToldFaces {
  readonly #told = new Map<string, number>();

  /** For a new engine, which has none: every face. */
  opening(settings: FeedSettings): FeedSettings {
    this.#told.clear();
    return this.news(settings);
  }

  /** For the engine that is there: faces that it has are left out. */
  news(settings: FeedSettings): FeedSettings {
    const castings = settings.castings?.map(({ neutral, ...one }) => {
      const { id } = one.casting;
      if (!neutral || this.#told.get(id) === neutral.atMs) return one;
      this.#told.set(id, neutral.atMs);
      return { ...one, neutral };
    });
    return { ...settings, ...(castings && { castings }) };
  }

  /** The engine has captured this one itself. */
  captured(casting: string, { atMs }: NeutralFace): void {
    this.#told.set(casting, atMs);
  }
}
