import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder, unwritable } from './engine-folder.ts';

/** Who builds touches its lock this often; one that was not touched for several times as long is of a process that has died. */
const TOUCH_MS = 1000;
const STALE_MS = 10_000;
const LOOK_MS = 50;

/**
 * Waits until no other process builds what lies in a folder, and keeps others from it until it is let go of: a file beside the folder, because
 * the cache may be shared by containers, which do not see each other's processes.
 * @param waiting hears once where somebody else has it.
 * @returns lets go of it; may be called twice.
 */
export async function lockFolder(dir: string, waiting: () => void): Promise<() => void> {
  const lock = `${dir}.lock`;
  const token = randomUUID();
  makeFolder(dirname(dir));
  let told = false;
  while (!taken(lock, token)) {
    if (isStale(lock)) breakLock(lock, token);
    else {
      if (!told) waiting();
      told = true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  const touching = setInterval(() => touch(lock), TOUCH_MS);
  touching.unref();
  return () => {
    clearInterval(touching);
    if (holder(lock) === token) rmSync(lock, { force: true });
  };
}

/** Whether somebody builds what lies in a folder. */
export const isLocked = (dir: string): boolean => holder(`${dir}.lock`) !== null;

function taken(lock: string, token: string): boolean {
  try {
    writeFileSync(lock, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unwritable(lock, error);
  }
}

function isStale(lock: string): boolean {
  try {
    return Date.now() - statSync(lock).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** Moved away before it is deleted: of several who wait only one can do that. One that somebody has just taken is put back. */
function breakLock(lock: string, token: string): void {
  const aside = `${lock}.${token}`;
  try {
    renameSync(lock, aside);
    if (isStale(aside)) rmSync(aside);
    else renameSync(aside, lock);
  } catch {
    // Another was faster.
  }
}

function touch(lock: string): void {
  try {
    const now = new Date();
    utimesSync(lock, now, now);
  } catch {
    // The cache was deleted: whoever builds again has no lock to see either.
  }
}

function holder(lock: string): string | null {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return null;
  }
}
