import type { EngineStats, FeedSettings } from '../channel/messages.ts';

type Cast = NonNullable<FeedSettings['castings']>;
type Place = NonNullable<Cast[number]['last']>;

/** Where a feed's performers were last in the picture: what the next engine needs beside their neutral faces to know them again. */
export class LastPlaces {
  readonly #places = new Map<string, Place>();

  /** @param captureUs of the camera's newest picture: an engine's reports are a moment older at most. */
  heard({ castings, faces, width, height }: EngineStats, captureUs: number): void {
    for (const { id, track } of castings) {
      const box = faces.find((face) => face.track === track)?.box;
      if (track === null || !box || width === 0) continue;
      const y = ((box.y + box.h / 2) * height) / width;
      this.#places.set(id, { x: box.x + box.w / 2, y, w: box.w, captureUs });
    }
  }

  /** What a new engine is told. */
  tell(settings: FeedSettings): FeedSettings {
    const castings = settings.castings?.map((one) => ({ ...one, last: this.#places.get(one.casting.id) ?? null }));
    return { ...settings, ...(castings && { castings }) };
  }
}
