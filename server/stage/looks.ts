import { type Config, ConfigError } from '../config/config.ts';
import { Problem } from '../config/problem.ts';
import { isAgeTreatment, lookDir, lookNames, playableLooks } from '../library/looks.ts';
import { showsRealPerson, unlicensed } from '../library/unlicensed.ts';

/** Throws `ConfigError` where the configuration names a look that is not there, or may not be worn. */
export function checkLooks({ stage }: Config): void {
  const there = playableLooks();
  const named = [
    { key: 'stage.look', look: stage.look },
    ...stage.feeds.map(({ name, look }) => ({ key: `The look of feed ${name}`, look })),
  ];
  const missing = named.find(({ look }) => look !== null && !there.includes(look));
  if (!missing) return;
  const { key, look } = missing;
  if (look && isUnlicensed(look)) throw new ConfigError(`${key}: ${unlicensed(look)}`);
  throw new ConfigError(`${key}: there is no look "${look}": choose one of ${there.join(', ')}.`);
}

/** Why a look that somebody asks for is none of those that may be worn. */
export const lookRefused = (look: string, playable: readonly string[]): Problem =>
  isUnlicensed(look)
    ? new Problem('look_unlicensed', `You asked for "${look}"; there are ${playable.join(', ')}.`)
    : new Problem('look_unknown', `You asked for "${look}"; there are ${playable.join(', ')}.`);

/** Which looks have the age dial. Asked with every look at a feed: no disk is touched for it then. */
export function ageableAmong(looks: readonly string[]): (look: string) => boolean {
  const ageable = new Set(looks.filter(isAgeTreatment));
  return (look) => ageable.has(look);
}

const isUnlicensed = (look: string): boolean => lookNames().includes(look) && showsRealPerson(lookDir(look));
