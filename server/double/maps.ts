import { setImmediate } from 'node:timers/promises';

/** A double's texture and the normals of its head, in texture space, as kernels read them: four float32 a texel. */
export interface Maps {
  /** side² × (R, G, B encoded 0–1, opening: 0 where eyes and mouth let the performer's own through). */
  texture: Float32Array;
  side: number;
  /** normalSide² × (x, y, z, 0): unit normals, camera axes, of a head that looks at the camera. */
  normals: Float32Array;
  normalSide: number;
  /** The texture in more detail, for close-ups: `side`² of the same, a byte each, until somebody comes close (detailTexture). */
  detail?: { bytes: Uint8Array; side: number };
}

const LANES = 4;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * `maps.bin`: the texture, then the normals, as above, little endian. They are larger so than as bytes, and nothing is left to do when a live feed
 * changes its look: what its thread does then, its pictures wait for.
 * @param planes of the texture R, G, B, opening, and of the normals x, y, z.
 */
export function encodeMaps(planes: { texture: Float32Array; normals: Float32Array }): Buffer {
  const texture = interleaved(planes.texture, LANES);
  const normals = interleaved(planes.normals, LANES - 1);
  return Buffer.concat([texture, normals].map(({ buffer }) => new Uint8Array(buffer)));
}

/** @throws Error with a sentence where the file is not as long as its sides say. */
export function decodeMaps(bytes: Buffer, side: number, normalSide: number, path: string): Maps {
  const after = LANES * BYTES * side * side;
  const length = after + LANES * BYTES * normalSide * normalSide;
  if (bytes.length !== length) {
    throw new Error(
      `${path} holds ${bytes.length} bytes where its sides in double.json make ${length}. Import the double again.`,
    );
  }
  // Views need addresses that are multiples of four; what was read whole has one, and is not copied while pictures wait.
  const whole = bytes.byteOffset % BYTES === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  const { buffer, byteOffset } = whole;
  return {
    texture: new Float32Array(buffer, byteOffset, after / BYTES),
    side,
    normals: new Float32Array(buffer, byteOffset + after, (length - after) / BYTES),
    normalSide,
  };
}

/** `detail.bin`: the texture in more detail, four bytes a texel (R, G, B, opening). @param planes R, G, B encoded 0–1, opening. */
export function encodeDetail(planes: Float32Array): Buffer {
  return Buffer.from(interleaved(planes, LANES).map((value) => Math.round(255 * Math.min(1, Math.max(0, value)))));
}

/** @throws Error with a sentence where the file is not as long as its side says. */
export function decodeDetail(bytes: Buffer, side: number, path: string): { bytes: Uint8Array; side: number } {
  if (bytes.length === LANES * side * side) return { bytes, side };
  throw new Error(
    `${path} holds ${bytes.length} bytes where its side in double.json makes ${LANES * side * side}. Import the double again.`,
  );
}

/** Converted at once, so many values: a live feed's pictures go on in between. */
const PIECE = 1 << 16;

/** The detail as `Maps.texture` is: a million values, beside a live feed's pictures. */
export async function detailTexture(bytes: Uint8Array): Promise<Float32Array> {
  const values = new Float32Array(bytes.length);
  for (let from = 0; from < bytes.length; from += PIECE) {
    if (from > 0) await setImmediate();
    const to = Math.min(from + PIECE, bytes.length);
    for (let at = from; at < to; at++) values[at] = bytes[at]! / 255;
  }
  return values;
}

/** Planes as four floats a texel; the fourth is 0 where there are three. */
function interleaved(planes: Float32Array, count: number): Float32Array<ArrayBuffer> {
  const texels = planes.length / count;
  const values = new Float32Array(LANES * texels);
  for (let plane = 0; plane < count; plane++) {
    const from = plane * texels;
    for (let texel = 0; texel < texels; texel++) values[LANES * texel + plane] = planes[from + texel]!;
  }
  return values;
}
