import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Child } from '../../scripts/bench/rig.ts';
import type { ServerAnswer, ServerOrder } from '../../scripts/bench/soak-server.ts';

const SERVER = fileURLToPath(new URL('../../scripts/bench/soak-server.ts', import.meta.url));
/** Lines of about 130 bytes each: several times what a pipe and its reader's buffer hold. */
const REQUESTS = 4000;
const AT_ONCE = 20;

it('a log that nobody reads any more, as on a disk that stalls, does not hold up the front', async () => {
  const server = new Child<ServerOrder, ServerAnswer>(SERVER, 'pipe');
  try {
    const { url, token } = await server.order({ order: 'start' }, 'started');
    server.process.stderr?.pause();
    const ask = async (): Promise<number> => {
      const response = await fetch(`${url}/api/feeds`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(20_000),
      });
      await response.arrayBuffer();
      return response.status;
    };
    const statuses = new Set<number>();
    for (let asked = 0; asked < REQUESTS; asked += AT_ONCE) {
      for (const status of await Promise.all(Array.from({ length: AT_ONCE }, ask))) statuses.add(status);
    }
    expect([...statuses]).toEqual([200]);
  } finally {
    server.process.stderr?.resume();
    await server.end({ order: 'close' }, 15_000);
  }
});
