import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { loadConfig } from '../../server/config/config.ts';
import { Prepared } from '../../server/engine/prepared.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import { showsRealPerson } from '../../server/library/unlicensed.ts';
import { checkLooks, lookRefused } from '../../server/stage/looks.ts';

/** A double of a real person that nobody has signed for is worn by no face, whoever asks. */

const folder = mkdtempSync(join(tmpdir(), 'understudy-unlicensed-'));
vi.mock('../../server/library/looks.ts', async (original) => ({
  ...(await original<object>()),
  lookNames: () => ['anna', 'mara'],
  lookDir: () => folder,
  playableLooks: () => ['mara'],
}));
const write = (text: string): void => writeFileSync(join(folder, 'double.json'), text);
afterEach(() => write('{"fictional":false}'));
afterAll(() => rmSync(folder, { recursive: true }));
write('{"fictional":false}');

it.each([
  ['{"fictional":true}', false],
  ['{"fictional":false}', true],
  ['{"fictional":"true"}', true],
  ['{}', true],
  ['null', true],
  ['cut off', false],
])('%s is of a real person: %s', (text, real) => {
  write(text);
  expect(showsRealPerson(folder)).toBe(real);
});

it('an engine does not open it', async () => {
  const prepared = await Prepared.load({ media: 'rtp', memoryMb: 128, passThrough: true, inference: CPU_ONLY });
  await expect(prepared.look('anna')).rejects.toThrow(/"anna" shows a real person.*--fictional/);
  write('{"fictional":true}');
  await expect(prepared.look('anna')).rejects.toThrow(/The double in .* cannot be used/);
  prepared.close();
});

it('a configuration and an operator who ask for it are told why', () => {
  const config = (look: string) => loadConfig(undefined, { stage: { look } });
  expect(() => checkLooks(config('anna'))).toThrow(/stage\.look: The double "anna" shows a real person/);
  expect(() => checkLooks(config('nobody'))).toThrow(/there is no look "nobody": choose one of mara\./);
  expect(() => checkLooks(config('mara'))).not.toThrow();
  expect(lookRefused('anna', ['mara'])).toMatchObject({ code: 'look_unlicensed', status: 403 });
  expect(lookRefused('nobody', ['mara'])).toMatchObject({
    code: 'look_unknown',
    detail: expect.stringContaining('mara') as string,
  });
});
