import type { IceServer } from 'node-datachannel';
import { PeerError } from './signal.ts';

/** One entry of a Link header (RFC 8288): an address and its parameters, quoted or not. */
const ENTRY = /<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))*)/g;
const PARAMETER = /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))/g;
const TURN_URL = /^turn:(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/;

function parametersOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of text.matchAll(PARAMETER))
    found.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'));
  return found;
}

/** The TURN servers of a Link header (RFC 9725 §4.6) that our own peers can use: libjuice speaks to TURN over UDP only. */
export function turnServers(header: string): IceServer[] {
  const servers: IceServer[] = [];
  for (const [, url = '', text = ''] of header.matchAll(ENTRY)) {
    const parameters = parametersOf(text);
    const [, host, port, transport = 'udp'] = TURN_URL.exec(url) ?? [];
    if (parameters.get('rel') !== 'ice-server' || host === undefined || transport !== 'udp') continue;
    servers.push({
      hostname: host.replace(/^\[|\]$/g, ''),
      port: Number(port ?? 3478),
      username: parameters.get('username') ?? '',
      password: parameters.get('credential') ?? '',
      relayType: 'TurnUdp',
    });
  }
  return servers;
}

/** Asks a WHIP or WHEP address for its TURN servers before the offer. Throws `PeerError` where it has none that would do. */
export async function askTurnServers(url: string, token?: string): Promise<IceServer[]> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  let response: Response;
  try {
    response = await fetch(url, { method: 'OPTIONS', headers });
  } catch {
    throw new PeerError(`No server answers at ${url}: start it, or check the address.`);
  }
  const servers = turnServers(response.headers.get('link') ?? '');
  if (servers.length > 0) return servers;
  throw new PeerError(
    `${url} names no TURN server over UDP for this token: set media.turn at the server, or leave out --relay.`,
  );
}
