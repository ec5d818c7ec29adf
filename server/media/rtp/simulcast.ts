import { headerExtension } from './extensions.ts';
import { LayerChoice } from './layers.ts';
import { isRtcp } from './packet.ts';
import { type ReceiverOptions, type ReceiverStats, VideoReceiver } from './receiver.ts';
import type { SimulcastOffer } from './simulcast-offer.ts';

/** SSRCs that are remembered: a camera that makes up ever new ones is none. */
const MAX_SSRCS = 32;
/** A layer from which nothing came for this long has been switched off: it is not asked for key frames. */
const SILENT_MS = 1000;

/** A camera's simulcast as one stream: a receiver for each layer, of which the best that arrives is passed on. */
export class SimulcastReceiver {
  readonly #offer: SimulcastOffer;
  readonly #options: ReceiverOptions;
  readonly #choice: LayerChoice;
  readonly #receivers: VideoReceiver[];
  /** Which layer an SSRC is: packets name their stream only until we have reported it once. */
  readonly #layers = new Map<number, number>();

  constructor(offer: SimulcastOffer, options: ReceiverOptions) {
    const count = 'ids' in offer ? offer.ids.length : offer.ssrcs.length;
    this.#offer = offer;
    this.#options = options;
    this.#choice = new LayerChoice(count);
    this.#receivers = Array.from({ length: count }, (_, index) => this.#receiver(index));
  }

  get lastDatagramMs(): number {
    return Math.max(...this.#receivers.map((receiver) => receiver.lastDatagramMs));
  }

  /** Any datagram of the session, RTP or RTCP. */
  datagram(datagram: Buffer): void {
    if (isRtcp(datagram)) {
      for (const receiver of this.#receivers) receiver.datagram(datagram);
      return;
    }
    if (datagram.length < 12 || ((datagram[1] as number) & 0x7f) !== this.#options.payloadType) return;
    const ssrc = datagram.readUInt32BE(8);
    const layer = this.#layers.get(ssrc) ?? this.#identify(datagram, ssrc);
    this.#receivers[layer]?.datagram(datagram);
  }

  /** Asks the layer in use for a key frame. */
  requestKey(): void {
    this.#receivers[this.#choice.current]?.requestKey();
  }

  /** Counts of all layers; rates of the one in use. */
  stats(): ReceiverStats {
    const all = this.#receivers.map((receiver) => receiver.stats());
    const sum = (key: keyof ReceiverStats): number => all.reduce((total, stats) => total + stats[key], 0);
    const used = all[this.#choice.current];
    return {
      packets: sum('packets'),
      lost: sum('lost'),
      recovered: sum('recovered'),
      reordered: sum('reordered'),
      duplicates: sum('duplicates'),
      late: sum('late'),
      nacks: sum('nacks'),
      keyRequests: sum('keyRequests'),
      discardedFrames: sum('discardedFrames'),
      bitrate: used?.bitrate ?? 0,
      fps: used?.fps ?? 0,
    };
  }

  close(): void {
    for (const receiver of this.#receivers) receiver.close();
  }

  #receiver(index: number): VideoReceiver {
    const choice = this.#choice;
    const receiver: VideoReceiver = new VideoReceiver({
      ...this.#options,
      keysUseful: (lastPacketMs) => choice.needed(index) && performance.now() - lastPacketMs < SILENT_MS,
      frame: (picture, rtpTs, arrivalMs, rotation) => {
        const area = picture.width * picture.height;
        const found = choice.frame(index, { key: picture.key, area, rtpTs }, arrivalMs);
        if (found === 'key') receiver.requestKey();
        else if (found) this.#options.frame(picture, found.rtpTs, arrivalMs, rotation);
      },
      senderReport: (report) => {
        choice.report(index, { ntpMs: report.ntpUs / 1000, rtpTs: report.rtpTs });
        if (index === choice.current)
          this.#options.senderReport?.({ ...report, rtpTs: choice.mapped(index, report.rtpTs) });
      },
    });
    return receiver;
  }

  #identify(datagram: Buffer, ssrc: number): number {
    const layer =
      'ids' in this.#offer
        ? this.#offer.ids.indexOf(headerExtension(datagram, this.#offer.streamIdId)?.toString('latin1') ?? '')
        : this.#offer.ssrcs.indexOf(ssrc);
    if (layer >= 0 && this.#layers.size < MAX_SSRCS) this.#layers.set(ssrc, layer);
    return layer;
  }
}
