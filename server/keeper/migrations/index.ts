import type { Migration } from 'kysely/migration';
import { up as feedsSettingsSessions } from './0001-feeds-settings-sessions.ts';
import { up as castings } from './0002-castings.ts';

/** In the order of their numbers. One that has been released is never changed: the next change is the next number. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-feeds-settings-sessions': { up: feedsSettingsSessions },
  '0002-castings': { up: castings },
};
