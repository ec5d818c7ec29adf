/** What is built from sources: the SIMD kernels and the pages. Each is built again only when its sources changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedNode } from './install.mjs';
import { run, SetupError, step, tail } from './steps.mjs';

/**
 * @typedef {object} Output
 * @property {string} name as `scripts/build.ts` knows it
 * @property {string} title
 * @property {string} result what must exist afterwards
 * @property {string} needs a source without which there is nothing to build
 * @property {string[]} sources folders and files, relative to the root
 */

/** @type {Output[]} */
const OUTPUTS = [
  {
    name: 'kernels',
    title: 'building the picture kernels (AssemblyScript)',
    result: 'dist/kernels.wasm',
    needs: 'server/frame/kernels/index.ts',
    sources: ['server/frame/kernels', 'scripts/build.ts', 'package-lock.json'],
  },
  {
    name: 'client',
    title: 'building the pages (Vite)',
    result: 'dist/client',
    needs: 'client/vite.config.ts',
    sources: ['client', 'server/wire', 'scripts/build.ts', 'package-lock.json'],
  },
];

/**
 * @param {string} root
 * @param {Output} output
 */
const stampFile = (root, output) => join(root, 'dist', `.${output.name}-sources`);

/**
 * Hash of names and contents of every file under the sources, in a fixed order.
 * @param {string} root
 * @param {string[]} sources
 */
export function hashSources(root, sources) {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => filesUnder(root, source))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(root, path) {
  if (!existsSync(join(root, path))) return [];
  /** @type {import('node:fs').Dirent[]} */
  let entries;
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true });
  } catch {
    return [path];
  }
  const names = entries.map((entry) => entry.name).sort();
  return names.flatMap((name) => filesUnder(root, `${path}/${name}`));
}

/**
 * The outputs that are missing or older than their sources.
 * @param {string} root
 */
export function staleOutputs(root) {
  return OUTPUTS.filter((output) => {
    if (!existsSync(join(root, output.needs))) return false;
    if (!existsSync(join(root, output.result))) return true;
    try {
      return readFileSync(stampFile(root, output), 'utf8') !== hashSources(root, output.sources);
    } catch {
      return true;
    }
  });
}

/** @param {string} root */
export async function buildStaleOutputs(root) {
  for (const output of staleOutputs(root)) {
    // Taken before the build: a source that is saved meanwhile makes the next run build again.
    const sources = hashSources(root, output.sources);
    await step(output.title, async () => {
      const { code, output: said } = await run(pinnedNode(root), ['scripts/build.ts', output.name], { cwd: root });
      if (code !== 0) throw new SetupError(`${output.title} failed:\n${tail(said, 60)}`);
    });
    mkdirSync(join(root, 'dist'), { recursive: true });
    writeFileSync(stampFile(root, output), sources);
  }
}
