/**
 * Records what the network that finds things before faces (train_occlusion.py) is trained on: random people, what was rendered before them, and
 * exactly how much of each pixel that, or their hair, covers.
 *   node scripts/training/record-covered.ts --assets DIR --skins DIR --out DIR [--drivers 60] [--first 201] [--faces 60] [--workers 2]
 * One file of 7 planes of 112×96 bytes a face for each driver (OUT/driver-NNNN.bin), and a JSON beside it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { foldersOf, PEOPLE, seedsFrom } from './asked.ts';
import { crew } from './crew.ts';
import { driverFile } from './files.ts';
import type { CoveredJob } from './record-covered-worker.ts';

const { values } = parseArgs({
  options: {
    ...PEOPLE,
    drivers: { type: 'string', default: '60' },
    first: { type: 'string', default: '201' },
    faces: { type: 'string', default: '60' },
  },
});
const { assets, skins, out } = foldersOf(values);
const seeds = seedsFrom(values.first, values.drivers, 'Drivers');
mkdirSync(out, { recursive: true });
const wanted = seeds.filter((seed) => !existsSync(`${driverFile(out, seed)}.bin`));
const job: CoveredJob = { assets, skins, out, faces: Number(values.faces) };
await crew(new URL('./record-covered-worker.ts', import.meta.url), job, wanted, Number(values.workers), 'driver');
