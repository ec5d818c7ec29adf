/**
 * Records what a learned double is trained on: random people perform, the same performance wears the double's face, and the server's own
 * code makes of each picture what the network will be given.
 *   node scripts/training/record.ts --assets DIR --skins DIR --doubles mara,ivo [--textures DIR] --out DIR [--drivers 60] [--first 1] [--faces 60] [--performing] [--workers 2]
 * With --performing faces do what they do in a performance (a smile in the midst of speech), otherwise each is drawn anew. A double may be `person-901`, the random person of that seed; --textures says where scripts/performer/render-double.ts has put it.
 * One file of 14 planes of 256×256 bytes a face for each double and driver (OUT/DOUBLE/driver-NNNN.bin), and a JSON beside it. Drivers that are there already are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { foldersOf, PEOPLE, seedsFrom } from './asked.ts';
import { crew } from './crew.ts';
import { driverFile } from './files.ts';
import type { RecordJob } from './record-worker.ts';
import { withDrawings } from './seer.ts';

const { values } = parseArgs({
  options: {
    ...PEOPLE,
    doubles: { type: 'string', default: 'mara,ivo' },
    textures: { type: 'string' },
    drivers: { type: 'string', default: '60' },
    first: { type: 'string', default: '1' },
    faces: { type: 'string', default: '60' },
    performing: { type: 'boolean', default: false },
  },
});
const { assets, skins, out } = foldersOf(values);
const seeds = seedsFrom(values.first, values.drivers, 'Drivers');
const folders = values.doubles.split(',').map((name) => ({ name, dir: join(out, name) }));
for (const { dir } of folders) mkdirSync(dir, { recursive: true });
const wanted = seeds.filter((seed) => !folders.every(({ dir }) => existsSync(`${driverFile(dir, seed)}.bin`)));
await withDrawings(async (drawingOf) => {
  const doubles: RecordJob['doubles'] = await Promise.all(
    folders.map(async ({ name }) => ({ name, drawing: await drawingOf(name, values.textures ?? null) })),
  );
  const job: RecordJob = { assets, skins, out, doubles, faces: Number(values.faces), performing: values.performing };
  await crew(new URL('./record-worker.ts', import.meta.url), job, wanted, Number(values.workers), 'driver');
});
