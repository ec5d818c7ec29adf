import { describe, expect, test } from 'vitest';
import { canonicalOf } from '../../scripts/double/face-mesh.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { fitPose, rotate } from '../../server/double/pose.ts';

const mesh = readFaceMesh();
const canonical = Float32Array.from(canonicalOf(mesh));

/** Rotation by yaw, then pitch, then roll, row-major. */
function rotation(yaw: number, pitch: number, roll: number): Float32Array {
  const [cy, sy, cp, sp, cr, sr] = [yaw, pitch, roll].flatMap((a) => [Math.cos(a), Math.sin(a)]) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const turn = [cy, 0, sy, 0, 1, 0, -sy, 0, cy];
  const nod = [1, 0, 0, 0, cp, -sp, 0, sp, cp];
  const tilt = [cr, -sr, 0, sr, cr, 0, 0, 0, 1];
  const times = (a: number[], b: number[]): number[] =>
    a.map((_, i) => [0, 1, 2].reduce((sum, k) => sum + a[3 * Math.floor(i / 3) + k]! * b[3 * k + (i % 3)]!, 0));
  return Float32Array.from(times(tilt, times(nod, turn)));
}

function posed(scale: number, r: Float32Array, move: readonly number[]): Float32Array {
  const points = new Float32Array(canonical.length);
  for (let i = 0; i < canonical.length; i += 3) {
    rotate(r, canonical[i]!, canonical[i + 1]!, canonical[i + 2]!).forEach((value, k) => {
      points[i + k] = scale * value + move[k]!;
    });
  }
  return points;
}

describe('fitPose', () => {
  test.each([
    ['a frontal head', 0, 0, 0],
    ['turned, nodding and tilted', 0.7, -0.3, 0.5],
    ['upside down', 0.2, 0.1, 3],
  ])('finds %s again', (_, yaw, pitch, roll) => {
    const r = rotation(yaw, pitch, roll);
    const pose = fitPose(canonical, posed(8.5, r, [320, 200, 15]), mesh.rigid);
    expect(pose.scale).toBeCloseTo(8.5, 3);
    expect(pose.translation.map((value) => Math.round(value * 100) / 100)).toEqual([320, 200, 15]);
    for (let i = 0; i < 9; i++) expect(pose.rotation[i]).toBeCloseTo(r[i]!, 4);
  });

  test('an opening mouth does not change the scale', () => {
    const points = posed(8.5, rotation(0.2, 0, 0), [320, 200, 15]);
    for (const chin of [152, 148, 377, 175, 17, 14]) points[3 * chin + 1]! += 25;
    expect(fitPose(canonical, points, mesh.rigid).scale).toBeCloseTo(8.5, 1);
  });

  test('landmarks that all lie in one place give a finite pose, not NaN', () => {
    const pose = fitPose(canonical, new Float32Array(canonical.length), mesh.rigid);
    expect([pose.scale, ...pose.rotation, ...pose.translation].every(Number.isFinite)).toBe(true);
  });
});
