import type { Landmarks } from '../../server/face/types.ts';
import type { Rgb } from '../performer/identity.ts';
import type { Points2d } from '../performer/pair-landmarks.ts';
import type { Performer } from '../performer/performer.ts';

/** The landmark model saw something else than this head where its eyes lie further off than this, in shares of their distance. */
const DISAGREES = 0.15;
const EYE_CORNERS = [33, 263] as const;
/** Linear colour of the hand's skin before the driver's own tint. */
const SKIN = [0.47, 0.27, 0.19];

/** A camera's softness, 0 to 3: so many passes of [1 2 1] / 4 both ways, in place. @param values packed RGB, `width` pixels a row. */
export function soften(values: Float32Array, width: number, passes: number): void {
  const row = 3 * width;
  const from = new Float32Array(values.length);
  for (let pass = 0; pass < passes; pass++)
    for (const step of [3, row]) {
      from.set(values);
      for (let i = step; i < values.length - step; i++)
        values[i] = (from[i - step]! + 2 * from[i]! + from[i + step]!) / 4;
    }
}

/** Whether the landmark model sees the face elsewhere than it was rendered; the facts page found 8 % of renders. */
export function disagrees({ points }: Landmarks, rendered: Points2d): boolean {
  const [a, b] = EYE_CORNERS.map((point) => {
    const [x, y] = [points[3 * point]!, points[3 * point + 1]!];
    return { x, y, tx: rendered[2 * point]!, ty: rendered[2 * point + 1]! };
  }) as [Record<'x' | 'y' | 'tx' | 'ty', number>, Record<'x' | 'y' | 'tx' | 'ty', number>];
  const apart = Math.hypot(a.tx - b.tx, a.ty - b.ty);
  return [a, b].some(({ x, y, tx, ty }) => Math.hypot(x - tx, y - ty) > Math.max(2, DISAGREES * apart));
}

/** What hands and spectacles are made to suit. */
export function looksOf({ head }: Performer): { skin: Rgb; eyes: number } {
  const [left, right] = head.eyes;
  const tinted = SKIN.map((c, i) => c * head.identity.skin.tint[i]!) as unknown as Rgb;
  return { skin: tinted, eyes: Math.abs(left[0] - right[0]) / 2 };
}
