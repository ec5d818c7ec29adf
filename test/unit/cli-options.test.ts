import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { camera } from '../../server/cli/camera.ts';
import { runCommand } from '../../server/cli/command.ts';
import { monitor } from '../../server/cli/monitor.ts';
import { trace } from '../../server/cli/trace.ts';
import { loadConfig } from '../../server/config/config.ts';
import { secret } from '../../server/http/tokens.ts';

/** What a command says on standard error, and its exit code. */
async function said(run: () => Promise<number>): Promise<[code: number, text: string]> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const code = await run();
    return [code, write.mock.calls.map(([text]) => String(text)).join('')];
  } finally {
    write.mockRestore();
  }
}

const DEMO = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));
const CAMERA = ['--file', 'clip.mp4', '--to', 'http://127.0.0.1:1/whip/a'];

it.each([
  [['--seconds', 'soon'], /^--seconds needs a number above 0 and up to 1000000, not "soon"\.\n$/],
  [['--seconds', ''], /^--seconds needs a number above 0/],
  [['--fps', '0'], /^--fps needs a number above 0 and up to 120, not "0"\.\n$/],
  [['--fps', ''], /^--fps needs a number/],
  [['--ltc', '1.5'], /^--ltc needs a whole number from 1 to 64, not "1\.5"\.\n$/],
  [['--ltc', '65'], /^--ltc needs a whole number/],
  [['--size', 'large'], /^"large" is not a size: write 1280x720/],
  [['--size', ''], /^"" is not a size/],
  [['--bitrate', 'much'], /^"much" is not a bit rate: write 6M or 800k\.\n$/],
  [['--fsp', '30'], /Unknown option '--fsp'/],
])('camera %j is answered in a sentence', async (options, sentence) => {
  expect(await said(() => camera([...CAMERA, ...options]))).toEqual([1, expect.stringMatching(sentence)]);
});

it('so is what is wrong with a monitor, or with a configuration that a command reads', async () => {
  const from = ['--from', 'http://127.0.0.1:1/whep/a'];
  expect(await said(() => monitor([...from, '--seconds=-1']))).toEqual([
    1,
    expect.stringMatching(/^--seconds needs a number above 0/),
  ]);
  const reading = runCommandOn('/nowhere/understudy.yaml');
  expect(await said(reading)).toEqual([
    1,
    expect.stringMatching(/^There is no configuration at \/nowhere\/understudy\.yaml\.\n$/),
  ]);
});

const runCommandOn = (config: string) => () => runCommand([], '', async () => void loadConfig(config));

it.each([
  ['camera', () => camera(['--to', 'http://127.0.0.1:1/whip/a', '--file', DEMO, '--token', '-a-fixed-token-1'])],
  ['monitor', () => monitor(['--from', 'http://127.0.0.1:1/whep/a', '--token', '-a-fixed-token-1'])],
  ['trace', () => trace(['a', '--server', 'http://127.0.0.1:1', '--token', '-a-fixed-token-1'])],
])('%s takes a token that begins with a dash for what it is', async (_, run) => {
  expect(await said(run)).toEqual([1, expect.stringContaining('No server answers at http://127.0.0.1:1')]);
});

it('an option whose value was forgotten is still said to be', async () => {
  expect(await said(() => trace(['a', '--token', '--json']))).toEqual([1, expect.stringContaining("'--token")]);
});

it('a secret that is made for a command line never looks like an option there', () => {
  // One in 64 did: none in 2,000 is no luck.
  for (let tried = 0; tried < 2000; tried++) expect(secret()).toMatch(/^[A-Za-z0-9][\w-]{42}$/);
});
