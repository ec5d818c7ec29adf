import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIPS_ABSENT, clip } from '../fixtures/clips.ts';

const MAIN = fileURLToPath(new URL('../../scripts/eval/main.ts', import.meta.url));

interface Report {
  name: string;
  gates: { id: string; value: number | null; ok: boolean; why?: string }[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eval-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the evaluation as a person would; the last line of stdout is the report. */
function evaluate(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; report: Report | null; stderr: string }> {
  return new Promise((settle) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, [MAIN, 'replace', '--json', '--quick', ...args], options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      const last = stdout.trim().split('\n').at(-1);
      settle({ code, report: last ? (JSON.parse(last) as Report) : null, stderr });
    });
  });
}

const failed = (report: Report): string[] =>
  report.gates.filter((gate) => !gate.ok).map((gate) => `${gate.id} ${gate.value}`);

describe('eval replace', () => {
  test('the demo clip keeps every gate that it can measure', async () => {
    const out = join(folder, 'demo');
    const { report } = await evaluate(['--out', out], { UNDERSTUDY_CLIPS: join(folder, 'none') });
    const unmeasured = ['decoy_replaced_frames', 'cross_performer_ratio'];
    expect(failed(report!).filter((line) => !unmeasured.includes(line.split(' ')[0]!))).toEqual([]);
    for (const id of unmeasured) expect(report!.gates.find((gate) => gate.id === id)?.why).toBeTruthy();
    expect(existsSync(join(out, 'demo.png'))).toBe(true);
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))).toHaveProperty('gates');
  });

  const yes = clip('yes');
  test.skipIf(!yes)(
    `a real clip beside the demo keeps every gate of its own (${yes ? 'yes' : CLIPS_ABSENT})`,
    async () => {
      const clips = join(folder, 'clips');
      mkdirSync(clips);
      for (const file of [yes!.file, yes!.labelsFile!]) symlinkSync(file, join(clips, basename(file)));
      const { code, report } = await evaluate(['--clips', clips, '--out', join(folder, 'yes')]);
      // How much a double shows of its wearers is a median over pairs of them. One pair says little: it is measured, and judged with all clips.
      const ofPairs = 'cross_performer_ratio';
      expect(failed(report!).filter((line) => !line.startsWith(ofPairs))).toEqual([]);
      expect(report!.gates.find(({ id }) => id === ofPairs)?.value).toBeLessThan(1.25);
      expect(code).toBe(failed(report!).length > 0 ? 1 : 0);
    },
  );

  test('a folder that is not there is status 2 and a sentence', async () => {
    const { code, stderr } = await evaluate(['--clips', join(folder, 'nowhere')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no folder/);
  });
});
