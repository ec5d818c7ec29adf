import { gathered } from './gathered.ts';
import { refusal } from './problem.ts';
import { keep } from './restart.ts';

const CONNECT_MS = 10_000;
/** How long a connection is kept for the word that it ends. */
const TELL_MS = 1_000;

/** One connection to the server: WHIP or WHEP. `close()` is idempotent and tells the server. */
export interface Connection {
  readonly pc: RTCPeerConnection;
  /** The session's address at the server. */
  readonly session: string | null;
  /** Fulfilled with a sentence when the connection is lost without close(). */
  readonly lost: Promise<string>;
  close(): void;
}

/**
 * Offers, posts (WHIP, RFC 9725, and WHEP are the same here), applies the answer, and owns the session from then on:
 * DELETE on close() and when the page goes. Throws Refusal, or TypeError when the server cannot be reached.
 */
export async function connect(pc: RTCPeerConnection, url: string): Promise<Connection> {
  try {
    await pc.setLocalDescription();
    await gathered(pc);
    const response = await fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/sdp', accept: 'application/sdp, application/problem+json' },
      body: pc.localDescription?.sdp ?? '',
    });
    if (!response.ok) throw await refusal(response);
    const location = response.headers.get('location');
    const session = location ? new URL(location, response.url).href : null;
    await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    return own(pc, session);
  } catch (error) {
    pc.close();
    throw error;
  }
}

function own(pc: RTCPeerConnection, session: string | null): Connection {
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    removeEventListener('pagehide', close);
    // From here on nothing leaves this device.
    for (const sender of pc.getSenders()) void sender.replaceTrack(null).catch(() => null);
    // The word comes first: a server that sees the connection close has ended the session before it can be told to.
    void told(session).finally(() => pc.close());
  };
  addEventListener('pagehide', close);
  return { pc, session, lost: lost(pc, session, () => open), close };
}

/** Ends the session at the server, where there is one that answers. keepalive lets the request outlive the page. */
async function told(session: string | null): Promise<void> {
  if (!session) return;
  const signal = AbortSignal.timeout(TELL_MS);
  await fetch(session, { method: 'DELETE', credentials: 'same-origin', keepalive: true, signal }).catch(() => null);
}

function lost(pc: RTCPeerConnection, session: string | null, open: () => boolean): Promise<string> {
  return new Promise((resolve) => {
    const never = setTimeout(() => {
      resolve('No way through to the server for the picture: is a firewall between this device and the server?');
    }, CONNECT_MS);
    let connected = false;
    let keeping = false;
    pc.addEventListener('connectionstatechange', () => {
      const state = pc.connectionState;
      if (state === 'connected') {
        connected = true;
        clearTimeout(never);
      }
      if (!open() || keeping || (state !== 'disconnected' && state !== 'failed')) return;
      if (!connected) {
        if (state === 'failed') resolve('The connection broke.');
        return;
      }
      keeping = true;
      void keep(pc, session).then((kept) => {
        keeping = false;
        if (!kept) resolve('The connection to the server was lost.');
      });
    });
  });
}
