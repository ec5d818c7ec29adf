import { randomInt } from 'node:crypto';
import { Audio, cleanup, type IceServer, PeerConnection, type RtcConfig, type Track, Video } from 'node-datachannel';
import { Problem } from '../../config/problem.ts';
import type { StreamShape } from '../../frame/h264-level.ts';
import type { LinkState } from '../port.ts';
import { type Announce, withAnnounced } from './candidates.ts';
import { INVITATION } from './invitation.ts';
import { LinkIce } from './link-ice.ts';
import {
  fmtpValue,
  type Offer,
  type OfferFormat,
  type OfferSection,
  type SoundOffer,
  sendingFmtp,
  usableCandidates,
  withPlayoutDelay,
} from './sdp.ts';
import { needsSolo, type SoloSound, soloOffer, withIdle } from './solo.ts';
import { isWildcard, type PortRange } from './udp-ports.ts';

export interface IceOptions {
  /** Address to offer and listen on; all interfaces where absent. */
  bindAddress?: string;
  /** UDP ports, inclusive. */
  portRange?: [first: number, last: number];
  /** Places in that range: a peer that finds none ends the process. */
  places?: PortRange;
  /** One UDP port for all, held by the engine (udp-ports.ts); in place of a range. */
  sharedPort?: number;
  /** What is told of our addresses. */
  announce?: Announce;
  /** For our own peers: TURN servers to go through where there is no direct way. */
  relays?: readonly IceServer[];
}

const GATHER_MS = 1500;
const CONNECT_MS = 10_000;
/** Names what we send: the streams of one connection are one source's (RFC 3550 §6.5.1). */
export const CNAME = 'understudy';
let count = 0;

export const isLoopback = (ice: IceOptions): boolean =>
  ice.bindAddress !== undefined && (ice.bindAddress.startsWith('127.') || ice.bindAddress === '::1');

export function createPeer(name: string, ice: IceOptions): PeerConnection {
  const config: RtcConfig = { iceServers: [], disableAutoNegotiation: true };
  if (ice.bindAddress && !isWildcard(ice.bindAddress)) config.bindAddress = ice.bindAddress;
  if (ice.portRange) [config.portRangeBegin, config.portRangeEnd] = ice.portRange;
  if (ice.sharedPort) {
    config.enableIceUdpMux = true;
    config.portRangeBegin = config.portRangeEnd = ice.sharedPort;
  }
  if (ice.relays) config.iceServers = [...ice.relays];
  return new PeerConnection(`${name}${count++}`, config);
}

/** Ends libdatachannel's threads, and every connection with them: without it a process does not end by itself. Last of all. */
export const releasePeers = (): void => cleanup();

/** Resolves when every candidate is in the local description, or after 1.5 s with those there are. */
export function gathered(peer: PeerConnection, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, GATHER_MS);
    peer.onGatheringStateChange((state) => {
      if (state !== 'complete') return;
      clearTimeout(timer);
      resolve();
    });
    try {
      start();
    } catch (error) {
      clearTimeout(timer);
      reject(error);
    }
  });
}

/**
 * A camera may send a higher level than it offered where level asymmetry is allowed (RFC 6184 §8.2.2): say 5.2, so that
 * nothing up to 4096 wide is scaled down for us.
 */
function receivingFmtp(fmtp: string): string {
  if (fmtpValue(fmtp, 'level-asymmetry-allowed') !== '1') return fmtp;
  return fmtp.replace(/(profile-level-id=[0-9a-f]{4})[0-9a-f]{2}/i, '$134');
}

function addFormat(media: Video, format: OfferFormat, { receiving, stream }: LinkOptions): void {
  if (format.name === 'H264') {
    const sending = stream ? sendingFmtp(format.fmtp, stream) : format.fmtp;
    media.addH264Codec(format.payloadType, receiving ? receivingFmtp(format.fmtp) : sending);
  } else if (format.name === 'VP8') media.addVP8Codec(format.payloadType);
  else media.addVideoCodec(format.payloadType, format.name);
}

