import type { Colour } from './frame.ts';

export type VideoCodec = 'h264' | 'vp8';

/** One whole coded video frame. H.264: an Annex B access unit (parameter sets in band before each key frame). VP8: the frame. */
export interface CodedFrame {
  codec: VideoCodec;
  key: boolean;
  /** 90 kHz, 32 bits, as the camera sent it. */
  rtpTs: number;
  /** Capture time, server's monotonic clock, microseconds. */
  captureUs: number;
  /** Pixels; 0 where not yet known (an H.264 ingest frame need not be parsed for it). */
  width: number;
  height: number;
  colour: Colour;
  bytes: Uint8Array;
}
