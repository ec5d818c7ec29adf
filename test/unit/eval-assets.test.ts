import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findAssets } from '../../scripts/eval/find-assets.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A cache that has the skins, so that nothing is fetched; what is in them does not matter here. */
function cacheWithSkins(): string {
  const cache = join(folder, 'cache');
  mkdirSync(join(cache, 'skins', 'package', 'public', 'data', 'skins'), { recursive: true });
  return cache;
}

/** The head's archive, with one file of it. */
function archived(mesh: string): string {
  const from = join(folder, 'from', 'makehuman', 'makehuman', 'data', '3dobjs');
  const assets = join(folder, 'assets');
  mkdirSync(from, { recursive: true });
  mkdirSync(assets);
  writeFileSync(join(from, mesh), 'v 0 0 0\n');
  execFileSync('tar', ['-cJf', join(assets, 'makehuman-cc0.tar.xz'), '-C', join(folder, 'from'), 'makehuman']);
  return assets;
}

test('the head is unpacked once, and found unpacked afterwards', () => {
  const [assets, cache] = [archived('base.obj'), cacheWithSkins()];
  const found = findAssets(cache, assets);
  expect(existsSync(join(found.assets, 'makehuman', 'makehuman', 'data', '3dobjs', 'base.obj'))).toBe(true);
  expect(findAssets(cache, assets)).toEqual(found);
  expect(readdirSync(cache).sort()).toEqual(['makehuman', 'skins']);
});

test('a head that is not there, or not whole, is a sentence that says what to do', () => {
  const cache = cacheWithSkins();
  expect(() => findAssets(cache, join(folder, 'nowhere'))).toThrow(/no folder .*nowhere.*UNDERSTUDY_ASSETS/);
  expect(() => findAssets(cache, archived('other.obj'))).toThrow(/cannot find the base mesh/);
});

test('an archive that does not unpack leaves nothing behind', () => {
  const [assets, cache] = [join(folder, 'assets'), cacheWithSkins()];
  mkdirSync(assets);
  writeFileSync(join(assets, 'makehuman-cc0.tar.xz'), 'no archive');
  expect(() => findAssets(cache, assets)).toThrow(/could not be unpacked/);
  expect(readdirSync(cache)).toEqual(['skins']);
});
