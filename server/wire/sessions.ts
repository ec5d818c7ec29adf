import { z } from 'zod';
import { feedName } from './messages.ts';

/** What is kept of a session and told by GET /api/sessions: never an address, a token or a person's name. */

/** camera: a picture comes in. viewer: a monitor or a wall. mixer: a feed's sound from the mixing desk. */
export const sessionKind = z.enum(['camera', 'viewer', 'mixer']);
export type SessionKind = z.infer<typeof sessionKind>;

/** Totals of one session, by name: packets, lost, nacks … */
export const sessionCounters = z.record(z.string().max(32), z.number());

export const sessionRecord = z.object({
  feed: feedName,
  kind: sessionKind,
  /** What a viewer watches; null for what comes in. */
  rendition: z.string().max(32).nullable(),
  /** Milliseconds since 1970. */
  beganMs: z.number(),
  /** null while it lives, and for one whose end nobody saw (`why` then says so). */
  endedMs: z.number().nullable(),
  /** A sentence; null while it lives. */
  why: z.string().max(200).nullable(),
  counters: sessionCounters.nullable(),
});
export type SessionRecord = z.infer<typeof sessionRecord>;
