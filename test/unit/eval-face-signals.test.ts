import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expressionOf, motionOf } from '../../scripts/eval/face-signals.ts';

const { positions, rightIris, leftIris } = JSON.parse(
  readFileSync(new URL('../../models/perception/face-mesh.json', import.meta.url), 'utf8'),
) as { positions: [number, number, number][]; rightIris: number[]; leftIris: number[] };

const LOWER_LIDS = [144, 145, 153, 373, 374, 380];
const UPPER_LIDS = [160, 159, 158, 387, 386, 385];

/** The canonical face on screen, 10 pixels a centimetre, irises in the middle of the eyes; `change` moves points first (centimetres, y up). */
function face(
  change: (i: number, p: [number, number, number]) => void = () => undefined,
  yaw = 0,
  roll = 0,
): Float32Array {
  const points = new Float32Array(3 * 478);
  for (let i = 0; i < 478; i++) {
    const eye = rightIris.includes(i) ? [33, 133] : leftIris.includes(i) ? [263, 362] : null;
    const [a, b] = (eye ?? [i, i]).map((k) => positions[k]!) as [[number, number, number], [number, number, number]];
    const p: [number, number, number] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
    change(i, p);
    const [x, z] = [p[0] * Math.cos(yaw) + p[2] * Math.sin(yaw), p[2] * Math.cos(yaw) - p[0] * Math.sin(yaw)];
    points[3 * i] = 300 + 10 * (x * Math.cos(roll) + p[1] * Math.sin(roll));
    points[3 * i + 1] = 200 - 10 * (p[1] * Math.cos(roll) - x * Math.sin(roll));
    points[3 * i + 2] = -10 * z;
  }
  return points;
}

const rest = expressionOf(face());
const move = (indices: readonly number[], axis: 0 | 1 | 2, by: number) => (i: number, p: [number, number, number]) => {
  if (indices.includes(i)) p[axis] += by;
};

describe('what a face does, read off its landmarks', () => {
  test('each movement moves its own signal, and no other', () => {
    const moved = {
      mouthOpen: expressionOf(face(move([14], 1, -1))),
      brow: expressionOf(face(move([52, 65, 66, 105, 107, 282, 295, 296, 334, 336], 1, 0.5))),
      gazeX: expressionOf(face(move([...rightIris, ...leftIris], 0, 0.4))),
    };
    for (const [signal, now] of Object.entries(moved) as [keyof typeof moved, typeof rest][]) {
      expect(now[signal]).toBeGreaterThan(rest[signal] + 0.04);
      for (const other of ['blink', 'brow', 'gazeX'] as const)
        if (other !== signal) expect(now[other]).toBeCloseTo(rest[other], 4);
    }
  });

  test('a blink closes the lids, and the gaze is not guessed behind them', () => {
    const shut = expressionOf(
      face((i, p) => {
        const lid = UPPER_LIDS.indexOf(i);
        if (lid >= 0) for (const axis of [0, 1, 2] as const) p[axis] = positions[LOWER_LIDS[lid]!]![axis];
      }),
    );
    expect(shut.blink).toBeCloseTo(0, 5);
    expect(rest.blink).toBeLessThan(-0.12);
    expect(shut.gazeX).toBeNaN();
  });

  test('a smile draws the corners of the mouth up; lips that only stretch are none', () => {
    const wide = expressionOf(face(move([61], 0, -0.4)));
    const high = expressionOf(face(move([61, 291], 1, 0.3)));
    expect(wide.smile).toBeCloseTo(rest.smile, 4);
    expect(high.smile).toBeCloseTo(rest.smile + 0.3, 4);
  });

  test('turning and tilting the head changes nothing', () => {
    const turned = expressionOf(face(undefined, 0.5, 0.3));
    for (const signal of ['mouthOpen', 'blink', 'smile', 'brow', 'gazeX'] as const)
      expect(turned[signal]).toBeCloseTo(rest[signal], 2);
  });

  test('motion has x and y of every mark, and gaps where there was no face', () => {
    const channels = motionOf([face(), null]);
    expect(channels.length % 2).toBe(0);
    for (const channel of channels)
      expect([Number.isFinite(channel[0]), Number.isNaN(channel[1])]).toEqual([true, true]);
  });
});
