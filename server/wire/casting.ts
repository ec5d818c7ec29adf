import { z } from 'zod';
import { ageYears } from './age.ts';

/** Made by the server when somebody is cast; never used again within a feed. */
export const castingId = z.string().regex(/^[a-z0-9]{1,16}$/, 'letters and digits, at most 16');

/** One performer of a feed and what they wear. It belongs to the performer, not to a track: tracks come and go. */
export const casting = z.object({
  id: castingId,
  /** What the crew calls the performer. */
  performer: z.string().trim().min(1).max(64),
  look: z.string().min(1).max(64),
  /** The age dial, about years, for looks that have one. */
  age: ageYears,
});
export type Casting = z.infer<typeof casting>;

/**
 * A performer's face at rest: the means of 478 landmarks over a second or two in which they held still, in the canonical head's axes and
 * units (server/double/pose.ts), x, y, z each. Kept, it lets them be known again; it says how they look, so it is a performer's data.
 */
export const neutralFace = z.object({
  points: z.array(z.number()).length(3 * 478),
  /** Standard deviation of the points over the capture, canonical units: how far it can be trusted. */
  spread: z.number().nonnegative(),
  atMs: z.number(),
});
export type NeutralFace = z.infer<typeof neutralFace>;

/**
 * Why a capture came to nothing. gone: the face was not in the picture, or not for certain. small, dark, soft: it was not to be seen well
 * enough. turned: it did not look straight ahead. mouth: it was open, or spoke. moved: the head or the expression did.
 */
export const neutralMissed = z.enum(['gone', 'small', 'dark', 'soft', 'turned', 'mouth', 'moved']);
export type NeutralMissed = z.infer<typeof neutralMissed>;

/** What became of a casting in the last picture. */
export const castingState = z.object({
  id: castingId,
  /** The track that wears it now; null while the performer is out of the picture or not known for certain. */
  track: z.number().int().nullable(),
  /**
   * none: a default face is assumed. capturing: hold still. learned: not captured, but seen calm since the operator's tap; the performer is
   * known again by it, and it is never kept. kept: captured.
   */
  neutral: z.enum(['none', 'capturing', 'learned', 'kept']),
  /** Why the last capture came to nothing; null when none has, or one has succeeded since. */
  missed: neutralMissed.nullable(),
});
export type CastingState = z.infer<typeof castingState>;

/** A casting, and what became of it in the last picture. */
export const castingInfo = casting.extend(castingState.shape);
export type CastingInfo = z.infer<typeof castingInfo>;

/** Why a face is covered that may be a cast performer's but is not known for certain: an operator's tap ends it. */
export const WHO_IS_THIS = 'who is this?';
