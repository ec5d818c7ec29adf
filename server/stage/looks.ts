import { type Config, ConfigError } from '../config/config.ts';
import { lookNames } from '../library/looks.ts';

/** Throws `ConfigError` where the configuration names a look that is not there. */
export function checkLooks({ stage }: Config): void {
  const there = lookNames();
  const named = [
    { key: 'stage.look', look: stage.look },
    ...stage.feeds.map(({ name, look }) => ({ key: `The look of feed ${name}`, look })),
  ];
  const missing = named.find(({ look }) => look !== null && !there.includes(look));
  if (!missing) return;
  throw new ConfigError(`${missing.key}: there is no look "${missing.look}": choose one of ${there.join(', ')}.`);
}
