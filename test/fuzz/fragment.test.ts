import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../server/config/problem.ts';
import { type Fragment, MAX_CANDIDATES, parseFragment, writeFragment } from '../../server/http/fragment.ts';
import { type IceSession, IceSessions } from '../../server/http/ice-sessions.ts';
import { brokenFragment, goodFragments } from './broken-fragments.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';

/** What a client PATCHes on its session's address. */

function read(text: string, lenient: boolean): Fragment | null {
  try {
    return parseFragment(text, lenient);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(['fragment_malformed', 'candidates_too_many']).toContain(error.code);
    return null;
  }
}

test.each(goodFragments)('a real client’s fragment is read: %#', (text) => {
  expect(read(text, false)?.sections.length).toBeGreaterThan(0);
});

test(
  'a broken fragment is read or refused, and what is read can be told to a media engine',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<string>({
      name: 'fragment-broken',
      cases: brokenFragment,
      check(text) {
        for (const lenient of [false, true]) {
          const fragment = read(text, lenient);
          if (!fragment) continue;
          const candidates = fragment.sections.flatMap((section) => section.candidates);
          expect(candidates.length).toBeLessThanOrEqual(MAX_CANDIDATES);
          for (const { line, port, component, priority } of candidates) {
            // One line, and nothing in it that a native parser could take for another.
            expect(line).toMatch(/^candidate:[\x20-\x7e]+$/);
            expect(port).toBeLessThanOrEqual(65_535);
            expect(component).toBeGreaterThanOrEqual(1);
            expect(priority).toBeLessThan(2 ** 32);
          }
        }
        // What the strict reader takes, the lenient one takes as well, and finds the same in it.
        const strict = read(text, false);
        if (strict) expect(read(text, true)).toEqual(strict);
      },
    }),
);

test('noise is no fragment', { timeout: CAMPAIGN_MS }, () =>
  campaign<string>({
    name: 'fragment-noise',
    cases: fc.oneof(fc.string({ maxLength: 300, unit: 'binary' }), fc.json(), fc.string({ maxLength: 2000 })),
    check(text) {
      const fragment = read(text, true);
      expect(fragment === null || fragment.sections.length === 0).toBe(true);
    },
  }),
);

const ice = (least: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9+/]{${least},40}$`));

test('what we answer a restart with is read as it was meant', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ ufrag: string; pwd: string; ports: number[]; mid: string }>({
    name: 'fragment-round',
    cases: fc.record({
      ufrag: ice(4),
      pwd: ice(22),
      ports: fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 10 }),
      mid: fc.stringMatching(/^[a-z0-9]{1,8}$/),
    }),
    check({ ufrag, pwd, ports, mid }) {
      const candidates = ports.map((port) => `candidate:1 1 UDP 2114977791 127.0.0.1 ${port} typ host`);
      const fragment = parseFragment(writeFragment({ ufrag, pwd, candidates }, { kind: 'video', mid }));
      expect(fragment.credentials).toEqual({ ufrag, pwd });
      expect(fragment.sections).toMatchObject([{ mid, endOfCandidates: true }]);
      expect(fragment.sections[0]?.candidates.map(({ line }) => line)).toEqual(candidates);
    },
  }),
);

interface Patch {
  text: string;
  ifMatch: string | undefined;
  /** The tag that holds, in place of `ifMatch`. */
  current: boolean;
}

test(
  'a session’s ICE lives through any row of patches: tags hold, and no more candidates come than may',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<{ compatible: boolean; patches: Patch[] }>({
      name: 'fragment-session',
      cases: fc.record({
        compatible: fc.boolean(),
        patches: fc.array(
          fc.record({
            text: brokenFragment,
            ifMatch: fc.oneof(
              fc.constantFrom(undefined, '*', '"*"', 'W/"x"', '"x"', ',,'),
              fc.string({ maxLength: 20 }),
            ),
            current: fc.boolean(),
          }),
          { minLength: 1, maxLength: 6 },
        ),
      }),
      async check({ compatible, patches }) {
        let told = 0;
        const session: IceSession = {
          trickle: (lines) => {
            told += lines.length;
          },
          restart: async () => {
            told = 0;
            return { ufrag: 'abcd', pwd: 'a'.repeat(22), candidates: [] };
          },
        };
        const sessions = new IceSessions({ compatible, lenient: () => undefined });
        const offer = 'v=0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=video 9 X 0\r\na=mid:0\r\n';
        let tag = sessions.begin(session, offer);
        for (const { text, ifMatch, current } of patches) {
          try {
            const patched = await sessions.patch(session, current ? tag : (ifMatch ?? undefined), text);
            expect(patched.tag === null).toBe(patched.fragment === null);
            tag = patched.tag ?? tag;
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            expect(error.status).toBeLessThan(500);
          }
          expect(told).toBeLessThanOrEqual(MAX_CANDIDATES);
        }
      },
    }),
);
