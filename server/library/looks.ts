import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { showsRealPerson } from './unlicensed.ts';

/** Where looks lie: doubles, which bring a face of their own, and treatments of the performer's own face. */
const DOUBLES = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
const AGES = fileURLToPath(new URL('../../models/ages/', import.meta.url));
const SHELVES = [DOUBLES, AGES];

const holdsLook = (dir: string): boolean => existsSync(`${dir}/double.json`);

/** The names of all looks, sorted: every folder that holds a manifest. */
export function lookNames(): string[] {
  const found = SHELVES.filter((shelf) => existsSync(shelf)).flatMap((shelf) =>
    readdirSync(shelf, { withFileTypes: true })
      // One that is being added is hidden until it is whole.
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && holdsLook(`${shelf}${entry.name}`))
      .map(({ name }) => name),
  );
  return [...new Set(found)].sort();
}

/** The names of the looks that may be worn. */
export const playableLooks = (): string[] => lookNames().filter((name) => !showsRealPerson(lookDir(name)));

/** Whether a look treats the performer's own face by the age dial, rather than bringing a face of its own. */
export const isAgeTreatment = (name: string): boolean => holdsLook(`${AGES}${name}`);

/** The folder of a look; for one that is nowhere the folder where a double of that name would lie. */
export const lookDir = (name: string): string =>
  `${SHELVES.find((shelf) => holdsLook(`${shelf}${name}`)) ?? DOUBLES}${name}`;
