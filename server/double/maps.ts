/** A double's texture and the normals of its head, in texture space, as kernels read them: four float32 a texel. */
export interface Maps {
  /** side² × (R, G, B encoded 0–1, opening: 0 where eyes and mouth let the performer's own through). */
  texture: Float32Array;
  side: number;
  /** normalSide² × (x, y, z, 0): unit normals, camera axes, of a head that looks at the camera. */
  normals: Float32Array;
  normalSide: number;
}

const TEXTURE_CHANNELS = 4;
const NORMAL_CHANNELS = 3;
const ONE = 65535;
const UNIT = 32767;

/** `maps.bin`: little endian, texture as planes R, G, B, opening of unsigned 16 bits (65535 is 1), normals as planes x, y, z of signed ones (32767 is 1). */
export function encodeMaps(planes: { texture: Float32Array; normals: Float32Array }): Buffer {
  const bytes = Buffer.alloc(2 * (planes.texture.length + planes.normals.length));
  let at = 0;
  for (const value of planes.texture) at = bytes.writeUInt16LE(Math.round(Math.min(1, Math.max(0, value)) * ONE), at);
  for (const value of planes.normals) at = bytes.writeInt16LE(Math.round(value * UNIT), at);
  return bytes;
}

/** @throws Error with a sentence where the file is not as long as its sides say. */
export function decodeMaps(bytes: Buffer, side: number, normalSide: number, path: string): Maps {
  const texels = side * side;
  const after = 2 * TEXTURE_CHANNELS * texels;
  const length = after + 2 * NORMAL_CHANNELS * normalSide * normalSide;
  if (bytes.length !== length) {
    throw new Error(
      `${path} holds ${bytes.length} bytes where its sides in double.json make ${length}. Import the double again.`,
    );
  }
  // Copied: typed views need even addresses. A live feed's thread does this while it changes its look, so it is done in plain loops.
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + length);
  const texture = interleaved(new Uint16Array(copy, 0, TEXTURE_CHANNELS * texels), TEXTURE_CHANNELS, ONE);
  const normals = interleaved(new Int16Array(copy, after), NORMAL_CHANNELS, UNIT);
  return { texture, side, normals, normalSide };
}

/** Planes as four floats a texel. */
function interleaved(planes: Uint16Array | Int16Array, count: number, one: number): Float32Array {
  const texels = planes.length / count;
  const values = new Float32Array(4 * texels);
  for (let plane = 0; plane < count; plane++) {
    const from = plane * texels;
    for (let texel = 0; texel < texels; texel++) values[4 * texel + plane] = planes[from + texel]! / one;
  }
  return values;
}
