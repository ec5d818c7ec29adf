import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLocked, lockFolder } from './build-lock.ts';
import { makeFolder } from './engine-folder.ts';
import { InferenceError } from './failure.ts';

/** Stands in an engine's folder once all of it was built: a process that died half-way leaves parts. */
const WHOLE = 'whole';

export interface EngineOpening {
  /** Hears once where another process builds the engine, which this one waits for. */
  waiting(): void;
  /** Hears that the engine could not be read, before it is deleted and built again. */
  damaged(error: InferenceError): void;
}

/**
 * Opens a network whose engine lies in a folder, where there is none building it: of several processes that need it at once (a feed and the
 * spare) one builds, and the others wait and read it then. One that is whole is read by all at the same time.
 * @param open opens the network with what lies there; rejects with `cache_corrupt` where that cannot be read.
 */
export async function openAtEngine<T>(dir: string, open: () => Promise<T>, hears: EngineOpening): Promise<T> {
  const seen = wholeSince(dir);
  let damage: InferenceError | null = null;
  if (seen !== null && !isLocked(dir)) {
    const opened = await unlessDamaged(open);
    if (!(opened instanceof InferenceError)) return opened;
    damage = opened;
  }
  const unlock = await lockFolder(dir, hears.waiting);
  try {
    // Another process may have built it anew while this one waited.
    if (damage === null || wholeSince(dir) !== seen) {
      const opened = await unlessDamaged(open);
      if (!(opened instanceof InferenceError)) return kept(dir, opened);
      damage = opened;
    }
    // Once: an engine that was just built and still cannot be read is no matter of the cache.
    rmSync(dir, { recursive: true, force: true });
    makeFolder(dir);
    hears.damaged(damage);
    return kept(dir, await open());
  } finally {
    unlock();
  }
}

async function unlessDamaged<T>(open: () => Promise<T>): Promise<T | InferenceError> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof InferenceError && error.kind === 'cache_corrupt') return error;
    throw error;
  }
}

function kept<T>(dir: string, opened: T): T {
  if (wholeSince(dir) === null) {
    makeFolder(dir);
    writeFileSync(join(dir, WHOLE), '');
  }
  return opened;
}

function wholeSince(dir: string): number | null {
  try {
    return statSync(join(dir, WHOLE)).mtimeMs;
  } catch {
    return null;
  }
}
