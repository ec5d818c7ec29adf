import { fitPose, rotate } from '../../server/double/pose.ts';
import { canonicalOf } from '../double/face-mesh.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { type LandmarkSite, landmarkOn, landmarkSites } from './landmark-sites.ts';
import type { Performer } from './performer.ts';
import type { Pose, Poser } from './pose.ts';
import type { Vec3 } from './vec.ts';

/** p → k · M p + t; M a rotation, row-major. */
interface Similarity {
  k: number;
  m: Float32Array;
  t: Vec3;
}

function after(b: Similarity, a: Similarity): Similarity {
  const m = new Float32Array(9);
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 3; column++)
      for (let i = 0; i < 3; i++) m[3 * row + column]! += b.m[3 * row + i]! * a.m[3 * i + column]!;
  return { k: b.k * a.k, m, t: apply(b, ...a.t) };
}

function inverse({ k, m, t }: Similarity): Similarity {
  const turned = Float32Array.from({ length: 9 }, (_, i) => m[3 * (i % 3) + Math.floor(i / 3)]!);
  const [x, y, z] = rotate(turned, ...t);
  return { k: 1 / k, m: turned, t: [-x / k, -y / k, -z / k] };
}

function apply({ k, m, t }: Similarity, x: number, y: number, z: number): [number, number, number] {
  const [u, v, w] = rotate(m, x, y, z);
  return [k * u + t[0], k * v + t[1], k * w + t[2]];
}

/** From the canonical head's axes and units to a performer's neutral head. */
function headOf({ rest }: Performer, sites: readonly LandmarkSite[]): Similarity {
  const mesh = readFaceMesh();
  const points = Float32Array.from(
    mesh.positions.flatMap((_, i) => {
      const [x, y, z] = landmarkOn(sites, i, rest);
      return [x, -y, -z];
    }),
  );
  const { scale, rotation, translation } = fitPose(Float32Array.from(canonicalOf(mesh)), points, mesh.rigid);
  return { k: scale, m: rotation, t: translation };
}

/** How a pose moves the skull from its neutral place; axes as in `headOf`: y down, z away. */
function skull(poser: Poser, pose: Pose): Similarity {
  const points = Float32Array.of(0, 0, 0, 1, 0, 0, 0, -1, 0, 0, 0, -1);
  poser.rigid(points, pose);
  const at = (i: number): Vec3 => [points[3 * i]!, -points[3 * i + 1]!, -points[3 * i + 2]!];
  const origin = at(0);
  const m = Float32Array.from(
    { length: 9 },
    (_, i) => at(1 + (i % 3))[Math.floor(i / 3)]! - origin[Math.floor(i / 3)]!,
  );
  return { k: 1, m, t: origin };
}

/** In place, points with y up and z towards the camera. */
function transform(points: Float32Array, k: number, m: Float32Array, [tx, ty, tz]: Vec3): void {
  const [a, b, c, d, e, f, g, h, i] = m.map((value) => k * value) as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let p = 0; p < points.length; p += 3) {
    const [x, y, z] = [points[p]!, -points[p + 1]!, -points[p + 2]!];
    points[p] = a * x + b * y + c * z + tx;
    points[p + 1] = -(d * x + e * y + f * z + ty);
    points[p + 2] = -(g * x + h * y + i * z + tz);
  }
}

/**
 * A performer whose face sits where another's does, at its size: what a face that is worn must do, whoever's head is larger. Both faces
 * are laid on the canonical head by the rigid points that the server poses with, at rest; from then on it moves with the other's skull.
 */
export function fittedTo(worn: Performer, wearer: Performer, sites = landmarkSites()): Performer {
  const atRest = after(headOf(wearer, sites), inverse(headOf(worn, sites)));
  const placed = (pose: Pose): Similarity =>
    after(skull(wearer.poser, pose), after(atRest, inverse(skull(worn.poser, pose))));
  return {
    ...worn,
    animate(expression, pose, points, normals) {
      worn.animate(expression, pose, points, normals);
      const place = placed(pose);
      transform(points, place.k, place.m, place.t);
      transform(normals, 1, place.m, [0, 0, 0]);
    },
    poser: {
      ...worn.poser,
      rigid(points, pose) {
        worn.poser.rigid(points, pose);
        const place = placed(pose);
        transform(points, place.k, place.m, place.t);
      },
      eyes(pose) {
        const place = placed(pose);
        return worn.poser.eyes(pose).map(([x, y, z]) => {
          const [u, v, w] = apply(place, x, -y, -z);
          return [u, -v, -w];
        }) as unknown as readonly [Vec3, Vec3];
      },
    },
  };
}
