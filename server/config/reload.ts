import { type Config, ConfigError } from './config.ts';
import { configSchema } from './schema.ts';

/** What takes effect while the server runs. Everything else waits for the next start; default.yaml lists these, and a test compares. */
export const LIVE_KEYS = [
  'server.drainSeconds',
  'server.requestsPerMinute',
  'auth.sessionHours',
  'media.maxIngestBitrate',
  'media.programBitrate',
  'media.lowBitrate',
  'stage.maxFeeds',
  'stage.feeds',
  'stage.look',
  'stage.uncast',
  'log.level',
] as const;

export interface Reload {
  /** What holds from now on: of the new configuration what can, of the old one the rest. */
  config: Config;
  /** Keys that changed and hold now, dotted. */
  changed: string[];
  /** Keys that changed and wait for the next start. */
  later: string[];
}

/** What of a configuration that was read again can hold at once. Throws `ConfigError` where that would fit with nothing. Pure. */
export function reloadConfig(now: Config, next: Config): Reload {
  const [before, after] = [flat(now), flat(next)];
  const different = Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  const live = (key: string): boolean => (LIVE_KEYS as readonly string[]).includes(key);
  const changed = different.filter(live);
  const merged = structuredClone(now) as Record<string, Record<string, unknown>>;
  for (const key of changed) {
    const [section = '', name = ''] = key.split('.');
    (merged[section] as Record<string, unknown>)[name] = after[key];
  }
  const checked = configSchema.safeParse(merged);
  if (!checked.success) {
    const why = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}.`).join(' ');
    throw new ConfigError(`The new configuration needs a restart before it can hold. ${why}`);
  }
  const kept = new Set(next.stage.feeds.map(({ name }) => name));
  const gone = now.stage.feeds.filter(({ name }) => !kept.has(name)).map(({ name }) => `stage.feeds without ${name}`);
  return { config: checked.data, changed, later: [...different.filter((key) => !live(key)), ...gone] };
}

/** Writes one configuration over another, section by section, so that whoever holds a section sees it. */
export function overwrite(config: Config, next: Config): void {
  for (const key of Object.keys(config) as (keyof Config)[]) Object.assign(config[key], next[key]);
}

/** What happened, in one line. */
export function reloadSentence({ changed, later }: Pick<Reload, 'changed' | 'later'>): string {
  const now = changed.length > 0 ? `These hold now: ${changed.join(', ')}.` : 'Nothing changes now.';
  const wait = later.length > 0 ? ` These need a restart: ${later.join(', ')}.` : '';
  return `The configuration was read again. ${now}${wait}`;
}

/** Every key of every section with its value. */
const flat = (config: Config): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(config).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]: [string, unknown]) => [`${section}.${key}`, value]),
    ),
  );
