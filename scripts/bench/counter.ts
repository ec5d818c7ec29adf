/**
 * A number drawn into a picture's top edge that survives coding, colour handling and rescaling: 16 bits as black and white blocks,
 * followed by the same 16 bits inverted, so that a misread shows itself.
 */
const BITS = 16;
const BLOCKS = BITS * 2;
const WHITE = 225;
const BLACK = 28;
const THRESHOLD = 128;

/** Side of a block: 32 of them take two fifths of the width, away from the faces. */
const blockSide = (width: number): number => Math.max(4, Math.floor((width * 0.4) / BLOCKS / 2) * 2);

export function drawCounter(luma: Uint8Array, width: number, value: number): void {
  const side = blockSide(width);
  const bits = (value & 0xffff) | (~value << BITS);
  for (let block = 0; block < BLOCKS; block++) {
    const level = (bits >>> block) & 1 ? WHITE : BLACK;
    for (let y = 0; y < side; y++) luma.fill(level, y * width + block * side, y * width + (block + 1) * side);
  }
}

/** Reads the number back; null when the two halves disagree. `stride`: luma bytes a row. */
export function readCounter(luma: Uint8Array, width: number, stride: number): number | null {
  const side = blockSide(width);
  let bits = 0;
  for (let block = 0; block < BLOCKS; block++) {
    let sum = 0;
    let count = 0;
    for (let y = side >> 2; y < side - (side >> 2); y++) {
      for (let x = side >> 2; x < side - (side >> 2); x++) {
        sum += luma[y * stride + block * side + x] ?? 0;
        count++;
      }
    }
    if (sum / count > THRESHOLD) bits |= 1 << block;
  }
  const value = bits & 0xffff;
  return ((bits >>> BITS) & 0xffff) === (~value & 0xffff) ? value : null;
}
