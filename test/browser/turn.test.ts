import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MonitorDebug } from '../../client/monitor/debug.ts';
import type { RunningServer } from '../../server/stage/supervisor.ts';
import { BROWSER_ABSENT, launchBrowser } from '../fixtures/browser.ts';
import { ensurePages } from '../fixtures/browser-pages.ts';
import { startTurn, TURN_ABSENT, type TurnServer } from '../fixtures/coturn.ts';
import { enterPage } from '../fixtures/enter.ts';
import { feedBecomes, liveServer } from '../fixtures/live.ts';

const why = BROWSER_ABSENT || TURN_ABSENT;

/** Every connection of the page goes through a relay or not at all, as on a network that lets no UDP through. */
const relayOnly = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const Real = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Real {
      constructor(configuration?: RTCConfiguration) {
        super({ ...configuration, iceTransportPolicy: 'relay' });
      }
    };
  });

describe.skipIf(why !== '')(`TURN (${why || 'real Chromium, real coturn'})`, () => {
  let turn: TurnServer;
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    ensurePages();
    turn = await startTurn();
    [server, browser] = await Promise.all([
      liveServer({ media: { turn: [{ urls: [turn.url], secret: turn.secret }] } }),
      launchBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    turn?.close();
  });

  it('carries our camera page and our monitor page when nothing else does', async () => {
    const camera = await enterPage(browser, server, '/camera?source=counter&size=640x360&feed=far&go=1', {
      prepare: relayOnly,
    });
    await feedBecomes(server, 'far', ({ state }) => state === 'live', 60_000);
    const monitor = await enterPage(browser, server, '/monitor?feed=far', { prepare: relayOnly });
    await expect.poll(() => monitor.locator('.slate').count(), { timeout: 30_000 }).toBe(0);
    const pair = await monitor.evaluate(async () => {
      const stats = await (window.understudy as MonitorDebug).pc('program')?.getStats();
      const all = [...(stats?.values() ?? [])] as Record<string, unknown>[];
      const chosen = all.find((entry) => entry.type === 'candidate-pair' && entry.nominated === true);
      return all.find((entry) => entry.id === chosen?.localCandidateId)?.candidateType;
    });
    expect(pair).toBe('relay');
    expect(turn.log()).toMatch(/user <\d+:[\w-]{12}>: incoming packet CHANNEL_BIND processed, success/);
    await Promise.all([camera.context().close(), monitor.context().close()]);
  }, 120_000);
});
