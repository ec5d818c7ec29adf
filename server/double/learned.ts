import { join } from 'node:path';
import { openNetwork } from './contract.ts';
import { readHeld } from './manifest.ts';
import { decodeMaps } from './maps.ts';
import type { OpenOptions } from './open.ts';
import { COARSE, DRAWN_CHANNELS, Painter } from './painter.ts';
import type { FaceInput, Replacer } from './replacer.ts';
import { SIZE, WINDOW } from './surface.ts';

/** Crop pixels of a step of the grid that the network answers on. */
const STEP = 4;
/** From where each point is taken, x and y in steps, and what is added to R, G, B. */
const CHANGE_CHANNELS = 5;
const { left, top, width, height } = WINDOW;

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
  const { kernels, dir } = options;
  const { manifest, template, session, tensors } = await openNetwork(options, LEARNED);
  let painter: Painter;
  try {
    if (!manifest.maps) throw new Error(`The double in ${dir} names no maps in double.json. Import the double again.`);
    const { side, normalSide } = manifest.maps;
    const maps = decodeMaps(readHeld(dir, manifest.maps), side, normalSide, join(dir, manifest.maps.file));
    painter = new Painter(options, template, maps);
  } catch (error) {
    session.close();
    throw error;
  }
  const scratch = painter.reserve(CHANGE_CHANNELS * width * Float32Array.BYTES_PER_ELEMENT);
  const { drawn, coarse, change } = tensors;
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
      return { at: painted.base, size: SIZE, toCrop: painted.toCrop, how: 'cover' };
    },
    forget: (trackId) => painter.forget(trackId),
    close() {
      if (closed) return;
      closed = true;
      session.close();
      painter.close();
    },
  };
}
