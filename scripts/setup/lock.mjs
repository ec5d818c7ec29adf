/** One setup at a time in one checkout: two terminals may say `npm start` and `npm test` at once. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 1000;
/** A holder that has not touched its lock for so long is dead: a process id alone could have been given out again. */
const STALE_MS = 6000;
const POLL_MS = 200;

/**
 * Runs `work` while no other process that uses the same lock file does. Waits as long as the holder lives.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {{ staleMs?: number, onWait?: (holder: string) => void }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(file, work, { staleMs = STALE_MS, onWait = () => {} } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  const token = `${process.pid} ${Date.now()} ${Math.random()}`;
  for (let told = false; !take(file, token); told = true) {
    const holder = read(file);
    if (holder !== null && ageMs(file) > staleMs) steal(file, holder);
    else {
      if (!told) onWait(holder?.split(' ')[0] ?? 'unknown');
      await sleep(POLL_MS);
    }
  }
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if (read(file) === token) rmSync(file, { force: true });
  }
}

/**
 * @param {string} file
 * @param {string} token
 */
function take(file, token) {
  try {
    writeFileSync(file, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** @param {string} file */
function ageMs(file) {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Somebody removed it by hand; the work goes on, and the next one to come does not wait.
  }
}

/**
 * Takes a dead holder's lock away. Of several that try, only one moves the file that was seen dead.
 * @param {string} file
 * @param {string} holder
 */
function steal(file, holder) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== holder) renameSync(aside, file);
    else rmSync(aside, { force: true });
  } catch {
    // Another one was faster.
  }
}
