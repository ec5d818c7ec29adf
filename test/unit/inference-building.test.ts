import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../server/inference/build-lock.ts';
import { openAtEngine } from '../../server/inference/engine-opening.ts';
import { InferenceError } from '../../server/inference/failure.ts';
import { fileSha256 } from '../../server/inference/file-hash.ts';

/** Several processes share the cache of engines; what keeps them apart is files, so that several openings of one process stand for them here. */

let root: string;
let dir: string;
let built: number;
let waited: number;
let damaged: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-building-'));
  dir = join(root, 'engine');
  [built, waited, damaged] = [0, 0, []];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const hears = { waiting: () => waited++, damaged: ({ message }: Error) => damaged.push(message) };
const engine = (): string => join(dir, 'network.engine');

/** As TensorRT: reads what lies there, and builds it, which takes a while, where nothing does. */
async function open(): Promise<'built' | 'read'> {
  mkdirSync(dir, { recursive: true });
  const size = statSync(engine(), { throwIfNoEntry: false })?.size;
  if (size === 0) throw new InferenceError('cache_corrupt', 'The model a.onnx cannot be loaded on tensorrt');
  if (size) return 'read';
  await new Promise((resolve) => setTimeout(resolve, 20));
  writeFileSync(engine(), 'an engine');
  built++;
  return 'built';
}

test('of three that need an engine at once one builds it, and the others wait and read it; then all read it beside each other', async () => {
  const all = await Promise.all([1, 2, 3].map(() => openAtEngine(dir, open, hears)));
  expect(all.sort()).toEqual(['built', 'read', 'read']);
  expect([built, waited]).toEqual([1, 2]);
  expect(await Promise.all([1, 2].map(() => openAtEngine(dir, open, hears)))).toEqual(['read', 'read']);
  expect([built, waited]).toEqual([1, 2]);
  expect(readdirSync(root)).toEqual(['engine']);
});

test('an engine that is damaged is deleted and built once, however many find it so', async () => {
  await openAtEngine(dir, open, hears);
  writeFileSync(engine(), '');
  const all = await Promise.all([1, 2].map(() => openAtEngine(dir, open, hears)));
  expect(all.sort()).toEqual(['built', 'read']);
  expect(built).toBe(2);
  expect(damaged).toEqual([expect.stringContaining('it was deleted and is built again')]);
});

test('one that stays damaged, and what else fails, is told; nobody waits for who failed', async () => {
  const fails = (kind: 'cache_corrupt' | 'gpu_memory') => () => Promise.reject(new InferenceError(kind, 'It'));
  await expect(openAtEngine(dir, fails('cache_corrupt'), hears)).rejects.toMatchObject({ kind: 'cache_corrupt' });
  await expect(openAtEngine(dir, fails('gpu_memory'), hears)).rejects.toMatchObject({ kind: 'gpu_memory' });
  expect(await openAtEngine(dir, open, hears)).toBe('built');
  expect(waited).toBe(0);
});

test('who died while it built is not waited for', async () => {
  writeFileSync(`${dir}.lock`, 'of a process that is gone');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(`${dir}.lock`, longAgo, longAgo);
  const unlock = await lockFolder(dir, hears.waiting);
  expect(waited).toBe(0);
  unlock();
  unlock();
  expect(readdirSync(root)).toEqual([]);
});

test('a folder that cannot be written is named, with what to do', async () => {
  writeFileSync(join(root, 'file'), '');
  const inside = join(root, 'file', 'engine');
  await expect(openAtEngine(inside, open, hears)).rejects.toMatchObject({
    kind: 'cache_unwritable',
    message: expect.stringMatching(/file could not be written\..*inference\.cacheDir\. \(EEXIST\)/) as string,
  });
});

test('a file’s hash is that of what stands in it now', async () => {
  const file = join(root, 'model');
  writeFileSync(file, 'abc');
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await fileSha256(file)).toBe(abc);
  expect(await fileSha256(file)).toBe(abc);
  writeFileSync(file, 'abd');
  expect(await fileSha256(file)).not.toBe(abc);
  await expect(fileSha256(join(root, 'none'))).rejects.toThrow(/ENOENT/);
});
