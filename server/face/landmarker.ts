import type { Session } from '../inference/session.ts';
import { cropAffine } from './crop.ts';
import type { Pyramid } from './pyramid.ts';
import { type Crop, LANDMARKS, type Landmarks } from './types.ts';

/** Side of the network's input. */
const INPUT = 192;

/** The 478-point landmark model (MediaPipe face mesh with attention): a crop in, points with depth out. One reading at a time, queued. */
export class Landmarker {
  readonly #session: Session;
  #last: Promise<unknown> | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Reads the landmarks in a crop of the pyramid's picture, which must not change until this settles. Where none is being read, this one is begun at once. */
  read(pyramid: Pyramid, crop: Crop): Promise<Landmarks> {
    const reading = this.#last ? this.#last.then(() => this.#run(pyramid, crop)) : this.#run(pyramid, crop);
    const settled = reading
      .catch(() => undefined)
      .then(() => {
        if (this.#last === settled) this.#last = null;
      });
    this.#last = settled;
    return reading;
  }

  async #run(pyramid: Pyramid, crop: Crop): Promise<Landmarks> {
    const { input } = this.#session.inputs;
    const { landmarks, presence } = this.#session.outputs;
    if (!input || !landmarks || !presence)
      throw new Error('The landmark model has other inputs or outputs than expected.');
    pyramid.cut(cropAffine(crop, INPUT), INPUT, input.at, 1 / 255, 0);
    await this.#session.run();
    return { points: toFrame(landmarks.data, crop), presence: presence.data[0] ?? 0, crop };
  }
}

/** Crop pixels (0–192 from edge to edge) → frame pixels with centres at integers. */
function toFrame(raw: Float32Array, crop: Crop): Float32Array {
  const k = crop.size / INPUT;
  const cos = Math.cos(crop.rot) * k;
  const sin = Math.sin(crop.rot) * k;
  const points = new Float32Array(LANDMARKS * 3);
  for (let at = 0; at < points.length; at += 3) {
    const x = (raw[at] ?? 0) - INPUT / 2;
    const y = (raw[at + 1] ?? 0) - INPUT / 2;
    points[at] = crop.cx + cos * x - sin * y;
    points[at + 1] = crop.cy + sin * x + cos * y;
    points[at + 2] = (raw[at + 2] ?? 0) * k;
  }
  return points;
}
