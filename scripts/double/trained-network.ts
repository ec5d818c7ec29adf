import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SIZE } from '../../server/double/surface.ts';
import type { OnnxGraph } from '../models/onnx-graph.ts';

const nat = z.number().int().nonnegative();
const span = z.tuple([nat, z.number().int().positive()]);
const node = z.discriminatedUnion('op', [
  /** `kernel`² convolution, `stride`, zero padding that keeps (or halves) the size, in `groups` of channels; weights out × in/groups × k × k, then a bias each. */
  z.object({
    op: z.literal('conv'),
    from: z.string(),
    to: z.string(),
    inputs: z.number().int().positive(),
    outputs: z.number().int().positive(),
    kernel: z.number().int().positive(),
    stride: z.number().int().positive(),
    relu: z.boolean(),
    groups: z.number().int().positive().default(1),
    weights: span,
    bias: span,
  }),
  z.object({ op: z.literal('add'), from: z.string(), and: z.string(), to: z.string() }),
  /** Twice the size, each value four times. */
  z.object({ op: z.literal('double'), from: z.string(), to: z.string() }),
  /** Four channels become one of twice the size (pixel shuffle). */
  z.object({ op: z.literal('shuffle'), from: z.string(), to: z.string() }),
]);
const description = z.object({
  format: z.literal(2),
  /** The part of the crop that it works on. */
  window: z.tuple([nat, nat, nat, nat]),
  /** Names of the values that it is given, and of those that it makes. */
  inputs: z.array(z.string()),
  outputs: z.array(z.string()),
  nodes: z.array(node),
  training: z.record(z.string(), z.unknown()),
});

/** A network as scripts/training/train.py leaves it: `network.json` and `network.weights`, float32, little endian. */
export interface TrainedNetwork {
  /** Seed, data, hours and measures of its training. */
  training: Record<string, unknown>;
  /** The part of the crop that it works on, in its pixels; beyond it nothing changes. */
  window: readonly [top: number, left: number, height: number, width: number];
  /**
   * Adds what makes these of its outputs to a graph. Answers the graph's names of them. @param given the graph's name for each input.
   * @throws Error where an input is missing, or nothing makes an output.
   */
  build<O extends string>(
    g: OnnxGraph,
    given: Readonly<Record<string, string>>,
    wanted: readonly O[],
  ): Record<O, string>;
}

/** Cuts the part of a SIZE² crop that a network works on, and puts what it made back into a crop of zeros. */
export function windowed(g: OnnxGraph, [top, left, height, width]: TrainedNetwork['window']) {
  const [bottom, right] = [top + height, left + width];
  return {
    cut: (value: string): string =>
      g.add('Slice', [value, g.ints([top, left]), g.ints([bottom, right]), g.ints([2, 3])]),
    whole: (value: string): string =>
      g.add('Pad', [value, g.ints([0, 0, top, left, 0, 0, SIZE - bottom, SIZE - right])], { mode: 'constant' }),
  };
}

/** @throws Error where a file is missing or not what it should be. */
export function readTrained(dir: string): TrainedNetwork {
  const { window, nodes, training } = description.parse(JSON.parse(readFileSync(join(dir, 'network.json'), 'utf8')));
  const bytes = readFileSync(join(dir, 'network.weights'));
  const weights = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  // 11 significant bits, as half precision has: colours agree to a fraction of a code value, and the repository, which keeps every network for ever, to half the bytes.
  const words = new Uint32Array(weights.buffer);
  for (const [i, word] of words.entries()) words[i] = (word + 0xfff + ((word >>> 13) & 1)) & ~0x1fff;
  const part = ([from, count]: [number, number]): Float32Array => {
    if (from + count > weights.length) throw new Error(`${dir}: network.weights is shorter than network.json says.`);
    return weights.subarray(from, from + count);
  };
  return {
    training,
    window,
    build(g, given, wanted) {
      const values = new Map(Object.entries(given));
      const value = (name: string): string => {
        const known = values.get(name);
        if (known === undefined) throw new Error(`${dir}: nothing in network.json makes ${name}.`);
        return known;
      };
      for (const step of neededFor(wanted, nodes)) values.set(step.to, add(g, step, value, part));
      return Object.fromEntries(wanted.map((name) => [name, value(name)])) as Record<(typeof wanted)[number], string>;
    },
  };
}

/** The steps that these values are made by, in their order. */
function neededFor(wanted: readonly string[], nodes: readonly z.infer<typeof node>[]): z.infer<typeof node>[] {
  const needed = new Set(wanted);
  return nodes
    .toReversed()
    .filter((step) => {
      if (!needed.has(step.to)) return false;
      needed.add(step.from);
      if (step.op === 'add') needed.add(step.and);
      return true;
    })
    .toReversed();
}

function add(
  g: OnnxGraph,
  step: z.infer<typeof node>,
  value: (name: string) => string,
  part: (span: [number, number]) => Float32Array,
): string {
  const from = value(step.from);
  switch (step.op) {
    case 'conv': {
      const { inputs, outputs, kernel, stride, groups } = step;
      const pad = kernel % 2 === 1 ? (kernel - 1) / 2 : 0;
      const made = g.add(
        'Conv',
        [
          from,
          g.floats(part(step.weights), [outputs, inputs / groups, kernel, kernel]),
          g.floats(part(step.bias), [outputs]),
        ],
        { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], group: groups },
      );
      return step.relu ? g.add('Relu', [made]) : made;
    }
    case 'add':
      return g.add('Add', [from, value(step.and)]);
    case 'double':
      return g.add('Resize', [from, '', g.floats([1, 1, 2, 2], [4])], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
    case 'shuffle':
      return g.add('DepthToSpace', [from], { blocksize: 2, mode: 'CRD' });
  }
}
