import { iceServers } from '../../server/wire/ice.ts';

/** Credentials are used up to this share of their time: a connection made at the end would lose its relay early. */
const FRESH = 0.5;
/** Asking must never hold a picture up for long: on a network that answers this late a relay is little help. */
const LATEST_MS = 2_000;

let known: { servers: RTCIceServer[]; untilMs: number } | null = null;
let asking: Promise<RTCIceServer[]> | null = null;

async function ask(): Promise<RTCIceServer[]> {
  const response = await fetch('/api/ice-servers', {
    credentials: 'same-origin',
    signal: AbortSignal.timeout(LATEST_MS),
  });
  if (!response.ok) return [];
  const answer = iceServers.parse(await response.json());
  const servers = answer.iceServers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined || credential === undefined ? {} : { username, credential }),
  }));
  known = { servers, untilMs: performance.now() + answer.validSeconds * 1000 * FRESH };
  return servers;
}

/** The server's STUN and TURN servers; none where it has none or cannot say. Asked once, and again when the answer has aged. */
export async function currentIceServers(): Promise<RTCIceServer[]> {
  if (known && performance.now() < known.untilMs) return known.servers;
  asking ??= ask()
    .catch(() => [])
    .finally(() => {
      asking = null;
    });
  return asking;
}
