/**
 * Records what the network that paints eyes and mouth is trained on (train_features.py): from recordings, each face drawn by a bundled double
 * as it is built, up to where this network goes on. In some minutes.
 *   node scripts/training/record-features.ts --from DIR --doubles mara,ivo --out DIR [--workers 2]
 * DIR as scripts/training/record.ts wrote it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crew } from './crew.ts';
import type { FeaturesJob } from './features-worker.ts';
import { MODELS } from './onlooker.ts';
import { driverFile } from './seer.ts';

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
for (const name of values.doubles.split(',')) {
  mkdirSync(join(out, name), { recursive: true });
  const seeds = readdirSync(join(from, name))
    .flatMap((file) => /^driver-(\d+)\.bin$/.exec(file)?.[1] ?? [])
    .map(Number)
    .filter((seed) => !existsSync(`${driverFile(out, name, seed)}.bin`));
  const job: FeaturesJob = { from, out, name, dir: join(MODELS, 'doubles', name) };
  await crew(new URL('./features-worker.ts', import.meta.url), job, seeds, Number(values.workers), 'driver');
}
