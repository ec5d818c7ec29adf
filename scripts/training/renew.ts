/**
 * Draws recordings anew after the server's drawing or perception has changed: from the crops that they hold, in minutes where recording takes
 * most of an hour. Each crop is looked at as a picture of its own, so that a face is a little softer than it was.
 *   node scripts/training/renew.ts --from DIR --doubles mara,ivo --out DIR [--workers 2]
 * DIR as scripts/training/record.ts wrote it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { recordingsAsked } from './asked.ts';
import { crew } from './crew.ts';
import { driversIn } from './files.ts';
import type { RenewJob } from './renew-worker.ts';
import { withDrawings } from './seer.ts';

const { from, out, names, workers } = recordingsAsked();
await withDrawings(async (drawingOf) => {
  for (const name of names) {
    mkdirSync(join(out, name), { recursive: true });
    const job: RenewJob = { from, out, name, drawing: await drawingOf(name, null) };
    const seeds = driversIn(join(from, name));
    await crew(new URL('./renew-worker.ts', import.meta.url), job, seeds, workers, 'driver');
  }
});
