/**
 * Records what the network that finds things before faces (train_occlusion.py) is trained on: random people, what was rendered before them, and
 * exactly how much of each pixel that, or their hair, covers.
 *   node scripts/training/record-covered.ts --assets DIR --skins DIR --out DIR [--drivers 60] [--first 201] [--faces 60] [--workers 2]
 * One file of 7 planes of 112×96 bytes a face for each driver (OUT/driver-NNNN.bin), and a JSON beside it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { HELD_OUT_SEED } from '../performer/people.ts';
import { crew } from './crew.ts';
import type { CoveredJob } from './record-covered-worker.ts';

const { values } = parseArgs({
  options: {
    assets: { type: 'string' },
    skins: { type: 'string' },
    out: { type: 'string' },
    drivers: { type: 'string', default: '60' },
    first: { type: 'string', default: '201' },
    faces: { type: 'string', default: '60' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});
const { assets, skins, out } = values;
if (!assets || !skins || !out)
  throw new Error('Say --assets DIR, --skins DIR (see models/demo/CARD.md) and --out DIR.');
const first = Number(values.first);
const last = first + Number(values.drivers) - 1;
if (last >= HELD_OUT_SEED) throw new Error(`Drivers from ${HELD_OUT_SEED} on are held out for measuring.`);
mkdirSync(out, { recursive: true });
const seeds = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
  (seed) => !existsSync(`${out}/driver-${String(seed).padStart(4, '0')}.bin`),
);
const job: CoveredJob = { assets, skins, out, faces: Number(values.faces) };
await crew(new URL('./record-covered-worker.ts', import.meta.url), job, seeds, Number(values.workers), 'driver');