export interface LinkOptions {
  name: string;
  ice: IceOptions;
  offer: Offer | SoundOffer;
  /** True for a camera's link: we receive. */
  receiving: boolean;
  /** What a viewer is sent, where that is known: the answer tells its level. */
  stream?: StreamShape | undefined;
  state(state: LinkState, reason: string): void;
  /** Only the video section is given to libdatachannel (solo.ts). */
  solo?: boolean;
  /** Datagrams of the sound of a camera or a mixer. */
  audio?(datagram: Buffer): void;
}

/** The section that the connection is for. */
const mainOf = (offer: Offer | SoundOffer): OfferSection => ('video' in offer ? offer.video : offer.sound.section);

function soloSound({ sound }: Offer | SoundOffer): SoloSound | null {
  return sound && { mid: sound.section.mid, payloadType: sound.format.payloadType };
}

/** One answered peer connection. Owns peer, tracks and its connect timer; `state` says `closed` once, last. */
export class Link {
  /** The picture's; the sound's where that is all. */
  readonly track: Track;
  readonly ssrc = randomInt(1, 2 ** 31);
  readonly soundSsrc = randomInt(2 ** 31, 2 ** 32);
  answer = '';
  readonly #options: LinkOptions;
  readonly #peer: PeerConnection;
  /** Native objects that must not be collected while the peer lives. */
  readonly #kept: unknown[] = [];
  readonly #tracks: Track[] = [];
  readonly #connectTimer: NodeJS.Timeout;
  #ice: LinkIce | null = null;
  readonly #givePort: () => void;
  #state: LinkState = 'connecting';
  #sound: Track | null = null;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.#givePort = options.ice.places?.take() ?? (() => undefined);
    this.#peer = createPeer(options.name, options.ice);
    this.#peer.onStateChange((state) => this.#peerState(state));
    const main = mainOf(options.offer);
    let mainTrack: Track | null = null;
    for (const section of options.solo ? [main] : options.offer.sections) {
      const track = this.#addSection(section);
      if (section === main) mainTrack = track;
    }
    this.track = mainTrack as Track;
    this.#connectTimer = setTimeout(() => this.close('It did not connect within 10 s.'), CONNECT_MS);
    this.#connectTimer.unref();
  }

  /** Answers the offer. Throws `Problem` sdp_malformed for what libdatachannel refuses. */
  static async open(options: LinkOptions, prepare: (link: Link) => void, sdp: string): Promise<Link> {
    const { mid, playoutDelayId } = mainOf(options.offer);
    const soundMid = options.offer.sound?.section.mid;
    const solo = options.receiving && (needsSolo(sdp, mid) || (soundMid !== undefined && needsSolo(sdp, soundMid)));
    const link = new Link({ ...options, solo });
    try {
      prepare(link);
      const invites = sdp === INVITATION;
      const remote = usableCandidates(solo ? soloOffer(sdp, mid) : sdp, isLoopback(options.ice));
      await gathered(link.#peer, () => {
        if (invites) {
          link.#peer.setLocalDescription('offer');
          return;
        }
        link.#peer.setRemoteDescription(remote, 'offer');
        link.#peer.setLocalDescription('answer');
      });
      if (!invites) link.#ice = link.#iceWith(remote, false);
      const answer = withAnnounced(link.#peer.localDescription()?.sdp ?? '', options.ice.announce);
      if (!answer) throw new Error('The answer could not be built.');
      if (options.receiving) link.answer = solo ? withIdle(answer, sdp, mid, soloSound(options.offer)) : answer;
      else link.answer = withPlayoutDelay(answer, mid, playoutDelayId);
      return link;
    } catch (error) {
      link.close('The offer was refused.');
      if (error instanceof Problem) throw error;
      throw new Problem('sdp_malformed', error instanceof Error ? error.message : undefined);
    }
  }

  /** The client's answer to an invitation. Throws `Problem` sdp_malformed for what libdatachannel refuses. */
  accept(answer: string): void {
    // The client's checks reach us without: libdatachannel may have no transport yet to put a candidate into.
    const remote = answer.replace(/^a=candidate:.*\r?\n/gm, '');
    try {
      this.#peer.setRemoteDescription(remote, 'answer');
    } catch (error) {
      throw new Problem('sdp_malformed', error instanceof Error ? error.message : undefined);
    }
    this.#ice = this.#iceWith(remote, true);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Candidates and restarts; throws `Problem` session_unknown where the link is gone. */
  get ice(): LinkIce {
    if (!this.#ice || this.#state === 'closed') throw new Problem('session_unknown');
    return this.#ice;
  }

  /** Keeps a native object (a media handler) as long as the link. */
  keep(object: unknown): void {
    this.#kept.push(object);
  }

  /** Whether all packets of the connection come by `track` (solo.ts). */
  get solo(): boolean {
    return this.#options.solo ?? false;
  }

  /** False where the packet could not go out. */
  send(packet: Buffer): boolean {
    if (this.#state !== 'connected') return false;
    try {
      return this.track.isOpen() && this.track.sendMessageBinary(packet);
    } catch {
      return false;
    }
  }

  /** The same for the sound's track, where the viewer takes sound. */
  sendSound(packet: Buffer): boolean {
    if (this.#state !== 'connected' || !this.#sound) return false;
    try {
      return this.#sound.isOpen() && this.#sound.sendMessageBinary(packet);
    } catch {
      return false;
    }
  }

  close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#connectTimer);
    this.#ice?.close();
    // Not from inside one of the peer's own callbacks.
    setImmediate(() => {
      // A track that is not closed itself keeps its handlers, and with them this link, for ever.
      for (const track of this.#tracks) track.close();
      this.#peer.close();
      this.#kept.length = 0;
      this.#givePort();
    });
    this.#options.state('closed', reason);
  }

  #iceWith(remote: string, invited: boolean): LinkIce {
    const { ice, offer } = this.#options;
    const loopbackOnly = isLoopback(ice);
    const { mid } = mainOf(offer);
    return new LinkIce({ peer: this.#peer, ice, mid, loopbackOnly, remote, invited, told: () => this.answer });
  }

  #addSection(section: OfferSection): Track | null {
    if (section.removed) return null;
    const { offer } = this.#options;
    if ('video' in offer && section === offer.video) return this.#addVideo(section, offer.format);
    if (section.kind === 'audio') return this.#addAudio(section);
    const [format] = section.formats;
    if (section.kind !== 'video' || !format) return null;
    const media = new Video(section.mid, 'Inactive');
    addFormat(media, format, this.#options);
    return this.#addTrack(media);
  }

  #addVideo(section: OfferSection, format: OfferFormat): Track {
    const { receiving } = this.#options;
    const media = new Video(section.mid, receiving ? 'RecvOnly' : 'SendOnly');
    addFormat(media, format, this.#options);
    // Some players stay black without an msid.
    if (!receiving) media.addSSRC(this.ssrc, CNAME, CNAME, 'video');
    return this.#addTrack(media);
  }

  /** The first section that suits carries the sound; a viewer's is open also while a feed has none, because a mixer may come later. */
  #addAudio(section: OfferSection): Track | null {
    const opus = section.formats.find((format) => format.name === 'OPUS');
    if (!opus) return null;
    const { receiving, audio, offer } = this.#options;
    const used = section === offer.sound?.section;
    const media = new Audio(section.mid, used ? (receiving ? 'RecvOnly' : 'SendOnly') : 'Inactive');
    // FFmpeg names no parameters; the binding takes a string or nothing at all.
    if (opus.fmtp) media.addOpusCodec(opus.payloadType, opus.fmtp);
    else media.addOpusCodec(opus.payloadType);
    // The picture's name and stream, so that players keep both in step.
    if (used && !receiving) media.addSSRC(this.soundSsrc, CNAME, CNAME, 'sound');
    const track = this.#addTrack(media);
    if (used) this.#sound = track;
    if (used && receiving && audio) track.onMessage((datagram) => audio(datagram));
    return track;
  }

  #addTrack(media: Video | Audio): Track {
    const track = this.#peer.addTrack(media);
    this.#kept.push(media);
    this.#tracks.push(track);
    return track;
  }

  #peerState(state: string): void {
    if (this.#state === 'closed') return;
    if (state === 'connected' && this.#state === 'connecting') {
      this.#state = 'connected';
      clearTimeout(this.#connectTimer);
      this.#options.state('connected', 'It is connected.');
    } else if (state === 'failed' || state === 'disconnected' || state === 'closed') {
      this.close(`The connection was lost (${state}).`);
    }
  }
}
