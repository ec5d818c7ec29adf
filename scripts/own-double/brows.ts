import { signedDistance } from '../performer/unwrap.ts';
import { LEVEL, type Map3, type Outlined, smooth } from './even.ts';

/** Encoded colour of the palest complexion that a double's brows are made to be worn over: that of the bundled doubles. */
const PALE = [0.78, 0.6, 0.49] as const;
/** Texels of 512 over which a brow's outline fades, and by which it is drawn wider: landmarks follow the bone, and hair may grow below it. */
const [SOFT, GROWN] = [8, 16];
/** Brows that are hardly darker than the skin around them are left as they are. */
const DARK = 0.85;
/** σ of the skin around a brow, shares of the texture's side. */
const AROUND = 0.06;

/**
 * A face that is worn takes the wearer's complexion by one gain a channel, and hair has none: black brows over dark skin would be grey-blue
 * over pale skin. So their hair is darkened by what that gain will do to it on the palest wearer; on darker ones it is darker than it was, which
 * nobody sees.
 * @param skin the person's plain skin in the footage, encoded 0–1.
 */
export function keepBrowsDark(map: Map3, skin: readonly number[], { mesh, uv }: Outlined): void {
  const { side, planes } = map;
  const brow = browMask([mesh.leftBrow, mesh.rightBrow], uv, side);
  const [from, to] = rowsOf(brow, side);
  if (to <= from) return;
  const light = Float32Array.from(planes[1], (_, i) => brightness(planes, i));
  const bare = Float32Array.from(brow, (inside, i) => (inside < 0.01 && map.known[i]! > 0 ? 1 : 0));
  const around = smooth(light, bare, side, AROUND * side);
  const ratio = (i: number): number => light[i]! / Math.max(0.02, around[i]!);
  const inside: number[] = [];
  for (let i = from * side; i < to * side; i++) if (brow[i]! > 0.5) inside.push(i);
  const darkest = inside.toSorted((a, b) => ratio(a) - ratio(b)).slice(0, Math.ceil(inside.length / 10));
  const full = ratio(darkest.at(-1) ?? 0);
  if (!(full < DARK)) return;
  const hair = [0, 1, 2].map((c) => darkest.reduce((sum, i) => sum + planes[c]![i]!, 0) / darkest.length);
  // Less red than skin: shade is as red, and hair is not.
  const cool = (red: number, blue: number): number => Math.log(Math.max(0.02, blue) / Math.max(0.02, red));
  const coolest = Math.max(0.15, cool(hair[0]!, hair[2]!));
  for (let i = from * side; i < to * side; i++) {
    if (brow[i] === 0) continue;
    const share =
      brow[i]! * unit((1 - ratio(i)) / (1 - full)) * unit((1.5 * cool(planes[0][i]!, planes[2][i]!)) / coolest);
    if (share === 0) continue;
    for (let c = 0; c < 3; c++) {
      const paler = Math.max(0, 1 - skin[c]! / PALE[c]!);
      planes[c]![i] = Math.max(0.02 * LEVEL, planes[c]![i]! - share * hair[c]! * paler);
    }
  }
}

const unit = (value: number): number => Math.min(1, Math.max(0, value));

const brightness = (planes: Map3['planes'], i: number): number =>
  0.25 * planes[0][i]! + 0.6 * planes[1][i]! + 0.15 * planes[2][i]!;

/** 1 in the brows, fading around them. */
function browMask(brows: readonly (readonly number[])[], uv: Outlined['uv'], side: number): Float32Array {
  const mask = new Float32Array(side * side);
  const scale = side / 512;
  for (const brow of brows) {
    const outline = brow.map((i) => [uv[i]![0] * side, uv[i]![1] * side] as const);
    const [xs, ys] = [0, 1].map((axis) => outline.map((point) => point[axis]!)) as [number[], number[]];
    const reach = GROWN * scale + 1;
    for (let y = Math.floor(Math.min(...ys) - reach); y < Math.max(...ys) + reach; y++)
      for (let x = Math.floor(Math.min(...xs) - reach); x < Math.max(...xs) + reach; x++) {
        if (x < 0 || y < 0 || x >= side || y >= side) continue;
        const d = signedDistance(outline, x + 0.5, y + 0.5) + GROWN * scale;
        const at = y * side + x;
        mask[at] = Math.max(mask[at]!, Math.min(1, Math.max(0, d / (SOFT * scale))));
      }
  }
  return mask;
}

function rowsOf(mask: Float32Array, side: number): [from: number, to: number] {
  const first = mask.findIndex((value) => value > 0);
  const last = mask.findLastIndex((value) => value > 0);
  return first < 0 ? [0, 0] : [Math.floor(first / side), Math.floor(last / side) + 1];
}
