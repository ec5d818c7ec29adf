import { randomInt } from 'node:crypto';
import { RtcpNackResponder } from 'node-datachannel';
import { Problem } from '../../config/problem.ts';
import type { VideoCodec } from '../../frame/coded.ts';
import type { IceCredentials, RestartedIce, StreamKind, ViewerSession, ViewerStats } from '../port.ts';
import {
  ntpMiddleNow,
  OPUS_HZ,
  reportNow,
  type SoundTarget,
  type StreamInstant,
  soundTarget,
  VIDEO_HZ,
} from './audio-sender.ts';
import { INVITATION } from './invitation.ts';
import { CNAME, type IceOptions, Link } from './link.ts';
import { KEY_INTERVAL_MS, KeyAllowance } from './pacer.ts';
import { isRtcp } from './packet.ts';
import { Reception } from './reception.ts';
import { parseRtcp, type ReceptionReport } from './rtcp.ts';
import { type Offer, parseOffer } from './sdp.ts';
import type { StreamTarget } from './sender.ts';

/** Packets kept for retransmission: two seconds at 4 Mbps. */
const NACK_PACKETS = 1024;

export interface ViewerOptions {
  ice: IceOptions;
  codec: VideoCodec;
  /** What is sent, where that is known. */
  stream: StreamKind | undefined;
  /** A receiver reports at least every few seconds: one that is silent for this long is gone. */
  silenceMs: number;
  keyWanted(): void;
  /** Once, whatever ended it. */
  closed(reason: string): void;
}

/** One viewer's connection: owns its link; sends nothing before its first key frame. */
export class RtpViewer implements ViewerSession, StreamTarget {
  readonly id: string;
  readonly payloadType: number;
  playoutDelayId: number;
  readonly ssrc: number;
  seq = randomInt(0, 0x10000);
  /** True until a key frame has gone out. */
  waitsForKey = true;
  skipped = 0;
  /** Null where the viewer takes no sound. */
  readonly sound: SoundTarget | null;
  readonly #link: Link;
  readonly #options: ViewerOptions;
  #lastRtcpMs = performance.now();
  #packets = 0;
  #bytes = 0;
  #nacks = 0;
  readonly #reception = new Reception();
  #keyRequests = 0;
  readonly #keyAllowance = new KeyAllowance();
  #keyAskedMs = -Infinity;
  #failed = false;
  /** True until our offer is answered. */
  #invited: boolean;

