import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Report } from '../../scripts/bench/report.ts';

const BENCH = fileURLToPath(new URL('../../scripts/bench/main.ts', import.meta.url));
const IDS = [
  'program_fps',
  'added_ms_p50',
  'added_ms_p95',
  'passthrough_ms_p50',
  'viewer_cpu_pct',
  'frames_reordered',
  'frames_lost_pct',
  'stage_ms_decode',
  'stage_ms_perceive',
  'stage_ms_replace',
  'stage_ms_composite',
  'stage_ms_encode',
  'rss_front_mb',
  'rss_engine_mb',
  'wrtc_program_fps',
  'wrtc_added_ms_p50',
];

// Speed is judged by `npm run gates` on a machine that does nothing else; here, that the bench measures and what no load may spoil.
it('bench live --quick measures every gate through real peers, in order, with the right picture under each timestamp', async () => {
  const bench = spawn(process.execPath, [BENCH, 'live', '--quick', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  bench.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => bench.once('exit', resolve));
  const report = JSON.parse(out.trim().split('\n').at(-1) ?? '') as Report;
  const gates = Object.fromEntries(report.gates.map((gate) => [gate.id, gate]));
  expect(Object.keys(gates)).toEqual(expect.arrayContaining(IDS));
  for (const id of IDS) expect(gates[id]?.value, id).not.toBeNull();
  expect(code).toBe(report.gates.every(({ ok }) => ok) ? 0 : 1);
  expect(gates.frames_reordered?.value).toBe(0);
  expect(gates.replaced_share?.value).toBeGreaterThan(0.5);
  expect(gates.program_fps?.value).toBeGreaterThan(5);
}, 180_000);
