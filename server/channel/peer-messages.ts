import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../config/problem.ts';
import { renditionName } from '../wire/messages.ts';

/**
 * What front and engine say to each other where the peers live in the engine's process (media.engine wrtc): offers go down, answers
 * come back, and the front hears how each connection is. Ids are the front's.
 */

/** What a peer is for: it brings the camera's picture, or shows a rendition. */
const peerUse = z.enum(['camera', ...renditionName.options]);
export type PeerUse = z.infer<typeof peerUse>;

/** Front → engine. */
export const peerOrders = [
  z.object({
    type: z.literal('peerOffer'),
    id: z.string(),
    use: peerUse,
    /** SDP, already checked. */
    offer: z.string(),
    /** UDP ports that may be taken, first and last; null: any. */
    portRange: z.tuple([z.number().int(), z.number().int()]).nullable(),
  }),
  /** Further candidates of the client, as "candidate:…". */
  z.object({ type: z.literal('peerCandidates'), id: z.string(), candidates: z.array(z.string()) }),
  z.object({ type: z.literal('peerClose'), id: z.string() }),
] as const;
export type PeerOrder = z.infer<(typeof peerOrders)[number]>;

const peerStats = z.object({
  id: z.string(),
  packets: z.number(),
  /** Packets never recovered; 0 for a viewer. */
  lost: z.number(),
  nacks: z.number(),
  keyRequests: z.number(),
  /** Bits and pictures per second. */
  bitrate: z.number(),
  fps: z.number(),
  /** The last picture's size; 0 before the first. */
  width: z.number(),
  height: z.number(),
  /** Milliseconds since a camera's last picture; null before the first, and for a viewer. */
  silentMs: z.number().nullable(),
});
export type PeerStats = z.infer<typeof peerStats>;

/** Engine → front. */
export const peerReports = [
  z.object({ type: z.literal('peerAnswer'), id: z.string(), answer: z.string() }),
  /** The offer was refused; `code` is one of the error table's. */
  z.object({
    type: z.literal('peerRefused'),
    id: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
  }),
  /** `closed` comes once, last. */
  z.object({
    type: z.literal('peerState'),
    id: z.string(),
    state: z.enum(['connected', 'closed']),
    reason: z.string(),
  }),
  /** About once a second, and with a camera's first picture. */
  z.object({ type: z.literal('peerStats'), peers: z.array(peerStats) }),
] as const;
export type PeerReport = z.infer<(typeof peerReports)[number]>;

export const isPeerOrder = (message: { type: string }): message is PeerOrder => message.type.startsWith('peer');

export const isPeerReport = (message: { type: string }): message is PeerReport => message.type.startsWith('peer');
