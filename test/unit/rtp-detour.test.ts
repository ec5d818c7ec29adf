import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { Detour } from '../../server/media/rtp/detour.ts';
import { bindingSuccess, nomination, parseStun, signedWith } from '../../server/media/rtp/stun.ts';

/** The way of a restarted ICE session, between a client and a peer that the test plays: real sockets, real messages. */

const PEER = { ufrag: 'peer', pwd: 'the-password-of-the-peer' };
const OLD = { ufrag: 'old1', pwd: 'old-password-of-the-client' };
const NEW = { ufrag: 'new1', pwd: 'new-password-of-the-client' };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A socket that keeps what comes. */
class End {
  readonly socket: Socket = createSocket('udp4');
  readonly #came: Buffer[] = [];

  async open(): Promise<this> {
    this.socket.on('message', (datagram) => this.#came.push(datagram));
    this.socket.bind(0, '127.0.0.1');
    await once(this.socket, 'listening');
    closers.push(() => this.socket.close());
    return this;
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** The next datagram for which `wanted` holds; those before it are forgotten. */
  async next(wanted: (datagram: Buffer) => boolean = () => true): Promise<Buffer> {
    for (;;) {
      const datagram = this.#came.shift();
      if (!datagram) await once(this.socket, 'message');
      else if (wanted(datagram)) return datagram;
    }
  }

  send(datagram: Buffer, port: number): void {
    this.socket.send(datagram, port, '127.0.0.1');
  }
}

async function setUp() {
  const peer = await new End().open();
  const client = await new End().open();
  const detour = await Detour.open({
    peer: { ...PEER, address: '127.0.0.1', port: peer.port },
    client: OLD,
    bindAddress: '127.0.0.1',
  });
  closers.push(() => detour.close());
  return { peer, client, detour };
}

type Credentials = { ufrag: string; pwd: string };
const check = (own: Credentials, client: Credentials, password = own.pwd): Buffer =>
  nomination({
    transaction: randomBytes(12),
    username: `${own.ufrag}:${client.ufrag}`,
    password,
    priority: 1,
    tieBreaker: randomBytes(8),
  });
const media = (text: string): Buffer => Buffer.from(`\x80${text}`, 'latin1');
const isMedia = (datagram: Buffer): boolean => datagram[0] === 0x80;

/** Answers the detour's nomination as libjuice does, and gives the address that it came from. */
async function nominated(peer: End): Promise<number> {
  const from = once(peer.socket, 'message').then(([, { port }]) => port as number);
  const asked = await peer.next();
  const message = parseStun(asked);
  expect(message).toMatchObject({ kind: 'request', username: `${PEER.ufrag}:${OLD.ufrag}`, useCandidate: true });
  expect(message && signedWith(asked, message, PEER.pwd)).toBe(true);
  const port = await from;
  if (message) peer.send(bindingSuccess(message.transaction, { address: '127.0.0.1', port }, PEER.pwd), port);
  return port;
}

test('a proved check opens the way: the peer is told that its client moved, and media pass both ways', async () => {
  const { peer, client, detour } = await setUp();
  const own = detour.restart(NEW);
  expect(own.ufrag).toMatch(/^[A-Za-z0-9+/]{8}$/);
  expect(own.pwd).toMatch(/^[A-Za-z0-9+/]{24}$/);
  client.send(check(own, NEW), detour.port);
  const answered = await client.next();
  const message = parseStun(answered);
  expect(message?.kind).toBe('success');
  expect(message && signedWith(answered, message, own.pwd)).toBe(true);

  const inner = await nominated(peer);
  // The peer checks its new pair: the detour answers as the client of before.
  peer.send(check(OLD, PEER), inner);
  const confirmed = await peer.next((datagram) => parseStun(datagram)?.kind === 'success');
  const read = parseStun(confirmed);
  expect(read && signedWith(confirmed, read, OLD.pwd)).toBe(true);

  client.send(media('from the client'), detour.port);
  expect(await peer.next(isMedia)).toEqual(media('from the client'));
  peer.send(media('from the peer'), inner);
  expect(await client.next(isMedia)).toEqual(media('from the peer'));
});

test('nobody else opens or moves it, and nobody else’s packets pass', async () => {
  const { peer, client, detour } = await setUp();
  const own = detour.restart(NEW);
  const stranger = await new End().open();
  stranger.send(check(own, NEW, 'a-guess-that-is-not-right'), detour.port);
  stranger.send(check(own, OLD), detour.port);
  stranger.send(check({ ...own, ufrag: 'else' }, NEW), detour.port);
  stranger.send(media('not mine'), detour.port);
  stranger.send(Buffer.alloc(0), detour.port);
  client.send(check(own, NEW), detour.port);
  await client.next();
  const inner = await nominated(peer);
  stranger.send(media('nor now'), detour.port);
  client.send(media('mine'), detour.port);
  expect(await peer.next(isMedia)).toEqual(media('mine'));
  peer.send(media('back'), inner);
  expect(await client.next(isMedia)).toEqual(media('back'));
});

test('a second restart moves it when its first check comes, and not before', async () => {
  const { peer, client, detour } = await setUp();
  const first = detour.restart(NEW);
  client.send(check(first, NEW), detour.port);
  await client.next();
  const inner = await nominated(peer);
  const again = { ufrag: 'new2', pwd: 'another-password-of-the-client' };
  const second = detour.restart(again);
  expect(second).not.toEqual(first);
  peer.send(media('still here'), inner);
  expect(await client.next(isMedia)).toEqual(media('still here'));
  const moved = await new End().open();
  moved.send(check(second, again), detour.port);
  await moved.next();
  peer.send(media('there now'), inner);
  expect(await moved.next(isMedia)).toEqual(media('there now'));
  // The first one's credentials are worth nothing any more.
  client.send(check(first, NEW), detour.port);
  client.send(media('too late'), detour.port);
  moved.send(media('in time'), detour.port);
  expect(await peer.next(isMedia)).toEqual(media('in time'));
});

test('closes twice', async () => {
  const { detour } = await setUp();
  detour.close();
  detour.close();
});
