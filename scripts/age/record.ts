/**
 * Records what the age treatment `reage` is trained on: random people at random moments, each moment in the same person's skin at three ages
 * (the same geometry, light, hair and background), cut out as the server cuts them.
 *   node scripts/age/record.ts --assets DIR --skins DIR --out DIR [--people 120] [--first 1] [--moments 24] [--workers 2]
 * One file of 12 planes of 256×256 bytes a moment for each person (OUT/person-NNNN.bin), and a JSON beside it. People that are there already
 * are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { foldersOf, PEOPLE, seedsFrom } from '../training/asked.ts';
import { crew } from '../training/crew.ts';
import { personFile } from '../training/files.ts';
import type { AgeJob } from './record-worker.ts';

const { values } = parseArgs({
  options: {
    ...PEOPLE,
    people: { type: 'string', default: '120' },
    first: { type: 'string', default: '1' },
    moments: { type: 'string', default: '24' },
  },
});
const { assets, skins, out } = foldersOf(values);
const seeds = seedsFrom(values.first, values.people, 'People');
mkdirSync(out, { recursive: true });
const wanted = seeds.filter((seed) => !existsSync(`${personFile(out, seed)}.bin`));
const job: AgeJob = { assets, skins, out, moments: Number(values.moments) };
await crew(new URL('./record-worker.ts', import.meta.url), job, wanted, Number(values.workers), 'person');
