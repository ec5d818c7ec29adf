import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { VideoCodec } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { NAL, nalType, START_CODE, splitAnnexB } from '../../server/media/rtp/annexb.ts';
import { FrameAssembler } from '../../server/media/rtp/assemble.ts';
import type { CodedPicture } from '../../server/media/rtp/depacketize.ts';
import { isRtcp, parseRtp } from '../../server/media/rtp/packet.ts';
import { ReorderBuffer } from '../../server/media/rtp/reorder.ts';
import { parseSps } from '../../server/media/rtp/sps.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';
import { PAYLOAD_TYPE, packetsOf, type Storm, storm, stormPackets, streamOf } from './streams.ts';

/** The receiving chain as a camera's receiver has it, on a clock of the test's own. */
class Chain {
  readonly frames: (CodedPicture & { rtpTs: number })[] = [];
  /** Sequence numbers asked for again. */
  readonly asked: number[] = [];
  readonly reorder: ReorderBuffer;
  /** The most that were asked for in one request. */
  mostAsked = 0;
  bytesIn = 0;
  #nowMs = 0;

  constructor(codec: VideoCodec) {
    const assembler = new FrameAssembler(codec, {
      frame: (picture, rtpTs) => this.frames.push({ ...picture, rtpTs }),
      keyNeeded: () => undefined,
    });
    this.reorder = new ReorderBuffer({
      packet: (packet) => assembler.packet(packet),
      gap: () => assembler.gap(),
      late: () => undefined,
      nack: (seqs) => {
        this.asked.push(...seqs);
        this.mostAsked = Math.max(this.mostAsked, seqs.length);
      },
    });
  }

