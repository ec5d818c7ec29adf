import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { movedCandidates } from '../../server/media/rtp/detour.ts';
import {
  bindingSuccess,
  isStun,
  nomination,
  parseStun,
  roleConflict,
  signedWith,
} from '../../server/media/rtp/stun.ts';

/** The sample messages of RFC 5769 §2.1 and §2.2, §2.3: user evtj:h6vY, password VOkJxbRl1RmTxUk/WvJxBt. */
const PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt';
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const REQUEST = hex(`000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff
  80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf`);
const RESPONSE_V4 =
  hex(`0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643
  000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96`);
const RESPONSE_V6 =
  hex(`010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f72200020001400 02a1470113a9fa
  a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c`);
const attribute = (datagram: Buffer, type: number): Buffer | null => {
  for (let at = 20; at < datagram.length; ) {
    const length = datagram.readUInt16BE(at + 2);
    if (datagram.readUInt16BE(at) === type) return datagram.subarray(at + 4, at + 4 + length);
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return null;
};

describe('STUN', () => {
  test('reads and checks the samples of RFC 5769', () => {
    const request = parseStun(REQUEST);
    expect(request).toMatchObject({ kind: 'request', username: 'evtj:h6vY', useCandidate: false, controlled: true });
    expect(request && signedWith(REQUEST, request, PASSWORD)).toBe(true);
    expect(request && signedWith(REQUEST, request, `${PASSWORD}x`)).toBe(false);
    for (const response of [RESPONSE_V4, RESPONSE_V6]) {
      const read = parseStun(response);
      expect(read?.kind).toBe('success');
      expect(read && signedWith(response, read, PASSWORD)).toBe(true);
    }
  });

  test('refuses a broken fingerprint, a length that lies, and what is no STUN', () => {
    for (let at = 0; at < REQUEST.length; at++) {
      const broken = Buffer.from(REQUEST);
      broken[at] = (broken[at] as number) ^ 1;
      const read = parseStun(broken);
      expect(read === null || !signedWith(broken, read, PASSWORD)).toBe(true);
    }
    expect(parseStun(REQUEST.subarray(0, REQUEST.length - 4))).toBeNull();
    expect(isStun(Buffer.from([0x80, 0x60]))).toBe(false);
  });

  test('writes the mapped addresses of RFC 5769', () => {
    const transaction = REQUEST.subarray(8, 20);
    const v4 = bindingSuccess(transaction, { address: '192.0.2.1', port: 32853 }, PASSWORD);
    expect(attribute(v4, 0x20)).toEqual(attribute(RESPONSE_V4, 0x20));
    const mapped = bindingSuccess(transaction, { address: '::ffff:192.0.2.1', port: 32853 }, PASSWORD);
    expect(mapped).toEqual(v4);
    const v6 = bindingSuccess(transaction, { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 }, PASSWORD);
    expect(attribute(v6, 0x20)).toEqual(attribute(RESPONSE_V6, 0x20));
  });

  test('reads what it wrote', () => {
    const transaction = randomBytes(12);
    const asked = nomination({
      transaction,
      username: 'abcd:efgh1',
      password: PASSWORD,
      priority: 0x7fffffff,
      tieBreaker: randomBytes(8),
    });
    const read = parseStun(asked);
    expect(read).toMatchObject({
      kind: 'request',
      username: 'abcd:efgh1',
      useCandidate: true,
      controlled: false,
      transaction,
    });
    expect(read && signedWith(asked, read, PASSWORD)).toBe(true);
    const refused = roleConflict(transaction, PASSWORD);
    expect(parseStun(refused)?.kind).toBe('error');
    expect(attribute(refused, 9)?.subarray(0, 4)).toEqual(Buffer.from([0, 0, 4, 87]));
  });

  test('never throws, whatever comes', () => {
    const made = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
    const bent = fc.tuple(fc.nat(REQUEST.length - 1), fc.uint8Array({ maxLength: 6 })).map(([at, bytes]) => {
      const copy = Buffer.from(REQUEST);
      Buffer.from(bytes).copy(copy, at);
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(made, bent), (datagram) => {
        const read = parseStun(datagram);
        if (read) signedWith(datagram, read, PASSWORD);
      }),
      { numRuns: 3000 },
    );
  });
});

test('a detour offers each address of the answer once, on its own port', () => {
  const answer = [
    'a=candidate:1 1 UDP 2122317823 192.0.2.5 40000 typ host',
    'a=candidate:2 1 UDP 2122317311 2001:db8::5 40000 typ host',
    'a=candidate:3 1 UDP 1686109951 192.0.2.5 40000 typ srflx raddr 0.0.0.0 rport 0',
    'a=candidate:4 1 tcp 1 192.0.2.9 9 typ host tcptype active',
  ].join('\r\n');
  expect(movedCandidates(answer, 50123)).toEqual([
    'candidate:1 1 UDP 2122317823 192.0.2.5 50123 typ host',
    'candidate:2 1 UDP 2122317311 2001:db8::5 50123 typ host',
  ]);
});
