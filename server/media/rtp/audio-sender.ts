import { randomInt } from 'node:crypto';
import type { CodedAudio } from '../../frame/coded.ts';
import { monotonicUs } from './clock.ts';
import { OPUS_HZ } from './opus.ts';
import { type SenderReport, senderReport } from './rtcp.ts';

const RTP_HEADER = 12;
const MAX_BYTES = 1500;

/** Where a stream of sound goes, and what it has carried so far. */
export interface SoundTarget {
  readonly payloadType: number;
  readonly ssrc: number;
  /** Last sequence number used; counted up here. */
  seq: number;
  packets: number;
  bytes: number;
  /** Gets a view that is valid during the call only. */
  send(packet: Buffer): void;
}

export const soundTarget = (payloadType: number, ssrc: number, send: (packet: Buffer) => void): SoundTarget => ({
  payloadType,
  ssrc,
  seq: randomInt(0, 0x10000),
  packets: 0,
  bytes: 0,
  send,
});

/** Sends sound packets as they are: one header a target before one copy of the payload. What was lost before us stays missing. */
export class AudioSender {
  readonly #scratch = Buffer.alloc(RTP_HEADER + MAX_BYTES);

  send(audio: CodedAudio, targets: Iterable<SoundTarget>): void {
    const scratch = this.#scratch;
    const { length } = audio.bytes;
    if (length > MAX_BYTES) return;
    scratch.set(audio.bytes, RTP_HEADER);
    scratch[0] = 0x80;
    scratch.writeUInt32BE(audio.rtpTs >>> 0, 4);
    for (const target of targets) {
      target.seq = (target.seq + 1 + audio.lostBefore) & 0xffff;
      scratch[1] = target.payloadType | (audio.marker ? 0x80 : 0);
      scratch.writeUInt16BE(target.seq, 2);
      scratch.writeUInt32BE(target.ssrc, 8);
      target.packets++;
      target.bytes += length;
      target.send(scratch.subarray(0, RTP_HEADER + length));
    }
  }
}

/** From 1900, where NTP begins, to 1970, microseconds. */
const NTP_EPOCH_US = 2_208_988_800e6;
/** This process's monotonic clock on the wall clock, taken once: reports must not leap when the wall clock is set. */
const WALL_US = Date.now() * 1000 - monotonicUs() + NTP_EPOCH_US;

/** The middle 32 bits of the NTP time of this moment, on the clock of our sender reports. */
export function ntpMiddleNow(): number {
  const us = monotonicUs() + WALL_US;
  const seconds = Math.floor(us / 1e6);
  return (((seconds & 0xffff) << 16) | Math.floor(((us - seconds * 1e6) * 65_536) / 1e6)) >>> 0;
}

/** An instant of a stream: an RTP time and the capture time it stands for. */
export interface StreamInstant {
  rtpTs: number;
  captureUs: number;
}

/**
 * The sender report of a stream at this moment. All streams report on one clock, that of capture times: sound and picture of one
 * capture time have one NTP time, and a player that keeps them in step needs nothing else.
 */
export function reportNow(
  instant: StreamInstant,
  hz: number,
  counts: { ssrc: number; packets: number; bytes: number },
  cname: string,
): Buffer {
  const nowUs = monotonicUs();
  const ticks = Math.round(((nowUs - instant.captureUs) * hz) / 1e6);
  const report: SenderReport = { ssrc: counts.ssrc, ntpUs: nowUs + WALL_US, rtpTs: (instant.rtpTs + ticks) >>> 0 };
  return senderReport({ ...report, packets: counts.packets, bytes: counts.bytes }, cname);
}

export const VIDEO_HZ = 90_000;
export { OPUS_HZ };
