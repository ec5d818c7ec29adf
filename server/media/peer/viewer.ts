import type { CodedFrame } from '../../frame/coded.ts';
import { CaptureClock, monotonicUs } from '../rtp/clock.ts';
import { isRtcp } from '../rtp/packet.ts';
import { type ReceiverStats, VideoReceiver } from '../rtp/receiver.ts';
import { withPlayoutDelay } from '../rtp/sdp.ts';
import { connect, hangUp, MID, PAYLOAD_TYPE, type PeerOptions, watch } from './connect.ts';

/** Id under which the offer names the playout-delay extension, as browsers do. */
const PLAYOUT_DELAY_ID = 5;

export interface ReceivedFrame extends CodedFrame {
  /** performance.now() when its last packet came. */
  arrivalMs: number;
}

export interface ViewerOptions extends PeerOptions {
  onFrame(frame: ReceivedFrame): void;
  /** Every RTP datagram as it comes, before any reordering. */
  onPacket?(datagram: Buffer, arrivalMs: number): void;
}

/** A monitor's receiving end. */
export interface Viewer {
  requestKey(): void;
  stats(): ReceiverStats;
  close(): Promise<void>;
}

/** Connects as a monitor (WHEP). Throws `PeerError` with a sentence. */
export async function openViewer(options: ViewerOptions): Promise<Viewer> {
  const codec = options.codec ?? 'h264';
  const clock = new CaptureClock();
  let send: (packet: Buffer) => void = () => undefined;
  let closed = false;
  const receiver = new VideoReceiver({
    codec,
    payloadType: PAYLOAD_TYPE,
    sendRtcp: (packet) => send(packet),
    frame: (picture, rtpTs, arrivalMs) =>
      options.onFrame({ codec, rtpTs, arrivalMs, captureUs: clock.captureUs(rtpTs, monotonicUs()), ...picture }),
  });
  try {
    const withDelay = (offer: string): string => withPlayoutDelay(offer, MID, PLAYOUT_DELAY_ID);
    const connected = await connect(options, 'RecvOnly', 0, withDelay, ({ track }) => {
      track.onMessage((datagram) => {
        if (!isRtcp(datagram)) options.onPacket?.(datagram, performance.now());
        receiver.datagram(datagram);
      });
      send = (packet) => {
        try {
          if (!closed && track.isOpen()) track.sendMessageBinary(packet);
        } catch {
          // Closed in this moment: `watch` tells.
        }
      };
    });
    const close = async (): Promise<void> => {
      if (closed) return;
      closed = true;
      receiver.close();
      await connected.end();
      hangUp(connected);
    };
    watch(connected, (reason) => {
      if (closed) return;
      void close();
      options.onClosed?.(reason);
    });
    return { requestKey: () => receiver.requestKey(), stats: () => receiver.stats(), close };
  } catch (error) {
    receiver.close();
    throw error;
  }
}
