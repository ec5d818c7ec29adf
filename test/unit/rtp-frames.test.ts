import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { H264RtpPayload, Vp8RtpPayload, RtpPacket as WeriftPacket } from 'werift-rtp';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { splitAnnexB } from '../../server/media/rtp/annexb.ts';
import { FrameAssembler } from '../../server/media/rtp/assemble.ts';
import type { CodedPicture } from '../../server/media/rtp/depacketize.ts';
import { parseRtp, type RtpPacket } from '../../server/media/rtp/packet.ts';
import { MAX_PAYLOAD_BYTES } from '../../server/media/rtp/packetize.ts';
import { FrameSender, type StreamTarget } from '../../server/media/rtp/sender.ts';

/** A NAL unit whose body holds no start code and needs no trimming. */
function nal(header: number, bytes: number, first = 0x80): Buffer {
  const body = randomBytes(bytes);
  for (let i = 0; i < body.length; i++) if (body[i] === 0) body[i] = 1;
  body[0] = first;
  return Buffer.concat([Buffer.from([header]), body]);
}
const SPS = Buffer.from('6742c01fda014016e8', 'hex');
const PPS = Buffer.from('68ce3c80', 'hex');
const annexB = (...units: Buffer[]): Buffer =>
  Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
const coded = (bytes: Buffer, codec: CodedFrame['codec'] = 'h264', rtpTs = 1000): CodedFrame => ({
  codec,
  key: true,
  rtpTs,
  captureUs: 0,
  width: 0,
  height: 0,
  colour: UNKNOWN_COLOUR,
  bytes,
});
const vp8Key = (bytes: number): Buffer => {
  const frame = randomBytes(Math.max(12, bytes));
  frame.set([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x81, 0x02, 0x69, 0x01, 0]);
  return frame;
};

function target(options: Partial<StreamTarget> = {}): StreamTarget & { packets: Buffer[] } {
  const packets: Buffer[] = [];
  return {
    payloadType: 96,
    ssrc: 7,
    playoutDelayId: 0,
    seq: 65533,
    send: (p) => packets.push(Buffer.from(p)),
    packets,
    ...options,
  };
}

function assemble(codec: CodedFrame['codec'], parameterSets: Buffer[] = []) {
  const frames: (CodedPicture & { rtpTs: number })[] = [];
  let keyRequests = 0;
  const assembler = new FrameAssembler(
    codec,
    { frame: (picture, rtpTs) => frames.push({ ...picture, rtpTs }), keyNeeded: () => keyRequests++ },
    parameterSets,
  );
  return { assembler, frames, requests: () => keyRequests };
}
const parsed = (packets: Buffer[]): RtpPacket[] => packets.map((bytes) => parseRtp(bytes) as RtpPacket);

