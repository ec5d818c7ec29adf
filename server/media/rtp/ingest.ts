import { Problem } from '../../config/problem.ts';
import type { CodedFrame, Rotation } from '../../frame/coded.ts';
import type { IceCredentials, IngestSession, IngestSink, IngestStats, RestartedIce, SoundStats } from '../port.ts';
import { AudioIn } from './audio-in.ts';
import { CaptureClock, monotonicUs } from './clock.ts';
import type { CodedPicture } from './depacketize.ts';
import { ORIENTATION_URI, withExtension } from './extensions.ts';
import { type IceOptions, Link } from './link.ts';
import { type ReceiverOptions, VideoReceiver } from './receiver.ts';
import { type Offer, parameterSets, parseOffer, withStartBitrate } from './sdp.ts';
import { SimulcastReceiver } from './simulcast.ts';
import { withSimulcast } from './simulcast-offer.ts';

/** Enough for 1080p to begin at its full size. */
const START_BITRATE = 4e6;

export interface IngestOptions {
  ice: IceOptions;
  /** Bits per second granted to the camera. */
  maxBitrate: number;
  /** A camera that sends neither pictures nor reports for this long has vanished. */
  silenceMs: number;
  sink: IngestSink;
  closed(): void;
}

/** A camera's connection: owns its link, its receiver and its silence timer. */
export class RtpIngest implements IngestSession {
  readonly id: string;
  readonly #options: IngestOptions;
  readonly #offer: Offer;
  readonly #receiver: VideoReceiver | SimulcastReceiver;
  readonly #clock = new CaptureClock();
  #link: Link | null = null;
  readonly #silence: NodeJS.Timeout;
  readonly #sound: AudioIn | null;

  private constructor(id: string, offer: Offer, options: IngestOptions) {
    this.id = id;
    this.#offer = offer;
    this.#options = options;
    const receiving: ReceiverOptions = {
      codec: offer.codec,
      payloadType: offer.format.payloadType,
      parameterSets: parameterSets(offer.format.fmtp),
      maxBitrate: options.maxBitrate,
      orientationId: offer.video.orientationId,
      sendRtcp: (packet) => void this.#link?.send(packet),
      frame: (picture, rtpTs, arrivalMs, rotation) => this.#frame(picture, rtpTs, arrivalMs, rotation),
      senderReport: (report) => this.#sound?.videoReport(report),
    };
    const { simulcast } = offer.video;
    this.#receiver = simulcast ? new SimulcastReceiver(simulcast, receiving) : new VideoReceiver(receiving);
    this.#sound = offer.sound && this.#openSound(offer.sound.format.payloadType);
    this.#silence = setInterval(() => this.#checkSilence(), 1000);
    this.#silence.unref();
  }

  static async open(id: string, sdp: string, options: IngestOptions): Promise<RtpIngest> {
    const offer = parseOffer(sdp, { sends: true });
    const ingest = new RtpIngest(id, offer, options);
    try {
      await ingest.#answer(sdp);
      return ingest;
    } catch (error) {
      ingest.#release();
      throw error;
    }
  }

  get answer(): string {
    const start = Math.min(START_BITRATE, this.#options.maxBitrate);
    const { format, video } = this.#offer;
    const answer = withStartBitrate(this.#link?.answer ?? '', format.payloadType, start);
    const layered = withSimulcast(answer, video.mid, video.simulcast);
    return withExtension(layered, video.mid, video.orientationId, ORIENTATION_URI);
  }

  trickle(candidates: readonly string[]): void {
    this.#link?.ice.trickle(candidates);
  }

  async restart(client: IceCredentials): Promise<RestartedIce> {
    if (!this.#link) throw new Problem('session_unknown');
    return this.#link.ice.restart(client);
  }

  requestKey(): void {
    this.#receiver.requestKey();
  }

  stats(): IngestStats {
    const { bitrate, fps, packets, lost, nacks, keyRequests } = this.#receiver.stats();
    return {
      state: this.#link?.state ?? 'closed',
      codec: this.#offer.codec,
      bitrate,
      fps,
      packets,
      lost,
      nacks,
      keyRequests,
    };
  }

  soundStats(): SoundStats | null {
    return this.#sound?.stats() ?? null;
  }

  close(reason = 'It was closed.'): void {
    this.#link?.close(reason);
  }

  async #answer(sdp: string): Promise<void> {
    let answered = false;
    this.#link = await Link.open(
      {
        name: 'camera',
        ice: this.#options.ice,
        offer: this.#offer,
        receiving: true,
        audio: (datagram) => this.#sound?.datagram(datagram),
        state: (state, reason) => {
          if (state === 'closed') this.#release();
          // A link that never opened is told by the exception.
          if (answered) this.#options.sink.state(state, reason);
        },
      },
      (link) => {
        this.#link = link;
        link.track.onMessage((datagram) => {
          this.#receiver.datagram(datagram);
          if (link.solo) this.#sound?.datagram(datagram);
        });
      },
      sdp,
    );
    answered = true;
  }

  #openSound(payloadType: number): AudioIn {
    return new AudioIn({
      payloadType,
      video: this.#clock,
      sendRtcp: (packet) => void (this.#link?.solo ? this.#link.send(packet) : this.#link?.sendSound(packet)),
      sound: (audio) => this.#options.sink.sound?.(audio),
    });
  }

  #frame(picture: CodedPicture, rtpTs: number, arrivalMs: number, rotation: Rotation): void {
    const frame: CodedFrame = {
      codec: this.#offer.codec,
      key: picture.key,
      rtpTs,
      captureUs: this.#clock.captureUs(rtpTs, monotonicUs()),
      width: picture.width,
      height: picture.height,
      colour: picture.colour,
      bytes: picture.bytes,
      rotation,
    };
    this.#options.sink.frame(frame, arrivalMs);
  }

  #checkSilence(): void {
    const silentMs = performance.now() - this.#receiver.lastDatagramMs;
    if (this.#link?.state === 'connected' && silentMs > this.#options.silenceMs)
      this.close('Nothing came from the camera any more.');
  }

  #release(): void {
    clearInterval(this.#silence);
    this.#receiver.close();
    this.#sound?.close();
    this.#options.closed();
  }
}
