import { z } from 'zod';

/** What main and keeper say to each other over Node's own IPC. */
export const toKeeperProcess = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    dir: z.string(),
    sessionDays: z.number(),
    /** Where the front listens for the keeper, and the key that proves who it is. */
    socket: z.string(),
    key: z.string(),
    log: z.object({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
      pretty: z.union([z.literal('auto'), z.boolean()]),
    }),
  }),
  /** Answered at once by a keeper that is not hung. */
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('close') }),
]);
export type ToKeeperProcess = z.infer<typeof toKeeperProcess>;

export const fromKeeperProcess = z.discriminatedUnion('type', [z.object({ type: z.literal('pong') })]);
export type FromKeeperProcess = z.infer<typeof fromKeeperProcess>;
