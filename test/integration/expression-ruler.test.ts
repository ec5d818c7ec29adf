import { expect, test } from 'vitest';
import { DEMO, MODELS_DIR, withEngine } from '../../scripts/eval/engine.ts';
import { ExpressionRuler, lookedAt, RULED, SIDE } from '../../scripts/eval/expression-ruler.ts';
import { FaceReader } from '../../scripts/eval/face-reader.ts';
import type { Expression } from '../../scripts/eval/face-signals.ts';
import { pearson } from '../../scripts/eval/series.ts';
import { readTogether } from '../../scripts/eval/together.ts';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { DEMO_SECONDS, demoMoment } from '../../scripts/performer/motion.ts';

const DEMO_PICTURES = 330;
const EVERY = 5;
const POSITIONS = readFaceMesh().positions;

/** The canonical face on screen, `scale` pixels a centimetre, turned by `yaw` radians. */
const face = (x: number, y: number, scale: number, yaw = 0): Float32Array =>
  new Float32Array(3 * 478).map((_, i) => {
    const [px, py, pz] = POSITIONS[Math.floor(i / 3)] ?? [0, 0, 0];
    const turned = [px * Math.cos(yaw) + pz * Math.sin(yaw), -py, px * Math.sin(yaw) - pz * Math.cos(yaw)];
    return scale * turned[i % 3]! + (i % 3 === 0 ? x : i % 3 === 1 ? y : 0);
  });

/** What the rig of the demo clip did in a picture. */
function rig(picture: number): Record<(typeof RULED)[number], number> {
  const { expression } = demoMoment((picture / (DEMO_PICTURES - 1)) * DEMO_SECONDS);
  const unit = (name: string): number => expression[name] ?? 0;
  return {
    mouthOpen: unit('mouth-open'),
    blink: unit('eye-left-closure'),
    smile: unit('mouth-corner-puller'),
    brow: unit('eyebrows-left-up') - unit('eyebrows-left-down'),
  };
}

test('what lips, lids and brows do is read off the pictures of a performer whom the ruler has never seen', async () => {
  const read: Expression[] = [];
  const did: ReturnType<typeof rig>[] = [];
  await withEngine(async ({ engine, runtime }) => {
    const reader = await FaceReader.open({ ...engine, runtime, modelsDir: MODELS_DIR });
    const ruler = await ExpressionRuler.open({ ...engine, runtime });
    let about = face(640, 320, 12);
    let index = 0;
    for await (const { plate } of readTogether({ plate: DEMO }, engine.pictures)) {
      if (index % EVERY === 0) {
        const points = await reader.read('plate', plate!, about);
        if (points) {
          about = points;
          read.push(await ruler.read(reader.looked, points));
          did.push(rig(index));
        }
      }
      index++;
    }
    reader.close();
    ruler.close();
  });
  expect(read.length).toBeGreaterThan(60);
  const follows = Object.fromEntries(
    RULED.map((signal) => [
      signal,
      pearson(
        read.map((one) => one[signal]),
        did.map((one) => one[signal]),
      ),
    ]),
  );
  for (const signal of RULED) expect(follows[signal], JSON.stringify(follows)).toBeGreaterThan(0.8);
});

test('the ruler looks at a face upright and always as large, wherever it is in the picture and however it leans', () => {
  const points = face(200, 240, 10, 0.4);
  const [a, b, c, d, e, f] = lookedAt(points);
  const [lean, grown, dx, dy] = [0.4, 2.5, 33, -12];
  const [cos, sin] = [grown * Math.cos(lean), grown * Math.sin(lean)];
  const moved = points.map((value, i) => {
    const at = i - (i % 3);
    const [x, y] = [points[at]!, points[at + 1]!];
    return i % 3 === 0 ? cos * x - sin * y + dx : i % 3 === 1 ? sin * x + cos * y + dy : grown * value;
  });
  const then = lookedAt(moved);
  const middle = (SIDE - 1) / 2;
  for (const [u, v] of [
    [0, 0],
    [SIDE - 1, 0],
    [middle, middle],
    [10, SIDE - 1],
  ] as const) {
    const [x, y] = [a * u + b * v + c, d * u + e * v + f];
    expect(then[0] * u + then[1] * v + then[2]).toBeCloseTo(cos * x - sin * y + dx, 1);
    expect(then[3] * u + then[4] * v + then[5]).toBeCloseTo(sin * x + cos * y + dy, 1);
  }
});
