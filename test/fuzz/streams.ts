/** Real coded streams as RTP datagrams, and what a network or a bad sender may make of them. */
import fc from 'fast-check';
import type { CodedFrame, VideoCodec } from '../../server/frame/coded.ts';
import { FrameSender } from '../../server/media/rtp/sender.ts';
import { SyntheticCamera } from '../fixtures/peer-clip.ts';

export const PAYLOAD_TYPE = 96;
export const SSRC = 0x1234_5678;

/** Frames of a real encoder, the first of them a key frame, and a second one half way. */
function film(codec: VideoCodec, count: number): CodedFrame[] {
  const camera = new SyntheticCamera({ codec, bitrate: 1e6 });
  try {
    return Array.from({ length: count }, (_, index) => {
      if (index === count >> 1) camera.requestKey();
      return camera.next();
    });
  } finally {
    camera.close();
  }
}

/** Cuts frames into datagrams as the front does; sequence numbers wrap round within the first frames. */
export function packetsOf(codec: VideoCodec, frames: readonly CodedFrame[], firstSeq = 65_530): Buffer[][] {
  const sender = new FrameSender(codec);
  let packets: Buffer[] = [];
  const target = {
    payloadType: PAYLOAD_TYPE,
    ssrc: SSRC,
    playoutDelayId: 0,
    seq: firstSeq,
    send: (packet: Buffer) => void packets.push(Buffer.from(packet)),
  };
  return frames.map((frame) => {
    packets = [];
    sender.send(frame, [target]);
    return packets;
  });
}

export interface Stream {
  codec: VideoCodec;
  frames: CodedFrame[];
  packets: Buffer[];
}

export const STREAMS: readonly Stream[] = (['h264', 'vp8'] as const).map((codec) => {
  const frames = film(codec, 12);
  return { codec, frames, packets: packetsOf(codec, frames).flat() };
});

export const streamOf = (codec: VideoCodec): Stream => STREAMS.find((stream) => stream.codec === codec) as Stream;

type Harm =
  | { do: 'flip'; at: number; byte: number; to: number }
  | { do: 'cut'; at: number; keep: number }
  | { do: 'drop'; at: number; count: number }
  | { do: 'again'; at: number; times: number }
  | { do: 'move'; at: number; to: number }
  | { do: 'seq'; at: number; by: number; count: number; stride: number }
  | { do: 'noise'; at: number; bytes: Uint8Array };

const place = fc.nat(1000);
const harm: fc.Arbitrary<Harm> = fc.oneof(
  // The first bytes, headers and descriptors, are where parsers branch.
  fc.record({
    do: fc.constant('flip' as const),
    at: place,
    byte: fc.oneof(fc.nat(18), fc.nat(1200)),
    to: fc.nat(255),
  }),
  fc.record({ do: fc.constant('cut' as const), at: place, keep: fc.nat(40) }),
  fc.record({ do: fc.constant('drop' as const), at: place, count: fc.nat(5) }),
  fc.record({ do: fc.constant('again' as const), at: place, times: fc.nat(5) }),
  fc.record({ do: fc.constant('move' as const), at: place, to: place }),
  fc.record({
    do: fc.constant('seq' as const),
    at: place,
    by: fc.integer({ min: -70_000, max: 70_000 }),
    count: fc.nat(80),
    stride: fc.oneof(fc.constant(0), fc.integer({ min: -600, max: 600 })),
  }),
  fc.record({ do: fc.constant('noise' as const), at: place, bytes: fc.uint8Array({ maxLength: 60 }) }),
);

function apply(packets: Buffer[], change: Harm): Buffer[] {
  const at = change.at % Math.max(1, packets.length);
  const packet = packets[at] ?? Buffer.alloc(0);
  switch (change.do) {
    case 'flip': {
      const flipped = Buffer.from(packet);
      if (flipped.length > 0) flipped[change.byte % flipped.length] = change.to;
      return packets.with(at, flipped);
    }
    case 'cut':
      return packets.with(at, packet.subarray(0, change.keep));
    case 'drop':
      return packets.toSpliced(at, 1 + change.count);
    case 'again':
      return packets.toSpliced(at, 0, ...Array.from({ length: change.times }, () => packet));
    case 'move':
      return packets.toSpliced(at, 1).toSpliced(change.to % packets.length, 0, packet);
    case 'seq':
      return packets.map((old, index) => {
        if (index < at || index > at + change.count || old.length < 4) return old;
        const moved = Buffer.from(old);
        moved.writeUInt16BE((old.readUInt16BE(2) + change.by + (index - at) * change.stride) & 0xffff, 2);
        return moved;
      });
    case 'noise':
      return packets.toSpliced(at, 0, Buffer.from(change.bytes));
  }
}

export interface Storm {
  codec: VideoCodec;
  harms: Harm[];
}

/** A real stream with up to twelve kinds of harm done to it. */
export const storm: fc.Arbitrary<Storm> = fc.record({
  codec: fc.constantFrom<VideoCodec[]>('h264', 'vp8'),
  harms: fc.array(harm, { minLength: 1, maxLength: 12 }),
});

export function stormPackets({ codec, harms }: Storm): Buffer[] {
  let { packets } = streamOf(codec);
  for (const change of harms) packets = packets.length > 0 ? apply([...packets], change) : packets;
  return [...packets];
}
