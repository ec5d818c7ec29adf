import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A store of the bench's own, as the keys `store` of a configuration: it goes with this process. */
export function temporaryStore(): { dir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-store-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  return { dir };
}
