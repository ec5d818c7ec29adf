import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { createRuntime } from '../../server/inference/runtime.ts';

const DETECTOR = fileURLToPath(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
const ID = { feed: 'test', rtpTs: 0, captureUs: 0 };

describe('kernel memory', () => {
  it('outlives a camera that changes its size for ever', () => {
    const pictures = new Pictures(new Arena(8));
    for (let width = 16; width <= 1280; width += 2) {
      const taken = [0, 1, 2].map(() =>
        pictures.take(width, Math.max(16, ((width * 9) >> 5) << 1), UNKNOWN_COLOUR, ID),
      );
      for (const picture of taken) pictures.give(picture);
    }
    expect(pictures.out).toBe(0);
  });

  it('outlives networks that come and go all day, closed in the middle of a run or not', async () => {
    const arena = new Arena(4);
    const runtime = createRuntime();
    for (let turn = 0; turn < 12; turn++) {
      const session = await runtime.load(DETECTOR, arena);
      const run = session.run();
      if (turn % 2 === 0) await run;
      session.close();
      await run.catch(() => undefined);
    }
    runtime.close();
  });

  it('never gives the same place out twice', () => {
    const arena = new Arena(3);
    const held = new Map<number, number>();
    let [state, refused] = [1, 0];
    for (let turn = 0; turn < 5000; turn++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const bytes = 64 * (1 + (state >>> 20));
      if (held.size > 0 && state % 5 < 2) {
        const [at, size] = [...held][(state >>> 8) % held.size] as [number, number];
        held.delete(at);
        arena.release(at, size);
        continue;
      }
      try {
        const at = arena.allocate(bytes);
        for (const [other, size] of held) expect(at + bytes <= other || other + size <= at).toBe(true);
        held.set(at, bytes);
        expect(at % 64).toBe(0);
        expect(at + bytes).toBeLessThanOrEqual(arena.memory.buffer.byteLength);
      } catch (error) {
        if (!/Kernel memory is full/.test(String(error))) throw error;
        refused++;
        for (const [at, size] of held) arena.release(at, size);
        held.clear();
      }
    }
    expect(refused).toBeGreaterThan(0);
    // All given back: one block of nearly everything fits again.
    for (const [at, size] of held) arena.release(at, size);
    expect(() => arena.allocate(arena.memory.buffer.byteLength - 17 * 65536)).not.toThrow();
  });

  it('is settled ahead without touching what is taken meanwhile, and never beyond its end', async () => {
    const arena = new Arena(4);
    const settling = arena.settle(2 << 20);
    const taken: number[] = [];
    // The first piece is settled at once, the others one a turn of the loop: blocks are taken in between.
    for (let turn = 0; turn < 6; turn++) {
      const at = arena.allocate(100_000);
      arena.bytes(at, 100_000).fill(7);
      taken.push(at);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settling;
    for (const at of taken) expect(arena.bytes(at, 100_000).every((value) => value === 7)).toBe(true);
    await arena.settle(1 << 30);
    for (const at of taken) arena.release(at, 100_000);
    expect(() => arena.allocate(arena.memory.buffer.byteLength - 17 * 65536)).not.toThrow();
  });
});
