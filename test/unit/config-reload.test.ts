import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ConfigInput, DEFAULT_CONFIG_FILE, loadConfig } from '../../server/config/config.ts';
import { LIVE_KEYS, reloadConfig, reloadSentence } from '../../server/config/reload.ts';

const config = (given: ConfigInput) => loadConfig(undefined, given);

test('what can change while it runs does, and what cannot is named and stays', () => {
  const now = config({ server: { port: 1000 }, stage: { uncast: 'look' }, log: { level: 'info' } });
  const next = config({
    server: { port: 2000, drainSeconds: 3 },
    stage: { uncast: 'blur' },
    auth: { token: 'x'.repeat(16) },
  });
  const reload = reloadConfig(now, next);
  expect(reload.changed).toEqual(['server.drainSeconds', 'stage.uncast']);
  expect(reload.later).toEqual(['server.port', 'auth.token']);
  expect([reload.config.server.port, reload.config.server.drainSeconds]).toEqual([1000, 3]);
  expect([reload.config.stage.uncast, reload.config.auth.token]).toEqual(['blur', null]);
  expect(now.stage.uncast).toBe('look');
  expect(reloadSentence(reload)).toBe(
    'The configuration was read again. These hold now: server.drainSeconds, stage.uncast. These need a restart: server.port, auth.token.',
  );
  expect(reloadSentence(reloadConfig(now, now))).toBe('The configuration was read again. Nothing changes now.');
});

test('a feed that has gone from the list needs a restart, a new one does not', () => {
  const now = config({ stage: { demo: false, feeds: [{ name: 'a' }, { name: 'b' }] } });
  const reload = reloadConfig(now, config({ stage: { demo: false, feeds: [{ name: 'b' }, { name: 'c' }] } }));
  expect([reload.changed, reload.later]).toEqual([['stage.feeds'], ['stage.feeds without a']]);
});

test('a configuration that fits only after a restart is refused as a whole', () => {
  const now = config({ stage: { maxFeeds: 1 } });
  const next = config({ stage: { maxFeeds: 1, demo: false, feeds: [{ name: 'a' }] } });
  expect(() => reloadConfig(now, next)).toThrow(
    'The new configuration needs a restart before it can hold. stage.feeds: 2 feeds (the demo counts) are more than stage.maxFeeds, 1.',
  );
});

test('every key that is said to hold at once exists, and the manual names the same ones', () => {
  const manual = readFileSync(DEFAULT_CONFIG_FILE, 'utf8');
  const header = manual
    .slice(manual.indexOf('These keys then hold at once'), manual.indexOf('server:\n'))
    .replaceAll('\n# ', ' ');
  expect([...header.matchAll(/\b(?:server|auth|media|stage|log)\.\w+/g)].map(([key]) => key)).toEqual([...LIVE_KEYS]);
  const defaults = loadConfig() as unknown as Record<string, Record<string, unknown>>;
  for (const key of LIVE_KEYS) {
    const [section = '', name = ''] = key.split('.');
    expect(Object.keys(defaults[section] ?? {})).toContain(name);
  }
});
