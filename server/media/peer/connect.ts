import { Audio, type PeerConnection, type Track, Video } from 'node-datachannel';
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
export const SOUND_PAYLOAD_TYPE = 111;
export const MID = '0';
const SOUND_MID = '1';
const NAME = 'understudy';
/**
 * The offerer begins the DTLS handshake. Where the answerer does, its first message often comes before libdatachannel has
 * a transport to receive it, and its repetition a second later.
 */
const handshakeFirst = (offer: string): string => offer.replaceAll('a=setup:actpass', 'a=setup:active');

const TRIES = 6;
const RETRY_MS = 20;
const FAILED_EARLY = 'The server answered, but the media connection failed at once.';
const NO_TRANSPORT_YET = 'without ICE transport';
const STOOD_STILL = 'The server answered, but the media connection stands still.';
/** A connection opens within a second or two, or not at all: the first try is not given the time that the last one gets. */
const FIRST_OPEN_MS = 4000;
const OPEN_MS = 10_000;

/** An open connection; `close()` ends it here and at the server. */
export interface Connected {
  peer: PeerConnection;
  /** The picture's; the sound's where that is all. */
  track: Track;
  sound: Track | null;
  codec: VideoCodec;
  /** Native objects that must live as long as the peer. */
  kept: unknown[];
  end(): Promise<void>;
}

interface Attempt {
  peer: PeerConnection;
  track: Track;
  sound: Track | null;
  kept: unknown[];
}

/** What is offered: which way, under which SSRCs, with sound beside the picture or alone. */
export interface Offered {
  direction: 'SendOnly' | 'RecvOnly';
  ssrc: number;
  soundSsrc: number;
  sound: 'none' | 'beside' | 'alone';
}

function createAttempt(options: PeerOptions, { direction, ssrc, soundSsrc, sound }: Offered): Attempt {
  const peer = createPeer('peer', options);
  const kept: unknown[] = [];
  const picture = sound === 'alone' ? null : addPicture(peer, options, direction, ssrc, kept);
  const heard = sound === 'none' ? null : addSound(peer, direction, soundSsrc, kept);
  return { peer, track: (picture ?? heard) as Track, sound: heard, kept };
}

function addSound(peer: PeerConnection, direction: Offered['direction'], ssrc: number, kept: unknown[]): Track {
  const media = new Audio(SOUND_MID, direction);
  media.addOpusCodec(SOUND_PAYLOAD_TYPE, 'minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1');
  if (direction === 'SendOnly') media.addSSRC(ssrc, NAME, NAME, 'sound');
  const track = peer.addTrack(media);
  kept.push(media, track);
  return track;
}

function addPicture(
  peer: PeerConnection,
  options: PeerOptions,
  direction: Offered['direction'],
  ssrc: number,
  kept: unknown[],
): Track {
  const media = new Video(MID, direction);
  const profile = options.profileLevelId ?? '42e01f';
  if (options.codec === 'vp8') media.addVP8Codec(PAYLOAD_TYPE);
  else media.addH264Codec(PAYLOAD_TYPE, `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${profile}`);
  if (direction === 'SendOnly') media.addSSRC(ssrc, NAME, NAME, 'video');
  const track = peer.addTrack(media);
  kept.push(media, track);
  return track;
}

/** A track that is not closed itself keeps its handlers, and all they know, for ever. */
export function hangUp({ peer, track }: Pick<Attempt, 'peer' | 'track'>): void {
  track.close();
  peer.close();
}

/** Settles when the track is open or the connection has failed; `cancel` takes its timer back. */
function opening(attempt: Attempt, first: boolean): { done: Promise<void>; cancel(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const firewalled = 'The server answered, but no media connection came about within 10 s: a firewall may block UDP.';
  const timer = setTimeout(
    () => reject(new PeerError(first ? STOOD_STILL : firewalled)),
    first ? FIRST_OPEN_MS : OPEN_MS,
  );
  attempt.track.onOpen(() => resolve());
  attempt.peer.onStateChange((state) => {
    if (state === 'failed') reject(new PeerError(FAILED_EARLY));
  });
  // It may fail before anybody waits for it.
  promise.catch(() => undefined);
  return { done: promise, cancel: () => clearTimeout(timer) };
}

/**
 * Offers and waits until it is open. `prepare` sets handlers on the track before anything can arrive.
 * Now and then libdatachannel refuses a candidate because its transport is not there yet ("Got a remote candidate without
 * ICE transport", about one connection in fifteen), or, where the server is very near, looks at its certificate before it has
 * kept the answer's fingerprint ("certificate verify failed", about one in two hundred), or neither opens nor fails (seen twice in some
 * two thousand connections, cause not known): another try with a new peer then works.
 */
export async function connect(
  options: PeerOptions,
  offered: Offered,
  editOffer: (offer: string) => string,
  prepare: (attempt: Attempt) => void,
): Promise<Connected> {
  const signal = options.signal ?? httpSignal(options.url ?? '', options.token);
  const way = options.relay ? { relays: await askTurnServers(options.url ?? '', options.token) } : {};
  for (let tried = 1; ; tried++) {
    const attempt = createAttempt({ ...options, ...way }, offered);
    let signalled: Signalled | null = null;
    try {
      prepare(attempt);
      await gathered(attempt.peer, () => attempt.peer.setLocalDescription('offer'));
      const local = attempt.peer.localDescription()?.sdp ?? '';
      const offer = options.rewriteAnswer ? local.replace(/a=candidate:.*\r\n/g, '') : local;
      signalled = await signal(handshakeFirst(editOffer(usableCandidates(offer, isLoopback(options)))));
      const answer = options.rewriteAnswer ? await options.rewriteAnswer(signalled.answer) : signalled.answer;
      // Before the answer is given: a connection on one machine may have failed by the time that this returns.
      const open = opening(attempt, tried === 1);
      try {
        attempt.peer.setRemoteDescription(answer, 'answer');
        await open.done;
      } finally {
        open.cancel();
      }
      const { end } = signalled;
      return { ...attempt, codec: options.codec ?? 'h264', end };
    } catch (error) {
      hangUp(attempt);
      await signalled?.end();
      const flaw =
        error instanceof Error &&
        (error.message.includes(NO_TRANSPORT_YET) || error.message === FAILED_EARLY || error.message === STOOD_STILL);
      if (!flaw || tried === TRIES) throw error;
      // They come of threads that overtake each other: on a busy machine at once again.
      await new Promise((resolve) => setTimeout(resolve, tried * RETRY_MS));
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
