import { gathered } from './gathered.ts';

/** The server keeps a silent session for 30 s; after this long a person would rather see that something is wrong. */
const KEEP_MS = 10_000;
/** Between tries while the server cannot be reached. */
const RETRY_MS = 500;
/** From the server's new candidates to the first answered check, with room for a slow Wi-Fi. */
const CONNECT_MS = 4_000;
const FETCH_MS = 3_000;
/** Where the server restarts nothing: ICE often comes back by itself within this time. */
const ALONE_MS = 3_000;

type Restarted = 'taken' | 'refused' | 'gone';

const found = (sdp: string, pattern: RegExp): string => pattern.exec(sdp)?.[0] ?? '';
const every = (sdp: string, pattern: RegExp): string => (sdp.match(pattern) ?? []).join('');
const UFRAG = /a=ice-ufrag:.*\r\n/;
const PWD = /a=ice-pwd:.*\r\n/;
const CANDIDATES = /a=candidate:.*\r\n/g;

/** The part of an offer that a restart needs (RFC 8840): in a bundle the first section carries the transport. */
function fragmentOf(sdp: string): string {
  const [, first = ''] = sdp.split(/(?=^m=)/m);
  const kind = /^m=(\w+)/.exec(first)?.[1] ?? 'video';
  const section = `m=${kind} 9 UDP/TLS/RTP/SAVPF 0\r\n${found(first, /a=mid:.*\r\n/)}`;
  return found(sdp, UFRAG) + found(sdp, PWD) + section + every(first, CANDIDATES);
}

/** The answer of before with the ICE session of a fragment. */
function answerWith(before: string, fragment: string): string {
  const candidates = every(fragment, CANDIDATES);
  return before
    .replace(CANDIDATES, '')
    .replace(new RegExp(UFRAG, 'g'), () => found(fragment, UFRAG))
    .replace(new RegExp(PWD, 'g'), () => found(fragment, PWD) + candidates);
}

/**
 * Restarts ICE on a session (RFC 9725 §4.3.3): another way to the server, the same keys, the picture goes on. "gone" where the
 * server does not know the session any more; rejects where it cannot be reached. Unless taken, the connection is as it was.
 */
async function restartIce(pc: RTCPeerConnection, session: string): Promise<Restarted> {
  const before = pc.currentRemoteDescription?.sdp ?? '';
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  try {
    await gathered(pc);
    const response = await fetch(session, {
      method: 'PATCH',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' },
      body: fragmentOf(pc.localDescription?.sdp ?? ''),
      signal: AbortSignal.timeout(FETCH_MS),
    });
    if (response.status === 200) {
      await pc.setRemoteDescription({ type: 'answer', sdp: answerWith(before, await response.text()) });
      return 'taken';
    }
    return response.status === 404 ? 'gone' : 'refused';
  } finally {
    if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' });
  }
}

/** Whether the connection is up within a time. */
function connected(pc: RTCPeerConnection, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      pc.removeEventListener('connectionstatechange', look);
      resolve(pc.connectionState === 'connected');
    };
    const look = (): void => {
      if (pc.connectionState === 'connected' || pc.connectionState === 'closed') settle();
    };
    const timer = setTimeout(settle, withinMs);
    pc.addEventListener('connectionstatechange', look);
    look();
  });
}

/** Tries to keep a connection whose way to the server broke (a Wi-Fi roam, another cable). False where only a new one helps. */
export async function keep(pc: RTCPeerConnection, session: string | null): Promise<boolean> {
  const until = performance.now() + KEEP_MS;
  while (performance.now() < until) {
    // Closed here, on purpose: there is nothing left to keep, and nothing lost.
    if (pc.connectionState === 'connected' || pc.connectionState === 'closed') return true;
    const restarted = session === null ? 'refused' : await restartIce(pc, session).catch(() => null);
    if (restarted === 'gone') return false;
    if (restarted === 'refused') return connected(pc, ALONE_MS);
    if (await connected(pc, restarted === 'taken' ? CONNECT_MS : RETRY_MS)) return true;
  }
  return pc.connectionState === 'connected';
}
