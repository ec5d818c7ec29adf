import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { handles, leaked, loopP99Ms, MemoryWatch, slope } from '../../scripts/bench/soak-watch.ts';

describe('what a long run is watched by', () => {
  test('the slope of memory is that of the line through it, whatever the noise around', () => {
    const line = Array.from({ length: 100 }, (_, index) => ({
      minutes: index / 10,
      rssMb: 100 + 2.5 * (index / 10) + (index % 2 === 0 ? 3 : -3),
    }));
    expect(slope(line)).toBeCloseTo(2.5, 1);
    expect(slope(line.map(({ minutes }) => ({ minutes, rssMb: 80 })))).toBe(0);
    expect(slope(line.slice(0, 2))).toBeNaN();
  });

  test('the loop’s delay is read from the front’s own metrics', () => {
    const text = [
      'understudy_front_loop_delay_seconds{quantile="0.5"} 0.001',
      'understudy_front_loop_delay_seconds{quantile="0.99"} 0.0042',
      'understudy_front_loop_delay_seconds{quantile="1"} 0.03',
    ].join('\n');
    expect(loopP99Ms(text)).toBeCloseTo(4.2);
    expect(loopP99Ms('nothing of the kind')).toBeNaN();
  });

  test('only what is open beyond the baseline has leaked', () => {
    expect(leaked({ front: 10, main: 5 }, { front: 13, main: 4, engine: 30 })).toBe(3);
    expect(leaked({ front: null }, { front: null })).toBe(0);
  });

  test.skipIf(process.platform !== 'linux')('an open file is a handle more', () => {
    const before = handles(process.pid) as number;
    const opened = openSync(fileURLToPath(import.meta.url), 'r');
    expect(handles(process.pid)).toBe(before + 1);
    closeSync(opened);
    expect(handles(process.pid)).toBe(before);
  });

  test('a process that ends or comes back as another one was lost', async () => {
    const watch = new MemoryWatch();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    watch.take({ main: process.pid, spare: child.pid as number });
    // A spare engine that serves a feed is still the same process.
    watch.take({ main: process.pid, 'engines a': child.pid as number });
    expect(watch.lost).toEqual([]);
    expect(Object.keys(watch.samples)).toEqual(['main', 'engines a']);
    expect(watch.samples['engines a']).toHaveLength(2);
    child.kill('SIGKILL');
    await once(child, 'exit');
    watch.take({ main: process.pid });
    expect(watch.lost).toEqual(['engines a']);
    watch.take({ main: process.ppid });
    expect(watch.lost).toEqual(['main', 'engines a']);
    expect(watch.slopes(0)).toHaveProperty('main');
  });
});
