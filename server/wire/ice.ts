import { z } from 'zod';

/** The answer of GET /api/ice-servers: what RTCPeerConnection takes, and for how long it holds. */
export const iceServers = z.object({
  iceServers: z.array(
    z.object({ urls: z.array(z.string()), username: z.string().optional(), credential: z.string().optional() }),
  ),
  /** Ask again after this time at the latest. */
  validSeconds: z.number(),
});
export type IceServers = z.infer<typeof iceServers>;
