import { type PeerConnection, type Track, Video } from 'node-datachannel';
import type { VideoCodec } from '../../frame/coded.ts';
import { createPeer, gathered, type IceOptions, isLoopback } from '../rtp/link.ts';
import { usableCandidates } from '../rtp/sdp.ts';
import { askTurnServers } from './ice-links.ts';
import { httpSignal, PeerError, type Signal, type Signalled } from './signal.ts';

export interface PeerOptions extends IceOptions {
  /** The WHIP or WHEP address, and its token … */
  url?: string;
  token?: string;
  /** … or another way to take the offer to the server. */
  signal?: Signal;
  /** Goes through the TURN server that `url` names where there is no direct way. */
  relay?: boolean;
  codec?: VideoCodec;
  /** H.264 profile and level, six hex digits; default constrained baseline 3.1. */
  profileLevelId?: string;
  /** Changes the answer before it is used (tests put a relay between). The offer then carries no candidates of its own. */
  rewriteAnswer?(answer: string): string | Promise<string>;
  /** Told once when the connection ends without `close()`. */
  onClosed?(reason: string): void;
}

export const PAYLOAD_TYPE = 96;
export const MID = '0';
/**
 * The offerer begins the DTLS handshake. Where the answerer does, its first message often comes before libdatachannel has
 * a transport to receive it, and its repetition a second later.
 */
const handshakeFirst = (offer: string): string => offer.replaceAll('a=setup:actpass', 'a=setup:active');

const TRIES = 6;
const OPEN_MS = 10_000;

/** An open connection; `close()` ends it here and at the server. */
export interface Connected {
  peer: PeerConnection;
  track: Track;
  codec: VideoCodec;
  /** Native objects that must live as long as the peer. */
  kept: unknown[];
  end(): Promise<void>;
}

interface Attempt {
  peer: PeerConnection;
  track: Track;
  kept: unknown[];
}

function createAttempt(options: PeerOptions, direction: 'SendOnly' | 'RecvOnly', ssrc: number): Attempt {
  const peer = createPeer('peer', options);
  const media = new Video(MID, direction);
  const profile = options.profileLevelId ?? '42e01f';
  if (options.codec === 'vp8') media.addVP8Codec(PAYLOAD_TYPE);
  else media.addH264Codec(PAYLOAD_TYPE, `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${profile}`);
  if (direction === 'SendOnly') media.addSSRC(ssrc, 'understudy', 'understudy', 'video');
  const track = peer.addTrack(media);
  return { peer, track, kept: [media, track] };
}

/** A track that is not closed itself keeps its handlers, and all they know, for ever. */
export function hangUp({ peer, track }: Pick<Attempt, 'peer' | 'track'>): void {
  track.close();
  peer.close();
}

const opened = (attempt: Attempt): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new PeerError('The server answered, but no media connection came about within 10 s: a firewall may block UDP.'),
      );
    }, OPEN_MS);
    attempt.track.onOpen(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/**
 * Offers one video section and waits until it is open. `prepare` sets handlers on the track before anything can arrive.
 * Now and then libdatachannel refuses a candidate because its transport is not there yet ("Got a remote candidate without
 * ICE transport", about one connection in fifteen): another try with a new peer then works.
 */
export async function connect(
  options: PeerOptions,
  direction: 'SendOnly' | 'RecvOnly',
  ssrc: number,
  editOffer: (offer: string) => string,
  prepare: (attempt: Attempt) => void,
): Promise<Connected> {
  const signal = options.signal ?? httpSignal(options.url ?? '', options.token);
  const way = options.relay ? { relays: await askTurnServers(options.url ?? '', options.token) } : {};
  for (let tried = 1; ; tried++) {
    const attempt = createAttempt({ ...options, ...way }, direction, ssrc);
    let signalled: Signalled | null = null;
    try {
      prepare(attempt);
      await gathered(attempt.peer, () => attempt.peer.setLocalDescription('offer'));
      const local = attempt.peer.localDescription()?.sdp ?? '';
      const offer = options.rewriteAnswer ? local.replace(/a=candidate:.*\r\n/g, '') : local;
      signalled = await signal(handshakeFirst(editOffer(usableCandidates(offer, isLoopback(options)))));
      const answer = options.rewriteAnswer ? await options.rewriteAnswer(signalled.answer) : signalled.answer;
      attempt.peer.setRemoteDescription(answer, 'answer');
      await opened(attempt);
      const { end } = signalled;
      return { ...attempt, codec: options.codec ?? 'h264', end };
    } catch (error) {
      hangUp(attempt);
      await signalled?.end();
      const flaw = error instanceof Error && error.message.includes('without ICE transport');
      if (!flaw || tried === TRIES) throw error;
    }
  }
}

/** Calls `lost` once when the peer's connection ends by itself. */
export function watch(connected: Connected, lost: (reason: string) => void): void {
  connected.peer.onStateChange((state) => {
    if (state === 'failed' || state === 'disconnected' || state === 'closed')
      lost(`The connection was lost (${state}).`);
  });
}
