import { randomBytes, randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { IceCredentials } from '../port.ts';
import { bindingSuccess, isStun, nomination, parseStun, plainAddress, roleConflict, signedWith } from './stun.ts';

/** The highest priority there is: it wins over every path that the peer knows. */
const PRIORITY = 0x7fffffff;
/** Between repetitions of the nomination, ms (RFC 8489 §6.2.1, ended early: it crosses no network). */
const REPEAT_MS = [0, 50, 100, 200, 400, 800, 1600, 3200];
/** A client that has proved nothing for this long no longer consents (RFC 7675 §5.1). */
const CONSENT_MS = 30_000;
const PORT_TRIES = 20;

export interface DetourOptions {
  /** The peer's own socket, reached on this machine, and its credentials. */
  peer: IceCredentials & { address: string; port: number };
  /** The client's credentials that the peer knows: those of its offer. */
  client: IceCredentials;
  /** Address and UDP ports to listen on, as for the peer itself. */
  bindAddress?: string | undefined;
  portRange?: [first: number, last: number] | undefined;
}

interface Generation {
  client: IceCredentials;
  own: IceCredentials;
}

interface Address {
  address: string;
  port: number;
}

const token = (bytes: number): string => randomBytes(bytes).toString('base64').replace(/=+$/, '');

function bind(type: 'udp4' | 'udp6', address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, sendBufferSize: 1 << 20, recvBufferSize: 1 << 20 });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function bindOuter({ bindAddress, portRange }: DetourOptions): Promise<Socket> {
  const any = bindAddress === undefined || bindAddress === '0.0.0.0' || bindAddress === '::';
  for (let tried = 1; ; tried++) {
    const port = portRange ? randomInt(portRange[0], portRange[1] + 1) : 0;
    try {
      if (!any) return await bind(bindAddress.includes(':') ? 'udp6' : 'udp4', bindAddress, port);
      // Both families on one port, as libjuice does; a machine without IPv6 has the one.
      return await bind('udp6', '::', port).catch(() => bind('udp4', '0.0.0.0', port));
    } catch (error) {
      if (tried === PORT_TRIES || !portRange) throw error;
    }
  }
}

/**
 * A second way to a peer that cannot restart ICE itself. Outside it is the server's end of the restarted ICE session (it
 * answers the client's checks, RFC 8445 §7.3); inside it plays the client that the peer knows, moved to a new address whose
 * pair it nominates. DTLS and SRTP pass through untouched. Owns two sockets; `close()` ends them.
 */
export class Detour {
  readonly #options: DetourOptions;
  readonly #outer: Socket;
  readonly #inner: Socket;
  readonly #tieBreaker = randomBytes(8);
  #current: Generation | null = null;
  /** Asked for, but not yet proved by a check. */
  #next: Generation | null = null;
  /** Where the client is reached now. */
  #client: Address | null = null;
  #provedAtMs = performance.now();
  #repeat: NodeJS.Timeout | null = null;
  #transactions: Buffer[] = [];
  #closed = false;

