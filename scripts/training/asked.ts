import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { HELD_OUT_SEED } from '../performer/people.ts';

const WORKERS = { workers: { type: 'string', default: String(availableParallelism()) } } as const;

/** Options of all that record random people. */
export const PEOPLE = {
  assets: { type: 'string' },
  skins: { type: 'string' },
  out: { type: 'string' },
  ...WORKERS,
} as const;

/** Where the parts of people lie, and where to record them. @throws Error with a sentence. */
export function foldersOf({ assets, skins, out }: Partial<Record<keyof typeof PEOPLE, string>>) {
  if (!assets || !skins || !out)
    throw new Error('Say --assets DIR, --skins DIR (see models/demo/CARD.md) and --out DIR.');
  return { assets, skins, out };
}

/** Seeds of so many people. @param noun what they are called: 'Drivers'. @throws Error where people are asked for that others are measured on. */
export function seedsFrom(first: string, count: string, noun: string): number[] {
  const from = Number(first);
  const last = from + Number(count) - 1;
  if (last >= HELD_OUT_SEED) throw new Error(`${noun} from ${HELD_OUT_SEED} on are held out for measuring.`);
  return Array.from({ length: last - from + 1 }, (_, i) => from + i);
}

/** What all are told that make something else of recordings. @throws Error with a sentence. */
export function recordingsAsked() {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      out: { type: 'string' },
      doubles: { type: 'string', default: 'mara,ivo' },
      ...WORKERS,
    },
  });
  const { from, out, doubles, workers } = values;
  if (!from || !out) throw new Error('Say --from DIR, where recordings are, and --out DIR.');
  return { from, out, names: doubles.split(','), workers: Number(workers) };
}
