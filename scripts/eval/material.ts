import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clipsFolder } from '../../test/fixtures/clips.ts';
import { say } from '../bench/report.ts';
import { findAssets } from './find-assets.ts';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const CACHE = join(ROOT, '.cache', 'eval');
/** The doubles that come with Understudy: performances have a truth for each. */
export const BUNDLED = ['mara', 'ivo'];
/** Nobody trains on this person; `doubles train` makes a double of their footage. */
const PERSON = { seed: 1100, name: 'person-1100' };
/** What rendered pictures depend on, and what a double made of footage depends on besides. */
const RENDERED_BY = ['scripts/performer'];
const TRAINED_BY = [...RENDERED_BY, 'scripts/own-double', 'server/double', 'server/face', 'models/own-double'];

/** Cameras' clips of real faces: UNDERSTUDY_CLIPS, else beside the checkout; null where there are none. */
export const clipsBeside = (): string | null => (existsSync(clipsFolder) ? clipsFolder : null);

/** A finished folder of the cache. */
const STATE = /^[a-z]+-[0-9a-f]{12}$/;

/** What `npm run eval -- double` looks at. */
export interface Material {
  /** Folder of rendered performances; null where there are none. */
  performances: string | null;
  /** Folder of a double that `doubles train` made. */
  trained: string | null;
}

/**
 * Held-out performances, and a double made of a held-out person's footage: rendered and made once for each state of the code they depend on, and kept in
 * .cache/eval. Takes half an hour of two cores then.
 * @param make whether what is not there is made.
 * @throws Error with a sentence where the CC0 head is not there, or a step fails.
 */
export async function findMaterial(make: boolean): Promise<Material> {
  const performances = join(CACHE, `performances-${stateOf(RENDERED_BY)}`);
  const made = join(CACHE, `double-${stateOf(TRAINED_BY)}`);
  const trained = join(made, PERSON.name);
  if (make) {
    await once(performances, 'Rendering 12 held-out performances', (folder) => {
      const count = String(availableParallelism());
      const doubles = [...BUNDLED, PERSON.name].join(',');
      return renderer('render-performances.ts', ['--out', folder, '--doubles', doubles, '--workers', count]);
    });
    await once(made, `Making a double of ${PERSON.name}`, async (folder) => {
      const footage = join(folder, 'footage');
      await renderer('render-footage.ts', ['--out', footage, '--person', String(PERSON.seed)]);
      await node('scripts/own-double/main.ts', [footage, '--name', PERSON.name, '--out', folder, '--fictional']);
      rmSync(footage, { recursive: true });
    });
  }
  return {
    performances: existsSync(performances) ? performances : null,
    trained: existsSync(trained) ? trained : null,
  };
}

function renderer(script: string, args: string[]): Promise<void> {
  const { assets, skins } = findAssets(join(ROOT, '.cache', 'assets'));
  return node(`scripts/performer/${script}`, ['--assets', assets, '--skins', skins, ...args]);
}

/** Fills a folder of the cache beside its place and moves it there: what is there is whole. What an older state of the code made is dropped. */
async function once(folder: string, title: string, fill: (unfinished: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  say(`${title}, once; it is kept in ${relative(ROOT, folder)} …`);
  try {
    await fill(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
    const kind = basename(folder).split('-')[0]!;
    for (const other of readdirSync(CACHE))
      if (STATE.test(other) && other.startsWith(`${kind}-`) && other !== basename(folder))
        rmSync(join(CACHE, other), { recursive: true });
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Its words go to stderr: stdout is the report's. @throws Error where it fails. */
async function node(script: string, args: string[]): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ['ignore', 2, 2] });
  const status = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('exit', done);
  });
  if (status !== 0) throw new Error(`${basename(script)} failed; what it said stands above.`);
}

/** A few letters that are others when a file in one of the folders is. */
function stateOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const files = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) hash.update(`${relative(ROOT, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}
