/**
 * Records what the age treatment `reage` is trained on: random people at random moments, each moment in the same person's skin at three ages
 * (the same geometry, light, hair and background), cut out as the server cuts them.
 *   node scripts/age/record.ts --assets DIR --skins DIR --out DIR [--people 120] [--first 1] [--moments 24] [--workers 2]
 * One file of 12 planes of 256×256 bytes a moment for each person (OUT/person-NNNN.bin), and a JSON beside it. People that are there already
 * are left alone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { HELD_OUT_SEED } from '../performer/people.ts';
import { crew } from '../training/crew.ts';
import type { AgeJob } from './record-worker.ts';

const { values } = parseArgs({
  options: {
    assets: { type: 'string' },
    skins: { type: 'string' },
    out: { type: 'string' },
    people: { type: 'string', default: '120' },
    first: { type: 'string', default: '1' },
    moments: { type: 'string', default: '24' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});
const { assets, skins, out } = values;
if (!assets || !skins || !out)
  throw new Error('Say --assets DIR, --skins DIR (see models/demo/CARD.md) and --out DIR.');
const first = Number(values.first);
const last = first + Number(values.people) - 1;
if (last >= HELD_OUT_SEED) throw new Error(`People from ${HELD_OUT_SEED} on are held out for measuring.`);
mkdirSync(out, { recursive: true });
const job: AgeJob = { assets, skins, out, moments: Number(values.moments) };
const file = (seed: number): string => `${out}/person-${String(seed).padStart(4, '0')}.bin`;
const seeds = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((seed) => !existsSync(file(seed)));
await crew(new URL('./record-worker.ts', import.meta.url), job, seeds, Number(values.workers), 'person');
