import { type Colour, UNKNOWN_COLOUR } from '../../frame/frame.ts';

/** What a sequence parameter set says of the picture (ITU-T H.264 §7.3.2.1.1 and annex E). */
export interface SpsInfo {
  profileIdc: number;
  constraints: number;
  levelIdc: number;
  /** Pixels after cropping. */
  width: number;
  height: number;
  colour: Colour;
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Macroblocks a side: 16384 pixels. */
const MAX_SIDE_MB = 1024;

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new RangeError('The parameter set ends too early.');
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at++;
    return bit;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** ue(v), Exp-Golomb. */
  unsigned(): number {
    let zeros = 0;
    while (this.bit() === 0) if (++zeros > 31) throw new RangeError('An Exp-Golomb code is too long.');
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v). */
  signed(): number {
    const code = this.unsigned();
    return code & 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** Removes emulation prevention bytes (§7.4.1). */
function withoutEmulation(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + bits.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** Returns chroma_format_idc. */
function skipHighFields(bits: BitReader): number {
  const chroma = bits.unsigned();
  if (chroma > 3) throw new RangeError('There is no such chroma format.');
  if (chroma === 3) bits.bit();
  bits.unsigned();
  bits.unsigned();
  bits.bit();
  if (bits.bit()) {
    for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) if (bits.bit()) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  return chroma;
}

function skipPictureOrder(bits: BitReader): void {
  bits.unsigned();
  const type = bits.unsigned();
  if (type === 0) bits.unsigned();
  if (type === 1) {
    bits.bit();
    bits.signed();
    bits.signed();
    const cycle = bits.unsigned();
    if (cycle > 255) throw new RangeError('The picture order cycle is too long.');
    for (let i = 0; i < cycle; i++) bits.signed();
  }
  bits.unsigned();
  bits.bit();
}

/** ITU-T H.273 code points in our words. */
const PRIMARIES = new Map<number, Colour['primaries']>([
  [1, 'bt709'],
  [5, 'bt601'],
  [6, 'bt601'],
  [9, 'bt2020'],
]);
const MATRICES = new Map<number, Colour['matrix']>([
  [1, 'bt709'],
  [5, 'bt601'],
  [6, 'bt601'],
  [9, 'bt2020'],
]);
const TRANSFERS = new Map<number, Colour['transfer']>([
  [1, 'bt709'],
  [6, 'bt601'],
  [13, 'srgb'],
  // BT.2020's own curve is BT.709's.
  [14, 'bt709'],
  [15, 'bt709'],
  [16, 'pq'],
  [18, 'hlg'],
]);

function readVuiColour(bits: BitReader): Colour {
  if (bits.bit() && bits.bits(8) === 255) bits.bits(32);
  if (bits.bit()) bits.bit();
  if (!bits.bit()) return UNKNOWN_COLOUR;
  bits.bits(3);
  const range = bits.bit() ? 'full' : 'limited';
  if (!bits.bit()) return { ...UNKNOWN_COLOUR, range };
  return {
    primaries: PRIMARIES.get(bits.bits(8)) ?? 'unknown',
    transfer: TRANSFERS.get(bits.bits(8)) ?? 'unknown',
    matrix: MATRICES.get(bits.bits(8)) ?? 'unknown',
    range,
  };
}

function readPicture(bits: BitReader, chroma: number): { width: number; height: number } {
  const widthMb = bits.unsigned() + 1;
  const heightUnits = bits.unsigned() + 1;
  const frameOnly = bits.bit();
  if (!frameOnly) bits.bit();
  bits.bit();
  const fields = 2 - frameOnly;
  if (widthMb > MAX_SIDE_MB || heightUnits * fields > MAX_SIDE_MB) throw new RangeError('The picture is too large.');
  const width = widthMb * 16;
  const height = heightUnits * 16 * fields;
  if (!bits.bit()) return { width, height };
  const cropX = chroma === 1 || chroma === 2 ? 2 : 1;
  const cropY = (chroma === 1 ? 2 : 1) * fields;
  const cropWidth = (bits.unsigned() + bits.unsigned()) * cropX;
  const cropHeight = (bits.unsigned() + bits.unsigned()) * cropY;
  if (cropWidth >= width || cropHeight >= height) throw new RangeError('The cropping leaves no picture.');
  return { width: width - cropWidth, height: height - cropHeight };
}

/** `nal` without a start code, type 7. Null where it is broken. */
export function parseSps(nal: Uint8Array): SpsInfo | null {
  if (((nal[0] ?? 0) & 0x1f) !== 7 || nal.length < 5) return null;
  try {
    const body = withoutEmulation(nal.subarray(1));
    const [profileIdc = 0, constraints = 0, levelIdc = 0] = body;
    const bits = new BitReader(body.subarray(3));
    bits.unsigned();
    const chroma = HIGH_PROFILES.has(profileIdc) ? skipHighFields(bits) : 1;
    skipPictureOrder(bits);
    const size = readPicture(bits, chroma);
    const colour = bits.bit() ? readVuiColour(bits) : UNKNOWN_COLOUR;
    return { profileIdc, constraints, levelIdc, ...size, colour };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
