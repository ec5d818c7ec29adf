/**
 * The UDP ports that peers stand on. libdatachannel ends the whole process when a peer finds none (an exception on a thread of
 * its own that nobody can catch): so a port is made sure of before a peer is made.
 */
import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { IceUdpMuxListener } from 'node-datachannel';
import { ConfigError } from '../../config/config.ts';
import { Problem } from '../../config/problem.ts';

/**
 * Ports that this process holds for the ICE of all its peers. They go with the process: a port that is given back while peers
 * still close, on threads of their own, stays taken for good or takes the process with it.
 */
const held = new Map<string, IceUdpMuxListener>();

const TRIES = 20;

/** A wildcard address is given to the library as none. */
export const isWildcard = (address: string | undefined): boolean =>
  address === undefined || address === '0.0.0.0' || address === '::';

function hold(port: number, address: string | undefined): boolean {
  const key = `${isWildcard(address) ? '*' : address} ${port}`;
  if (held.has(key)) return true;
  try {
    held.set(key, isWildcard(address) ? new IceUdpMuxListener(port) : new IceUdpMuxListener(port, address));
    return true;
  } catch {
    return false;
  }
}

/**
 * Takes one UDP port for all peers of this process, or for 0 any free one above 20000, and keeps it to the process's end, so that no
 * other program can take it between two peers. Answers its number.
 * @throws `ConfigError` with a sentence where it cannot be had.
 */
export function holdSharedPort(port: number, address: string | undefined): number {
  for (let tried = 0; tried < TRIES; tried++) {
    const wanted = port === 0 ? randomInt(20_000, 60_000) : port;
    if (hold(wanted, address)) return wanted;
    if (port !== 0) break;
  }
  const where = isWildcard(address) ? '' : ` on ${isIPv6(address ?? '') ? `[${address}]` : address}`;
  throw new ConfigError(
    `UDP port ${port}${where} cannot be had: another program holds it, or this machine has no such address. Choose another media.port, or null for one port a peer.`,
  );
}

/** A socket outlives its peer for a moment. */
const CLOSING_MS = 500;

/** How many peers a range of ports still takes. */
export class PortRange {
  readonly #size: number;
  #taken = 0;

  constructor([first, last]: readonly [first: number, last: number]) {
    this.#size = last - first + 1;
  }

  /** Takes a place. @throws `Problem` full. The function that comes back gives it up; it may be called twice. */
  take(): () => void {
    if (this.#taken >= this.#size)
      throw new Problem('full', `Every one of the ${this.#size} UDP ports of media.portRange is in use.`, 10);
    this.#taken++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      setTimeout(() => this.#taken--, CLOSING_MS).unref();
    };
  }
}
