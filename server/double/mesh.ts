import { join } from 'node:path';
import type { Landmarks } from '../face/types.ts';
import type { Picture } from '../frame/frame.ts';
import { matrixOf } from '../frame/kernels.ts';
import type { Session } from '../inference/session.ts';
import { LightMeter, METER_SIZE } from './light.ts';
import { readHeld, readManifest } from './manifest.ts';
import type { OpenOptions } from './open.ts';
import { fitPose, type HeadPose, rotate } from './pose.ts';
import type { FaceInput, ReplacedFace, Replacer } from './replacer.ts';
import { SoftnessMeter } from './softness.ts';
import { readTemplate, type Template } from './template.ts';

const SIZE = 256;
/** Crop pixels per canonical unit: the oval of a calm face is about 200 of 256 pixels high and an open mouth still fits. */
const CROP_SCALE = 11.2;
/** Canonical y of the crop's centre (down is positive): a little below the eyes' middle, so that chin and brow have equal room. */
const CROP_CENTRE_Y = 1.1;
const VERTEX_BYTES = 20;
const INPUTS = { surface: [1, 4, SIZE, SIZE], rotation: [3, 3], light: [3, 9], gain: [1, 3, 8, 8], softness: [1] };
const OUTPUTS = { rgba: [1, 4, SIZE, SIZE] };

type Affine = ReplacedFace['toCrop'];

/**
 * Opens a double of kind `mesh`: its texture, drawn on the performer's landmark mesh, lit as the plate is lit.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openMesh({ runtime, arena, kernels, dir }: OpenOptions): Promise<Replacer> {
  const manifest = readManifest(dir);
  const template = readTemplate(readHeld(dir, manifest.mesh), join(dir, manifest.mesh.file));
  readHeld(dir, manifest.model);
  const session = runtime.load(join(dir, manifest.model.file), arena);
  try {
    checkShapes(session, dir);
    await session.run();
  } catch (error) {
    session.close();
    throw error;
  }
  const blocks: [at: number, bytes: number][] = [];
  const reserve = (bytes: number): number => {
    const at = arena.allocate(bytes);
    blocks.push([at, bytes]);
    return at;
  };
  const count = template.triangles.length / 3;
  const triangles = reserve(template.triangles.length * 4);
  arena.ints(triangles, template.triangles.length).set(template.triangles);
  const vertices = reserve(template.vertices.length * VERTEX_BYTES);
  const depth = reserve(SIZE * SIZE * 4);
  const plate = reserve(3 * METER_SIZE * METER_SIZE * 4);
  const vertexValues = arena.floats(vertices, template.vertices.length * 5);
  const plateValues = arena.floats(plate, 3 * METER_SIZE * METER_SIZE);
  const { surface, rotation, light, gain, softness } = session.inputs as Record<
    keyof typeof INPUTS,
    Session['inputs'][string]
  >;
  const rgba = session.outputs.rgba!;
  const meter = new LightMeter(template.guide);
  const softnessMeter = new SoftnessMeter();
  let closed = false;

  return {
    name: manifest.name,
    provider: session.provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace({ picture, landmarks, trackId }: FaceInput) {
      const pose = fitPose(template.canonical, landmarks.points, template.rigid);
      const toCrop = cropOf(pose);
      placeVertices(template, landmarks, pose, toCrop, vertexValues);
      kernels.raster(vertices, triangles, count, SIZE, surface!.at, depth);
      cutPlate(kernels, picture, toCrop, plate);
      const measured = meter.measure(trackId, picture.id.captureUs, plateValues, surface!.data, pose.rotation);
      rotation!.data.set(pose.rotation);
      light!.data.set(measured.terms);
      gain!.data.set(measured.gain);
      softness!.data[0] = softnessMeter.measure(trackId, picture, landmarks, Math.hypot(toCrop[0], toCrop[1]));
      await session.run();
      return { at: rgba.at, size: SIZE, toCrop };
    },
    forget(trackId) {
      meter.forget(trackId);
      softnessMeter.forget(trackId);
    },
    close() {
      if (closed) return;
      closed = true;
      session.close();
      for (const [at, bytes] of blocks) arena.release(at, bytes);
    },
  };
}

function checkShapes(session: Session, dir: string): void {
  for (const [tensors, wanted] of [
    [session.inputs, INPUTS],
    [session.outputs, OUTPUTS],
  ] as const) {
    for (const [name, dims] of Object.entries(wanted)) {
      if (tensors[name]?.dims.join('×') !== dims.join('×')) {
        throw new Error(
          `The network of the double in ${dir} is not of kind mesh: it needs ${name} as ${dims.join('×')} and has ${tensors[name]?.dims.join('×') ?? 'none'}. Import the double again.`,
        );
      }
    }
  }
}

/** An upright crop of steady size around the head, whatever it does with its mouth. */
function cropOf({ scale, rotation, translation }: HeadPose): Affine {
  const centre = rotate(rotation, 0, CROP_CENTRE_Y, 0);
  const roll = Math.atan2(rotation[3]!, rotation[0]!);
  const k = CROP_SCALE / scale;
  const a = k * Math.cos(roll);
  const b = k * Math.sin(roll);
  const x = translation[0] + scale * centre[0];
  const y = translation[1] + scale * centre[1];
  const middle = (SIZE - 1) / 2;
  return [a, b, middle - a * x - b * y, -b, a, middle + b * x - a * y];
}

/** Landmarks, moved towards the double's proportions, into crop pixels: x, y, z, u, v. */
function placeVertices(
  { vertices, uv, offset }: Template,
  { points }: Landmarks,
  pose: HeadPose,
  [a, b, c, d, e, f]: Affine,
  out: Float32Array,
): void {
  const k = Math.hypot(a, b);
  const { rotation: r, scale } = pose;
  for (let i = 0; i < vertices.length; i++) {
    const p = 3 * vertices[i]!;
    const ox = offset[p]! * scale;
    const oy = offset[p + 1]! * scale;
    const oz = offset[p + 2]! * scale;
    const x = points[p]! + r[0]! * ox + r[1]! * oy + r[2]! * oz;
    const y = points[p + 1]! + r[3]! * ox + r[4]! * oy + r[5]! * oz;
    const z = points[p + 2]! + r[6]! * ox + r[7]! * oy + r[8]! * oz;
    out[5 * i] = a * x + b * y + c;
    out[5 * i + 1] = d * x + e * y + f;
    out[5 * i + 2] = k * z;
    out[5 * i + 3] = uv[2 * i]!;
    out[5 * i + 4] = uv[2 * i + 1]!;
  }
}

/** The plate under the crop, small, for the light meter. */
function cutPlate(kernels: OpenOptions['kernels'], picture: Picture, [a, b, c, d, e, f]: Affine, out: number): void {
  const determinant = a * e - b * d;
  // Meter pixel (i, j) has its centre at crop pixel 4i + 1.5.
  const step = SIZE / METER_SIZE;
  const shift = (step - 1) / 2;
  const ia = e / determinant;
  const ib = -b / determinant;
  const id = -d / determinant;
  const ie = a / determinant;
  const [kr, kb, full] = matrixOf(picture.colour);
  kernels.warp(
    picture.at,
    picture.width,
    picture.height,
    ia * step,
    ib * step,
    ia * (shift - c) + ib * (shift - f),
    id * step,
    ie * step,
    id * (shift - c) + ie * (shift - f),
    METER_SIZE,
    out,
    1 / 255,
    0,
    kr,
    kb,
    full,
  );
}