  private constructor(options: DetourOptions, outer: Socket, inner: Socket) {
    this.#options = options;
    this.#outer = outer;
    this.#inner = inner;
    outer.on('message', (datagram, from) => this.#fromOutside(datagram, from));
    inner.on('message', (datagram) => this.#fromPeer(datagram));
  }

  /** Rejects where no port is free. */
  static async open(options: DetourOptions): Promise<Detour> {
    const outer = await bindOuter(options);
    try {
      const { address } = options.peer;
      const inner = await bind(address.includes(':') ? 'udp6' : 'udp4', address, 0);
      return new Detour(options, outer, inner);
    } catch (error) {
      outer.close();
      throw error;
    }
  }

  /** The UDP port outside. */
  get port(): number {
    return this.#outer.address().port;
  }

  /** The client's new credentials → ours. What is in use stays so until the client proves the new ones with a check. */
  restart(client: IceCredentials): IceCredentials {
    this.#next = { client, own: { ufrag: token(6), pwd: token(18) } };
    return this.#next.own;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#repeat) clearTimeout(this.#repeat);
    this.#outer.close();
    this.#inner.close();
  }

  #fromOutside(datagram: Buffer, from: RemoteInfo): void {
    // Nobody can be answered at port 0, and trying throws.
    if (this.#closed || from.port === 0) return;
    if (isStun(datagram)) this.#check(datagram, from);
    else if (this.#client?.port === from.port && this.#client.address === from.address) this.#toPeer(datagram);
  }

  /** A check of the client: answered where it is signed for one of our generations; it may nominate its address. */
  #check(datagram: Buffer, from: RemoteInfo): void {
    const message = parseStun(datagram);
    if (message?.kind !== 'request') return;
    const { username, transaction } = message;
    const generation = [this.#next, this.#current].find(
      (one) => one !== null && username === `${one.own.ufrag}:${one.client.ufrag}`,
    );
    if (!generation || !signedWith(datagram, message, generation.own.pwd)) return;
    if (message.controlled) {
      this.#outer.send(roleConflict(transaction, generation.own.pwd), from.port, from.address);
      return;
    }
    this.#outer.send(bindingSuccess(transaction, from, generation.own.pwd), from.port, from.address);
    this.#provedAtMs = performance.now();
    const proved = generation === this.#next;
    if (proved) {
      this.#current = generation;
      this.#next = null;
    }
    if (proved || message.useCandidate) this.#client = { address: from.address, port: from.port };
    if (proved) this.#nominate(0);
  }

  /** Tells the peer that its client has moved here, until the peer has answered. */
  #nominate(tried: number): void {
    if (this.#repeat) clearTimeout(this.#repeat);
    if (this.#closed || tried === REPEAT_MS.length) return;
    this.#repeat = setTimeout(() => {
      const { peer, client } = this.#options;
      const transaction = randomBytes(12);
      this.#transactions = [...this.#transactions.slice(-REPEAT_MS.length), transaction];
      const username = `${peer.ufrag}:${client.ufrag}`;
      const password = peer.pwd;
      this.#toPeer(nomination({ transaction, username, password, priority: PRIORITY, tieBreaker: this.#tieBreaker }));
      this.#nominate(tried + 1);
    }, REPEAT_MS[tried]);
  }

  #fromPeer(datagram: Buffer): void {
    if (this.#closed) return;
    if (!isStun(datagram)) {
      if (this.#client) this.#outer.send(datagram, this.#client.port, this.#client.address);
      return;
    }
    const message = parseStun(datagram);
    if (!message) return;
    const { peer, client } = this.#options;
    if (message.kind === 'request') {
      if (performance.now() - this.#provedAtMs > CONSENT_MS) return;
      if (message.username !== `${client.ufrag}:${peer.ufrag}` || !signedWith(datagram, message, client.pwd)) return;
      this.#toPeer(bindingSuccess(message.transaction, peer, client.pwd));
    } else if (
      this.#transactions.some((known) => known.equals(message.transaction)) &&
      signedWith(datagram, message, peer.pwd)
    ) {
      this.#transactions = [];
      if (this.#repeat) clearTimeout(this.#repeat);
    }
  }

  #toPeer(datagram: Buffer): void {
    const { address, port } = this.#options.peer;
    this.#inner.send(datagram, port, address);
  }
}

/** The same address and kind as the peer's own candidates, on the detour's port. */
export function movedCandidates(answer: string, port: number): string[] {
  const seen = new Set<string>();
  const moved: string[] = [];
  for (const line of answer.split(/\r\n|\n/)) {
    if (!line.startsWith('a=candidate:')) continue;
    const [foundation, component, transport, priority, address = '', , ...rest] = line.slice(2).split(' ');
    if (transport?.toLowerCase() !== 'udp' || seen.has(plainAddress(address))) continue;
    seen.add(plainAddress(address));
    moved.push([foundation, component, transport, priority, address, port, ...rest].join(' '));
  }
  return moved;
}
