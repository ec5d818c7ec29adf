/** Added to each channel, 0–1: what is nearly black has no colour. */
const DARK = 0.05;
/** From here on a channel may be clipped, and the colour that is left tells nothing. */
const BRIGHT = 0.95;
/**
 * So far from what was there a moment ago, it is of another colour: a grey thing before skin is about 0.15 away. Of faces with nothing before them nine
 * points in ten stay within 0.04 from picture to picture.
 */
const OTHER = 0.07;
/** But no less than so many deviations of what the rest of the face changed by: a coloured light that comes is no occluder. */
const BY_LIGHT = 3;

/** Colours of points over the last few pictures: logarithms of red and of blue over green, in the light of the first of them; NaN: not known. */
export interface TintMemory {
  red: Float32Array;
  blue: Float32Array;
}

export function emptyTints(count: number): TintMemory {
  return { red: new Float32Array(count).fill(Number.NaN), blue: new Float32Array(count).fill(Number.NaN) };
}

/** What the light did to the colours that are remembered, and how far from them is another colour. */
export interface TintChange {
  red: number;
  blue: number;
  least: number;
}

/** The colours of a face's points, whatever their brightness: what is as bright as the skin that was there may still be no skin. */
export class Tints {
  readonly #red: Float32Array;
  readonly #blue: Float32Array;

  constructor(count: number) {
    this.#red = new Float32Array(count);
    this.#blue = new Float32Array(count);
  }

  /** Takes the colour of a point, encoded R, G, B, 0–1. */
  read(i: number, r: number, g: number, b: number): void {
    const clipped = r > BRIGHT || g > BRIGHT || b > BRIGHT;
    const green = g + DARK;
    this.#red[i] = clipped ? Number.NaN : Math.log((r + DARK) / green);
    this.#blue[i] = clipped ? Number.NaN : Math.log((b + DARK) / green);
  }

  /** How colours have changed at the first `count` of some points, all of which are remembered. */
  change(memory: TintMemory, points: Int32Array, count: number): TintChange {
    let [red, blue, squares, known] = [0, 0, 0, 0];
    for (let k = 0; k < count; k++) {
      const i = points[k]!;
      const x = this.#red[i]! - memory.red[i]!;
      const y = this.#blue[i]! - memory.blue[i]!;
      if (Number.isNaN(x + y)) continue;
      red += x;
      blue += y;
      squares += x * x + y * y;
      known++;
    }
    const n = Math.max(1, known);
    red /= n;
    blue /= n;
    const deviation = Math.sqrt(Math.max(0, squares / n - red * red - blue * blue));
    return { red, blue, least: Math.max(OTHER, BY_LIGHT * deviation) };
  }

  /** Whether a point is of another colour than what was there a moment ago, but for the light; not where either is unknown. */
  isOther(i: number, memory: TintMemory, { red, blue, least }: TintChange): boolean {
    const [x, y] = [this.#red[i]! - memory.red[i]! - red, this.#blue[i]! - memory.blue[i]! - blue];
    return x * x + y * y > least * least;
  }

  /** Takes a point's colour into the memory. @param share how much of what is remembered then is of this picture. */
  learn(i: number, memory: TintMemory, { red, blue }: TintChange, share: number): void {
    if (Number.isNaN(this.#red[i]!)) return;
    memory.red[i] = towards(memory.red[i]!, this.#red[i]! - red, share);
    memory.blue[i] = towards(memory.blue[i]!, this.#blue[i]! - blue, share);
  }
}

/** What is not known yet is what it is now. */
const towards = (was: number, is: number, share: number): number => (Number.isNaN(was) ? is : was + (is - was) * share);
