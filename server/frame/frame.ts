/** A camera's or encoder's colour description, in the words of ITU-T H.273 (VUI). `unknown` means the bitstream did not say. */
export interface Colour {
  matrix: 'bt709' | 'bt601' | 'bt2020' | 'unknown';
  primaries: 'bt709' | 'bt601' | 'bt2020' | 'unknown';
  transfer: 'bt709' | 'bt601' | 'srgb' | 'pq' | 'hlg' | 'unknown';
  range: 'limited' | 'full' | 'unknown';
}

export const UNKNOWN_COLOUR: Colour = {
  matrix: 'unknown',
  primaries: 'unknown',
  transfer: 'unknown',
  range: 'unknown',
};

/** Who a picture is, from camera to monitor: it survives every hop unchanged. */
export interface FrameId {
  feed: string;
  /** The camera's own RTP timestamp, 90 kHz, 32 bits, as received. */
  rtpTs: number;
  /** Capture time on the server's monotonic clock, microseconds. */
  captureUs: number;
}

/** One decoded picture: 4:2:0 planes, rows packed (stride = width), chroma sizes rounded up. */
export interface Frame {
  /** Y, U, V. */
  planes: readonly [Uint8Array, Uint8Array, Uint8Array];
  format: 'i420' | 'i010';
  width: number;
  height: number;
  colour: Colour;
  id: FrameId;
}

/** A frame whose planes lie one after the other in kernel memory, so that kernels and networks reach it without a copy. */
export interface Picture extends Frame {
  /** Byte offset of Y in kernel memory; U and V follow directly. */
  readonly at: number;
}

/** Samples in a chroma plane's row (or rows in it) for a luma size: 4:2:0 rounds up. */
export const chromaSize = (luma: number): number => (luma + 1) >> 1;

/** Bytes of an 8-bit 4:2:0 picture. */
export const i420Bytes = (width: number, height: number): number =>
  width * height + 2 * chromaSize(width) * chromaSize(height);
