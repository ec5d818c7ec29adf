import type { Colour } from './frame.ts';

/** Ticks a second of every video timestamp (RFC 3551 §5). */
export const VIDEO_CLOCK = 90_000;

export type VideoCodec = 'h264' | 'vp8';

/** Degrees clockwise. */
export type Rotation = 0 | 90 | 180 | 270;

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
  /** How far the picture must be turned to stand upright (a phone held on its side); upright where left out. */
  rotation?: Rotation;
  bytes: Uint8Array;
}

/** One coded sound packet, Opus (RFC 7587), as its sender made it. */
export interface CodedAudio {
  /** 48 kHz, 32 bits, as the sender counts: time of the first sample. */
  rtpTs: number;
  /** When the first sample was captured, server's monotonic clock, microseconds. */
  captureUs: number;
  /** Begins a stretch of sound after silence (RTP's marker). */
  marker: boolean;
  /** Packets missing between the one before and this one. */
  lostBefore: number;
  bytes: Uint8Array;
}

/** A frame's size when it stands upright. */
export const uprightSize = ({ width, height, rotation = 0 }: Pick<CodedFrame, 'width' | 'height' | 'rotation'>) =>
  rotation % 180 === 0 ? { width, height } : { width: height, height: width };
