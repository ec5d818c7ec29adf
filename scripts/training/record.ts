/**
 * Records what a learned double is trained on: random people perform, the same performance wears the double's face, and the server's own
 * code makes of each picture what the network will be given.
 *   node scripts/training/record.ts --assets DIR --skins DIR --doubles mara,ivo [--textures DIR] --out DIR [--drivers 60] [--first 1] [--faces 60] [--workers 2]
 * A double may be `person-901`, the random person of that seed; --textures says where scripts/performer/render-double.ts has put it.
 * One file of 14 planes of 256×256 bytes a face for each double and driver (OUT/DOUBLE/driver-NNNN.bin), and a JSON beside it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { HELD_OUT_SEED } from '../performer/people.ts';
import { crew } from './crew.ts';
import type { RecordJob } from './record-worker.ts';
import { drawingOf, driverFile } from './seer.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      assets: { type: 'string' },
      skins: { type: 'string' },
      doubles: { type: 'string', default: 'mara,ivo' },
      textures: { type: 'string' },
      out: { type: 'string' },
      drivers: { type: 'string', default: '60' },
      first: { type: 'string', default: '1' },
      faces: { type: 'string', default: '60' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const { assets, skins, out, textures } = values;
  if (!assets || !skins || !out)
    throw new Error('Say --assets DIR, --skins DIR (see models/demo/CARD.md) and --out DIR.');
  const first = Number(values.first);
  const last = first + Number(values.drivers) - 1;
  if (last >= HELD_OUT_SEED) throw new Error(`Drivers from ${HELD_OUT_SEED} on are held out for measuring.`);
  const names = values.doubles.split(',');
  for (const name of names) mkdirSync(join(out, name), { recursive: true });
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-record-'));
  try {
    const mesh = readFaceMesh();
    const doubles: RecordJob['doubles'] = await Promise.all(
      names.map(async (name) => ({ name, drawing: await drawingOf(name, textures ?? null, mesh, temporary) })),
    );
    const seeds = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
      (seed) => !names.every((name) => existsSync(`${driverFile(out, name, seed)}.bin`)),
    );
    const job: RecordJob = { assets, skins, out, doubles, faces: Number(values.faces) };
    await crew(new URL('./record-worker.ts', import.meta.url), job, seeds, Number(values.workers), 'driver');
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main();
