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
  const texture = new Float32Array(TEXTURE_CHANNELS * texels);
  for (let i = 0; i < texture.length; i++) {
    const [plane, texel] = [Math.floor(i / texels), i % texels];
    texture[4 * texel + plane] = bytes.readUInt16LE(2 * i) / ONE;
  }
  const normalTexels = normalSide * normalSide;
  const normals = new Float32Array(4 * normalTexels);
  for (let i = 0; i < NORMAL_CHANNELS * normalTexels; i++) {
    const [plane, texel] = [Math.floor(i / normalTexels), i % normalTexels];
    normals[4 * texel + plane] = bytes.readInt16LE(after + 2 * i) / UNIT;
  }
  return { texture, side, normals, normalSide };
}
