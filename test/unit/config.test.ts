import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import {
  ConfigError,
  type ConfigInput,
  DEFAULT_CONFIG_FILE,
  isLoopback,
  loadConfig,
  mediaBindAddress,
} from '../../server/config/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function written(text: string): string {
  count += 1;
  const file = join(folder, `${count}.yaml`);
  writeFileSync(file, text);
  return file;
}

function refusal(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('It was taken.');
}

describe('default.yaml', () => {
  const manual = readFileSync(DEFAULT_CONFIG_FILE, 'utf8');

  test('holds every key with its default', () => {
    const document = parseDocument(manual);
    const keysOf = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keysOf(inner)]))
        : null;
    const defaults = loadConfig();
    expect(loadConfig(fileURLToPath(DEFAULT_CONFIG_FILE))).toEqual(defaults);
    expect(keysOf(document.toJS())).toEqual(keysOf(defaults));
  });

  test('explains every key', () => {
    const silent: string[] = [];
    visit(parseDocument(manual), {
      Pair(_, pair) {
        if (!isScalar(pair.key) || isMap(pair.value)) return;
        const line = manual.slice(0, pair.key.range?.[0]).split('\n');
        if (!line.at(-2)?.trim().startsWith('#')) silent.push(String(pair.key.value));
      },
    });
    expect(silent).toEqual([]);
  });

  test('shows a feed that can be taken as it stands', () => {
    const shown = manual
      .replaceAll(/^ {2}# {3}(- name| {2}look: mara| {2}uncast: blur)/gm, '    $1')
      .replace('  feeds: []', '');
    const feeds = shown.replace('    - name', '  feeds:\n    - name');
    expect(loadConfig(written(feeds)).stage.feeds).toEqual([{ name: 'a-cam', look: 'mara', uncast: 'blur' }]);
  });
});

describe('an unknown key', () => {
  test.each([
    ['server: { prot: 1 }', 'There is no key "server.prot": did you mean "server.port"?'],
    ['port: 9000', 'There is no key "port": did you mean "server.port"?'],
    ['serverr: {}', 'There is no key "serverr": did you mean "server"?'],
    [
      'stage: { feeds: [{ name: a, lok: mara }] }',
      'There is no key "stage.feeds.0.lok": did you mean "stage.feeds.0.look"?',
    ],
    ['qqqqqqqq: 1', 'There is no key "qqqqqqqq".'],
  ])('%s is refused with what was meant', (text, sentence) => {
    expect(refusal(() => loadConfig(written(text)))).toContain(sentence);
  });

  test('in what the command line said, too', () => {
    expect(refusal(() => loadConfig(undefined, { server: { hots: 'x' } } as ConfigInput))).toContain('"server.host"');
  });
});

describe('a wrong value', () => {
  test.each([
    ['server: { port: 70000 }', /server\.port:/],
    ['server: 3', /server:/],
    ['- a', /list of keys and values/],
    ['media: { engine: mediasoup }', /media\.engine: .*"rtp"\|"wrtc"/],
    ['media: { maxIngestBitrate: fast }', /media\.maxIngestBitrate: write bits per second/],
    ['media: { portRange: [5, 4] }', /media\.portRange: the first port/],
    ['auth: { token: short }', /auth\.token: a token has 16 to 256/],
    ['stage: { feeds: [{ name: A Cam }] }', /stage\.feeds\.0\.name: a feed is named/],
    ['stage: { feeds: [{ name: a }, { name: a }] }', /"a" is listed twice/],
    ['stage: { feeds: [{ name: demo }] }', /"demo" is the demo feed/],
    ['stage: { maxFeeds: 1, feeds: [{ name: a }] }', /2 feeds \(the demo counts\)/],
    ['server: { port: 1', /is not YAML, line \d+/],
  ])('%s is refused with its place', (text, sentence) => {
    expect(refusal(() => loadConfig(written(text)))).toMatch(sentence);
  });

  test('a file that is not there is named', () => {
    expect(refusal(() => loadConfig(join(folder, 'none.yaml')))).toBe(
      `There is no configuration at ${join(folder, 'none.yaml')}.`,
    );
  });
});

test('bit rates are written as people say them', () => {
  const { media } = loadConfig(written('media: { maxIngestBitrate: 2.5M, programBitrate: 800k }'));
  expect([media.maxIngestBitrate, media.programBitrate]).toEqual([2_500_000, 800_000]);
});

test('the command line lies over the file, key by key', () => {
  const file = written('server: { port: 9000, requestsPerMinute: 50 }\n');
  const { server } = loadConfig(file, { server: { port: 9001 }, log: {} });
  expect([server.port, server.requestsPerMinute, server.host]).toEqual([9001, 50, '127.0.0.1']);
  expect(loadConfig(written('')).server.port).toBe(8880);
});

test('media binds where the pages are reached', () => {
  const bind = (overrides: ConfigInput) => mediaBindAddress(loadConfig(undefined, overrides));
  expect(bind({})).toBe('127.0.0.1');
  expect(bind({ server: { host: 'localhost' } })).toBe('127.0.0.1');
  expect(bind({ server: { host: '0.0.0.0' } })).toBeNull();
  expect(bind({ media: { bindAddress: '10.0.0.7' } })).toBe('10.0.0.7');
});

test.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1'])(
  '%s is this machine',
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);
test.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.evil.example', ''])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});
