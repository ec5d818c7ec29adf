import { join } from 'node:path';
import type { Arena } from '../frame/arena.ts';
import { bilinear } from './bilinear.ts';
import { openNetwork } from './contract.ts';
import { type Drawn, type Features, openFeatures } from './features.ts';
import { type EyesPicture, Irises } from './irises.ts';
import { type DoubleManifest, readHeldBeside } from './manifest.ts';
import { decodeDetail, decodeMaps, type Maps } from './maps.ts';
import type { OpenOptions } from './open.ts';
import { COARSE, DRAWN_CHANNELS, type Painted, type Painter } from './painter.ts';
import { Painters } from './painters.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { CROP_SCALE, SIZE, WINDOW } from './surface.ts';

/** Crop pixels of a step of the grid that the network answers on. */
const STEP = 4;
/** From where each point is taken, x and y in steps, and what is added to R, G, B. */
const CHANGE_CHANNELS = 5;
const PLACE_CHANNELS = 2;
const { left, top, width, height } = WINDOW;
const STEPS = (width / STEP) * (height / STEP);

/** The network of a double of kind `learned`. */
export const LEARNED = {
  kind: 'learned',
  inputs: { drawn: [1, DRAWN_CHANNELS, height, width], coarse: [1, 3, height / COARSE, width / COARSE] },
  outputs: { change: [1, CHANGE_CHANNELS, height / STEP, width / STEP] },
} as const;

/**
 * Opens a double of kind `learned`: its texture, painted on the performer's landmarks as the plate is lit, then moved and tinted by a trained
 * network, and its eyes and mouth painted by another: the double's own brows, lids and lips where the performer's expression puts them
 * (server/docs/decisions/learned-double.md).
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openLearned(options: OpenOptions): Promise<Replacer> {
  const drawing = await openDrawing(options);
  const { manifest, provider } = drawing;
  let features: Features | null;
  try {
    features = manifest.features ? await openFeatures(options, manifest.features) : null;
  } catch (error) {
    drawing.close();
    throw error;
  }
  return {
    name: manifest.name,
    provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace(face) {
      const drawn = await drawing.draw(face);
      await features?.paint(drawn);
      const { base, size, toCrop } = drawn.painted;
      return { at: base, size, toCrop, how: 'cover' };
    },
    forget: drawing.forget,
    close() {
      features?.close();
      drawing.close();
    },
  };
}

/** A double of kind `learned` as far as it is drawn, moved and tinted. What `draw` answers is valid until the next. Owns its memory and network. */
export async function openDrawing(options: OpenOptions) {
  const { arena, kernels } = options;
  const { manifest, template, session, tensors } = await openNetwork(options, LEARNED);
  let painters: Painters;
  try {
    painters = new Painters(options, template, await readMaps(options.dir, manifest));
  } catch (error) {
    session.close();
    throw error;
  }
  const { drawn, coarse, change } = tensors;
  const irises = template.iris && new Irises(template.iris);
  const finer = painters.reserve(change.data.byteLength * 4);
  const side = SIZE * (options.closeUps ? 2 : 1);
  const iris = painters.reserve(side * side * Float32Array.BYTES_PER_ELEMENT);
  const scratch = painters.reserve(CHANGE_CHANNELS * 2 * width * Float32Array.BYTES_PER_ELEMENT);
  /** The network's answer on a grid of four pixels of what was painted. */
  const changeFor = (detail: number): number => {
    if (detail === 1) return change.at;
    const places = PLACE_CHANNELS * STEPS;
    kernels.doubled(change.at, PLACE_CHANNELS, width / STEP, height / STEP, detail, finer);
    const [from, to] = [change.at + 4 * places, finer + 16 * places];
    kernels.doubled(from, CHANGE_CHANNELS - PLACE_CHANNELS, width / STEP, height / STEP, 1, to);
    return finer;
  };
  let closed = false;
  return {
    manifest,
    template,
    provider: session.provider,
    async draw(face: FaceInput): Promise<Drawn> {
      const painter = painters.of(face);
      const { detail } = painter;
      const painted = painter.paint(face);
      const { base, size, toCrop } = painted;
      painter.show(painted, drawn.at, coarse.at);
      await session.run();
      const [x, y, w, h] = [left * detail, top * detail, width * detail, height * detail];
      // Moved in place: base and rim, as they lie, are the face's colour and alpha.
      kernels.move(painted.interleaved, size, changeFor(detail), x, y, w, h, scratch, base);
      const discs = arena.floats(iris, size * size).fill(0);
      irises?.paint(eyesOf(arena, painter, painted, change.data, discs), face.landmarks, toCrop, face.trackId);
      return { painted, painter, iris, landmarks: face.landmarks };
    },
    forget(trackId: number): void {
      painters.forget(trackId);
      irises?.forget(trackId);
    },
    close(): void {
      if (closed) return;
      closed = true;
      session.close();
      painters.close();
    },
  };
}

/** @throws Error with a sentence where they are missing, damaged or not what double.json says. */
async function readMaps(dir: string, { maps }: DoubleManifest): Promise<Maps> {
  if (!maps) throw new Error(`The double in ${dir} names no maps in double.json. Import the double again.`);
  const { side, normalSide, detail } = maps;
  const read = decodeMaps(await readHeldBeside(dir, maps), side, normalSide, join(dir, maps.file));
  if (!detail) return read;
  return { ...read, detail: decodeDetail(await readHeldBeside(dir, detail), detail.side, join(dir, detail.file)) };
}

function eyesOf(
  arena: Arena,
  painter: Painter,
  { base, softness, size }: Painted,
  change: Float32Array,
  iris: Float32Array,
): EyesPicture {
  const { detail } = painter;
  const plane = size * size;
  const alpha = arena.floats(base + 4 * plane * Float32Array.BYTES_PER_ELEMENT, plane);
  return {
    size,
    colour: arena.floats(base, 3 * plane),
    painted: iris,
    lid: (x, y) => movedValue(alpha, size, detail, change, x, y),
    movedFrom: (x, y) => {
      const at = stepAt(x / detail, y / detail);
      return [x + detail * STEP * change[at]!, y + detail * STEP * change[STEPS + at]!];
    },
    place: (landmark) => painter.place(landmark),
    scale: CROP_SCALE * detail,
    softness,
  };
}

/** Which point of the network's grid is nearest to a pixel of the crop. */
function stepAt(x: number, y: number): number {
  const column = Math.min(width / STEP - 1, Math.max(0, Math.round((x - left + 0.5) / STEP - 0.5)));
  const row = Math.min(height / STEP - 1, Math.max(0, Math.round((y - top + 0.5) / STEP - 0.5)));
  return row * (width / STEP) + column;
}

/** A plane's value where `move` takes a pixel from, bilinear. */
function movedValue(
  values: Float32Array,
  size: number,
  detail: number,
  change: Float32Array,
  x: number,
  y: number,
): number {
  const at = stepAt(x / detail, y / detail);
  return bilinear(values, size, size, x + detail * STEP * change[at]!, y + detail * STEP * change[STEPS + at]!);
}
