import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bindingSuccess,
  isStun,
  nomination,
  parseStun,
  roleConflict,
  signedWith,
} from '../../server/media/rtp/stun.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';

/** What anybody on the network can send to a port of ours. */

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const request = fc.record({
  transaction: bytes(12),
  username: fc.stringMatching(/^[A-Za-z0-9+/]{4,32}:[A-Za-z0-9+/]{4,32}$/),
  password: fc.stringMatching(/^[A-Za-z0-9+/]{22,32}$/),
  priority: fc.nat(0xffff_ffff),
  tieBreaker: bytes(8),
});
interface Request {
  transaction: Buffer;
  username: string;
  password: string;
  priority: number;
  tieBreaker: Buffer;
}

test('what we write is read, and signed with that password alone', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ asked: Request; other: string }>({
    name: 'stun-round',
    cases: fc.record({ asked: request, other: fc.string({ maxLength: 30 }) }),
    check({ asked, other }) {
      const datagram = nomination(asked);
      const message = parseStun(datagram);
      expect(message).toMatchObject({ kind: 'request', username: asked.username, useCandidate: true });
      if (!message) return;
      expect(message.transaction.equals(asked.transaction)).toBe(true);
      expect(signedWith(datagram, message, asked.password)).toBe(true);
      expect(signedWith(datagram, message, other)).toBe(other === asked.password);
      for (const answer of [
        bindingSuccess(asked.transaction, { address: '::ffff:192.0.2.7', port: 4000 }, asked.password),
        bindingSuccess(asked.transaction, { address: 'fe80::1%eth0', port: 4000 }, asked.password),
        roleConflict(asked.transaction, asked.password),
      ]) {
        const read = parseStun(answer);
        expect(read?.transaction.equals(asked.transaction)).toBe(true);
        expect(read && signedWith(answer, read, asked.password)).toBe(true);
      }
    },
  }),
);

test('a broken message is none, or has lost nothing that was signed', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ asked: Request; flips: { at: number; to: number }[]; cut: number; more: Uint8Array }>({
    name: 'stun-broken',
    cases: fc.record({
      asked: request,
      flips: fc.array(fc.record({ at: fc.nat(300), to: fc.nat(255) }), { maxLength: 5 }),
      cut: fc.oneof(fc.constant(0), fc.nat(200)),
      more: fc.uint8Array({ maxLength: 40 }),
    }),
    check({ asked, flips, cut, more }) {
      const whole = nomination(asked);
      const datagram = Buffer.concat([whole.subarray(0, Math.max(0, whole.length - cut)), more]);
      if (datagram.length > 0) for (const { at, to } of flips) datagram[at % datagram.length] = to;
      isStun(datagram);
      const message = parseStun(datagram);
      if (!message || !signedWith(datagram, message, asked.password)) return;
      // The signature covers everything before it.
      expect(datagram.subarray(20, message.integrityAt).equals(whole.subarray(20, message.integrityAt))).toBe(true);
      expect(message.username).toBe(asked.username);
    },
  }),
);

test('noise is no message', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ noise: Uint8Array; head: boolean }>({
    name: 'stun-noise',
    cases: fc.record({ noise: fc.uint8Array({ maxLength: 300 }), head: fc.boolean() }),
    check({ noise, head }) {
      const datagram = Buffer.from(noise);
      if (head && datagram.length >= 20) {
        datagram.writeUInt16BE(1, 0);
        datagram.writeUInt16BE(datagram.length - 20, 2);
        datagram.writeUInt32BE(0x2112a442, 4);
      }
      expect(parseStun(datagram)).toBeNull();
    },
  }),
);
