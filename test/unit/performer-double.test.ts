import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { readFaceMesh } from '../../scripts/models/read-face-mesh.ts';
import { mirrorMap, signedArea, unfold } from '../../scripts/performer/landmark-shape.ts';
import { cylinderAround, ovalMask, toUv } from '../../scripts/performer/unwrap.ts';

const ROOT = join(import.meta.dirname, '../../models');
const mesh = readFaceMesh();

interface TextureFile {
  format: number;
  name: string;
  texture: string;
  width: number;
  height: number;
  uv: [number, number][];
  shape: [number, number, number][];
}

const doubles = readdirSync(join(ROOT, 'doubles')).filter((d) => existsSync(join(ROOT, 'doubles', d, 'texture.json')));

test('there is a bundled double', () => {
  expect(doubles).toContain('mara');
});

describe.each(doubles)('double %s', (name) => {
  const folder = join(ROOT, 'doubles', name);
  const file = JSON.parse(readFileSync(join(folder, 'texture.json'), 'utf8')) as TextureFile;

  test('names itself and places all 468 landmarks inside the texture', () => {
    expect(file.format).toBe(1);
    expect(file.name).toBe(name);
    expect(file.uv).toHaveLength(468);
    expect(file.shape).toHaveLength(468);
    for (const [u, v] of file.uv) {
      expect(u).toBeGreaterThan(0);
      expect(u).toBeLessThan(1);
      expect(v).toBeGreaterThan(0);
      expect(v).toBeLessThan(1);
    }
  });

  test('no triangle of the face mesh is folded over or empty', () => {
    const areas = mesh.triangles.map((t) => signedArea(file.uv, t));
    const sign = Math.sign(areas[0] ?? 0);
    expect(areas.filter((a) => a * sign <= 0)).toEqual([]);
  });

  test('the neutral face has a human shape: symmetric, eyes level and about 6 cm apart, chin below, nose in front', () => {
    const mirror = mirrorMap(mesh);
    file.shape.forEach((p, i) => {
      const q = file.shape[mirror[i] ?? 0] ?? [0, 0, 0];
      expect(Math.abs(p[0] + q[0])).toBeLessThan(0.35);
      expect(Math.abs(p[1] - q[1])).toBeLessThan(0.35);
    });
    const at = (i: number) => file.shape[i] ?? [0, 0, 0];
    const pupils = (at(33)[0] + at(133)[0] - at(263)[0] - at(362)[0]) / 2;
    expect(Math.abs(pupils)).toBeGreaterThan(5);
    expect(Math.abs(pupils)).toBeLessThan(7.5);
    expect(at(152)[1]).toBeLessThan(-9);
    expect(at(4)[2]).toBeGreaterThan(at(33)[2] + 2);
  });

  test('the picture is opaque over the face, clear outside, and holds skin where the mesh is', async () => {
    const { data, info } = await sharp(join(folder, file.texture)).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([file.width, file.height, 4]);
    const texel = ([u, v]: readonly [number, number]) =>
      4 *
      (Math.min(info.height - 1, Math.floor(v * info.height)) * info.width +
        Math.min(info.width - 1, Math.floor(u * info.width)));
    const oval = new Set(mesh.oval);
    file.uv.forEach((p, i) => {
      if (!oval.has(i)) expect(data[texel(p) + 3], `landmark ${i}`).toBe(255);
    });
    expect(data[3]).toBe(0);
    const cheek = texel(file.uv[50] ?? [0, 0]);
    expect(data[cheek] ?? 0).toBeGreaterThan(data[cheek + 2] ?? 0);
  });

  test('comes with a portrait, a card and a licence note', () => {
    for (const f of ['portrait.png', 'CARD.md', 'LICENSE.md']) expect(existsSync(join(folder, f)), f).toBe(true);
  });
});

describe('layout', () => {
  const canonical = Float32Array.from(mesh.positions.flat());

  test('the canonical face rolls off its cylinder with all landmarks inside', () => {
    const c = cylinderAround(canonical, -5, 0.05);
    const uv = mesh.positions.map(([x, y, z]) => toUv(c, x, y, z));
    for (const p of uv) for (const v of p) expect(v > 0 && v < 1).toBe(true);
    const mask = ovalMask(uv, mesh, 64, 2);
    expect(mask[0]).toBe(0);
    expect(mask[64 * 32 + 32]).toBe(1);
  });

  test('unfold straightens a layout with a point pulled across its neighbours', () => {
    const uv = mesh.positions.map(([x, y]): [number, number] => [0.5 + x / 20, 0.5 - y / 20]);
    const before = unfold(
      uv.map((p): [number, number] => [p[0], p[1]]),
      mesh,
      -1,
      1,
    );
    expect(before).toBe(0);
    uv[50] = [0.75, 0.5];
    const folded = mesh.triangles.filter(
      (t) => signedArea(uv, t) * signedArea(uv, mesh.triangles[0] ?? [0, 1, 2]) <= 0,
    ).length;
    expect(folded).toBeGreaterThan(0);
    expect(unfold(uv, mesh, 1e-9, 400)).toBe(0);
  });
});
