import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A store of the bench's own, as the keys `store` of a configuration: it goes with this process. */
export function temporaryStore(): { dir: string } {
  // A bench makes one for each of its servers: one listener takes them all away.
  if (made.length === 0)
    process.on('exit', () => {
      for (const dir of made) rmSync(dir, { recursive: true, force: true });
    });
  const dir = mkdtempSync(join(tmpdir(), 'understudy-store-'));
  made.push(dir);
  return { dir };
}
