/** Host candidates for a server that is reached under other addresses than its own: behind NAT, or in a container. */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { ConfigError } from '../../config/config.ts';

export interface Announce {
  /** IPv4 and IPv6 addresses under which peers reach this server's UDP ports, unchanged in number. */
  addresses: readonly string[];
  /** Leaves the machine's own addresses out. */
  only: boolean;
}

/** RFC 8445 §5.1.2.1, type preference 126 for a host candidate; local preferences below libjuice's own, which begin at 4095. */
const hostPriority = (index: number): number => 126 * 2 ** 24 + (2000 - index) * 2 ** 8 + 255;

const isHost = (line: string): boolean => /^a=candidate:\S+ 1 udp \d+ \S+ \d+ typ host/i.test(line);
const [ADDRESS, PORT] = [4, 5];

function announcedLines(own: readonly string[], addresses: readonly string[]): string[] {
  const ports = [...new Set(own.map((line) => line.split(' ')[PORT]))];
  return addresses.flatMap((address, index) =>
    ports.map(
      (port, nth) => `a=candidate:9${index}${nth} 1 UDP ${hostPriority(index + nth * 64)} ${address} ${port} typ host`,
    ),
  );
}

/** Where `only`, nothing may tell the machine's own address: the default address of a section neither (RFC 8839 §4.2.1.2). */
function withDefault(line: string, address: string): string {
  if (!line.startsWith('c=IN ')) return line;
  return `c=IN ${isIPv6(address) ? 'IP6' : 'IP4'} ${address}`;
}

/**
 * The description with a host candidate for every announced address on every port that its own host candidates name: in place
 * of them (`only`) or after them. Works on whole descriptions and on fragments (RFC 8840). Each section's own candidates are
 * taken for itself.
 */
export function withAnnounced(sdp: string, announce: Announce | undefined): string {
  const [first] = announce?.addresses ?? [];
  if (!announce || first === undefined) return sdp;
  const lines = sdp.split('\r\n');
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (!isHost(line)) {
      out.push(announce.only ? withDefault(line, first) : line);
      continue;
    }
    const run = [line];
    while (isHost(lines[at + 1] ?? '')) run.push(lines[++at] as string);
    const there = announce.only ? [] : run.map((own) => own.split(' ')[ADDRESS]);
    if (!announce.only) out.push(...run);
    out.push(
      ...announcedLines(
        run,
        announce.addresses.filter((address) => !there.includes(address)),
      ),
    );
  }
  return out.join('\r\n');
}

/**
 * The addresses of `media.announce`: host names are looked up, once, at the start, IPv4 and IPv6 alike.
 * @throws `ConfigError` with a sentence for a name that has no address.
 */
export async function resolveAnnounced(names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map(addressesOf));
  return [...new Set(found.flat())];
}

async function addressesOf(name: string): Promise<string[]> {
  if (isIP(name)) return [name];
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigError(
      `The name "${name}" in media.announce has no address (${why}): correct it, or write the address itself.`,
    );
  }
}
