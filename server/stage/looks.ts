import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Config, ConfigError } from '../config/config.ts';

const DOUBLES_DIR = fileURLToPath(new URL('../../models/doubles/', import.meta.url));

/** Every folder of models/doubles that holds a manifest is a look. */
export function looks(): string[] {
  if (!existsSync(DOUBLES_DIR)) return [];
  return readdirSync(DOUBLES_DIR, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${DOUBLES_DIR}${entry.name}/double.json`))
    .map(({ name }) => name)
    .sort();
}

/** Throws `ConfigError` where the configuration names a look that is not there. */
export function checkLooks({ stage }: Config): void {
  const there = looks();
  const named = [
    { key: 'stage.look', look: stage.look },
    ...stage.feeds.map(({ name, look }) => ({ key: `The look of feed ${name}`, look })),
  ];
  const missing = named.find(({ look }) => look !== null && !there.includes(look));
  if (!missing) return;
  throw new ConfigError(`${missing.key}: there is no look "${missing.look}": choose one of ${there.join(', ')}.`);
}
