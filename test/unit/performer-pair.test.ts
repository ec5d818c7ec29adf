import { describe, expect, test } from 'vitest';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { identityNamed } from '../../scripts/performer/identity.ts';
import type { LandmarkSite } from '../../scripts/performer/landmark-sites.ts';
import { randomMoment } from '../../scripts/performer/moments.ts';
import { unitNormals } from '../../scripts/performer/morph.ts';
import { randomOccluder } from '../../scripts/performer/occluders.ts';
import { createPair, wearFace } from '../../scripts/performer/pair.ts';
import { HELD_OUT_SEED, randomIdentity, withSkinOfAge } from '../../scripts/performer/people.ts';
import type { Performer } from '../../scripts/performer/performer.ts';
import { NEUTRAL_POSE } from '../../scripts/performer/pose.ts';
import { box, capsule, ellipsoid, rod, torus } from '../../scripts/performer/solids.ts';
import type { Texture } from '../../scripts/performer/texture.ts';
import { random } from '../../scripts/performer/vec.ts';

const SIZE = 48;
const looks = { skin: [0.4, 0.25, 0.18], eyes: 0.32 } as const;

describe('random people', () => {
  test('the same seed gives the same person, another seed another', () => {
    expect(randomIdentity(7)).toEqual(randomIdentity(7));
    const people = [1, 2, 3, HELD_OUT_SEED, HELD_OUT_SEED + 1].map(randomIdentity);
    expect(new Set(people.map((p) => JSON.stringify([p.shape, p.skin]))).size).toBe(people.length);
  });

  test('every person stays in bounds', () => {
    for (let seed = 0; seed < 200; seed++) {
      const p = randomIdentity(seed);
      const { caucasian, asian, african } = p.ancestry;
      expect(caucasian + asian + african).toBeCloseTo(1, 5);
      for (const w of Object.values(p.shape)) expect(w >= 0 && w <= 0.6).toBe(true);
      expect(p.age >= 0 && p.age <= 0.85).toBe(true);
    }
  });

  test('skin of another age leaves the geometry alone', () => {
    const person = { ...randomIdentity(3), age: 0.5 };
    const [young, old] = [withSkinOfAge(person, 0.1), withSkinOfAge(person, 0.85)];
    expect([young.shape, young.age, young.ancestry]).toEqual([old.shape, old.age, old.ancestry]);
    expect(young.skin.texture).toBe(old.skin.texture);
    expect(young.skin.wrinkles ?? 0).toBeLessThan(0.05);
    expect(old.skin.wrinkles ?? 0).toBeGreaterThan(0.8);
  });
});

describe('random moments', () => {
  test('come again with their seed, stay within the asked angles and cover shut eyes and open mouths', () => {
    const draw = (seed: number) => {
      const next = random(seed);
      return Array.from({ length: 300 }, () => randomMoment(next, { height: 384, yaw: 40 }));
    };
    const list = draw(5);
    expect(draw(5)).toEqual(list);
    const yaws = list.map((m) => Math.abs(m.pose.yaw) * (180 / Math.PI));
    expect(Math.max(...yaws)).toBeLessThanOrEqual(40);
    expect(Math.max(...yaws)).toBeGreaterThan(30);
    expect(list.filter((m) => m.face.blinkLeft > 0.95).length).toBeGreaterThan(40);
    expect(list.filter((m) => m.face.jaw > 0.5).length).toBeGreaterThan(50);
  });
});

test('solids are closed by triangles that face outwards', () => {
  const colour = [0.5, 0.5, 0.5] as const;
  for (const solid of [
    capsule([0, 0, 0], [0.2, 1, 0.1], 0.2, 0.1, colour),
    ellipsoid([0, 0, 0], [0.3, 0.5, 0.2], colour),
    rod([0, -1, 0], [0, 1, 0.2], 0.3, colour),
    torus([0, 0, 0], [0.4, 0.3], 0.05, colour),
    box([0, 0, 0], [0.3, 0.4, 0.1], colour),
  ]) {
    const { points, normals, triangles } = solid;
    for (let t = 0; t < triangles.length; t += 3) {
      const at = (k: number, c: number) => points[3 * (triangles[t + k] ?? 0) + c] ?? 0;
      const u = [0, 1, 2].map((c) => at(1, c) - at(0, c));
      const v = [0, 1, 2].map((c) => at(2, c) - at(0, c));
      const n = [0, 1, 2].map(
        (c) => (u[(c + 1) % 3] ?? 0) * (v[(c + 2) % 3] ?? 0) - (u[(c + 2) % 3] ?? 0) * (v[(c + 1) % 3] ?? 0),
      );
      const own = [0, 1, 2].map((c) =>
        [0, 1, 2].reduce((s, k) => s + (normals[3 * (triangles[t + k] ?? 0) + c] ?? 0), 0),
      );
      expect(n.reduce((s, x, c) => s + x * (own[c] ?? 0), 0)).toBeGreaterThan(-1e-9);
    }
  }
});

const plain = (r: number, g: number, b: number): Texture => ({
  width: 2,
  height: 2,
  data: Uint8ClampedArray.from({ length: 16 }, (_, i) => [r, g, b, 255][i % 4] ?? 0),
});

