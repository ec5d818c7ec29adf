/**
 * Test pictures that a program can read back: colour bars with a ramp, and a counter with a time code in the picture.
 * Everything is drawn in 8-bit sRGB values on a canvas; the geometry scales with the picture.
 */

/** Bars from left to right, 75 % and the greys between; R, G, B 0–255. */
export const BARS: readonly (readonly [number, number, number])[] = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [16, 16, 16],
];
/** The ramp's steps from left to right, grey 0–255. */
export const RAMP: readonly number[] = Array.from({ length: 16 }, (_, step) => step * 17);

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Where a bar or a ramp step is, in pixels of a width × height card: x, y, width, height. */
export function barBox(index: number, width: number, height: number): [number, number, number, number] {
  const left = Math.round((index * width) / BARS.length);
  return [left, 0, Math.round(((index + 1) * width) / BARS.length) - left, Math.round(height * 0.7)];
}

export function rampBox(index: number, width: number, height: number): [number, number, number, number] {
  const left = Math.round((index * width) / RAMP.length);
  const top = Math.round(height * 0.7);
  return [left, top, Math.round(((index + 1) * width) / RAMP.length) - left, height - top];
}

export function drawBars(context: Context, width: number, height: number): void {
  for (const [index, [r, g, b]] of BARS.entries()) {
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(...barBox(index, width, height));
  }
  for (const [index, grey] of RAMP.entries()) {
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect(...rampBox(index, width, height));
  }
}

/** Two rows of 32 cells at the top left: 24 bits and an 8-bit check each. Large enough to survive any bitrate we use. */
const CELLS = 32;
const ROWS = 2;
const MASK = 0xffffff;

/** Cell size in pixels: a 48th of the width, so that a picture whose resolution was lowered on the way still reads. */
const cellSize = (width: number) => width / 48;

/** What one picture carries: its number, and the time it was drawn (ms since the epoch, modulo 2^24: 4.6 hours). */
export interface CounterMark {
  count: number;
  drawnMs: number;
}

/** The room that the marks take, in pixels; a reader needs no more of the picture than this. */
export function counterBox(width: number): { width: number; height: number } {
  return { width: Math.ceil(cellSize(width) * (CELLS + 1)), height: Math.ceil(cellSize(width) * (ROWS + 1)) };
}

function check(value: number): number {
  let sum = 0x5a;
  for (let shift = 0; shift < 24; shift += 8) sum = (Math.imul(sum, 31) + ((value >>> shift) & 255)) & 255;
  return sum;
}

export function drawCounter(context: Context, width: number, mark: CounterMark): void {
  const cell = cellSize(width);
  const box = counterBox(width);
  context.fillStyle = '#808080';
  context.fillRect(0, 0, box.width, box.height);
  for (const [row, value] of [mark.count & MASK, Math.round(mark.drawnMs) & MASK].entries()) {
    const word = [value, check(value)] as const;
    for (let bit = 0; bit < CELLS; bit++) {
      const one = bit < 24 ? (word[0] >>> bit) & 1 : (word[1] >>> (bit - 24)) & 1;
      context.fillStyle = one ? '#f0f0f0' : '#101010';
      context.fillRect(cell / 2 + bit * cell, cell / 2 + row * cell, cell, cell);
    }
  }
}

/** Reads the marks from RGBA pixels of at least counterBox(pictureWidth); null when they do not pass their check. */
export function readCounter(pixels: Uint8ClampedArray, stride: number, pictureWidth: number): CounterMark | null {
  const cell = cellSize(pictureWidth);
  const words: number[] = [];
  for (let row = 0; row < ROWS; row++) {
    let value = 0;
    let sum = 0;
    for (let bit = 0; bit < CELLS; bit++) {
      const x = Math.floor(cell + bit * cell);
      const y = Math.floor(cell + row * cell);
      const one = (pixels[(y * stride + x) * 4 + 1] ?? 0) > 128 ? 1 : 0;
      if (bit < 24) value |= one << bit;
      else sum |= one << (bit - 24);
    }
    if (check(value) !== sum) return null;
    words.push(value);
  }
  return { count: words[0] ?? 0, drawnMs: words[1] ?? 0 };
}

/** The page's clock as the marks carry it. Two pages on one machine agree to well under a millisecond. */
export const epochMs = () => performance.timeOrigin + performance.now();

/** Milliseconds from a mark's drawing to a moment (epoch ms), over the 24-bit wrap. */
export function sinceDrawn(mark: CounterMark, atEpochMs: number): number {
  const difference = (((atEpochMs % (MASK + 1)) - mark.drawnMs) % (MASK + 1)) + (MASK + 1);
  const wrapped = difference % (MASK + 1);
  return wrapped > MASK / 2 ? wrapped - (MASK + 1) : wrapped;
}
