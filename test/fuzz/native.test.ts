import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { brokenFragment, goodFragments } from './broken-fragments.ts';
import { brokenOffer, OFFERS } from './broken-offers.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';
import type { NativeAnswer, NativeOrder } from './native-child.ts';

/** Offers taken through libdatachannel itself, in a process whose death would name the offer that kills. */

const CHILD = fileURLToPath(new URL('./native-child.ts', import.meta.url));
interface Offered {
  offer: string;
  fragment: string;
}
let child: ChildProcess | null = null;
let ids = 0;
afterAll(() => child?.kill('SIGKILL'));

function answered({ offer, fragment }: Offered): Promise<NativeAnswer> {
  child ??= fork(CHILD, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const running = child;
  const order: NativeOrder = { id: ids++, offer, fragment };
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      running.off('message', heard);
      running.off('exit', died);
      end();
    };
    const heard = (answer: NativeAnswer): void => {
      if (answer.id === order.id) settle(() => resolve(answer));
    };
    const died = (code: number | null, signal: string | null): void => {
      child = null;
      settle(() => reject(new Error(`This offer ends the process (${signal ?? code}).`)));
    };
    running.on('message', heard);
    running.once('exit', died);
    running.send(order);
  });
}

const REFUSALS = ['answered', 'sdp_malformed', 'sdp_unusable', 'sdp_too_large'];

test.each(OFFERS)('the offer of $name is answered as it is', async ({ name, sdp }) => {
  const { camera, monitor } = await answered({ offer: sdp, fragment: goodFragments[0] ?? '' });
  expect(name.includes('viewer') ? monitor : camera).toBe('answered');
});

test(
  'no offer ends the process, hangs it, or fails in a way that is not the offerer’s to mend',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<Offered>({
      name: 'native-offer',
      cases: fc.record({ offer: brokenOffer, fragment: brokenFragment }),
      async check(offer) {
        const { camera, monitor } = await answered(offer);
        expect(REFUSALS).toContain(camera);
        expect(REFUSALS).toContain(monitor);
      },
    }),
);
