import ort from 'onnxruntime-node';
import { createFrameRenderer, type Moment, SUPERSAMPLE } from './frame.ts';
import type { Performer } from './performer.ts';
import { NEUTRAL_POSE } from './pose.ts';
import { PART_SHIFT, TRIANGLE_MASK } from './raster.ts';
import { beautyLight, type Camera } from './scene.ts';
import { encodeSrgb } from './texture.ts';

/** With fewer good views than this something is wrong with the renders. */
const LEAST_VIEWS = 7;

export const LANDMARK_COUNT = 468;
/** Side of the landmark model's input, and how much wider than the face its crop is. */
const INPUT = 192;
const CROP = 1.5;
const RENDER = 2 * INPUT;

/** A sighting of a landmark on the neutral head: position and how squarely it faced the camera. */
interface Sighting {
  at: [number, number, number];
  weight: number;
}

const VIEWS_DEG: readonly (readonly [yaw: number, pitch: number])[] = [
  [0, 0],
  [-20, 0],
  [20, 0],
  [-40, 0],
  [40, 0],
  [-10, 8],
  [10, 8],
  [0, -10],
  [-30, -6],
  [30, -6],
];

/**
 * Finds the 468 landmarks on the neutral head: the landmark model looks at renders from several sides, its points are
 * traced back to the surface, and each landmark becomes the weighted median of where it was seen. Decimetres.
 */
export async function findLandmarks(performer: Performer, modelPath: string): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(modelPath, { intraOpNumThreads: 1 });
  const renderer = createFrameRenderer(performer, RENDER, RENDER, new Float32Array(3 * RENDER * RENDER).fill(0.2));
  const sightings: Sighting[][] = Array.from({ length: LANDMARK_COUNT }, () => []);
  let used = 0;
  for (const [yaw, pitch] of VIEWS_DEG) {
    // The face swings about the neck: start where it will be.
    let window: Window = {
      x: 0.9 * Math.sin((yaw * Math.PI) / 180),
      y: -0.3 + 0.9 * Math.sin((pitch * Math.PI) / 180),
      height: 2.1 * CROP,
    };
    for (let pass = 0; pass < 3; pass++) {
      const moment = momentOf(yaw, pitch, window);
      const reading = await readPoints(session, renderer.render(moment));
      if (reading.presence < 0.5) break;
      window = reframe(reading.points, window);
      if (pass < 2) continue;
      used++;
      trace(performer, renderer, reading.points, moment.camera, sightings);
    }
  }
  process.stderr.write(`landmarks read in ${used} of ${VIEWS_DEG.length} views\n`);
  if (used < LEAST_VIEWS)
    throw new Error(
      `The landmark model saw a face in ${used} of ${VIEWS_DEG.length} renders only; the double's landmarks would be guesses.`,
    );
  await session.release();
  return combine(sightings);
}

interface Window {
  x: number;
  y: number;
  height: number;
}

function momentOf(yaw: number, pitch: number, w: Window): Moment {
  const distance = 12;
  const camera: Camera = { position: [w.x, w.y, distance], opening: w.height / distance };
  const pose = { ...NEUTRAL_POSE, yaw: (yaw * Math.PI) / 180, pitch: (pitch * Math.PI) / 180 };
  return { expression: {}, pose, camera, lighting: beautyLight() };
}

async function readPoints(
  session: ort.InferenceSession,
  linear: Float32Array,
): Promise<{ points: Float32Array; presence: number }> {
  const input = new Float32Array(3 * INPUT * INPUT);
  for (let y = 0; y < INPUT; y++)
    for (let x = 0; x < INPUT; x++)
      for (let c = 0; c < 3; c++) {
        const k = 3 * (2 * y * RENDER + 2 * x) + c;
        const mean = (linear[k]! + linear[k + 3]! + linear[k + 3 * RENDER]! + linear[k + 3 * RENDER + 3]!) / 4;
        input[(c * INPUT + y) * INPUT + x] = encodeSrgb(mean) / 255;
      }
  const out = await session.run({ input: new ort.Tensor('float32', input, [1, 3, INPUT, INPUT]) });
  const tensor = (name: string): Float32Array => {
    const data = out[name]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`The landmark model has no float32 output "${name}".`);
    return data;
  };
  return { points: tensor('landmarks'), presence: tensor('presence')[0] ?? 0 };
}

