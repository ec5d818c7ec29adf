import { type LandmarkSite, landmarkOn } from './landmark-sites.ts';
import type { Performer } from './performer.ts';
import { signedDistance } from './unwrap.ts';
import { smoothstep } from './vec.ts';

/** Depth of the axis that the face is rolled off around, decimetres behind the eyes. */
const AXIS_Z = -0.95;
/** Width of the rim over which the face fades, decimetres. */
const FADE = 0.16;

/**
 * For each vertex of a head how far it belongs to the face proper, 0–1: inside the outline of the face mesh (forehead
 * below the hairline to chin, in front of the ears), fading towards the outline. Eyes, teeth and tongue belong in full.
 */
export function faceWeights(
  performer: Performer,
  sites: readonly LandmarkSite[],
  oval: readonly number[],
): Float32Array {
  const { head, rest } = performer;
  const roll = (x: number, y: number, z: number) => [Math.atan2(x, z - AXIS_Z), y] as const;
  const outline = oval.map((i) => roll(...landmarkOn(sites, i, rest)));
  const weights = new Float32Array(head.vertexCount);
  for (const part of head.parts) {
    if (part.name === 'hair' || part.name === 'garment') continue;
    for (let i = part.first; i < part.first + part.count; i++) {
      if (part.name !== 'skin') {
        weights[i] = 1;
        continue;
      }
      const [u, v] = roll(rest[3 * i]!, rest[3 * i + 1]!, rest[3 * i + 2]!);
      // An angle of one radian is about a decimetre of cheek. The outline ends at the jaw's edge: no margin to lose there.
      weights[i] = smoothstep(0, FADE, signedDistance(outline, u, v));
    }
  }
  return weights;
}