describe('frame → packets → frame', () => {
  test.each([10, 1179, 1180, 1181, 2356, 2357, 60_000])('H.264 slices of %i bytes', (bytes) => {
    const frame = annexB(SPS, PPS, nal(0x65, bytes - 1));
    const to = target();
    new FrameSender('h264').send(coded(frame), [to]);
    const { assembler, frames } = assemble('h264');
    for (const packet of parsed(to.packets)) assembler.packet(packet);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.bytes.equals(frame)).toBe(true);
    expect(frames[0]).toMatchObject({ key: true, rtpTs: 1000, width: 1280, height: 720 });
    expect(Math.max(...to.packets.map((packet) => packet.length))).toBeLessThanOrEqual(12 + MAX_PAYLOAD_BYTES);
  });

  test.each([12, 1176, 1177, 50_000])('VP8 frames of %i bytes', (bytes) => {
    const frame = vp8Key(bytes);
    const to = target();
    new FrameSender('vp8').send(coded(frame, 'vp8'), [to]);
    const { assembler, frames } = assemble('vp8');
    for (const packet of parsed(to.packets)) assembler.packet(packet);
    expect(frames[0]?.bytes.equals(frame)).toBe(true);
    expect(frames[0]).toMatchObject({ key: true, width: 641, height: 361, colour: { matrix: 'bt601' } });
  });

  test('every target gets the same payloads under its own header', () => {
    const plain = target({ ssrc: 1, seq: 10 });
    const delayed = target({ ssrc: 2, seq: 500, payloadType: 102, playoutDelayId: 5 });
    new FrameSender('h264').send(coded(annexB(SPS, PPS, nal(0x65, 5000))), [plain, delayed]);
    const [a, b] = [parsed(plain.packets), parsed(delayed.packets)];
    expect(a.map(({ payload }) => payload.toString('hex'))).toEqual(b.map(({ payload }) => payload.toString('hex')));
    expect(a.map(({ seq }) => seq)).toEqual(a.map((_, i) => 11 + i));
    expect(b.map(({ seq }) => seq)).toEqual(b.map((_, i) => 501 + i));
    expect(b.every(({ ssrc, payloadType, ts }) => ssrc === 2 && payloadType === 102 && ts === 1000)).toBe(true);
    expect(a.map(({ marker }) => marker)).toEqual(a.map((_, i) => i === a.length - 1));
    const { header } = WeriftPacket.deSerialize(delayed.packets[0] as Buffer);
    expect(header.extensions).toEqual([{ id: 5, payload: Buffer.from([0, 0, 0]) }]);
  });

  test('werift reads our H.264 and VP8', () => {
    const frame = annexB(SPS, PPS, nal(0x65, 3000));
    const to = target();
    new FrameSender('h264').send(coded(frame), [to]);
    let fragment: Buffer | undefined;
    const units: Buffer[] = [];
    for (const packet of to.packets) {
      const unit = H264RtpPayload.deSerialize(WeriftPacket.deSerialize(packet).payload, fragment);
      fragment = unit.fragment;
      if (unit.payload) units.push(unit.payload);
    }
    expect(Buffer.concat(units).equals(frame)).toBe(true);

    const picture = vp8Key(4000);
    const vp8 = target();
    new FrameSender('vp8').send(coded(picture, 'vp8'), [vp8]);
    const payloads = vp8.packets.map((packet) => Vp8RtpPayload.deSerialize(WeriftPacket.deSerialize(packet).payload));
    expect(Buffer.concat(payloads.map(({ payload }) => payload)).equals(picture)).toBe(true);
    expect(payloads.map(({ isPartitionHead }) => isPartitionHead)).toEqual(payloads.map((_, i) => i === 0));
  });
});

const rtp = (payload: Buffer, ts: number, marker = false): RtpPacket => ({
  seq: 0,
  ts,
  ssrc: 1,
  marker,
  payloadType: 96,
  payload,
});
const stapA = (...units: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x78]),
    ...units.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 255]), unit]),
  ]);

