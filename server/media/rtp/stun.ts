/** STUN Binding messages as ICE uses them (RFC 8489, RFC 8445 §7): read, checked and written. Nothing else of STUN. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { crc32 } from 'node:zlib';

const COOKIE = 0x2112a442;
const HEADER = 20;
const FINGERPRINT_XOR = 0x5354554e;
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  errorCode: 0x0009,
  xorMapped: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const;

export type StunKind = 'request' | 'success' | 'error';
const KINDS: Record<number, StunKind> = { 1: 'request', 257: 'success', 273: 'error' };

export interface StunMessage {
  kind: StunKind;
  /** 12 bytes. */
  transaction: Buffer;
  username: string | null;
  useCandidate: boolean;
  controlled: boolean;
  /** Offset of MESSAGE-INTEGRITY; -1 without one. What follows it is not protected and was not read. */
  integrityAt: number;
}

/** STUN's own bytes among what ICE multiplexes on a port (RFC 7983). */
export const isStun = (datagram: Buffer): boolean =>
  datagram.length >= HEADER && (datagram[0] as number) < 4 && datagram.readUInt32BE(4) === COOKIE;

/** A Binding message with the right FINGERPRINT that ICE asks for; null for anything else. Never throws. */
export function parseStun(datagram: Buffer): StunMessage | null {
  if (!isStun(datagram) || datagram.readUInt16BE(2) !== datagram.length - HEADER || datagram.length % 4 !== 0)
    return null;
  const kind = KINDS[datagram.readUInt16BE(0)];
  if (!kind) return null;
  const message: StunMessage = {
    kind,
    transaction: datagram.subarray(8, HEADER),
    username: null,
    useCandidate: false,
    controlled: false,
    integrityAt: -1,
  };
  for (let at = HEADER; at < datagram.length; ) {
    if (at + 4 > datagram.length) return null;
    const type = datagram.readUInt16BE(at);
    const end = at + 4 + datagram.readUInt16BE(at + 2);
    if (end > datagram.length) return null;
    const value = datagram.subarray(at + 4, end);
    if (type === ATTRIBUTE.fingerprint) {
      const sum = crc32(datagram.subarray(0, at)) ^ FINGERPRINT_XOR;
      // The last attribute of all (RFC 8489 §14.7).
      return value.length === 4 && end === datagram.length && value.readInt32BE(0) === (sum | 0) ? message : null;
    }
    if (message.integrityAt < 0) {
      if (type === ATTRIBUTE.username) message.username = value.toString('utf8');
      else if (type === ATTRIBUTE.useCandidate) message.useCandidate = true;
      else if (type === ATTRIBUTE.iceControlled) message.controlled = true;
      else if (type === ATTRIBUTE.integrity) {
        if (value.length !== 20) return null;
        message.integrityAt = at;
      }
    }
    at = end + ((4 - (end % 4)) % 4);
  }
  return null;
}

/** HMAC-SHA1 over everything before MESSAGE-INTEGRITY, with a length that ends after it (RFC 8489 §14.5). */
function integrity(datagram: Buffer, at: number, password: string): Buffer {
  const signed = Buffer.from(datagram.subarray(0, at));
  signed.writeUInt16BE(at + 24 - HEADER, 2);
  return createHmac('sha1', password).update(signed).digest();
}

/** Whether the message was signed with this password. */
export function signedWith(datagram: Buffer, { integrityAt }: StunMessage, password: string): boolean {
  if (integrityAt < 0) return false;
  const given = datagram.subarray(integrityAt + 4, integrityAt + 24);
  return timingSafeEqual(given, integrity(datagram, integrityAt, password));
}

type Attribute = [type: number, value: Buffer];

function build(type: number, transaction: Buffer, attributes: readonly Attribute[], password: string): Buffer {
  const parts = attributes.map(([name, value]) => {
    const part = Buffer.alloc(4 + value.length + ((4 - (value.length % 4)) % 4));
    part.writeUInt16BE(name, 0);
    part.writeUInt16BE(value.length, 2);
    value.copy(part, 4);
    return part;
  });
  const protectedLength = HEADER + parts.reduce((sum, { length }) => sum + length, 0);
  const datagram = Buffer.alloc(protectedLength + 24 + 8);
  datagram.writeUInt16BE(type, 0);
  datagram.writeUInt32BE(COOKIE, 4);
  transaction.copy(datagram, 8);
  Buffer.concat(parts).copy(datagram, HEADER);
  datagram.writeUInt16BE(ATTRIBUTE.integrity, protectedLength);
  datagram.writeUInt16BE(20, protectedLength + 2);
  integrity(datagram, protectedLength, password).copy(datagram, protectedLength + 4);
  const last = protectedLength + 24;
  datagram.writeUInt16BE(datagram.length - HEADER, 2);
  datagram.writeUInt16BE(ATTRIBUTE.fingerprint, last);
  datagram.writeUInt16BE(4, last + 2);
  datagram.writeInt32BE((crc32(datagram.subarray(0, last)) ^ FINGERPRINT_XOR) | 0, last + 4);
  return datagram;
}

export interface BindingRequest {
  transaction: Buffer;
  username: string;
  /** The other side's password. */
  password: string;
  /** Of a peer-reflexive candidate that the other side may learn from this request. */
  priority: number;
  /** 8 bytes. */
  tieBreaker: Buffer;
}

/** A controlling agent's check that nominates its pair. */
export function nomination({ transaction, username, password, priority, tieBreaker }: BindingRequest): Buffer {
  const priorityBytes = Buffer.alloc(4);
  priorityBytes.writeUInt32BE(priority);
  return build(
    0x0001,
    transaction,
    [
      [ATTRIBUTE.username, Buffer.from(username)],
      [ATTRIBUTE.priority, priorityBytes],
      [ATTRIBUTE.iceControlling, tieBreaker],
      [ATTRIBUTE.useCandidate, Buffer.alloc(0)],
    ],
    password,
  );
}

/** IPv6 in full, 16 bytes. */
function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = (address.split('%')[0] as string).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...before, ...zeros, ...after].slice(0, 8).entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff, index * 2);
  return bytes;
}

/** The plain form of an IPv4 address that a dual-stack socket met. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

function xorMapped(address: string, port: number, transaction: Buffer): Buffer {
  const plain = plainAddress(address);
  const v4 = isIPv4(plain);
  const bytes = v4 ? Buffer.from(plain.split('.').map(Number)) : ipv6Bytes(plain);
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(COOKIE);
  const key = Buffer.concat([mask, transaction]);
  const value = Buffer.alloc(4 + bytes.length);
  value[1] = v4 ? 1 : 2;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  for (let i = 0; i < bytes.length; i++) value[4 + i] = (bytes[i] as number) ^ (key[i] as number);
  return value;
}

/** The answer to a check: where it came from. `password` is the one that signed the check. */
export const bindingSuccess = (
  transaction: Buffer,
  from: { address: string; port: number },
  password: string,
): Buffer =>
  build(0x0101, transaction, [[ATTRIBUTE.xorMapped, xorMapped(from.address, from.port, transaction)]], password);

/** 487: the other side says that it is controlled, as we are (RFC 8445 §7.3.1.1). */
export const roleConflict = (transaction: Buffer, password: string): Buffer =>
  build(0x0111, transaction, [[ATTRIBUTE.errorCode, Buffer.from('\0\0\x04\x57Role Conflict', 'latin1')]], password);
