/**
 * Records what the network that paints eyes and mouth is trained on (train_features.py): from recordings, each face drawn by a bundled double
 * as it is built, up to where this network goes on. In some minutes.
 *   node scripts/training/record-features.ts --from DIR --doubles mara,ivo --out DIR [--workers 2]
 * DIR as scripts/training/record.ts wrote it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { recordingsAsked } from './asked.ts';
import { crew } from './crew.ts';
import type { FeaturesJob } from './features-worker.ts';
import { driverFile, driversIn } from './files.ts';
import { MODELS } from './onlooker.ts';

const { from, out, names, workers } = recordingsAsked();
for (const name of names) {
  mkdirSync(join(out, name), { recursive: true });
  const seeds = driversIn(join(from, name)).filter((seed) => !existsSync(`${driverFile(join(out, name), seed)}.bin`));
  const job: FeaturesJob = { from, out, name, dir: join(MODELS, 'doubles', name) };
  await crew(new URL('./features-worker.ts', import.meta.url), job, seeds, workers, 'driver');
}