  private constructor(id: string, offer: Offer, link: Link, options: ViewerOptions, invited: boolean) {
    this.id = id;
    this.#invited = invited;
    this.payloadType = offer.format.payloadType;
    this.playoutDelayId = offer.video.playoutDelayId;
    this.ssrc = link.ssrc;
    this.#link = link;
    this.#options = options;
    this.sound =
      offer.sound &&
      soundTarget(offer.sound.format.payloadType, link.soundSsrc, (packet) => void link.sendSound(packet));
    const nacks = new RtcpNackResponder(NACK_PACKETS);
    link.keep(nacks);
    link.track.setMediaHandler(nacks);
    link.track.onMessage((datagram) => this.#datagram(datagram));
    link.track.onOpen(() => options.keyWanted());
  }

  static async open(id: string, sdp: string, options: ViewerOptions): Promise<RtpViewer> {
    const { codec, stream } = options;
    const offer = parseOffer(sdp, { sends: false, codec, stream });
    let viewer: RtpViewer | null = null;
    let answered = false;
    await Link.open(
      {
        name: 'viewer',
        ice: options.ice,
        offer,
        receiving: false,
        stream,
        state: (state, reason) => {
          if (state === 'connected') viewer?.noteConnected();
          if (state === 'closed' && answered) options.closed(reason);
        },
      },
      (link) => {
        viewer = new RtpViewer(id, offer, link, options, sdp === INVITATION);
      },
      sdp,
    );
    answered = true;
    return viewer as unknown as RtpViewer;
  }

  get answer(): string {
    return this.#link.answer;
  }

  /** True when pictures can go out. */
  get ready(): boolean {
    return this.#link.state === 'connected' && this.#link.track.isOpen();
  }

  stats(): ViewerStats {
    return {
      state: this.#link.state,
      packets: this.#packets,
      nacks: this.#nacks,
      keyRequests: this.#keyRequests,
      skipped: this.skipped,
      fractionLost: this.#reception.fractionLost,
      roundTripMs: this.#reception.roundTripMs,
    };
  }

  trickle(candidates: readonly string[]): void {
    this.#link.ice.trickle(candidates);
  }

  async restart(client: IceCredentials): Promise<RestartedIce> {
    return this.#link.ice.restart(client);
  }

  /** A viewer's answer to our offer. */
  accept(answer: string): void {
    if (!this.#invited) throw new Problem('media_type_wrong', 'This session has its answer.');
    const { codec, stream } = this.#options;
    const { format, video } = parseOffer(answer, { sends: false, codec, stream });
    if (format.payloadType !== this.payloadType) throw new Problem('sdp_unusable', 'Its payload type is another.');
    this.#link.accept(answer);
    this.#invited = false;
    this.playoutDelayId = video.playoutDelayId;
  }

  noteConnected(): void {
    this.#lastRtcpMs = performance.now();
  }

  /** Whether this frame's packets go to this viewer; counts those that do not. */
  takes(key: boolean): boolean {
    if (!this.ready) return false;
    if (this.#failed) this.waitsForKey = true;
    this.#failed = false;
    if (key) this.waitsForKey = false;
    if (this.waitsForKey) this.skipped++;
    return !this.waitsForKey;
  }

  send(packet: Buffer): void {
    if (this.#link.send(packet)) {
      this.#packets++;
      this.#bytes += packet.length;
    } else this.#failed = true;
  }

  /** Sender reports of both streams, given the last instants that went out; called about once a second. */
  report(picture: StreamInstant | null, sound: StreamInstant | null): void {
    if (!this.ready || this.waitsForKey || !picture) return;
    const counts = { ssrc: this.ssrc, packets: this.#packets, bytes: this.#bytes };
    this.#link.send(reportNow(picture, VIDEO_HZ, counts, CNAME));
    if (sound && this.sound) this.#link.sendSound(reportNow(sound, OPUS_HZ, this.sound, CNAME));
  }

  /** Called about once a second. */
  check(): void {
    if (this.#link.state !== 'connected') return;
    const silentMs = performance.now() - this.#lastRtcpMs;
    if (silentMs > this.#options.silenceMs) this.close('Nothing came from the viewer any more.');
    else if (this.waitsForKey && this.#keyAllowance.take(performance.now())) this.#options.keyWanted();
  }

  close(reason = 'It was closed.'): void {
    this.#link.close(reason);
  }

  #datagram(datagram: Buffer): void {
    if (!isRtcp(datagram)) return;
    this.#lastRtcpMs = performance.now();
    for (const message of parseRtcp(datagram)) {
      if (message.kind === 'nack') this.#nacks++;
      else if (message.kind === 'rr') this.#reported(message.reports);
      else if (message.kind === 'pli' || message.kind === 'fir') this.#keyRequest();
    }
  }

  #reported(reports: readonly ReceptionReport[]): void {
    const ours = reports.find(({ ssrc }) => ssrc === this.ssrc);
    if (ours) this.#reception.note(ours, ntpMiddleNow());
  }

  #keyRequest(): void {
    this.#keyRequests++;
    const nowMs = performance.now();
    // A request in this time is the same one, said twice.
    if (nowMs - this.#keyAskedMs < KEY_INTERVAL_MS / 2 || !this.#keyAllowance.take(nowMs)) return;
    this.#keyAskedMs = nowMs;
    this.#options.keyWanted();
  }
}
