import type { Picture } from '../../server/frame/frame.ts';
import { smoothed } from './series.ts';
import { addNoise, type Noise, silence, skinOf } from './steadiness.ts';

/** Half the window over which the plate's landmarks are smoothed (without delay) before the face is rolled out along them. */
const REACH = { still: 7, moving: 2 } as const;
const DELAY = REACH.still + 1;
/** Speeds of the face that count as still and as moving where the clip does not say: face widths a second. */
const STILL_BELOW = 0.04;
const MOVING_ABOVE = 0.2;

export type State = keyof typeof REACH;
/** Of one video of the performance: what it flickers. */
export type Flicker = Record<State, Noise>;

export interface Sides {
  plate: Picture;
  program: Picture;
  truth: Picture | null;
}

const SIDES = ['plate', 'program', 'truth'] as const;

interface Kept {
  luma: Map<keyof Sides, Picture>;
  points: Float32Array | null;
  state: State | 'by speed';
  counts: (x: number, y: number) => boolean;
  seconds: number;
}

/**
 * Measures how the replaced face flickers against the plate's own. All videos are rolled out along one and the same
 * motion: the plate's landmarks, read by the landmark model itself (not the engine's, along which the double is painted
 * and whose shimmer would then not be seen), and smoothed around each picture so that the reading's own jitter stays out.
 */
export class FlickerMeter {
  readonly result: Record<keyof Sides, Flicker> = {
    plate: { still: silence(), moving: silence() },
    program: { still: silence(), moving: silence() },
    truth: { still: silence(), moving: silence() },
  };
  #frames: Kept[] = [];

  /**
   * The next picture. @param points of the plate's face; null where the face is not replaced: nothing is compared across it.
   * @param state `by speed`: to be told from the landmarks. @param counts whether a pixel is to count.
   */
  add(sides: Sides, points: Float32Array | null, state: Kept['state'], counts: Kept['counts'] = () => true): void {
    const luma = new Map<keyof Sides, Picture>();
    for (const name of points ? SIDES : []) {
      const picture = sides[name];
      if (picture) luma.set(name, lumaOnly(picture));
    }
    this.#frames.push({ luma, points, state, counts, seconds: sides.plate.id.captureUs / 1e6 });
    if (this.#frames.length > 2 * DELAY + 1) this.#frames.shift();
    if (this.#frames.length === 2 * DELAY + 1) this.#measure(DELAY);
  }

  /** After the last picture: what is still waiting for pictures that do not come. */
  end(): void {
    for (let t = Math.min(DELAY, this.#frames.length - 1) + 1; t < this.#frames.length - 1; t++) this.#measure(t);
    this.#frames = [];
  }

  #measure(t: number): void {
    const three = [t - 1, t, t + 1];
    if (three.some((i) => !this.#frames[i]?.points)) return;
    const now = this.#frames[t]!;
    const state = now.state === 'by speed' ? this.#bySpeed(t) : now.state;
    if (!state) return;
    const paths = smoothed(
      this.#frames.map(({ points }) => points),
      REACH[state],
    );
    for (const name of SIDES) {
      const skins = three.map((i) => {
        const { luma, counts } = this.#frames[i]!;
        const picture = luma.get(name);
        return picture ? skinOf(picture, paths[i]!, counts) : null;
      });
      if (skins[0] && skins[1] && skins[2]) addNoise(this.result[name][state], skins[0], skins[1], skins[2]);
    }
  }

  /** How fast the nose moves over half a dozen pictures, in face widths a second. */
  #bySpeed(t: number): State | null {
    const [from, to] = [this.#frames[t - 3], this.#frames[t + 3]];
    if (!from?.points || !to?.points) return null;
    const [a, b] = [from.points, to.points];
    const width = Math.hypot(a[3 * 454]! - a[3 * 234]!, a[3 * 454 + 1]! - a[3 * 234 + 1]!);
    const speed = Math.hypot(a[3]! - b[3]!, a[4]! - b[4]!) / width / (to.seconds - from.seconds);
    return speed < STILL_BELOW ? 'still' : speed > MOVING_ABOVE ? 'moving' : null;
  }
}

/** The picture's luma, copied: its memory goes back to the kernels before it is needed. */
function lumaOnly(picture: Picture): Picture {
  const [luma] = picture.planes;
  const none = new Uint8Array(0);
  return { ...picture, planes: [luma.slice(), none, none] };
}
