/** `node scripts/build.ts [kernels] [client]`: builds what runs but is not kept in the repository, into dist/. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The picture kernels: AssemblyScript to one WebAssembly file that works in memory it is handed. */
async function buildKernels(): Promise<void> {
  const asc = await import('assemblyscript/asc');
  const result = 'dist/kernels.wasm';
  // Built beside and moved: a server that starts meanwhile finds the old file or the new one, never half of one.
  const unfinished = `${result}.${process.pid}`;
  await mkdir(`${root}dist`, { recursive: true });
  const settings = ['--runtime', 'stub', '--enable', 'simd,relaxed-simd', '-O3', '--noAssert', '--importMemory'];
  const files = ['server/frame/kernels/index.ts', '--baseDir', root, '--outFile', unfinished];
  const said: string[] = [];
  const stderr = { write: (text: string | Uint8Array) => void said.push(text.toString()) };
  const { error } = await asc.main([...files, ...settings], { stderr });
  if (error) {
    await rm(root + unfinished, { force: true });
    throw new Error(`The kernels do not compile:\n${said.join('')}`, { cause: error });
  }
  await rename(root + unfinished, root + result);
}

/** The pages, with the settings that stand beside them. */
async function buildClient(): Promise<void> {
  const { build } = await import('vite');
  await build({ configFile: `${root}client/vite.config.ts`, logLevel: 'warn' });
}

const BUILDS = new Map([
  ['kernels', buildKernels],
  ['client', buildClient],
]);

const { positionals } = parseArgs({ allowPositionals: true });
for (const name of positionals.length > 0 ? positionals : BUILDS.keys()) {
  const build = BUILDS.get(name);
  if (!build) throw new Error(`There is nothing called ${name} to build: say ${[...BUILDS.keys()].join(' or ')}.`);
  await build();
}
