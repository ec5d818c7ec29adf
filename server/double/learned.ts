import { join } from 'node:path';
import { openNetwork } from './contract.ts';
import { type EyesPicture, Irises } from './irises.ts';
import { readHeldBeside } from './manifest.ts';
import { decodeMaps } from './maps.ts';
import type { OpenOptions } from './open.ts';
import { COARSE, DRAWN_CHANNELS, type Painted, Painter } from './painter.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { CROP_SCALE, SIZE, WINDOW } from './surface.ts';

/** Crop pixels of a step of the grid that the network answers on. */
const STEP = 4;
/** From where each point is taken, x and y in steps, and what is added to R, G, B. */
const CHANGE_CHANNELS = 5;
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
 * network: the double's own brows, lids and lips where the performer's expression puts them (server/docs/decisions/learned-double.md).
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is.
 */
export async function openLearned(options: OpenOptions): Promise<Replacer> {
  const { arena, kernels, dir } = options;
  const { manifest, template, session, tensors } = await openNetwork(options, LEARNED);
  let painter: Painter;
  try {
    if (!manifest.maps) throw new Error(`The double in ${dir} names no maps in double.json. Import the double again.`);
    const { side, normalSide } = manifest.maps;
    const maps = decodeMaps(await readHeldBeside(dir, manifest.maps), side, normalSide, join(dir, manifest.maps.file));
    painter = new Painter(options, template, maps);
  } catch (error) {
    session.close();
    throw error;
  }
  const scratch = painter.reserve(CHANGE_CHANNELS * width * Float32Array.BYTES_PER_ELEMENT);
  const { drawn, coarse, change } = tensors;
  const irises = template.iris && new Irises(template.iris);
  const plane = SIZE * SIZE;
  const eyesOf = ({ base, softness }: Painted): EyesPicture => {
    const alpha = arena.floats(base + 4 * plane * Float32Array.BYTES_PER_ELEMENT, plane);
    return {
      size: SIZE,
      colour: arena.floats(base, 3 * plane),
      lid: (x, y) => movedValue(alpha, change.data, x, y),
      movedFrom: (x, y) => {
        const at = stepAt(x, y);
        return [x + STEP * change.data[at]!, y + STEP * change.data[STEPS + at]!];
      },
      place: (landmark) => painter.place(landmark),
      scale: CROP_SCALE,
      softness,
    };
  };
  let closed = false;
  return {
    name: manifest.name,
    provider: session.provider,
    maxYawDeg: manifest.maxYawDeg,
    async replace(face: FaceInput) {
      const painted = painter.paint(face);
      painter.show(painted, drawn.at, coarse.at);
      await session.run();
      // Moved in place: base and rim, as they lie, are the face's colour and alpha.
      kernels.move(painted.interleaved, SIZE, change.at, left, top, width, height, scratch, painted.base);
      irises?.paint(eyesOf(painted), face.landmarks, painted.toCrop, face.trackId);
      return { at: painted.base, size: SIZE, toCrop: painted.toCrop, how: 'cover' };
    },
    forget(trackId) {
      painter.forget(trackId);
      irises?.forget(trackId);
    },
    close() {
      if (closed) return;
      closed = true;
      session.close();
      painter.close();
    },
  };
}

/** Which point of the network's grid is nearest to a pixel of the crop. */
function stepAt(x: number, y: number): number {
  const column = Math.min(width / STEP - 1, Math.max(0, Math.round((x - left + 0.5) / STEP - 0.5)));
  const row = Math.min(height / STEP - 1, Math.max(0, Math.round((y - top + 0.5) / STEP - 0.5)));
  return row * (width / STEP) + column;
}

/** A plane's value where `move` takes a pixel from, bilinear. In numbers only: it is asked a thousand times a face. */
function movedValue(values: Float32Array, change: Float32Array, x: number, y: number): number {
  const at = stepAt(x, y);
  const px = Math.min(SIZE - 1.001, Math.max(0, x + STEP * change[at]!));
  const py = Math.min(SIZE - 1.001, Math.max(0, y + STEP * change[STEPS + at]!));
  const ix = Math.floor(px);
  const iy = Math.floor(py);
  const corner = iy * SIZE + ix;
  const upper = values[corner]! * (1 - (px - ix)) + values[corner + 1]! * (px - ix);
  const lower = values[corner + SIZE]! * (1 - (px - ix)) + values[corner + SIZE + 1]! * (px - ix);
  return upper * (1 - (py - iy)) + lower * (py - iy);
}
