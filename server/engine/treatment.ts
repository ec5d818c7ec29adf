import type { Track } from '../face/types.ts';
import { WHO_IS_THIS } from '../wire/casting.ts';
import type { UncastPolicy } from '../wire/messages.ts';

/**
 * What the program does with one face. `change`: the performer's own face stays to be seen, younger or older. `why` is shown to the
 * operator in plain words.
 */
export type Treatment = { kind: 'replace' } | { kind: 'change' } | { kind: 'plate' } | { kind: 'cover'; why: string };

export interface Look {
  /** Largest |yaw| at which the open look holds, degrees. */
  maxYawDeg: number;
}

/** Looking this far up or down, a mesh seen from the front no longer holds. */
const MAX_PITCH_DEG = 50;

/** Over so many degrees before a look's limit it fades into the cover: a head that turns on does not flash. */
const FADE_DEG = 5;

/** How much of the cover is laid over a replaced face, 0 to 1: 1 where the look no longer holds. */
export function veilOf({ yawDeg, pitchDeg }: Track, look: Look): number {
  const over = Math.max(Math.abs(yawDeg) - look.maxYawDeg, Math.abs(pitchDeg) - MAX_PITCH_DEG);
  return Math.min(1, Math.max(0, (over + FADE_DEG) / FADE_DEG));
}

/** A face that may be a cast performer's that is not known again yet: covered whatever the policy says, until one tap or its shape tells. */
export function coverUnsure(track: Track): Treatment {
  const seen = treatmentOf(track, 'look', { maxYawDeg: 180 });
  return seen.kind === 'cover' ? seen : { kind: 'cover', why: WHO_IS_THIS };
}

/**
 * Decides, face by face, what may be seen of it (design: fail closed, face by face). Pure.
 * Whatever is not certain is covered; a face is shown as it is only where the policy says so in words.
 */
export function treatmentOf(track: Track, uncast: UncastPolicy, look: Look | null): Treatment {
  if (uncast === 'pass') return { kind: 'plate' };
  if (uncast === 'blur') return { kind: 'cover', why: 'not cast' };
  if (track.state === 'new') return { kind: 'cover', why: 'new face' };
  if (track.state === 'ambiguous') return { kind: 'cover', why: 'faces crossing' };
  if (track.state === 'lost' || !track.landmarks) return { kind: 'cover', why: 'face not clear' };
  if (!look) return { kind: 'cover', why: 'look not loaded' };
  if (Math.abs(track.yawDeg) > look.maxYawDeg) return { kind: 'cover', why: 'turned too far' };
  if (Math.abs(track.pitchDeg) > MAX_PITCH_DEG) return { kind: 'cover', why: 'tilted too far' };
  return { kind: 'replace' };
}
