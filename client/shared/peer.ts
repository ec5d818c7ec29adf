import { refusal } from './problem.ts';

/** Host candidates are there within a few ms; waiting longer only delays the first picture. */
const GATHER_MS = 200;
/** A relay's address takes some round trips to the TURN server; with the first one there, nothing more is waited for. */
const GATHER_RELAY_MS = 1_500;
const CONNECT_MS = 10_000;
/** ICE often comes back by itself within this time (a Wi-Fi roam). */
const DISCONNECTED_MS = 3_000;

/** One connection to the server: WHIP or WHEP. `close()` is idempotent and tells the server. */
export interface Connection {
  readonly pc: RTCPeerConnection;
  /** Fulfilled with a sentence when the connection is lost without close(). */
  readonly lost: Promise<string>;
  close(): void;
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    if (pc.iceGatheringState === 'complete') {
      resolve();
      return;
    }
    const relays = pc
      .getConfiguration()
      .iceServers?.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));
    const timer = setTimeout(resolve, relays ? GATHER_RELAY_MS : GATHER_MS);
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.type === 'relay') resolve();
    });
    pc.addEventListener('icegatheringstatechange', () => {
      if (pc.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    });
  });
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
    pc.close();
    // keepalive lets the request outlive the page.
    if (session)
      void fetch(session, { method: 'DELETE', credentials: 'same-origin', keepalive: true }).catch(() => null);
  };
  addEventListener('pagehide', close);
  return { pc, lost: lost(pc), close };
}

function lost(pc: RTCPeerConnection): Promise<string> {
  return new Promise((resolve) => {
    const never = setTimeout(() => {
      if (pc.connectionState !== 'connected') {
        resolve('No way through to the server for the picture: is a firewall between this device and the server?');
      }
    }, CONNECT_MS);
    let gone: ReturnType<typeof setTimeout> | undefined;
    pc.addEventListener('connectionstatechange', () => {
      clearTimeout(gone);
      if (pc.connectionState === 'connected') clearTimeout(never);
      if (pc.connectionState === 'failed') resolve('The connection broke.');
      if (pc.connectionState === 'disconnected') {
        gone = setTimeout(resolve, DISCONNECTED_MS, 'The connection to the server was lost.');
      }
    });
  });
}
