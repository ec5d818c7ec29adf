import { mkdirSync } from 'node:fs';
import { InferenceError } from './failure.ts';

/** Makes a folder of the engine cache, where it is not there. @throws InferenceError `cache_unwritable`. */
export function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw unwritable(dir, error);
  }
}

/** What could not be written in the engine cache, by the file system's error. */
export const unwritable = (path: string, error: unknown): InferenceError =>
  new InferenceError(
    'cache_unwritable',
    `${path} could not be written`,
    (error as NodeJS.ErrnoException).code ?? String(error),
  );