describe('what cameras do', () => {
  test('parameter sets in one aggregate, and a delta after the key frame', () => {
    const { assembler, frames } = assemble('h264');
    const [idr, slice] = [nal(0x65, 50), nal(0x41, 40)];
    assembler.packet(rtp(stapA(SPS, PPS), 1));
    assembler.packet(rtp(idr, 1, true));
    assembler.packet(rtp(slice, 2, true));
    expect(frames.map(({ key, rtpTs }) => [key, rtpTs])).toEqual([
      [true, 1],
      [false, 2],
    ]);
    expect(splitAnnexB(frames[0]?.bytes as Buffer)).toEqual([SPS, PPS, idr]);
  });

  test('a key frame without parameter sets gets the ones seen before, or the SDP’s', () => {
    const idr = nal(0x65, 50);
    const fromSdp = assemble('h264', [SPS, PPS]);
    fromSdp.assembler.packet(rtp(idr, 1, true));
    expect(splitAnnexB(fromSdp.frames[0]?.bytes as Buffer)).toEqual([SPS, PPS, idr]);
    expect(fromSdp.frames[0]).toMatchObject({ width: 1280, height: 720 });
    const inBand = assemble('h264');
    inBand.assembler.packet(rtp(stapA(SPS, PPS), 1));
    inBand.assembler.packet(rtp(idr, 1, true));
    inBand.assembler.packet(rtp(idr, 2, true));
    expect(splitAnnexB(inBand.frames[1]?.bytes as Buffer)).toEqual([SPS, PPS, idr]);
  });

  test('a frame without a marker ends with the next frame’s first packet', () => {
    const { assembler, frames } = assemble('h264');
    assembler.packet(rtp(stapA(SPS, PPS), 1));
    assembler.packet(rtp(nal(0x65, 50), 1));
    expect(frames).toHaveLength(0);
    assembler.packet(rtp(nal(0x41, 50), 2));
    expect(frames.map(({ rtpTs }) => rtpTs)).toEqual([1]);
  });

  test('nothing before a key frame, and nothing between a gap and the next one', () => {
    const { assembler, frames, requests } = assemble('h264');
    assembler.packet(rtp(nal(0x41, 50), 1, true));
    expect(requests()).toBeGreaterThan(0);
    assembler.packet(rtp(stapA(SPS, PPS), 2));
    assembler.packet(rtp(nal(0x65, 50), 2, true));
    assembler.gap();
    assembler.packet(rtp(nal(0x41, 50), 3, true));
    assembler.packet(rtp(nal(0x65, 50), 4, true));
    expect(frames.map(({ rtpTs }) => rtpTs)).toEqual([2, 4]);
  });

  test('the rest of a key frame whose beginning is lost is not a key frame', () => {
    const { assembler, frames, requests } = assemble('h264', [SPS, PPS]);
    assembler.gap();
    const before = requests();
    // first_mb_in_slice above 0: a later slice of the picture.
    assembler.packet(rtp(nal(0x65, 50, 0x40), 1, true));
    expect(frames).toHaveLength(0);
    expect(requests()).toBeGreaterThan(before);
    const vp8 = assemble('vp8');
    vp8.assembler.packet(rtp(Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 1]), vp8Key(50)]), 1, true));
    expect(vp8.frames).toHaveLength(0);
  });

  test('a broken fragment breaks its frame only until the next key frame', () => {
    const { assembler, frames } = assemble('h264', [SPS, PPS]);
    assembler.packet(rtp(nal(0x65, 9), 1, true));
    assembler.packet(rtp(Buffer.from([0x7c, 0x81, 0x80, 1]), 2));
    assembler.packet(rtp(nal(0x41, 9), 2, true));
    assembler.packet(rtp(nal(0x41, 9), 3, true));
    assembler.packet(rtp(nal(0x65, 9), 4, true));
    expect(frames.map(({ rtpTs }) => rtpTs)).toEqual([1, 4]);
  });

  test('a frame that never ends is given up, and the next key frame shown', () => {
    const { assembler, frames } = assemble('h264', [SPS, PPS]);
    assembler.packet(rtp(nal(0x65, 9), 1));
    const endless = nal(0x65, 60_000);
    for (let packet = 0; packet < 200; packet++) assembler.packet(rtp(endless, 1));
    assembler.packet(rtp(nal(0x65, 9), 1, true));
    expect(frames).toHaveLength(0);
    assembler.packet(rtp(nal(0x65, 9), 2, true));
    expect(frames.map(({ rtpTs }) => rtpTs)).toEqual([2]);
  });

  test('any payloads: no exception, and no frame without its marks', () => {
    for (const codec of ['h264', 'vp8'] as const) {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.boolean(), fc.nat(3))), (packets) => {
          const { assembler, frames } = assemble(codec);
          let ts = 0;
          for (const [payload, marker, step] of packets) {
            ts += step;
            assembler.packet(rtp(Buffer.from(payload), ts, marker));
          }
          for (const frame of frames) expect(frame.bytes.length).toBeGreaterThan(0);
        }),
        { numRuns: 500 },
      );
    }
  });
});

describe('RTP headers', () => {
  test('contributing sources, extension and padding are left out of the payload', () => {
    const head = Buffer.from('b2e1000a00000bb80000002a', 'hex');
    const bytes = Buffer.concat([
      head,
      Buffer.alloc(8),
      Buffer.from('bede00011000aabb', 'hex'),
      Buffer.from([1, 2, 3, 0, 2]),
    ]);
    expect(parseRtp(bytes)).toEqual({
      seq: 10,
      ts: 3000,
      ssrc: 42,
      marker: true,
      payloadType: 97,
      payload: Buffer.from([1, 2, 3]),
    });
  });

  test('noise is null or a packet, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseRtp(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
  });
});
