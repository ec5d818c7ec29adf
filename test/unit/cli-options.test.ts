import { expect, it, vi } from 'vitest';
import { camera } from '../../server/cli/camera.ts';
import { runCommand } from '../../server/cli/command.ts';
import { monitor } from '../../server/cli/monitor.ts';
import { loadConfig } from '../../server/config/config.ts';

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
