/** How a long step shows that it lives, and how it speaks when it fails. */
import { spawn } from 'node:child_process';

/** A failure that the person can read as it stands: printed without a stack. */
export class SetupError extends Error {}

const SIGN_OF_LIFE_MS = 15_000;

/**
 * Says what is being done, that it still is (every 15 s), and how long it took. On stderr: stdout belongs to the
 * command that comes after the setup.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.error(`setup: ${what} …`);
  const alive = setInterval(() => console.error(`setup: ${what} … ${seconds()}`), SIGN_OF_LIFE_MS);
  try {
    const result = await work();
    console.error(`setup: ${what}: done, ${seconds()}`);
    return result;
  } finally {
    clearInterval(alive);
  }
}

/**
 * Runs a program to its end and keeps what it says to itself. Never rejects: a program that does not start has code 127.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, args, options = {}) {
  return new Promise((settle) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    /** @type {Buffer[]} */
    const chunks = [];
    const output = () => Buffer.concat(chunks).toString('utf8');
    const keep = (/** @type {Buffer} */ chunk) => chunks.push(chunk);
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => settle({ code: 127, output: `${output()}${error.message}` }));
    child.on('close', (code) => settle({ code: code ?? 1, output: output() }));
  });
}

/**
 * The last lines of a program's output, for a failure message.
 * @param {string} output
 */
export function tail(output, lines = 25) {
  return output.trim().split('\n').slice(-lines).join('\n');
}
