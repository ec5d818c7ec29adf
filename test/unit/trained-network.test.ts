import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { learnedGraph } from '../../scripts/double/learned-graph.ts';
import { readTrained } from '../../scripts/double/trained-network.ts';
import { writeTraining } from '../../scripts/double/training-card.ts';
import { OnnxGraph } from '../../scripts/models/onnx-graph.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-trained-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SIDE = 4;

/** One input plane; its halves summed, doubled, rectified, added to itself, shuffled. */
function write(weights: number[], nodes: unknown[], part = [16, 32, 224, 192]): void {
  writeFileSync(join(dir, 'network.weights'), new Uint8Array(Float32Array.from(weights).buffer));
  writeFileSync(
    join(dir, 'network.json'),
    JSON.stringify({
      format: 2,
      window: part,
      inputs: ['given'],
      outputs: ['out'],
      nodes,
      training: { seed: 1 },
    }),
  );
}

const NODES = [
  // The mean of each 2×2 less a half.
  {
    op: 'conv',
    from: 'given',
    to: 'half',
    inputs: 1,
    outputs: 1,
    kernel: 2,
    stride: 2,
    relu: true,
    weights: [0, 4],
    bias: [4, 1],
  },
  { op: 'double', from: 'half', to: 'again' },
  { op: 'add', from: 'again', and: 'given', to: 'sum' },
  // Four planes: the value times 1, 2, 3, 4.
  {
    op: 'conv',
    from: 'sum',
    to: 'four',
    inputs: 1,
    outputs: 4,
    kernel: 1,
    stride: 1,
    relu: false,
    weights: [5, 4],
    bias: [9, 4],
  },
  { op: 'shuffle', from: 'four', to: 'out' },
];
const WEIGHTS = [0.25, 0.25, 0.25, 0.25, -0.5, 1, 2, 3, 4, 0, 0, 0, 10];

test('the steps that training leaves become an ONNX graph that computes them', async () => {
  write(WEIGHTS, NODES);
  const g = new OnnxGraph('test');
  const { out } = readTrained(dir).build(g, { given: g.input('x', [1, 1, SIDE, SIDE]) }, ['out']);
  g.output('y', out, [1, 1, 2 * SIDE, 2 * SIDE]);
  const session = await ort.InferenceSession.create(g.encode({}));
  const x = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (i % 5) / 4);
  const run = await session.run({ x: new ort.Tensor('float32', x, [1, 1, SIDE, SIDE]) });
  const y = run.y?.data as Float32Array;
  const at = (row: number, column: number): number => x[row * SIDE + column] ?? Number.NaN;
  for (let row = 0; row < 2 * SIDE; row++)
    for (let column = 0; column < 2 * SIDE; column++) {
      const [r, c] = [row >> 1, column >> 1];
      const [r0, c0] = [r & ~1, c & ~1];
      const mean = (at(r0, c0) + at(r0, c0 + 1) + at(r0 + 1, c0) + at(r0 + 1, c0 + 1)) / 4;
      const plane = 2 * (row & 1) + (column & 1);
      const expected = (plane + 1) * (Math.max(0, mean - 0.5) + at(r, c)) + (plane === 3 ? 10 : 0);
      expect(y[row * 2 * SIDE + column]).toBeCloseTo(expected, 5);
    }
  await session.release();
});

test('a convolution in groups mixes no channels of different groups', async () => {
  // Two planes, x and 3x (one step makes them), each times its own number, then both added in one.
  const step = { op: 'conv', kernel: 1, stride: 1, relu: false };
  write(
    [1, 3, 0, 0, 10, 100, 0.5, 0.25, 1, 1, 0],
    [
      { ...step, from: 'given', to: 'two', inputs: 1, outputs: 2, weights: [0, 2], bias: [2, 2] },
      { ...step, from: 'two', to: 'each', inputs: 2, outputs: 2, groups: 2, weights: [4, 2], bias: [6, 2] },
      { ...step, from: 'each', to: 'out', inputs: 2, outputs: 1, weights: [8, 2], bias: [10, 1] },
    ],
  );
  const g = new OnnxGraph('test');
  const { out } = readTrained(dir).build(g, { given: g.input('x', [1, 1, SIDE, SIDE]) }, ['out']);
  g.output('y', out, [1, 1, SIDE, SIDE]);
  const session = await ort.InferenceSession.create(g.encode({}));
  const x = Float32Array.from({ length: SIDE * SIDE }, (_, i) => i / 8);
  const run = await session.run({ x: new ort.Tensor('float32', x, [1, 1, SIDE, SIDE]) });
  expect(Array.from(run.y?.data as Float32Array)).toEqual([...x].map((value) => 310 * value + 0.75));
  await session.release();
});

test('weights that are too short, and a step without its input, are refused', () => {
  const build = (name = 'given') => {
    const g = new OnnxGraph('test');
    readTrained(dir).build(g, { [name]: g.input('x', [1, 1, SIDE, SIDE]) }, ['out']);
  };
  write(WEIGHTS.slice(0, -1), NODES);
  expect(() => build()).toThrow(/shorter/);
  write(WEIGHTS, NODES.slice(1));
  expect(() => build()).toThrow(/nothing in network.json makes half/);
  write(WEIGHTS, NODES);
  expect(() => build('taken')).toThrow(/nothing in network.json makes given/);
  write(WEIGHTS, NODES, [0, 0, 256, 256]);
  expect(() => learnedGraph(readTrained(dir))).toThrow(/trained for the part 0, 0, 256, 256/);
});

test('what a training came to stands in the card once, in place of what stood there', () => {
  const card = join(dir, 'CARD.md');
  writeFileSync(
    card,
    'Before.\n<!-- training: written by scripts/double/build-learned.ts -->\n<!-- /training -->\nAfter.\n',
  );
  writeTraining(card, { seed: 1, hours: 2 });
  writeTraining(card, { seed: 3, data: { faces: 40 }, before: { hours: 5 } });
  expect(readFileSync(card, 'utf8').split('\n')).toEqual([
    'Before.',
    '<!-- training: written by scripts/double/build-learned.ts -->',
    '| Training | |',
    '|---|---|',
    '| Seed | 3 |',
    '| Recorded faces | 40 |',
    '| *before that* | |',
    '| Hours | 5 |',
    '<!-- /training -->',
    'After.',
    '',
  ]);
  writeFileSync(card, 'No place.');
  expect(() => writeTraining(card, {})).toThrow(/has no place/);
});
