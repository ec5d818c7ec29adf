import { z } from 'zod';
import { place } from '../inference/placement.ts';

/** What main and front say to each other over Node's own IPC: few and small; pictures never go this way. */

export const toFront = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    /** The whole configuration, already checked. */
    config: z.unknown(),
    /** Where engines connect. */
    channel: z.string(),
    apiToken: z.string(),
    passThrough: z.boolean(),
    /** The GPUs that engines are placed on. */
    places: z.array(place).min(1),
    /** Where the keeper connects, and the key that it shows; null where nothing is kept. */
    keeper: z.object({ socket: z.string(), key: z.string() }).nullable(),
  }),
  /** The configuration was read again, checked, and holds from now on. */
  z.object({ type: z.literal('config'), config: z.unknown() }),
  /** The engine process that was started with this key has ended, or could not be started. */
  z.object({ type: z.literal('engineEnded'), key: z.string() }),
  /** To be answered at once: a front that does not is hung. */
  z.object({ type: z.literal('ping') }),
  /** Take no new sessions; `seconds` until the close, for those who are refused. */
  z.object({ type: z.literal('drain'), seconds: z.number() }),
  z.object({ type: z.literal('close') }),
]);
export type ToFront = z.infer<typeof toFront>;

export const fromFront = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('listening'),
    url: z.string(),
    links: z.array(z.object({ page: z.string(), url: z.string() })),
  }),
  /** The front could not start, and why. */
  z.object({ type: z.literal('refused'), sentence: z.string() }),
  /** The last viewer has gone after `drain`. */
  z.object({ type: z.literal('drained') }),
  z.object({ type: z.literal('pong') }),
  /** `feed` is null for the spare. Keys name engine processes: a spare becomes a feed's without becoming another process. */
  z.object({ type: z.literal('startEngine'), key: z.string(), feed: z.string().nullable() }),
  /** The spare of this key serves a feed from now on. */
  z.object({ type: z.literal('engineServes'), key: z.string(), feed: z.string() }),
  /**
   * Nothing is expected of this engine any more. `atOnce`: its channel broke or it hangs; otherwise it ends by itself because its
   * channel was closed, and is killed only when it does not.
   */
  z.object({ type: z.literal('endEngine'), key: z.string(), atOnce: z.boolean() }),
]);
export type FromFront = z.infer<typeof fromFront>;
