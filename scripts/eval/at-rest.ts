import type { Replacer } from '../../server/double/replacer.ts';
import { onHead } from '../../server/engine/casting/head.ts';
import type { EngineParts } from './engine.ts';
import type { Performance, PersonMoment } from './performances.ts';
import { readVideo } from './video.ts';

/** No more pictures than this are looked at: a crew captures for a second or two. */
const MOST = 12;
/** How far the rig may be from rest, and the head from straight, for a picture to show the face at rest. */
const CALM = 0.05;
const STRAIGHT_DEG = 8;

export function isAtRest({ rig, yawDeg }: PersonMoment): boolean {
  const moved = [rig.jaw, rig.smile, rig.blinkLeft, rig.blinkRight, rig.brows];
  return moved.every((value) => Math.abs(value) <= CALM) && Math.abs(yawDeg) <= STRAIGHT_DEG;
}

/**
 * A performer's face at rest, as the crew captures it when they cast: mean landmarks on the head (478 × 3, canonical units) over the pictures
 * with which the performance begins, as long as the rig is at rest in them. Null where it begins otherwise or no face is found.
 */
export async function faceAtRest(engine: EngineParts, performance: Performance): Promise<Float32Array | null> {
  const { frames } = performance;
  const end = frames.findIndex(({ people: [one] }) => !one || !isAtRest(one));
  const count = Math.min(MOST, end < 0 ? frames.length : end);
  const perceiver = await engine.perceiver();
  const seen: Float32Array[] = [];
  let index = 0;
  try {
    if (count === 0) return null;
    for await (const picture of readVideo(performance.video('plate')!, engine.pictures)) {
      const faces = await perceiver.perceive(picture).complete;
      engine.pictures.give(picture);
      const points = faces.length === 1 ? faces[0]!.landmarks?.points : null;
      if (points) seen.push(onHead(engine.head, points));
      if (++index >= count) break;
    }
  } finally {
    perceiver.close();
  }
  return seen.length === 0 ? null : Float32Array.from(seen[0]!, (_, k) => mean(seen.map((points) => points[k]!)));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The replacer as it works for a performer whose face at rest was captured. */
export const asCast = (inner: Replacer, neutral: Float32Array | null): Replacer => ({
  name: inner.name,
  provider: inner.provider,
  maxYawDeg: inner.maxYawDeg,
  replace: (face) => inner.replace(neutral ? { ...face, neutral } : face),
  forget: (trackId) => inner.forget(trackId),
  close: () => inner.close(),
});
