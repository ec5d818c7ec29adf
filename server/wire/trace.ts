import { z } from 'zod';

/** One step of a frame's way. Both ends on the server's monotonic clock, microseconds. */
export const traceStage = z.object({
  stage: z.string(),
  process: z.enum(['front', 'engine']),
  beginUs: z.number().int(),
  endUs: z.number().int(),
});
export type TraceStage = z.infer<typeof traceStage>;

/** The answer of GET /api/feeds/:feed/trace: one frame from the camera's last packet to the last packet out. */
export const frameTrace = z.object({
  feed: z.string(),
  /** The camera's RTP timestamp of this frame, which its program picture carries too. */
  rtpTs: z.number().int(),
  captureUs: z.number().int(),
  key: z.boolean(),
  bytes: z.number().int(),
  /** Viewers of the rendition that was sent, and which one it was. */
  rendition: z.string(),
  viewers: z.number().int(),
  /** In the order in which they began. */
  stages: z.array(traceStage),
  /** From the camera's last packet to the last packet out. */
  totalUs: z.number().int(),
  /** Frames asked for before this one that were skipped or could not be decoded. */
  missed: z.number().int(),
});
export type FrameTrace = z.infer<typeof frameTrace>;
