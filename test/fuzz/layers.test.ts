import fc from 'fast-check';
import { expect, test } from 'vitest';
import { headerExtension } from '../../server/media/rtp/extensions.ts';
import { opusTicks } from '../../server/media/rtp/opus.ts';
import { parseRtcp } from '../../server/media/rtp/rtcp.ts';
import { SimulcastReceiver } from '../../server/media/rtp/simulcast.ts';
import { type SimulcastOffer, simulcastOf, withSimulcast } from '../../server/media/rtp/simulcast-offer.ts';
import { LtcDecoder } from '../../server/wire/ltc.ts';
import { CAMPAIGN_MS, campaign } from './campaign.ts';
import { PAYLOAD_TYPE, SSRC, type Storm, storm, stormPackets } from './streams.ts';

/** Header extensions, simulcast, and what is read of sound. */

const OFFERS: SimulcastOffer[] = [{ ids: ['h', 'm', 'l'], streamIdId: 10 }, { ssrcs: [SSRC, SSRC + 1, 3] }];

/** The datagram with a one-byte extension `id` that names its stream (RFC 8285). */
function named(packet: Buffer, id: number, stream: string): Buffer {
  if (packet.length < 12) return packet;
  const words = Math.ceil((1 + stream.length) / 4);
  const extension = Buffer.alloc(4 + words * 4);
  extension.writeUInt32BE((0xbede0000 | words) >>> 0);
  extension[4] = (id << 4) | (stream.length - 1);
  extension.write(stream, 5, 'latin1');
  const head = Buffer.from(packet.subarray(0, 12));
  head[0] = (head[0] as number) | 0x10;
  return Buffer.concat([head, extension, packet.subarray(12)]);
}

test(
  'layers of a simulcast live through storms, streams that nobody offered among them',
  { timeout: CAMPAIGN_MS },
  () =>
    campaign<{ which: number; storms: Storm[]; streams: string[] }>({
      name: 'layers-storm',
      cases: fc.record({
        which: fc.nat(1),
        storms: fc.array(storm, { minLength: 1, maxLength: 3 }),
        streams: fc.array(fc.constantFrom('h', 'm', 'l', 'x', 'hh'), { minLength: 1, maxLength: 4 }),
      }),
      check({ which, storms, streams }) {
        const sent: Buffer[] = [];
        let bytes = 0;
        let bytesIn = 0;
        const receiver = new SimulcastReceiver(OFFERS[which] as SimulcastOffer, {
          codec: storms[0]?.codec ?? 'h264',
          payloadType: PAYLOAD_TYPE,
          sendRtcp: (packet) => void sent.push(packet),
          frame: (picture) => {
            bytes += picture.bytes.length;
          },
        });
        try {
          for (const [index, made] of storms.entries()) {
            for (const packet of stormPackets(made)) {
              const datagram = named(packet, 10, streams[index % streams.length] ?? 'h');
              bytesIn += datagram.length;
              receiver.datagram(datagram);
            }
          }
          receiver.requestKey();
          for (const value of Object.values(receiver.stats())) expect(Number.isFinite(value)).toBe(true);
        } finally {
          receiver.close();
        }
        expect(bytes).toBeLessThanOrEqual(bytesIn * 4 + 4096);
        for (const packet of sent) expect(parseRtcp(packet)[0]?.kind).toBe('rr');
      },
    }),
);

test('a header extension is found, or lies within its packet', { timeout: CAMPAIGN_MS }, () =>
  campaign<{ noise: Uint8Array; id: number; two: boolean }>({
    name: 'layers-extension',
    cases: fc.record({
      noise: fc.uint8Array({ maxLength: 80 }),
      id: fc.integer({ min: 1, max: 15 }),
      two: fc.boolean(),
    }),
    check({ noise, id, two }) {
      const whole = Buffer.concat([Buffer.from([0x90, PAYLOAD_TYPE]), Buffer.alloc(10), Buffer.from(noise)]);
      if (noise.length >= 4) whole.writeUInt16BE(two ? 0x1000 : 0xbede, 12);
      for (const datagram of [whole, Buffer.from(noise)]) {
        expect((headerExtension(datagram, id) ?? []).length).toBeLessThanOrEqual(datagram.length);
      }
      expect(headerExtension(named(whole.subarray(0, 12), 7, 'abc'), 7)?.toString()).toBe('abc');
    },
  }),
);

test(
  'a simulcast of an offer is one that can be told apart, and its answer holds no more than it should',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<{ lines: string[]; mid: string }>({
      name: 'layers-offer',
      cases: fc.record({
        lines: fc.array(
          fc.oneof(
            fc.constantFrom(
              'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
              'a=simulcast:send h;m;l',
              'a=simulcast:recv x send ~h,i;m',
              'a=simulcast:send ',
              'a=ssrc-group:SIM 1 2 3',
              'a=ssrc-group:SIM 1 x -1 99999999999',
              `a=simulcast:send ${'s;'.repeat(60)}`,
            ),
            fc.string({ maxLength: 30, unit: 'binary' }).map((text) => `a=simulcast:send ${text}`),
          ),
          { maxLength: 6 },
        ),
        mid: fc.oneof(fc.constantFrom('0', '$&', "$'", '$`', '$$'), fc.string({ minLength: 1, maxLength: 8 })),
      }),
      check({ lines, mid }) {
        const found = simulcastOf(lines);
        if (!found) return;
        const layers = 'ids' in found ? found.ids : found.ssrcs;
        expect(layers.length).toBeGreaterThan(1);
        expect(layers.length).toBeLessThanOrEqual(6);
        const answer = `v=0\r\nm=video 9 X 96\r\na=mid:${mid}\r\na=recvonly\r\n`;
        const out = withSimulcast(answer, mid, found);
        expect(out.split('a=recvonly').length).toBe(2);
        expect(out.split('m=video').length).toBe(2);
      },
    }),
);

test(
  'any bytes sound for a time that Opus allows, and any sound holds no timecode out of range',
  {
    timeout: CAMPAIGN_MS,
  },
  () =>
    campaign<{ packet: Uint8Array; samples: number[]; sampleRate: number }>({
      name: 'layers-sound',
      cases: fc.record({
        packet: fc.uint8Array({ maxLength: 60 }),
        samples: fc.array(fc.oneof(fc.double({ min: -1, max: 1 }), fc.constantFrom(-1, 1, 0)), { maxLength: 600 }),
        sampleRate: fc.constantFrom(44_100, 48_000, 96_000),
      }),
      check({ packet, samples, sampleRate }) {
        const ticks = opusTicks(packet);
        expect(ticks).toBeGreaterThanOrEqual(0);
        expect(ticks).toBeLessThanOrEqual(5760);
        const decoder = new LtcDecoder(sampleRate, ({ hours, minutes, seconds, frames }) => {
          for (const [value, limit] of [
            [hours, 24],
            [minutes, 60],
            [seconds, 60],
            [frames, 30],
          ] as const) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThan(limit);
          }
        });
        for (let times = 0; times < 3; times++) decoder.push(Float32Array.from(samples));
      },
    }),
);