/** A ball for a head, two small ones for eyes: everything that a pair needs of a performer, and nothing from any asset. */
function toyPerformer(colour: readonly [number, number, number]): Performer {
  const skin = ellipsoid([0, -0.3, -0.9], [0.8, 1.1, 1], [1, 1, 1]);
  const eyes = [-0.3, 0.3].map((x) => ellipsoid([x, 0, 0.02], [0.12, 0.12, 0.12], [1, 1, 1]));
  const lists = [skin, ...eyes];
  const points = lists.flatMap((s) => [...s.points]);
  const n = skin.points.length / 3;
  const m = (eyes[0]?.points.length ?? 0) / 3;
  const eyeTriangles = eyes.flatMap((s, i) => [...s.triangles].map((v) => v + n + i * m));
  const rest = Float32Array.from(points);
  const part = (name: 'skin' | 'eyes', first: number, count: number, triangles: ArrayLike<number>) => ({
    name,
    first,
    count,
    triangles: Uint32Array.from(triangles),
    corners: new Uint32Array(triangles.length),
    uvs: Float32Array.from([0.5, 0.5]),
  });
  const parts = [part('skin', 0, n, skin.triangles), part('eyes', n, 2 * m, eyeTriangles)];
  const head = {
    identity: identityNamed('mara'),
    vertexCount: rest.length / 3,
    parts,
    rest,
    eyes: [
      [0.3, 0, 0.02],
      [-0.3, 0, 0.02],
    ] as const,
    joints: { neck: [0, -1.8, -1] as const, head: [0, -1, -1] as const },
    deform: (_: unknown, out: Float32Array) => out.set(rest),
  };
  return {
    head,
    textures: { skin: plain(...colour), eyes: plain(240, 240, 240) },
    relief: null,
    rest,
    occlusion: new Float32Array(head.vertexCount).fill(1),
    poser: {
      apply: () => undefined,
      eyes: () => head.eyes,
      rigid: () => undefined,
    },
    neckline: () => 1,
    animate(_expression, _pose, out, normals) {
      out.set(rest);
      for (let i = 0; i < rest.length; i++) normals[i] = (rest[i] ?? 0) + (i % 3 === 1 ? 0.3 : i % 3 === 2 ? 0.9 : 0);
      unitNormals(normals);
    },
  };
}

/** The landmarks' outline drawn as a circle on the ball: enough for the mask of the face. */
function toySites(p: Performer): LandmarkSite[] {
  const nearest = (x: number, y: number): number => {
    let best = 0;
    let least = Infinity;
    for (let i = 0; i < (p.head.parts[0]?.count ?? 0); i++) {
      const d = ((p.rest[3 * i] ?? 0) - x) ** 2 + ((p.rest[3 * i + 1] ?? 0) - y) ** 2;
      if ((p.rest[3 * i + 2] ?? 0) > -0.8 && d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  };
  const { oval } = readFaceMesh();
  const sites = Array.from({ length: 468 }, (): LandmarkSite => [nearest(0, -0.3), 0, 0, 1, 0, 0]);
  oval.forEach((i, k) => {
    const a = (2 * Math.PI * k) / oval.length;
    sites[i] = [nearest(0.62 * Math.sin(a), -0.3 + 0.8 * Math.cos(a)), 0, 0, 1, 0, 0];
  });
  return sites;
}

describe('a pair', () => {
  const driver = toyPerformer([200, 150, 130]);
  const double = toyPerformer([120, 80, 60]);
  const pair = createPair(driver, double, SIZE, SIZE, { sites: toySites(driver) });
  const moment = {
    ...randomMoment(random(2), { height: SIZE, faceSize: [30, 30] }),
    pose: NEUTRAL_POSE,
    camera: { position: [0, -0.3, 12] as const, opening: 0.25 },
  };
  const shoot = (thing: Parameters<typeof pair.render>[1]) => {
    const p = pair.render(moment, thing);
    return {
      ...p,
      plate: p.plate.slice(),
      truth: p.truth.slice(),
      face: p.face.slice(),
      kept: p.kept.slice(),
      cover: p.cover.slice(),
    };
  };

  test('is the same every time, and both heads have their eyes in the same place', () => {
    const [a, b] = [shoot(null), shoot(null)];
    expect(b.plate).toEqual(a.plate);
    const { driver: d, double: e } = a.numbers;
    expect([...d.slice(2 * 468)]).toEqual([...e.slice(2 * 468)]);
    expect(Math.abs((d[2 * 468] ?? 0) + (d[2 * 473] ?? 0) - SIZE)).toBeLessThan(0.01);
  });

  test('the face is where the double covers the picture, and nothing is kept when nothing is before it', () => {
    const { face, kept, cover, plate, truth } = shoot(null);
    const middle = (SIZE / 2) * SIZE + SIZE / 2;
    expect(face[middle]).toBeCloseTo(1, 3);
    expect(face[0]).toBe(0);
    for (let i = 0; i < face.length; i++) expect(face[i] ?? 0).toBeLessThanOrEqual((cover[i] ?? 0) + 1e-6);
    expect(Math.max(...kept)).toBe(0);
    expect(truth[3 * middle] ?? 0).toBeLessThan(plate[3 * middle] ?? 0);
  });

  test('a thing before the face is kept, and worn faces leave it alone', () => {
    const thing = { ...randomOccluder(random(4), looks, 'box'), offset: [0, 0.42, 1.2] as const };
    const p = shoot(thing);
    const total = p.kept.reduce((s, v) => s + v, 0);
    expect(total).toBeGreaterThan(10);
    const worn = new Float32Array(p.plate.length);
    wearFace(p, worn);
    for (let i = 0; i < p.kept.length; i++) {
      if ((p.kept[i] ?? 0) === 1 || (p.face[i] ?? 0) === 0) expect(worn[3 * i]).toBe(p.plate[3 * i]);
      expect(p.kept[i] ?? 0).toBeLessThanOrEqual(1);
      if ((p.face[i] ?? 0) < 0.02) expect(p.kept[i]).toBe(0);
    }
  });
});