/** The window whose middle is the face and whose side is 1.5 times its larger extent. */
function reframe(points: Float32Array, w: Window): Window {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    left = Math.min(left, points[3 * i]!);
    right = Math.max(right, points[3 * i]!);
    top = Math.min(top, points[3 * i + 1]!);
    bottom = Math.max(bottom, points[3 * i + 1]!);
  }
  const unit = w.height / INPUT;
  return {
    x: w.x + ((left + right) / 2 - INPUT / 2) * unit,
    y: w.y - ((top + bottom) / 2 - INPUT / 2) * unit,
    height: CROP * Math.max(right - left, bottom - top) * unit,
  };
}

/** Finds the skin under each point (or the nearest within a few samples) and where that skin lies on the neutral head. */
function trace(
  performer: Performer,
  renderer: ReturnType<typeof createFrameRenderer>,
  points: Float32Array,
  camera: Camera,
  out: Sighting[][],
): void {
  const g = renderer.gbuffer;
  const part = performer.head.parts[0]!;
  const scale = (RENDER * SUPERSAMPLE) / INPUT;
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    const k = nearestSkin(
      g.id,
      g.width,
      g.height,
      Math.floor(points[3 * i]! * scale),
      Math.floor(points[3 * i + 1]! * scale),
    );
    if (k < 0) continue;
    const t = g.id[k]! & TRIANGLE_MASK;
    const weights = [1 - g.b1[k]! - g.b2[k]!, g.b1[k]!, g.b2[k]!];
    const v = [0, 1, 2].map((j) => 3 * part.triangles[3 * t + j]!);
    const at: [number, number, number] = [0, 0, 0];
    for (let c = 0; c < 3; c++) for (let j = 0; j < 3; j++) at[c] = at[c]! + weights[j]! * performer.rest[v[j]! + c]!;
    const facing = facingOf(renderer.points, v, camera);
    if (facing > 0.2) out[i]!.push({ at, weight: facing ** 3 });
  }
}

/** Spirals out to six samples; -1 when there is only background, eye or tooth. */
function nearestSkin(id: Int32Array, width: number, height: number, x: number, y: number): number {
  for (let r = 0; r <= 6; r++)
    for (let j = -r; j <= r; j++)
      for (let i = -r; i <= r; i++) {
        if (Math.max(Math.abs(i), Math.abs(j)) !== r || x + i < 0 || y + j < 0 || x + i >= width || y + j >= height)
          continue;
        const k = (y + j) * width + x + i;
        if (id[k]! >= 0 && id[k]! >> PART_SHIFT === 0) return k;
      }
  return -1;
}

/** Cosine between a triangle's normal and the direction to the camera. */
function facingOf(points: Float32Array, v: readonly number[], camera: Camera): number {
  const [a, b, c] = v as [number, number, number];
  const p = (k: number, i: number) => points[k + i]!;
  const u = [0, 1, 2].map((i) => p(b, i) - p(a, i)) as [number, number, number];
  const w = [0, 1, 2].map((i) => p(c, i) - p(a, i)) as [number, number, number];
  const n = [u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]] as const;
  const d = [0, 1, 2].map((i) => camera.position[i]! - p(a, i)) as [number, number, number];
  return (n[0] * d[0] + n[1] * d[1] + n[2] * d[2]) / (Math.hypot(...n) * Math.hypot(...d) + 1e-12);
}

/** Weighted geometric median of the sightings (Weiszfeld's iteration). */
function combine(sightings: readonly Sighting[][]): Float32Array {
  const out = new Float32Array(3 * LANDMARK_COUNT);
  sightings.forEach((list, i) => {
    if (list.length === 0) throw new Error(`Landmark ${i} was not seen on the head from any side.`);
    const p: [number, number, number] = [0, 0, 0];
    for (let round = 0; round < 30; round++) {
      let total = 0;
      const next: [number, number, number] = [0, 0, 0];
      for (const s of list) {
        const d = round === 0 ? 1 : Math.hypot(s.at[0] - p[0], s.at[1] - p[1], s.at[2] - p[2]) + 0.004;
        const w = s.weight / d;
        total += w;
        for (let c = 0; c < 3; c++) next[c] = next[c]! + w * s.at[c]!;
      }
      for (let c = 0; c < 3; c++) p[c] = next[c]! / total;
    }
    out.set(p, 3 * i);
  });
  return out;
}