  /** One datagram, `ms` after the one before. */
  datagram(bytes: Buffer, ms = 1): void {
    this.#nowMs += ms;
    this.bytesIn += bytes.length;
    const packet = isRtcp(bytes) ? null : parseRtp(bytes);
    if (packet) this.reorder.push(packet, this.#nowMs);
    if (Math.floor(this.#nowMs / 10) !== Math.floor((this.#nowMs - ms) / 10)) this.reorder.tick(this.#nowMs);
  }

  /** Lets time pass without a datagram. */
  wait(ms: number): void {
    const end = this.#nowMs + ms;
    for (; this.#nowMs < end; this.reorder.tick(this.#nowMs)) this.#nowMs += 10;
  }
}

/** Frames told apart by a few letters each, so that a failure can be read. */
const marks = (frames: readonly { bytes: Uint8Array }[]): string[] =>
  frames.map(({ bytes }) => `${bytes.length}:${createHash('sha256').update(bytes).digest('hex').slice(0, 6)}`);

/** A stream's frames as they come out of the receiving chain: start codes of four bytes, no delimiters. */
const wholeFrames = (codec: VideoCodec): { bytes: Uint8Array }[] =>
  streamOf(codec).frames.map(({ bytes }) => {
    if (codec === 'vp8') return { bytes };
    const units = splitAnnexB(bytes).filter(
      (nal) => ![NAL.delimiter, NAL.filler].some((type) => type === nalType(nal)),
    );
    return { bytes: Buffer.concat(units.flatMap((nal) => [START_CODE, nal])) };
  });

test(
  'a storm of packets never throws, gives out no more than came in, and ends with the next clean key frame',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<Storm>({
      name: 'rtp-storm',
      cases: storm,
      check(made) {
        const chain = new Chain(made.codec);
        for (const packet of stormPackets(made)) chain.datagram(packet);
        const out = chain.frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
        // Start codes and parameter sets put in front of a key frame come on top.
        expect(out).toBeLessThanOrEqual(chain.bytesIn * 4 + 4096);
        for (const { width, height, bytes } of chain.frames) {
          expect(bytes.length).toBeGreaterThan(0);
          expect(Math.max(width, height)).toBeLessThanOrEqual(16_384);
        }
        chain.wait(300);
        const { frames, codec } = streamOf(made.codec);
        const from = chain.frames.length;
        // Packets of a sender that goes on, sequence numbers far away or near: what was lost cannot hold it up for long.
        const clean = packetsOf(codec, Array.from({ length: 8 }, () => frames).flat(), chain.reorder.highest & 0xffff);
        for (const packet of clean.flat()) chain.datagram(packet);
        chain.wait(300);
        expect(marks(chain.frames.slice(from))).toEqual(expect.arrayContaining(marks(wholeFrames(codec).slice(0, 1))));
      },
    }),
);

interface Shuffle {
  codec: VideoCodec;
  /** How far each packet is put back, and how often it comes. */
  steps: { late: number; copies: number }[];
}

test('packets out of order and doubled make the same frames', { timeout: CAMPAIGN_MS }, () =>
  campaign<Shuffle>({
    name: 'rtp-shuffle',
    cases: fc.record({
      codec: fc.constantFrom<VideoCodec[]>('h264', 'vp8'),
      steps: fc.array(fc.record({ late: fc.nat(60), copies: fc.integer({ min: 1, max: 3 }) }), { minLength: 1 }),
    }),
    check({ codec, steps }) {
      const { packets } = streamOf(codec);
      const frames = wholeFrames(codec);
      const chain = new Chain(codec);
      const step = (index: number) => steps[index % steps.length] as Shuffle['steps'][number];
      // The stream begins with the packet that comes first: that one stays.
      const order = packets
        .flatMap((packet, index) =>
          Array.from({ length: step(index).copies }, (_, copy) => ({
            packet,
            at: index === 0 && copy === 0 ? -1 : index + step(index + copy).late,
          })),
        )
        .sort((a, b) => a.at - b.at);
      for (const { packet } of order) chain.datagram(packet, 0.1);
      expect(marks(chain.frames)).toEqual(marks(frames));
      expect(chain.reorder.stats.lost).toBe(0);
    },
  }),
);

test('lost packets that are sent again on request make the same frames', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ codec: VideoCodec; lost: number[] }>({
    name: 'rtp-repair',
    cases: fc.record({
      codec: fc.constantFrom<VideoCodec[]>('h264', 'vp8'),
      lost: fc.array(fc.nat(500), { maxLength: 40 }),
    }),
    check({ codec, lost }) {
      const { packets } = streamOf(codec);
      const frames = wholeFrames(codec);
      const gone = new Set(lost.map((index) => 1 + (index % (packets.length - 1))));
      const bySeq = new Map(packets.map((packet) => [packet.readUInt16BE(2), packet]));
      const chain = new Chain(codec);
      const answer = (): void => {
        for (const seq of chain.asked.splice(0)) {
          const packet = bySeq.get(seq);
          if (packet) chain.datagram(packet, 0.05);
        }
      };
      for (const [index, packet] of packets.entries()) {
        if (!gone.has(index)) chain.datagram(packet, 0.2);
        answer();
      }
      // The end of the last frame is asked for after a silence.
      for (let look = 0; look < 12; look++) {
        chain.wait(10);
        answer();
      }
      expect(marks(chain.frames).slice(0, frames.length - 1)).toEqual(marks(frames).slice(0, frames.length - 1));
    },
  }),
);

test('sequence numbers that jump and jump stay cheap', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ stride: number; count: number; every: number }>({
    name: 'rtp-jumps',
    cases: fc.record({
      stride: fc.integer({ min: 1, max: 65_535 }),
      count: fc.integer({ min: 100, max: 2000 }),
      every: fc.integer({ min: 0, max: 3 }),
    }),
    check({ stride, count, every }) {
      const chain = new Chain('h264');
      const base = streamOf('h264').packets[0] as Buffer;
      for (let index = 0; index < count; index++) {
        const packet = Buffer.from(base);
        packet.writeUInt16BE((index * stride) & 0xffff, 2);
        chain.datagram(packet, every);
      }
      chain.wait(100);
      // What is asked for in one go is all that is missing: each packet that jumps looks at every one of these.
      expect(chain.mostAsked).toBeLessThanOrEqual(1024);
    },
  }),
);

test('datagrams of noise are no packets or packets within themselves', { timeout: CAMPAIGN_MS }, () =>
  campaign<Uint8Array>({
    name: 'rtp-noise',
    cases: fc.uint8Array({ maxLength: 1500 }),
    check(noise) {
      const bytes = Buffer.from(noise);
      const packet = parseRtp(bytes);
      if (!packet) return;
      expect(packet.payload.length).toBeLessThanOrEqual(bytes.length - 12);
      const chain = new Chain('h264');
      chain.datagram(bytes);
      chain.wait(200);
    },
  }),
);

/** A unit without a start code in it, and without zeros at its end. */
const unit = fc
  .record({ header: fc.constantFrom(0x65, 0x41, 0x61, 0x06), body: fc.uint8Array({ minLength: 1, maxLength: 4000 }) })
  .map(({ header, body }) => {
    const bytes = Buffer.from([header, ...body.map((byte) => byte || 1)]);
    // first_mb_in_slice = 0: the beginning of a picture.
    if (bytes.length > 1) bytes[1] = 0x80 | (bytes[1] as number);
    return bytes;
  });

test('H.264: what is cut into packets comes out whole', { timeout: CAMPAIGN_MS }, () =>
  campaign<Uint8Array[]>({
    name: 'rtp-h264-whole',
    cases: fc.array(unit, { minLength: 1, maxLength: 6 }),
    check(units) {
      const [sps, pps] = ['6742c01fda014016e8', '68ce3c80'].map((hex) => Buffer.from(hex, 'hex')) as [Buffer, Buffer];
      const all = [sps, pps, Buffer.from([0x65, 0x88, 1]), ...units.map((bytes) => Buffer.from(bytes))];
      const bytes = Buffer.concat(all.flatMap((nal) => [Buffer.from([0, 0, 0, 1]), nal]));
      expect(splitAnnexB(bytes).map((nal) => nal.toString('hex'))).toEqual(all.map((nal) => nal.toString('hex')));
      const frame = { codec: 'h264' as const, key: true, rtpTs: 1, captureUs: 0, width: 0, height: 0 };
      const chain = new Chain('h264');
      for (const packet of packetsOf('h264', [{ ...frame, colour: UNKNOWN_COLOUR, bytes }]).flat())
        chain.datagram(packet);
      expect(marks(chain.frames)).toEqual(marks([{ bytes }]));
    },
  }),
);

test('VP8: what is cut into packets comes out whole', { timeout: CAMPAIGN_MS }, () =>
  campaign<Uint8Array>({
    name: 'rtp-vp8-whole',
    cases: fc.uint8Array({ minLength: 1, maxLength: 20_000 }),
    check(body) {
      const bytes = Buffer.concat([Buffer.from([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1, 0]), body]);
      const frame = { codec: 'vp8' as const, key: true, rtpTs: 1, captureUs: 0, width: 0, height: 0 };
      const chain = new Chain('vp8');
      for (const packet of packetsOf('vp8', [{ ...frame, colour: UNKNOWN_COLOUR, bytes }]).flat())
        chain.datagram(packet);
      expect(marks(chain.frames)).toEqual(marks([{ bytes }]));
    },
  }),
);

const SETS = [
  '6742c01fda014016e8',
  ...splitAnnexB((streamOf('h264').frames[0] as { bytes: Uint8Array }).bytes)
    .filter((nal) => ((nal[0] as number) & 0x1f) === 7)
    .map((nal) => nal.toString('hex')),
  // High profile with scaling lists, cropping and a full VUI.
  '6764001facd9405005bb016a02020280000003008000001e478c18cb',
  '67640033acb403c0113f2e02d4040405',
];

test(
  'a broken sequence parameter set is read or refused, and tells no picture that cannot be',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<{ set: string; flips: { at: number; to: number }[]; more: Uint8Array }>({
      name: 'rtp-sps',
      cases: fc.record({
        set: fc.constantFrom(...SETS, '67'),
        flips: fc.array(fc.record({ at: fc.nat(40), to: fc.nat(255) }), { maxLength: 6 }),
        more: fc.uint8Array({ maxLength: 60 }),
      }),
      check({ set, flips, more }) {
        const nal = Buffer.concat([Buffer.from(set, 'hex'), more]);
        for (const { at, to } of flips) nal[at % nal.length] = to;
        const info = parseSps(nal);
        if (!info) return;
        for (const side of [info.width, info.height]) {
          expect(side).toBeGreaterThan(0);
          expect(side).toBeLessThanOrEqual(16_384);
        }
      },
    }),
);

test('a frame in ever so many tiny packets is given up, and the next one shown', () => {
  for (const codec of ['h264', 'vp8'] as const) {
    const chain = new Chain(codec);
    const first = streamOf(codec).packets[0] as Buffer;
    const tiny = (seq: number, marker: number): Buffer => {
      const payload = codec === 'h264' ? [0x41, 0x80] : [0x10, 1];
      const packet = Buffer.concat([first.subarray(0, 12), Buffer.from(payload)]);
      packet[1] = PAYLOAD_TYPE | marker;
      packet.writeUInt16BE(seq & 0xffff, 2);
      return packet;
    };
    for (let seq = 0; seq < 200_000; seq++) chain.datagram(tiny(seq, 0), 0.001);
    chain.datagram(tiny(200_000, 0x80));
    expect(chain.frames).toEqual([]);
    for (const packet of packetsOf(codec, streamOf(codec).frames, 200_000 & 0xffff).flat()) chain.datagram(packet);
    expect(marks(chain.frames)).toEqual(marks(wholeFrames(codec)));
  }
});
