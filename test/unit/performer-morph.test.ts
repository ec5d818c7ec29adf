import { describe, expect, test } from 'vitest';
import { MissingAssetError, openAssets } from '../../scripts/performer/assets.ts';
import { identityNamed, identityWeights } from '../../scripts/performer/identity.ts';
import { addNormals, addTarget } from '../../scripts/performer/morph.ts';
import { DEMO_SECONDS, demoMoment, follow } from '../../scripts/performer/motion.ts';
import { parseObj, parseProxy, parseTarget } from '../../scripts/performer/obj.ts';
import { expressionUnits, NEUTRAL_FACE } from '../../scripts/performer/rig.ts';
import { applyStencil } from '../../scripts/performer/sparse.ts';
import { subdivide } from '../../scripts/performer/subdivide.ts';
import { rotation } from '../../scripts/performer/vec.ts';

const CUBE = `
v -1 -1 -1
v 1 -1 -1
v 1 1 -1
v -1 1 -1
v -1 -1 1
v 1 -1 1
v 1 1 1
v -1 1 1
vt 0 0
vt 1 0
vt 1 1
vt 0 1
g box
f 5/1 6/2 7/3 8/4
f 2/1 1/2 4/3 3/4
f 6/1 2/2 3/3 7/4
f 1/1 5/2 8/3 4/4
f 8/1 7/2 3/3 4/4
f 1/1 2/2 6/3 5/4
`;

describe('asset files', () => {
  test('OBJ text: points, texture points, faces with both indices and their group', () => {
    const mesh = parseObj(CUBE);
    expect(mesh.points).toHaveLength(24);
    expect(mesh.faces).toHaveLength(6);
    expect(mesh.faces[0]).toEqual({ points: [4, 5, 6, 7], uvs: [0, 1, 2, 3], group: 'box' });
  });

  test('a proxy binding keeps references, weights, offsets and its scale', () => {
    const p = parseProxy('# note\nx_scale 5 6 2.0\nverts 0\n1 2 3 0.5 0.25 0.25 0.1 0.2 0.3\n7\n');
    expect([...p.refs]).toEqual([1, 2, 3, 7, 0, 0]);
    expect(p.offsets[1]).toBeCloseTo(0.2);
    expect(p.scale.x).toEqual({ a: 5, b: 6, length: 2 });
    expect(p.scale.y).toBeNull();
  });

  test('a missing folder is named, with where to get it', () => {
    expect(() => openAssets('/nowhere', '/nowhere')).toThrow(MissingAssetError);
    expect(() => openAssets('/nowhere', '/nowhere')).toThrow(/base mesh at .*nowhere.*CC0/s);
  });
});

describe('morph', () => {
  test('a target moves its points by its weight and no others', () => {
    const points = Float32Array.from(parseObj(CUBE).points);
    addTarget(points, parseTarget('# head\n2 0 0 1.5\n7 -1 0 .5\n'), 0.5);
    expect([...points.slice(6, 9)]).toEqual([1, 1, -0.25]);
    expect([...points.slice(21, 24)]).toEqual([-1.5, 1, 1.25]);
    expect([...points.slice(0, 3)]).toEqual([-1, -1, -1]);
  });

  test('normals point out of the solid', () => {
    const normals = new Float32Array(9);
    addNormals(Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0), Uint32Array.of(0, 1, 2), normals);
    expect([...normals.slice(0, 3)]).toEqual([0, 0, 1]);
  });
});

describe('subdivision', () => {
  test('a cube becomes 24 quads whose corners lie where Catmull and Clark put them', () => {
    const mesh = parseObj(CUBE);
    const out = subdivide(mesh.faces, mesh.uvs);
    expect(out.faces).toHaveLength(24);
    expect(out.stencil.rows).toBe(8 + 12 + 6);
    const points = new Float32Array(3 * out.stencil.rows);
    applyStencil(out.stencil, mesh.points, points, 0);
    // A corner of valence 3: (F + 2R + (n−3)P)/n = 5/9 of the corner.
    expect(points[0]).toBeCloseTo(-5 / 9, 5);
    expect(Math.max(...points)).toBeCloseTo(1, 5);
  });

  test('every new point is a weighted mean: the weights of a row sum to 1', () => {
    const mesh = parseObj(CUBE);
    const { stencil } = subdivide(mesh.faces.slice(0, 4), mesh.uvs);
    for (let r = 0; r < stencil.rows; r++) {
      let sum = 0;
      for (let k = stencil.start[r] ?? 0; k < (stencil.start[r + 1] ?? 0); k++) sum += stencil.weight[k] ?? 0;
      expect(sum).toBeCloseTo(1, 5);
    }
  });
});

describe('identity, rig and motion', () => {
  test('an identity spells out both sides and its age', () => {
    const weights = identityWeights(identityNamed('mara'));
    expect(weights['cheek/l-cheek-bones-incr']).toBe(weights['cheek/r-cheek-bones-incr']);
    expect(weights['macrodetails/caucasian-female-old']).toBeGreaterThan(0);
    expect(() => identityNamed('nobody')).toThrow(/Known: noel, mara, ivo/);
  });

  test('a neutral face asks for nothing; a wink shuts one eye; eyes cast down take the lids along', () => {
    expect(expressionUnits(NEUTRAL_FACE, 0)).toEqual({});
    const wink = expressionUnits({ ...NEUTRAL_FACE, blinkLeft: 1 }, 0);
    expect(wink['eye-left-closure']).toBe(1);
    expect(wink['eye-right-closure']).toBeUndefined();
    expect(expressionUnits(NEUTRAL_FACE, -0.2)['eye-right-closure']).toBeGreaterThan(0.1);
  });

  test('yaw turns the nose to the performer’s left, pitch lifts it, roll tips the crown to the right of the screen', () => {
    expect(rotation(0.5, 0, 0)[2]).toBeGreaterThan(0.4);
    expect(rotation(0, 0.5, 0)[5]).toBeGreaterThan(0.4);
    expect(rotation(0, 0, 0.5)[1]).toBeGreaterThan(0.4);
  });

  test('a track passes through its keys and never beyond them', () => {
    const track = [
      [0, 0],
      [1, 2],
      [2, 2],
      [3, -1],
    ] as const;
    for (const [t, v] of track) expect(follow(track, t)).toBeCloseTo(v, 6);
    for (let t = 0; t <= 3; t += 0.05) {
      expect(follow(track, t)).toBeLessThanOrEqual(2 + 1e-9);
      expect(follow(track, t)).toBeGreaterThanOrEqual(-1 - 1e-9);
    }
  });

  test('the demo loops: its first and last moments are equal, and the head turns at least 30° both ways', () => {
    const first = demoMoment(0);
    const last = demoMoment(DEMO_SECONDS);
    expect(last.expression).toEqual(first.expression);
    for (const key of ['yaw', 'pitch', 'roll', 'lean', 'shift', 'rise', 'torsoYaw'] as const)
      expect(last.pose[key]).toBeCloseTo(first.pose[key], 6);
    last.lighting.key.direction.forEach((v, i) => {
      expect(v).toBeCloseTo(first.lighting.key.direction[i] ?? 0, 6);
    });
    const yaws = Array.from({ length: 331 }, (_, i) => ((demoMoment(i / 30).pose.yaw * 180) / Math.PI) * 1.14);
    expect(Math.max(...yaws)).toBeGreaterThan(30);
    expect(Math.min(...yaws)).toBeLessThan(-30);
  });
});
