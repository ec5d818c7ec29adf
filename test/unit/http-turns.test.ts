import { describe, expect, it } from 'vitest';
import { Turns } from '../../server/http/turns.ts';

describe('turns of requests', () => {
  it('lets each through in a turn of its own, in order, and begins again after a pause', async () => {
    const turns = new Turns();
    let turn = 0;
    let next = setImmediate(function count() {
      turn++;
      next = setImmediate(count);
    });
    try {
      for (let round = 0; round < 2; round++) {
        const order: number[] = [];
        const seen = await Promise.all(
          [1, 2, 3].map(async (request) => {
            await turns.take();
            order.push(request);
            return turn;
          }),
        );
        expect(order).toEqual([1, 2, 3]);
        expect(new Set(seen).size).toBe(3);
      }
    } finally {
      clearImmediate(next);
    }
  });
});
