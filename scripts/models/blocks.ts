import { dim, input, type Lowering, output } from './lowering.ts';
import type { TfliteOp } from './tflite.ts';

/**
 * ONNX Runtime's x86 layout holds channels in blocks of so many (NCHWc, onnxruntime/core/optimizer/nchwc_transformer.cc). What is in that layout
 * stays in it only where each operator can be run on blocks; these are the ways round the two that cannot.
 */
const BLOCK = 16;

/** What leaves the channels that are 0 as they are, and what takes them as such. */
const PASSES_ON = new Set(['RELU', 'DEPTHWISE_CONV_2D']);
const TAKES = 'CONV_2D';

/**
 * How many channels the ONNX value of a picture has: a convolution of fewer channels than a block would have them brought out of the layout,
 * so they are made a block where only convolutions read them.
 */
export function channelsIn(l: Lowering, index: number): number {
  const channels = dim(l.shape(index), 3);
  if (channels >= BLOCK) return channels;
  const maker = l.maker(index);
  if (maker === null) return channels;
  if (PASSES_ON.has(maker.type)) return Math.max(channels, channelsIn(l, input(maker, 0)));
  return maker.type === 'CONV_2D' && endsInConvolutions(l, index) ? BLOCK : channels;
}

function endsInConvolutions(l: Lowering, index: number): boolean {
  const readers = l.readersOf(index);
  const takes = (op: TfliteOp): boolean =>
    op.type === TAKES || (PASSES_ON.has(op.type) && endsInConvolutions(l, output(op)));
  return readers.length > 0 && readers.every(takes);
}

/** A sum of a convolution and a picture of fewer channels, to which channels of 0 were joined. */
export interface ShortSum {
  convolution: TfliteOp;
  /** The picture as it was before. */
  short: number;
}

/** Joined channels leave the layout; the convolution's own, cut where the picture ends, do not. Null where it is no such sum. */
export function shortSum(l: Lowering, op: TfliteOp): ShortSum | null {
  const makers = [0, 1].map((n) => l.maker(input(op, n)));
  const convolution = makers.find((maker) => maker?.type === 'CONV_2D');
  const pad = makers.find((maker) => maker?.type === 'PAD');
  if (!convolution || !pad) return null;
  const short = input(pad, 0);
  const amounts = l.ints(input(pad, 1));
  const joined = amounts.every((amount, i) => (i === 7 ? amount > 0 : amount === 0));
  return joined && dim(l.shape(short), 3) % BLOCK === 0 ? { convolution, short } : null;
}
