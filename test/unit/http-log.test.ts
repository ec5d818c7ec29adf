import { expect, test } from 'vitest';
import { createLog } from '../../server/observe/log.ts';

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

test('redacts what looks like a secret in a message, a stack or a nested text', () => {
  const { log, lines } = collect();
  log.info('GET /enter?token=zebra&to=/monitor with Bearer zebra and understudy_8880=zebra; Path=/');
  log.error({ err: new Error('the answer was "v=0\r\na=ice-ufrag:zebra\r\na=ice-pwd:zebra\r\n"') }, 'failed');
  log.info({ deep: { er: { still: { text: '{"credential":"zebra","token":"zebra"}' } } } }, 'nested');
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toContain('zebra');
  expect(lines[0]).toContain('&to=/monitor');
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
});

test('speaks in lines to people and names who speaks', () => {
  const { log, lines } = collect();
  log.warn('a sentence');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ name: 'front', msg: 'a sentence' });
});
