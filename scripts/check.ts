/**
 * `npm run check`: every tool that reads the code without running it, side by side. Quiet where all is well: one line
 * a tool. What a tool found is printed whole, after the lines, so that it stands last on the screen.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

interface Tool {
  name: string;
  /** Path of the tool's own JavaScript entry and its arguments: started with this Node, so no shell and no PATH. */
  command: [entry: string, ...args: string[]];
}

interface Verdict {
  name: string;
  ok: boolean;
  seconds: number;
  output: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const CRUISED = ['server', 'client', 'scripts', 'test'].filter((folder) => existsSync(`${root}/${folder}`));

/** Longest first, so that two processors finish at about the same time. */
const TOOLS: Tool[] = [
  {
    name: 'types (tsc)',
    command: ['typescript/bin/tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', '.cache/types.json'],
  },
  { name: 'layers (dependency-cruiser)', command: ['dependency-cruiser/bin/dependency-cruiser.mjs', ...CRUISED] },
  { name: 'unused code (knip)', command: ['knip/bin/knip.js', '--no-progress'] },
  { name: 'lint with types (oxlint)', command: ['oxlint/bin/oxlint', '--deny-warnings'] },
  {
    name: 'format and lint (biome)',
    command: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  },
];

function check({ name, command: [entry, ...args] }: Tool): Promise<Verdict> {
  const started = performance.now();
  return new Promise((settle) => {
    const child = spawn(process.execPath, [`node_modules/${entry}`, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env,
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = (ok: boolean, word = ''): void => {
      const said = Buffer.concat(chunks).toString('utf8').trim() + word;
      const seconds = (performance.now() - started) / 1000;
      settle({ name, ok, seconds, output: process.stdout.isTTY ? said : stripVTControlCharacters(said) });
    };
    child.on('error', (error) => finish(false, `${name} did not start: ${error.message}`));
    child.on('close', (code) => finish(code === 0));
  });
}

/** Runs every tool, at most `width` at a time, and tells of each as it ends. */
async function checkAll(width: number): Promise<Verdict[]> {
  const waiting = [...TOOLS];
  const verdicts: Verdict[] = [];
  const worker = async (): Promise<void> => {
    for (let tool = waiting.shift(); tool; tool = waiting.shift()) {
      const verdict = await check(tool);
      verdicts.push(verdict);
      console.log(`${verdict.ok ? 'ok  ' : 'FAIL'} ${verdict.name.padEnd(30)} ${verdict.seconds.toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return verdicts;
}

const started = performance.now();
const failed = (await checkAll(Math.max(2, availableParallelism()))).filter((verdict) => !verdict.ok);
for (const { name, output } of failed) console.log(`\n── ${name} ──\n${output}`);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  failed.length
    ? `\n${failed.length} of ${TOOLS.length} checks failed, ${seconds} s.`
    : `all ${TOOLS.length} checks passed, ${seconds} s.`,
);
process.exitCode = failed.length ? 1 : 0;
