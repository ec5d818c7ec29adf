import { expect, test } from 'vitest';
import { createLog, throttledWarn } from '../../server/observe/log.ts';

function collect(pretty = false) {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', pretty, name: 'front', to: { write: (line) => void lines.push(line) } });
  return { log, lines };
}

test('redacts secrets wherever they lie', () => {
  const { log, lines } = collect();
  const secrets = {
    authorization: 'Bearer zebra',
    cookie: 'zebra',
    'set-cookie': 'zebra',
    token: 'zebra',
    sdp: 'zebra',
    offer: 'zebra',
  };
  log.info(secrets, 'top');
  log.info({ headers: secrets }, 'one down');
  log.info({ req: { headers: secrets } }, 'two down');
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toContain('zebra');
  expect(lines[0]).toContain('[redacted]');
});

test('speaks in lines to people and names who speaks', () => {
  const { log, lines } = collect();
  log.warn('a sentence');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ name: 'front', msg: 'a sentence' });
});

test('repeated warnings are counted, not written', () => {
  const { log, lines } = collect();
  let now = 0;
  const warn = throttledWarn(log, 1000, () => now);
  for (; now < 2500; now += 100) warn('late', 'A frame came late.', { feed: 'demo' });
  warn('other', 'Something else.');
  const told = lines.map((line) => JSON.parse(line) as { msg: string; repeated?: number; feed?: string });
  expect(told.map(({ msg, repeated }) => [msg, repeated])).toEqual([
    ['A frame came late.', undefined],
    ['A frame came late.', 9],
    ['A frame came late.', 9],
    ['Something else.', undefined],
  ]);
  expect(told[0]?.feed).toBe('demo');
});

test('forgets the oldest warning rather than growing', () => {
  const { log, lines } = collect();
  const warn = throttledWarn(log, 1e9, () => 0);
  for (let key = 0; key < 1000; key += 1) warn(`key ${key}`, 'x');
  warn('key 0', 'x');
  warn('key 999', 'x');
  expect(lines).toHaveLength(1001);
});
