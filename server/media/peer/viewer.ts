import type { CodedFrame } from '../../frame/coded.ts';
import { AudioReceiver, type AudioStats } from '../rtp/audio-receiver.ts';
import { CaptureClock, monotonicUs } from '../rtp/clock.ts';
import { isRtcp } from '../rtp/packet.ts';
import { type ReceiverStats, VideoReceiver } from '../rtp/receiver.ts';
import type { SenderReport } from '../rtp/rtcp.ts';
import { withPlayoutDelay } from '../rtp/sdp.ts';
import { connect, hangUp, MID, PAYLOAD_TYPE, type PeerOptions, SOUND_PAYLOAD_TYPE, watch } from './connect.ts';

/** Id under which the offer names the playout-delay extension, as browsers do. */
const PLAYOUT_DELAY_ID = 5;

export interface ReceivedFrame extends CodedFrame {
  /** performance.now() when its last packet came. */
  arrivalMs: number;
}

/** One Opus packet as it came. */
export interface ReceivedSound {
  /** 48 kHz. */
  rtpTs: number;
  bytes: Uint8Array;
  /** performance.now() when it came. */
  arrivalMs: number;
  lostBefore: number;
}

export interface ViewerOptions extends PeerOptions {
  onFrame(frame: ReceivedFrame): void;
  /** Asks for sound beside the picture. */
  onSound?(sound: ReceivedSound): void;
  /** What the server says of the streams' clocks. */
  onSenderReport?(of: 'picture' | 'sound', report: SenderReport): void;
  /** Every RTP datagram as it comes, before any reordering. */
  onPacket?(datagram: Buffer, arrivalMs: number): void;
}

/** A monitor's receiving end. */
export interface Viewer {
  requestKey(): void;
  stats(): ReceiverStats;
  /** Null where no sound was asked for. */
  soundStats(): AudioStats | null;
  close(): Promise<void>;
}

/** Connects as a monitor (WHEP). Throws `PeerError` with a sentence. */
export async function openViewer(options: ViewerOptions): Promise<Viewer> {
  const codec = options.codec ?? 'h264';
  const clock = new CaptureClock();
  let send: (packet: Buffer) => void = () => undefined;
  let closed = false;
  let sendSound: (packet: Buffer) => void = () => undefined;
  const ears = options.onSound ? openEars(options, (packet) => sendSound(packet)) : null;
  const receiver = new VideoReceiver({
    codec,
    payloadType: PAYLOAD_TYPE,
    sendRtcp: (packet) => send(packet),
    frame: (picture, rtpTs, arrivalMs) =>
      options.onFrame({ codec, rtpTs, arrivalMs, captureUs: clock.captureUs(rtpTs, monotonicUs()), ...picture }),
    senderReport: (report) => options.onSenderReport?.('picture', report),
  });
  try {
    const withDelay = (offer: string): string => withPlayoutDelay(offer, MID, PLAYOUT_DELAY_ID);
    const offered = { direction: 'RecvOnly', ssrc: 0, soundSsrc: 0, sound: ears ? 'beside' : 'none' } as const;
    const connected = await connect(options, offered, withDelay, ({ track, sound }) => {
      sound?.onMessage((datagram) => ears?.datagram(datagram));
      track.onMessage((datagram) => {
        if (!isRtcp(datagram)) options.onPacket?.(datagram, performance.now());
        receiver.datagram(datagram);
      });
      const sender = (on: typeof track) => (packet: Buffer) => {
        try {
          if (!closed && on.isOpen()) on.sendMessageBinary(packet);
        } catch {
          // Closed in this moment: `watch` tells.
        }
      };
      send = sender(track);
      if (sound) sendSound = sender(sound);
    });
    const close = async (): Promise<void> => {
      if (closed) return;
      closed = true;
      receiver.close();
      ears?.close();
      await connected.end();
      hangUp(connected);
    };
    watch(connected, (reason) => {
      if (closed) return;
      void close();
      options.onClosed?.(reason);
    });
    return {
      requestKey: () => receiver.requestKey(),
      stats: () => receiver.stats(),
      soundStats: () => ears?.stats() ?? null,
      close,
    };
  } catch (error) {
    receiver.close();
    ears?.close();
    throw error;
  }
}

const openEars = (options: ViewerOptions, sendRtcp: (packet: Buffer) => void): AudioReceiver =>
  new AudioReceiver({
    payloadType: SOUND_PAYLOAD_TYPE,
    sendRtcp,
    packet: ({ packet, arrivalUs, lostBefore }) => {
      const arrivalMs = performance.now() - (monotonicUs() - arrivalUs) / 1000;
      options.onSound?.({ rtpTs: packet.ts, bytes: packet.payload, arrivalMs, lostBefore });
    },
    senderReport: (report) => options.onSenderReport?.('sound', report),
  });
