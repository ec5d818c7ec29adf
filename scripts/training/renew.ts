/**
 * Draws recordings anew after the server's drawing or perception has changed: from the crops that they hold, in minutes where recording takes
 * most of an hour. Each crop is looked at as a picture of its own, so that a face is a little softer than it was.
 *   node scripts/training/renew.ts --from DIR --doubles mara,ivo --out DIR [--workers 2]
 * DIR as scripts/training/record.ts wrote it.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { crew } from './crew.ts';
import type { RenewJob } from './renew-worker.ts';
import { drawingOf } from './seer.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      out: { type: 'string' },
      doubles: { type: 'string', default: 'mara,ivo' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const { from, out } = values;
  if (!from || !out) throw new Error('Say --from DIR, where recordings are, and --out DIR.');
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-renew-'));
  try {
    const mesh = readFaceMesh();
    for (const name of values.doubles.split(',')) {
      mkdirSync(join(out, name), { recursive: true });
      const seeds = readdirSync(join(from, name)).flatMap((file) => /^driver-(\d+)\.bin$/.exec(file)?.[1] ?? []);
      const job: RenewJob = { from, out, name, drawing: await drawingOf(name, null, mesh, temporary) };
      await crew(
        new URL('./renew-worker.ts', import.meta.url),
        job,
        seeds.map(Number),
        Number(values.workers),
        'driver',
      );
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main();
