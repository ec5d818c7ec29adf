import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaceLandmarker } from '@mediapipe/tasks-vision';
import { describe, expect, test } from 'vitest';
import { buildPerceptionModels, differences, FOLDER } from '../../scripts/models/convert.ts';
import { closedLoops, type FaceMesh } from '../../scripts/models/face-mesh.ts';
import { ROOT, readSource, SOURCES } from '../../scripts/models/sources.ts';
import { readTflite } from '../../scripts/models/tflite.ts';

interface Manifest {
  licenceFile: string;
  models: {
    file: string;
    bytes: number;
    sha256: string;
    card?: string;
    source: { package: string; version: string };
  }[];
}
const read = (name: string) => readFileSync(join(FOLDER, name));
const manifest = JSON.parse(read('manifest.json').toString()) as Manifest;

describe('the perception models and their sources', () => {
  test('the script makes the committed files bit for bit, twice', () => {
    const files = buildPerceptionModels();
    expect(differences(files)).toEqual([]);
    for (const [name, bytes] of buildPerceptionModels()) {
      expect(Buffer.compare(bytes, files.get(name) ?? new Uint8Array()), name).toBe(0);
    }
  });

  test('a changed byte and a missing file are differences', () => {
    const folder = mkdtempSync(join(tmpdir(), 'models-'));
    try {
      cpSync(FOLDER, folder, { recursive: true });
      const changed = read('face-landmarks-478.onnx');
      changed[1000] = (changed[1000] ?? 0) ^ 1;
      writeFileSync(join(folder, 'face-landmarks-478.onnx'), changed);
      rmSync(join(folder, 'face-mesh.json'));
      expect(differences(buildPerceptionModels(), folder)).toEqual(['face-landmarks-478.onnx', 'face-mesh.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('--check runs from the command line and finds nothing to change', () => {
    const run = spawnSync(process.execPath, ['scripts/models/convert.ts', '--check'], { cwd: ROOT, encoding: 'utf8' });
    expect(run.stderr + run.stdout).toContain('files match');
    expect(run.status).toBe(0);
  });

  test('the manifest tells the truth about every file', () => {
    expect(manifest.models.map(({ file }) => file)).toContain('face-landmarks-478.onnx');
    for (const { file, bytes, sha256, card } of manifest.models) {
      expect(read(file).length, file).toBe(bytes);
      expect(createHash('sha256').update(read(file)).digest('hex'), file).toBe(sha256);
      if (card) expect(read(card).toString()).toContain(sha256);
    }
    expect(read(manifest.licenceFile).toString()).toMatch(/Apache License\s+Version 2\.0/);
  });

  test('a package of another version and bytes that are no model are refused with a sentence', () => {
    expect(() => readSource({ ...SOURCES.detector, version: '9.9.9' })).toThrow(/installed as .* read from 9\.9\.9/);
    expect(() => readSource({ ...SOURCES.detector, end: 1e9 })).toThrow(/1000000000 were expected/);
    expect(() => readTflite(Buffer.from('no model at all'))).toThrow(/no TensorFlow Lite model/);
  });
});

describe('the face mesh', () => {
  const mesh = JSON.parse(read('face-mesh.json').toString()) as FaceMesh;
  const edges = (triangles: number[][]) => triangles.flatMap(([a, b, c]) => [`${a}-${b}`, `${b}-${c}`, `${c}-${a}`]);

  test('the triangles cover the face once: their only open edges are the oval, the eyes and the mouth', () => {
    const name = (a: number, b: number) => [a, b].sort((p, q) => p - q).join('-');
    const uses = new Map<string, number>();
    for (const edge of edges(mesh.triangles)) {
      const [a = 0, b = 0] = edge.split('-').map(Number);
      uses.set(name(a, b), (uses.get(name(a, b)) ?? 0) + 1);
    }
    const open = [...uses].filter(([, count]) => count === 1).map(([edge]) => edge);
    const outlines = [mesh.oval, mesh.leftEye, mesh.rightEye, mesh.lips.inner];
    const expected = outlines.flatMap((loop) => loop.map((point, i) => name(point, loop[(i + 1) % loop.length] ?? -1)));
    expect(open.sort()).toEqual(expected.sort());
    expect(mesh.triangles).toHaveLength(FaceLandmarker.FACE_LANDMARKS_TESSELATION.length / 3);
    expect(new Set(mesh.triangles.flat()).size).toBe(468);
  });

  test('all triangles are wound alike: no edge is walked twice in the same direction', () => {
    const { leftEye, rightEye, mouth } = mesh.openings;
    const directed = edges([...mesh.triangles, ...leftEye, ...rightEye, ...mouth]);
    expect(new Set(directed).size).toBe(directed.length);
    expect([leftEye.length, rightEye.length, mouth.length]).toEqual([14, 14, 18]);
  });

  test('the winding faces the camera: counter-clockwise on the canonical face, y up', () => {
    const area = ([a, b, c]: number[]) => {
      const [p, q, r] = [a, b, c].map((point) => mesh.positions[point ?? -1] as number[]) as [
        number[],
        number[],
        number[],
      ];
      const cross = (i: number, j: number) => ((q[i] ?? 0) - (p[i] ?? 0)) * ((r[j] ?? 0) - (p[j] ?? 0));
      return cross(0, 1) - cross(1, 0);
    };
    expect(mesh.triangles.filter((triangle) => area(triangle) > 0).length / 852).toBeGreaterThan(0.98);
  });

  test('outlines close, and left is the performer’s left: positive x', () => {
    expect([mesh.oval.length, mesh.lips.outer.length, mesh.lips.inner.length]).toEqual([36, 20, 20]);
    expect([mesh.leftEye.length, mesh.leftBrow.length, mesh.leftIris.length]).toEqual([16, 10, 5]);
    const x = (point: number) => mesh.positions[point]?.[0] ?? Number.NaN;
    for (const point of [...mesh.leftEye, ...mesh.leftBrow]) expect(x(point)).toBeGreaterThan(0);
    for (const point of [...mesh.rightEye, ...mesh.rightBrow]) expect(x(point)).toBeLessThan(0);
    expect(mesh.rightIris[0]).toBe(468);
    expect(mesh.leftIris[0]).toBe(473);
  });

  test('an outline that does not close is refused', () => {
    const open = [
      { start: 1, end: 2 },
      { start: 2, end: 3 },
    ];
    expect(() => closedLoops(open, 1)).toThrow(/closed loops/);
  });
});
